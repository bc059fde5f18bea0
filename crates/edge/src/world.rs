//! What does a component stand in? The database, the gate, the clock, chance, limits and the operator's settings.

use crate::{HashGate, Limits};
use auth::{Gate, Mail, MailFault, PasskeyError, RelyingParty};
use db::Db;
use kernel::{Chance, Clock, Secret};
use std::{fmt, sync::Arc};
use vault::{Vault, VaultError};

/// What every handler may use. One per instance; holds nothing of any request.
pub struct World {
    /// The database.
    pub db: Db,
    /// Who may come in.
    pub gate: Gate,
    /// How often.
    pub limits: Limits,
    /// How many passwords are hashed at a time.
    pub hashing: HashGate,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Chance>,
    /// What the operator set.
    pub settings: Settings,
}

/// What the operator set by variables (docs/operations.md lists them).
#[derive(Clone)]
pub struct Settings {
    /// Where clients reach us, without a trailing slash: in links and as the issuer of tokens.
    pub public_url: String,
    /// Origins whose browsers may call us; `*` allows all, without cookies.
    pub cors_origins: Vec<String>,
    /// What the clock and the set-up show at `/internal/…`.
    pub internal_token: Secret<String>,
    /// Keys that seal secrets at rest, as `kid:base64`.
    pub vault_keys: Secret<String>,
    /// The domain whose first label below it names a tenant (`acme-corp.example.com`); empty where host names say nothing.
    pub tenant_domain: String,
    /// How many proxies stand before this, each of which adds to `X-Forwarded-For` where a request came from.
    pub proxies: usize,
    /// Where letters go: nowhere if no mail service is set, or what is wrong with how it is set.
    pub mail: Result<Option<Mail>, MailFault>,
    /// The name of the mail service; empty if none is set.
    pub mail_service: String,
    /// Where the links in letters lead, without a trailing slash.
    pub links_url: String,
    /// How many passwords are hashed at a time, over all instances.
    pub password_hashes_at_once: u32,
    /// The domain that passkeys belong to; empty for the host of `public_url`.
    pub passkey_domain: String,
    /// The origins of the pages that may ask for passkeys; none for that of `public_url`.
    pub passkey_origins: Vec<String>,
    /// Whether anybody may make a tenant for themselves.
    pub open_sign_up: bool,
    /// Whether tenants' URLs may lead to private and loopback addresses: for development only.
    pub allow_private_outbound: bool,
}

/// A variable is missing or does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable {name}: {message}")]
pub struct SettingsError {
    /// The variable's name in spin.toml.
    pub name: &'static str,
    /// What is wrong with it; never its value.
    pub message: String,
}

impl Settings {
    /// Reads the settings from the variables' values.
    ///
    /// # Errors
    /// [`SettingsError`] names the first variable that does not read.
    pub fn read(value: impl Fn(&'static str) -> String) -> Result<Self, SettingsError> {
        let fault = |name, message: &str| SettingsError { name, message: message.to_owned() };
        let internal_token = value("internal_token");
        if internal_token.len() < 32 {
            return Err(fault(
                "internal_token",
                "is shorter than 32 characters; make one with `openssl rand -hex 32`",
            ));
        }
        let truth = |name| match value(name).as_str() {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            _ => Err(fault(name, "is neither true nor false")),
        };
        let at_once = match value("password_hashes_at_once").trim() {
            "" => 1,
            text => text
                .parse()
                .ok()
                .filter(|number| (1..=64).contains(number))
                .ok_or_else(|| fault("password_hashes_at_once", "is not a number from 1 to 64"))?,
        };
        let origins = |name| {
            let text = value(name);
            let parts = text.split(',').map(str::trim).filter(|one| !one.is_empty());
            parts.map(str::to_owned).collect::<Vec<String>>()
        };
        let public_url = value("public_url").trim_end_matches('/').to_owned();
        let links_url = value("links_url").trim_end_matches('/').to_owned();
        Ok(Self {
            password_hashes_at_once: at_once,
            links_url: if links_url.is_empty() { public_url.clone() } else { links_url },
            public_url,
            mail_service: value("mail_service"),
            mail: Mail::read(
                &value("mail_service"),
                &value("mail_url"),
                &value("mail_key"),
                &value("mail_from"),
            ),
            cors_origins: origins("cors_origins"),
            passkey_domain: value("passkey_domain"),
            passkey_origins: origins("passkey_origins"),
            internal_token: Secret::new(internal_token),
            vault_keys: Secret::new(value("vault_keys")),
            tenant_domain: value("tenant_domain").trim_matches('.').to_owned(),
            proxies: match value("proxies").as_str() {
                "" => 0,
                text => text.parse().map_err(|_| fault("proxies", "is no whole number"))?,
            },
            open_sign_up: truth("open_sign_up")?,
            allow_private_outbound: truth("allow_private_outbound")?,
        })
    }
}

impl World {
    /// What seals secrets at rest, and opens them.
    ///
    /// # Errors
    /// [`VaultError::Keys`] if the variable does not read; the component lacks it then.
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::from_keys(self.settings.vault_keys.expose())
    }

    /// The site that passkeys belong to.
    ///
    /// # Errors
    /// [`PasskeyError::Unavailable`] if the operator set no domain.
    pub fn relying_party(&self) -> Result<RelyingParty, PasskeyError> {
        let Settings { public_url, passkey_domain, passkey_origins, .. } = &self.settings;
        RelyingParty::new(public_url, passkey_domain, passkey_origins)
    }

    /// Drops what the doors need not remember any more: idempotency keys and counters of a day ago. A small step.
    ///
    /// # Errors
    /// [`db::DbError`].
    pub async fn sweep(&self) -> Result<(), db::DbError> {
        let now = self.clock.now();
        self.limits.forget(now).await?;
        let mut tx = self.db.begin().await?;
        crate::store::sweep(&mut tx.all_tenants(), now).await?;
        tx.commit().await
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World").field("public_url", &self.settings.public_url).finish_non_exhaustive()
    }
}
