//! How does work get done, at least once, and once where it can be known? A queue of rows: claimed under a lease with a
//! token, settled under the same token, tried again with growing waits, kept as a dead letter when given up.

mod backlog;
mod courier;
mod error;
mod job;
mod privacy;
mod queue;
mod service;
mod store;

pub use backlog::{Backlog, COUNTED, Open, backlog};
pub use courier::{ANSWER_LIMIT, Courier, Lost, Parcel, Receipt};
pub use error::JobError;
pub use job::{Attempt, Ending, Job, Kind, NewJob, Next, Outcome, Patience, State, UnknownName, next};
pub use privacy::{REDACTIONS, forget, take_back, take_back_carriers, take_back_telling};
pub use queue::{
    LEASE, Lease, Leased, Settlement, anything, cancel_run, claim, due_next, enqueue, expire, settle,
};
pub use service::{
    Filter, Place, Stats, attempts, cancel, dead_count, get, list, of_event, place, redrive, retry, stats,
};
