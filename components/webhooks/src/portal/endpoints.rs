//! How does a customer manage endpoints by pages?

use super::door::{Inside, Posted, Refused, arrive};
use axum::{
    extract::{FromRequestParts, Query, Request, rejection::QueryRejection},
    response::Response,
};
use edge::{Id, Problem};
use kernel::{Cursor, EndpointId, Fault, JobId, PageRequest};
use pipeline::webhooks::portal as use_cases;
use serde::Deserialize;
use webhooks::{
    WebhookError,
    portal::{
        Done, EndpointSight, FormState, Offer, Shown, Wishes, confirm_page, endpoint_page, form_page,
        list_page, secret_page,
    },
    service::Seen,
};

/// What an address says besides the path.
#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    /// What was done just now.
    done: Option<String>,
    /// After which endpoint the list goes on.
    after: Option<String>,
    /// Before which delivery the table goes on.
    before: Option<String>,
}

impl Wanted {
    /// What was done just now, if it is one of ours.
    pub(super) fn done(&self) -> Option<Done> {
        self.done.as_deref().and_then(Done::read)
    }
}

/// A page of the usual size.
fn from(after: Option<Cursor>) -> PageRequest {
    PageRequest::new(PageRequest::DEFAULT_LIMIT, after).unwrap_or_default()
}

/// The page of deliveries after that key, if it is the id of one.
fn before(text: Option<&str>) -> PageRequest {
    let after = text.filter(|text| text.parse::<JobId>().is_ok()).map(Cursor::after);
    from(after)
}

async fn seen(inside: &Inside, id: &EndpointId) -> Result<Seen, Refused> {
    let vault = inside.vault()?;
    let seen = use_cases::endpoint(&inside.world().db, &inside.who, inside.means(&vault), id).await;
    seen.map_err(|fault| inside.refused(fault))
}

async fn offer(inside: &Inside) -> Result<Offer, Refused> {
    use_cases::offer(&inside.world().db, &inside.who).await.map_err(|fault| inside.refused(fault))
}

/// The customer's endpoints; also where a link arrives.
pub(super) async fn list(request: Request) -> Result<Response, Refused> {
    let mut parts = request.into_parts().0;
    if let Some(response) = arrive(&mut parts).await? {
        return Ok(response);
    }
    let inside = Inside::from_request_parts(&mut parts, &()).await?;
    let wanted = Query::<Wanted>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default();
    let after = wanted.after.as_deref().filter(|text| text.parse::<EndpointId>().is_ok());
    let page = from(after.map(Cursor::after));
    let vault = inside.vault()?;
    let found = use_cases::endpoints(&inside.world().db, &inside.who, inside.means(&vault), &page).await;
    let found = found.map_err(|fault| inside.refused(fault))?;
    let next = found.next.as_ref().map(Cursor::key);
    Ok(Inside::page(list_page(&inside.frame(), &found.items, next, wanted.done())))
}

/// The form for a new endpoint.
pub(super) async fn blank(inside: Inside) -> Result<Response, Refused> {
    let offer = offer(&inside).await?;
    Ok(Inside::page(form_page(&inside.frame(), &offer, &Wishes::blank(), &FormState::default())))
}

/// Sets an endpoint up, and shows its secret.
pub(super) async fn create(Posted { inside, sent }: Posted) -> Result<Response, Refused> {
    let vault = inside.vault()?;
    let made = use_cases::create(&inside.world().db, &inside.who, inside.means(&vault), &sent).await;
    match made {
        Ok((endpoint, key)) => {
            let shown = Shown { endpoint: &endpoint, key: &key, is_replaced: false, overlaps_until: None };
            Ok(Inside::page(secret_page(&inside.frame(), &shown)))
        }
        Err(fault @ WebhookError::Invalid(_)) => {
            let offer = offer(&inside).await?;
            let state = FormState { endpoint: None, faults: fault.fields() };
            let form = form_page(&inside.frame(), &offer, &Wishes::read(&sent, &offer), &state);
            Err(inside.faulty(fault, form))
        }
        Err(fault) => Err(inside.refused(fault)),
    }
}

/// One endpoint, with what was sent there.
pub(super) async fn show(
    inside: Inside,
    id: Result<Id<EndpointId>, Problem>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let wanted = wanted.map(|query| query.0).unwrap_or_default();
    let (seen, offer) = (seen(&inside, &id).await?, offer(&inside).await?);
    let page = before(wanted.before.as_deref());
    let found = use_cases::deliveries(&inside.world().db, &inside.who, &id, &page).await;
    let found = found.map_err(|fault| inside.refused(fault))?;
    let sight = EndpointSight {
        seen: &seen,
        offer: &offer,
        deliveries: &found.items,
        is_latest: page.after.is_none(),
        next: found.next.as_ref().map(Cursor::key),
        done: wanted.done(),
    };
    Ok(Inside::page(endpoint_page(&inside.frame(), &sight)))
}

/// The form that changes an endpoint.
pub(super) async fn edit(inside: Inside, id: Result<Id<EndpointId>, Problem>) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let (endpoint, offer) = (seen(&inside, &id).await?.endpoint, offer(&inside).await?);
    let wishes = Wishes::of(&endpoint, &offer);
    Ok(Inside::page(form_page(&inside.frame(), &offer, &wishes, &FormState::of(&endpoint))))
}

/// Changes an endpoint.
pub(super) async fn change(
    id: Result<Id<EndpointId>, Problem>,
    Posted { inside, sent }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let vault = inside.vault()?;
    let means = inside.means(&vault);
    match use_cases::change(&inside.world().db, &inside.who, means, (&id, &sent)).await {
        Ok(()) => inside.go(&format!("/endpoints/{id}?done={}", Done::Changed.as_str())),
        Err(fault @ WebhookError::Invalid(_)) => {
            let offer = offer(&inside).await?;
            let state = FormState { endpoint: Some((&id, sent.version())), faults: fault.fields() };
            let form = form_page(&inside.frame(), &offer, &Wishes::read(&sent, &offer), &state);
            Err(inside.faulty(fault, form))
        }
        Err(fault) => Err(inside.refused(fault)),
    }
}

/// Switches an endpoint on or off.
pub(super) async fn switch(
    id: Result<Id<EndpointId>, Problem>,
    Posted { inside, sent }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let (on, done) = match sent.one("on") {
        "yes" => (true, Done::On),
        "no" => (false, Done::Off),
        _ => return Err(inside.refused(Problem::field("on", "must be yes or no"))),
    };
    let vault = inside.vault()?;
    let (means, to) = (inside.means(&vault), (on, sent.version()));
    let switched = use_cases::switch(&inside.world().db, &inside.who, means, &id, to).await;
    switched.map_err(|fault| inside.refused(fault))?;
    if on {
        guest::nudge(&inside.world().settings.internal_token);
    }
    inside.go(&format!("/endpoints/{id}?done={}", done.as_str()))
}

/// Replaces an endpoint's secret, and shows the new one.
pub(super) async fn rotate(
    id: Result<Id<EndpointId>, Problem>,
    Posted { inside, sent }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let rotation = sent.rotation().map_err(|faults| inside.refused(Problem::fields(faults)))?;
    let vault = inside.vault()?;
    let (means, to) = (inside.means(&vault), (rotation, sent.version()));
    let turned = use_cases::rotate(&inside.world().db, &inside.who, means, &id, to).await;
    let (endpoint, key) = turned.map_err(|fault| inside.refused(fault))?;
    let overlaps_until = seen(&inside, &id).await?.overlaps_until;
    let shown = Shown { endpoint: &endpoint, key: &key, is_replaced: true, overlaps_until };
    Ok(Inside::page(secret_page(&inside.frame(), &shown)))
}

/// Sends an endpoint a test; its delivery tells what came of it.
pub(super) async fn test(
    id: Result<Id<EndpointId>, Problem>,
    Posted { inside, sent }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let kind = Some(sent.one("type").to_owned()).filter(|kind| !kind.is_empty());
    let laid = use_cases::test(&inside.world().db, &inside.who, &id, kind).await;
    let job = laid.map_err(|fault| inside.refused(fault))?;
    guest::nudge(&inside.world().settings.internal_token);
    inside.go(&format!("/deliveries/{job}?done={}", Done::Tested.as_str()))
}

/// Asks whether an endpoint is to be deleted.
pub(super) async fn confirm(
    inside: Inside,
    id: Result<Id<EndpointId>, Problem>,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let endpoint = seen(&inside, &id).await?.endpoint;
    Ok(Inside::page(confirm_page(&inside.frame(), &endpoint)))
}

/// Deletes an endpoint.
pub(super) async fn delete(
    id: Result<Id<EndpointId>, Problem>,
    Posted { inside, sent }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let gone = use_cases::delete(&inside.world().db, &inside.who, &id, sent.version()).await;
    gone.map_err(|fault| inside.refused(fault))?;
    inside.go(&format!("?done={}", Done::Deleted.as_str()))
}
