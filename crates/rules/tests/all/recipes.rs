//! Does every recipe make a rule that does what it says? With its defaults, on its own sample and its own counter-example.

use kernel::{Instant, RuleId};
use language::{Facts, Moment, Occasion};
use rules::{Catalogue, Definition, Draft, Recipe, Rule, try_out};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A Monday, at ten in the morning.
const MONDAY: i64 = 1_800_266_400_000;

fn rule(recipe: &Recipe) -> Rule {
    let catalogue = Catalogue::default();
    let draft = recipe.fill(Map::new()).unwrap_or_else(|faults| panic!("{}: {faults:?}", recipe.id));
    let definition = Definition::check(Draft { is_active: Some(true), ..draft }, &catalogue)
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", recipe.id));
    assert_eq!(definition.warnings(&catalogue), [], "{}", recipe.id);
    Rule::new(
        "rul_01hf7yat00zzzzzzzzzzzzzzzz".parse::<RuleId>().unwrap(),
        definition,
        Instant::from_millis(0),
    )
}

#[test]
fn each_recipe_matches_what_it_should_and_nothing_else() {
    let catalogue = Catalogue::default();
    let mut told = String::new();
    for recipe in Recipe::all() {
        let rule = rule(recipe);
        let trigger = catalogue.find(&rule.definition.trigger_id).unwrap();
        assert_eq!(*trigger.module_type, *recipe.module_type, "{}", recipe.id);
        let decide = |data: &Value| {
            assert_eq!(trigger.check(data), Ok(()), "{}", recipe.id);
            let now = Instant::from_millis(MONDAY);
            let occasion = Occasion { trigger: &trigger.trigger_id, occurred: now, ..Occasion::default() };
            let moment = Moment { now, zone: "UTC".parse().unwrap() };
            try_out(&rule, &catalogue, &Facts::new(data, None, occasion, moment))
        };
        let refused = decide(&recipe.does_not_match);
        assert!(!refused.matched(), "{} matches its counter-example: {}", recipe.id, refused.told());
        let decision = decide(&recipe.matches);
        assert!(decision.matched(), "{}: {}", recipe.id, decision.told());
        writeln!(told, "{} ({})", recipe.id, trigger.trigger_id).unwrap();
        for action in decision.actions.unwrap_or_else(|fault| panic!("{}: {fault}", recipe.id)) {
            assert_eq!(action.warnings, [], "{}", recipe.id);
            let delay = action.delay.as_seconds_up();
            let after = if delay == 0 { String::new() } else { format!(" after {delay} s") };
            writeln!(told, "  {}{after}: {}", action.kind.as_str(), action.parameters).unwrap();
        }
    }
    insta::assert_snapshot!("what_each_would_do", told);
}

#[test]
fn recipes_are_written_for_people() {
    for recipe in Recipe::all() {
        let sentences = [&recipe.title, &recipe.purpose];
        assert!(
            sentences.iter().all(|text| text.chars().next().is_some_and(char::is_uppercase)),
            "{}",
            recipe.id
        );
        assert!(recipe.title.chars().count() <= 80 && !recipe.title.ends_with('.'), "{}", recipe.id);
        assert!(recipe.purpose.ends_with('.') && recipe.purpose.chars().count() <= 300, "{}", recipe.id);
        assert!(!recipe.tags.is_empty(), "{}", recipe.id);
        for (name, parameter) in recipe.parameters.pointer("/properties").unwrap().as_object().unwrap() {
            for field in ["type", "title", "description", "default"] {
                assert!(parameter.get(field).is_some(), "{}: {name} has no {field}", recipe.id);
            }
        }
    }
    let of = |module: &str| Recipe::all().iter().filter(|recipe| recipe.module_type == module).count();
    assert!(of("crm") >= 10 && of("sales") >= 12, "{} {}", of("crm"), of("sales"));
}

#[test]
fn recipes_are_found_by_module_and_words() {
    let found = |module: Option<&str>, text: Option<&str>| {
        Recipe::all()
            .iter()
            .filter(|recipe| recipe.is_wanted(module, text))
            .map(|recipe| recipe.id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(None, None).len(), Recipe::all().len());
    assert_eq!(found(Some("sales"), Some("RENEWAL")), ["renewal-ahead"]);
    assert!(found(Some("crm"), Some("leads")).contains(&"new-lead-to-sales"));
    assert!(found(Some("hr"), None).is_empty());
}
