//! What happened? The ledger: events as they were sent, de-duplicated by an explicit key only, with what every rule said.

mod cloudevents;
mod error;
mod event;
mod ledger;
pub mod past;
mod privacy;
mod service;
mod store;

pub use cloudevents::{BATCH_LIMIT, BATCH_TYPE, Binary, STRUCTURED_TYPE, binary, plain, structured};
pub use error::EventError;
pub use event::{Dedupe, Event, MAX_DEPTH, NewEvent, Origin, fingerprint};
pub use ledger::{Accepted, Entry, accept, known};
pub use privacy::{REDACTIONS, forget};
pub use service::{Filter, children, get, list, seen, stored};
