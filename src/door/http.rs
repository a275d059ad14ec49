//! Clicks by HTTP.

mod lobby;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::mpsc::Sender;

use super::receive::{LARGEST, Reply, Request, Seen, is_likely, receive};
use crate::config::Revealed;
use crate::event::Seconds;
use crate::model::click::Click;

use lobby::Lobby;

/// Connections that wait to be taken; the system may allow fewer.
const QUEUE: u32 = 4_096;

/// What every request needs.
struct Door {
    secret: Revealed,
    seen: Mutex<Seen>,
    clicks: Sender<Click>,
    clock: fn() -> Seconds,
}

/// Listens on a thread of its own, so that nothing else makes an answer late, until nobody takes clicks any more.
/// Returns the address that it listens on.
///
/// # Errors
/// An address that cannot be listened on.
pub(crate) async fn listen(
    address: SocketAddr,
    secret: Revealed,
    clicks: Sender<Click>,
    clock: fn() -> Seconds,
) -> Result<SocketAddr> {
    let bound = bind(address).await.and_then(TcpListener::into_std);
    let bound = bound.with_context(|| format!("listening on {address}"))?;
    let here = bound.local_addr().with_context(|| format!("listening on {address}"))?;
    let runtime = Builder::new_current_thread().enable_all().build().context("starting the listener for Slack")?;
    let bound = {
        let _here = runtime.enter();
        TcpListener::from_std(bound).context("starting the listener for Slack")?
    };
    let until = clicks.clone();
    let door = Arc::new(Door { secret, seen: Mutex::default(), clicks, clock });
    let serve = async move {
        let server = axum::serve(Lobby::new(bound), router(door));
        // It serves until it is told to stop, and has no errors of its own.
        let _ = server.with_graceful_shutdown(async move { until.closed().await }).await;
    };
    let thread = thread::Builder::new().name("slack-http".to_owned());
    thread.spawn(move || runtime.block_on(serve)).context("starting the listener for Slack")?;
    Ok(here)
}

/// Listens, with room in the system's queue for everybody who presses at once.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A process that starts again takes the address of the one before, whose last connections may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { closing(StatusCode::OK, String::new()) }).fallback(press))
        .fallback(press)
        .with_state(door)
}

/// Any path: Slack asks for the one that somebody wrote into the app's settings.
async fn press(State(door): State<Arc<Door>>, method: Method, headers: HeaderMap, body: Body) -> Response {
    if method != Method::POST {
        return closing(StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (signature, timestamp) = (header("x-slack-signature"), header("x-slack-request-timestamp"));
    if !is_likely(signature, timestamp, (door.clock)()) {
        return closing(StatusCode::UNAUTHORIZED, String::new());
    }
    // What says that it is too large is not waited for. Who goes away while sending reads no answer.
    let is_small = usize::try_from(body.size_hint().lower()).is_ok_and(|size| size <= LARGEST);
    let read = if is_small { to_bytes(body, LARGEST).await.ok() } else { None };
    let Some(body) = read else { return closing(StatusCode::PAYLOAD_TOO_LARGE, String::new()) };
    let request = Request { signature, timestamp, content_type: header(CONTENT_TYPE.as_str()), body: &body };
    let reply = door.answer(request);
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    closing(status, reply.body)
}

impl Door {
    /// Receives a request, and hands on what it asks for. Where there is no room, Slack tells the person, who presses
    /// again.
    fn answer(&self, request: Request<'_>) -> Reply {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reply = receive(request, &self.secret, &mut seen, (self.clock)());
        if let Some(click) = reply.click.take() {
            let id = click.id.clone();
            if self.clicks.try_send(click).is_err() {
                seen.forget(&id);
                return Reply::only(503);
            }
        }
        reply
    }
}

/// An answer after which the connection ends: the lobby has a place for each of them for a short time only.
fn closing(status: StatusCode, body: String) -> Response {
    (status, [(CONNECTION, "close")], body).into_response()
}
