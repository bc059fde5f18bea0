//! Which routes lead to rules?

mod analysis;
mod backtests;
mod files;
mod recipes;
mod runs;
mod shadows;

use crate::wire::{
    CheckedOut, DiffOut, DiffQuery, DraftTestIn, LimitsOut, PageQuery, RollbackIn, RuleIn, RuleOut,
    RulePatchIn, RulesQuery, TestIn, TestOut, ToggleQuery, VersionOut,
};
use axum::{Extension, Router, response::NoContent};
use edge::{
    Authorized, Faults, Id, IfMatch, Json, List, Numbered, Paging, Problem, Query, Reaching, Shown,
    Unspecific, Visitor, World, needs,
};
use kernel::{Bounded, RuleId};
use rules::{Version, service};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, change, delete))
        .routes(routes!(toggle))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(test_draft))
        .routes(routes!(rollback))
        .routes(routes!(test))
        .merge(backtests::routes())
        .merge(analysis::routes())
        .merge(shadows::routes())
        .routes(routes!(diff))
        .routes(routes!(limits))
        .merge(files::routes())
        .merge(recipes::routes())
        .merge(runs::routes());
    edge::idempotent(edge::fragment(routes))
}

fn shown(who: &Bounded, checked: service::Checked) -> Shown<CheckedOut> {
    let version = i64::from(checked.rule.version);
    Shown::as_is("rule", CheckedOut::of(who.tenant(), checked)).version(version)
}

fn created(who: &Bounded, made: service::Checked) -> Shown<CheckedOut> {
    let location = format!("/api/v1/automation/rules/{}", made.rule.id);
    let version = i64::from(made.rule.version);
    Shown::created("rule", CheckedOut::of(who.tenant(), made), location).version(version)
}

/// Why somebody changes something, where it stands alone.
fn note(sent: Option<String>) -> Result<Option<String>, Problem> {
    rules::note(sent).map_err(Problem::fields)
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
    Extension(visitor): Extension<Arc<Visitor>>,
    paging: Paging,
    Query(query): Query<RulesQuery>,
) -> Result<List<RuleOut>, Problem> {
    if query.is_search() {
        visitor.search(&world).await?;
    }
    let page = service::list(&world.db, &who, &query.try_into()?, &paging.request).await?;
    Ok(paging.list(page, |rule| RuleOut::of(who.tenant(), rule)))
}

/// Make a rule
///
/// Needs `rules:write`.
#[utoipa::path(
    post, path = "/api/v1/automation/rules", operation_id = "createRule", tag = "rules",
    request_body = RuleIn,
    responses((status = 201, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn create(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Json(sent): Json<RuleIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let (draft, note) = sent.parts()?;
    let made = service::create(&world.db, &who, draft, note.as_deref()).await?;
    Ok(created(&who, made))
}

/// One rule
///
/// Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}", operation_id = "getRule", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
) -> Result<Shown<CheckedOut>, Problem> {
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
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn replace(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RuleIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let (draft, note) = sent.parts()?;
    let rule = service::replace(&world.db, &who, &id, expected(seen)?, draft, note.as_deref()).await?;
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
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn change(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RulePatchIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let (patch, note) = sent.parts()?;
    let rule = service::patch(&world.db, &who, &id, expected(seen)?, patch, note.as_deref()).await?;
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
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn toggle(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    Query(query): Query<ToggleQuery>,
    seen: IfMatch,
) -> Result<Shown<CheckedOut>, Problem> {
    let rule = service::toggle(&world.db, &who, &id, expected(seen)?, query.wanted()?, None).await?;
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

/// One version of a rule
///
/// Needs `rules:read`. What the rule said then; it never changes.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/versions/{version}", operation_id = "getRuleVersion", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("version" = u32, Path, description = "The version's number.")
    ),
    responses((status = 200, description = "The version.", body = VersionOut), Faults),
    security(("bearer" = []))
)]
async fn version(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Numbered(id, number): Numbered<RuleId>,
) -> Result<Shown<VersionOut>, Problem> {
    let version: Version = service::version(&world.db, &who, &id, number).await?;
    Ok(Shown::as_is("rule_version", version.into()))
}

/// What changed between two versions
///
/// Needs `rules:read`. As a JSON Patch (RFC 6902) for programs, and as a line for each change for people; without what lets
/// somebody in elsewhere.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/diff", operation_id = "diffRule", tag = "rules",
    params(("id" = String, Path, description = "The rule's id."), DiffQuery),
    responses((status = 200, description = "The difference.", body = DiffOut), Faults),
    security(("bearer" = []))
)]
async fn diff(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
    Query(query): Query<DiffQuery>,
) -> Result<Shown<DiffOut>, Problem> {
    let (from, to) = query.wanted()?;
    let (to, difference) = service::diff(&world.db, &who, &id, from, to).await?;
    Ok(Shown::as_is("rule_diff", DiffOut::of(from, to, difference)))
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
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn rollback(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<RollbackIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let note = note(sent.note)?;
    let rule =
        service::rollback(&world.db, &who, &id, expected(seen)?, sent.version, note.as_deref()).await?;
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
    let decision = service::test(&world.db, &who, &id, &sent.trial()?).await?;
    Ok(Shown::as_is("rule_test", decision.into()))
}

/// Try a rule that is not saved
///
/// Needs `rules:write`. As with a saved one: whether it matches, why, and what would be done. Nothing is run or kept.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/test", operation_id = "testDraft", tag = "rules",
    request_body = DraftTestIn,
    responses((status = 200, description = "What the rule would say and do.", body = TestOut), Faults),
    security(("bearer" = []))
)]
async fn test_draft(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Json(sent): Json<DraftTestIn>,
) -> Result<Shown<TestOut>, Problem> {
    let trial = sent.trial()?;
    let (draft, _) = sent.rule.parts()?;
    let decision = service::test_draft(&world.db, &who, draft, &trial).await?;
    Ok(Shown::as_is("rule_test", decision.into()))
}

/// How much of its limits the tenant uses
///
/// Needs `rules:read` for the whole tenant.
#[utoipa::path(
    get, path = "/api/v1/automation/limits", operation_id = "getRuleLimits", tag = "rules",
    responses((status = 200, description = "The limits.", body = LimitsOut), Faults),
    security(("bearer" = []))
)]
async fn limits(caller: Authorized<needs::RulesRead>) -> Result<Shown<LimitsOut>, Problem> {
    let limits = service::limits(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("rule_limits", LimitsOut { limits: limits.into_iter().map(Into::into).collect() }))
}
