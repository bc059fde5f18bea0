//! When is it known what a job is to do? Mostly when its event comes in. A late one needs what those before it left: it is
//! rendered when it is claimed, in the claim's own transaction, and from then on it says the same at each attempt.

use crate::{Works, effect, effect::Report};
use db::{DbError, Tx};
use futures::future::{BoxFuture, FutureExt as _, ready};
use jobs::{Job, Leased, Run, Step};
use kernel::{Call, Instant, TenantId};
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

/// For a program whose rules need no results: it renders nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRenderer;

impl Renderer for NoRenderer {
    fn render<'a>(
        &'a self,
        _: &'a mut Tx,
        _: &'a Call,
        late: &'a [Late],
    ) -> BoxFuture<'a, Result<Vec<Result<String, String>>, DbError>> {
        let refused = |_: &Late| Err("this program does not know how to put in what others left".to_owned());
        ready(Ok(late.iter().map(refused).collect())).boxed()
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
