//! What is a tenant, and what may be changed about it?

use crate::{SettingsPatch, TenantSettings};
use kernel::{FieldFault, Fields, Instant, TenantId};
use std::str::FromStr;

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
    /// What it decided for itself.
    pub settings: TenantSettings,
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
    /// Other settings.
    pub settings: SettingsPatch,
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
        let settings = self.settings.change(patch.settings).map_err(|faults| {
            faults
                .into_iter()
                .for_each(|fault| fields.fault(format!("settings.{}", fault.field), fault.message));
        });
        let (name, settings) = fields.give(name.zip(settings.ok()))?;
        Ok(Self {
            name,
            settings,
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
            settings: TenantSettings::default(),
            created_at: Instant::from_millis(5),
            updated_at: Instant::from_millis(5),
        };
        let settings = SettingsPatch { user_rate_per_minute: Some(0), ..SettingsPatch::default() };
        let patch = TenantPatch { name: Some(" ".to_owned()), settings };
        let faults = tenant.clone().change(patch, Instant::from_millis(5)).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["name", "settings.user_rate_per_minute"]);
        let patch = TenantPatch { name: Some(" Acme Inc ".to_owned()), settings: SettingsPatch::default() };
        let changed = tenant.change(patch, Instant::from_millis(5)).unwrap();
        assert_eq!((changed.name.as_str(), changed.updated_at), ("Acme Inc", Instant::from_millis(6)));
    }
}
