//! Which sessions has somebody, and how do they end one they do not know?

use super::{finish, person};
use crate::{AuthError, Session, store};
use audit::Entry;
use db::Db;
use kernel::{Call, Page, PageRequest, SessionId};
use serde_json::json;

/// The caller's sessions that go on, newest first.
///
/// # Errors
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn sessions(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Session>, AuthError> {
    let (user, _) = person(call)?;
    let mut lease = db.read().await?;
    let rows = store::session::list(&mut lease.scope(call.tenant())?, user, call.now, page).await?;
    Ok(Page::cut(rows, page, |session| session.id.to_string()))
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
        let entry = Entry { action: "session.revoked", subject: id.as_str(), ..Entry::default() };
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
