//! Which routes lead to what came of a rule?

use crate::wire::{RunOut, RunStatsOut, RunsQuery};
use edge::{Faults, Id, List, Paging, Problem, Query, Reaching, Shown, needs};
use kernel::RuleId;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(stats))
}

/// A rule's runs, newest first
///
/// Each event that the rule matched, with the version that it matched, where its jobs stand and when they began and ended.
/// With `state`, a page may hold fewer than asked for and still go on. Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/runs", operation_id = "listRuleRuns", tag = "rules",
    params(("id" = String, Path, description = "The rule's id."), RunsQuery),
    responses((status = 200, description = "A page of runs.", body = List<RunOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
    paging: Paging,
    Query(query): Query<RunsQuery>,
) -> Result<List<RunOut>, Problem> {
    let page = pipeline::runs(&world.db, &who, &id, &query.try_into()?, &paging.request).await?;
    Ok(paging.list(page, RunOut::from))
}

/// How a rule did lately
///
/// Within the last 24 hours and the last seven days: how many events it matched, where these runs stand, and how long they
/// took from the event to the end of the last job. Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/stats", operation_id = "getRuleStats", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 200, description = "The figures.", body = RunStatsOut), Faults),
    security(("bearer" = []))
)]
async fn stats(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
) -> Result<Shown<RunStatsOut>, Problem> {
    let stats = pipeline::run_stats(&world.db, &who, &id).await?;
    Ok(Shown::as_is("rule_stats", stats.into()))
}
