//! Whose is an e-mail address? Whoever has a link from a letter to it. A new address counts once it was confirmed, and the old
//! one is told.

use super::{Post, finish, letters, logins::count, person, tickets};
use crate::{
    AuthError, Content, Email, Hashing, Letter, Notice, TicketError, TicketPurpose, TicketSecret, UserState,
    Verdict, Visit, attempt, hashing, store,
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, FieldFault, Principal, Secret, UserId};
use serde_json::json;
use vault::Vault;

/// Writes a letter to `email` by which its owner shows that they are this user.
pub(super) async fn ask_to_confirm(
    scope: &mut Scope<'_>,
    call: &Call,
    post: Post<'_>,
    user: &UserId,
    email: &Email,
) -> Result<(), AuthError> {
    let moment = (call.now, &*call.chance);
    let purpose = TicketPurpose::EmailVerification;
    let link = tickets::for_user(scope, purpose, user, email, post.links_url, moment).await?;
    let content = Content::EmailVerification { link: link.url, until: link.until };
    let letter = Letter { to: email.clone(), user: Some(user.clone()), content };
    letters::write(scope, call, post.vault, letter).await?;
    Ok(())
}

/// Writes the caller another letter by which they confirm their address; nothing if they did.
///
/// # Errors
/// [`AuthError::LoginBlocked`] after too many in a row; [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn resend_verification(db: &Db, post: Post<'_>, call: &Call) -> Result<(), AuthError> {
    let (user, _) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let member = store::user::get(&mut tx.scope(call.tenant()), user).await?;
        let member = member.ok_or(AuthError::NotFound("user"))?;
        if member.user.email_verified_at.is_some() {
            return Ok(());
        }
        count(&mut tx, &attempt::confirmation(call.tenant(), user), call.now).await?;
        let mut scope = tx.scope(call.tenant());
        ask_to_confirm(&mut scope, call, post, user, &member.user.email).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Begins to change the caller's address: a letter goes to the new one. Whether somebody has that address is not told.
///
/// # Errors
/// [`AuthError::Fields`] if the password is wrong; [`AuthError::LoginBlocked`] after too many tries; [`AuthError::Busy`];
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn change_email(
    db: &Db,
    hashing: &dyn Hashing,
    post: Post<'_>,
    call: &Call,
    password: &Secret<String>,
    email: &Email,
) -> Result<(), AuthError> {
    let (user, _) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let stored = store::user::password(&mut tx.scope(call.tenant()), user).await?;
        let stored = stored.ok_or(AuthError::NotFound("user"))?;
        for subject in attempt::subjects(Some(call.tenant()), &stored.email, call.address.as_deref()) {
            count(&mut tx, &subject, call.now).await?;
        }
        count(&mut tx, &attempt::confirmation(call.tenant(), user), call.now).await?;
        Ok(stored)
    };
    let outcome = work.await;
    let stored = finish(tx, outcome).await?;
    if hashing::verify(hashing, password, stored.hash.as_deref()).await? == Verdict::Wrong {
        let fault = FieldFault::new("current_password", "is not the present password");
        return Err(AuthError::Fields(vec![fault]));
    }
    let mut tx = db.begin().await?;
    let work = async {
        let subjects = attempt::subjects(Some(call.tenant()), &stored.email, call.address.as_deref());
        store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
        let mut scope = tx.scope(call.tenant());
        ask_to_confirm(&mut scope, call, post, user, email).await?;
        let entry = Entry { action: "user.email_change_asked", subject: user.as_str(), ..Entry::default() };
        Ok(audit::append(&mut scope, call, &entry).await?)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Confirms the address that a link was sent to; if it is another than the user's, it becomes theirs.
///
/// # Errors
/// [`TicketError::Invalid`]; [`AuthError::EmailTaken`] if somebody else of the tenant has it by now; the database's.
pub async fn verify_email(
    db: &Db,
    vault: &Vault,
    visit: &Visit,
    shown: &TicketSecret,
) -> Result<(), AuthError> {
    let call = visit.call(Principal::system(shown.tenant.clone()));
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&shown.tenant);
        let purpose = TicketPurpose::EmailVerification;
        let (ticket, user) = tickets::of_user(&mut scope, shown, purpose, visit.now).await?;
        tickets::use_up(&mut scope, &ticket, visit.now).await?;
        let member = store::user::get(&mut scope, &user).await?.ok_or(TicketError::Invalid)?;
        if member.user.state == UserState::Disabled {
            return Err(TicketError::Invalid.into());
        }
        let before = member.user.email;
        if before == ticket.email {
            store::user::verify_email(&mut scope, &user, &before, visit.now).await?;
            let entry = Entry { action: "user.email_verified", subject: user.as_str(), ..Entry::default() };
            return Ok(audit::append(&mut scope, &call, &entry).await?);
        }
        if !store::user::change_email(&mut scope, &user, &ticket.email, visit.now).await? {
            return Err(AuthError::EmailTaken);
        }
        // Who confirms an address need not be who knows the password.
        store::switching::disprove(&mut scope, &user).await?;
        // Links that went to the old address do not open the account any more.
        store::ticket::revoke_of_user(&mut scope, &user, visit.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "user.email_changed",
            subject: user.as_str(),
            before: Some(json!({"email": before.as_str()})),
            after: Some(json!({"email": ticket.email.as_str()})),
        };
        audit::append(&mut scope, &call, &entry).await?;
        let content = Content::SecurityNotice(Notice::EmailChanged);
        letters::write(&mut scope, &call, vault, Letter { to: before, user: Some(user), content }).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Purpose, Unbounded,
        service::{
            SetUp, me, register,
            stage::{PASSWORD, Stage},
        },
    };
    use futures::executor::block_on;
    use kernel::Fault;

    const ANA: &str = "ana@example.com";
    const NEW: &str = "ana.li@example.com";

    fn signed_up() -> (Stage, Call) {
        let stage = Stage::new();
        let asked = SetUp::new("acme-corp", "Acme", ANA, PASSWORD).unwrap();
        let (tokens, post, visit) = (stage.gate.tokens(), stage.post(), stage.visit());
        let ana = block_on(register(&stage.db, tokens, &Unbounded, post, &visit, asked)).unwrap();
        let call = stage.as_bearer(&ana.access_token);
        (stage, call)
    }

    fn verify(stage: &Stage, shown: &TicketSecret) -> Result<(), AuthError> {
        block_on(verify_email(&stage.db, &stage.vault, &stage.visit(), shown))
    }

    fn change(stage: &Stage, call: &Call, password: &str, email: &str) -> Result<(), AuthError> {
        let (password, email) = (Secret::new(password.to_owned()), email.parse().unwrap());
        block_on(change_email(&stage.db, &Unbounded, stage.post(), call, &password, &email))
    }

    fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
        outcome.map_or_else(|error| error.code(), |_| "")
    }

    #[test]
    fn who_signs_up_confirms_their_address_once() {
        let (stage, call) = signed_up();
        assert_eq!(block_on(me(&stage.db, &call)).unwrap().user.email_verified_at, None);
        // Letters of one moment have no order.
        let call = Call { now: call.now + kernel::Span::seconds(1), ..call };
        block_on(resend_verification(&stage.db, stage.post(), &call)).unwrap();
        let link = stage.link_to(ANA);
        verify(&stage, &link).unwrap();
        assert!(block_on(me(&stage.db, &call)).unwrap().user.email_verified_at.is_some());
        assert_eq!(code(verify(&stage, &link)), "LINK_INVALID");
        // Nothing is sent to who has confirmed.
        let letters = stage.letters().len();
        block_on(resend_verification(&stage.db, stage.post(), &call)).unwrap();
        assert_eq!(stage.letters().len(), letters);
    }

    #[test]
    fn a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told() {
        let (stage, call) = signed_up();
        assert_eq!(code(change(&stage, &call, "wrong", NEW)), "VALIDATION_ERROR");
        change(&stage, &call, PASSWORD, NEW).unwrap();
        assert!(stage.login(None, NEW, PASSWORD).is_err());
        verify(&stage, &stage.link_to(NEW)).unwrap();
        assert!(stage.login(None, NEW, PASSWORD).is_ok());
        assert!(stage.login(None, ANA, PASSWORD).is_err());
        let letters = stage.letters();
        let (to, _, text) =
            letters.iter().find(|(_, purpose, _)| *purpose == Purpose::SecurityNotice).unwrap();
        assert_eq!(to, ANA);
        assert!(text.contains("another e-mail address"), "{text}");
        // The link that went to the old address when it was theirs is worth nothing now.
        assert_eq!(code(verify(&stage, &stage.link_to(ANA))), "LINK_INVALID");
    }

    #[test]
    fn somebody_elses_address_cannot_be_taken() {
        let (stage, call) = signed_up();
        let new = crate::NewUser::new(NEW, "Other", None).unwrap();
        block_on(crate::service::create_user(&stage.db, &call, new)).unwrap();
        assert_eq!(code(change(&stage, &call, PASSWORD, NEW)), "", "it is not told that somebody has it");
        assert_eq!(code(verify(&stage, &stage.link_to(NEW))), "EMAIL_TAKEN");
    }

    #[test]
    fn a_mailbox_is_not_flooded() {
        let (stage, call) = signed_up();
        let outcomes: Vec<&str> =
            (0..6).map(|_| code(block_on(resend_verification(&stage.db, stage.post(), &call)))).collect();
        assert_eq!(outcomes, ["", "", "", "", "", "LOGIN_BLOCKED"]);
    }
}
