//! Which JSON stands for recipes?

use edge::Problem;
use rules::{Recipe, service::recipes::Use};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Which recipes are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct RecipesQuery {
    /// Only those of this module.
    pub(crate) module_type: Option<String>,
    /// Only those with this in their id, title, purpose or tags, in any case.
    pub(crate) q: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// How a recipe is used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UseIn {
    /// Values for its parameters; what is left out is as by default.
    #[schema(value_type = Option<Object>, example = json!({}))]
    parameters: Option<Map<String, Value>>,
    /// What the rule is called; as the recipe says unless given.
    name: Option<String>,
    /// Whether the rule is switched on; not unless this says so.
    is_active: Option<bool>,
    /// Why; stands in the version. At most 500 characters.
    note: Option<String>,
}

impl UseIn {
    /// How, and why.
    pub(crate) fn parts(self) -> Result<(Use, Option<String>), Problem> {
        let note = rules::note(self.note).map_err(Problem::fields)?;
        let parameters = self.parameters.unwrap_or_default();
        Ok((Use { parameters, name: self.name, is_active: self.is_active }, note))
    }
}

/// A recipe: a rule to begin with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecipeOut {
    /// Its id.
    #[schema(example = "high-value-deal")]
    id: &'static str,
    /// What it does, in a line.
    title: &'static str,
    /// What it is good for.
    purpose: &'static str,
    /// The module of its trigger.
    module_type: &'static str,
    /// By what it is found.
    tags: &'static [String],
    /// The JSON Schema (2020-12) of its parameters, each with a default.
    #[schema(value_type = Object)]
    parameters: &'static Value,
}

impl From<&'static Recipe> for RecipeOut {
    fn from(recipe: &'static Recipe) -> Self {
        Self {
            id: &recipe.id,
            title: &recipe.title,
            purpose: &recipe.purpose,
            module_type: &recipe.module_type,
            tags: &recipe.tags,
            parameters: &recipe.parameters,
        }
    }
}

/// A recipe, with the rule that it makes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeRecipeOut {
    #[serde(flatten)]
    recipe: RecipeOut,
    /// The rule; where `{"parameter": name}` stands, the parameter's value will.
    #[schema(value_type = Object)]
    rule: &'static Value,
    /// Data of an event that the rule matches, as its parameters are by default.
    #[schema(value_type = Object)]
    matches: &'static Value,
    /// Data of an event that it does not match.
    #[schema(value_type = Object)]
    does_not_match: &'static Value,
}

impl From<&'static Recipe> for WholeRecipeOut {
    fn from(recipe: &'static Recipe) -> Self {
        Self {
            recipe: recipe.into(),
            rule: &recipe.rule,
            matches: &recipe.matches,
            does_not_match: &recipe.does_not_match,
        }
    }
}
