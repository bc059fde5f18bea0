//! What is raised when something happens to a delivery or its endpoint? Events of our own, which rules and endpoints can use like any other.

use crate::{Works, decide, effect, regard, write};
use ::webhooks::{Attempted, Endpoint};
use db::{DbError, Tx};
use events::{Dedupe, NewEvent};
use jobs::Job;
use kernel::{Call, EventId, Instant};
use serde_json::{Value, json};

/// The module of these events.
pub(crate) const MODULE: &str = "webhook";

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// A delivery was given up.
    Dead(Box<Attempted>, Box<Job>),
    /// An endpoint has failed for so much of its time, in percent, since then.
    Failing(Box<Endpoint>, u8, Instant),
    /// An endpoint was switched off.
    Disabled(Box<Endpoint>, &'static str, Option<Instant>),
}

impl Happening {
    const fn trigger(&self) -> &'static str {
        match self {
            Self::Dead(..) => "delivery.dead",
            Self::Failing(..) => "endpoint.failing",
            Self::Disabled(..) => "endpoint.disabled",
        }
    }

    /// What counts once.
    fn key(&self, now: Instant) -> String {
        match self {
            Self::Dead(attempted, _) => format!("webhook:dead:{}:{}", attempted.job, attempted.number),
            Self::Failing(endpoint, part, since) => {
                format!("webhook:failing:{}:{}:{part}", endpoint.id, since.millis())
            }
            Self::Disabled(endpoint, ..) => format!("webhook:disabled:{}:{}", endpoint.id, now.millis()),
        }
    }

    fn data(&self) -> Value {
        let of = |endpoint: &Endpoint| {
            json!({
                "endpoint_id": endpoint.id.as_str(),
                "description": endpoint.description.as_deref().unwrap_or_default(),
                "customer": endpoint.customer.as_deref().unwrap_or_default(),
            })
        };
        let (mut data, more) = match self {
            Self::Dead(attempted, job) => (
                json!({"endpoint_id": attempted.endpoint.as_str(), "delivery_id": attempted.job.as_str()}),
                json!({
                    "attempts": attempted.number,
                    "failure": attempted.judgement.failure,
                    "status": attempted.answer.as_ref().map(|answer| answer.status),
                    "event_id": job.event.as_ref().map(EventId::as_str),
                    "rule_id": job.rule.as_ref().map(kernel::RuleId::as_str),
                }),
            ),
            Self::Failing(endpoint, part, since) => {
                (of(endpoint), json!({"failing_since": since.to_string(), "percent": part}))
            }
            Self::Disabled(endpoint, reason, since) => (
                of(endpoint),
                json!({"reason": reason, "failing_since": since.map(|since| since.to_string())}),
            ),
        };
        // What is not known is not there.
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        data
    }

    /// Raises the event, inside the queue's transaction. A chain that is too deep ends here without a word: it began with a delivery, and
    /// that has its record.
    pub(crate) async fn raise(
        &self,
        works: &Works<'_>,
        tx: &mut Tx,
        call: &Call,
        job: &Job,
    ) -> Result<(), DbError> {
        let Some(origin) = effect::origin(tx, &job.tenant, job).await? else { return Ok(()) };
        let data = self.data().to_string();
        let trigger = self.trigger().to_owned();
        let event = NewEvent {
            dedupe: Some(Dedupe {
                key: self.key(call.now),
                fingerprint: events::fingerprint(&trigger, &data),
            }),
            trigger,
            data,
            source: "webhooks".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
        };
        let book = works.books.within(tx, &job.tenant).await?;
        let about = [regard::wanted(&book, &event)];
        let record = regard::records(&mut tx.scope(&job.tenant), &about).await?.pop().flatten();
        let Ok(draft) = decide(&book, call, EventId::new(call.now, &*call.chance), event, origin, record)
        else {
            return Ok(());
        };
        write::write(tx, &[&draft]).await.map(drop)
    }
}
