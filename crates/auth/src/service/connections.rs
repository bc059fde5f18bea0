//! How does a tenant set up its own identity provider?

use super::finish;
use crate::{
    AuthError, BuiltIn, CONNECTIONS_MAX, Connection, ConnectionKind, ConnectionPatch, Setup, SignOnError,
    store::{
        self,
        connection::{self as rows, Stored},
    },
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, ConnectionId, FieldFault, Page, PageRequest, Permissions, Secret, TenantId};
use serde_json::{Value, json};
use vault::Vault;

/// What a change of connections needs of the operator.
#[derive(Debug, Clone, Copy)]
pub struct Keeper<'a> {
    /// Seals client secrets.
    pub vault: &'a Vault,
    /// Whether private addresses may be asked: the variable `allow_private_outbound`.
    pub allow_private: bool,
}

/// Sets a connection up.
///
/// # Errors
/// [`AuthError::Beyond`] unless the caller may do everything, for whoever holds a provider can come in as anybody of its
/// domains; [`AuthError::Fields`]; [`SignOnError::NameTaken`], [`SignOnError::TooMany`]; the database's.
pub async fn create_connection(
    db: &Db,
    call: &Call,
    keeper: Keeper<'_>,
    kind: ConnectionKind,
    patch: ConnectionPatch,
) -> Result<Connection, AuthError> {
    almighty(call)?;
    let id = ConnectionId::new(call.now, &*call.chance);
    let secret = patch.client_secret.clone();
    let connection = Connection::new(kind, id, patch, call.now, keeper.allow_private)?;
    let sealed = seal(call, keeper.vault, &connection, secret)?;
    let stored = Stored { connection, sealed };
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if rows::count(&mut scope).await? >= CONNECTIONS_MAX {
            return Err(SignOnError::TooMany(CONNECTIONS_MAX).into());
        }
        givable(&mut scope, &stored.connection).await?;
        if !rows::insert(&mut scope, &stored).await? {
            return Err(SignOnError::NameTaken.into());
        }
        let after = Some(seen(&stored.connection));
        note(&mut scope, call, "connection.created", &stored.connection.id, None, after).await?;
        Ok(stored.connection)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The tenant's connections, oldest first.
///
/// # Errors
/// The database's.
pub async fn connections(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Connection>, AuthError> {
    let mut lease = db.read().await?;
    let rows = rows::list(&mut lease.scope(call.tenant())?, page).await?;
    let all = rows.into_iter().map(|stored| stored.connection).collect();
    Ok(Page::cut(all, page, |connection: &Connection| connection.id.to_string()))
}

/// One connection.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn connection(db: &Db, call: &Call, id: &ConnectionId) -> Result<Connection, AuthError> {
    let mut lease = db.read().await?;
    load(&mut lease.scope(call.tenant())?, id).await.map(|stored| stored.connection)
}

/// Changes a connection; with `version`, only if it is still of that version.
///
/// # Errors
/// As [`create_connection`]; [`AuthError::NotFound`], [`AuthError::Stale`].
pub async fn change_connection(
    db: &Db,
    call: &Call,
    keeper: Keeper<'_>,
    id: &ConnectionId,
    version: Option<i64>,
    patch: ConnectionPatch,
) -> Result<Connection, AuthError> {
    almighty(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = current(&mut scope, id, version).await?;
        let secret = patch.client_secret.clone();
        let turned = secret.is_some();
        let connection = before.connection.clone().change(patch, call.now, keeper.allow_private)?;
        givable(&mut scope, &connection).await?;
        let sealed =
            if turned { seal(call, keeper.vault, &connection, secret)? } else { before.sealed.clone() };
        let after = Stored { connection, sealed };
        if !rows::update(&mut scope, &after).await? {
            return Err(SignOnError::NameTaken.into());
        }
        let mut told = seen(&after.connection);
        if let (true, Some(told)) = (turned, told.as_object_mut()) {
            told.insert("client_secret".to_owned(), "changed".into());
        }
        let before = Some(seen(&before.connection));
        note(&mut scope, call, "connection.changed", id, before, Some(told)).await?;
        Ok(after.connection)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Takes a connection down, and with it what ties users to its provider. Sessions that were begun by it go on.
///
/// # Errors
/// [`AuthError::NotFound`], [`AuthError::Stale`]; the database's.
pub async fn delete_connection(
    db: &Db,
    call: &Call,
    id: &ConnectionId,
    version: Option<i64>,
) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = current(&mut scope, id, version).await?;
        rows::delete(&mut scope, id).await?;
        let before = Some(seen(&before.connection));
        note(&mut scope, call, "connection.deleted", id, before, None).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Whoever decides which provider is believed can come in as anybody, so they must be allowed everything already.
fn almighty(call: &Call) -> Result<(), AuthError> {
    if Permissions::all().within(call.principal.permissions) { Ok(()) } else { Err(AuthError::Beyond) }
}

/// Whether every role that the connection would give is there, and none is the owner's: owners are made by owners.
async fn givable(scope: &mut Scope<'_>, connection: &Connection) -> Result<(), AuthError> {
    let mut faults = Vec::new();
    let mapped = connection.mapping.iter().map(|one| ("role_mapping", &one.role));
    for (field, id) in connection.default_roles.iter().map(|id| ("default_role_ids", id)).chain(mapped) {
        match store::role::get(scope, id).await? {
            None => {
                faults.push(FieldFault::new(field, format!("names {id}, which is no role of this tenant")))
            }
            Some(role) if role.built_in == Some(BuiltIn::Owner) => {
                faults.push(FieldFault::new(field, "must not give the owner's role; an owner does that"));
            }
            Some(_) => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(AuthError::Fields(faults)) }
}

pub(super) async fn load(scope: &mut Scope<'_>, id: &ConnectionId) -> Result<Stored, AuthError> {
    rows::get(scope, id).await?.ok_or(AuthError::NotFound("connection"))
}

async fn current(
    scope: &mut Scope<'_>,
    id: &ConnectionId,
    version: Option<i64>,
) -> Result<Stored, AuthError> {
    let stored = load(scope, id).await?;
    if version.is_some_and(|version| version != stored.connection.version) {
        return Err(AuthError::Stale);
    }
    Ok(stored)
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    id: &ConnectionId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), AuthError> {
    let entry = Entry { action, subject: id.as_str(), before, after };
    Ok(audit::append(scope, call, &entry).await?)
}

/// What the audit says of a connection; its secret never.
fn seen(connection: &Connection) -> Value {
    let mapping = connection.mapping.iter();
    let mapping: Vec<Value> = mapping
        .map(|one| json!({"claim": one.claim, "value": one.value, "role_id": one.role.as_str()}))
        .collect();
    let roles: Vec<&str> = connection.default_roles.iter().map(kernel::RoleId::as_str).collect();
    let mut told = json!({
        "kind": connection.kind().as_str(),
        "name": connection.name,
        "domains": connection.domains,
        "is_active": connection.is_active,
        "create_users": connection.create_users,
        "trust_email": connection.trust_email,
        "default_role_ids": roles,
        "role_mapping": mapping,
    });
    let own = match &connection.setup {
        Setup::Oidc(oidc) => json!({
            "issuer": oidc.issuer,
            "client_id": oidc.client_id,
            "scopes": oidc.scopes,
            "shared_callback": oidc.shared_callback,
        }),
        Setup::Saml(saml) => json!({
            "entity_id": saml.entity_id,
            "sso_url": saml.sso_url,
            "certificates": saml.certificates,
        }),
    };
    if let (Some(told), Value::Object(own)) = (told.as_object_mut(), own) {
        told.extend(own);
    }
    told
}

/// A sealed secret opens in its connection's row only.
fn place(tenant: &TenantId, id: &ConnectionId) -> String {
    format!("{tenant}/connections/{id}")
}

fn seal(
    call: &Call,
    vault: &Vault,
    connection: &Connection,
    secret: Option<Secret<String>>,
) -> Result<Option<Vec<u8>>, AuthError> {
    let Some(secret) = secret.filter(|secret| !secret.expose().is_empty()) else {
        return Ok(None);
    };
    let place = place(call.tenant(), &connection.id);
    Ok(Some(vault.seal(&place, secret.expose().as_bytes(), &*call.chance)?))
}

/// The client secret, if there is one.
pub(super) fn open(
    tenant: &TenantId,
    vault: &Vault,
    stored: &Stored,
) -> Result<Option<Secret<String>>, AuthError> {
    let Some(sealed) = &stored.sealed else {
        return Ok(None);
    };
    let plain = vault.open(&place(tenant, &stored.connection.id), sealed)?;
    Ok(Some(Secret::new(String::from_utf8_lossy(plain.expose()).into_owned())))
}
