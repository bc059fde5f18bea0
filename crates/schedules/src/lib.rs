//! When is an event raised by itself? At a cron expression or an instant, in a time zone, and by a policy for what was missed.
//!
//! Decisions are pure: [`Timetable`] says when, [`Plan`] what is raised and what was missed. [`service`] keeps schedules and
//! what came of them; whoever brings areas together raises the events.

mod definition;
mod error;
mod missed;
mod plan;
mod preview;
mod run;
mod schedule;
pub mod service;
mod store;
mod timetable;
mod timing;

pub use definition::{Bound, Definition, Draft, Patch};
pub use error::ScheduleError;
pub use missed::{Missed, UnknownMissed};
pub use plan::{Plan, Skipped};
pub use preview::{Occurrence, preview};
pub use run::{Outcome, Run, UnknownOutcome};
pub use schedule::{MOST_SCHEDULES, Schedule, event_data};
pub use store::privacy::REDACTIONS;
pub use timetable::{Timetable, TimetableError};
pub use timing::{Timing, When};
