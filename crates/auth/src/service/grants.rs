//! How does a client show that it is itself, and get a token?
//!
//! Nothing is written for a client that is: the brake counts wrong proofs only, for a secret of 256 bits cannot be
//! guessed. Its last use is written once a minute, and a signature is used up.

use crate::{
    ACCESS_TOKEN_LIFE, ClientProof, ClientSecret, GrantError, Shown, TenantState, Tokens, Visit,
    assertion::Assertion,
    attempt::{self, Subject},
    grant::narrowed,
    session::TOUCH,
    store::{self, client::Knocking},
    token::scope_text,
};
use audit::Entry;
use db::{Db, DbError};
use kernel::{Actor, Call, Principal, Secret, Span};
use std::sync::Arc;

/// What a client asks for at the token endpoint.
#[derive(Debug, Clone)]
pub struct GrantAsked {
    /// Who asks.
    pub proof: ClientProof,
    /// The permissions that the token shall be for, with spaces between; all of the client's if `None`.
    pub scope: Option<String>,
    /// The tenant that the path or a header named, if one did.
    pub tenant_named: Option<String>,
}

/// What it gets.
#[derive(Debug, Clone)]
pub struct Granted {
    /// For `Authorization: Bearer`.
    pub access_token: Secret<String>,
    /// For how long.
    pub expires_in: Span,
    /// What it is for, with spaces between.
    pub scope: String,
}

/// Gives a client an access token (RFC 6749, section 4.4).
///
/// # Errors
/// [`GrantError`].
pub async fn grant(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    asked: GrantAsked,
) -> Result<Granted, GrantError> {
    let call = authenticate(db, tokens, visit, &asked.proof, asked.tenant_named.as_deref()).await?;
    let scope = narrowed(asked.scope.as_deref(), call.principal.permissions)?;
    let client = &asked.proof.client;
    let token = tokens.sign_for_client(call.tenant(), client, scope, call.now, &*call.chance);
    Ok(Granted {
        access_token: token.map_err(GrantError::Signing)?,
        expires_in: ACCESS_TOKEN_LIFE,
        scope: scope_text(scope),
    })
}

/// The call of a client that showed that it is itself.
///
/// # Errors
/// [`GrantError::Client`], whatever was wrong with the proof; [`GrantError::Blocked`] after too many wrong ones; and only
/// for who showed a right one: [`GrantError::Suspended`].
pub async fn authenticate(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    proof: &ClientProof,
    tenant_named: Option<&str>,
) -> Result<Call, GrantError> {
    let subjects = attempt::client_subjects(&proof.client, visit.address.as_deref());
    let knocking = {
        let mut lease = db.read().await?;
        let mut all = lease.all_tenants()?;
        for subject in &subjects {
            let tries = store::attempt::get(&mut all, subject).await?;
            if let Some(wait) = tries.and_then(|tries| tries.wait(visit.now)) {
                return Err(GrantError::Blocked(wait));
            }
        }
        store::client::knocking(&mut all, &proof.client).await?
    };
    match admit(tokens, visit, proof, tenant_named, knocking.as_ref()) {
        Ok(entry) => come_in(db, visit, &subjects, entry).await,
        Err(GrantError::Client) => {
            refuse(db, visit, &subjects, knocking.as_ref()).await?;
            Err(GrantError::Client)
        }
        Err(other) => Err(other),
    }
}

/// A client whose proof was right, and the signature that is to be used up, if it was one.
struct Entered<'a> {
    knocking: &'a Knocking,
    assertion: Option<Assertion>,
}

/// Decides whether the proof is right.
fn admit<'a>(
    tokens: &Tokens,
    visit: &Visit,
    proof: &ClientProof,
    tenant_named: Option<&str>,
    knocking: Option<&'a Knocking>,
) -> Result<Entered<'a>, GrantError> {
    let now = visit.now;
    let knocking = knocking.ok_or(GrantError::Client)?;
    let assertion = match &proof.shown {
        Shown::Secret(text) if knocking.knows(&ClientSecret::hash(text, &proof.client), now) => None,
        Shown::Secret(_) => return Err(GrantError::Client),
        Shown::Assertion(text) => {
            let key = knocking.client.public_key.as_ref().ok_or(GrantError::Client)?;
            let issuer = tokens.issuer();
            let audiences = [issuer.to_owned(), format!("{issuer}/api/v1/oauth/token")];
            Some(key.verify(text, &proof.client, &audiences, now).ok_or(GrantError::Client)?)
        }
    };
    let here = knocking.client.networks.admit(visit.address.as_deref());
    let named = tenant_named.is_none_or(|named| named == knocking.tenant.as_str());
    if !knocking.client.opens(now) || !here || !named {
        return Err(GrantError::Client);
    }
    if knocking.tenant_state == TenantState::Suspended {
        return Err(GrantError::Suspended);
    }
    Ok(Entered { knocking, assertion })
}

/// Notes the use, and uses a signature up.
async fn come_in(
    db: &Db,
    visit: &Visit,
    subjects: &[Subject; 2],
    entered: Entered<'_>,
) -> Result<Call, GrantError> {
    let Entered { knocking, assertion } = entered;
    let (client, now) = (&knocking.client, visit.now);
    let call = visit.call(Principal {
        tenant: knocking.tenant.clone(),
        actor: Actor::Client(client.id.clone()),
        permissions: client.permissions,
        grants: Arc::default(),
        assurance: kernel::Assurance::default(),
        access_revision: knocking.access_revision,
    });
    if let Some(assertion) = assertion {
        let mut tx = db.begin().await?;
        let mut scope = tx.scope(&knocking.tenant);
        let fresh =
            store::client::use_assertion(&mut scope, &client.id, &assertion.hash, assertion.ends, now)
                .await?;
        if !fresh {
            tx.rollback().await?;
            refuse(db, visit, subjects, Some(knocking)).await?;
            return Err(GrantError::Client);
        }
        store::client::touch(&mut scope, &client.id, now).await?;
        tx.commit().await?;
    } else if client.last_used_at.is_none_or(|last| now.since(last) >= TOUCH) {
        // The last use is for people's eyes: a token is not refused for want of it.
        let _: Result<(), DbError> = touch(db, &call, knocking).await;
    }
    Ok(call)
}

async fn touch(db: &Db, call: &Call, knocking: &Knocking) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    store::client::touch(&mut tx.scope(call.tenant()), &knocking.client.id, call.now).await?;
    tx.commit().await
}

/// Counts a wrong proof, and writes it down where there is a tenant to write it to.
async fn refuse(
    db: &Db,
    visit: &Visit,
    subjects: &[Subject; 2],
    knocking: Option<&Knocking>,
) -> Result<(), GrantError> {
    let mut tx = db.begin().await?;
    for subject in subjects {
        let mut all = tx.all_tenants();
        let before = store::attempt::get(&mut all, subject).await?;
        // Too early for another: somebody else counted a moment ago, and it is as it should be.
        if let Ok(tries) = subject.try_again(before, visit.now) {
            store::attempt::put(&mut all, subject, tries).await?;
        }
    }
    store::attempt::forget_old(&mut tx.all_tenants(), visit.now).await?;
    if let Some(knocking) = knocking {
        let call = visit.call(Principal::system(knocking.tenant.clone()));
        let subject = knocking.client.id.as_str();
        let entry = Entry { action: "client.refused", subject, ..Entry::default() };
        audit::append(&mut tx.scope(&knocking.tenant), &call, &entry).await?;
    }
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests;
