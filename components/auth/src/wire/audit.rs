//! How is the audit said in JSON?

use ::audit::{Reason, Recorded, Verified};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// Which rows of the audit are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Only those by this user or API key (its id), or by `system`.
    pub(crate) actor: Option<String>,
    /// Only those of this action: `rule.created`.
    pub(crate) action: Option<String>,
    /// Only those about this id.
    pub(crate) subject: Option<String>,
    /// Only those at or after this instant (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only those before this instant (RFC 3339).
    pub(crate) until: Option<String>,
}

/// A row of the audit.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditOut {
    id: String,
    /// Its place in the tenant's chain.
    sequence: i64,
    at: String,
    /// The id of a user or an API key, or `system`.
    actor: String,
    /// What was done: `rule.created`.
    action: String,
    /// The id of what it was done to.
    subject: String,
    request_id: String,
    address: Option<String>,
    /// The state before, exactly as it was hashed.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// The state afterwards, exactly as it was hashed.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// SHA-256 over this row and the hash before it, in hexadecimal.
    hash: String,
}

impl From<Recorded> for AuditOut {
    fn from(row: Recorded) -> Self {
        // A row that is no JSON any more was meddled with: the verification says so.
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            id: row.id.to_string(),
            sequence: row.sequence,
            at: row.at.to_string(),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            request_id: row.request,
            address: row.address,
            before: raw(row.before),
            after: raw(row.after),
            hash: row.hash.to_string(),
        }
    }
}

/// Where a chain does not hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokenOut {
    /// The place in the chain.
    sequence: i64,
    /// The row that stands there, if one does.
    id: Option<String>,
    /// `missing`, `changed` or `surplus`.
    reason: &'static str,
}

/// What a walk along the audit found.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifiedOut {
    /// Whether the whole chain holds.
    holds: bool,
    /// How many rows hold.
    rows: i64,
    /// The hash of the last row that holds: keep it elsewhere, and compare it another time.
    head: String,
    /// The first place where the chain does not hold.
    broken: Option<BrokenOut>,
}

impl From<Verified> for VerifiedOut {
    fn from(verified: Verified) -> Self {
        let broken = verified.broken.map(|broken| BrokenOut {
            sequence: broken.sequence,
            id: broken.id.map(|id| id.to_string()),
            reason: match broken.reason {
                Reason::Missing => "missing",
                Reason::Changed => "changed",
                Reason::Surplus => "surplus",
            },
        });
        Self { holds: broken.is_none(), rows: verified.rows, head: verified.head.to_string(), broken }
    }
}
