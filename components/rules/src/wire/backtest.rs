//! Which JSON stands for backtests?

use super::rule::{RuleIn, RulePatchIn};
use edge::Problem;
use kernel::{Fields, Instant, RuleId};
use rules::{Against, Backtest, MOST_EVENTS, Tried, Wish};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The longest that an answer is waited for, in seconds.
const LONGEST_WAIT: u8 = 10;

/// What is to be held against stored events: a rule that is not saved (`rule`), an existing one (`rule_id`) as it stands, at a
/// `version` of it, or with `changes`. With both `rule` and `rule_id` the rule that is not saved is held against the existing one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacktestIn {
    /// A rule that is not saved.
    rule: Option<RuleIn>,
    /// An existing rule.
    #[schema(example = "rul_01hf7yat00zzzzzzzzzzzzzzzz")]
    rule_id: Option<String>,
    /// A version of it.
    version: Option<u32>,
    /// What is to be changed of it.
    changes: Option<RulePatchIn>,
    /// From when on events count (RFC 3339).
    #[schema(required, example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// Until when; now unless given.
    until: Option<String>,
    /// What it is held against: `live`, the number of a version, or `nothing`. Unless given, `live` where something else than the
    /// rule as it stands is tried.
    #[schema(value_type = Option<Object>, example = "live")]
    compare_to: Option<Value>,
    /// How many events are looked at, at most: 1 to 1000000, which it is unless given.
    limit: Option<u32>,
}

/// How long the answer may be waited for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// In seconds, 0 to 10: a backtest that ends within that is answered with its report.
    #[param(value_type = Option<u8>)]
    wait: Option<String>,
}

/// Which backtests, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct BacktestsQuery {
    /// Only those about this rule.
    rule_id: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

impl BacktestsQuery {
    pub(crate) fn rule(&self) -> Result<Option<RuleId>, Problem> {
        let read = self.rule_id.as_deref().map(str::parse).transpose();
        read.map_err(|error| Problem::field("rule_id", error))
    }
}

impl WaitQuery {
    /// How many tenths of a second are waited.
    pub(crate) fn tenths(&self) -> Result<u16, Problem> {
        let read = self.wait.as_deref().map_or(Ok(0), str::parse::<u8>).ok();
        let seconds = read.filter(|seconds| *seconds <= LONGEST_WAIT);
        let seconds = seconds.ok_or_else(|| {
            Problem::field("wait", format!("must be a whole number from 0 to {LONGEST_WAIT}"))
        })?;
        Ok(u16::from(seconds).saturating_mul(10))
    }
}

fn against(said: &Value) -> Result<Against, &'static str> {
    match said {
        Value::String(word) if word == "live" => Ok(Against::Live),
        Value::String(word) if word == "nothing" => Ok(Against::Nothing),
        number => {
            let number = number.as_u64().and_then(|number| number.try_into().ok());
            number.map(Against::Version).ok_or("must be live, nothing, or the number of a version")
        }
    }
}

impl BacktestIn {
    pub(crate) fn wish(self) -> Result<Wish, Problem> {
        let mut fields = Fields::new();
        let mut time = |name: &str, said: Option<String>| {
            said.and_then(|text| fields.take(name, text.parse::<Instant>()))
        };
        let is_given = self.since.is_some();
        let (since, until) = (time("since", self.since), time("until", self.until));
        if !is_given {
            fields.fault("since", "is missing: say from when on events count");
        }
        let rule_id = self.rule_id.and_then(|text| fields.take("rule_id", text.parse::<RuleId>()));
        let against = self.compare_to.and_then(|said| fields.take("compare_to", against(&said)));
        let alone = "cannot be sent together with rule";
        for (name, is_there) in [("version", self.version.is_some()), ("changes", self.changes.is_some())] {
            if is_there && self.rule.is_some() {
                fields.fault(name, alone);
            }
        }
        if self.version.is_some() && self.changes.is_some() {
            fields.fault("changes", "cannot be sent together with version");
        }
        let since = fields.give(since).map_err(Problem::fields)?;
        let tried = match (self.rule, self.changes) {
            (Some(rule), _) => Tried::Draft(Box::new(rule.parts()?.0)),
            (None, Some(changes)) => Tried::Changes(Box::new(changes.parts()?.0)),
            (None, None) => Tried::Version(self.version),
        };
        Ok(Wish { rule_id, tried, against, since, until, most: self.limit.unwrap_or(MOST_EVENTS) })
    }
}

/// A backtest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BacktestOut {
    /// Its id.
    #[schema(example = "bkt_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// The existing rule that it is about.
    rule_id: Option<String>,
    /// The module of what is tried.
    module_type: String,
    /// Where it is: `counting`, `running`, `done` or `failed`.
    state: &'static str,
    /// The version that it is held against; null for nothing.
    compared_to: Option<u32>,
    /// From when on events count.
    since: String,
    /// Until when.
    until: String,
    /// How many events are looked at, at most.
    limit: u32,
    /// How many there are to look at, once they are counted.
    total: Option<u32>,
    /// How many were looked at so far.
    looked_at: u32,
    /// What came of it, once it is done; docs/rules/backtest.md says what stands where. Lists leave it out.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    /// Why it could not be carried through.
    reason: Option<String>,
    /// Who asked for it: the id of a user or an API key.
    requested_by: String,
    /// When.
    created_at: String,
    /// When it ended.
    ended_at: Option<String>,
}

impl From<Backtest> for BacktestOut {
    fn from(backtest: Backtest) -> Self {
        Self {
            id: backtest.id.to_string(),
            rule_id: backtest.rule_id.map(|id| id.to_string()),
            module_type: backtest.module_type,
            state: backtest.state.as_str(),
            compared_to: backtest.against,
            since: backtest.since.to_string(),
            until: backtest.until.to_string(),
            limit: backtest.most,
            total: backtest.total,
            looked_at: backtest.looked,
            report: backtest.report,
            reason: backtest.reason,
            requested_by: backtest.requested_by,
            created_at: backtest.created_at.to_string(),
            ended_at: backtest.ended_at.map(|at| at.to_string()),
        }
    }
}
