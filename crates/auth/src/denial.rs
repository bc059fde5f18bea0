//! What was denied to somebody, as the audit tells it?

use kernel::Permission;

/// An attempt that was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The method: `PATCH`.
    pub method: &'a str,
    /// The route, without the ids in it: `/api/v1/automation/rules/{id}`.
    pub route: &'a str,
    /// The stable code of the answer: `FORBIDDEN`.
    pub code: &'a str,
    /// The permission that was missing, where it was one.
    pub permission: Option<Permission>,
    /// How often the same was denied within the minute before, beside the one that was written then.
    pub repeated: u32,
}
