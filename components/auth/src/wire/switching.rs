//! How are somebody's tenants said in JSON?

use auth::Membership;
use kernel::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant that somebody belongs to.
#[derive(Serialize, ToSchema)]
pub(crate) struct MembershipOut {
    /// The slug, for `POST /api/v1/auth/switch`.
    id: String,
    name: String,
    /// The names of one's roles there.
    roles: Vec<String>,
    /// Whether it is the tenant of this session.
    current: bool,
}

impl MembershipOut {
    pub(crate) fn new(membership: Membership, here: &TenantId) -> Self {
        Self {
            current: membership.tenant == *here,
            id: membership.tenant.to_string(),
            name: membership.name,
            roles: membership.roles,
        }
    }
}

/// Where somebody wants to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchIn {
    /// The slug.
    #[schema(example = "globex")]
    pub(crate) tenant: String,
    /// Whether a session cookie is wanted too, for a browser; it takes the place of the present one.
    #[serde(default)]
    pub(crate) cookie: bool,
}
