//! What time is it for a component?
//!
//! The machine's wall clock, to which a test may add an offset: the file behind `--test-clock` holds a signed number of
//! milliseconds and is read anew at each look, so that a test moves time by writing a file. The monotonic clock, and
//! with it every timeout, is never moved.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::HostWallClock;

/// The wall clock of all components and of the cron trigger.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Option<Arc<PathBuf>>,
}

impl Clock {
    /// The machine's clock, moved by what the file holds, if there is one.
    pub fn new(offset: Option<PathBuf>) -> Self {
        Self { offset: offset.map(Arc::new) }
    }

    /// The time since 1970 in UTC.
    pub fn since_epoch(&self) -> Duration {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let Some(file) = &self.offset else { return real };
        let text = std::fs::read_to_string(file.as_path()).unwrap_or_default();
        let offset = text.trim().parse::<i64>().unwrap_or(0);
        let distance = Duration::from_millis(offset.unsigned_abs());
        if offset < 0 { real.saturating_sub(distance) } else { real.saturating_add(distance) }
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.since_epoch()
    }
}
