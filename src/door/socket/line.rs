//! One connection of Socket Mode, from its ticket to its end.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::envelope::{Said, acknowledgement, read};
use crate::door::receive::{LARGEST, Seen};
use crate::event::Seconds;
use crate::model::click::Click;
use crate::slack::{ANSWER, Failure};

/// How often this side asks whether the other is there, and how long it may say nothing.
const BEAT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(120);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What connections have in common.
pub(super) struct Line {
    clicks: Sender<Click>,
    seen: Seen,
    say: fn(&str),
    clock: fn() -> Seconds,
    /// Somebody was told that there is a connection, and not since that there is none.
    is_told: bool,
    /// A press was handed on over this connection.
    has_taken: bool,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub why: String,
    pub retry_after: Option<Seconds>,
    /// Slack said hello.
    pub was_greeted: bool,
    /// A press was handed on.
    pub has_taken: bool,
    /// As it happens every few hours.
    pub is_routine: bool,
}

/// Why it ended, and whether that is routine.
struct Cut(String, bool);

impl Line {
    pub(super) fn new(clicks: Sender<Click>, say: fn(&str), clock: fn() -> Seconds) -> Self {
        Self { clicks, seen: Seen::default(), say, clock, is_told: false, has_taken: false }
    }

    /// Holds a connection until it ends. The ticket is a secret, and in no reason.
    pub(super) async fn hold(&mut self, ticket: &Url) -> End {
        let mut was_greeted = false;
        self.has_taken = false;
        let Cut(why, is_routine) = match open(ticket).await {
            Ok(mut stream) => self.listen(&mut stream, &mut was_greeted).await,
            Err(cut) => cut,
        };
        self.is_told &= is_routine;
        End { why, retry_after: None, was_greeted, has_taken: self.has_taken, is_routine }
    }

    async fn listen(&mut self, stream: &mut Stream, was_greeted: &mut bool) -> Cut {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let cut = tokio::select! {
                message = stream.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(stream, &text, was_greeted).await,
                        Some(Ok(Message::Close(_))) | None => Err(Cut("Slack closed the connection".to_owned(), false)),
                        Some(Ok(_)) => Ok(()),
                        Some(Err(error)) => Err(Cut(told(&error), false)),
                    }
                }
                _ = beat.tick() => match heard.elapsed() >= SILENCE {
                    true => Err(Cut(format!("Slack said nothing for {} seconds", SILENCE.as_secs()), false)),
                    false => send(stream, Message::Ping(Vec::new().into())).await,
                },
            };
            if let Err(cut) = cut {
                return cut;
            }
        }
    }

    async fn hear(&mut self, stream: &mut Stream, text: &str, was_greeted: &mut bool) -> Result<(), Cut> {
        match read(text) {
            Said::Hello => {
                *was_greeted = true;
                if !self.is_told {
                    (self.say)("Slack: connected by Socket Mode");
                    self.is_told = true;
                }
                Ok(())
            }
            Said::Bye { why, is_routine } => Err(Cut(format!("Slack ends the connection ({why})"), is_routine)),
            Said::Envelope { id, click } => self.take(stream, &id, click).await,
            Said::Other => Ok(()),
        }
    }

    /// Hands on, and answers: a press whose answer is lost is not lost itself, and is known when Slack sends it again.
    /// What there is no room for is not answered: Slack tells the person, who presses again.
    async fn take(&mut self, stream: &mut Stream, id: &str, click: Option<Click>) -> Result<(), Cut> {
        let answer = || Message::Text(acknowledgement(id).into());
        let Some(click) = click.filter(|click| self.seen.is_new(&click.id, (self.clock)())) else {
            return send(stream, answer()).await;
        };
        let Ok(place) = self.clicks.try_reserve() else {
            self.seen.forget(&click.id);
            return Ok(());
        };
        place.send(click);
        self.has_taken = true;
        send(stream, answer()).await
    }
}

async fn open(ticket: &Url) -> Result<Stream, Cut> {
    let limits = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    match timeout(ANSWER, connect_async_with_config(ticket.as_str(), Some(limits), true)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(Cut(told(&error), false)),
        Err(_) => Err(Cut(format!("no answer within {} seconds", ANSWER.as_secs()), false)),
    }
}

async fn send(stream: &mut Stream, message: Message) -> Result<(), Cut> {
    match timeout(ANSWER, stream.send(message)).await {
        Ok(sent) => sent.map_err(|error| Cut(told(&error), false)),
        Err(_) => Err(Cut("Slack takes nothing".to_owned(), false)),
    }
}

/// What went wrong, without the address, which some errors name.
fn told(error: &Error) -> String {
    match error {
        Error::Url(_) => "the address of the connection cannot be used".to_owned(),
        Error::Http(answer) => format!("the answer is {}", answer.status().as_u16()),
        error => Failure::on_the_way(error).to_string(),
    }
}
