//! What was done, by whom, when, and can it be proved afterwards? Every area appends to a tenant's audit within its own
//! transaction; each row's hash covers the row before it, so that an edited, removed or moved row is found.

mod chain;
mod entry;
mod error;
mod service;
mod store;

pub use chain::{Broken, GENESIS, Hash, Reason, Verified, Verifier, hash};
pub use entry::{Entry, Filter, Recorded};
pub use error::AuditError;
pub use service::{append, append_many, list, verify};
