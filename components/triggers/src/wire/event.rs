//! How are events and trails said in JSON?

use events::Event;
use jobs::{Attempt, Job, Waits};
use notifications::{Delivery, Message};
use pipeline::{Receipt, Trail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use tasks::Task;
use utoipa::{IntoParams, ToSchema};

/// An event, as `{event, data}`.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "the shape for the OpenAPI document; bodies are read by the events room, to the letter"
)]
pub(crate) struct EventIn {
    /// The trigger that it sets off.
    #[schema(example = "high_value_opportunity")]
    pub(crate) event: String,
    /// Its data; kept exactly as sent.
    #[schema(value_type = Object)]
    pub(crate) data: serde_json::Value,
}

/// What was stored: event, matches and jobs are committed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptOut {
    /// The event's id; the first one's, if it is a duplicate.
    pub(crate) id: String,
    /// Whether an event with the same key was there before.
    pub(crate) duplicate: bool,
    /// The rules that matched.
    pub(crate) matched: Vec<String>,
    /// The jobs that were made of it.
    pub(crate) jobs: Vec<String>,
}

impl From<Receipt> for ReceiptOut {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id.to_string(),
            duplicate: receipt.duplicate,
            matched: receipt.matched.iter().map(ToString::to_string).collect(),
            jobs: receipt.jobs.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What became of a batch: each event answered for itself, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchOut {
    /// How many were stored (or were there before).
    pub(crate) accepted: usize,
    /// How many were refused.
    pub(crate) refused: usize,
    /// One answer per event: a receipt, or an error.
    #[schema(value_type = Vec<Object>)]
    pub(crate) results: Vec<serde_json::Value>,
}

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventFilter {
    /// Only those of this trigger.
    pub(crate) trigger_id: Option<String>,
    /// Only those that this rule matched.
    pub(crate) rule_id: Option<String>,
    /// Only those stored at or after this instant (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only those stored before this instant (RFC 3339).
    pub(crate) until: Option<String>,
}

/// An event as it stands in the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventOut {
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) trigger_id: String,
    pub(crate) module_type: String,
    /// Where it happened: a CloudEvents source, `api`, or the rule that raised it.
    pub(crate) source: String,
    /// The sender's id for it.
    pub(crate) external_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) occurred_at: String,
    pub(crate) received_at: String,
    /// Exactly as sent.
    #[schema(value_type = Object)]
    pub(crate) data: Box<RawValue>,
    /// The record that it is about, as it stood when the event was decided, if rules looked at it.
    #[schema(value_type = Option<Object>)]
    pub(crate) record: Option<Box<RawValue>>,
    /// Who sent it.
    pub(crate) actor: String,
    pub(crate) request_id: String,
    /// The W3C traceparent that it belongs to.
    pub(crate) traceparent: String,
    /// How many events are before it in a chain of events raised by rules.
    pub(crate) depth: u32,
    /// The event whose rule raised it.
    pub(crate) parent_id: Option<String>,
    /// The rules that matched.
    #[schema(value_type = Vec<String>)]
    pub(crate) matched: Box<RawValue>,
}

/// JSON of our own rows, as it stands; null if a row was damaged.
fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl From<Event> for EventOut {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.to_string(),
            tenant_id: event.tenant.to_string(),
            trigger_id: event.trigger,
            module_type: event.module,
            source: event.source,
            external_id: event.external_id,
            subject: event.subject,
            occurred_at: event.occurred.to_string(),
            received_at: event.received.to_string(),
            data: raw(event.data),
            record: event.record.map(raw),
            actor: event.actor,
            request_id: event.request,
            traceparent: event.trace,
            depth: event.origin.depth,
            parent_id: event.origin.parent.map(|parent| parent.to_string()),
            matched: raw(event.matched),
        }
    }
}

/// Everything that came of an event, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceOut {
    /// The event's id.
    pub(crate) id: String,
    /// The event.
    pub(crate) event: EventOut,
    /// What every rule said, clause by clause: `rules`, each with its `standing`, `because` and `clauses`, and how many further
    /// rules could not match and are `unlisted`.
    #[schema(value_type = Object)]
    pub(crate) verdicts: serde_json::Value,
    /// The events that its rules raised; each has a trail of its own.
    pub(crate) children: Vec<String>,
    /// The jobs, in the order in which they were made.
    pub(crate) jobs: Vec<TraceJobOut>,
    /// The messages, with their deliveries.
    pub(crate) messages: Vec<TraceMessageOut>,
    /// The tasks that rules made of it, as they are now.
    pub(crate) tasks: Vec<TraceTaskOut>,
}

/// A task in a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceTaskOut {
    pub(crate) id: String,
    pub(crate) title: String,
    /// `draft`, `assigned`, `in_progress`, `completed` or `cancelled`.
    pub(crate) state: &'static str,
    /// Who has it: a user's id, or an address.
    pub(crate) assignee: Option<String>,
    pub(crate) due_at: Option<String>,
    pub(crate) job_id: Option<String>,
    pub(crate) created_at: String,
}

impl From<Task> for TraceTaskOut {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.to_string(),
            title: task.definition.title,
            state: task.state.as_str(),
            assignee: task.assignee.map(|assignee| assignee.to_string()),
            due_at: task.definition.due.map(|due| due.passes().to_string()),
            job_id: task.maker.job.map(|job| job.to_string()),
            created_at: task.created_at.to_string(),
        }
    }
}

/// A job in a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceJobOut {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    pub(crate) rule_id: Option<String>,
    /// The place of the action in its rule, from 0.
    pub(crate) action: Option<u32>,
    /// What the rule calls the action.
    pub(crate) action_name: Option<String>,
    /// The job that made it.
    pub(crate) parent_id: Option<String>,
    /// Null as long as another job holds it.
    pub(crate) due_at: Option<String>,
    /// What it waits for besides its time: `job`, `dead_job` or `lane`.
    pub(crate) waits_for: Option<&'static str>,
    /// The job that holds it until that one has ended.
    pub(crate) held_by: Option<String>,
    pub(crate) created_at: String,
    pub(crate) ended_at: Option<String>,
    pub(crate) last_error: Option<String>,
    /// Why it was taken back.
    pub(crate) reason: Option<String>,
    pub(crate) attempts: Vec<TraceAttemptOut>,
}

/// An attempt in a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceAttemptOut {
    pub(crate) number: u32,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    /// `done`, `retry`, `dead` or `lost`.
    pub(crate) ending: &'static str,
    /// The receiver's HTTP status.
    pub(crate) status: Option<u32>,
    pub(crate) detail: String,
}

/// A message in a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceMessageOut {
    pub(crate) id: String,
    pub(crate) recipient: String,
    pub(crate) title: Option<String>,
    pub(crate) body: String,
    pub(crate) job_id: Option<String>,
    pub(crate) created_at: String,
    pub(crate) deliveries: Vec<TraceDeliveryOut>,
}

/// A delivery in a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceDeliveryOut {
    pub(crate) id: String,
    /// `in_app`, `webhook`, `slack`.
    pub(crate) channel_kind: &'static str,
    pub(crate) channel_id: Option<String>,
    pub(crate) state: &'static str,
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) provider_status: Option<u16>,
}

impl From<Trail> for TraceOut {
    fn from(trail: Trail) -> Self {
        let mut attempts: HashMap<String, Vec<TraceAttemptOut>> = HashMap::new();
        for attempt in trail.attempts {
            attempts.entry(attempt.job.to_string()).or_default().push(attempt.into());
        }
        let jobs = trail.jobs.into_iter().map(|job| {
            let tried = attempts.remove(job.id.as_str()).unwrap_or_default();
            TraceJobOut { attempts: tried, ..job.into() }
        });
        Self {
            id: trail.event.id.to_string(),
            verdicts: trail.verdicts,
            children: trail.children.iter().map(ToString::to_string).collect(),
            jobs: jobs.collect(),
            messages: trail.messages.into_iter().map(Into::into).collect(),
            tasks: trail.tasks.into_iter().map(Into::into).collect(),
            event: trail.event.into(),
        }
    }
}

impl From<Attempt> for TraceAttemptOut {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started.to_string(),
            ended_at: attempt.ended.to_string(),
            ending: attempt.ending.as_str(),
            status: attempt.status,
            detail: attempt.detail,
        }
    }
}

impl From<Job> for TraceJobOut {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            rule_id: job.rule.map(|rule| rule.to_string()),
            action: job.action,
            action_name: job.action_name,
            parent_id: job.parent.map(|parent| parent.to_string()),
            due_at: job.due.map(|due| due.to_string()),
            waits_for: job.waits.as_ref().map(Waits::as_str),
            held_by: job.waits.as_ref().and_then(Waits::holder).map(ToString::to_string),
            created_at: job.created.to_string(),
            ended_at: job.ended.map(|ended| ended.to_string()),
            last_error: job.last_error,
            reason: job.reason,
            attempts: Vec::new(),
        }
    }
}

impl From<Message> for TraceMessageOut {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.to_string(),
            recipient: message.recipient.to_string(),
            title: message.title,
            body: message.body,
            job_id: message.job_id.map(|job| job.to_string()),
            created_at: message.created_at.to_string(),
            deliveries: message.deliveries.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Delivery> for TraceDeliveryOut {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            channel_kind: delivery.kind.as_str(),
            channel_id: delivery.channel.map(|channel| channel.id.to_string()),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_error: delivery.last_error,
            provider_status: delivery.provider_status,
        }
    }
}
