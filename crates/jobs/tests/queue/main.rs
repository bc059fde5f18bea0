//! Does the queue keep its promises on a real database?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends by panicking"
)]

mod batches;
mod lanes;
mod leases;
mod order;
mod properties;
mod yard;
