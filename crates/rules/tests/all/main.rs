//! Do rules do what they promise to those who call them? By example, by properties, and on a real database.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

mod analysis;
mod book;
mod files;
mod pace;
mod properties;
mod recipes;
mod replay;
mod service;
mod stage;
mod vectors;
