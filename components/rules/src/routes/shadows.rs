//! Which routes lead to what runs beside a rule?

use super::{expected, note, shown};
use crate::wire::{CheckedOut, PromoteIn, ShadowIn, ShadowOut};
use axum::response::NoContent;
use edge::{Faults, Id, IfMatch, Json, Problem, Reaching, Shown, needs};
use kernel::RuleId;
use rules::service::shadow as service;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get, put, delete)).routes(routes!(promote))
}

/// Run a version beside a rule
///
/// Needs `rules:write`. It is asked about every event of the rule's trigger, also if the rule is off; what it would do is noted and
/// never done. What ran beside the rule before goes, and what was counted begins anew.
#[utoipa::path(
    put, path = "/api/v1/automation/rules/{id}/shadow", operation_id = "putShadow", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    request_body = ShadowIn,
    responses((status = 200, description = "What runs beside the rule.", body = ShadowOut), Faults),
    security(("bearer" = []))
)]
async fn put(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    Json(sent): Json<ShadowIn>,
) -> Result<Shown<ShadowOut>, Problem> {
    let (other, note) = sent.parts()?;
    Ok(Shown::as_is("shadow", service::put(&world.db, &who, &id, other, note).await?.into()))
}

/// What runs beside a rule
///
/// Needs `rules:read`, and `events:read`. At how many events it matched and the rule did not, or the other way round, or their
/// actions differed; and the last of these events.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/{id}/shadow", operation_id = "getShadow", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 200, description = "What runs beside the rule.", body = ShadowOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<RuleId>,
) -> Result<Shown<ShadowOut>, Problem> {
    Ok(Shown::as_is("shadow", service::get(&world.db, &who, &id).await?.into()))
}

/// Take away what runs beside a rule
///
/// Needs `rules:write`. The rule stays as it is.
#[utoipa::path(
    delete, path = "/api/v1/automation/rules/{id}/shadow", operation_id = "deleteShadow", tag = "rules",
    params(("id" = String, Path, description = "The rule's id.")),
    responses((status = 204, description = "Nothing runs beside the rule."), Faults),
    security(("bearer" = []))
)]
async fn delete(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
) -> Result<NoContent, Problem> {
    service::delete(&world.db, &who, &id).await?;
    Ok(NoContent)
}

/// Promote what runs beside a rule
///
/// Needs `rules:write`. It becomes the rule's next version, and nothing runs beside the rule any more: one change. Refused if it
/// differed too often, or was asked too seldom. What earlier events set off goes on as it was planned.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/{id}/shadow/promote", operation_id = "promoteShadow", tag = "rules",
    params(
        ("id" = String, Path, description = "The rule's id."),
        ("If-Match" = Option<String>, Header, description = "The version of the rule that is to be changed.")
    ),
    request_body = PromoteIn,
    responses((status = 200, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn promote(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<RuleId>,
    seen: IfMatch,
    Json(sent): Json<PromoteIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let terms = sent.terms()?;
    let note = note(sent.note)?;
    let rule = service::promote(&world.db, &who, &id, expected(seen)?, terms, note.as_deref()).await?;
    Ok(shown(&who, rule))
}
