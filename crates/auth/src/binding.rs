//! What is a role binding? A role that a user has, for the whole tenant or for a part of it.

use kernel::{Instant, Reach, RoleId, UserId};

/// A role that a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The user.
    pub user: UserId,
    /// The role.
    pub role: RoleId,
    /// The role's name.
    pub role_name: String,
    /// For what part of the tenant.
    pub reach: Reach,
    /// Since when.
    pub created_at: Instant,
}
