//! Where do backtests stand? In `backtests`, with what takes part in them, and how far they are.

use super::json_column;
use crate::{Backtest, Cast, RuleError, UnderWay, backtest::MOST_UNDER_WAY};
use db::{DbError, Decode, Row, Scope};
use kernel::{BacktestId, Bounds, Instant, PageRequest};
use serde_json::{Value, json};

// The report is not read for lists: it may be large.
const LIST: &str = "SELECT backtest_id, rule_id, module_type, state, against, since, until, most, total, looked, NULL AS report,
    reason, requested_by, created_at, ended_at FROM backtests
    WHERE tenant_id = ?1 AND backtest_id < ?2
    AND (?4 IS NULL OR module_type IN (SELECT value FROM json_each(?4)) OR rule_id IN (SELECT value FROM json_each(?5)))
    AND (?6 IS NULL OR rule_id = ?6)
    ORDER BY backtest_id DESC LIMIT ?3";
const GET: &str =
    "SELECT backtest_id, rule_id, module_type, state, against, since, until, most, total, looked, report,
    reason, requested_by, created_at, ended_at FROM backtests WHERE tenant_id = ?1 AND backtest_id = ?2";
const UNDER_WAY: &str =
    "SELECT backtest_id, rule_id, module_type, state, against, since, until, most, total, looked, report,
    reason, requested_by, created_at, ended_at, played, after, kept FROM backtests
    WHERE tenant_id = ?1 AND backtest_id = ?2 AND ended_at IS NULL";
const INSERT: &str = "INSERT INTO backtests
    (tenant_id, backtest_id, rule_id, module_type, state, played, against, since, until, most, requested_by, created_at)
    SELECT ?1, ?2, ?3, ?4, 'counting', ?5, ?6, ?7, ?8, ?9, ?10, ?11
    WHERE (SELECT COUNT(*) FROM backtests WHERE tenant_id = ?1 AND ended_at IS NULL) < ?12
    RETURNING backtest_id AS id";
const COUNTED: &str = "UPDATE backtests SET state = 'running', total = ?3, after = ?4
    WHERE tenant_id = ?1 AND backtest_id = ?2 AND state = 'counting'";
// What was kept may have been rewritten meanwhile, to take a person out of it: then the step is made again.
const LOOKED: &str = "UPDATE backtests SET looked = ?3, after = ?4, kept = ?5
    WHERE tenant_id = ?1 AND backtest_id = ?2 AND state = 'running' AND kept IS ?6";
const DONE: &str =
    "UPDATE backtests SET state = 'done', looked = ?3, total = ?3, report = ?4, kept = NULL, ended_at = ?5
    WHERE tenant_id = ?1 AND backtest_id = ?2 AND state = 'running' AND kept IS ?6";
const FAILED: &str = "UPDATE backtests SET state = 'failed', reason = ?3, kept = NULL, ended_at = ?4
    WHERE tenant_id = ?1 AND backtest_id = ?2 AND ended_at IS NULL";
const DELETE: &str = "DELETE FROM backtests WHERE tenant_id = ?1 AND backtest_id = ?2";
const FORGET: &str = "DELETE FROM backtests WHERE (tenant_id, backtest_id) IN
    (SELECT tenant_id, backtest_id FROM backtests WHERE tenant_id = ?1 AND ended_at < ?2 LIMIT ?3) RETURNING backtest_id AS id";

impl Decode for Backtest {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let report: Option<String> = row.get("report")?;
        let report = report.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Self {
            id: row.parse("backtest_id")?,
            rule_id: row.parse_opt("rule_id")?,
            module_type: row.get("module_type")?,
            state: row.parse("state")?,
            against: row.get("against")?,
            since: row.get("since")?,
            until: row.get("until")?,
            most: row.get("most")?,
            total: row.get("total")?,
            looked: row.get("looked")?,
            report: report.map_err(|_| row.surprise("report", "JSON"))?,
            reason: row.get("reason")?,
            requested_by: row.get("requested_by")?,
            created_at: row.get("created_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

impl Decode for UnderWay {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let played = json_column(row, "played")?;
        Ok(Self {
            backtest: Backtest::decode(row)?,
            cast: Cast::of(&played).ok_or_else(|| row.surprise("played", "who takes part in a backtest"))?,
            after: row.get("after")?,
            kept: row.get("kept")?,
        })
    }
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    bounds: &Bounds,
    rule_id: Option<&str>,
    page: &PageRequest,
) -> Result<Vec<Backtest>, DbError> {
    let parts = bounds.parts();
    let parameters = [
        page.after_or("bkt_~").into(),
        page.probe().into(),
        parts.map(|parts| json!(parts.modules).to_string()).into(),
        parts.map(|parts| json!(parts.resources).to_string()).into(),
        rule_id.into(),
    ];
    scope.all(LIST, parameters).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &BacktestId) -> Result<Option<Backtest>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// A backtest that has not ended.
pub(crate) async fn under_way(scope: &mut Scope<'_>, id: &BacktestId) -> Result<Option<UnderWay>, DbError> {
    scope.one(UNDER_WAY, [id.into()]).await
}

/// Puts a backtest in, unless as many are under way as may be.
pub(crate) async fn insert(scope: &mut Scope<'_>, backtest: &Backtest, cast: &Cast) -> Result<(), RuleError> {
    let parameters = [
        (&backtest.id).into(),
        backtest.rule_id.as_ref().map(kernel::RuleId::as_str).into(),
        (&backtest.module_type).into(),
        cast.document().to_string().into(),
        backtest.against.into(),
        backtest.since.into(),
        backtest.until.into(),
        backtest.most.into(),
        (&backtest.requested_by).into(),
        backtest.created_at.into(),
        MOST_UNDER_WAY.into(),
    ];
    match scope.run_for_effect(INSERT, parameters).await? {
        0 => Err(RuleError::BacktestsUnderWay(MOST_UNDER_WAY)),
        _ => Ok(()),
    }
}

/// Notes how many events there are to look at, and after which they begin.
pub(crate) async fn counted(
    scope: &mut Scope<'_>,
    id: &BacktestId,
    total: u32,
    after: &str,
) -> Result<(), DbError> {
    scope.run_for_effect(COUNTED, [id.into(), total.into(), after.into()]).await.map(drop)
}

/// Keeps how far a backtest is, if what `was` kept still stands.
pub(crate) async fn looked(
    scope: &mut Scope<'_>,
    was: &UnderWay,
    looked: u32,
    after: &str,
    kept: &Value,
) -> Result<(), DbError> {
    let parameters = [
        (&was.backtest.id).into(),
        looked.into(),
        after.into(),
        kept.to_string().into(),
        was.kept.as_deref().into(),
    ];
    scope.run_for_effect(LOOKED, parameters).await.map(drop)
}

/// Keeps the report, if what `was` kept still stands.
pub(crate) async fn done(
    scope: &mut Scope<'_>,
    was: &UnderWay,
    looked: u32,
    report: &Value,
    now: Instant,
) -> Result<(), DbError> {
    let parameters = [
        (&was.backtest.id).into(),
        looked.into(),
        report.to_string().into(),
        now.into(),
        was.kept.as_deref().into(),
    ];
    scope.run_for_effect(DONE, parameters).await.map(drop)
}

pub(crate) async fn failed(
    scope: &mut Scope<'_>,
    id: &BacktestId,
    reason: &str,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(FAILED, [id.into(), reason.into(), now.into()]).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &BacktestId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Forgets reports of backtests that ended before; how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, before: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [before.into(), most.into()]).await
}
