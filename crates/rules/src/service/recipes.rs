//! Which recipes are there, and how does one become a rule? Its places are filled, and the rule is checked and made as any other.

use super::{Checked, create_in, finish, made, triggers};
use crate::{Change, Definition, Draft, Recipe, RuleError, file::placed};
use db::Db;
use kernel::{Bounded, Page, PageRequest};
use serde_json::{Map, Value};

/// How a recipe is used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Use {
    /// What stands in its places; what is left out is as by default.
    pub parameters: Map<String, Value>,
    /// What the rule is called, if not as the recipe says.
    pub name: Option<String>,
    /// Whether the rule is switched on; not unless this says so.
    pub is_active: Option<bool>,
}

/// Some recipes, by id: of a module, and with a text in what is said of them, if these are named.
#[must_use]
pub fn list(module_type: Option<&str>, text: Option<&str>, page: &PageRequest) -> Page<&'static Recipe> {
    let after = page.after_or("");
    let wanted = Recipe::all()
        .iter()
        .filter(|recipe| recipe.id.as_str() > after && recipe.is_wanted(module_type, text));
    let probe = usize::from(page.limit()).saturating_add(1);
    Page::cut(wanted.take(probe).collect(), page, |recipe| recipe.id.clone())
}

/// Makes a rule of a recipe.
///
/// # Errors
/// [`RuleError::RecipeUnknown`], [`RuleError::Invalid`] with every faulty parameter; as [`super::create`].
pub async fn make(
    db: &Db,
    who: &Bounded,
    recipe: &str,
    how: Use,
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let recipe = Recipe::find(recipe).ok_or_else(|| RuleError::recipe_unknown(recipe))?;
    let draft = recipe.fill(how.parameters)?;
    let named = how.name.is_some();
    let draft =
        Draft { name: how.name.or(draft.name), is_active: how.is_active.or(draft.is_active), ..draft };
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let catalogue = triggers::catalogue(&mut scope).await?;
        let definition = Definition::check(draft, &catalogue).map_err(|faults| {
            // The name is the caller's; all else is the recipe's.
            let (own, recipes): (Vec<_>, Vec<_>) =
                faults.into_iter().partition(|fault| named && fault.field == "name");
            own.into_iter().chain(placed("rule", recipes)).collect::<Vec<_>>()
        })?;
        let call = who.put_in(&definition.module_type, None)?;
        let said = format!("Made by the recipe {}.", recipe.id);
        let rule = create_in(&mut scope, call, definition, Change::Created, note.or(Some(&said))).await?;
        made(&mut scope, rule, &catalogue).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
