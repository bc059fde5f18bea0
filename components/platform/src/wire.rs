//! How is the system's health said in JSON?

use serde::Serialize;
use utoipa::ToSchema;

/// The program answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveOut {
    /// `live`.
    pub(crate) status: &'static str,
}

/// The system may serve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadyOut {
    /// `ready`.
    pub(crate) status: &'static str,
    /// What was looked at.
    pub(crate) checks: Vec<CheckOut>,
    /// What does not stand in the way, and should be known.
    pub(crate) notes: Vec<&'static str>,
}

/// One thing that must hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckOut {
    /// `database`, `schema`, `vault_keys`, `signing_keys`.
    pub(crate) name: &'static str,
    /// Whether it holds.
    pub(crate) ok: bool,
}
