//! How are roles, permissions and bindings said in JSON?

use super::names;
use auth::{Binding, Role};
use kernel::{Grant, Reach, RoleId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there, if only as null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A role to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleIn {
    /// 1 to 200 characters; one role each in a tenant.
    #[schema(example = "Support")]
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// `GET /api/v1/admin/permissions` lists them.
    #[schema(example = json!(["rules:read", "jobs:redrive"]))]
    pub(crate) permissions: Vec<String>,
}

/// What is to be changed of a role; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolePatch {
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// All of them, instead of those before.
    #[serde(default, deserialize_with = "given")]
    permissions: Option<Vec<String>>,
}

impl From<RolePatch> for auth::RolePatch {
    fn from(patch: RolePatch) -> Self {
        Self { name: patch.name, description: patch.description, permissions: patch.permissions }
    }
}

/// A role.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoleOut {
    id: String,
    name: String,
    description: Option<String>,
    /// Whether it is one of ours and cannot be changed.
    built_in: bool,
    permissions: Vec<&'static str>,
    /// Grows with each change; also the `ETag`.
    version: i64,
    created_at: String,
    updated_at: String,
}

impl From<Role> for RoleOut {
    fn from(role: Role) -> Self {
        Self {
            id: role.id.to_string(),
            name: role.name,
            description: role.description,
            built_in: role.built_in.is_some(),
            permissions: names(role.permissions),
            version: role.version,
            created_at: role.created_at.to_string(),
            updated_at: role.updated_at.to_string(),
        }
    }
}

/// A permission.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionOut {
    /// Its name: `rules:write`.
    pub(crate) id: &'static str,
    /// What it lets somebody do.
    pub(crate) description: &'static str,
    /// Whether the caller has it in the whole tenant.
    pub(crate) granted: bool,
}

/// What somebody may do in a part of the tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantOut {
    /// `module:` and a module's name, or `resource:` and an id.
    #[schema(example = "module:crm")]
    scope: String,
    permissions: Vec<&'static str>,
}

impl GrantOut {
    pub(crate) fn new(grant: &Grant) -> Self {
        Self { scope: grant.reach.to_string(), permissions: names(grant.permissions) }
    }
}

/// A role that a user has.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoundOut {
    id: String,
    name: String,
    /// Where it holds: `*` is the whole tenant.
    scope: String,
}

impl BoundOut {
    pub(crate) fn new(id: &RoleId, name: String, reach: &Reach) -> Self {
        Self { id: id.to_string(), name, scope: reach.to_string() }
    }
}

/// A role for a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingIn {
    /// `usr_…`
    pub(crate) user_id: String,
    /// `rol_…`
    pub(crate) role_id: String,
    /// `*` unless given, `module:` and a module's name, or `resource:` and an id.
    #[schema(example = "module:crm")]
    pub(crate) scope: Option<String>,
}

/// Which binding is meant.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingQuery {
    /// `usr_…`
    pub(crate) user_id: String,
    /// `rol_…`
    pub(crate) role_id: String,
    /// `*` unless given.
    pub(crate) scope: Option<String>,
}

/// Which bindings are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BindingFilter {
    /// Only those of this user.
    pub(crate) user_id: Option<String>,
    /// Only those of this role.
    pub(crate) role_id: Option<String>,
}

/// A role binding.
#[derive(Serialize, ToSchema)]
pub(crate) struct BindingOut {
    user_id: String,
    role_id: String,
    role_name: String,
    /// Where it holds: `*` is the whole tenant.
    scope: String,
    created_at: String,
}

impl From<Binding> for BindingOut {
    fn from(binding: Binding) -> Self {
        Self {
            user_id: binding.user.to_string(),
            role_id: binding.role.to_string(),
            role_name: binding.role_name,
            scope: binding.reach.to_string(),
            created_at: binding.created_at.to_string(),
        }
    }
}
