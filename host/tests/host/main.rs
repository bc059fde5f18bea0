//! The host from outside: small manifests, real wasm, real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails"
)]

mod clock;
mod compile;
mod instances;
mod life;
mod outbound;
mod sqlite;
mod world;
