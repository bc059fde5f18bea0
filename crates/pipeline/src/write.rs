//! How are drafts written? All in one transaction of the caller's: standings, events, matches, jobs, audit.

use crate::{Draft, PublishError, store};
use audit::Entry as AuditEntry;
use db::{DbError, Tx};
use events::{Accepted, EventError};
use kernel::{Call, EventId, JobId, RuleId, TenantId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id; the first one's, if it was there before.
    pub id: EventId,
    /// Whether it was there before.
    pub duplicate: bool,
    /// The rules that matched.
    pub matched: Vec<RuleId>,
    /// The jobs that were made of it; the first one's, if it was there before.
    pub jobs: Vec<JobId>,
}

/// What became of a draft.
#[derive(Debug)]
pub(crate) enum Written {
    /// It is stored.
    Stored(Receipt),
    /// The tenant's rules changed since it was decided: decide again.
    RulesMoved,
    /// It cannot be stored.
    Refused(PublishError),
}

/// Writes drafts of any tenants; gives one outcome per draft, in order. Nothing is committed here.
///
/// Seven statements when all is new, however many drafts and senders there are, and two more per further tenant (its
/// audit).
///
/// # Errors
/// [`DbError`]; then nothing may be committed.
pub(crate) async fn write(tx: &mut Tx, drafts: &[&Draft]) -> Result<Vec<Written>, DbError> {
    let tenants: BTreeSet<&TenantId> = drafts.iter().map(|draft| &draft.entry.tenant).collect();
    let standings = store::standings(&mut tx.all_tenants(), &tenants).await?;
    let mut outcomes: Vec<Option<Written>> =
        drafts.iter().map(|draft| hindrance(draft, standings.get(&draft.entry.tenant))).collect();

    let free: Vec<&Draft> = drafts
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.is_none())
        .map(|(draft, _)| *draft)
        .collect();
    if free.is_empty() {
        return Ok(outcomes.into_iter().flatten().collect());
    }
    let entries: Vec<events::Entry> = free.iter().map(|draft| draft.entry.clone()).collect();
    let accepted = events::accept(&mut tx.all_tenants(), &entries).await?;

    let fresh: Vec<&Draft> = free
        .iter()
        .zip(&accepted)
        .filter(|(_, said)| matches!(said, Accepted::New))
        .map(|(draft, _)| *draft)
        .collect();
    if let Some(now) = fresh.iter().map(|draft| draft.call.now).max() {
        let jobs: Vec<jobs::NewJob> = fresh.iter().flat_map(|draft| draft.jobs.iter().cloned()).collect();
        jobs::enqueue(&mut tx.all_tenants(), &jobs, now).await?;
    }
    note(tx, &fresh).await?;

    let mut said = free.iter().zip(accepted);
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
        let Some((draft, accepted)) = said.next() else { break };
        *outcome = Some(answer(tx, draft, accepted).await?);
    }
    Ok(outcomes.into_iter().flatten().collect())
}

fn hindrance(draft: &Draft, standing: Option<&store::Standing>) -> Option<Written> {
    let principal = &draft.call.principal;
    match standing {
        None => Some(Written::Refused(PublishError::AccessMoved)),
        Some(standing) if !standing.active => Some(Written::Refused(PublishError::Suspended)),
        // Our own calls carry the highest revision: nobody's rights are behind them.
        Some(standing) if standing.access > principal.access_revision => {
            Some(Written::Refused(PublishError::AccessMoved))
        }
        Some(standing) if standing.rules != draft.rules_revision => Some(Written::RulesMoved),
        Some(_) => None,
    }
}

/// One row of audit per request: which events it brought. Two statements for each tenant, however many requests.
async fn note(tx: &mut Tx, drafts: &[&Draft]) -> Result<(), DbError> {
    let mut requests: BTreeMap<(&TenantId, &str, &str), Vec<&Draft>> = BTreeMap::new();
    for draft in drafts {
        let request = (&draft.entry.tenant, draft.entry.actor.as_str(), draft.entry.request.as_str());
        requests.entry(request).or_default().push(draft);
    }
    let mut tenants: BTreeMap<&TenantId, Vec<(&Call, AuditEntry<'_>)>> = BTreeMap::new();
    for ((tenant, _, _), drafts) in &requests {
        let Some(first) = drafts.first() else { continue };
        let ids: Vec<&str> = drafts.iter().map(|draft| draft.entry.id.as_str()).collect();
        let entry = AuditEntry {
            action: "event.accepted",
            subject: first.entry.id.as_str(),
            before: None,
            after: Some(json!({"events": ids})),
        };
        tenants.entry(tenant).or_default().push((&first.call, entry));
    }
    for (tenant, entries) in tenants {
        audit::append_for(&mut tx.scope(tenant), &entries).await?;
    }
    Ok(())
}

async fn answer(tx: &mut Tx, draft: &Draft, accepted: Accepted) -> Result<Written, DbError> {
    Ok(match accepted {
        Accepted::New => Written::Stored(Receipt {
            id: draft.entry.id.clone(),
            duplicate: false,
            matched: draft.entry.matched.iter().map(|(rule, _)| rule.clone()).collect(),
            jobs: draft.jobs.iter().map(|job| job.id.clone()).collect(),
        }),
        Accepted::Before { id, matched } => {
            let jobs = jobs::of_event(&mut tx.scope(&draft.entry.tenant), &id).await;
            let jobs = jobs.map_err(|error| DbError::Engine(error.to_string()))?;
            let ids: Vec<String> = serde_json::from_str(&matched).map_err(|_| DbError::Decode {
                column: "matched".to_owned(),
                wanted: "a list of rule ids",
            })?;
            Written::Stored(Receipt {
                duplicate: id != draft.entry.id,
                id,
                matched: ids.iter().filter_map(|id| id.parse().ok()).collect(),
                jobs: jobs.into_iter().filter(|job| job.parent.is_none()).map(|job| job.id).collect(),
            })
        }
        Accepted::Refused(error) => match error {
            EventError::Db(error) => return Err(error),
            other => Written::Refused(PublishError::Event(other)),
        },
    })
}
