//! Which sessions has somebody, and how do they end one they do not know?

use super::{finish, person};
use crate::{AuthError, Session, SessionSettings, store};
use audit::Entry;
use db::Db;
use kernel::{Call, Page, PageRequest, SessionId};
use serde_json::json;

/// The caller's sessions that go on, newest first, and the limits by which they end.
///
/// # Errors
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn sessions(
    db: &Db,
    call: &Call,
    page: &PageRequest,
) -> Result<(Page<Session>, SessionSettings), AuthError> {
    let (user, _) = person(call)?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let kept = store::settings::get(&mut scope).await?.ok_or(AuthError::NotFound("organization"))?;
    let limits = kept.settings.session;
    let rows = store::session::list(&mut scope, user, &limits, call.now, page).await?;
    Ok((Page::cut(rows, page, |session| session.id.to_string()), limits))
}

/// Ends one of the caller's sessions: its tokens are refused from the next request on.
///
/// # Errors
/// [`AuthError::NotFound`] if the caller has no such session; [`AuthError::NeedsSession`]; the database's.
pub async fn revoke_session(db: &Db, call: &Call, id: &SessionId) -> Result<(), AuthError> {
    let (user, _) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if !store::session::revoke(&mut scope, user, id, call.now).await? {
            return Err(AuthError::NotFound("session"));
        }
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "session.revoked",
            subject: id.as_str(),
            before: Some(json!({"state": "active"})),
            after: Some(json!({"state": "revoked"})),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Ends all of the caller's sessions, this one too; tells how many.
///
/// # Errors
/// [`AuthError::NeedsSession`]; the database's.
pub async fn revoke_all_sessions(db: &Db, call: &Call) -> Result<usize, AuthError> {
    let (user, _) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let ended = store::session::revoke_all(&mut scope, user, None, call.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "session.all_revoked",
            subject: user.as_str(),
            before: None,
            after: Some(json!({"ended": ended})),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(ended)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credential, SettingsPatch,
        service::{
            change_settings, refresh,
            stage::{PASSWORD, START, Stage},
        },
    };
    use futures::executor::block_on;
    use kernel::Span;

    const OWNER: &str = "owner@acme-corp.test";

    #[test]
    fn somebody_sees_and_ends_their_own_sessions() {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        let one = stage.login(None, OWNER, PASSWORD).unwrap();
        let other = stage.login(None, OWNER, PASSWORD).unwrap();
        let call = stage.as_bearer(&one.access_token);
        let shown = block_on(sessions(&stage.db, &call, &PageRequest::default())).unwrap().0.items;
        assert_eq!(shown.len(), 2);
        assert_eq!(
            (shown[0].agent.as_deref(), shown[0].address.as_deref()),
            (Some("test"), Some("192.0.2.1"))
        );
        block_on(revoke_session(&stage.db, &call, &other.session)).unwrap();
        let gone = stage.check(&Credential::Bearer(other.access_token));
        assert!(matches!(gone, Err(AuthError::CredentialInvalid)));
        assert_eq!(block_on(sessions(&stage.db, &call, &PageRequest::default())).unwrap().0.items.len(), 1);
        let again = block_on(revoke_session(&stage.db, &call, &other.session));
        assert!(matches!(again, Err(AuthError::NotFound(_))));
        assert_eq!(block_on(revoke_all_sessions(&stage.db, &call)).unwrap(), 1);
        assert!(stage.check(&Credential::Bearer(one.access_token)).is_err());
    }

    #[test]
    fn shorter_limits_hold_for_sessions_that_are_there() {
        let mut stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let one = stage.login(None, OWNER, PASSWORD).unwrap();
        let cookie = Credential::Cookie(one.cookie.clone().unwrap());
        stage.now = START + Span::minutes(59);
        assert!(stage.check(&cookie).is_ok());
        let long = stage.now + Span::minutes(61);
        let patch = SettingsPatch { session_idle_minutes: Some(60), ..SettingsPatch::default() };
        block_on(change_settings(&stage.db, &owner, None, patch)).unwrap();
        assert!(stage.check(&cookie).is_ok(), "it was used a moment ago");
        stage.now = long;
        assert!(stage.check(&cookie).is_err(), "it lay idle for an hour");
        let refreshed = block_on(refresh(
            &stage.db,
            stage.gate.tokens(),
            &stage.vault,
            &stage.visit(),
            &one.refresh_token,
        ));
        assert!(matches!(refreshed, Err(AuthError::RefreshInvalid)));
        // However often it is used, it ends.
        let other = stage.login(None, OWNER, PASSWORD).unwrap();
        let patch = SettingsPatch { session_absolute_hours: Some(1), ..SettingsPatch::default() };
        block_on(change_settings(&stage.db, &owner, None, patch)).unwrap();
        let cookie = Credential::Cookie(other.cookie.unwrap());
        for minutes in [20, 40, 59] {
            stage.now = long + Span::minutes(minutes);
            assert!(stage.check(&cookie).is_ok(), "{minutes}");
        }
        stage.now = long + Span::minutes(60);
        assert!(stage.check(&cookie).is_err());
        let third = stage.login(None, OWNER, PASSWORD).unwrap();
        let call = stage.as_bearer(&third.access_token);
        let (shown, limits) = block_on(sessions(&stage.db, &call, &PageRequest::default())).unwrap();
        assert_eq!(shown.items.len(), 1);
        assert_eq!(shown.items[0].ends(&limits), stage.now + Span::hours(1));
    }

    #[test]
    fn nobody_ends_somebody_elses_session() {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        let key = stage.as_bearer(&stage.set_up("globex").api_key);
        let acme = stage.login(None, OWNER, PASSWORD).unwrap();
        let globex = stage.login(None, "owner@globex.test", PASSWORD).unwrap();
        let call = stage.as_bearer(&globex.access_token);
        let ended = block_on(revoke_session(&stage.db, &call, &acme.session));
        assert!(matches!(ended, Err(AuthError::NotFound(_))));
        block_on(revoke_all_sessions(&stage.db, &call)).unwrap();
        assert!(stage.check(&Credential::Bearer(acme.access_token)).is_ok());
        let by_key = block_on(sessions(&stage.db, &key, &PageRequest::default()));
        assert!(matches!(by_key, Err(AuthError::NeedsSession)));
    }
}
