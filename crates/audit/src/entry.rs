//! What does one row of the audit say?

use crate::Hash;
use kernel::{AuditId, Instant, TenantId};
use serde_json::Value;

/// What an area has to say; who, when and from where are the call's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry<'a> {
    /// What was done, as `noun.verb` in the past: `rule.created`.
    pub action: &'a str,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// The state before, if there was one; secrets left out.
    pub before: Option<Value>,
    /// The state afterwards, if there is one; secrets left out.
    pub after: Option<Value>,
}

/// A row as it stands in the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose audit it is.
    pub tenant: TenantId,
    /// Its place in the tenant's chain: 1, 2, 3 …
    pub sequence: i64,
    /// Its id.
    pub id: AuditId,
    /// When it was done.
    pub at: Instant,
    /// Who did it: the id of a user or an API key, or `system`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// The request that did it.
    pub request: String,
    /// The address that it came from, if known.
    pub address: Option<String>,
    /// The state before, as JSON text: the very bytes that were hashed.
    pub before: Option<String>,
    /// The state afterwards, as JSON text: the very bytes that were hashed.
    pub after: Option<String>,
    /// Its hash, which covers everything above and the hash before it.
    pub hash: Hash,
}

/// Which rows a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those by this actor.
    pub actor: Option<String>,
    /// Only those of this action.
    pub action: Option<String>,
    /// Only those about this subject.
    pub subject: Option<String>,
    /// Only those at this instant or later.
    pub since: Option<Instant>,
    /// Only those before this instant.
    pub until: Option<Instant>,
}
