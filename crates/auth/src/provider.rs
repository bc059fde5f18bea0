//! What do we remember of identity providers? Their discovery documents and keys, for some minutes, in one instance.

use crate::{SignOnError, Unfetched, fetch::Guarded, oidc::Provider};
use kernel::{ConnectionId, Instant, Span, TenantId};
use openidconnect::{DiscoveryError, IssuerUrl, JsonWebKeySet};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How long a document is believed.
const LIFE: Span = Span::minutes(10);
/// How long new keys are not asked for again, whatever tokens name.
const KEYS_REST: Span = Span::minutes(1);
/// The most providers that are remembered.
const REMEMBERED: usize = 256;

type Place = (TenantId, ConnectionId, String);

#[derive(Clone)]
struct Known {
    provider: Arc<Provider>,
    fetched_at: Instant,
    keys_at: Option<Instant>,
}

/// The providers of one instance, by tenant and connection.
#[derive(Default)]
pub struct Providers(Mutex<HashMap<Place, Known>>);

impl fmt::Debug for Providers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Providers(…)")
    }
}

/// Which provider is meant, and how it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) connection: &'a ConnectionId,
    pub(crate) issuer: &'a str,
    pub(crate) http: Guarded<'a>,
    pub(crate) now: Instant,
}

impl Asking<'_> {
    fn place(&self) -> Place {
        (self.tenant.clone(), self.connection.clone(), self.issuer.to_owned())
    }

    /// What the provider says of itself now.
    pub(crate) async fn discover(&self) -> Result<Provider, SignOnError> {
        let issuer = IssuerUrl::new(self.issuer.to_owned())
            .map_err(|_| SignOnError::Provider("its issuer is no URL".to_owned()))?;
        Provider::discover_async(issuer, &self.http).await.map_err(|error| broken(&error))
    }
}

impl Providers {
    /// The provider, as it was a few minutes ago at most.
    ///
    /// # Errors
    /// [`SignOnError::Provider`].
    pub(crate) async fn get(&self, asking: Asking<'_>) -> Result<Arc<Provider>, SignOnError> {
        let kept = self.recall(&asking).filter(|known| asking.now.since(known.fetched_at) < LIFE);
        if let Some(known) = kept {
            return Ok(known.provider);
        }
        let provider = Arc::new(asking.discover().await?);
        self.keep(&asking, Known { provider: Arc::clone(&provider), fetched_at: asking.now, keys_at: None });
        Ok(provider)
    }

    /// The provider with the keys that it has now; `None` if they were asked for a moment ago.
    ///
    /// # Errors
    /// [`SignOnError::Provider`].
    pub(crate) async fn with_new_keys(
        &self,
        asking: Asking<'_>,
        provider: &Provider,
    ) -> Result<Option<Arc<Provider>>, SignOnError> {
        let known = self.recall(&asking);
        let lately = known.as_ref().and_then(|known| known.keys_at);
        if lately.is_some_and(|at| asking.now.since(at) < KEYS_REST) {
            return Ok(None);
        }
        let keys = JsonWebKeySet::fetch_async(provider.jwks_uri(), &asking.http).await;
        let keys = keys.map_err(|error| broken(&error))?;
        let provider = Arc::new(provider.clone().set_jwks(keys));
        let fetched_at = known.map_or(asking.now, |known| known.fetched_at);
        self.keep(&asking, Known { provider: Arc::clone(&provider), fetched_at, keys_at: Some(asking.now) });
        Ok(Some(provider))
    }

    fn recall(&self, asking: &Asking<'_>) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&asking.place()).cloned()
    }

    fn keep(&self, asking: &Asking<'_>, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(asking.place(), known);
    }
}

/// What went wrong, in words for whoever set the connection up.
fn broken(error: &DiscoveryError<Unfetched>) -> SignOnError {
    SignOnError::Provider(match error {
        DiscoveryError::Request(unfetched) => unfetched.to_string(),
        DiscoveryError::Response(status, _, _) if !status.is_success() => {
            format!("its discovery document or keys were answered with status {}", status.as_u16())
        }
        DiscoveryError::Response(..) => "its discovery document or keys are not said to be JSON".to_owned(),
        DiscoveryError::Parse(error) => {
            format!("its discovery document or keys do not read, at {}", error.path())
        }
        DiscoveryError::Validation(_) => {
            "the document names another issuer; write the issuer exactly as the provider does".to_owned()
        }
        _ => "its discovery document does not read".to_owned(),
    })
}
