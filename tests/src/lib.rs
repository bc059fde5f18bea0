//! What does it take to drive Signalbox from outside? The program itself, a client, and a receiver that plays a customer.
//!
//! The black-box tests, the load in `bench/` and `cargo xtask openapi` share this. A broken assumption is an error that says
//! what was seen; nothing here waits without a deadline.

mod browser;
mod client;
mod counterpart;
mod crash;
mod receiver;
mod signalbox;
mod wire;

pub use browser::{Arrival, Browser, encode, form};
pub use client::{Answer, Client, Request};
pub use counterpart::{Counterpart, ask};
pub use crash::{Round, crash_round};
pub use receiver::{Delivery, Receiver, Reply};
pub use signalbox::{Credentials, Signalbox};

use std::{
    thread,
    time::{Duration, Instant},
};

/// Looks again and again until there is something, for at most `limit`.
pub fn eventually<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
