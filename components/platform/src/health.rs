//! Is the system ready? What must hold before requests may come in; causes go to the log, strangers get the gist.

use crate::{
    error::PlatformError,
    store,
    wire::{CheckOut, ReadyOut},
};
use db::{DbError, SCHEMA_VERSION};
use edge::{World, log};
use kernel::FieldFault;
use vault::Vault;

/// What people wonder about whose letters do not come.
const NO_MAIL: &str =
    "No mail service is set: letters wait. Set mail_service, or read them by `signalbox letters`.";

/// One thing that must hold, and why it does not.
struct Check {
    name: &'static str,
    why: Option<String>,
}

/// All checks, if they hold.
///
/// # Errors
/// [`PlatformError::NotReady`] names those that do not.
pub(crate) async fn ready(world: &World) -> Result<ReadyOut, PlatformError> {
    let (database, schema) = stored(world).await;
    let checks = [
        Check { name: "database", why: database },
        Check { name: "schema", why: schema },
        Check { name: "vault_keys", why: vault_keys(world) },
        Check { name: "signing_keys", why: signing_keys(world) },
    ];
    let faults: Vec<FieldFault> = checks
        .iter()
        .filter_map(|check| check.why.as_ref().map(|why| FieldFault::new(check.name, why)))
        .collect();
    if !faults.is_empty() {
        return Err(PlatformError::NotReady(faults));
    }
    let checks = checks.into_iter().map(|check| CheckOut { name: check.name, ok: true }).collect();
    let notes = if world.settings.mail_service.is_empty() { vec![NO_MAIL] } else { Vec::new() };
    Ok(ReadyOut { status: "ready", checks, notes })
}

/// What is wrong with the database, and with its schema.
async fn stored(world: &World) -> (Option<String>, Option<String>) {
    match version(world).await {
        Ok(SCHEMA_VERSION) => (None, None),
        Ok(version) => {
            (None, Some(format!("is at version {version}; this program was made for {SCHEMA_VERSION}")))
        }
        Err(error @ DbError::Schema(_)) => {
            log::warning(&format!("not ready: {error}"));
            (None, Some("is not the one that this program was made for; the log says more".to_owned()))
        }
        Err(error) => {
            log::warning(&format!("not ready: {error}"));
            let why = "does not answer as it should; the log says more";
            (Some(why.to_owned()), Some("cannot be looked at without the database".to_owned()))
        }
    }
}

async fn version(world: &World) -> Result<i64, DbError> {
    store::version(&mut world.db.read().await?.all_tenants()?).await
}

fn vault_keys(world: &World) -> Option<String> {
    let error = Vault::from_keys(world.settings.vault_keys.expose()).err()?;
    log::warning(&format!("not ready: variable vault_keys: {error}"));
    Some("do not read; the log says which entry is wrong".to_owned())
}

/// Without readable keys no component gets as far as a route; here it is seen that there is one to sign with.
fn signing_keys(world: &World) -> Option<String> {
    let keys = world.gate.tokens().keys().jwks();
    let any = keys.get("keys").and_then(serde_json::Value::as_array).is_some_and(|keys| !keys.is_empty());
    (!any).then(|| "are missing".to_owned())
}
