//! Requests that run side by side on one thread, some at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Work that has not started.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs work side by side, at most some at a time; results come in the order of the work.
pub(crate) async fn side_by_side<'a, T>(most: usize, work: impl IntoIterator<Item = Work<'a, T>>) -> Vec<T> {
    let mut waiting = work.into_iter().enumerate();
    let mut running: Vec<(usize, Work<'a, T>)> = Vec::new();
    let mut done: Vec<(usize, T)> = Vec::new();
    poll_fn(|context| {
        loop {
            let mut ended = false;
            running.retain_mut(|(place, work)| match work.as_mut().poll(context) {
                Poll::Ready(result) => {
                    done.push((*place, result));
                    ended = true;
                    false
                }
                Poll::Pending => true,
            });
            let room = most.max(1) - running.len();
            let before = running.len();
            running.extend(waiting.by_ref().take(room));
            if running.is_empty() {
                return Poll::Ready(());
            }
            // What has just started is not known to whoever wakes, until it is polled.
            if running.len() == before && !ended {
                return Poll::Pending;
            }
        }
    })
    .await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
