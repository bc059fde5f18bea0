//! How often may somebody come? Quotas per window, shared by all instances and components.
//!
//! An instance takes a small block of a quota at a time from the shared counters and spends it from memory, so that a
//! busy caller costs one statement in many requests; what a stopped instance had not spent is lost to the caller for the
//! rest of the window (5 % of the limit, and 64, at most: an instance lives for 128 requests). The counters live in a database of their own: losing them with
//! the power costs nobody data, so they are written without a sync.

use crate::{log, store};
use db::{AllTenants, Db, DbError};
use kernel::{Instant, Span};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Blocks per window, and the most in a block.
const BLOCKS: u32 = 20;
const LARGEST_BLOCK: u32 = 64;
/// How often, and how long apart, the counters are tried while another instance writes them.
const TRIES: usize = 50;
const NAP: Duration = Duration::from_micros(500);
/// The most callers remembered in one instance.
const REMEMBERED: usize = 4096;

/// So many of something in a span, by one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Who and what: `caller:usr_…`, `login:203.0.113.9`.
    pub key: String,
    /// How many.
    pub limit: u32,
    /// In how long.
    pub per: Span,
}

impl Quota {
    /// What the quota is called in headers: `default` for a caller's own, else what stands before the colon of its key.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.key.split(':').next() {
            Some("caller") | None => "default",
            Some(name) => name,
        }
    }
}

/// The outcome of taking one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether it was there to be taken.
    pub allowed: bool,
    /// The quota's size.
    pub limit: u32,
    /// The quota's window in seconds.
    pub window_seconds: i64,
    /// At least so many are left.
    pub remaining: u32,
    /// Seconds until the quota is whole again.
    pub reset_seconds: i64,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// In this window, this time included.
    pub this: u32,
    /// In the window before.
    pub before: u32,
}

#[derive(Clone, Copy)]
struct Block {
    window: i64,
    left: u32,
    elsewhere: u32,
}

/// The quotas of one instance.
pub struct Limits {
    counters: Db,
    prepared: Mutex<bool>,
    blocks: Mutex<HashMap<String, Block>>,
}

impl Limits {
    /// Quotas that are counted in `counters`.
    #[must_use]
    pub fn new(counters: Db) -> Self {
        Self { counters, prepared: Mutex::new(false), blocks: Mutex::default() }
    }

    /// The database of the counters: it may be lost, so it is the one to try things on.
    #[must_use]
    pub const fn counters(&self) -> &Db {
        &self.counters
    }

    /// Takes one from the quota. When the counters cannot be reached the caller is let in, and the log told: a broken
    /// limit must not be a broken product.
    pub async fn take(&self, quota: &Quota, now: Instant) -> Taken {
        self.take_many(quota, 1, now).await
    }

    /// Takes some from the quota, all or none.
    pub async fn take_many(&self, quota: &Quota, amount: u32, now: Instant) -> Taken {
        let span = quota.per.as_millis().max(1);
        let window = now.millis().div_euclid(span).saturating_mul(span);
        let taken = |allowed, remaining| Taken {
            allowed,
            limit: quota.limit,
            window_seconds: span / 1000,
            remaining,
            reset_seconds: Span::millis(window.saturating_add(span).saturating_sub(now.millis()))
                .as_seconds_up(),
        };
        if let Some(remaining) = self.spend(&quota.key, window, amount) {
            return taken(true, remaining);
        }
        match self.fetch(quota, window, amount).await {
            Ok(Some(remaining)) => taken(true, remaining),
            Ok(None) => taken(false, 0),
            Err(error) => {
                log::warning(&format!("limits are not enforced at this moment: {error}"));
                taken(true, 0)
            }
        }
    }

    /// Counts one, without a limit; `None` when the counters cannot be reached, which the log is told.
    pub async fn count(&self, key: &str, per: Span, now: Instant) -> Option<Counted> {
        let span = per.as_millis().max(1);
        let window = now.millis().div_euclid(span).saturating_mul(span);
        let outcome = self.count_in(key, window, span).await;
        outcome
            .inspect_err(|error| log::warning(&format!("something is not counted at this moment: {error}")))
            .ok()
    }

    async fn count_in(&self, key: &str, window: i64, span: i64) -> Result<Counted, DbError> {
        self.prepare().await?;
        let mut lease = self.counters.read().await?;
        let mut all = lease.all_tenants()?;
        for _ in 0..TRIES {
            match store::count(&mut all, key, window, span).await {
                Err(DbError::Locked) => self.counters.nap(NAP).await,
                other => return other,
            }
        }
        Err(DbError::Locked)
    }

    fn spend(&self, key: &str, window: i64, amount: u32) -> Option<u32> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let block = blocks.get_mut(key).filter(|block| block.window == window)?;
        block.left = block.left.checked_sub(amount)?;
        Some(block.left.saturating_add(block.elsewhere))
    }

    async fn fetch(&self, quota: &Quota, window: i64, wanted: u32) -> Result<Option<u32>, DbError> {
        self.prepare().await?;
        let mut lease = self.counters.read().await?;
        let mut all = lease.all_tenants()?;
        // What is left of the present block counts, so that a batch does not waste it.
        let held = self.held(&quota.key, window);
        let least = wanted.saturating_sub(held).max(1);
        for amount in [(quota.limit / BLOCKS).clamp(1, LARGEST_BLOCK).max(least), least] {
            let Some(used) = self.patiently(&mut all, quota, window, amount).await? else {
                continue;
            };
            let elsewhere = quota.limit.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
            let left = held.saturating_add(amount).saturating_sub(wanted);
            let block = Block { window, left, elsewhere };
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            if blocks.len() >= REMEMBERED {
                blocks.clear();
            }
            blocks.insert(quota.key.clone(), block);
            return Ok(Some(block.left.saturating_add(elsewhere)));
        }
        Ok(None)
    }

    fn held(&self, key: &str, window: i64) -> u32 {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.get(key).filter(|block| block.window == window).map_or(0, |block| block.left)
    }

    async fn patiently(
        &self,
        all: &mut AllTenants<'_>,
        quota: &Quota,
        window: i64,
        amount: u32,
    ) -> Result<Option<i64>, DbError> {
        for _ in 0..TRIES {
            match store::take(all, &quota.key, window, amount, quota.limit).await {
                Err(DbError::Locked) => self.counters.nap(NAP).await,
                other => return other,
            }
        }
        Err(DbError::Locked)
    }

    /// Makes the table once per instance.
    async fn prepare(&self) -> Result<(), DbError> {
        if *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(());
        }
        let mut lease = self.counters.read().await?;
        let mut all = lease.all_tenants()?;
        for _ in 0..TRIES {
            match store::prepare_counters(&mut all).await {
                Err(DbError::Locked) => self.counters.nap(NAP).await,
                other => {
                    other?;
                    break;
                }
            }
        }
        *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Ok(())
    }

    /// Drops the counters of windows that ended before `now` by more than a day.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn forget(&self, now: Instant) -> Result<(), DbError> {
        self.prepare().await?;
        let mut lease = self.counters.read().await?;
        store::forget(&mut lease.all_tenants()?, (now - Span::days(1)).millis()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::native::Native;
    use futures::executor::block_on;

    fn quota(limit: u32) -> Quota {
        Quota { key: "caller:usr_1".to_owned(), limit, per: Span::minutes(1) }
    }

    #[test]
    fn a_quota_is_given_once_and_comes_back_with_the_next_window() {
        let limits = Limits::new(Native::memory().unwrap());
        let now = Instant::from_millis(60_000);
        let outcomes: Vec<bool> = (0..7).map(|_| block_on(limits.take(&quota(5), now)).allowed).collect();
        assert_eq!(outcomes, [true, true, true, true, true, false, false]);
        let refused = block_on(limits.take(&quota(5), Instant::from_millis(90_500)));
        assert_eq!((refused.allowed, refused.reset_seconds, refused.window_seconds), (false, 30, 60));
        assert!(block_on(limits.take(&quota(5), Instant::from_millis(120_000))).allowed);
    }

    #[test]
    fn what_is_counted_is_told_for_this_window_and_the_one_before() {
        let limits = Limits::new(Native::memory().unwrap());
        let count = |second: i64| {
            let now = Instant::from_millis(second * 1000);
            let counted = block_on(limits.count("denied", Span::minutes(1), now)).unwrap();
            (counted.this, counted.before)
        };
        let counts: Vec<_> = [0, 30, 59, 60, 61, 200].into_iter().map(count).collect();
        assert_eq!(counts, [(1, 0), (2, 0), (3, 0), (1, 3), (2, 3), (1, 0)]);
    }

    #[test]
    fn a_batch_is_taken_whole_or_not_at_all() {
        let limits = Limits::new(Native::memory().unwrap());
        let now = Instant::from_millis(0);
        let take = |amount: u32| {
            let taken = block_on(limits.take_many(&quota(100), amount, now));
            (taken.allowed, taken.remaining)
        };
        assert_eq!(take(1), (true, 99));
        assert_eq!(take(60), (true, 39));
        assert!(!take(40).0);
        assert_eq!(take(39), (true, 0));
        assert!(!take(1).0);
    }

    #[test]
    fn quotas_are_named_by_what_they_are_for() {
        let named = |key: &str| Quota { key: key.to_owned(), ..quota(1) }.name().to_owned();
        assert_eq!(
            (named("caller:usr_1"), named("search:acme-corp")),
            ("default".to_owned(), "search".to_owned())
        );
    }

    #[test]
    fn two_instances_share_a_quota_and_waste_little_of_it() {
        let counters = Native::memory().unwrap();
        let (one, two) = (Limits::new(counters.clone()), Limits::new(counters));
        let now = Instant::from_millis(0);
        let allowed = (0..300)
            .filter(|turn| block_on((if turn % 2 == 0 { &one } else { &two }).take(&quota(200), now)).allowed)
            .count();
        assert_eq!(allowed, 200);
    }
}
