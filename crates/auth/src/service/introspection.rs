//! Is this token active, and what does it say? (RFC 7662)
//!
//! What is asked about must be of the asker's own tenant: everything else is as inactive as a token that never was. The
//! live state decides: a token of a revoked session, or of a client that was changed a moment ago, is told as it is now.

use crate::{
    AccessClaims, AuthError, Bearer, Credential, Gate,
    api_key::KeySecret,
    session::{Purpose, Refresh, SessionSecret},
    store,
    token::{AUDIENCE, OWN_CLIENT},
};
use db::Db;
use kernel::{Call, Instant, Permissions, Secret, SessionId};

/// What was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An access token, of a person or of a client.
    Access,
    /// A refresh token.
    Refresh,
    /// An API key.
    ApiKey,
}

/// What an active token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// What it is.
    pub kind: TokenKind,
    /// What its bearer may do at this moment.
    pub permissions: Permissions,
    /// Whom it names: the id of a user, a client or an API key.
    pub subject: String,
    /// The client that it was given to; none for an API key.
    pub client: Option<String>,
    /// The e-mail address, if it is a person's.
    pub username: Option<String>,
    /// The session, if it is a person's.
    pub session: Option<SessionId>,
    /// Its own id, if it has one.
    pub id: Option<String>,
    /// Whom it is for, if it says so.
    pub audience: Option<&'static str>,
    /// When it was signed, if it says so.
    pub issued_at: Option<Instant>,
    /// When it ends.
    pub expires_at: Option<Instant>,
}

/// What a token of the caller's tenant says; `None` if it is not active, or not of this tenant.
///
/// # Errors
/// The database's.
pub async fn introspect(
    db: &Db,
    gate: &Gate,
    call: &Call,
    token: &Secret<String>,
) -> Result<Option<Inspected>, AuthError> {
    if token.expose().starts_with(KeySecret::MARK) {
        return by_key(db, gate, call, token).await;
    }
    if let Some(shown) = SessionSecret::read(Purpose::Refresh, token) {
        return by_refresh(db, call, &shown).await;
    }
    match gate.tokens().verify(token, call.now) {
        Ok(claims) if claims.tenant == *call.tenant() => by_claims(gate, call, token, claims).await,
        Ok(_) | Err(_) => Ok(None),
    }
}

/// What does not hold is inactive; only a database that failed is a failure.
fn active<T>(outcome: Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(AuthError::Db(error)) => Err(AuthError::Db(error)),
        Err(_) => Ok(None),
    }
}

async fn by_claims(
    gate: &Gate,
    call: &Call,
    token: &Secret<String>,
    claims: AccessClaims,
) -> Result<Option<Inspected>, AuthError> {
    let found = gate.inspect(&Credential::Bearer(token.clone()), call.now).await;
    let Some(checked) = active(found)? else {
        return Ok(None);
    };
    let (subject, client, session) = match claims.bearer {
        Bearer::Person(user, session) => (user.to_string(), OWN_CLIENT.to_owned(), Some(session)),
        Bearer::Client(client, _) => (client.to_string(), client.to_string(), None),
    };
    Ok(Some(Inspected {
        kind: TokenKind::Access,
        permissions: checked.principal.permissions,
        subject,
        client: Some(client),
        username: checked.user_email,
        session,
        id: Some(claims.id),
        audience: Some(AUDIENCE),
        issued_at: Some(claims.issued_at),
        expires_at: Some(claims.expires_at),
    }))
}

async fn by_key(
    db: &Db,
    gate: &Gate,
    call: &Call,
    token: &Secret<String>,
) -> Result<Option<Inspected>, AuthError> {
    let found = active(gate.inspect(&Credential::Bearer(token.clone()), call.now).await)?;
    let Some(checked) = found.filter(|checked| checked.principal.tenant == *call.tenant()) else {
        return Ok(None);
    };
    let subject = checked.principal.actor.name().to_owned();
    let mut lease = db.read().await?;
    let key = match subject.parse() {
        Ok(id) => store::api_key::get(&mut lease.scope(call.tenant())?, &id).await?,
        Err(_) => None,
    };
    Ok(key.map(|key| Inspected {
        kind: TokenKind::ApiKey,
        permissions: checked.principal.permissions,
        subject,
        client: None,
        username: None,
        session: None,
        id: None,
        audience: None,
        issued_at: Some(key.created_at),
        expires_at: key.expires_at,
    }))
}

async fn by_refresh(db: &Db, call: &Call, shown: &SessionSecret) -> Result<Option<Inspected>, AuthError> {
    if shown.tenant != *call.tenant() {
        return Ok(None);
    }
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let found = store::session::presented(&mut scope, &shown.session, &shown.hash()).await?;
    let Some(presented) = found.filter(|presented| presented.judge(call.now) == Refresh::Turn) else {
        return Ok(None);
    };
    let member = store::user::get(&mut scope, &presented.session.user).await?;
    Ok(member.map(|member| Inspected {
        kind: TokenKind::Refresh,
        permissions: member.permissions,
        subject: member.user.id.to_string(),
        client: Some(OWN_CLIENT.to_owned()),
        username: Some(member.user.email.to_string()),
        expires_at: Some(presented.expires_at.min(presented.session.ends(&presented.limits))),
        session: Some(presented.session.id),
        id: None,
        audience: None,
        issued_at: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        UserState, service,
        service::stage::{PASSWORD, START, Stage},
    };
    use futures::executor::block_on;
    use kernel::{Permission, Span};

    fn asked(stage: &Stage, call: &Call, token: &Secret<String>) -> Option<Inspected> {
        let call = Call { now: stage.now, ..call.clone() };
        block_on(introspect(&stage.db, &stage.gate, &call, token)).unwrap()
    }

    #[test]
    fn tokens_of_every_kind_say_who_bears_them() {
        let stage = Stage::new();
        let key = stage.set_up("acme-corp").api_key;
        let call = stage.as_bearer(&key);
        let person = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        let access = asked(&stage, &call, &person.access_token).unwrap();
        assert_eq!((access.kind, access.client.as_deref()), (TokenKind::Access, Some("signalbox")));
        assert_eq!(access.username.as_deref(), Some("owner@acme-corp.test"));
        assert_eq!(
            (access.session, access.expires_at),
            (Some(person.session), Some(START + Span::minutes(15)))
        );
        assert!(access.permissions.has(Permission::TokensIntrospect));
        let refresh = asked(&stage, &call, &person.refresh_token).unwrap();
        assert_eq!((refresh.kind, &refresh.subject), (TokenKind::Refresh, &access.subject));
        let own = asked(&stage, &call, &key).unwrap();
        assert_eq!((own.kind, own.client), (TokenKind::ApiKey, None));
        for text in ["", "x", "a.b.c", "sbx_1_2", "sbr_acme-corp_1_2"] {
            assert_eq!(asked(&stage, &call, &Secret::new(text.to_owned())), None, "{text}");
        }
    }

    #[test]
    fn the_live_state_decides() {
        let mut stage = Stage::new();
        let call = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let one = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        let two = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        let owner = stage.as_bearer(&one.access_token);
        block_on(service::revoke_session(&stage.db, &owner, &two.session)).unwrap();
        assert_eq!(asked(&stage, &call, &two.access_token), None);
        assert_eq!(asked(&stage, &call, &two.refresh_token), None);
        // A used refresh token is inactive, and asking about it ends nothing.
        block_on(service::refresh(
            &stage.db,
            stage.gate.tokens(),
            &stage.vault,
            &stage.visit(),
            &one.refresh_token,
        ))
        .unwrap();
        assert_eq!(asked(&stage, &call, &one.refresh_token), None);
        assert!(asked(&stage, &call, &one.access_token).is_some());
        stage.meddle(&format!("UPDATE users SET state = '{}'", UserState::Disabled.as_str()));
        assert_eq!(asked(&stage, &call, &one.access_token), None);
        stage.meddle("UPDATE users SET state = 'active'");
        stage.now = START + Span::minutes(15);
        assert_eq!(asked(&stage, &call, &one.access_token), None);
    }

    #[test]
    fn another_tenants_tokens_are_as_good_as_none() {
        let stage = Stage::new();
        let key = stage.set_up("acme-corp").api_key;
        let other = stage.as_bearer(&stage.set_up("globex").api_key);
        let person = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        for token in [&key, &person.access_token, &person.refresh_token] {
            assert_eq!(asked(&stage, &other, token), None);
        }
    }
}
