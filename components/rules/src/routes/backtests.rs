//! Which routes lead to backtests?

use crate::wire::{BacktestIn, BacktestOut, BacktestsQuery, WaitQuery};
use axum::response::NoContent;
use edge::{Faults, Id, Json, List, Paging, Problem, Query, Reaching, Shown, needs};
use kernel::BacktestId;
use rules::service::backtest as service;
use std::time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

/// How often it is looked whether a backtest has ended.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(list)).routes(routes!(get, delete))
}

/// Hold a rule against stored events
///
/// Needs `rules:write`, and `events:read`. Tells what the rule would have said to past events, what it would have done, and what
/// differs from the rule that runs. Nothing is sent. It goes on in the background, unless it ends within `wait`.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/backtest", operation_id = "startBacktest", tag = "rules",
    params(WaitQuery),
    request_body = BacktestIn,
    responses((status = 202, description = "The backtest, with its report if it has ended.", body = BacktestOut), Faults),
    security(("bearer" = []))
)]
async fn start(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Query(query): Query<WaitQuery>,
    Json(sent): Json<BacktestIn>,
) -> Result<Shown<BacktestOut>, Problem> {
    let tenths = query.tenths()?;
    let mut backtest = pipeline::start_backtest(&world.db, &who, sent.wish()?).await?;
    guest::nudge(&world.settings.internal_token);
    for _ in 0..tenths {
        if backtest.state.has_ended() {
            break;
        }
        world.db.nap(LOOK).await;
        backtest = service::get(&world.db, &who, &backtest.id).await?;
    }
    Ok(Shown::accepted("backtest", backtest.into()))
}

/// The backtests, the newest first
///
/// Needs `rules:read`. Without their reports; these are kept for 30 days.
#[utoipa::path(
    get, path = "/api/v1/automation/backtests", operation_id = "listBacktests", tag = "rules",
    params(BacktestsQuery),
    responses((status = 200, description = "A page of backtests.", body = List<BacktestOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    paging: Paging,
    Query(query): Query<BacktestsQuery>,
) -> Result<List<BacktestOut>, Problem> {
    let page = service::list(&world.db, &who, query.rule()?.as_ref(), &paging.request).await?;
    Ok(paging.list(page, BacktestOut::from))
}

/// A backtest, with its report
///
/// Needs `rules:read`, and `events:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/backtests/{id}", operation_id = "getBacktest", tag = "rules",
    params(("id" = String, Path, description = "The backtest's id.")),
    responses((status = 200, description = "The backtest.", body = BacktestOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Id(id): Id<BacktestId>,
) -> Result<Shown<BacktestOut>, Problem> {
    Ok(Shown::as_is("backtest", service::get(&world.db, &who, &id).await?.into()))
}

/// Take a backtest away
///
/// Needs `rules:write`. If it is under way it ends; its report is gone.
#[utoipa::path(
    delete, path = "/api/v1/automation/backtests/{id}", operation_id = "deleteBacktest", tag = "rules",
    params(("id" = String, Path, description = "The backtest's id.")),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
async fn delete(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Id(id): Id<BacktestId>,
) -> Result<NoContent, Problem> {
    service::delete(&world.db, &who, &id).await?;
    Ok(NoContent)
}
