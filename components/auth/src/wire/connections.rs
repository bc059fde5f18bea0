//! How are connections to identity providers said in JSON?

use auth::{Connection, ConnectionPatch, Mapping, Setup, service::Tested};
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role that follows from a claim.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingShape {
    /// The claim's name; inner ones with dots: `realm_access.roles`.
    #[schema(example = "groups")]
    claim: String,
    /// The value that it must have, or hold if it is a list.
    #[schema(example = "engineering")]
    value: String,
    /// `rol_…`; not the owner's.
    role_id: String,
}

impl From<Mapping> for MappingShape {
    fn from(mapping: Mapping) -> Self {
        Self { claim: mapping.claim, value: mapping.value, role_id: mapping.role.to_string() }
    }
}

/// A connection to be set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionIn {
    /// `oidc` or `saml`.
    #[schema(example = "oidc")]
    pub(crate) kind: String,
    /// What people call it; one of each name in a tenant.
    #[schema(example = "Acme's own login")]
    name: String,
    /// E-mail domains whose addresses it may vouch for: only users of these are found by their address.
    #[serde(default)]
    #[schema(example = json!(["acme.example"]))]
    domains: Vec<String>,
    /// Whether anybody may come in by it; true unless given.
    is_active: Option<bool>,
    /// Whether people whom we do not know yet get a user at their first login; false unless given.
    #[serde(default)]
    create_users: bool,
    /// Whether its addresses count as verified although it does not say `email_verified`; false unless given.
    #[serde(default)]
    trust_email: bool,
    /// What a new user gets.
    #[serde(default)]
    default_role_ids: Vec<String>,
    /// What claims give at each login, and take away when they are gone.
    #[serde(default)]
    role_mapping: Vec<MappingShape>,
    /// `oidc`: the issuer, exactly as the provider writes it.
    #[schema(example = "https://login.acme.example")]
    issuer: Option<String>,
    /// `oidc`: our client id there.
    #[schema(example = "signalbox")]
    client_id: Option<String>,
    /// `oidc`: our client secret there, if we have one. Sealed, and never shown again.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// `oidc`: what is asked for; `openid`, `email` and `profile` unless given.
    scopes: Option<Vec<String>>,
    /// `oidc`: whether the provider sends people back to `/api/v1/callback`, which all connections share. Only for
    /// providers that name themselves in the answer (RFC 9207).
    shared_callback: Option<bool>,
    /// `saml`: the provider's metadata as XML, which tells the three that follow.
    metadata: Option<String>,
    /// `saml`: the provider's entity id.
    entity_id: Option<String>,
    /// `saml`: where people are sent: its single sign-on service by HTTP-Redirect.
    sso_url: Option<String>,
    /// `saml`: X.509 certificates that it signs with, as PEM; several while it turns its keys.
    certificates: Option<Vec<String>>,
}

fn rows(mapping: Vec<MappingShape>) -> Vec<(String, String, String)> {
    mapping.into_iter().map(|one| (one.claim, one.value, one.role_id)).collect()
}

impl From<ConnectionIn> for ConnectionPatch {
    fn from(sent: ConnectionIn) -> Self {
        Self {
            name: Some(sent.name),
            domains: Some(sent.domains),
            is_active: sent.is_active,
            create_users: Some(sent.create_users),
            trust_email: Some(sent.trust_email),
            default_roles: Some(sent.default_role_ids),
            mapping: Some(rows(sent.role_mapping)),
            issuer: sent.issuer,
            client_id: sent.client_id,
            client_secret: sent.client_secret.map(Secret::new),
            scopes: sent.scopes,
            shared_callback: sent.shared_callback,
            metadata: sent.metadata,
            entity_id: sent.entity_id,
            sso_url: sent.sso_url,
            certificates: sent.certificates,
        }
    }
}

/// What is to be changed of a connection; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionPatchIn {
    name: Option<String>,
    domains: Option<Vec<String>>,
    is_active: Option<bool>,
    create_users: Option<bool>,
    trust_email: Option<bool>,
    default_role_ids: Option<Vec<String>>,
    role_mapping: Option<Vec<MappingShape>>,
    issuer: Option<String>,
    client_id: Option<String>,
    /// Another client secret; an empty one takes it away.
    #[schema(format = Password)]
    client_secret: Option<String>,
    scopes: Option<Vec<String>>,
    shared_callback: Option<bool>,
    metadata: Option<String>,
    entity_id: Option<String>,
    sso_url: Option<String>,
    certificates: Option<Vec<String>>,
}

impl From<ConnectionPatchIn> for ConnectionPatch {
    fn from(sent: ConnectionPatchIn) -> Self {
        Self {
            name: sent.name,
            domains: sent.domains,
            is_active: sent.is_active,
            create_users: sent.create_users,
            trust_email: sent.trust_email,
            default_roles: sent.default_role_ids,
            mapping: sent.role_mapping.map(rows),
            issuer: sent.issuer,
            client_id: sent.client_id,
            client_secret: sent.client_secret.map(Secret::new),
            scopes: sent.scopes,
            shared_callback: sent.shared_callback,
            metadata: sent.metadata,
            entity_id: sent.entity_id,
            sso_url: sent.sso_url,
            certificates: sent.certificates,
        }
    }
}

/// A connection to a tenant's own identity provider; its secret is never shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionOut {
    id: String,
    /// `oidc` or `saml`.
    kind: &'static str,
    name: String,
    domains: Vec<String>,
    is_active: bool,
    create_users: bool,
    trust_email: bool,
    default_role_ids: Vec<String>,
    role_mapping: Vec<MappingShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_client_secret: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_callback: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificates: Option<Vec<String>>,
    /// What must be registered at the provider as the place that people are sent back to.
    redirect_uri: String,
    created_at: String,
    updated_at: String,
}

impl ConnectionOut {
    pub(crate) fn new(connection: Connection, redirect_uri: String) -> Self {
        let kind = connection.kind().as_str();
        let (oidc, saml) = match connection.setup {
            Setup::Oidc(oidc) => (Some(oidc), None),
            Setup::Saml(saml) => (None, Some(saml)),
        };
        Self {
            id: connection.id.to_string(),
            kind,
            name: connection.name,
            domains: connection.domains,
            is_active: connection.is_active,
            create_users: connection.create_users,
            trust_email: connection.trust_email,
            default_role_ids: connection.default_roles.iter().map(ToString::to_string).collect(),
            role_mapping: connection.mapping.into_iter().map(MappingShape::from).collect(),
            issuer: oidc.as_ref().map(|oidc| oidc.issuer.clone()),
            client_id: oidc.as_ref().map(|oidc| oidc.client_id.clone()),
            has_client_secret: oidc.as_ref().map(|oidc| oidc.has_secret),
            shared_callback: oidc.as_ref().map(|oidc| oidc.shared_callback),
            scopes: oidc.map(|oidc| oidc.scopes),
            entity_id: saml.as_ref().map(|saml| saml.entity_id.clone()),
            sso_url: saml.as_ref().map(|saml| saml.sso_url.clone()),
            certificates: saml.map(|saml| saml.certificates),
            redirect_uri,
            created_at: connection.created_at.to_string(),
            updated_at: connection.updated_at.to_string(),
        }
    }
}

/// What a look at a connection's provider showed.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestedOut {
    /// Whether people can sign on by it, as far as can be seen without a person.
    ok: bool,
    /// What is wrong, each the end of a sentence that begins with the provider.
    faults: Vec<String>,
    /// What must be registered at the provider.
    redirect_uri: String,
}

impl From<Tested> for TestedOut {
    fn from(tested: Tested) -> Self {
        Self { ok: tested.faults.is_empty(), faults: tested.faults, redirect_uri: tested.redirect_uri }
    }
}
