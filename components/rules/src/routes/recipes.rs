//! Which routes lead to recipes, and from a recipe to a rule?

use crate::wire::{CheckedOut, RecipeOut, RecipesQuery, UseIn, WholeRecipeOut};
use edge::{Faults, Json, List, Name, Paging, Problem, Query, Reaching, Shown, needs};
use rules::{Recipe, RuleError, service::recipes};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(make))
}

/// The recipes, by id
///
/// Rules to begin with, with places for what differs from one house to the next. Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/recipes", operation_id = "listRecipes", tag = "recipes",
    params(RecipesQuery),
    responses((status = 200, description = "A page of recipes.", body = List<RecipeOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    _: Reaching<needs::RulesRead>,
    paging: Paging,
    Query(query): Query<RecipesQuery>,
) -> Result<List<RecipeOut>, Problem> {
    let page = recipes::list(query.module_type.as_deref(), query.q.as_deref(), &paging.request);
    Ok(paging.list(page, RecipeOut::from))
}

/// One recipe
///
/// With the rule that it makes, and data that this rule matches and does not match. Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/recipes/{id}", operation_id = "getRecipe", tag = "recipes",
    params(("id" = String, Path, description = "The recipe's id: `high-value-deal`.")),
    responses((status = 200, description = "The recipe.", body = WholeRecipeOut), Faults),
    security(("bearer" = []))
)]
async fn get(_: Reaching<needs::RulesRead>, Name(id): Name) -> Result<Shown<WholeRecipeOut>, Problem> {
    let recipe = Recipe::find(&id).ok_or_else(|| RuleError::recipe_unknown(&id))?;
    Ok(Shown::as_is("recipe", recipe.into()))
}

/// Make a rule of a recipe
///
/// The rule is switched off unless `is_active` says otherwise: look at it, try it, then switch it on. Needs `rules:write`.
#[utoipa::path(
    post, path = "/api/v1/automation/recipes/{id}/use", operation_id = "useRecipe", tag = "recipes",
    params(("id" = String, Path, description = "The recipe's id: `high-value-deal`.")),
    request_body = UseIn,
    responses((status = 201, description = "The rule.", body = CheckedOut), Faults),
    security(("bearer" = []))
)]
async fn make(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Name(id): Name,
    Json(sent): Json<UseIn>,
) -> Result<Shown<CheckedOut>, Problem> {
    let (how, note) = sent.parts()?;
    let made = recipes::make(&world.db, &who, &id, how, note.as_deref()).await?;
    Ok(super::created(&who, made))
}
