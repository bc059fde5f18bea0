//! Do the areas meet as they should? On real databases, with clocks, chance and couriers that the tests play.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends by panicking"
)]

mod foresight;
mod line;
mod order;
mod privacy;
mod records;
mod replays;
mod runs;
mod schedules;
mod sources;
mod stage;
mod tasks;
mod webhooks;
