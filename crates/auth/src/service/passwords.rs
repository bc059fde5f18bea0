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
