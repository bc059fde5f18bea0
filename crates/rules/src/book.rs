//! Which of a tenant's rules match an event, why, and what is to be done? A [`RuleBook`] holds the active rules compiled,
//! by trigger and by the values of one field that each needs, the numbers between which it must be or the text that must be part of
//! it, so that an event meets only rules that can match it.

use crate::{
    Catalogue, Rule, Shadow,
    analysis::order,
    decision::{Decision, Decisions, Ended, Entry},
    recall::{Memo, Recall, Wanted},
    shadow::Companion,
};
use language::{Conditions, Facts, FieldPath, Look, Part, PartFinder, Reach, key_of};
use serde_json::Value;
use std::{cell::OnceCell, cmp::Reverse, collections::HashMap, sync::Arc};

/// How many rules that cannot match, by what they need of a field, are explained with each event. The rest are counted.
pub const MOST_EXPLAINED: usize = 50;

/// A tenant's active rules, compiled.
#[derive(Debug, Clone, Default)]
pub struct RuleBook(HashMap<Box<str>, Chapter>);

/// The rules of one trigger, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
struct Chapter {
    rules: Vec<Arc<Entry>>,
    /// The places of the rules that need no value anywhere.
    always: Vec<usize>,
    keyed: Vec<Keyed>,
    ranged: Vec<Ranged>,
    parted: Vec<Parted>,
    /// Rules of any trigger that wait for an event of this one to stay away.
    endings: Vec<Arc<Entry>>,
    /// What runs beside rules, and is carried out never.
    shadows: Vec<Companion>,
    /// Whether a rule looks at the record that the event is about, or places it.
    wants_record: bool,
}

/// The rules that need a field to be one of some values, by value.
#[derive(Debug, Clone)]
struct Keyed {
    field: FieldPath,
    places: HashMap<String, Vec<usize>>,
}

/// The rules that need a field to be a number within a reach.
#[derive(Debug, Clone)]
struct Ranged {
    field: FieldPath,
    /// Those with a low end, and those without, each by the number at which it begins, or ends, and its place.
    floors: Vec<(Reach, usize)>,
    ceilings: Vec<(Reach, usize)>,
}

/// The rules that need a field to hold a text as a part.
#[derive(Debug, Clone)]
struct Parted {
    field: FieldPath,
    parts: Vec<Part>,
    /// The place of the rule that needs each part.
    places: Vec<usize>,
    finder: PartFinder,
}

impl RuleBook {
    /// A book of the active ones among `rules`.
    #[must_use]
    pub fn new(rules: &[Rule], catalogue: &Catalogue) -> Self {
        Self::with_shadows(rules, &[], catalogue)
    }

    /// A book of the active ones among `rules`, and of what runs beside rules, active or not.
    #[must_use]
    pub fn with_shadows(rules: &[Rule], shadows: &[Shadow], catalogue: &Catalogue) -> Self {
        let mut active: Vec<&Rule> = rules.iter().filter(|rule| rule.definition.is_active).collect();
        active.sort_by_key(|rule| (Reverse(rule.definition.priority), rule.created_at, &rule.id));
        let mut chapters: HashMap<Box<str>, Chapter> = HashMap::new();
        for rule in &active {
            let entry = Arc::new(Entry::new(rule, catalogue));
            if let Some(absence) = entry.absence() {
                let other = chapters.entry(absence.trigger_id.as_str().into()).or_default();
                other.wants_record |= absence.looks_at_record();
                other.endings.push(Arc::clone(&entry));
            }
            chapters.entry(rule.definition.trigger_id.as_str().into()).or_default().add(entry);
        }
        for shadow in shadows {
            let trigger = shadow.rule.definition.trigger_id.as_str();
            let peers = active.iter().copied().filter(|rule| rule.definition.trigger_id == trigger);
            let own = order(&shadow.rule);
            let behind = peers.clone().take_while(|rule| order(rule) < own).count();
            let live = peers.clone().position(|rule| rule.id == shadow.rule.id);
            let companion = Companion::new(shadow, behind, live, catalogue);
            if let Some(absence) = companion.entry().absence() {
                let other = chapters.entry(absence.trigger_id.as_str().into()).or_default();
                other.wants_record |= absence.looks_at_record();
                other.endings.push(Arc::clone(companion.entry()));
            }
            let chapter = chapters.entry(trigger.into()).or_default();
            chapter.wants_record |= companion.entry().looks_at_record();
            chapter.shadows.push(companion);
        }
        chapters.values_mut().for_each(Chapter::index);
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

    /// Whether a rule of this trigger looks at the record that its events are about.
    #[must_use]
    pub fn wants_record(&self, trigger_id: &str) -> bool {
        self.0.get(trigger_id).is_some_and(|chapter| chapter.wants_record)
    }

    /// What must be known of earlier events before this one can be decided; nothing for most.
    #[must_use]
    pub fn wanted(&self, trigger_id: &str, facts: &Facts<'_>) -> Vec<Wanted> {
        self.0.get(trigger_id).map(|chapter| chapter.wanted(facts)).unwrap_or_default()
    }

    /// What the rules say to an event: higher priorities first, then older rules. Once a rule that stops has matched, those
    /// after it are not asked. `recall` holds what [`RuleBook::wanted`] names.
    #[must_use]
    pub fn decide(&self, trigger_id: &str, facts: &Facts<'_>, recall: &Recall) -> Decisions {
        self.0.get(trigger_id).map(|chapter| chapter.decide(facts, recall)).unwrap_or_default()
    }
}

/// The field that a rule needs to be one of some values, and the values' keys: the most telling, if it needs several.
fn needed(conditions: &Conditions) -> Option<(FieldPath, Vec<String>)> {
    let keys = |values: &[Value]| values.iter().map(key_of).collect::<Option<Vec<String>>>();
    conditions
        .required_equalities()
        .into_iter()
        .filter_map(|(field, values)| Some((field.path().clone(), keys(values)?)))
        .min_by_key(|(_, keys)| keys.len())
}

/// The field that a rule needs to be a number, and between which ends: both, if one field has both.
fn reached(conditions: &Conditions) -> Option<(FieldPath, Reach)> {
    let (field, reach) =
        conditions.required_reaches().into_iter().min_by_key(|(_, reach)| !reach.is_closed())?;
    Some((field.path().clone(), reach))
}

/// The field that a rule needs to hold a text as a part, and the part: the longest, if it needs several.
fn held(conditions: &Conditions) -> Option<(FieldPath, Part)> {
    let (field, part) = conditions.required_parts().into_iter().max_by_key(|(_, part)| part.length())?;
    Some((field.path().clone(), part))
}

/// The one that is meant, put at the end if it is not there yet.
fn found<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Option<&mut T> {
    let place = list.iter().position(is).unwrap_or_else(|| {
        list.push(new());
        list.len().saturating_sub(1)
    });
    list.get_mut(place)
}

impl Keyed {
    fn new(field: FieldPath) -> Self {
        Self { field, places: HashMap::new() }
    }
}

impl Ranged {
    const fn new(field: FieldPath) -> Self {
        Self { field, floors: Vec::new(), ceilings: Vec::new() }
    }

    fn sort(&mut self) {
        for rules in [&mut self.floors, &mut self.ceilings] {
            rules.sort_by(|(one, _), (other, _)| one.order(other));
        }
    }

    /// The places of the rules that a number lets match.
    fn places<'a>(&'a self, number: &'a Value) -> impl Iterator<Item = usize> + 'a {
        let begun = self.floors.partition_point(|(reach, _)| reach.begins_by(number));
        let ended = self.ceilings.partition_point(|(reach, _)| !reach.lasts_to(number));
        let begun = self.floors.iter().take(begun).filter(|(reach, _)| reach.lasts_to(number));
        begun.chain(self.ceilings.iter().skip(ended)).map(|(_, place)| *place)
    }
}

impl Parted {
    fn new(field: FieldPath) -> Self {
        Self { field, parts: Vec::new(), places: Vec::new(), finder: PartFinder::new(&[]) }
    }

    /// The places of the rules that a value lets match.
    fn places<'a>(&'a self, value: &Value) -> impl Iterator<Item = usize> + 'a {
        let found = self.finder.find(value);
        found.into_iter().filter_map(|part| self.places.get(part).copied())
    }
}

impl Chapter {
    fn add(&mut self, entry: Arc<Entry>) {
        let place = self.rules.len();
        self.wants_record |= entry.looks_at_record();
        let conditions = entry.compiled().map(|compiled| &compiled.conditions);
        if let Some((field, keys)) = conditions.and_then(needed) {
            let is = |keyed: &Keyed| keyed.field == field;
            if let Some(keyed) = found(&mut self.keyed, is, || Keyed::new(field.clone())) {
                for key in keys {
                    keyed.places.entry(key).or_default().push(place);
                }
            }
        } else if let Some((field, reach)) = conditions.and_then(reached) {
            let is = |ranged: &Ranged| ranged.field == field;
            if let Some(ranged) = found(&mut self.ranged, is, || Ranged::new(field.clone())) {
                let rules = if reach.has_floor() { &mut ranged.floors } else { &mut ranged.ceilings };
                rules.push((reach, place));
            }
        } else if let Some((field, part)) = conditions.and_then(held) {
            let is = |parted: &Parted| parted.field == field;
            if let Some(parted) = found(&mut self.parted, is, || Parted::new(field.clone())) {
                parted.parts.push(part);
                parted.places.push(place);
            }
        } else {
            self.always.push(place);
        }
        self.rules.push(entry);
    }

    /// To be called once all are in it.
    fn index(&mut self) {
        self.ranged.iter_mut().for_each(Ranged::sort);
        for parted in &mut self.parted {
            parted.finder = PartFinder::new(&parted.parts);
        }
    }

    /// The places of the rules that can match.
    fn possible(&self, facts: &Facts<'_>) -> Vec<usize> {
        let mut places = self.always.clone();
        for keyed in &self.keyed {
            let found = keyed.field.of(facts).and_then(key_of);
            places.extend(found.and_then(|key| keyed.places.get(&key)).into_iter().flatten());
        }
        for ranged in &self.ranged {
            places.extend(ranged.field.of(facts).into_iter().flat_map(|number| ranged.places(number)));
        }
        for parted in &self.parted {
            places.extend(parted.field.of(facts).into_iter().flat_map(|value| parted.places(value)));
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The places of the rules that are listed: those that can match, and some of the others.
    fn listed(&self, facts: &Facts<'_>) -> Vec<usize> {
        let mut places = self.possible(facts);
        let others: Vec<usize> = (0..self.rules.len())
            .filter(|place| places.binary_search(place).is_err())
            .take(MOST_EXPLAINED)
            .collect();
        places.extend(others);
        places.sort_unstable();
        places
    }

    fn wanted(&self, facts: &Facts<'_>) -> Vec<Wanted> {
        let possible = self.possible(facts).into_iter().filter_map(|place| self.rules.get(place));
        let mut wanted: Vec<Wanted> = possible.flat_map(|entry| entry.wanted(facts)).collect();
        wanted.extend(self.shadows.iter().flat_map(|shadow| shadow.entry().wanted(facts)));
        wanted.extend(self.endings.iter().filter_map(|entry| {
            let absence = entry.absence()?;
            Some(Wanted::Waiting(entry.rule_id.clone(), absence.other_key.of(facts)))
        }));
        wanted
    }

    fn decide(&self, facts: &Facts<'_>, recall: &Recall) -> Decisions {
        let context = OnceCell::new();
        let mut stopped: Option<(usize, &Entry)> = None;
        let mut listed: Vec<Decision> = Vec::new();
        let mut memos = Vec::new();
        for place in self.listed(facts) {
            let Some(entry) = self.rules.get(place) else { continue };
            let decision = match stopped {
                Some((_, by)) => entry.not_asked(by),
                None => entry.ask(facts, &context, recall, Look::Quick, &mut memos),
            };
            if stopped.is_none() && entry.stop_on_match && decision.standing.stops() {
                stopped = Some((place, entry));
            }
            listed.push(decision);
        }
        let unlisted = self.rules.len().saturating_sub(listed.len());
        let stopped = stopped.map(|(place, _)| place);
        let shadows = self.shadows.iter();
        let shadows =
            shadows.map(|shadow| shadow.say(facts, &context, recall, &listed, stopped, &mut memos)).collect();
        let ended = self.ended(facts, recall, &mut memos);
        Decisions { listed, unlisted, memos, ended, shadows }
    }

    /// What no longer waits because this event came.
    fn ended(&self, facts: &Facts<'_>, recall: &Recall, memos: &mut Vec<Memo>) -> Vec<Ended> {
        let over = self.endings.iter().filter_map(|entry| entry.ended(facts, recall));
        let (ended, forgotten): (Vec<Ended>, Vec<Memo>) = over.unzip();
        memos.extend(forgotten);
        ended
    }
}
