//! What is a tenant, and what may be changed about it?

use kernel::{FieldFault, Fields, Instant, TenantId};
use std::str::FromStr;

/// Requests a minute for each user, unless the tenant set another number.
pub(crate) const USER_RATE: u32 = 100;
/// The largest number that a tenant may set.
const MAX_RATE: u32 = 1_000_000;

/// Whether a tenant's people and programs may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantState {
    /// They may.
    Active,
    /// They may not, until the platform's operators lift it.
    Suspended,
}

impl TenantState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for TenantState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Suspended].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// An organization that uses us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its slug.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// Whether it may come in.
    pub state: TenantState,
    /// Why it may not.
    pub suspended_reason: Option<String>,
    /// Since when it is being deleted: a suspended tenant that does not come back.
    pub deleting_at: Option<Instant>,
    /// Requests a minute for each of its users.
    pub user_rate: u32,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last; in milliseconds also its version.
    pub updated_at: Instant,
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another number of requests a minute for each user.
    pub user_rate: Option<u32>,
}

impl Tenant {
    /// The tenant with `patch` applied at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(self, patch: TenantPatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = patch.name.map_or(Ok(self.name), |name| sound_name(&name));
        let name = fields.take("name", name);
        let user_rate = patch.user_rate.unwrap_or(self.user_rate);
        if !(1..=MAX_RATE).contains(&user_rate) {
            fields.fault("settings.user_rate_per_minute", format!("must be from 1 to {MAX_RATE}"));
        }
        let name = fields.give(name)?;
        Ok(Self {
            name,
            user_rate,
            // A version must grow with each change, also with two in one millisecond.
            updated_at: now.max(self.updated_at + kernel::Span::millis(1)),
            ..self
        })
    }
}

/// A name that people read: 1 to 200 characters, no control characters, no space around it.
///
/// # Errors
/// The end of a sentence that begins with the field.
pub(crate) fn sound_name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        Err("must be 1 to 200 characters without control characters")
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_tells_all_faults_and_makes_a_new_version() {
        let tenant = Tenant {
            id: "acme-corp".parse().unwrap(),
            name: "Acme".to_owned(),
            state: TenantState::Active,
            suspended_reason: None,
            deleting_at: None,
            user_rate: USER_RATE,
            created_at: Instant::from_millis(5),
            updated_at: Instant::from_millis(5),
        };
        let patch = TenantPatch { name: Some(" ".to_owned()), user_rate: Some(0) };
        assert_eq!(tenant.clone().change(patch, Instant::from_millis(5)).unwrap_err().len(), 2);
        let patch = TenantPatch { name: Some(" Acme Inc ".to_owned()), user_rate: None };
        let changed = tenant.change(patch, Instant::from_millis(5)).unwrap();
        assert_eq!((changed.name.as_str(), changed.updated_at), ("Acme Inc", Instant::from_millis(6)));
    }
}
