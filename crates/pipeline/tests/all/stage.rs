//! Which clock, which chance and which bells do tests play?

use futures::future::FutureExt as _;
use kernel::{Chance, Clock, Instant};
use pipeline::{Bell, Bells};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Chance that is the same in each run, and never twice the same within one.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) AtomicU64);

impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut seed = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for byte in bytes {
            seed = seed.rotate_left(9).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ 0x55;
            *byte = seed.to_le_bytes()[3];
        }
    }
}

/// Chance that counts up, so that ids of one instant are in the order in which they were made.
#[derive(Default)]
pub(crate) struct InOrder(AtomicU64);

impl Chance for InOrder {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, one) in bytes.iter_mut().rev().zip(next.iter().rev()) {
            *byte = *one;
        }
    }
}

/// A clock whose hand the test moves.
pub(crate) struct Hand(pub(crate) AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Bells of the executor's own wakers.
pub(crate) struct Ropes;

impl Bells for Ropes {
    fn hang(&self) -> Bell {
        let (rope, rung) = futures::channel::oneshot::channel::<()>();
        (Box::new(rope), rung.map(drop).boxed())
    }
}

/// Tokens for yards whose jobs need none.
pub(crate) static TOKENS: std::sync::LazyLock<pipeline::webhooks::Tokens> =
    std::sync::LazyLock::new(pipeline::webhooks::Tokens::default);
