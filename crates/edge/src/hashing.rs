//! How are passwords hashed without starving everybody else? By permits, as many as the operator allows over all instances, in
//! the database of the counters.
//!
//! Those who wait in one instance stand in a line, and only the first of them looks at the database. A permit is a row with an
//! end, so that an instance that stopped keeps nobody waiting for long.

use crate::{log, store};
use auth::{Busy, Hashing, Permit};
use db::{Db, DbError};
use futures::future::{BoxFuture, FutureExt as _};
use kernel::{Chance, Clock, Instant, Span};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Whoever waited so long is told to come again.
const PATIENCE: Span = Span::seconds(10);
/// How long they should wait then.
const COME_AGAIN: Span = Span::seconds(5);
/// How long a permit lasts that is not given back: longer than a hash takes on a busy machine.
const LIFE: Span = Span::seconds(5);
/// How long to wait between two looks.
const NAP: Duration = Duration::from_millis(8);
/// How often giving back is tried while another instance writes the counters.
const TRIES: usize = 50;

/// Permits to hash, for one instance.
pub struct HashGate {
    counters: Db,
    at_once: u32,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    prepared: AtomicBool,
    line: Mutex<VecDeque<u64>>,
    next: AtomicU64,
}

/// A place in the line of an instance; given up when dropped, also by somebody who went away.
struct Place<'a> {
    gate: &'a HashGate,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.line().retain(|number| *number != self.number);
    }
}

impl HashGate {
    /// At most `at_once` hashes at a time over all instances that share these counters.
    #[must_use]
    pub fn new(counters: Db, at_once: u32, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self {
            counters,
            at_once: at_once.max(1),
            clock,
            chance,
            prepared: AtomicBool::new(false),
            line: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    fn line(&self) -> std::sync::MutexGuard<'_, VecDeque<u64>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) -> Place<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.line().push_back(number);
        Place { gate: self, number }
    }

    fn is_first(&self, place: &Place<'_>) -> bool {
        self.line().front() == Some(&place.number)
    }

    async fn wait(&self) -> Result<Permit, Busy> {
        let place = self.join();
        let until = self.clock.now() + PATIENCE;
        loop {
            let now = self.clock.now();
            if self.is_first(&place) {
                match self.take(now).await {
                    Ok(Some(permit)) => return Ok(permit),
                    Ok(None) | Err(DbError::Locked) => {}
                    Err(error) => {
                        // As with the limits: a broken counter must not be a broken product.
                        log::warning(&format!("hashes are not counted at this moment: {error}"));
                        return Ok(Permit { place: -1, holder: String::new() });
                    }
                }
            }
            if now >= until {
                return Err(Busy(COME_AGAIN));
            }
            self.counters.nap(NAP).await;
        }
    }

    async fn take(&self, now: Instant) -> Result<Option<Permit>, DbError> {
        let mut lease = self.counters.read().await?;
        let mut all = lease.all_tenants()?;
        if !self.prepared.load(Ordering::Relaxed) {
            store::prepare_permits(&mut all).await?;
            self.prepared.store(true, Ordering::Relaxed);
        }
        // A look takes no lock, so those who wait do not keep the limits' counters waiting.
        if store::permits_held(&mut all, now).await? >= i64::from(self.at_once) {
            return Ok(None);
        }
        let mut noise = [0_u8; 16];
        self.chance.fill(&mut noise);
        let holder = format!("{:032x}", u128::from_be_bytes(noise));
        let place = store::take_permit(&mut all, self.at_once, &holder, now, now + LIFE).await?;
        Ok(place.map(|place| Permit { place, holder }))
    }

    async fn give_back(&self, permit: &Permit) -> Result<(), DbError> {
        let mut lease = self.counters.read().await?;
        let mut all = lease.all_tenants()?;
        for _ in 0..TRIES {
            match store::give_permit_back(&mut all, permit.place, &permit.holder).await {
                Err(DbError::Locked) => self.counters.nap(Duration::from_millis(1)).await,
                other => return other,
            }
        }
        Err(DbError::Locked)
    }
}

impl Hashing for HashGate {
    fn permit(&self) -> BoxFuture<'_, Result<Permit, Busy>> {
        self.wait().boxed()
    }

    fn over(&self, permit: Permit) -> BoxFuture<'_, ()> {
        async move {
            // What is not given back ends by itself.
            let _: Result<(), DbError> = self.give_back(&permit).await;
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::native::Native;
    use futures::executor::block_on;
    use std::sync::atomic::AtomicI64;

    /// A clock that goes on by as much as was slept.
    struct Hand(AtomicI64);
    impl Clock for Hand {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.fetch_add(500, Ordering::Relaxed))
        }
    }

    struct Counting(AtomicU64);
    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            bytes.iter_mut().zip(next.iter().cycle()).for_each(|(byte, value)| *byte = *value);
        }
    }

    fn gates(counters: &Db, at_once: u32) -> [HashGate; 2] {
        let clock = Arc::new(Hand(AtomicI64::new(0)));
        let chance = Arc::new(Counting(AtomicU64::new(1)));
        std::array::from_fn(|_| HashGate::new(counters.clone(), at_once, clock.clone(), chance.clone()))
    }

    #[test]
    fn no_more_than_allowed_hash_at_a_time_over_all_instances() {
        let [one, other] = gates(&Native::memory().unwrap(), 2);
        let (first, second) = block_on(async { (one.permit().await, other.permit().await) });
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_ne!(first.place, second.place);
        let now = one.clock.now();
        assert_eq!(block_on(one.take(now)).unwrap(), None);
        block_on(one.over(first));
        assert!(block_on(other.take(now)).unwrap().is_some());
    }

    #[test]
    fn who_waits_too_long_is_told_when_to_come_again() {
        let counters = Native::memory().unwrap();
        let [one, other] = gates(&counters, 1);
        let far = Instant::from_millis(i64::MAX / 2);
        block_on(one.take(far)).unwrap().unwrap();
        assert_eq!(block_on(other.permit()), Err(Busy(COME_AGAIN)));
        assert!(other.line().is_empty(), "who went away does not stand in the line");
    }

    #[test]
    fn a_permit_that_is_not_given_back_ends() {
        let [one, other] = gates(&Native::memory().unwrap(), 1);
        let now = Instant::from_millis(1000);
        let lost = block_on(one.take(now)).unwrap().unwrap();
        assert_eq!(block_on(other.take(now + Span::millis(4999))).unwrap(), None);
        let next = block_on(other.take(now + LIFE)).unwrap().unwrap();
        // The late one cannot give back what another has by now.
        block_on(one.over(lost));
        assert_eq!(block_on(one.take(now + LIFE)).unwrap(), None);
        block_on(other.over(next));
        assert!(block_on(one.take(now + LIFE)).unwrap().is_some());
    }
}
