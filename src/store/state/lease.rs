//! Who may act: one at a time, and nobody for ever.

use super::{State, fenced};
use crate::event::Seconds;
use crate::store::head::{Head, LARGEST, Lease};
use crate::store::{Lock, StateError, Store};

/// What asking for the lease gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acquired {
    Yes,
    /// Somebody else works on the state, for so long at most.
    HeldBy {
        holder: String,
        until: Seconds,
    },
}

impl<S: Store> State<S> {
    /// Takes the lease for some seconds, or says who holds it. One that ran out is taken over, and also one whose holder is
    /// proved dead by the lock of the operating system. Each taking raises the fencing token.
    ///
    /// # Errors
    /// A store that fails.
    pub(crate) async fn acquire(
        &mut self,
        holder: &str,
        now: Seconds,
        seconds: Seconds,
    ) -> Result<Acquired, StateError> {
        let acquired = self.try_acquire(holder, now, seconds).await;
        if !matches!(acquired, Ok(Acquired::Yes)) {
            self.held = None;
            self.store.unlock();
        }
        acquired
    }

    async fn try_acquire(&mut self, holder: &str, now: Seconds, seconds: Seconds) -> Result<Acquired, StateError> {
        let lock = self.store.lock()?;
        let own = self.held;
        let lease = Lease { holder: holder.to_owned(), until: now.saturating_add(seconds) };
        let take = |head: &mut Head| {
            match &head.lease {
                Some(Lease { holder, until }) if *until > now && lock != Lock::Ours && own != Some(head.token) => {
                    return Err(StateError::Held { holder: holder.clone(), until: *until });
                }
                // A holder that ends in order gives the lease back.
                Some(_) => head.unswept = true,
                // Whoever has the lock is about to take the lease, and takes it from whoever is faster without the lock.
                None if lock == Lock::Others => {
                    return Err(StateError::Held { holder: "another process".to_owned(), until: now });
                }
                None => {}
            }
            head.token += 1;
            head.lease = Some(lease.clone());
            Ok(Vec::new())
        };
        let mut taken = self.write(now, LARGEST, take).await;
        if matches!(taken, Err(StateError::Held { .. })) {
            // Judged by what was read earlier, which may be long ago.
            self.stale = true;
            taken = self.write(now, LARGEST, take).await;
        }
        match taken {
            Ok(()) => {}
            Err(StateError::Held { holder, until }) => return Ok(Acquired::HeldBy { holder, until }),
            Err(error) => return Err(error),
        }
        self.held = Some(self.head.token);
        self.inherited = self.head.unswept;
        *self.known.borrow_mut() = self.head.watch.blobs.values().cloned().collect();
        Ok(Acquired::Yes)
    }

    /// Holds the lease for some seconds from now.
    ///
    /// # Errors
    /// A lease that is lost, or a store that fails.
    pub(crate) async fn renew(&mut self, now: Seconds, seconds: Seconds) -> Result<(), StateError> {
        let token = self.held.ok_or(StateError::LostLease)?;
        self.doubt(now);
        self.write(now, LARGEST, |head| {
            fenced(head, token)?;
            if let Some(lease) = &mut head.lease {
                lease.until = now.saturating_add(seconds);
            }
            Ok(Vec::new())
        })
        .await
    }

    /// Sweeps, and gives the lease back; nothing where it is lost already.
    ///
    /// # Errors
    /// A store that fails: the lease then ends by itself, and who takes it over sweeps.
    pub(crate) async fn release(&mut self) -> Result<(), StateError> {
        let Some(token) = self.held else { return Ok(()) };
        self.stale = true;
        let swept = match self.sweep().await {
            Ok(()) => true,
            Err(StateError::LostLease) => false,
            Err(error) => {
                self.held = None;
                self.store.unlock();
                return Err(error);
            }
        };
        // No line is added, so that no time is needed.
        let released = self
            .write(0, LARGEST, |head| {
                fenced(head, token)?;
                head.lease = None;
                head.unswept &= !swept;
                Ok(Vec::new())
            })
            .await;
        self.held = None;
        self.store.unlock();
        match released {
            Err(StateError::LostLease) => Ok(()),
            other => other,
        }
    }
}
