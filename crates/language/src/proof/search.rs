//! Can conditions hold, or fail, all together? A search through the ways in which they can: what must be so is noted place by
//! place, and where there are alternatives each is tried. It ends as soon as one way is left, or when it has tried enough.

use super::{
    ground::{Field, Ground},
    place::{Claim, Saying, can_be},
};
use crate::{
    Moment,
    clause::{Clause, Looks},
    condition::{Asks, Condition, Group, Items, Share},
    path::{FieldPath, Root, Step},
    question::Question,
};
use kernel::Instant;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _};

/// How many steps a search takes at most. Beyond, everything is taken to be possible.
const MOST_STEPS: usize = 2_000;

/// Something that must come true.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'a> {
    /// That a condition holds, or fails.
    Condition(&'a Condition, bool),
    /// That a field changed, or that it did not.
    Changed(&'a Clause, bool),
    /// That what a field was before (or is now) is this value, or another.
    Was(&'a Clause, Time, &'a Value, bool),
}

/// The two times between which something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Before,
    Now,
}

impl Time {
    const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Now => "now",
        }
    }
}

/// What must be so of one place.
#[derive(Debug, Clone, Default)]
struct Noted<'a> {
    /// Where it is; none for what a field was before.
    path: Option<&'a FieldPath>,
    claims: Vec<Claim<'a>>,
}

/// What must be so, in one way.
#[derive(Debug, Clone, Default)]
struct Way<'a> {
    places: BTreeMap<String, Noted<'a>>,
    /// Questions of which nothing is known but that the same one has one answer.
    answers: BTreeMap<String, bool>,
}

/// A search on some ground.
pub(super) struct Search<'a> {
    ground: &'a Ground<'a>,
    moment: Moment,
    left: usize,
}

/// Alternatives, one of which must come true.
type Choice<'a> = Vec<Goal<'a>>;

impl<'a> Search<'a> {
    pub(super) fn on(ground: &'a Ground<'a>) -> Self {
        let moment = Moment { now: Instant::default(), zone: ground.zone };
        Self { ground, moment, left: MOST_STEPS }
    }

    /// Whether all goals can come true at once. `false` is certain; `true` may only mean that it is not known.
    pub(super) fn can(&mut self, goals: Vec<Goal<'a>>) -> bool {
        self.go(goals, Vec::new(), Way::default())
    }

    fn go(&mut self, mut goals: Vec<Goal<'a>>, mut choices: Vec<Choice<'a>>, mut way: Way<'a>) -> bool {
        while let Some(goal) = goals.pop() {
            let Some(left) = self.left.checked_sub(1) else { return true };
            self.left = left;
            if !self.take(goal, &mut goals, &mut choices, &mut way) {
                return false;
            }
        }
        if !self.stands(&way) {
            return false;
        }
        // The narrowest first: it is decided soonest.
        let narrowest = choices.iter().enumerate().min_by_key(|(_, choice)| choice.len());
        let Some((place, _)) = narrowest else { return true };
        let choice = choices.swap_remove(place);
        choice.into_iter().any(|goal| self.go(vec![goal], choices.clone(), way.clone()))
    }

    /// Notes what a goal asks; false if that cannot be.
    fn take(
        &mut self,
        goal: Goal<'a>,
        goals: &mut Vec<Goal<'a>>,
        choices: &mut Vec<Choice<'a>>,
        way: &mut Way<'a>,
    ) -> bool {
        match goal {
            Goal::Condition(condition, holds) => match &condition.asks {
                Asks::All(group) => split(group, holds, holds, goals, choices),
                Asks::Any(group) => split(group, !holds, holds, goals, choices),
                Asks::Not(inner) => goals.push(Goal::Condition(inner, !holds)),
                Asks::Items(items) => return self.items(items, holds, way),
                Asks::Clause(clause) => return clause_goal(clause, holds, goals, choices, way),
                Asks::Expression(expression) => {
                    return way.answer(key("expression", &expression.text()), holds);
                }
            },
            Goal::Changed(clause, changed) => {
                return way.answer(key("changed", &(&clause.name, clause.ignore_case)), changed);
            }
            Goal::Was(clause, time, value, is_true) => {
                let place = format!("{} {} {}", clause.name, time.name(), clause.ignore_case);
                let asked = key("was", &(&place, value));
                let saying = Saying::Same(value, clause.ignore_case);
                way.places.entry(place).or_default().claims.push(Claim { saying, is_true });
                return way.answer(asked, is_true);
            }
        }
        true
    }

    /// What is asked of the items of a list: the same question has one answer, and one that wants an item wants one that can be.
    fn items(&mut self, items: &'a Items, holds: bool, way: &mut Way<'a>) -> bool {
        let named = |share: &str| key(share, &(&items.field, &items.of_each));
        let noted = match items.share {
            Share::Any => way.answer(named("any"), holds),
            Share::No => way.answer(named("any"), !holds),
            // Where every item meets conditions and there is one, some item does.
            Share::Every => way.answer(named("every"), holds) && (!holds || way.answer(named("any"), true)),
        };
        let wants_one = holds != (items.share == Share::No);
        if !noted || !wants_one {
            return noted;
        }
        way.claim(&items.field, Saying::Filled, true);
        let inner = items.of_each.written.iter().map(|condition| Goal::Condition(condition, true)).collect();
        self.can(inner)
    }

    /// Whether what was noted can be so at every place.
    fn stands(&mut self, way: &Way<'a>) -> bool {
        self.left = self.left.saturating_sub(way.places.len());
        let mut way = way.clone();
        way.hold_up(&self.moment);
        way.places.values().all(|noted| self.can_stand(noted))
    }

    fn can_stand(&self, noted: &Noted<'a>) -> bool {
        // What a field was before has no place on the ground.
        let field = noted.path.map_or_else(Field::open, |path| self.ground.at(path));
        can_be(&field, &noted.claims, &self.moment)
    }
}

/// Conditions of a group: each must come true, or one of them.
fn split<'a>(
    group: &'a Group,
    each: bool,
    holds: bool,
    goals: &mut Vec<Goal<'a>>,
    choices: &mut Vec<Choice<'a>>,
) {
    let all = group.written.iter().map(|condition| Goal::Condition(condition, holds));
    if each { goals.extend(all) } else { choices.push(all.collect()) }
}

/// Notes that a clause holds, or fails; false if that cannot be.
fn clause_goal<'a>(
    clause: &'a Clause,
    holds: bool,
    goals: &mut Vec<Goal<'a>>,
    choices: &mut Vec<Choice<'a>>,
    way: &mut Way<'a>,
) -> bool {
    let positively = holds != clause.kind.opposite_of.is_some();
    match (&clause.looks, &clause.question) {
        (Looks::Both(_), Question::Change { from, to }) => {
            let was = [(Time::Before, from), (Time::Now, to)];
            let was = was
                .into_iter()
                .filter_map(|(time, value)| Some(Goal::Was(clause, time, value.as_ref()?, positively)));
            let all = was.chain([Goal::Changed(clause, positively)]);
            if positively {
                goals.extend(all)
            } else {
                choices.push(all.collect())
            }
            true
        }
        (Looks::Both(_), question) => way.answer(key("moved", &(&clause.name, question)), positively),
        (Looks::At(path), question) => {
            way.claim(path, Saying::Clause(clause), positively);
            let asked = (place_of(path), question, clause.ignore_case);
            way.answer(key("asked", &asked), positively)
        }
    }
}

/// A name for all questions that are the same. How things are printed for us tells them apart.
fn key(what: &str, asked: &dyn std::fmt::Debug) -> String {
    format!("{what} {asked:?}")
}

/// A name for all paths to the same place: `data.value` is `value`.
fn place_of(path: &FieldPath) -> String {
    let mut name = match path.root() {
        Root::Data => "data",
        Root::Record => "record",
        Root::Event => "event",
        Root::Item => "item",
    }
    .to_owned();
    for step in path.steps() {
        // Writing to a String cannot fail.
        let _ = match step {
            Step::Name(name_of) => write!(name, ".{name_of}"),
            Step::Place(place) => write!(name, "[{place}]"),
        };
    }
    name
}

impl<'a> Way<'a> {
    /// Notes the answer to a question; false if the other one was noted before.
    fn answer(&mut self, question: String, answer: bool) -> bool {
        *self.answers.entry(question).or_insert(answer) == answer
    }

    fn claim(&mut self, path: &'a FieldPath, saying: Saying<'a>, is_true: bool) {
        let noted = self.places.entry(place_of(path)).or_default();
        noted.path = Some(path);
        noted.claims.push(Claim { saying, is_true });
    }

    /// Notes of places above others what must be there for these to be there.
    fn hold_up(&mut self, moment: &Moment) {
        let absent = |claim: &Claim<'_>| can_be(&Field::absent(), std::slice::from_ref(claim), moment);
        let mut above = Vec::new();
        for noted in self.places.values() {
            let Some(path) = noted.path.filter(|_| !noted.claims.iter().all(absent)) else { continue };
            let mut name = place_of(path);
            for step in path.steps().iter().rev() {
                let end = match step {
                    Step::Name(_) => name.rfind('.'),
                    Step::Place(_) => name.rfind('['),
                };
                name.truncate(end.unwrap_or_default());
                let saying = if matches!(step, Step::Name(_)) { Saying::Object } else { Saying::List };
                above.push((name.clone(), saying));
            }
        }
        for (name, saying) in above {
            if let Some(noted) = self.places.get_mut(&name) {
                noted.claims.push(Claim { saying, is_true: true });
            }
        }
    }
}
