//! What does an instance keep from request to request? The world it stands in, and its router. Nothing of a request.
//!
//! Variables are read when the instance is made. Secrets may be turned while it lives, so they are asked for again every
//! few seconds, at the beginning of a request: the requests after that stand in a world with the new ones, and those
//! under way end in theirs. `signalbox keys rotate` counts on it (host/src/keys.rs).

use crate::{Durability, SpinPool, SystemChance, SystemClock};
use auth::{Gate, TokenKeys};
use axum::Router;
use edge::{HashGate, Limits, Settings, World};
use kernel::Secret;
use spin_sdk::variables;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
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
    "proxies",
    "links_url",
    "password_hashes_at_once",
    "mail_service",
    "mail_url",
    "mail_key",
    "mail_from",
];

/// Those of them that may change while an instance lives.
const TURNING: [&str; 3] = ["internal_token", "signing_keys", "vault_keys"];
/// How often these are asked for.
const ASK: Duration = Duration::from_secs(3);

type Values = BTreeMap<&'static str, String>;

/// An instance that is ready to answer.
#[derive(Clone)]
pub struct Standing {
    /// The world.
    pub world: Arc<World>,
    /// The component's routes.
    pub router: Router,
}

/// What is kept: the standing, the values that it was made of, and when they were asked for.
struct Kept {
    standing: Standing,
    values: Values,
    asked_at: Instant,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

/// What an instance is to do before it answers.
enum Look {
    /// Nothing.
    Stand(Standing),
    /// Ask whether the values are still these.
    Ask(Standing, Values),
    /// Everything.
    Make,
}

fn look() -> Look {
    match KEPT.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        None => Look::Make,
        Some(kept) if kept.asked_at.elapsed() < ASK => Look::Stand(kept.standing.clone()),
        Some(kept) => {
            // The others who come meanwhile need not ask too.
            kept.asked_at = Instant::now();
            Look::Ask(kept.standing.clone(), kept.values.clone())
        }
    }
}

fn keep(standing: Standing, values: Values) {
    let kept = Kept { standing, values, asked_at: Instant::now() };
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
}

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
    /// The instance's standing, made at its first request, and anew when the secrets changed.
    pub(crate) async fn get(routes: fn(&Arc<World>) -> Router) -> Result<Self, NotReady> {
        match look() {
            Look::Stand(standing) => Ok(standing),
            Look::Ask(standing, values) => Ok(standing.brought_up_to_now(values, routes).await),
            Look::Make => {
                let values = values().await;
                let standing = Self::of(world(&values, None)?, routes);
                // Two first requests at once make two; the last to finish stays.
                keep(standing.clone(), values);
                Ok(standing)
            }
        }
    }

    fn of(world: World, routes: fn(&Arc<World>) -> Router) -> Self {
        let world = Arc::new(world);
        Self { router: edge::named(routes(&world)), world }
    }

    /// The same if the secrets are; else one with the new ones. Secrets that cannot be had, or do not read, change nothing.
    async fn brought_up_to_now(self, before: Values, routes: fn(&Arc<World>) -> Router) -> Self {
        let mut values = before.clone();
        for name in TURNING {
            if let Ok(value) = variables::get(name).await {
                values.insert(name, value);
            }
        }
        if values == before {
            return self;
        }
        match world(&values, Some(&self.world)) {
            Ok(world) => {
                let standing = Self::of(world, routes);
                keep(standing.clone(), values);
                standing
            }
            Err(error) => {
                edge::log::warning(&format!(
                    "variables changed and cannot be used, the ones from before go on: {error}"
                ));
                self
            }
        }
    }
}

async fn values() -> Values {
    let mut values = Values::new();
    for &name in NAMES {
        values.insert(name, variables::get(name).await.unwrap_or_default());
    }
    values
}

/// A world of these values; it shares the connections of the one before, if there was one.
fn world(values: &Values, before: Option<&World>) -> Result<World, NotReady> {
    let value = |name: &'static str| values.get(name).cloned().unwrap_or_default();
    let settings = Settings::read(value)?;
    let durability = match value("durability").as_str() {
        "full" | "" => Durability::Full,
        "normal" => Durability::Normal,
        _ => return Err(NotReady::Durability),
    };
    let db = before.map_or_else(|| SpinPool::product(durability), |before| before.db.clone());
    let counters =
        before.map_or_else(|| SpinPool::scratch("counters"), |before| before.limits.counters().clone());
    let keys = TokenKeys::from_variable(&Secret::new(value("signing_keys"))).map_err(NotReady::Keys)?;
    let gate = Gate::new(db.clone(), keys, value("token_issuer"));
    let at_once = settings.password_hashes_at_once;
    let hashing = HashGate::new(counters.clone(), at_once, Arc::new(SystemClock), Arc::new(SystemChance));
    Ok(World {
        db,
        gate,
        hashing,
        limits: Limits::new(counters),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        settings,
    })
}
