//! Connections while they are open: so many at a time, each for so long. Whoever sends slowly, or nothing, loses the
//! connection, and the others do not wait.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Connections at a time: half of the files that a process may usually have open. More wait in the system's queue.
const PLACES: usize = 512;
/// How long a connection lives. Slack waits for three seconds.
const LIFE: Duration = Duration::from_secs(5);
/// The wait after a connection that could not be taken, such as for want of files.
const PAUSE: Duration = Duration::from_millis(50);

/// A listener with places.
pub(super) struct Lobby {
    bound: TcpListener,
    places: Arc<Semaphore>,
}

impl Lobby {
    pub(super) fn new(bound: TcpListener) -> Self {
        Self { bound, places: Arc::new(Semaphore::new(PLACES)) }
    }
}

impl Listener for Lobby {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match self.bound.accept().await {
                Ok((stream, address)) => {
                    return (Guest { stream, until: Box::pin(sleep(LIFE)), _place: place }, address);
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.bound.local_addr()
    }
}

/// A connection that ends in time.
pub(super) struct Guest {
    stream: TcpStream,
    until: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// Fails when the time is over, and wakes whoever waits then.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.until.as_mut().poll(context).is_ready()
    }
}

fn over<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) { over() } else { Pin::new(&mut self.stream).poll_read(context, to) }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over(context) { over() } else { Pin::new(&mut self.stream).poll_write(context, from) }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
