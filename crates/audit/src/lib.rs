//! What was done, by whom, when, and can it be proved afterwards? Every area appends to a tenant's audit within its own
//! transaction; each row's hash covers the row before it, so that an edited, removed or moved row is found. What is
//! personal in a row can be erased later, and old rows be removed, while the chain still holds.

mod chain;
mod cover;
mod entry;
mod error;
mod file;
mod line;
mod part;
mod service;
mod store;
mod table;
mod verifier;

pub use chain::{GENESIS, Hash, commitment, committed, hash};
pub use cover::{CUT, Cover, Covers, ERASED, Forgotten, PERSON};
pub use entry::{Entry, Filter, Format, Recorded};
pub use error::AuditError;
pub use file::{Expected, FileFault, FileVerifier, Sound};
pub use line::{Line, LineFault};
pub use part::{Content, Part, Salt};
pub use service::{
    Anchor, Trace, append, append_for, append_many, cut, due, erase, export, head, list, personal_data,
    range, sweep, traces, verify, verify_from,
};
pub use table::{HEADINGS, table_row};
pub use verifier::{Broken, Reason, Verified, Verifier};
