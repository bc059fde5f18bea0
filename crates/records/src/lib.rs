//! What does a tenant keep? Contacts, leads and opportunities, and records of types of its own: flat fields, checked by their
//! type, that raise events when they change.
//!
//! Decisions are pure: a [`Shape`] makes and changes a [`Record`], a [`Change`] says what happened. [`service`] plans changes and
//! keeps them within the caller's transaction; who raises their events is pipeline.

mod amount;
mod built_in;
mod change;
mod conversion;
mod custom;
mod error;
mod field;
mod filter;
mod name;
pub mod privacy;
mod record;
mod record_type;
pub mod service;
pub mod sheet;
mod store;
mod trigger;
mod words;

pub use amount::{Amount, AmountError};
pub use built_in::{CONTACT, LEAD, OPPORTUNITY};
pub use change::{Change, Happening};
pub use conversion::Conversion;
pub use error::RecordError;
pub use field::MOST_LABELS;
pub use filter::Filter;
pub use name::{TypeName, TypeNameError};
pub use record::{Draft, MOST_RECORDS, Record, Shape};
pub use record_type::{MOST_STATUSES, MOST_TYPES, RecordType, TypeDraft, TypePatch};
pub use trigger::{RecordTrigger, built_in_types, triggers};
