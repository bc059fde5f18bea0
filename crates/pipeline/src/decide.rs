//! What will come of an event? Its entry in the ledger and its jobs, decided before any lock is taken.

use crate::books::Book;
use events::{Entry, EventError, MAX_DEPTH, NewEvent, Origin};
use jobs::{Kind, NewJob, Patience, Terms};
use kernel::{Call, EventId, FieldFault, JobId};
use rules::{ActionKind, Decision, Decisions, PlannedAction};
use serde_json::{Value, json};

/// An event with all that will come of it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its entry in the ledger.
    pub entry: Entry,
    /// Its jobs.
    pub jobs: Vec<NewJob>,
    /// The rules' revision by which it was decided.
    pub rules_revision: i64,
    /// The call that brought it.
    pub call: Call,
}

/// Decides what will come of `event`, which is called `id` however often it is decided.
///
/// # Errors
/// An unknown trigger, data that lacks what its trigger requires, a chain that is too deep.
pub fn decide(
    book: &Book,
    call: &Call,
    id: EventId,
    event: NewEvent,
    origin: Origin,
) -> Result<Draft, EventError> {
    if origin.depth > MAX_DEPTH {
        return Err(EventError::TooDeep(origin.depth));
    }
    let (trigger, event) = named(event)?;
    let data: Value = rules::payload::read(&event.data)
        .map_err(|error| EventError::Fields(vec![FieldFault::new("data", error)]))?;
    rules::trigger::check_payload(trigger, &data).map_err(EventError::Fields)?;

    let decisions = book.rules.decide(&event.trigger, &data);
    let matched = decisions.listed.iter().filter(|decision| decision.verdict.matched());
    let jobs = matched.clone().flat_map(|decision| jobs_of(call, &id, decision)).collect();
    let matched = matched.map(|decision| (decision.rule_id.clone(), i64::from(decision.version))).collect();
    let entry = Entry {
        id,
        tenant: call.tenant().clone(),
        module: trigger.module_type.to_owned(),
        received: call.now,
        actor: call.principal.actor.name().to_owned(),
        request: call.request.to_string(),
        trace: call.trace.as_str().to_owned(),
        origin,
        matched,
        verdicts: verdicts(&decisions),
        event,
    };
    Ok(Draft { entry, jobs, rules_revision: book.revision, call: call.clone() })
}

/// The trigger that the event names, by itself or with its module before it (`sales.deal_closed_won`).
fn named(event: NewEvent) -> Result<(&'static rules::trigger::Trigger, NewEvent), EventError> {
    if let Ok(trigger) = rules::trigger::find(&event.trigger) {
        return Ok((trigger, event));
    }
    let unknown = || EventError::unknown_trigger(&event.trigger);
    let (module, name) = event.trigger.rsplit_once('.').ok_or_else(unknown)?;
    let trigger = rules::trigger::find(name).map_err(|_| unknown())?;
    if trigger.module_type != module {
        return Err(unknown());
    }
    Ok((trigger, NewEvent { trigger: name.to_owned(), ..event }))
}

fn verdicts(decisions: &Decisions) -> String {
    let rules: Vec<Value> = decisions.listed.iter().map(said).collect();
    json!({"rules": rules, "unlisted": decisions.unlisted}).to_string()
}

fn said(decision: &Decision) -> Value {
    let mut verdict = decision.verdict.to_json();
    if let Some(object) = verdict.as_object_mut() {
        object.insert("rule_id".to_owned(), decision.rule_id.as_str().into());
        object.insert("version".to_owned(), decision.version.into());
        object.insert("name".to_owned(), (&*decision.name).into());
        if let Err(fault) = &decision.actions {
            object.insert("actions_failed".to_owned(), fault.to_string().into());
        }
        let warnings: Vec<String> = decision
            .actions
            .iter()
            .flatten()
            .flat_map(|action| action.warnings.iter().map(ToString::to_string))
            .collect();
        if !warnings.is_empty() {
            object.insert("warnings".to_owned(), warnings.into());
        }
    }
    verdict
}

/// The jobs of a rule that matched, one behind the other in the order of its actions.
fn jobs_of(call: &Call, event: &EventId, decision: &Decision) -> Vec<NewJob> {
    let job = |kind, index: usize, payload: String| NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind,
        payload,
        event: Some(event.clone()),
        rule: Some((decision.rule_id.clone(), u32::try_from(index).unwrap_or(u32::MAX))),
        parent: None,
        start: call.now.into(),
        patience: Patience::default(),
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms::default(),
    };
    match &decision.actions {
        Ok(actions) => {
            let jobs = actions.iter().map(|action| NewJob {
                start: (call.now + action.delay).into(),
                patience: patience(action),
                ..job(kind_of(action.kind), action.index, action.parameters.to_string())
            });
            jobs::in_order(jobs.collect(), call.now)
        }
        // It matched but cannot be carried out: a dead letter says so where people look for failures.
        Err(fault) => {
            let reason = format!("the action cannot be carried out with this data: {fault}");
            vec![NewJob { stillborn: Some(reason), ..job(kind_of(fault.kind), fault.index, "{}".to_owned()) }]
        }
    }
}

const fn kind_of(kind: ActionKind) -> Kind {
    match kind {
        ActionKind::SendNotification => Kind::SendNotification,
        ActionKind::PublishEvent => Kind::PublishEvent,
        ActionKind::HttpRequest => Kind::HttpRequest,
    }
}

fn patience(action: &PlannedAction) -> Patience {
    action.retry.map_or_else(Patience::default, |retry| Patience {
        attempts: retry.max_attempts,
        first: retry.first_wait,
        most: retry.max_wait,
    })
}
