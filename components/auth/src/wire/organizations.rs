//! How are organizations said in JSON?

use auth::{Standing, Tenant};
use kernel::FieldFault;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A tenant's settings; `/api/v1/admin/settings` shows and changes all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsOut {
    /// Requests a minute for each user.
    user_rate_per_minute: u32,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationOut {
    /// The slug.
    id: String,
    name: String,
    /// `active`, `suspended` or `deleting`.
    state: &'static str,
    /// Why it is suspended; its own people are told, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    settings: SettingsOut,
    created_at: String,
    updated_at: String,
}

impl From<Tenant> for OrganizationOut {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.to_string(),
            state: tenant.standing().as_str(),
            reason: tenant.suspended_reason,
            settings: SettingsOut { user_rate_per_minute: tenant.settings.user_rate_per_minute },
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
            name: tenant.name,
        }
    }
}

/// Which tenants are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrganizationFilter {
    /// Only those that are `active`, `suspended` or `deleting`.
    pub(crate) state: Option<String>,
    /// Only those with this in their slug or name.
    pub(crate) q: Option<String>,
}

impl TryFrom<OrganizationFilter> for auth::OrganizationFilter {
    type Error = Vec<FieldFault>;
    fn try_from(wanted: OrganizationFilter) -> Result<Self, Vec<FieldFault>> {
        let mut fields = kernel::Fields::new();
        let standing = wanted.state.and_then(|text| fields.take::<Standing, _>("state", text.parse()));
        fields.done()?;
        Ok(Self { standing, text: wanted.q.filter(|text| !text.is_empty()) })
    }
}

/// Who is to own a new tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerIn {
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    #[schema(example = "Ana Li")]
    pub(crate) name: String,
    /// 12 to 256 characters; without it the owner cannot log in by password yet.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub(crate) password: Option<String>,
}

/// A tenant to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationIn {
    /// The slug, which never changes: 2 to 63 lower-case letters, digits and inner hyphens.
    #[schema(example = "acme-corp")]
    pub(crate) id: String,
    #[schema(example = "Acme Corp")]
    pub(crate) name: String,
    pub(crate) owner: OwnerIn,
}

/// What is to be changed of a tenant's settings.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationSettingsPatch {
    /// 1 to 1,000,000.
    user_rate_per_minute: Option<u32>,
}

/// What is to be changed of a tenant; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationPatch {
    name: Option<String>,
    settings: Option<OrganizationSettingsPatch>,
    /// `suspended` or `active`: only for those who run the platform.
    pub(crate) state: Option<String>,
    /// Why it is suspended; its people read it. Only with `suspended`.
    pub(crate) reason: Option<String>,
}

impl From<OrganizationPatch> for auth::TenantPatch {
    fn from(patch: OrganizationPatch) -> Self {
        let user_rate_per_minute = patch.settings.unwrap_or_default().user_rate_per_minute;
        Self {
            name: patch.name,
            settings: auth::SettingsPatch { user_rate_per_minute, ..Default::default() },
        }
    }
}

impl TryFrom<OrganizationPatch> for auth::OrganizationPatch {
    type Error = Vec<FieldFault>;
    fn try_from(patch: OrganizationPatch) -> Result<Self, Vec<FieldFault>> {
        let turn = match (&patch.state, &patch.reason) {
            (Some(state), reason) => Some(auth::Turn::new(state, reason.as_deref())?),
            (None, Some(_)) => return Err(vec![FieldFault::new("reason", "belongs to a suspension only")]),
            (None, None) => None,
        };
        Ok(Self { tenant: patch.into(), turn })
    }
}
