//! The host's rules, case by case; nothing here runs wasm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails"
)]

mod allowed;
mod blocked;
mod keyring;
mod manifests;
mod routes;
mod variables;
