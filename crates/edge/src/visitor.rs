//! Who stands at the door? What is known of a request before its handler runs, and the check of its credential.

use crate::{Problem, Quota, Taken, Unspecific, World, credentials, tenancy};
use auth::{Checked, Credential, LimitSettings};
use axum::extract::FromRequestParts;
use http::{HeaderMap, Method, Uri, request::Parts};
use kernel::{Actor, Call, PortalLinkId, Principal, RequestId, Span, TenantId, Trace};
use std::sync::{Arc, Mutex, PoisonError};

/// The path and query as the client sent them, before aliases were resolved.
#[derive(Debug, Clone)]
pub(crate) struct AsSent(pub(crate) Uri);

/// What is known of a request before its handler runs.
#[derive(Debug)]
pub struct Visitor {
    /// The request's id.
    pub request: RequestId,
    /// The trace that it belongs to.
    pub trace: Trace,
    /// The client's address, if the host told it.
    pub address: Option<String>,
    names: tenancy::Names,
    credential: Option<Credential>,
    csrf_holds: bool,
    checked: Mutex<Option<Checked>>,
    known: Mutex<Option<(TenantId, Actor)>>,
    taken: Mutex<Vec<(String, Taken)>>,
}

impl Visitor {
    pub(crate) fn of(
        world: &World,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        slug: Option<String>,
    ) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let credential = credentials::shown(headers);
        let csrf_holds =
            credential.as_ref().is_none_or(|shown| credentials::csrf_holds(method, headers, shown));
        Self {
            request: text("x-request-id")
                .and_then(RequestId::given)
                .unwrap_or_else(|| RequestId::new(&*world.chance)),
            trace: text("traceparent").and_then(Trace::given).unwrap_or_else(|| Trace::new(&*world.chance)),
            address: address(headers, world.settings.proxies),
            names: tenancy::Names::of(slug, headers, uri, &world.settings.tenant_domain),
            credential,
            csrf_holds,
            checked: Mutex::default(),
            known: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// The credential that was shown.
    #[must_use]
    pub const fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The tenant that the path, the header or the host names, if they name one and the same.
    ///
    /// # Errors
    /// `TENANT_MISMATCH` if they name two.
    pub fn tenant_named(&self) -> Result<Option<&str>, Problem> {
        Ok(tenancy::resolve(&self.names, None, None)?)
    }

    /// The tenant that a request without a credential means: the one that its body names, or what it was sent to.
    ///
    /// # Errors
    /// `TENANT_MISMATCH` if they name two; a fault of the field `tenant` if the name is no slug.
    pub fn tenant_meant(&self, body: Option<&str>) -> Result<Option<TenantId>, Problem> {
        tenancy::meant(&self.names, body)
    }

    /// Whether nothing in the request names another tenant than this, which a credential in its body belongs to.
    ///
    /// # Errors
    /// `TENANT_MISMATCH`.
    pub fn agrees_on(&self, tenant: &TenantId) -> Result<(), Problem> {
        Ok(tenancy::resolve(&self.names, None, Some(tenant)).map(drop)?)
    }

    /// Checks the credential against the database, once per request, and takes one from its quota.
    ///
    /// # Errors
    /// No or a bad credential, another tenant's name, a missing CSRF token, a used-up limit.
    pub async fn check(&self, world: &World) -> Result<Checked, Problem> {
        if let Some(known) = self.checked.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let checked = world.gate.check(self.shown()?, world.clock.now()).await?;
        self.admit(world, checked).await
    }

    /// The same from the gate's memory where it can be, else by [`Visitor::check`]. Whoever uses this must compare the
    /// principal's `access_revision` inside its own transaction.
    ///
    /// # Errors
    /// As [`Visitor::check`].
    pub async fn recognise(&self, world: &World) -> Result<Checked, Problem> {
        match world.gate.remembered(self.shown()?, world.clock.now()) {
            Some(checked) => self.admit(world, checked).await,
            None => self.check(world).await,
        }
    }

    fn shown(&self) -> Result<&Credential, Problem> {
        self.credential.as_ref().ok_or_else(|| Unspecific::NoCredential.into())
    }

    async fn admit(&self, world: &World, checked: Checked) -> Result<Checked, Problem> {
        let who = (checked.principal.tenant.clone(), checked.principal.actor.clone());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
        self.agrees_on(&checked.principal.tenant)?;
        if !checked.networks.admit(self.address.as_deref()) {
            return Err(Unspecific::Address.into());
        }
        if !self.csrf_holds {
            return Err(Unspecific::Csrf.into());
        }
        self.spend(world, &own_quota(&checked)).await?;
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked.clone());
        Ok(checked)
    }

    /// Takes one from a quota; the answer will say how much is left of it.
    ///
    /// # Errors
    /// `RATE_LIMITED` when nothing is left.
    pub async fn spend(&self, world: &World, quota: &Quota) -> Result<(), Problem> {
        self.spend_many(world, quota, 1).await
    }

    /// Takes as many as a batch has beside its first from the caller's own quota, whose first was taken at the door: all or
    /// none.
    ///
    /// # Errors
    /// `RATE_LIMITED` when so many are not left; the default quota of a visitor that was not checked is untouched.
    pub async fn spend_batch(&self, world: &World, events: usize) -> Result<(), Problem> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let more = u32::try_from(events).unwrap_or(u32::MAX).saturating_sub(1);
        match checked {
            Some(checked) if more > 0 => self.spend_many(world, &own_quota(&checked), more).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Takes one from the searches of the caller's tenant.
    ///
    /// # Errors
    /// `RATE_LIMITED`; as [`Visitor::check`].
    pub async fn search(&self, world: &World) -> Result<(), Problem> {
        let (tenant, limits) = self.tenant_limits(world).await?;
        let (limit, per) = (limits.search_per_minute, Span::minutes(1));
        self.spend(world, &Quota { key: format!("search:{tenant}"), limit, per }).await
    }

    /// Takes one from the bulk operations of the caller's tenant.
    ///
    /// # Errors
    /// `RATE_LIMITED`; as [`Visitor::check`].
    pub async fn bulk(&self, world: &World) -> Result<(), Problem> {
        let (tenant, limits) = self.tenant_limits(world).await?;
        let (limit, per) = (limits.bulk_per_hour, Span::hours(1));
        self.spend(world, &Quota { key: format!("bulk:{tenant}"), limit, per }).await
    }

    async fn tenant_limits(&self, world: &World) -> Result<(TenantId, LimitSettings), Problem> {
        let call = self.call(world, self.check(world).await?);
        let (settings, _) = auth::service::settings(&world.db, &call).await?;
        Ok((call.tenant().clone(), settings.limits))
    }

    async fn spend_many(&self, world: &World, quota: &Quota, amount: u32) -> Result<(), Problem> {
        let taken = world.limits.take_many(quota, amount, world.clock.now()).await;
        self.note(quota.name(), taken);
        if taken.allowed {
            return Ok(());
        }
        let seconds = quota.per.as_millis() / 1000;
        Err(Unspecific::Limit { limit: taken.limit, seconds, wait: taken.reset_seconds }.into())
    }

    /// Whose credential it is, once the gate found it to be good; also if the request was refused after that.
    pub(crate) fn known(&self) -> Option<(TenantId, Actor)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the answer says of a quota: the last that was taken from it.
    fn note(&self, name: &str, taken: Taken) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != name);
        all.push((name.to_owned(), taken));
    }

    pub(crate) fn taken(&self) -> Vec<(String, Taken)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The call that a use case sees.
    #[must_use]
    pub fn call(&self, world: &World, checked: Checked) -> Call {
        self.call_by(world, checked.principal)
    }

    /// The call of a tenant's customer, by a link that was found to be good. It has no permission at all.
    #[must_use]
    pub fn call_of_customer(&self, world: &World, tenant: TenantId, link: PortalLinkId) -> Call {
        self.call_by(world, Principal::customer(tenant, link))
    }

    /// Takes one from a quota of `limit` a minute, which everybody at the visitor's address shares.
    ///
    /// # Errors
    /// `RATE_LIMITED` when nothing is left.
    pub async fn spend_by_address(&self, world: &World, what: &str, limit: u32) -> Result<(), Problem> {
        let address = self.address.as_deref().map_or_else(|| "unknown".to_owned(), auth::network);
        self.spend(world, &Quota { key: format!("{what}:{address}"), limit, per: Span::minutes(1) }).await
    }

    /// The same by somebody whose credential was refused: for what is written about it.
    pub(crate) fn call_by(&self, world: &World, principal: Principal) -> Call {
        Call {
            principal,
            now: world.clock.now(),
            request: self.request.clone(),
            trace: self.trace.clone(),
            address: self.address.clone(),
            chance: Arc::clone(&world.chance),
        }
    }
}

/// What each caller may ask for in a minute.
fn own_quota(checked: &Checked) -> Quota {
    Quota {
        key: format!("caller:{}", checked.principal.actor.name()),
        limit: checked.rate_per_minute,
        per: Span::minutes(1),
    }
}

/// The client's address without its port. Client headers come before the host's own, so the last one counts. Behind
/// proxies it is what the outermost of them added to `X-Forwarded-For`: the entry so many places from the right. What
/// stands left of it, the client wrote.
fn address(headers: &HeaderMap, proxies: usize) -> Option<String> {
    if let Some(place) = proxies.checked_sub(1) {
        let texts = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let entries: Vec<&str> = texts.flat_map(|text| text.split(',')).map(str::trim).collect();
        return entries.iter().rev().nth(place).and_then(|entry| host_of(entry));
    }
    host_of(headers.get_all("spin-client-addr").iter().next_back()?.to_str().ok()?)
}

/// An address with or without a port.
fn host_of(text: &str) -> Option<String> {
    let socket = text.parse::<std::net::SocketAddr>().map(|socket| socket.ip());
    let bare = || text.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    socket.or_else(|_| bare()).ok().map(|address| address.to_string())
}

/// What [`crate::answer`] put beside the request.
pub(crate) fn surroundings(parts: &Parts) -> Result<(Arc<World>, Arc<Visitor>), Problem> {
    match (parts.extensions.get::<Arc<World>>(), parts.extensions.get::<Arc<Visitor>>()) {
        (Some(world), Some(visitor)) => Ok((Arc::clone(world), Arc::clone(visitor))),
        _ => Err(Unspecific::Internal.into()),
    }
}

/// A call of the operator's own: its bearer is the variable `internal_token`.
#[derive(Debug, Clone, Copy)]
pub struct Internal;

impl<S: Send + Sync> FromRequestParts<S> for Internal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (world, visitor) = surroundings(parts)?;
        match visitor.credential() {
            Some(Credential::Bearer(token)) if *token == world.settings.internal_token => Ok(Self),
            _ => Err(Unspecific::InternalToken.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_one_that_the_outermost_proxy_saw() {
        let mut headers = HeaderMap::new();
        headers.append("spin-client-addr", "192.0.2.66:1".parse().unwrap());
        headers.append("spin-client-addr", "10.0.0.1:4711".parse().unwrap());
        headers.append("x-forwarded-for", "192.0.2.66, 203.0.113.9".parse().unwrap());
        headers.append("x-forwarded-for", "[2001:db8::1]:443".parse().unwrap());
        let seen = |proxies| address(&headers, proxies).unwrap_or_default();
        let all = [seen(0), seen(1), seen(2), seen(3), seen(4)];
        assert_eq!(all, ["10.0.0.1", "2001:db8::1", "203.0.113.9", "192.0.2.66", ""]);
    }
}
