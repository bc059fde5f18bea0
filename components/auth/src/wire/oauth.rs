//! How do the OAuth endpoints say things? Names and shapes are those of the RFCs.

use auth::{
    ASSERTION_ALGORITHMS, TOKEN_ALGORITHM,
    service::{Granted, Inspected, TokenKind},
};
use kernel::{Instant, Permission, Permissions, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

/// What is asked for at the token endpoint, as a form. Who asks may stand in `Authorization: Basic` instead.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form, which is read by name")]
pub(crate) struct GrantIn {
    /// `client_credentials`.
    grant_type: String,
    /// Permissions with spaces between; all of the client's unless given.
    scope: Option<String>,
    /// `cli_…`
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`
    client_assertion_type: Option<String>,
    /// A JWT that the client signed (RFC 7523).
    client_assertion: Option<String>,
}

/// A token that something is asked about, as a form. A client may show itself here or in `Authorization: Basic`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form, which is read by name")]
pub(crate) struct TokenIn {
    token: String,
    /// `access_token` or `refresh_token`; of no account, for a token shows what it is.
    token_type_hint: Option<String>,
    /// `cli_…`
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
}

/// An access token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct GivenOut {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: i64,
    /// What it is for: permissions with spaces between.
    scope: String,
}

impl From<Granted> for GivenOut {
    fn from(granted: Granted) -> Self {
        Self {
            access_token: granted.access_token.expose().clone(),
            token_type: "Bearer",
            expires_in: granted.expires_in.as_seconds_up(),
            scope: granted.scope,
        }
    }
}

fn spaced(permissions: Permissions) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}

/// What a token says (RFC 7662, section 2.2). Of one that is not active, nothing but that.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct InspectedOut {
    active: bool,
    /// What its bearer may do at this moment: permissions with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// `cli_…`, or `signalbox` for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// A person's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// `Bearer`; `refresh_token` and `api_key` for those.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was made, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// Whom it names: the id of a user, a client or an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// A person's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl InspectedOut {
    pub(crate) fn new(inspected: Inspected, tenant: &TenantId, issuer: &str) -> Self {
        Self {
            active: true,
            scope: Some(spaced(inspected.permissions)),
            client_id: inspected.client,
            username: inspected.username,
            token_type: Some(match inspected.kind {
                TokenKind::Access => "Bearer",
                TokenKind::Refresh => "refresh_token",
                TokenKind::ApiKey => "api_key",
            }),
            exp: inspected.expires_at.map(Instant::seconds),
            iat: inspected.issued_at.map(Instant::seconds),
            sub: Some(inspected.subject),
            aud: inspected.audience,
            iss: Some(issuer.to_owned()),
            jti: inspected.id,
            tenant: Some(tenant.to_string()),
            sid: inspected.session.map(|session| session.to_string()),
        }
    }
}

/// What this server can do (RFC 8414): enough to get, to verify, to ask about and to revoke its tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct MetadataOut {
    /// What stands in tokens as `iss`.
    issuer: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    /// The public keys that tokens are verified with.
    jwks_uri: String,
    grant_types_supported: [&'static str; 1],
    /// Empty: there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    scopes_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 3],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    /// `none`: a person's token is proof enough.
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    service_documentation: String,
    /// Only in `openid-configuration`, where libraries look for how tokens are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_signing_alg_values_supported: Option<[&'static str; 1]>,
    /// Only in `openid-configuration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_types_supported: Option<[&'static str; 1]>,
}

impl MetadataOut {
    /// For the server at `public_url`, whose tokens say `issuer`.
    pub(crate) fn new(issuer: &str, public_url: &str, openid: bool) -> Self {
        let at = |path: &str| format!("{public_url}{path}");
        let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
        let [basic, post, signed] = methods;
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: at("/api/v1/oauth/token"),
            introspection_endpoint: at("/api/v1/oauth/introspect"),
            revocation_endpoint: at("/api/v1/oauth/revoke"),
            jwks_uri: at("/.well-known/jwks.json"),
            grant_types_supported: ["client_credentials"],
            response_types_supported: [],
            scopes_supported: all_names(),
            token_endpoint_auth_methods_supported: methods,
            token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            introspection_endpoint_auth_methods_supported: methods,
            introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            revocation_endpoint_auth_methods_supported: [basic, post, signed, "none"],
            revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            service_documentation: at("/docs"),
            id_token_signing_alg_values_supported: openid.then_some([TOKEN_ALGORITHM]),
            subject_types_supported: openid.then_some(["public"]),
        }
    }
}

fn all_names() -> Vec<&'static str> {
    Permission::ALL.iter().map(|permission| permission.as_str()).collect()
}
