//! Which of a tenant's rules match an event, why, and what is to be done? A [`RuleBook`] holds the active rules compiled,
//! by trigger and by one equality that each needs, so that an event meets only rules that can match it.

use crate::{
    action::{PlannedAction, RenderFault},
    explain::{Standing, Verdict},
    number::Decimal,
    path::FieldPath,
    rule::{Compiled, Rule},
    template::Context,
};
use kernel::RuleId;
use serde_json::Value;
use std::{cell::OnceCell, cmp::Reverse, collections::HashMap, fmt::Write as _, sync::Arc};

/// How many rules that cannot match, by the equality that they need, are explained with each event. The rest are counted.
pub const MOST_EXPLAINED: usize = 50;

/// A tenant's active rules, compiled.
#[derive(Debug, Clone, Default)]
pub struct RuleBook(HashMap<Box<str>, Chapter>);

/// The rules of one trigger, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
struct Chapter {
    rules: Vec<Entry>,
    /// The places of the rules that need no equality.
    always: Vec<usize>,
    keyed: Vec<Keyed>,
}

/// The rules that need a field to equal something, by what it must equal.
#[derive(Debug, Clone)]
struct Keyed {
    field: FieldPath,
    places: HashMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Entry {
    rule_id: RuleId,
    version: u32,
    name: Arc<str>,
    stop_on_match: bool,
    /// The compiled rule, or why it cannot be read any more.
    body: Result<Compiled, String>,
}

/// What one rule says to an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The rule.
    pub rule_id: RuleId,
    /// Its version.
    pub version: u32,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it matched, and why.
    pub verdict: Verdict,
    /// What is to be done: nothing unless it matched.
    ///
    /// An error means that it matched, but cannot be carried out with this data.
    pub actions: Result<Vec<PlannedAction>, RenderFault>,
}

/// What a tenant's rules say to an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// The rules in the order in which they were asked: all that could match, and the first [`MOST_EXPLAINED`] others.
    pub listed: Vec<Decision>,
    /// How many further rules of the trigger could not match and are not listed.
    pub unlisted: usize,
}

impl RuleBook {
    /// A book of the active ones among `rules`.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let mut active: Vec<&Rule> = rules.iter().filter(|rule| rule.definition.is_active).collect();
        active.sort_by_key(|rule| (Reverse(rule.definition.priority), rule.created_at, &rule.id));
        let mut chapters: HashMap<Box<str>, Chapter> = HashMap::new();
        for rule in active {
            let trigger_id = rule.definition.trigger_id.as_str();
            chapters.entry(trigger_id.into()).or_default().add(Entry::new(rule));
        }
        Self(chapters)
    }

    /// How many rules are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(|chapter| chapter.rules.len()).sum()
    }

    /// Whether no rule is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the rules say to an event: higher priorities first, then older rules. Once a rule that stops has matched,
    /// those after it are not asked.
    #[must_use]
    pub fn decide(&self, trigger_id: &str, data: &Value) -> Decisions {
        self.0.get(trigger_id).map(|chapter| chapter.decide(data)).unwrap_or_default()
    }
}

impl Chapter {
    fn add(&mut self, entry: Entry) {
        let place = self.rules.len();
        let needed = entry.body.as_ref().ok().and_then(|compiled| {
            let equalities = compiled.conditions.required_equalities();
            let mut keys =
                equalities.into_iter().filter_map(|(field, value)| Some((field.clone(), key(value)?)));
            keys.next()
        });
        match needed {
            None => self.always.push(place),
            Some((field, key)) => {
                let keyed = match self.keyed.iter().position(|keyed| keyed.field == field) {
                    Some(found) => self.keyed.get_mut(found),
                    None => {
                        self.keyed.push(Keyed { field, places: HashMap::new() });
                        self.keyed.last_mut()
                    }
                };
                if let Some(keyed) = keyed {
                    keyed.places.entry(key).or_default().push(place);
                }
            }
        }
        self.rules.push(entry);
    }

    /// The places of the rules that are listed: those that can match, and some of the others.
    fn listed(&self, data: &Value) -> Vec<usize> {
        let mut places = self.always.clone();
        for keyed in &self.keyed {
            let found = keyed.field.find(data).and_then(key);
            places.extend(found.and_then(|key| keyed.places.get(&key)).into_iter().flatten());
        }
        places.sort_unstable();
        let others: Vec<usize> = (0..self.rules.len())
            .filter(|place| places.binary_search(place).is_err())
            .take(MOST_EXPLAINED)
            .collect();
        places.extend(others);
        places.sort_unstable();
        places
    }

    fn decide(&self, data: &Value) -> Decisions {
        let context = OnceCell::new();
        let mut stopped: Option<&Entry> = None;
        let mut listed = Vec::new();
        for entry in self.listed(data).into_iter().filter_map(|place| self.rules.get(place)) {
            let decision = match stopped {
                Some(by) => entry.not_asked(by),
                None => entry.ask(data, &context),
            };
            if stopped.is_none() && entry.stop_on_match && decision.verdict.matched() {
                stopped = Some(entry);
            }
            listed.push(decision);
        }
        let unlisted = self.rules.len().saturating_sub(listed.len());
        Decisions { listed, unlisted }
    }
}

impl Entry {
    fn new(rule: &Rule) -> Self {
        let said = |faults: Vec<kernel::FieldFault>| {
            faults.iter().fold(String::new(), |mut text, fault| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{}{fault}", if text.is_empty() { "" } else { "; " });
                text
            })
        };
        Self {
            rule_id: rule.id.clone(),
            version: rule.version,
            name: rule.definition.name.as_str().into(),
            stop_on_match: rule.definition.stop_on_match,
            body: rule.definition.compile().map_err(said),
        }
    }

    fn ask<'a>(&self, data: &'a Value, context: &OnceCell<Context<'a>>) -> Decision {
        let compiled = match &self.body {
            Ok(compiled) => compiled,
            Err(faults) => {
                let because = format!(
                    "not matched: the rule cannot be read any more; correct it and save it again: {faults}"
                );
                return self.decision(Verdict::unasked(Standing::Broken, because), Ok(Vec::new()));
            }
        };
        let verdict = compiled.conditions.evaluate(data);
        let actions = if verdict.matched() {
            compiled.actions.plan(context.get_or_init(|| Context::new(data)))
        } else {
            Ok(Vec::new())
        };
        self.decision(verdict, actions)
    }

    fn not_asked(&self, by: &Self) -> Decision {
        let because = format!(
            "not asked: rule {} ({}) matched before it and stopped the matching",
            by.name, by.rule_id
        );
        self.decision(Verdict::unasked(Standing::NotAsked, because), Ok(Vec::new()))
    }

    fn decision(&self, verdict: Verdict, actions: Result<Vec<PlannedAction>, RenderFault>) -> Decision {
        Decision {
            rule_id: self.rule_id.clone(),
            version: self.version,
            name: Arc::clone(&self.name),
            verdict,
            actions,
        }
    }
}

/// What one rule, active or not, says to data.
#[must_use]
pub fn try_out(rule: &Rule, data: &Value) -> Decision {
    Entry::new(rule).ask(data, &OnceCell::new())
}

/// One key for all values that equal each other; `None` for lists and objects. A number has the key of the text that is
/// written like it, because those equal each other; texts with the same key may still differ, which the rule itself
/// finds out.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) => Some(value.to_string()),
        Value::Number(_) | Value::String(_) => Some(match Decimal::of(value) {
            Some(number) => format!("#{}", number.canonical()),
            None => format!("\"{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        }),
        Value::Array(_) | Value::Object(_) => None,
    }
}
