//! What may the platform's administrators do with a tenant? Make it, suspend it for a reason, resume it, delete it.
//!
//! `active → suspended → active | deleting`; deleting is the end. Who is deleted was suspended before, so that nobody loses
//! their data by one slip.

use crate::{NewUser, Tenant, TenantPatch, TenantState, tenant::sound_name};
use kernel::{Fault, FieldFault, Fields, Instant, Kind, Span, TenantId};
use std::str::FromStr;

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its people and programs may come in.
    Active,
    /// They may not; its jobs wait.
    Suspended,
    /// All that it had is being removed.
    Deleting,
}

impl Standing {
    /// As it stands in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }
}

/// The text names no standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be active, suspended or deleting")]
pub struct UnknownStanding;

impl FromStr for Standing {
    type Err = UnknownStanding;
    fn from_str(text: &str) -> Result<Self, UnknownStanding> {
        let all = [Self::Active, Self::Suspended, Self::Deleting];
        all.into_iter().find(|standing| standing.as_str() == text).ok_or(UnknownStanding)
    }
}

/// Which tenants are wanted.
#[derive(Debug, Clone, Default)]
pub struct OrganizationFilter {
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// Only those with this in their slug or name, in any mix of ASCII cases.
    pub text: Option<String>,
}

/// A tenant to be made, with its owner.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) owner: NewUser,
}

impl NewOrganization {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field; the owner's as `owner.email` and so on.
    pub fn new(
        slug: &str,
        name: &str,
        owner_email: &str,
        owner_name: &str,
        owner_password: Option<&str>,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let tenant = fields.take("id", TenantId::claim(slug));
        let name = fields.take("name", sound_name(name));
        let owner = NewUser::new(owner_email, owner_name, owner_password).map_err(|faults| {
            for fault in faults {
                fields.fault(format!("owner.{}", fault.field), fault.message);
            }
        });
        let ((tenant, name), owner) = fields.give(tenant.zip(name).zip(owner.ok()))?;
        Ok(Self { tenant, name, owner })
    }
}

/// Another state for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nobody comes in any more, for this reason.
    Suspend(String),
    /// They come in again.
    Resume,
}

impl Turn {
    /// Reads what is asked for: a state, and a reason where one is needed.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(state: &str, reason: Option<&str>) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let standing: Option<Standing> = fields.take("state", state.parse());
        let turn = match (standing, reason) {
            (Some(Standing::Suspended), reason) => {
                fields.take("reason", sound_reason(reason.unwrap_or_default())).map(Self::Suspend)
            }
            (Some(Standing::Active), None) => Some(Self::Resume),
            (Some(Standing::Active), Some(_)) => {
                fields.fault("reason", "belongs to a suspension only");
                None
            }
            (Some(Standing::Deleting), _) => {
                fields.fault("state", "cannot be asked for here; DELETE deletes a suspended tenant");
                None
            }
            (None, _) => None,
        };
        fields.give(turn)
    }
}

fn sound_reason(text: &str) -> Result<String, String> {
    // It is put into a sentence.
    let text = text.trim().trim_end_matches('.').trim_end();
    if text.is_empty() || text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        Err(format!(
            "must be 1 to {LONGEST_REASON} characters without control characters: the tenant's people read it"
        ))
    } else {
        Ok(text.to_owned())
    }
}

/// What is to be changed of a tenant by those who run the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationPatch {
    /// What the tenant could change itself.
    pub tenant: TenantPatch,
    /// Another state.
    pub turn: Option<Turn>,
}

/// What can be wrong about changing a tenant's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationError {
    /// Only a suspended tenant is deleted.
    #[error("Only a suspended organization can be deleted. Suspend it first.")]
    NotSuspended,
    /// It does not come back.
    #[error("This organization is being deleted; nothing of it can be changed any more.")]
    Deleting,
    /// The platform's own tenant.
    #[error(
        "This is the organization of those who run the installation; it can be neither suspended nor deleted."
    )]
    Platform,
}

impl Fault for OrganizationError {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotSuspended => "ORGANIZATION_NOT_SUSPENDED",
            Self::Deleting => "ORGANIZATION_DELETING",
            Self::Platform => "ORGANIZATION_PLATFORM",
        }
    }
}

impl Tenant {
    /// How it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match (self.state, self.deleting_at) {
            (_, Some(_)) => Standing::Deleting,
            (TenantState::Suspended, None) => Standing::Suspended,
            (TenantState::Active, None) => Standing::Active,
        }
    }

    /// The version that follows this one at `now`.
    fn next_version(&self, now: Instant) -> Instant {
        now.max(self.updated_at + Span::millis(1))
    }

    /// The tenant in another state.
    ///
    /// # Errors
    /// [`OrganizationError::Platform`], [`OrganizationError::Deleting`].
    pub fn turned(self, turn: Turn, now: Instant) -> Result<Self, OrganizationError> {
        if self.id.is_platform() {
            return Err(OrganizationError::Platform);
        }
        if self.standing() == Standing::Deleting {
            return Err(OrganizationError::Deleting);
        }
        let (state, suspended_reason) = match turn {
            Turn::Suspend(reason) => (TenantState::Suspended, Some(reason)),
            Turn::Resume => (TenantState::Active, None),
        };
        Ok(Self { state, suspended_reason, updated_at: self.next_version(now), ..self })
    }

    /// The tenant on its way out.
    ///
    /// # Errors
    /// [`OrganizationError`].
    pub fn given_up(self, now: Instant) -> Result<Self, OrganizationError> {
        match self.standing() {
            _ if self.id.is_platform() => Err(OrganizationError::Platform),
            Standing::Deleting => Err(OrganizationError::Deleting),
            Standing::Active => Err(OrganizationError::NotSuspended),
            Standing::Suspended => {
                Ok(Self { deleting_at: Some(now), updated_at: self.next_version(now), ..self })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TenantSettings;

    fn tenant(slug: &str) -> Tenant {
        Tenant {
            id: slug.parse().unwrap(),
            name: "Acme".to_owned(),
            state: TenantState::Active,
            suspended_reason: None,
            deleting_at: None,
            settings: TenantSettings::default(),
            created_at: Instant::from_millis(5),
            updated_at: Instant::from_millis(5),
        }
    }

    #[test]
    fn a_tenant_is_suspended_before_it_is_deleted_and_then_stays_so() {
        let now = Instant::from_millis(5);
        let acme = tenant("acme-corp");
        assert_eq!(acme.clone().given_up(now), Err(OrganizationError::NotSuspended));
        let suspend = Turn::new("suspended", Some(" Unpaid. ")).unwrap();
        let suspended = acme.turned(suspend.clone(), now).unwrap();
        assert_eq!(suspended.suspended_reason.as_deref(), Some("Unpaid"));
        assert_eq!((suspended.standing(), suspended.updated_at.millis()), (Standing::Suspended, 6));
        let resumed = suspended.clone().turned(Turn::Resume, now).unwrap();
        assert_eq!((resumed.standing(), resumed.suspended_reason), (Standing::Active, None));
        let leaving = suspended.given_up(now).unwrap();
        assert_eq!((leaving.standing(), leaving.state), (Standing::Deleting, TenantState::Suspended));
        for turn in [suspend, Turn::Resume] {
            assert_eq!(leaving.clone().turned(turn, now), Err(OrganizationError::Deleting));
        }
        assert_eq!(leaving.given_up(now), Err(OrganizationError::Deleting));
    }

    #[test]
    fn the_platforms_own_stays() {
        let now = Instant::from_millis(5);
        let suspend = Turn::Suspend("x".to_owned());
        assert_eq!(tenant("platform").turned(suspend, now), Err(OrganizationError::Platform));
        assert_eq!(tenant("platform").given_up(now), Err(OrganizationError::Platform));
    }

    #[test]
    fn a_suspension_needs_a_reason() {
        for (state, reason, field) in [
            ("suspended", None, "reason"),
            ("suspended", Some(" . "), "reason"),
            ("active", Some("x"), "reason"),
            ("deleting", None, "state"),
            ("gone", None, "state"),
        ] {
            let faults = Turn::new(state, reason).unwrap_err();
            assert_eq!(faults[0].field, field, "{state} {reason:?}");
        }
        assert_eq!(Turn::new("active", None), Ok(Turn::Resume));
    }

    #[test]
    fn all_faults_of_a_new_one_are_told_at_once() {
        let faults = NewOrganization::new("platform", "", "x", "", Some("short")).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["id", "name", "owner.email", "owner.name", "owner.password"]);
    }
}
