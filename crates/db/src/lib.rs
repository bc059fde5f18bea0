//! How do we speak to SQL? Through a port: connections that run one statement at a time, transactions that hold the
//! write lock, and scopes that bind the tenant so that no query can forget it.
//!
//! Two adapters exist: `guest` speaks to Spin's SQLite, [`native`] to rusqlite. Both pass [`contract`].

pub mod contract;
#[cfg(feature = "rusqlite")]
pub mod counted;
mod decode;
mod error;
mod migrate;
#[cfg(feature = "rusqlite")]
pub mod native;
mod port;
mod redaction;
mod scope;
mod value;

pub use decode::{Decode, FromValue, Row, Rows};
pub use error::DbError;
pub use migrate::{MIGRATIONS, Migration, SCHEMA_VERSION, VERSION, applied, migrate, statements, verify};
pub use port::{BEGIN, Connection, Db, Lease, Pool, Tx};
pub use redaction::{Found, Redaction};
pub use scope::{AllTenants, Scope};
pub use value::Value;
