//! Where do time and chance come from? WASI's clock and its CSPRNG.

use futures::future::{BoxFuture, FutureExt as _};
use kernel::{Chance, Clock, Instant};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3;
use std::{future::Future, time::Duration};

/// The wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let now = wasip3::clocks::system_clock::now();
        let millis = now.seconds.saturating_mul(1000).saturating_add(i64::from(now.nanoseconds / 1_000_000));
        Instant::from_millis(millis)
    }
}

/// The host's CSPRNG.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        let wanted = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let noise = wasip3::random::random::get_random_bytes(wanted);
        for (byte, chance) in bytes.iter_mut().zip(noise) {
            *byte = chance;
        }
    }
}

/// Sleeps.
pub fn nap(length: Duration) -> BoxFuture<'static, ()> {
    SendWrapper::new(spin_sdk::time::sleep(length)).boxed()
}

/// Starts work that goes on after the answer. It may be lost at any time: only a committed row is a promise.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    wasip3::spawn(work);
}
