//! How does who holds a token make it worthless? (RFC 7009)
//!
//! A person's token, refresh or access, ends their session: that it is shown is proof enough, as people's clients have no
//! secret of their own. A client's access token is revoked by that client only. What is no token, or none any more, is
//! worthless already.

use super::finish;
use crate::{
    AccessClaims, AuthError, Bearer, GrantError, Tokens, Visit,
    api_key::KeySecret,
    session::{Purpose, SessionSecret},
    store,
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Actor, Call, ClientId, Permissions, Principal, Secret, SessionId, TenantId, UserId};
use serde_json::json;
use std::sync::Arc;

/// Makes a token worthless. `by` is the client that asks, if one showed that it is itself.
///
/// # Errors
/// [`GrantError::Client`] and [`GrantError::Foreign`] for a client's token that is shown by nobody, or by another;
/// [`GrantError::TokenKind`] for an API key; the database's.
pub async fn revoke_token(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    by: Option<&Call>,
    token: &Secret<String>,
) -> Result<(), GrantError> {
    if token.expose().starts_with(KeySecret::MARK) {
        return Err(GrantError::TokenKind);
    }
    if let Some(shown) = SessionSecret::read(Purpose::Refresh, token) {
        return by_refresh(db, visit, &shown).await;
    }
    let Ok(claims) = tokens.verify(token, visit.now) else {
        return Ok(());
    };
    match &claims.bearer {
        Bearer::Person(user, session) => {
            let mut tx = db.begin().await?;
            let ended = end(&mut tx.scope(&claims.tenant), visit, user, session).await;
            told(finish(tx, ended).await)
        }
        Bearer::Client(client, _) => match by {
            None => Err(GrantError::Client),
            Some(call) if is(call, &claims.tenant, client) => own(db, call, &claims).await,
            Some(_) => Err(GrantError::Foreign),
        },
    }
}

fn is(call: &Call, tenant: &TenantId, client: &ClientId) -> bool {
    call.tenant() == tenant && call.principal.actor == Actor::Client(client.clone())
}

fn told(outcome: Result<(), AuthError>) -> Result<(), GrantError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(AuthError::Db(error)) => Err(error.into()),
        // Whatever else was wrong with it: it opens nothing, which is what was asked for.
        Err(_) => Ok(()),
    }
}

async fn by_refresh(db: &Db, visit: &Visit, shown: &SessionSecret) -> Result<(), GrantError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&shown.tenant);
        let found = store::session::presented(&mut scope, &shown.session, &shown.hash()).await?;
        match found {
            // Also one that was used before: whoever holds it wants the session to end.
            Some(presented) => end(&mut scope, visit, &presented.session.user, &shown.session).await,
            None => Ok(()),
        }
    };
    let outcome = work.await;
    told(finish(tx, outcome).await)
}

/// Ends a session, once.
async fn end(
    scope: &mut Scope<'_>,
    visit: &Visit,
    user: &UserId,
    session: &SessionId,
) -> Result<(), AuthError> {
    if !store::session::revoke(scope, user, session, visit.now).await? {
        return Ok(());
    }
    store::tenant::bump_access(scope).await?;
    let call = visit.call(Principal {
        tenant: scope.tenant().clone(),
        actor: Actor::User(user.clone(), session.clone()),
        permissions: Permissions::NONE,
        grants: Arc::default(),
        assurance: kernel::Assurance::default(),
        access_revision: 0,
    });
    let entry = Entry { action: "session.revoked", subject: session.as_str(), ..Entry::default() };
    Ok(audit::append(scope, &call, &entry).await?)
}

/// Revokes a client's own access token.
async fn own(db: &Db, call: &Call, claims: &AccessClaims) -> Result<(), GrantError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if !store::revoked_token::put(&mut scope, &claims.id, claims.expires_at, call.now).await? {
            return Ok(());
        }
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "token.revoked",
            subject: call.principal.actor.name(),
            before: None,
            after: Some(json!({"jti": claims.id})),
        };
        Ok(audit::append(&mut scope, call, &entry).await?)
    };
    let outcome = work.await;
    told(finish(tx, outcome).await)
}
