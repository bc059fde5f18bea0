//! What may people ask the ledger? For one event, or for a list.

use crate::{Event, EventError, store};
use db::{AllTenants, Db, DbError, Scope};
use kernel::{Bounded, Call, EventId, Instant, Page, PageRequest, RuleId};

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this trigger.
    pub trigger: Option<String>,
    /// Only those that this rule matched.
    pub rule: Option<RuleId>,
    /// Only those stored at or after this instant.
    pub since: Option<Instant>,
    /// Only those stored before this instant.
    pub until: Option<Instant>,
}

/// One event.
///
/// # Errors
/// [`EventError::Unknown`].
pub async fn get(scope: &mut Scope<'_>, id: &EventId) -> Result<Event, EventError> {
    store::get(scope, id).await?.ok_or(EventError::Unknown)
}

/// One event and the call for it, as far as the caller's permission reaches.
///
/// # Errors
/// [`EventError::Unknown`], also if it does not reach there.
pub async fn seen<'a>(db: &Db, who: &'a Bounded, id: &EventId) -> Result<(Event, &'a Call), EventError> {
    let mut lease = db.read().await?;
    let event = get(&mut lease.scope(who.tenant())?, id).await?;
    let call = who.at(&event.module, event.id.as_str())?;
    Ok((event, call))
}

/// The events that rules raised because of this one, oldest first, 1,000 at most.
///
/// # Errors
/// [`EventError::Db`].
pub async fn children(scope: &mut Scope<'_>, id: &EventId) -> Result<Vec<EventId>, EventError> {
    let ids = store::children(scope, id).await?;
    let surprise = |_| db::DbError::Decode { column: "event_id".to_owned(), wanted: "an event's id" };
    ids.iter().map(|id| id.parse().map_err(surprise).map_err(EventError::Db)).collect()
}

/// A tenant's events, as far as the caller's permission reaches, newest first.
///
/// # Errors
/// [`EventError::Db`].
pub async fn list(
    db: &Db,
    who: &Bounded,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Event>, EventError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(who.tenant())?, who.bounds(), filter, page).await?;
    Ok(Page::cut(rows, page, |event| event.id.to_string()))
}

/// How many events all tenants ever stored; for the operator's gauges.
///
/// # Errors
/// [`DbError`].
pub async fn stored(all: &mut AllTenants<'_>) -> Result<i64, DbError> {
    store::stored(all).await
}
