//! Which routes lead to what is found about rules?

use crate::wire::{AnalysisOut, RulesQuery};
use axum::Extension;
use edge::{Faults, Id, List, Paging, Problem, Query, Reaching, Shown, Visitor, needs};
use kernel::RuleId;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(one))
}

/// What is found about the rules
///
/// Needs `rules:read`. Rules that can never match, always do, are never asked because of another, say what another says, may set
/// themselves off, are dear, or matched nothing for 30 days. What is said of conditions is certain.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/analysis", operation_id = "analyseRules", tag = "rules",
    params(RulesQuery),
    responses((status = 200, description = "A page of findings, a line for each rule.", body = List<AnalysisOut>), Faults),
    security(("bearer" = []))
)]
async fn all(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    paging: Paging,
    Query(query): Query<RulesQuery>,
) -> Result<List<AnalysisOut>, Problem> {
    if query.is_search() {
        visitor.search(&world).await?;
    }
    let now = world.clock.now();
    let page = pipeline::reports(&world.db, &who, &query.try_into()?, &paging.request, now).await?;
    Ok(paging.list(page, AnalysisOut::from))
}

/// What is found about a rule
///
/// Needs `rules:read`. As for all rules, and as if it were switched on.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/analysis", operation_id = "analyseRule", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 200, description = "What is found.", body = AnalysisOut), Faults),
    security(("bearer" = []))
)]
async fn one(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
) -> Result<Shown<AnalysisOut>, Problem> {
    let found = pipeline::report(&world.db, &who, &id, world.clock.now()).await?;
    Ok(Shown::as_is("rule_analysis", found.into()))
}
