//! How does a tenant's administration make clients, change them, turn their secrets and revoke them?

use super::finish;
use crate::{AuthError, Client, ClientPatch, ClientSecret, ClientState, NewClient, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, ClientId, Page, PageRequest, Permission, Permissions, Reach, Span};
use serde_json::{Value, json};

/// What the audit says of a client; never its secret.
fn told(client: &Client) -> Value {
    let permissions: Vec<&str> = client.permissions.iter().map(Permission::as_str).collect();
    json!({
        "name": client.name,
        "permissions": permissions,
        "rate_per_minute": client.rate_per_minute,
        "networks": client.networks.texts().collect::<Vec<_>>(),
        "public_key": client.public_key.is_some(),
        "expires_at": client.expires_at.map(|at| at.to_string()),
        "version": client.version,
    })
}

/// Whether the caller may do all of that in the whole tenant, as a client may.
fn covers(call: &Call, permissions: Permissions) -> bool {
    call.principal.covers(permissions, &Reach::Everything)
}

/// Makes a client. Its secret is given this once; there is none if it shows signatures.
///
/// # Errors
/// [`AuthError::Beyond`] if it could do more than its maker; the database's.
pub async fn create_client(
    db: &Db,
    call: &Call,
    new: NewClient,
) -> Result<(Client, Option<ClientSecret>), AuthError> {
    if !covers(call, new.permissions) {
        return Err(AuthError::Beyond);
    }
    let id = ClientId::new(call.now, &*call.chance);
    let client = new.made(id, call.principal.actor.name(), call.now);
    let secret = client.public_key.is_none().then(|| ClientSecret::new(&*call.chance));
    let hash = secret.as_ref().map(|secret| ClientSecret::hash(secret.text(), &client.id));
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        store::client::insert(&mut scope, &client, hash.as_ref()).await?;
        let entry = Entry {
            action: "client.created",
            subject: client.id.as_str(),
            before: None,
            after: Some(told(&client)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok((client, secret))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The tenant's clients, newest first.
///
/// # Errors
/// The database's.
pub async fn clients(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Client>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::client::list(&mut lease.scope(call.tenant())?, page).await?;
    Ok(Page::cut(rows, page, |client| client.id.to_string()))
}

/// One client.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn client(db: &Db, call: &Call, id: &ClientId) -> Result<Client, AuthError> {
    let mut lease = db.read().await?;
    let found = store::client::get(&mut lease.scope(call.tenant())?, id).await?;
    found.ok_or(AuthError::NotFound("client"))
}

/// A client that the caller may change: it is there, is not revoked, and cannot do more than they can.
async fn changeable(scope: &mut Scope<'_>, call: &Call, id: &ClientId) -> Result<Client, AuthError> {
    let client = store::client::get(scope, id).await?.ok_or(AuthError::NotFound("client"))?;
    if !covers(call, client.permissions) {
        return Err(AuthError::Beyond);
    }
    match client.state {
        ClientState::Active => Ok(client),
        ClientState::Revoked => Err(AuthError::Revoked("client")),
    }
}

/// Changes a client; with `expected`, only if it is still of that version. It counts for tokens that are out, too.
///
/// # Errors
/// [`AuthError::Fields`]; [`AuthError::Beyond`] if it may, or would, do more than the caller; [`AuthError::Stale`];
/// [`AuthError::Revoked`]; [`AuthError::NotFound`]; the database's.
pub async fn change_client(
    db: &Db,
    call: &Call,
    id: &ClientId,
    patch: ClientPatch,
    expected: Option<i64>,
) -> Result<Client, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = changeable(&mut scope, call, id).await?;
        if expected.is_some_and(|version| version != before.version) {
            return Err(AuthError::Stale);
        }
        let old = told(&before);
        let after = before.change(patch, call.now)?;
        if !covers(call, after.permissions) {
            return Err(AuthError::Beyond);
        }
        store::client::update(&mut scope, &after).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "client.changed",
            subject: id.as_str(),
            before: Some(old),
            after: Some(told(&after)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Gives a client another secret, this once; the present one holds for `overlap` yet. Tokens that are out go on.
///
/// # Errors
/// [`AuthError::Beyond`] if it may do more than the caller; [`AuthError::Revoked`]; [`AuthError::NotFound`]; the database's.
pub async fn rotate_client_secret(
    db: &Db,
    call: &Call,
    id: &ClientId,
    overlap: Span,
) -> Result<(Client, ClientSecret), AuthError> {
    let secret = ClientSecret::new(&*call.chance);
    let hash = ClientSecret::hash(secret.text(), id);
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        changeable(&mut scope, call, id).await?;
        let old_until = (overlap > Span::default()).then(|| call.now + overlap);
        store::client::turn(&mut scope, id, &hash, old_until, call.now).await?;
        let entry = Entry {
            action: "client.secret_rotated",
            subject: id.as_str(),
            before: None,
            after: Some(json!({"old_secret_until": old_until.map(|at| at.to_string())})),
        };
        audit::append(&mut scope, call, &entry).await?;
        let after = store::client::get(&mut scope, id).await?.ok_or(AuthError::NotFound("client"))?;
        Ok((after, secret))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Revokes a client: it gets no token, and its tokens are refused from the next request on. Twice is the same as once.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn revoke_client(db: &Db, call: &Call, id: &ClientId) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let client = store::client::get(&mut scope, id).await?.ok_or(AuthError::NotFound("client"))?;
        if !store::client::revoke(&mut scope, id, call.now).await? {
            return Ok(());
        }
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "client.revoked",
            subject: id.as_str(),
            before: Some(told(&client)),
            after: None,
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
