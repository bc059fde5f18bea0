//! Which routes lead to rules?

use crate::wire::{
    PageQuery, RollbackIn, RuleIn, RuleOut, RulePatchIn, RulesQuery, TestIn, TestOut, ToggleQuery, VersionOut,
};
use axum::{Router, response::NoContent};
use edge::{
    Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Reaching, Shown, Unspecific, World, needs,
};
use kernel::{Bounded, RuleId};
use rules::{Rule, service};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, change, delete))
        .routes(routes!(toggle))
        .routes(routes!(versions))
        .routes(routes!(rollback))
        .routes(routes!(test));
    edge::idempotent(edge::fragment(routes))
}

fn shown(who: &Bounded, rule: Rule) -> Shown<RuleOut> {
    let version = i64::from(rule.version);
    Shown::as_is("rule", RuleOut::of(who.tenant(), rule)).version(version)
}

/// The version named in `If-Match`; one that no rule can have is stale.
fn expected(IfMatch(version): IfMatch) -> Result<Option<u32>, Problem> {
    version.map(|version| version.try_into().map_err(|_| Unspecific::Stale.into())).transpose()
}

/// The rules, oldest first
///
/// Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules", operation_id = "listRules", tag = "rules",
    params(RulesQuery),
    responses((status = 200, description = "A page of rules.", body = List<RuleOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    paging: Paging,
    Query(query): Query<RulesQuery>,
) -> Result<List<RuleOut>, Problem> {
    let page = service::list(&world.db, &who, &query.try_into()?, &paging.request).await?;
    Ok(paging.list(page, |rule| RuleOut::of(who.tenant(), rule)))
}

/// Make a rule
///
/// Needs `rules:write`.
#[utoipa::path(
    post, path = "/api/v1/automation/rules", operation_id = "createRule", tag = "rules",
    request_body = RuleIn,
    responses((status = 201, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn create(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Json(sent): Json<RuleIn>,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::create(&world.db, &who, sent.try_into()?).await?;
    let (location, version) = (format!("/api/v1/automation/rules/{}", rule.id), i64::from(rule.version));
    Ok(Shown::created("rule", RuleOut::of(who.tenant(), rule), location).version(version))
}

/// One rule
///
/// Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}", operation_id = "getRule", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 200, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::get(&world.db, &who, &id).await?;
    Ok(shown(&who, rule))
}

/// Make a rule anew
///
/// Needs `rules:write`. What is left out is as for a new rule.
#[utoipa::path(
    put, path = "/api/v1/automation/rules/{id}", operation_id = "replaceRule", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = RuleIn,
    responses((status = 200, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn replace(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RuleIn>,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::replace(&world.db, &who, &id, expected(seen)?, sent.try_into()?).await?;
    Ok(shown(&who, rule))
}

/// Change a rule
///
/// Needs `rules:write`. What is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/automation/rules/{id}", operation_id = "changeRule", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = RulePatchIn,
    responses((status = 200, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn change(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RulePatchIn>,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::patch(&world.db, &who, &id, expected(seen)?, sent.into()).await?;
    Ok(shown(&who, rule))
}

/// Delete a rule
///
/// Needs `rules:write`. Events keep the verdicts that it gave; jobs that it planned go on.
#[utoipa::path(
    delete, path = "/api/v1/automation/rules/{id}", operation_id = "deleteRule", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
async fn delete(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    service::delete(&world.db, &who, &id, expected(seen)?).await?;
    Ok(NoContent)
}

/// Switch a rule on or off
///
/// Needs `rules:write`. One that is so already stays as it is.
#[utoipa::path(
    put, path = "/api/v1/automation/rules/{id}/toggle", operation_id = "toggleRule", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ToggleQuery,
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn toggle(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    Query(query): Query<ToggleQuery>,
    seen: IfMatch,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::toggle(&world.db, &who, &id, expected(seen)?, query.wanted()?).await?;
    Ok(shown(&who, rule))
}

/// A rule's versions, newest first
///
/// Needs `rules:read`. Every change makes one; none ever changes.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/versions", operation_id = "listRuleVersions", tag = "rules",
    params(("id" = String, Path, description = "The rule's id."), PageQuery),
    responses((status = 200, description = "A page of versions.", body = List<VersionOut>), Faults),
    security(("bearer" = []))
)]
async fn versions(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
    paging: Paging,
    _: Query<PageQuery>,
) -> Result<List<VersionOut>, Problem> {
    let page = service::versions(&world.db, &who, &id, &paging.request).await?;
    Ok(paging.list(page, VersionOut::from))
}

/// Bring back an earlier version
///
/// Needs `rules:write`. What the rule said then becomes its next version.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/{id}/rollback", operation_id = "rollbackRule", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = RollbackIn,
    responses((status = 200, description = "The rule.", body = RuleOut), Faults),
    security(("bearer" = []))
)]
async fn rollback(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RollbackIn>,
) -> Result<Shown<RuleOut>, Problem> {
    let rule = service::rollback(&world.db, &who, &id, expected(seen)?, sent.version).await?;
    Ok(shown(&who, rule))
}

/// Try a rule with data
///
/// Needs `rules:read`. Says whether the rule matches, why, clause by clause, and what would be done. Nothing is run or kept.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/{id}/test", operation_id = "testRule", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    request_body = TestIn,
    responses((status = 200, description = "What the rule would say and do.", body = TestOut), Faults),
    security(("bearer" = []))
)]
async fn test(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
    Json(sent): Json<TestIn>,
) -> Result<Shown<TestOut>, Problem> {
    let decision = service::test(&world.db, &who, &id, &sent.data()?).await?;
    Ok(Shown::as_is("rule_test", decision.into()))
}
