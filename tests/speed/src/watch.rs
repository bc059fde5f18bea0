//! How long does one take? So many of them are done that a look at the clock does not matter.

use crate::SPAN;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Nanoseconds for each of `count` things that `pass` does, as a mean over at least one pass and at most about [`SPAN`].
pub(crate) fn nanos(count: usize, mut pass: impl FnMut()) -> Value {
    pass();
    let (mut done, mut passes) = (0_usize, 1_usize);
    let begun = Instant::now();
    loop {
        for _ in 0..passes {
            pass();
        }
        done += passes * count;
        let spent = begun.elapsed();
        if spent >= SPAN {
            return (spent.as_nanos() as f64 / done as f64).into();
        }
        // The clock of a component is a call into the host: as seldom as that each stretch takes some milliseconds.
        if spent < Duration::from_millis(20) {
            passes *= 2;
        }
    }
}
