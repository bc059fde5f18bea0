//! Which JSON stands for rules, versions, files, recipes, runs, limits and trials?

mod difference;
mod file;
mod limit;
mod recipe;
mod rule;
mod run;
mod shape;
mod trial;
mod version;

pub(crate) use difference::{DiffOut, DiffQuery};
pub(crate) use file::{ExportQuery, ImportOut, ImportQuery};
pub(crate) use limit::LimitsOut;
pub(crate) use recipe::{RecipeOut, RecipesQuery, UseIn, WholeRecipeOut};
pub(crate) use rule::{CheckedOut, RuleIn, RuleOut, RulePatchIn, RulesQuery, ToggleQuery};
pub(crate) use run::{RunOut, RunStatsOut, RunsQuery};
pub(crate) use trial::{DraftTestIn, TestIn, TestOut};
pub(crate) use version::{PageQuery, RollbackIn, VersionOut};
