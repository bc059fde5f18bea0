//! The program `signalbox`: runs a Spin application on wasmtime, so that nothing else need be installed.
//!
//! [`app::App::load`] reads spin.toml and makes everything ready; [`serve::run`] answers requests until it is told to
//! stop. What a component gets is Spin's: the same interfaces with the same meaning.

pub mod app;
mod bindings;
pub mod cache;
pub mod cli;
pub mod compact;
pub mod cron;
pub mod doctor;
pub mod engine;
pub mod failure;
mod grant;
pub mod guest;
pub mod handler;
pub mod headers;
pub mod key_value;
pub mod keys;
pub mod letters;
pub mod log;
pub mod manifest;
pub mod outbound;
pub mod route;
pub mod running;
pub mod runtime_config;
pub mod serve;
pub mod sqlite;
pub mod state;
pub mod trail;
pub mod variables;
pub mod watch;
