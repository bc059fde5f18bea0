//! What does an instance keep from request to request? The world it stands in, and its router. Nothing of a request.

use crate::{Durability, SpinPool, SystemChance, SystemClock};
use auth::{Gate, TokenKeys};
use axum::Router;
use edge::{Limits, Settings, World};
use kernel::Secret;
use spin_sdk::variables;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The variables that components read, by name. Each component is given those that it needs in spin.toml; the others
/// are empty there.
const NAMES: &[&str] = &[
    "public_url",
    "cors_origins",
    "internal_token",
    "signing_keys",
    "vault_keys",
    "open_sign_up",
    "allow_private_outbound",
    "durability",
    "passkey_domain",
    "passkey_origins",
    "token_issuer",
    "tenant_domain",
    "links_url",
    "mail_service",
    "mail_url",
    "mail_key",
    "mail_from",
];

/// An instance that is ready to answer.
#[derive(Clone)]
pub struct Standing {
    /// The world.
    pub world: Arc<World>,
    /// The component's routes.
    pub router: Router,
}

static STANDING: Mutex<Option<Standing>> = Mutex::new(None);

/// The instance could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    #[error(transparent)]
    Settings(#[from] edge::SettingsError),
    #[error("variable signing_keys: {0}")]
    Keys(auth::KeysError),
    #[error("variable durability: is neither full nor normal")]
    Durability,
}

impl Standing {
    /// The instance's standing, made at its first request.
    pub(crate) async fn get(routes: fn(&Arc<World>) -> Router) -> Result<Self, NotReady> {
        if let Some(standing) = STANDING.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(standing);
        }
        let world = Arc::new(world().await?);
        let standing = Self { router: routes(&world), world };
        // Two first requests at once make two; the first to finish stays.
        Ok(STANDING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(standing).clone())
    }
}

async fn world() -> Result<World, NotReady> {
    let mut values = BTreeMap::new();
    for &name in NAMES {
        values.insert(name, variables::get(name).await.unwrap_or_default());
    }
    let value = |name: &'static str| values.get(name).cloned().unwrap_or_default();
    let settings = Settings::read(value)?;
    let durability = match value("durability").as_str() {
        "full" | "" => Durability::Full,
        "normal" => Durability::Normal,
        _ => return Err(NotReady::Durability),
    };
    let db = SpinPool::product(durability);
    let keys = TokenKeys::from_variable(&Secret::new(value("signing_keys"))).map_err(NotReady::Keys)?;
    let gate = Gate::new(db.clone(), keys, value("token_issuer"));
    Ok(World {
        db,
        gate,
        limits: Limits::new(SpinPool::scratch("counters")),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        settings,
    })
}
