//! When is it known what a job is to do? Mostly when its event comes in. A late one needs what those before it left: it is
//! rendered when it is claimed, in the claim's own transaction, and from then on it says the same at each attempt.

use crate::{Works, decide, effect, effect::Report};
use chrono_tz::Tz;
use db::{DbError, Tx};
use events::{Event, EventError};
use futures::future::{BoxFuture, FutureExt as _};
use jobs::{Job, Kind, Leased, Run, Step};
use kernel::{Call, Instant, TenantId};
use language::{Facts, Moment, Occasion, template::Context};
use rules::ActionKind;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A late job, with what it needs.
#[derive(Debug, Clone)]
pub struct Late {
    /// The job as it was laid: its payload is whatever the renderer put there when the event came in.
    pub job: Job,
    /// The jobs of its run that have ended, with what they left, in the order of the actions.
    pub steps: Vec<Step>,
}

/// Turns late jobs into jobs.
pub trait Renderer: Send + Sync {
    /// The payload of each as JSON text, or why there is none; in the order of `late`, which are jobs of the tenant of `call`.
    /// `tx` is the claim's transaction, to look things up in.
    ///
    /// # Errors
    /// [`DbError`]: then nothing is claimed. What is wrong with one job is said of that one.
    fn render<'a>(
        &'a self,
        tx: &'a mut Tx,
        call: &'a Call,
        late: &'a [Late],
    ) -> BoxFuture<'a, Result<Vec<Result<String, String>>, DbError>>;
}

/// Renders by the rules: an action's templates get the event as it was decided, and what the actions before it left.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByRules;

impl Renderer for ByRules {
    fn render<'a>(
        &'a self,
        tx: &'a mut Tx,
        call: &'a Call,
        late: &'a [Late],
    ) -> BoxFuture<'a, Result<Vec<Result<String, String>>, DbError>> {
        async move {
            let mut scope = tx.scope(call.tenant());
            let zone = rules::service::grounds(&mut scope).await?.zone;
            let mut payloads = Vec::with_capacity(late.len());
            for one in late {
                let event = match &one.job.event {
                    None => Err(GONE.to_owned()),
                    Some(id) => match events::get(&mut scope, id).await {
                        Ok(event) => Ok(event),
                        Err(EventError::Db(error)) => return Err(error),
                        Err(_) => Err(GONE.to_owned()),
                    },
                };
                payloads.push(event.and_then(|event| put_in(one, &event, zone)));
            }
            Ok(payloads)
        }
        .boxed()
    }
}

const GONE: &str = "its event is no longer in the ledger";

/// The payload of a late job.
fn put_in(late: &Late, event: &Event, zone: Tz) -> Result<String, String> {
    let read = |text: &str| rules::payload::read(text).map_err(|fault| fault.to_string());
    let kind = action_of(late.job.kind).ok_or("it is no action of a rule")?;
    let data = read(&event.data)?;
    let record = event.record.as_deref().map(read).transpose()?;
    let said = read(&late.job.payload)?;
    let mut results = Map::new();
    for step in &late.steps {
        if let (Some(name), Some(result)) = (&step.name, &step.result) {
            results.insert(name.clone(), serde_json::from_str(result.expose()).unwrap_or_default());
        }
    }
    let results = Value::Object(results);
    let occasion = Occasion {
        id: event.id.as_str(),
        trigger: &event.trigger,
        source: &event.source,
        subject: event.subject.as_deref(),
        actor: &event.actor,
        occurred: event.occurred,
        depth: event.origin.depth,
    };
    // It is rendered later, but says what it would have said when the event came in.
    let moment = Moment { now: event.received, zone };
    let facts = Facts::new(&data, record.as_ref(), occasion, moment);
    let context = Context::with_results(&facts, &results);
    let payload = rules::render_late(kind, &said, &context).map_err(|fault| fault.to_string())?;
    Ok(decide::dated(payload, &moment).to_string())
}

const fn action_of(kind: Kind) -> Option<ActionKind> {
    match kind {
        Kind::SendNotification => Some(ActionKind::SendNotification),
        Kind::PublishEvent => Some(ActionKind::PublishEvent),
        Kind::HttpRequest => Some(ActionKind::HttpRequest),
        Kind::Wait => Some(ActionKind::Wait),
        Kind::CreateTask => Some(ActionKind::CreateTask),
        Kind::UpdateStatus => Some(ActionKind::UpdateStatus),
        _ => None,
    }
}

/// Renders those of the claimed jobs that are late. Gives those that can be run, and apart those that cannot, with why.
pub(crate) async fn render(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
) -> Result<(Vec<Leased>, Vec<(Leased, Report)>), DbError> {
    let (late, mut sound): (Vec<_>, Vec<_>) = leased.into_iter().partition(|one| one.job.is_late);
    let mut by_tenant: BTreeMap<TenantId, Vec<Leased>> = BTreeMap::new();
    for one in late {
        by_tenant.entry(one.job.tenant.clone()).or_default().push(one);
    }
    let mut rendered = Vec::new();
    let mut failed = Vec::new();
    for (tenant, group) in by_tenant {
        let Some(first) = group.first() else { continue };
        let call = effect::call_of(works, &first.job, now);
        let late = with_steps(tx, &tenant, &group).await?;
        let payloads = works.renderer.render(tx, &call, &late).await?;
        let mut payloads = payloads.into_iter();
        for one in group {
            match payloads
                .next()
                .unwrap_or_else(|| Err("the renderer said nothing".to_owned()))
                .and_then(json)
            {
                Ok(payload) => {
                    rendered.push(Leased { job: Job { payload, is_late: false, ..one.job }, ..one })
                }
                Err(words) => {
                    let words =
                        format!("the action cannot be carried out with what those before it left: {words}");
                    failed.push((one, Report::hopeless(words)));
                }
            }
        }
    }
    let jobs: Vec<&Job> = rendered.iter().map(|one| &one.job).collect();
    jobs::rendered(&mut tx.all_tenants(), &jobs).await?;
    sound.append(&mut rendered);
    Ok((sound, failed))
}

async fn with_steps(tx: &mut Tx, tenant: &TenantId, group: &[Leased]) -> Result<Vec<Late>, DbError> {
    let runs: Vec<Run> = group.iter().filter_map(|one| one.job.run()).collect();
    let mut steps: BTreeMap<Run, Vec<Step>> = BTreeMap::new();
    for step in jobs::results_of(&mut tx.scope(tenant), &runs).await? {
        steps.entry(step.run.clone()).or_default().push(step);
    }
    let late = |one: &Leased| Late {
        job: one.job.clone(),
        steps: one.job.run().and_then(|run| steps.get(&run).cloned()).unwrap_or_default(),
    };
    Ok(group.iter().map(late).collect())
}

/// The text, if it is JSON: the database takes no other, and one job must not keep all from being claimed.
fn json(text: String) -> Result<String, String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err("the renderer gave something else than JSON".to_owned()),
    }
}
