//! How does one request wake another in the same instance? By a stream of the component model: the reader waits in its own
//! task, and the runtime wakes it when the other end is dropped.
//!
//! Wakers of the language do not reach over tasks here; wit-bindgen 0.57 has a feature for that (`inter-task-wakeup`), but
//! it cancels a read that is still in a waitable set, which the runtime answers with a trap.

use futures::future::FutureExt as _;
use pipeline::{Bell, Bells};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::wit_stream;

/// Bells that the runtime rings.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinBells;

impl Bells for SpinBells {
    fn hang(&self) -> Bell {
        let (rope, mut reader) = wit_stream::new::<u8>();
        let rung = async move {
            // Nothing is ever written: the end is the ring.
            let _: Option<u8> = reader.next().await;
        };
        (Box::new(SendWrapper::new(rope)), SendWrapper::new(rung).boxed())
    }
}
