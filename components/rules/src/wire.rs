//! Which JSON stands for rules, versions, files, recipes, runs, limits and trials?

mod analysis;
mod backtest;
mod difference;
mod file;
mod limit;
mod recipe;
mod rule;
mod run;
mod shadow;
mod shape;
mod trial;
mod version;

pub(crate) use analysis::AnalysisOut;
pub(crate) use backtest::{BacktestIn, BacktestOut, BacktestsQuery, WaitQuery};
pub(crate) use difference::{DiffOut, DiffQuery};
pub(crate) use file::{ExportQuery, ImportOut, ImportQuery};
pub(crate) use limit::LimitsOut;
pub(crate) use recipe::{RecipeOut, RecipesQuery, UseIn, WholeRecipeOut};
pub(crate) use rule::{CheckedOut, RuleIn, RuleOut, RulePatchIn, RulesQuery, ToggleQuery};
pub(crate) use run::{RunOut, RunStatsOut, RunsQuery};
pub(crate) use shadow::{PromoteIn, ShadowIn, ShadowOut};
pub(crate) use trial::{DraftTestIn, TestIn, TestOut};
pub(crate) use version::{PageQuery, RollbackIn, VersionOut};
