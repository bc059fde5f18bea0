//! Is this code one of the user's, and fresh? Counted like passwords, and used up in the transaction of whatever it opens.

use super::{factors::tell, logins::count};
use crate::{
    AuthError, FactorError, Method, Notice, attempt,
    recovery::RecoveryCode,
    store,
    totp::{Code, Seed},
};
use audit::Entry;
use db::{Scope, Tx};
use kernel::{Call, Chance, Secret, TenantId, UserId};
use vault::{Vault, VaultError};

impl From<VaultError> for AuthError {
    fn from(error: VaultError) -> Self {
        FactorError::Internal(error.to_string()).into()
    }
}

/// Uses up a one-time code or a recovery code of `user`, in a call of whoever shows it; tells which it was. The try is counted in any case.
///
/// # Errors
/// [`FactorError::Refused`], and then the caller's transaction must stay; [`AuthError::LoginBlocked`]; the database's.
pub(super) async fn show(
    tx: &mut Tx,
    vault: &Vault,
    call: &Call,
    user: &UserId,
    text: &Secret<String>,
) -> Result<Method, AuthError> {
    let subjects = attempt::code_subjects(call.tenant(), user, call.address.as_deref());
    for subject in &subjects {
        count(tx, subject, call.now).await?;
    }
    let mut scope = tx.scope(call.tenant());
    let found = if let Some(code) = Code::read(text.expose()) {
        one_time(&mut scope, vault, call, user, &code).await?.then_some(Method::OneTimeCode)
    } else if let Some(code) = RecoveryCode::read(text.expose()) {
        let hash = code.hash(call.tenant(), user);
        let used = store::recovery::use_code(&mut scope, user, &hash, call.now).await?;
        if used {
            let entry =
                Entry { action: "factor.recovery_code_used", subject: user.as_str(), ..Entry::default() };
            audit::append(&mut scope, call, &entry).await?;
            tell(&mut scope, call, vault, user, Notice::RecoveryCodeUsed).await?;
        }
        used.then_some(Method::RecoveryCode)
    } else {
        None
    };
    let method = found.ok_or(FactorError::Refused)?;
    store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
    Ok(method)
}

async fn one_time(
    scope: &mut Scope<'_>,
    vault: &Vault,
    call: &Call,
    user: &UserId,
    code: &Code,
) -> Result<bool, AuthError> {
    let kept = store::totp::get(scope, user).await?;
    let Some(kept) = kept.filter(|kept| kept.confirmed) else {
        return Ok(false);
    };
    let seed = open(vault, call.tenant(), user, &kept.sealed)?;
    match seed.step_of(code, call.now, kept.last_step)? {
        Some(step) => Ok(store::totp::use_step(scope, user, step).await?),
        None => Ok(false),
    }
}

/// A seed as the database keeps it.
pub(super) fn seal(
    vault: &Vault,
    tenant: &TenantId,
    user: &UserId,
    seed: &Seed,
    chance: &dyn Chance,
) -> Result<Vec<u8>, AuthError> {
    Ok(vault.seal(&store::totp::place(tenant, user), seed.bytes(), chance)?)
}

/// The seed that the database keeps.
pub(super) fn open(
    vault: &Vault,
    tenant: &TenantId,
    user: &UserId,
    sealed: &[u8],
) -> Result<Seed, AuthError> {
    let bytes = vault.open(&store::totp::place(tenant, user), sealed)?;
    let seed = Seed::read(bytes.expose());
    Ok(seed.ok_or_else(|| FactorError::Internal("a sealed seed is not 20 bytes long".to_owned()))?)
}
