//! Who is meant? Users by their ids, or by an address: for areas that only know how somebody is called.

use crate::{Email, store};
use db::{DbError, Scope};
use kernel::{Person, UserId};

/// Those of these ids that the tenant has a user for.
///
/// # Errors
/// [`DbError`].
pub async fn people(scope: &mut Scope<'_>, ids: &[&UserId]) -> Result<Vec<Person>, DbError> {
    if ids.is_empty() { Ok(Vec::new()) } else { store::user::people(scope, ids).await }
}

/// The tenant's user with this id, if they are active.
///
/// # Errors
/// [`DbError`].
pub async fn active_person(scope: &mut Scope<'_>, id: &UserId) -> Result<Option<Person>, DbError> {
    store::user::active_person(scope, id).await
}

/// The tenant's active owners, at most so many.
///
/// # Errors
/// [`DbError`].
pub async fn owners(scope: &mut Scope<'_>, most: u16) -> Result<Vec<Person>, DbError> {
    store::user::owners(scope, most.into()).await
}

/// The tenant's user with this address.
///
/// # Errors
/// [`DbError`].
pub async fn person_at(scope: &mut Scope<'_>, address: &str) -> Result<Option<Person>, DbError> {
    match address.parse::<Email>() {
        Ok(email) => store::user::person_at(scope, &email).await,
        // What is no address of ours is nobody's.
        Err(_) => Ok(None),
    }
}
