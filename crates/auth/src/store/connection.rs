//! The table `sign_on_connections`. What is particular to a kind stands in `config`, as JSON.

use crate::{Connection, ConnectionKind, Mapping, OidcSetup, SamlSetup, Setup};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{ConnectionId, PageRequest};
use serde::{Deserialize, Serialize};

const GET: &str =
    "SELECT connection_id, kind, name, config, secret, is_active, version, created_at, updated_at
    FROM sign_on_connections WHERE tenant_id = ?1 AND connection_id = ?2";
const LIST: &str =
    "SELECT connection_id, kind, name, config, secret, is_active, version, created_at, updated_at
    FROM sign_on_connections WHERE tenant_id = ?1 AND connection_id > ?2 ORDER BY connection_id LIMIT ?3";
const ACTIVE: &str =
    "SELECT connection_id, kind, name, config, secret, is_active, version, created_at, updated_at
    FROM sign_on_connections WHERE tenant_id = ?1 AND is_active = 1 ORDER BY connection_id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM sign_on_connections WHERE tenant_id = ?1";
const INSERT: &str = "INSERT INTO sign_on_connections
    (tenant_id, connection_id, kind, name, config, secret, is_active, version, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING RETURNING connection_id AS id";
const UPDATE: &str = "UPDATE sign_on_connections SET name = ?3, config = ?4, secret = ?5, is_active = ?6, version = ?7,
    updated_at = ?8 WHERE tenant_id = ?1 AND connection_id = ?2 AND NOT EXISTS (SELECT 1 FROM sign_on_connections AS other
        WHERE other.tenant_id = ?1 AND lower(other.name) = lower(?3) AND other.connection_id <> ?2)
    RETURNING connection_id AS id";
const DELETE: &str = "DELETE FROM sign_on_connections WHERE tenant_id = ?1 AND connection_id = ?2";

/// A connection with its sealed client secret.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) connection: Connection,
    pub(crate) sealed: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigColumn {
    domains: Vec<String>,
    create_users: bool,
    trust_email: bool,
    default_roles: Vec<String>,
    mapping: Vec<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oidc: Option<OidcColumn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saml: Option<SamlColumn>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OidcColumn {
    issuer: String,
    client_id: String,
    scopes: Vec<String>,
    shared_callback: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SamlColumn {
    entity_id: String,
    sso_url: String,
    certificates: Vec<String>,
}

fn config(connection: &Connection) -> Result<String, DbError> {
    let mapping = connection.mapping.iter();
    let column = ConfigColumn {
        domains: connection.domains.clone(),
        create_users: connection.create_users,
        trust_email: connection.trust_email,
        default_roles: connection.default_roles.iter().map(ToString::to_string).collect(),
        mapping: mapping.map(|one| (one.claim.clone(), one.value.clone(), one.role.to_string())).collect(),
        oidc: match &connection.setup {
            Setup::Oidc(oidc) => Some(OidcColumn {
                issuer: oidc.issuer.clone(),
                client_id: oidc.client_id.clone(),
                scopes: oidc.scopes.clone(),
                shared_callback: oidc.shared_callback,
            }),
            Setup::Saml(_) => None,
        },
        saml: match &connection.setup {
            Setup::Oidc(_) => None,
            Setup::Saml(saml) => Some(SamlColumn {
                entity_id: saml.entity_id.clone(),
                sso_url: saml.sso_url.clone(),
                certificates: saml.certificates.clone(),
            }),
        },
    };
    serde_json::to_string(&column).map_err(|error| DbError::Engine(error.to_string()))
}

fn setup(
    kind: ConnectionKind,
    oidc: Option<OidcColumn>,
    saml: Option<SamlColumn>,
    has_secret: bool,
) -> Option<Setup> {
    match kind {
        ConnectionKind::Oidc => oidc.map(|oidc| {
            Setup::Oidc(OidcSetup {
                issuer: oidc.issuer,
                client_id: oidc.client_id,
                has_secret,
                scopes: oidc.scopes,
                shared_callback: oidc.shared_callback,
            })
        }),
        ConnectionKind::Saml => saml.map(|saml| {
            Setup::Saml(SamlSetup {
                entity_id: saml.entity_id,
                sso_url: saml.sso_url,
                certificates: saml.certificates,
            })
        }),
    }
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let text: String = row.get("config")?;
        let surprise = |row: &Row<'_>| row.surprise("config", "a connection's settings");
        let column: ConfigColumn = serde_json::from_str(&text).map_err(|_| surprise(row))?;
        let sealed: Option<Vec<u8>> = row.get("secret")?;
        let setup = setup(row.parse("kind")?, column.oidc, column.saml, sealed.is_some());
        let setup = setup.ok_or_else(|| surprise(row))?;
        let default_roles: Result<Vec<_>, _> = column.default_roles.iter().map(|id| id.parse()).collect();
        let mapping: Result<Vec<Mapping>, kernel::IdError> = column
            .mapping
            .into_iter()
            .map(|(claim, value, role)| Ok(Mapping { claim, value, role: role.parse()? }))
            .collect();
        let connection = Connection {
            id: row.parse("connection_id")?,
            name: row.get("name")?,
            setup,
            domains: column.domains,
            is_active: row.get("is_active")?,
            create_users: column.create_users,
            trust_email: column.trust_email,
            default_roles: default_roles.map_err(|_| surprise(row))?,
            mapping: mapping.map_err(|_| surprise(row))?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        };
        Ok(Self { connection, sealed })
    }
}

fn sealed(stored: &Stored) -> Value {
    stored.sealed.clone().map_or(Value::Null, Value::Blob)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ConnectionId) -> Result<Option<Stored>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Stored>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

/// The connections that people may come in by.
pub(crate) async fn active(scope: &mut Scope<'_>) -> Result<Vec<Stored>, DbError> {
    scope.all(ACTIVE, []).await
}

pub(crate) async fn count(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(COUNT, []).await?.unwrap_or_default())
}

/// Whether the connection was put in; not if its name is taken.
pub(crate) async fn insert(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    let one = &stored.connection;
    let parameters = [
        (&one.id).into(),
        one.kind().as_str().into(),
        (&one.name).into(),
        config(one)?.into(),
        sealed(stored),
        one.is_active.into(),
        one.version.into(),
        one.created_at.into(),
        one.updated_at.into(),
    ];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// Whether the connection was changed; not if its new name is taken.
pub(crate) async fn update(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    let one = &stored.connection;
    let parameters = [
        (&one.id).into(),
        (&one.name).into(),
        config(one)?.into(),
        sealed(stored),
        one.is_active.into(),
        one.version.into(),
        one.updated_at.into(),
    ];
    Ok(scope.run_for_effect(UPDATE, parameters).await? == 1)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &ConnectionId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Client secrets, for when the key that seals them is turned.
pub(crate) const SEALED: vault::Column = vault::Column {
    table: "sign_on_connections",
    pick: "SELECT tenant_id, connection_id AS id, tenant_id || '/connections/' || connection_id AS place, secret AS sealed
        FROM sign_on_connections WHERE (tenant_id, connection_id) > (?1, ?2) AND secret IS NOT NULL
        AND substr(secret, 1, length(?3)) <> ?3 ORDER BY tenant_id, connection_id LIMIT ?4",
    put: "UPDATE sign_on_connections SET secret = ?3 WHERE tenant_id = ?1 AND connection_id = ?2 AND secret = ?4
        RETURNING connection_id AS id",
    count: "SELECT COUNT(*) AS n FROM sign_on_connections
        WHERE secret IS NOT NULL AND substr(secret, 1, length(?1)) <> ?1",
};
