//! How does work get done, at least once, and once where it can be known? A queue of rows: claimed under a lease with a
//! token, settled under the same token, tried again with growing waits, kept as a dead letter when given up. Jobs may be
//! laid one behind the other, and of those in a lane only so many run at a time.

mod attempt;
mod backlog;
mod batch;
mod courier;
mod error;
mod job;
mod order;
mod patience;
mod place;
mod privacy;
mod queue;
mod result;
mod runs;
mod service;
mod store;
mod word;

pub use attempt::{Attempt, Ending, Next, Outcome, next};
pub use backlog::{Backlog, COUNTED, Open, backlog};
pub use batch::{Again, Batch, BatchCounts, sent_to};
pub use courier::{ANSWER_LIMIT, Courier, Lost, Parcel, Receipt};
pub use error::JobError;
pub use job::{Job, Kind, NewJob, State};
pub use order::{Gate, Gated, Lane, OnError, Run, Start, Step, Terms, Waits, in_order};
pub use patience::Patience;
pub use place::{Place, Why, place};
pub use privacy::{REDACTIONS, forget, take_back, take_back_carriers, take_back_telling};
pub use queue::{
    LEASE, Lease, Leased, Settled, Settlement, anything, claim, enqueue, expire, gate, put_back, rendered,
    resume, settle,
};
pub use result::{RESULT_LIMIT, result_text};
pub use runs::{cancel_runs, limit_lane, reschedule_run, results_of};
pub use service::{
    Filter, Stats, again, attempts, cancel, dead_count, get, list, of_event, redrive, result, retry, stats,
};
pub use word::UnknownName;
