//! How does new work start at once? The jobs component is called after the answer; the tick makes it certain anyway.

use crate::{call, nap, spawn};
use http::Method;
use kernel::Secret;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How long the next call waits for more to call for.
const GATHER: Duration = Duration::from_millis(5);

/// One call is under way in this instance; another was wished for meanwhile.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);
static AGAIN: AtomicBool = AtomicBool::new(false);

/// Wakes the queue. Many wishes at once make one call, and one more after it.
pub fn nudge(token: &Secret<String>) {
    AGAIN.store(true, Ordering::Relaxed);
    if UNDER_WAY.swap(true, Ordering::Relaxed) {
        return;
    }
    let token = token.clone();
    spawn(async move {
        let _over = Over;
        while AGAIN.swap(false, Ordering::Relaxed) {
            if let Err(error) =
                call("jobs", Method::POST, "/internal/jobs/tick?seconds=5", Some(&token), &[]).await
            {
                edge::log::warning(&format!(
                    "the queue could not be woken, the next tick will find the work: {error}"
                ));
                return;
            }
            // What came meanwhile is called for together.
            nap(GATHER).await;
        }
    });
}

/// Lets the next wish call again, also when this call was cancelled.
struct Over;

impl Drop for Over {
    fn drop(&mut self) {
        UNDER_WAY.store(false, Ordering::Relaxed);
    }
}
