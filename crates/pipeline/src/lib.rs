//! How does an event become work, and work an effect? [`Door::publish`] writes the event, what every rule said and the
//! jobs in one transaction; [`drain`] claims jobs, runs them and settles what came of them; [`trace`] tells all of it.

mod announce;
mod backtest;
mod books;
mod cancel;
mod chore;
mod decide;
mod door;
mod drain;
mod effect;
mod error;
mod late;
mod left;
mod letters;
mod loops;
pub mod privacy;
pub mod records;
mod regard;
mod removal;
mod reports;
mod reseal;
mod runs;
pub mod schedules;
mod shadow;
pub mod sources;
mod store;
pub mod tasks;
mod tell;
mod trace;
pub mod webhooks;
mod write;
mod zone;

pub use backtest::start as start_backtest;
pub use books::Books;
pub use cancel::cancel;
pub use chore::lay;
pub use decide::{Draft, decide};
pub use door::{Bell, Bells, Door, Receipt};
pub use drain::{Drained, Works, drain};
pub use error::PublishError;
pub use late::{ByRules, Late, Renderer};
pub use letters::{expire_letters, post_letters};
pub use removal::remove_organization;
pub use reports::{report, reports};
pub use reseal::{reseal, sealed_otherwise};
pub use runs::{
    COUNTED_EVENTS, COUNTED_RUNS, LOOKED_THROUGH, RuleRun, RunCounts, RunFilter, RunState, RunStats,
    UnknownRunState, run_stats, runs,
};
pub use tell::tell;
pub use trace::{Trail, trace};
