//! What changed in the secrets while the host runs?
//!
//! The file is looked at each second. Values that read are given to the components, which ask again every few seconds;
//! values that do not are told to the log, and the present ones go on. Signing keys that were retired long enough are
//! dropped here, for nothing that they signed is still good.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kernel::Secret;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::failure::{Failure, Outcome};
use crate::state::secrets;
use crate::state::turning::{self, Keys};

/// How often the file is looked at.
pub const LOOK: Duration = Duration::from_secs(1);
/// How long a retired signing key is needed: as long as an access token lives, and a minute for clocks that differ.
pub const NEEDED: i64 = auth::ACCESS_TOKEN_LIFE.as_millis() + 60_000;

/// What is watched.
pub struct Watch {
    /// The state directory.
    pub state: PathBuf,
    /// All values that the components have now.
    pub values: BTreeMap<String, String>,
    /// Which of them come from the file, and from nowhere before it.
    pub names: BTreeSet<String>,
}

impl Watch {
    /// Watches until it is told to stop.
    pub async fn run(mut self, app: Arc<App>, stop: CancellationToken) {
        let mut told = None;
        let mut round: u32 = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            match self.look(&app) {
                Ok(()) => told = None,
                Err(failure) => {
                    // Once, not each second.
                    if told.as_ref() != Some(&failure) {
                        tracing::error!(%failure, "The secrets changed and cannot be used; the present ones go on");
                    }
                    told = Some(failure);
                }
            }
            round = round.wrapping_add(1);
            if round.is_multiple_of(30) {
                self.sweep();
            }
        }
    }

    fn look(&mut self, app: &App) -> Outcome<()> {
        if !self.state.join(secrets::FILE).exists() {
            // Reading would make new ones, which open nothing.
            return Err(Failure::new(
                format!("{} is gone.", self.state.join(secrets::FILE).display()),
                "The secrets from before go on, until the program ends.",
                "Restore the file from a backup.",
            ));
        }
        let file = secrets::of(&self.state)?;
        let mut values = self.values.clone();
        values.extend(file.into_iter().filter(|(name, _)| self.names.contains(name)));
        if values == self.values {
            return Ok(());
        }
        check(&values)?;
        app.set_variables(&values)?;
        self.values = values;
        tracing::info!("The secrets changed; components take them over within seconds");
        Ok(())
    }

    /// Drops signing keys that nothing needs any more.
    fn sweep(&self) {
        let due = turning::look(&self.state, Keys::Signing)
            .is_ok_and(|keyring| !keyring.forget(NEEDED, turning::now()).1.is_empty());
        if !due {
            return;
        }
        let dropped =
            turning::change(&self.state, Keys::Signing, |keyring| keyring.forget(NEEDED, turning::now()).0);
        match dropped {
            Ok(keyring) => {
                tracing::info!(keys = ?keyring.ring(), "Retired signing keys are dropped; these are left");
            }
            Err(failure) => tracing::warn!(%failure, "Retired signing keys could not be dropped"),
        }
    }
}

/// Whether the components could use these values.
fn check(values: &BTreeMap<String, String>) -> Outcome<()> {
    let value = |name: &str| Secret::new(values.get(name).cloned().unwrap_or_default());
    let trouble = |what: &str, why: &dyn std::fmt::Display| {
        Failure::new(
            format!("{what} in {} does not read: {why}.", secrets::FILE),
            "The keys from before go on.",
            "Mend the file; it is looked at each second.",
        )
    };
    auth::TokenKeys::from_variable(&value("signing_keys")).map_err(|e| trouble("signing_keys", &e))?;
    vault::Vault::from_keys(value("vault_keys").expose()).map_err(|e| trouble("vault_keys", &e))?;
    if value("internal_token").expose().len() < 32 {
        return Err(trouble("internal_token", &"it is shorter than 32 characters"));
    }
    Ok(())
}
