//! Who may hash a password now? Argon2 takes 19 MiB and tens of milliseconds of a processor, so all instances together do
//! only a few at a time: whoever wants to, waits for a turn.

use crate::{AuthError, Verdict, password};
use futures::future::{BoxFuture, FutureExt as _, ready};
use kernel::{Chance, Fault, Kind, Secret, Span};

/// Leave to hash a password, to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Which of the places that there are.
    pub place: i64,
    /// Who has it.
    pub holder: String,
}

/// Too many wait for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Many people log in at this moment. Wait {} s, then try again.", .0.as_seconds_up())]
pub struct Busy(pub Span);

impl Fault for Busy {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }

    fn code(&self) -> &'static str {
        "LOGIN_BUSY"
    }

    fn retry_after(&self) -> Option<Span> {
        Some(self.0)
    }
}

/// Lets a few hash at a time, over all instances.
pub trait Hashing: Send + Sync {
    /// Waits for a turn.
    fn permit(&self) -> BoxFuture<'_, Result<Permit, Busy>>;
    /// Gives the leave back. One that is never given back ends by itself after some seconds.
    fn over(&self, permit: Permit) -> BoxFuture<'_, ()>;
}

/// Lets everybody hash at once, for where nobody else hashes: the set-up, tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unbounded;

impl Hashing for Unbounded {
    fn permit(&self) -> BoxFuture<'_, Result<Permit, Busy>> {
        ready(Ok(Permit { place: 0, holder: String::new() })).boxed()
    }

    fn over(&self, _: Permit) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// The PHC string of a password under a new salt, when it is our turn.
///
/// # Errors
/// [`AuthError::Busy`]; [`AuthError::Password`].
pub async fn hash(
    hashing: &dyn Hashing,
    password: &Secret<String>,
    chance: &dyn Chance,
) -> Result<String, AuthError> {
    let permit = hashing.permit().await?;
    let outcome = password::hash_password(password, chance);
    hashing.over(permit).await;
    outcome
}

/// Compares a password with a stored PHC string, when it is our turn; without one the same work is done in vain.
///
/// # Errors
/// [`AuthError::Busy`]; [`AuthError::Password`].
pub async fn verify(
    hashing: &dyn Hashing,
    password: &Secret<String>,
    stored: Option<&str>,
) -> Result<Verdict, AuthError> {
    let permit = hashing.permit().await?;
    let outcome = password::verify_password(password, stored);
    hashing.over(permit).await;
    outcome
}
