//! Who may hash a password now? Argon2 takes 19 MiB and tens of milliseconds of a processor, so all instances together do
//! only a few at a time: whoever wants to, waits for a turn.

use crate::{AuthError, Verdict, password};
use futures::future::{BoxFuture, FutureExt as _, ready};
use kernel::{Chance, Fault, Kind, Secret, Span};

/// A turn at hashing, to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which of the turns that there are.
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

/// Gives turns at hashing, over all instances.
pub trait Hashing: Send + Sync {
    /// Waits for a turn.
    fn turn(&self) -> BoxFuture<'_, Result<Turn, Busy>>;
    /// Gives a turn back. One that is never given back ends by itself after some seconds.
    fn over(&self, turn: Turn) -> BoxFuture<'_, ()>;
}

/// Turns without end, for where nobody else hashes: the set-up, tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unbounded;

impl Hashing for Unbounded {
    fn turn(&self) -> BoxFuture<'_, Result<Turn, Busy>> {
        ready(Ok(Turn { place: 0, holder: String::new() })).boxed()
    }

    fn over(&self, _: Turn) -> BoxFuture<'_, ()> {
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
    let turn = hashing.turn().await?;
    let outcome = password::hash_password(password, chance);
    hashing.over(turn).await;
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
    let turn = hashing.turn().await?;
    let outcome = password::verify_password(password, stored);
    hashing.over(turn).await;
    outcome
}
