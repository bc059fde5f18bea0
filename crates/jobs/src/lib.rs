//! The queue.

mod courier;

pub use courier::{ANSWER_LIMIT, Courier, Lost, Parcel, Receipt};
