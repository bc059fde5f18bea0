//! How does somebody change their password? By knowing the present one; their other sessions end.

use super::{finish, logins::count, person};
use crate::{
    AuthError, NewPassword, Verdict,
    attempt::{self, Subject},
    password,
    store::{self, user::Password},
};
use audit::Entry;
use db::{Db, Tx};
use kernel::{Call, FieldFault, Secret, UserId};

/// Changes the caller's password and ends their other sessions.
///
/// # Errors
/// [`AuthError::Fields`] if the present password is wrong or the new one not good enough; [`AuthError::LoginBlocked`] after
/// too many tries; [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn change_password(
    db: &Db,
    call: &Call,
    present: &Secret<String>,
    new: &Secret<String>,
) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let outcome = prepare(&mut tx, call, user, new).await;
    let (stored, new, subjects) = finish(tx, outcome).await?;

    if password::verify_password(present, stored.hash.as_deref())? == Verdict::Wrong {
        let fault = FieldFault::new("current_password", "is not the present password");
        return Err(AuthError::Fields(vec![fault]));
    }
    let hash = password::hash_password(new.secret(), &*call.chance)?;

    let mut tx = db.begin().await?;
    let work = async {
        store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
        let mut scope = tx.scope(call.tenant());
        let again = store::user::password(&mut scope, user).await?;
        if again.is_none_or(|again| again.hash != stored.hash) {
            return Err(AuthError::Stale);
        }
        store::user::set_password(&mut scope, user, &hash, call.now).await?;
        store::session::revoke_all(&mut scope, user, Some(session), call.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry { action: "user.password_changed", subject: user.as_str(), ..Entry::default() };
        Ok(audit::append(&mut scope, call, &entry).await?)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// What is stored, the new password if it is good enough, and a counted try: a stolen session must not be a way to guess
/// passwords without a brake.
async fn prepare(
    tx: &mut Tx,
    call: &Call,
    user: &UserId,
    new: &Secret<String>,
) -> Result<(Password, NewPassword, [Subject; 2]), AuthError> {
    let stored = store::user::password(&mut tx.scope(call.tenant()), user).await?;
    let stored = stored.ok_or(AuthError::NotFound("user"))?;
    let new = NewPassword::new(new.expose(), Some(&stored.email))
        .map_err(|message| AuthError::Fields(vec![FieldFault::new("new_password", message)]))?;
    let subjects = attempt::subjects(Some(call.tenant()), &stored.email, call.address.as_deref());
    for subject in &subjects {
        count(tx, subject, call.now).await?;
    }
    Ok((stored, new, subjects))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credential,
        service::stage::{PASSWORD, Stage},
    };
    use futures::executor::block_on;
    use kernel::Fault;

    const OWNER: &str = "owner@acme-corp.test";
    const NEW: &str = "a new and better one";

    fn change(stage: &Stage, call: &Call, present: &str, new: &str) -> Result<(), AuthError> {
        let secret = |text: &str| Secret::new(text.to_owned());
        block_on(change_password(&stage.db, call, &secret(present), &secret(new)))
    }

    #[test]
    fn a_change_ends_the_other_sessions() {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        let other = stage.login(None, OWNER, PASSWORD).unwrap();
        let this = stage.login(None, OWNER, PASSWORD).unwrap();
        let call = stage.as_bearer(&this.access_token);
        change(&stage, &call, PASSWORD, NEW).unwrap();
        assert!(stage.check(&Credential::Bearer(this.access_token)).is_ok());
        assert!(stage.check(&Credential::Bearer(other.access_token)).is_err());
        assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::LoginFailed)));
        assert!(stage.login(None, OWNER, NEW).is_ok());
        assert!(stage.audited("acme-corp").contains(&"user.password_changed".to_owned()));
    }

    #[test]
    fn it_needs_the_present_password_and_guessing_is_slowed() {
        let stage = Stage::new();
        let key = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let call = stage.as_bearer(&stage.login(None, OWNER, PASSWORD).unwrap().access_token);
        let fault = change(&stage, &call, PASSWORD, "short").unwrap_err();
        assert_eq!(fault.fields()[0].field, "new_password");
        for _ in 0..10 {
            let fault = change(&stage, &call, "wrong", NEW).unwrap_err();
            assert_eq!(fault.fields()[0].field, "current_password");
        }
        assert!(matches!(change(&stage, &call, PASSWORD, NEW), Err(AuthError::LoginBlocked(_))));
        assert!(matches!(change(&stage, &key, PASSWORD, NEW), Err(AuthError::NeedsSession)));
    }
}
