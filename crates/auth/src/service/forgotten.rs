//! What if somebody forgot their password? A letter goes to the address, if it is somebody's; who asked is told the same
//! either way, and waits as long.

use super::{Post, finish, letters, logins::count, tickets};
use crate::{
    AuthError, Content, Email, Letter, TicketPurpose, Visit,
    attempt::{self, Subject},
    store::{self, user::Reachable},
};
use audit::Entry;
use db::{Db, Tx};
use kernel::{Principal, TenantId, UserId};

/// In how many tenants an address is looked for, if none is named. As much work is done whether it is found or not.
const PLACES: usize = 3;

/// Who forgot their password.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// The tenant that is meant; without it, letters go for the last three in which the address is somebody's.
    pub tenant: Option<TenantId>,
    /// The address.
    pub email: Email,
}

/// Writes letters with a link to set a new password. After some in a day for one address, fewer and fewer.
///
/// # Errors
/// [`AuthError::Letter`]; the database's. Not that there is nobody: that is not told.
pub async fn forgot_password(
    db: &Db,
    post: Post<'_>,
    visit: &Visit,
    asked: &Forgotten,
) -> Result<(), AuthError> {
    let subject = attempt::forgotten(asked.tenant.as_ref(), &asked.email);
    let mut tx = db.begin().await?;
    match count(&mut tx, &subject, visit.now).await {
        Ok(()) => {}
        Err(AuthError::LoginBlocked(_)) => {
            // Counted by what was named, so this tells nobody who is there.
            tx.rollback().await?;
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    let outcome = write_all(&mut tx, post, visit, asked, &subject).await;
    finish(tx, outcome).await
}

async fn write_all(
    tx: &mut Tx,
    post: Post<'_>,
    visit: &Visit,
    asked: &Forgotten,
    subject: &Subject,
) -> Result<(), AuthError> {
    let (found, places) = match &asked.tenant {
        Some(tenant) => (store::user::reachable_in(&mut tx.scope(tenant), &asked.email).await?, 1),
        None => (store::user::reachable_anywhere(&mut tx.all_tenants(), &asked.email).await?, PLACES),
    };
    let mut found = found.into_iter();
    for _ in 0..places {
        match found.next() {
            Some(somebody) => {
                write(tx, post, visit, &asked.email, &somebody).await?;
                let call = visit.call(Principal::system(somebody.tenant.clone()));
                let entry = Entry {
                    action: "user.password_forgotten",
                    subject: somebody.user.as_str(),
                    ..Entry::default()
                };
                audit::append(&mut tx.scope(&somebody.tenant), &call, &entry).await?;
            }
            None => {
                // The same statements for nobody: they find nobody, and leave nothing.
                let Ok(tenant) = "nobody-at-all".parse() else { continue };
                let nobody = Reachable { tenant, user: UserId::new(visit.now, &*visit.chance) };
                write(tx, post, visit, &asked.email, &nobody).await?;
                if let Some(tries) = store::attempt::get(&mut tx.all_tenants(), subject).await? {
                    store::attempt::put(&mut tx.all_tenants(), subject, tries).await?;
                }
            }
        }
    }
    Ok(())
}

async fn write(
    tx: &mut Tx,
    post: Post<'_>,
    visit: &Visit,
    email: &Email,
    to: &Reachable,
) -> Result<(), AuthError> {
    let call = visit.call(Principal::system(to.tenant.clone()));
    let mut scope = tx.scope(&to.tenant);
    let moment = (visit.now, &*visit.chance);
    let purpose = TicketPurpose::PasswordReset;
    let link = tickets::for_user(&mut scope, purpose, &to.user, email, post.links_url, moment).await?;
    let content = Content::PasswordReset { link: link.url, until: link.until };
    let letter = Letter { to: email.clone(), user: Some(to.user.clone()), content };
    letters::write(&mut scope, &call, post.vault, letter).await?;
    Ok(())
}
