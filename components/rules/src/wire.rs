//! Which JSON stands for rules, versions and trials?

mod analysis;
mod backtest;
mod rule;
mod shadow;
mod shape;
mod trial;
mod version;

pub(crate) use analysis::AnalysisOut;
pub(crate) use backtest::{BacktestIn, BacktestOut, BacktestsQuery, WaitQuery};
pub(crate) use rule::{CheckedOut, RuleIn, RuleOut, RulePatchIn, RulesQuery, ToggleQuery};
pub(crate) use shadow::{PromoteIn, ShadowIn, ShadowOut};
pub(crate) use trial::{DraftTestIn, TestIn, TestOut};
pub(crate) use version::{PageQuery, RollbackIn, VersionOut};
