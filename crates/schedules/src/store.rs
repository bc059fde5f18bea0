//! Where do schedules stand? In `schedules`, and what came of them in `schedule_runs`.

pub(crate) mod privacy;
pub(crate) mod run;
pub(crate) mod schedule;
