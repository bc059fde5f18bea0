//! How are drafts written? All in one transaction of the caller's: standings, what rules remember, events, matches, jobs, audit.

use crate::{
    Draft, PublishError,
    decide::{Called, Outcome},
    store,
};
use audit::Entry as AuditEntry;
use db::{DbError, Tx};
use events::{Accepted, EventError};
use jobs::Run;
use kernel::{Call, EventId, JobId, RuleId, TenantId};
use serde_json::json;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A draft, and what comes of it.
type Decided<'a> = (&'a Draft, Cow<'a, Outcome>);

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
/// audit). Drafts in which something has a say that rules remember take up to six more for each tenant of theirs.
///
/// # Errors
/// [`DbError`]; then nothing may be committed.
pub(crate) async fn write(tx: &mut Tx, drafts: &[&Draft]) -> Result<Vec<Written>, DbError> {
    let tenants: BTreeSet<&TenantId> = drafts.iter().map(|draft| draft.call.tenant()).collect();
    let standings = store::standings(&mut tx.all_tenants(), &tenants).await?;
    let mut outcomes: Vec<Option<Written>> =
        drafts.iter().map(|draft| hindrance(draft, standings.get(draft.call.tenant()))).collect();

    let free: Vec<&Draft> = drafts
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.is_none())
        .map(|(draft, _)| *draft)
        .collect();
    if free.is_empty() {
        return Ok(outcomes.into_iter().flatten().collect());
    }
    let decided = remembering(tx, &free).await?;
    let entries: Vec<events::Entry> = decided.iter().map(|(_, outcome)| outcome.entry.clone()).collect();
    let accepted = events::accept(&mut tx.all_tenants(), &entries).await?;

    let fresh: Vec<&Decided<'_>> = decided
        .iter()
        .zip(&accepted)
        .filter(|(_, said)| matches!(said, Accepted::New))
        .map(|(decided, _)| decided)
        .collect();
    if let Some(now) = fresh.iter().map(|(draft, _)| draft.received()).max() {
        let jobs: Vec<jobs::NewJob> =
            fresh.iter().flat_map(|(_, outcome)| outcome.jobs.iter().cloned()).collect();
        jobs::enqueue(&mut tx.all_tenants(), &jobs, now).await?;
    }
    remember(tx, &fresh).await?;
    note(tx, &fresh).await?;

    let mut said = decided.iter().zip(accepted);
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
        let Some((decided, accepted)) = said.next() else { break };
        *outcome = Some(answer(tx, &decided.1, accepted).await?);
    }
    Ok(outcomes.into_iter().flatten().collect())
}

/// What comes of each draft. Where what rules remember has a say, it is read here, under the lock, and each draft counts for those
/// after it; one that stands in the ledger already counts for none.
async fn remembering<'a>(tx: &mut Tx, drafts: &[&'a Draft]) -> Result<Vec<Decided<'a>>, DbError> {
    let open: Vec<&Draft> = drafts.iter().copied().filter(|draft| draft.outcome.is_none()).collect();
    if open.is_empty() {
        let ready = |draft: &&'a Draft| Some((*draft, Cow::Borrowed(draft.outcome.as_ref()?)));
        return Ok(drafts.iter().filter_map(ready).collect());
    }
    let keys = open.iter().filter_map(|draft| Some((draft.call.tenant(), draft.key()?)));
    let mut known = events::known(&mut tx.all_tenants(), keys).await?;
    let mut recalls = BTreeMap::new();
    for tenant in open.iter().map(|draft| draft.call.tenant()).collect::<BTreeSet<_>>() {
        let theirs = open.iter().filter(|draft| draft.call.tenant() == tenant);
        let earliest = theirs.clone().map(|draft| draft.received()).min().unwrap_or_default();
        let wanted: Vec<rules::Wanted> = theirs.flat_map(|draft| draft.wanted.iter().cloned()).collect();
        let recall = rules::service::recall::load(&mut tx.scope(tenant), &wanted, earliest).await?;
        recalls.insert(tenant, recall);
    }
    let mut decided = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let Some(outcome) = &draft.outcome {
            decided.push((*draft, Cow::Borrowed(outcome)));
            continue;
        }
        let tenant = draft.call.tenant();
        let Some(recall) = recalls.get_mut(tenant) else { continue };
        let outcome = draft.decided(recall);
        let key = draft.key().map(|key| (tenant.clone(), key.to_owned()));
        // Its key makes it a duplicate of what stands there, or of one before it in this very commit.
        if key.is_none_or(|key| known.insert(key)) {
            recall.remember(&outcome.memos, draft.received());
        }
        decided.push((*draft, Cow::Owned(outcome)));
    }
    Ok(decided)
}

/// Keeps what rules remember of what is new, and calls off the runs that will not be.
async fn remember(tx: &mut Tx, fresh: &[&Decided<'_>]) -> Result<(), DbError> {
    let remembering = fresh.iter().filter(|(_, outcome)| !outcome.memos.is_empty());
    for tenant in remembering.map(|(draft, _)| draft.call.tenant()).collect::<BTreeSet<_>>() {
        let theirs: Vec<&Decided<'_>> =
            fresh.iter().copied().filter(|(draft, _)| draft.call.tenant() == tenant).collect();
        let events: Vec<(&EventId, kernel::Instant, &[rules::Memo])> = theirs
            .iter()
            .map(|(draft, outcome)| (&draft.id, draft.received(), outcome.memos.as_slice()))
            .collect();
        let mut scope = tx.scope(tenant);
        rules::service::recall::keep(&mut scope, &events).await?;
        for (draft, outcome) in theirs {
            for Called { rule, event, why } in &outcome.off {
                let run = Run { event: event.clone(), rule: rule.clone() };
                jobs::cancel_runs(&mut scope, &[run], why, draft.received()).await?;
            }
        }
    }
    Ok(())
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
        Some(standing) if standing.rules != draft.revision() => Some(Written::RulesMoved),
        Some(_) => None,
    }
}

/// One row of audit per request: which events it brought. Two statements for each tenant, however many requests.
async fn note(tx: &mut Tx, fresh: &[&Decided<'_>]) -> Result<(), DbError> {
    let mut requests: BTreeMap<(&TenantId, &str, &str), Vec<&Draft>> = BTreeMap::new();
    for (draft, outcome) in fresh {
        let entry = &outcome.entry;
        requests
            .entry((draft.call.tenant(), entry.actor.as_str(), entry.request.as_str()))
            .or_default()
            .push(draft);
    }
    let mut tenants: BTreeMap<&TenantId, Vec<(&Call, AuditEntry<'_>)>> = BTreeMap::new();
    for ((tenant, _, _), drafts) in &requests {
        let Some(first) = drafts.first() else { continue };
        let ids: Vec<&str> = drafts.iter().map(|draft| draft.id.as_str()).collect();
        let entry = AuditEntry {
            action: "event.accepted",
            subject: first.id.as_str(),
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

async fn answer(tx: &mut Tx, outcome: &Outcome, accepted: Accepted) -> Result<Written, DbError> {
    let entry = &outcome.entry;
    Ok(match accepted {
        Accepted::New => Written::Stored(Receipt {
            id: entry.id.clone(),
            duplicate: false,
            matched: entry.matched.iter().map(|(rule, _)| rule.clone()).collect(),
            jobs: outcome.jobs.iter().map(|job| job.id.clone()).collect(),
        }),
        Accepted::Before { id, matched } => {
            let jobs = jobs::of_event(&mut tx.scope(&entry.tenant), &id).await;
            let jobs = jobs.map_err(|error| DbError::Engine(error.to_string()))?;
            let ids: Vec<String> = serde_json::from_str(&matched).map_err(|_| DbError::Decode {
                column: "matched".to_owned(),
                wanted: "a list of rule ids",
            })?;
            Written::Stored(Receipt {
                duplicate: id != entry.id,
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
