//! What will come of an event? Its entry in the ledger and its jobs: decided before any lock is taken, unless it depends on what
//! rules remember of earlier events; then it is decided where that is written, too.

use crate::{books::Book, webhooks};
use events::{Entry, EventError, MAX_DEPTH, NewEvent, Origin};
use jobs::{Kind, Lane, NewJob, Patience, Terms};
use kernel::{Call, EventId, FieldFault, Instant, JobId, RuleId, Span};
use language::{Facts, Moment, Occasion, When};
use rules::{
    ActionKind, Catalogue, Decision, Decisions, Memo, PlannedAction, Recall, Shadowed, Trigger, Wanted,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// An event that came in, and the book by which it is decided.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its id, made when it came in.
    pub(crate) id: EventId,
    pub(crate) event: NewEvent,
    pub(crate) origin: Origin,
    /// The call that brought it.
    pub(crate) call: Call,
    trigger: Arc<Trigger>,
    data: Value,
    /// The record that it is about.
    record: Option<Value>,
    book: Arc<Book>,
    /// What rules remember that has a say; nothing for most events.
    pub(crate) wanted: Vec<Wanted>,
    /// What will come of it, if nothing that is remembered has a say.
    pub(crate) outcome: Option<Outcome>,
}

/// A run of a rule that will not be: another event took its place, or brought what it waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) rule: RuleId,
    /// The event for which the rule would have fired.
    pub(crate) event: EventId,
    /// Why, in words.
    pub(crate) why: String,
}

/// All that comes of an event.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Its entry in the ledger.
    pub(crate) entry: Entry,
    /// Its jobs.
    pub(crate) jobs: Vec<NewJob>,
    /// What rules remember of it.
    pub(crate) memos: Vec<Memo>,
    /// What it calls off.
    pub(crate) off: Vec<Called>,
    /// What the versions said that run beside rules: it is counted.
    pub(crate) shadows: Vec<Shadowed>,
}

/// Takes in `event`, which is called `id` however often it is decided. `record` is the record that it is about.
///
/// # Errors
/// An unknown trigger, data that lacks what its trigger requires, a chain that is too deep.
pub fn decide(
    book: &Arc<Book>,
    call: &Call,
    id: EventId,
    event: NewEvent,
    origin: Origin,
    record: Option<Value>,
) -> Result<Draft, EventError> {
    if origin.depth > MAX_DEPTH {
        return Err(EventError::TooDeep(origin.depth));
    }
    let (trigger, event) = named(book, event)?;
    let data: Value = rules::payload::read(&event.data)
        .map_err(|error| EventError::Fields(vec![FieldFault::new("data", error)]))?;
    trigger.check(&data).map_err(EventError::Fields)?;
    let mut draft = Draft {
        id,
        event,
        origin,
        call: call.clone(),
        trigger,
        data,
        record,
        book: Arc::clone(book),
        wanted: Vec::new(),
        outcome: None,
    };
    let facts = draft.facts();
    let wanted = book.rules.wanted(&draft.event.trigger, &facts);
    let outcome = wanted.is_empty().then(|| draft.settle(&facts, &Recall::default()));
    drop(facts);
    draft.wanted = wanted;
    draft.outcome = outcome;
    Ok(draft)
}

/// The trigger that the event names, by itself or with its module before it (`sales.deal_closed_won`).
fn named(book: &Book, event: NewEvent) -> Result<(Arc<Trigger>, NewEvent), EventError> {
    let trigger =
        find(&book.catalogue, &event.trigger).ok_or_else(|| EventError::unknown_trigger(&event.trigger))?;
    if *event.trigger == *trigger.trigger_id {
        return Ok((trigger, event));
    }
    let event = NewEvent { trigger: trigger.trigger_id.to_string(), ..event };
    Ok((trigger, event))
}

/// The trigger of that name, with or without its module, a dot between them.
pub(crate) fn find(catalogue: &Catalogue, said: &str) -> Option<Arc<Trigger>> {
    if let Ok(trigger) = catalogue.find(said) {
        return Some(Arc::clone(trigger));
    }
    // Either may have dots of its own.
    said.match_indices('.').find_map(|(place, _)| {
        let (module, name) = (said.get(..place)?, said.get(place.saturating_add(1)..)?);
        catalogue.find(name).ok().filter(|trigger| *trigger.module_type == *module).map(Arc::clone)
    })
}

impl Draft {
    /// The revision of the rules by which it is decided.
    pub(crate) fn revision(&self) -> i64 {
        self.book.revision
    }

    /// When it came in.
    pub(crate) const fn received(&self) -> Instant {
        self.call.now
    }

    /// The key under which it counts once.
    pub(crate) fn key(&self) -> Option<&str> {
        self.event.dedupe.as_ref().map(|dedupe| dedupe.key.as_str())
    }

    fn facts(&self) -> Facts<'_> {
        let moment = Moment { now: self.call.now, zone: self.book.zone };
        Facts::new(&self.data, self.record.as_ref(), self.occasion(), moment)
    }

    fn occasion(&self) -> Occasion<'_> {
        Occasion {
            id: self.id.as_str(),
            trigger: &self.event.trigger,
            source: &self.event.source,
            subject: self.event.subject.as_deref(),
            actor: self.call.principal.actor.name(),
            occurred: self.event.occurred.unwrap_or(self.call.now),
            depth: self.origin.depth,
        }
    }

    /// What comes of it, with what is remembered of earlier events.
    pub(crate) fn decided(&self, recall: &Recall) -> Outcome {
        self.settle(&self.facts(), recall)
    }

    fn settle(&self, facts: &Facts<'_>, recall: &Recall) -> Outcome {
        let decisions = self.book.rules.decide(&self.event.trigger, facts, recall);
        let matched = decisions.listed.iter().filter(|decision| decision.matched());
        let mut jobs: Vec<NewJob> =
            matched.clone().flat_map(|decision| jobs_of(self, facts, decision)).collect();
        jobs.append(&mut self.hooks(facts));
        let matched =
            matched.map(|decision| (decision.rule_id.clone(), i64::from(decision.version))).collect();
        let entry = Entry {
            id: self.id.clone(),
            tenant: self.call.tenant().clone(),
            module: self.trigger.module_type.to_string(),
            received: self.call.now,
            actor: self.call.principal.actor.name().to_owned(),
            request: self.call.request.to_string(),
            trace: self.call.trace.as_str().to_owned(),
            origin: self.origin.clone(),
            matched,
            verdicts: verdicts(&decisions),
            record: self.record.as_ref().map(Value::to_string),
            event: self.event.clone(),
        };
        let off = self.called_off(&decisions);
        Outcome { entry, jobs, off, memos: decisions.memos, shadows: decisions.shadows }
    }

    /// Its type: module and trigger.
    fn kind(&self) -> String {
        format!("{}.{}", self.trigger.module_type, self.event.trigger)
    }

    /// The jobs that carry it to the endpoints that want it, which look at the event alone.
    fn hooks(&self, facts: &Facts<'_>) -> Vec<NewJob> {
        if self.book.endpoints.is_empty() {
            return Vec::new();
        }
        let kind = self.kind();
        let alone = Facts::new(&self.data, None, self.occasion(), *facts.moment());
        webhooks::wanted(&self.book, &self.call, &self.id, &kind, &alone)
    }

    fn called_off(&self, decisions: &Decisions) -> Vec<Called> {
        let replaced = decisions.listed.iter().filter_map(|decision| {
            let event = decision.replaces.clone()?;
            let why = format!("{} came before it was due, and the rule fires for the last one only", self.id);
            Some(Called { rule: decision.rule_id.clone(), event, why })
        });
        let ended = decisions.ended.iter().map(|ended| Called {
            rule: ended.rule_id.clone(),
            event: ended.event.clone(),
            why: format!("{} came, and the rule fires only if no {} comes", self.id, self.event.trigger),
        });
        replaced.chain(ended).collect()
    }
}

fn verdicts(decisions: &Decisions) -> String {
    let rules: Vec<Value> = decisions.listed.iter().map(said).collect();
    let mut said = json!({"rules": rules, "unlisted": decisions.unlisted});
    if let Some(object) = said.as_object_mut().filter(|_| !decisions.shadows.is_empty()) {
        let shadows = decisions.shadows.iter().map(|shadow| shadow.kept.clone());
        object.insert("shadows".to_owned(), shadows.collect());
    }
    said.to_string()
}

fn said(decision: &Decision) -> Value {
    let mut kept = decision.kept.clone();
    if let Some(object) = kept.as_object_mut() {
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
    kept
}

/// The jobs of a rule that matched, one behind the other in the order of its actions.
fn jobs_of(draft: &Draft, facts: &Facts<'_>, decision: &Decision) -> Vec<NewJob> {
    let (call, event) = (&draft.call, &draft.id);
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
            let jobs = actions.iter().map(|action| {
                let (pause, payload) = payload_of(draft, action, facts.moment());
                let hook = webhooks::terms(&draft.book, action, facts);
                let (lane, of_receiver) = hook.unzip();
                NewJob {
                    start: (decision.start + action.delay + pause).into(),
                    patience: patience(action, of_receiver),
                    terms: terms(action, decision, lane),
                    ..job(kind_of(action.kind), action.index, payload)
                }
            });
            jobs::in_order(jobs.collect(), decision.start)
        }
        // It matched but cannot be carried out: a dead letter says so where people look for failures.
        Err(fault) => {
            let reason = format!("the action cannot be carried out with this data: {fault}");
            vec![NewJob { stillborn: Some(reason), ..job(kind_of(fault.kind), fault.index, "{}".to_owned()) }]
        }
    }
}

/// What the job of an action is to do, and how long it pauses before: a `wait` for so long needs nothing else, and one until a
/// time has it said as an instant.
fn payload_of(draft: &Draft, action: &PlannedAction, moment: &Moment) -> (Span, String) {
    if action.kind == ActionKind::Wait
        && let Some(Ok(pause)) = action.parameters.get("for").map(language::duration::read)
    {
        return (pause, "{}".to_owned());
    }
    let mut parameters = action.parameters.clone();
    // What is sent tells of the event unless the action says otherwise.
    if let (ActionKind::SendWebhook, false, Some(said)) =
        (action.kind, action.is_late, parameters.as_object_mut())
        && !said.contains_key("type")
    {
        said.insert("type".to_owned(), draft.kind().into());
    }
    let payload = if action.is_late { parameters } else { dated(parameters, moment) };
    (Span::default(), payload.to_string())
}

/// Parameters in which times that people say (`friday`, `today+P3D`) are days or instants, as seen from a moment: a job says the
/// same whenever it runs.
pub(crate) fn dated(mut parameters: Value, moment: &Moment) -> Value {
    let read = |said: &Value| said.as_str().and_then(|text| text.parse::<When>().ok());
    if let Some(until) = parameters.get_mut("until")
        && let Some(at) = read(until).and_then(|when| when.at(moment))
    {
        *until = at.to_string().into();
    }
    if let Some(due) = parameters.get_mut("due_date")
        && let Some(when) = read(due)
        && let (Some(at), Some(day)) = (when.at(moment), when.day(moment))
    {
        let day = day.to_string();
        let begins = day.parse::<When>().ok().and_then(|day| day.at(moment));
        *due = if begins == Some(at) { day } else { at.to_string() }.into();
    }
    parameters
}

fn terms(action: &PlannedAction, decision: &Decision, of_endpoint: Option<Lane>) -> Terms {
    Terms {
        action_name: action.id.clone(),
        on_error: match action.on_error {
            rules::OnError::Continue => jobs::OnError::Continue,
            rules::OnError::Stop => jobs::OnError::Stop,
        },
        // A rule that has a lane of its own keeps to that; else an endpoint's slowness holds up nothing but what goes there.
        lane: match &decision.lane {
            Some(lane) => Some(Lane::new(lane.name.clone(), lane.limit)),
            None => of_endpoint,
        },
        is_late: action.is_late,
    }
}

const fn kind_of(kind: ActionKind) -> Kind {
    match kind {
        ActionKind::SendNotification => Kind::SendNotification,
        ActionKind::PublishEvent => Kind::PublishEvent,
        ActionKind::HttpRequest => Kind::HttpRequest,
        ActionKind::UpdateStatus => Kind::UpdateStatus,
        ActionKind::SendWebhook => Kind::SendWebhook,
        ActionKind::CreateTask => Kind::CreateTask,
        ActionKind::Wait => Kind::Wait,
    }
}

/// How patient an action is: as it says, or else as its endpoint wants it, if it has one.
fn patience(action: &PlannedAction, of_receiver: Option<Patience>) -> Patience {
    action.retry.map_or_else(
        || of_receiver.unwrap_or_default(),
        |retry| Patience { attempts: retry.max_attempts, first: retry.first_wait, most: retry.max_wait },
    )
}
