//! What do people do with records? Everything here runs within the caller's transaction: pipeline brings records and the door
//! for events together, so that a change, its audit row and the events that it raises are one commit.
//!
//! A change is planned first ([`plan`]), which writes nothing; then it is kept ([`keep`]).

mod importing;
mod keeping;
pub mod kinds;
pub mod plan;
mod reading;
#[cfg(test)]
mod tests;

pub use importing::{Import, Meant, OnMatch, Tally};
pub use keeping::keep;
pub use reading::{Limits, any, facts, find, get, limits, list, page};
