//! What do people begin with who have never written a rule? Recipes: rules with places for what differs from one house to the next.
//!
//! A recipe is a file in `recipes/`. A place is an object `{parameter: name}`: the whole of it is the parameter's value, so that
//! nothing that somebody fills in can become a part of a template or of another field.

use crate::{
    Draft, Format,
    file::{Said, rule},
};
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

const FILES: &[&str] = &[
    include_str!("../recipes/contact-becomes-customer.yaml"),
    include_str!("../recipes/contact-changed-summary.yaml"),
    include_str!("../recipes/contact-without-email.yaml"),
    include_str!("../recipes/customer-check-in.yaml"),
    include_str!("../recipes/customer-lost.yaml"),
    include_str!("../recipes/deal-lost-on-price.yaml"),
    include_str!("../recipes/deal-moves-backwards.yaml"),
    include_str!("../recipes/deal-stuck-in-stage.yaml"),
    include_str!("../recipes/deal-won-celebration.yaml"),
    include_str!("../recipes/deal-won-to-billing.yaml"),
    include_str!("../recipes/first-win-of-the-day.yaml"),
    include_str!("../recipes/high-value-deal.yaml"),
    include_str!("../recipes/key-account-contact.yaml"),
    include_str!("../recipes/large-deal-lost.yaml"),
    include_str!("../recipes/large-deal-won.yaml"),
    include_str!("../recipes/large-opportunity-created.yaml"),
    include_str!("../recipes/lead-by-source.yaml"),
    include_str!("../recipes/lead-to-other-system.yaml"),
    include_str!("../recipes/losses-in-a-row.yaml"),
    include_str!("../recipes/many-leads-at-once.yaml"),
    include_str!("../recipes/negotiation-begins.yaml"),
    include_str!("../recipes/negotiation-without-end.yaml"),
    include_str!("../recipes/new-contact-welcome.yaml"),
    include_str!("../recipes/new-lead-to-sales.yaml"),
    include_str!("../recipes/opportunity-without-value.yaml"),
    include_str!("../recipes/overdue-task-escalation.yaml"),
    include_str!("../recipes/renewal-ahead.yaml"),
    include_str!("../recipes/stage-to-other-system.yaml"),
    include_str!("../recipes/status-to-and-fro.yaml"),
    include_str!("../recipes/task-after-win.yaml"),
    include_str!("../recipes/trial-goes-quiet.yaml"),
    include_str!("../recipes/win-back-lost-deal.yaml"),
];

/// A rule with places, and all that is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Its name in paths: `high-value-deal`.
    pub id: String,
    /// What it does, in a line.
    pub title: String,
    /// What it is good for, in a sentence or two.
    pub purpose: String,
    /// The module of its trigger.
    pub module_type: String,
    /// By what it is found.
    pub tags: Vec<String>,
    /// The JSON Schema (2020-12) of its parameters, each with a default.
    pub parameters: Value,
    /// The rule, with its places.
    pub rule: Value,
    /// Data of an event that the rule matches, as its parameters are by default.
    pub matches: Value,
    /// Data of an event that it does not match.
    pub does_not_match: Value,
}

static RECIPES: LazyLock<Vec<Recipe>> =
    LazyLock::new(|| FILES.iter().filter_map(|text| read(text).ok()).collect());

fn read(text: &str) -> Result<Recipe, Vec<FieldFault>> {
    let mut fields = Fields::new();
    let document = fields.take("file", Format::Yaml.read(text));
    let said = document.and_then(|document| Said::new(document, "", &mut fields));
    let recipe = said.and_then(|mut said| {
        let properties = said.value("parameters")?;
        let recipe = Recipe {
            id: said.text("id")?,
            title: said.text("title")?,
            purpose: said.text("purpose")?,
            module_type: said.text("module_type")?,
            tags: said.texts("tags")?,
            parameters: json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
            }),
            rule: said.value("rule")?,
            matches: said.value("matches")?,
            does_not_match: said.value("does_not_match")?,
        };
        said.nothing_else("a recipe", &[]);
        Some(recipe)
    });
    fields.give(recipe)
}

impl Recipe {
    /// All of them, by id.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &RECIPES
    }

    /// The one of that id.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|recipe| recipe.id == id)
    }

    /// Whether it is of this module, and says this somewhere, in any case.
    #[must_use]
    pub fn is_wanted(&self, module_type: Option<&str>, text: Option<&str>) -> bool {
        let wanted = text.map(str::to_lowercase).unwrap_or_default();
        let says = |part: &String| part.to_lowercase().contains(&wanted);
        module_type.is_none_or(|module| module == self.module_type)
            && ([&self.id, &self.title, &self.purpose].into_iter().any(says) || self.tags.iter().any(says))
    }

    /// The rule with these parameters in its places: a draft, switched off.
    ///
    /// # Errors
    /// Every faulty parameter: `parameters.threshold`.
    pub fn fill(&self, parameters: Map<String, Value>) -> Result<Draft, Vec<FieldFault>> {
        let mut given = self.defaults();
        let mut fields = Fields::new();
        for name in parameters.keys().filter(|name| !given.contains_key(*name)) {
            let shown: String = name.chars().take(100).collect();
            let there = given.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            fields.fault(
                format!("parameters.{shown}"),
                format!("is not a parameter of this recipe; there are {there}"),
            );
        }
        given.extend(parameters.into_iter().filter(|(name, _)| self.has_parameter(name)));
        let given = Value::Object(given);
        match schema::Schema::compile(&self.parameters, "parameters") {
            Ok(schema) => {
                for fault in schema.faults(&given) {
                    fields.fault(format!("parameters.{}", fault.field), fault.message);
                }
            }
            Err(fault) => fields.fault(fault.field, fault.message),
        }
        fields.done()?;
        let mut fields = Fields::new();
        let draft =
            Said::new(filled(&self.rule, &given), "rule.", &mut fields).map(|mut said| rule(&mut said));
        let module_type = Some(self.module_type.clone());
        fields.give(draft.map(|draft| Draft { module_type, is_active: Some(false), ..draft }))
    }

    fn has_parameter(&self, name: &str) -> bool {
        self.parameters.get("properties").is_some_and(|properties| properties.get(name).is_some())
    }

    /// Its parameters as they are by default.
    #[must_use]
    pub fn defaults(&self) -> Map<String, Value> {
        let properties = self.parameters.get("properties").and_then(Value::as_object).into_iter().flatten();
        properties
            .filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())))
            .collect()
    }
}

/// A value with what is given in its places.
fn filled(value: &Value, given: &Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("parameter").and_then(Value::as_str) {
            Some(name) if fields.len() == 1 => given.get(name).cloned().unwrap_or_default(),
            _ => fields.iter().map(|(name, item)| (name.clone(), filled(item, given))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, given)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_a_recipe_and_every_place_has_a_parameter() {
        fn places(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    if let (1, Some(name)) = (fields.len(), fields.get("parameter").and_then(Value::as_str)) {
                        found.insert(name.to_owned());
                    }
                    fields.values().for_each(|item| places(item, found));
                }
                Value::Array(items) => items.iter().for_each(|item| places(item, found)),
                _ => {}
            }
        }
        for text in FILES {
            let recipe = read(text).unwrap_or_else(|faults| panic!("{faults:?} in {text}"));
            let mut found = BTreeSet::new();
            places(&recipe.rule, &mut found);
            let named: BTreeSet<String> =
                recipe.parameters["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(found, named, "{}", recipe.id);
            assert_eq!(recipe.defaults().len(), named.len(), "{}: each parameter has a default", recipe.id);
            assert!(recipe.fill(Map::new()).is_ok(), "{}", recipe.id);
        }
        let ids: Vec<&str> = Recipe::all().iter().map(|recipe| recipe.id.as_str()).collect();
        assert!(ids.len() == FILES.len() && ids.is_sorted() && ids.len() >= 24, "{ids:?}");
    }

    #[test]
    fn parameters_are_checked_and_fill_whole_values_only() {
        let recipe = Recipe::find("high-value-deal").unwrap();
        let given = |value: Value| recipe.fill(value.as_object().unwrap().clone());
        let faults: Vec<String> = given(json!({"threshold": "much", "recipient": "", "colour": 1}))
            .unwrap_err()
            .into_iter()
            .map(|fault| fault.field)
            .collect();
        assert_eq!(faults, ["parameters.colour", "parameters.recipient", "parameters.threshold"]);
        let draft =
            given(json!({"threshold": 20000.50, "recipient": "{{email}} \"}, {\"type\": \"x"})).unwrap();
        assert_eq!(draft.conditions.unwrap()[0]["value"].to_string(), "20000.5");
        assert_eq!(draft.actions.unwrap()[0]["parameters"]["recipient"], "{{email}} \"}, {\"type\": \"x");
        assert_eq!(draft.is_active, Some(false));
    }
}
