//! How does a password become another one? By knowing the present one, or by a link from a letter. Other sessions end, and
//! the owner is told.

use super::{finish, letters, logins::count, person, tickets};
use crate::{
    AuthError, Content, Email, Hashing, Letter, NewPassword, Notice, PasswordPolicy, PasswordSettings,
    TicketError, TicketPurpose, TicketSecret, UserState, Verdict, Visit,
    attempt::{self, Subject},
    hashing, store,
};
use audit::Entry;
use db::{Db, Scope, Tx};
use kernel::{Call, Chance, FieldFault, Instant, Principal, Secret, UserId};
use vault::Vault;

/// What a new password is compared with.
struct Present {
    hash: Option<String>,
    email: Email,
    earlier: Vec<String>,
    settings: PasswordSettings,
}

/// What is known of a user's password, and the new one if the tenant's policy lets it be one.
async fn consider(
    scope: &mut Scope<'_>,
    user: &UserId,
    new: &Secret<String>,
) -> Result<(Present, NewPassword), AuthError> {
    let stored = store::user::password(scope, user).await?.ok_or(AuthError::NotFound("user"))?;
    let kept = store::settings::get(scope).await?.ok_or(AuthError::NotFound("organization"))?;
    let settings = kept.settings.password;
    let tenant = scope.tenant().to_string();
    let policy = PasswordPolicy::new(settings, Some(&stored.email), &[&tenant, &kept.name]);
    let new = NewPassword::new(new.expose(), &policy).map_err(|message| unfit(&message))?;
    let earlier = store::history::list(scope, user, settings.history).await?;
    Ok((Present { hash: stored.hash, email: stored.email, earlier, settings }, new))
}

fn unfit(message: &str) -> AuthError {
    AuthError::Fields(vec![FieldFault::new("new_password", message)])
}

/// The hash of a new password that is not one of the earlier ones. Outside any transaction: it takes a turn for each.
async fn hash_unless_earlier(
    hashing: &dyn Hashing,
    present: &Present,
    new: &NewPassword,
    chance: &dyn Chance,
) -> Result<String, AuthError> {
    if present.settings.history > 0 {
        for earlier in present.hash.iter().chain(&present.earlier) {
            if hashing::verify(hashing, new.secret(), Some(earlier)).await? != Verdict::Wrong {
                let count = present.settings.history;
                return Err(unfit(&format!("must be another one than the present and the last {count}")));
            }
        }
    }
    hashing::hash(hashing, new.secret(), chance).await
}

/// Sets the password, unless it was changed while the new one was hashed.
async fn replace(
    scope: &mut Scope<'_>,
    user: &UserId,
    present: &Present,
    hash: &str,
    now: Instant,
) -> Result<(), AuthError> {
    let again = store::user::password(scope, user).await?;
    if again.is_none_or(|again| again.hash != present.hash) {
        return Err(AuthError::Stale);
    }
    if let Some(old) = &present.hash {
        store::history::retire(scope, user, old, present.settings.history, now).await?;
    }
    Ok(store::user::set_password(scope, user, hash, now).await?)
}

/// Changes the caller's password and ends their other sessions.
///
/// # Errors
/// [`AuthError::Fields`] if the present password is wrong or the new one not good enough; [`AuthError::LoginBlocked`] after
/// too many tries; [`AuthError::Busy`]; [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn change_password(
    db: &Db,
    hashing: &dyn Hashing,
    vault: &Vault,
    call: &Call,
    present: &Secret<String>,
    new: &Secret<String>,
) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let outcome = prepare(&mut tx, call, user, new).await;
    let (stored, new, subjects) = finish(tx, outcome).await?;

    if hashing::verify(hashing, present, stored.hash.as_deref()).await? == Verdict::Wrong {
        let fault = FieldFault::new("current_password", "is not the present password");
        return Err(AuthError::Fields(vec![fault]));
    }
    let hash = hash_unless_earlier(hashing, &stored, &new, &*call.chance).await?;

    let mut tx = db.begin().await?;
    let work = async {
        store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
        let mut scope = tx.scope(call.tenant());
        replace(&mut scope, user, &stored, &hash, call.now).await?;
        store::session::revoke_all(&mut scope, user, Some(session), call.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry { action: "user.password_changed", subject: user.as_str(), ..Entry::default() };
        audit::append(&mut scope, call, &entry).await?;
        let content = Content::SecurityNotice(Notice::PasswordChanged);
        let letter = Letter { to: stored.email.clone(), user: Some(user.clone()), content };
        letters::write(&mut scope, call, vault, letter).await?;
        Ok(())
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
) -> Result<(Present, NewPassword, [Subject; 2]), AuthError> {
    let (stored, new) = consider(&mut tx.scope(call.tenant()), user, new).await?;
    let subjects = attempt::subjects(Some(call.tenant()), &stored.email, call.address.as_deref());
    for subject in &subjects {
        count(tx, subject, call.now).await?;
    }
    Ok((stored, new, subjects))
}

/// Sets a new password by a link from a letter. All sessions end; nobody is logged in, so that a second factor is asked for
/// at the next login as ever.
///
/// # Errors
/// [`TicketError::Invalid`]; [`AuthError::Fields`] if the password is not good enough, and the link goes on;
/// [`AuthError::Busy`]; the database's.
pub async fn reset_password(
    db: &Db,
    hashing: &dyn Hashing,
    vault: &Vault,
    visit: &Visit,
    shown: &TicketSecret,
    new: &Secret<String>,
) -> Result<(), AuthError> {
    let purpose = TicketPurpose::PasswordReset;
    let (user, present, new) = {
        let mut lease = db.read().await?;
        let mut scope = lease.scope(&shown.tenant)?;
        let (_, user) = tickets::of_user(&mut scope, shown, purpose, visit.now).await?;
        let (present, new) = consider(&mut scope, &user, new).await?;
        (user, present, new)
    };
    let hash = hash_unless_earlier(hashing, &present, &new, &*visit.chance).await?;

    let call = visit.call(Principal::system(shown.tenant.clone()));
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&shown.tenant);
        let (ticket, _) = tickets::of_user(&mut scope, shown, purpose, visit.now).await?;
        tickets::use_up(&mut scope, &ticket, visit.now).await?;
        let member = store::user::get(&mut scope, &user).await?.ok_or(TicketError::Invalid)?;
        if member.user.state == UserState::Disabled || ticket.email != member.user.email {
            return Err(TicketError::Invalid.into());
        }
        replace(&mut scope, &user, &present, &hash, visit.now).await?;
        // The letter arrived, so the address is theirs.
        store::user::verify_email(&mut scope, &user, &ticket.email, visit.now).await?;
        store::switching::prove(&mut scope, &user, &ticket.email, visit.now).await?;
        store::session::revoke_all(&mut scope, &user, None, visit.now).await?;
        store::ticket::revoke_of_user(&mut scope, &user, visit.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry { action: "user.password_reset", subject: user.as_str(), ..Entry::default() };
        audit::append(&mut scope, &call, &entry).await?;
        let content = Content::SecurityNotice(Notice::PasswordReset);
        let letter = Letter { to: ticket.email, user: Some(user.clone()), content };
        letters::write(&mut scope, &call, vault, letter).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests;
