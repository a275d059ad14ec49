//! `stakeout serve`: a watch that also answers in Slack.

use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::{Notify, oneshot};

use super::watch::setup::{Setup, holder};
use super::watch::{After, Baselines, Passes, go_on, teach};
use super::{Status, Voice, complain, now, state, stopped};
use crate::config::{Config, Revealed, Slack};
use crate::desk::{Desk, Office, keep};
use crate::door::{http, socket};
use crate::model::click::Click;
use crate::notify::slack::Names;
use crate::notify::slack::client::Client;
use crate::slack::api_url;
use crate::store::{AnyStore, Place, State};

/// Clicks that wait to be decided. More are refused, so that Slack shows whoever pressed that nothing happened.
const MOST_CLICKS: usize = 4_096;

/// Watch AWS accounts, and answer in Slack: show incidents, take clicks, run what was approved.
///
/// It makes the passes of `stakeout watch`, with the same settings, and keeps one message in Slack for each incident. A
/// plan that enough people approve there is run by this process, once, also when it has to start again in between.
///
/// Clicks come by Socket Mode where `app_token` of `[slack]` is set, which needs no public address, and by HTTP with
/// --listen, where `signing_secret` is set. Who may approve is in `[approval] approvers`.
///
/// Exit status: 0 ended by a signal, 2 could not run.
#[derive(Args)]
pub(super) struct Arguments {
    /// Take clicks by HTTP here. Port 0 takes a free one. TLS is for a proxy in front of it.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    passes: Passes,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let mut config = Config::load(config)?;
    if Names::of(&config.slack).incidents.is_none() {
        bail!("Slack is not set up: serve wants `channel` and `token` of [slack]; `stakeout watch` needs neither");
    }
    let baselines = arguments.passes.baselines()?;
    let place = state::place(&config)?;
    state::block_on(async {
        config.unlock().await;
        let config = Rc::new(config);
        let doors = Doors::of(&config.slack, arguments.listen)?;
        serve(&arguments.passes, &config, (&place, doors), baselines, voice).await
    })
}

/// The ways for clicks to come in, with what each needs.
struct Doors {
    http: Option<(SocketAddr, Revealed)>,
    /// The app's token, and Slack's address.
    socket: Option<(Revealed, String)>,
}

impl Doors {
    /// As the settings have them. Opens nothing.
    fn of(settings: &Slack, listen: Option<SocketAddr>) -> Result<Self> {
        if listen.is_none() && settings.app_token.is_none() {
            bail!(
                "no click can come in: set `app_token` of [slack] for Socket Mode, or give --listen and set \
                 `signing_secret`"
            );
        }
        let http = listen.map(|address| -> Result<_> {
            let secret = settings.signing_secret.as_ref();
            let secret =
                secret.context("--listen wants `signing_secret` of [slack]: it proves that a click is Slack's")?;
            Ok((address, secret.reveal().context("slack.signing_secret")?))
        });
        let socket = settings
            .app_token
            .as_ref()
            .map(|token| -> Result<_> { Ok((token.reveal().context("slack.app_token")?, api_url(settings))) });
        Ok(Self { http: http.transpose()?, socket: socket.transpose()? })
    }

    /// Opens them, each on a thread of its own with a runtime of its own. From here on whoever presses waits for an
    /// answer.
    async fn open(self) -> Result<Receiver<Click>> {
        let (pressed, clicks) = mpsc::channel(MOST_CLICKS);
        if let Some((address, secret)) = self.http {
            let here = http::listen(address, secret, pressed.clone(), now).await?;
            complain(&format!("listening on http://{here}"));
        }
        if let Some((token, api_url)) = self.socket {
            socket::connect(token, &api_url, pressed, complain, now)?;
        }
        Ok(clicks)
    }
}

async fn serve(
    passes: &Passes,
    config: &Rc<Config>,
    (place, doors): (&Place, Doors),
    baselines: Baselines,
    voice: Voice,
) -> Result<Status> {
    let client = Client::connect(&config.slack).map_err(anyhow::Error::msg).context("slack")?;
    let open = async || Ok(State::open(AnyStore::open(place).await?).await?);
    let mut watched: State<AnyStore> = open().await?;
    let created = watched.head().watch.created;
    let setup = Setup::new(config, passes.extra(), created, passes.manner(), voice).await?;
    teach(&mut watched, &setup, passes, baselines, voice).await?;
    let desk = Desk::new(&client, config, setup.account_names(), holder(), now);
    let stir = Notify::new();
    let office = Office { desk: &desk, live: &setup.live, open, stir: &stir, say: complain };
    let (end, ended) = oneshot::channel::<()>();
    let stop = async {
        tokio::select! {
            () = stopped() => {}
            _ = ended => {}
        }
    };
    let passing = async {
        let done = go_on(&mut watched, &setup, passes, &After::Stir(&stir), voice).await;
        drop(end);
        done
    };
    let clicks = doors.open().await?;
    let mut keeping = std::pin::pin!(keep(&office, clicks, stop));
    let mut passing = std::pin::pin!(passing);
    tokio::select! {
        kept = &mut keeping => {
            kept?;
            passing.await
        }
        passed = &mut passing => {
            keeping.await?;
            passed
        }
    }
}
