//! Do conditions hold for these facts? Cheap ones are looked at first, and looking ends when it is decided; to explain all of
//! a rule, every condition is looked at.
//!
//! A value of the wrong type is never an error: the clause does not hold, and the explanation says why. Negative types
//! (`not_equals`, `none_of`) are the exact opposite of their positive ones, so they hold for what is not there.

use crate::{
    Facts,
    clause::{Clause, Looks},
    condition::{Asks, Condition, Conditions, Group, Items, Share},
    cost::{BUDGET, Meter, Spent},
    moment::When,
    number::Decimal,
    path::View,
    question::{Operand, Question},
    value::{folded, one_of, same_but, size},
    verdict::{Finding, Flaw, Outcome, Seen, Verdict},
};
use chrono::{DateTime, Datelike as _, Utc};
use rust_decimal::Decimal as Amount;
use serde_json::Value;
use std::net::IpAddr;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As much as it takes to decide.
    Quick,
    /// Every condition.
    Whole,
}

impl Conditions {
    /// Whether all conditions hold, and why.
    #[must_use]
    pub fn evaluate<'a>(&'a self, facts: &'a Facts<'a>, look: Look) -> Verdict<'a> {
        let mut run = Run { meter: Meter::new(BUDGET), findings: Vec::new(), whole: look == Look::Whole };
        let outcome = run.meter.spend(1).and_then(|()| run.all(&self.all, View::of(facts)));
        let cost = run.meter.spent_of(BUDGET);
        let (outcome, decider) = match outcome {
            Ok((true, decider)) => (Outcome::Holds, decider),
            Ok((false, decider)) => (Outcome::Fails, decider),
            Err(Spent) => (Outcome::Spent, run.findings.len().checked_sub(1)),
        };
        let decider = decider.map(|place| run.leaf(place));
        Verdict { outcome, cost, findings: run.findings, decider }
    }
}

/// What a group came to: whether it holds, and the finding that decided, if one did.
type Came = Result<(bool, Option<usize>), Spent>;

struct Run<'a> {
    meter: Meter,
    findings: Vec<Finding<'a>>,
    whole: bool,
}

impl<'a> Run<'a> {
    /// The finding that decided the one at `place`, and so on to the last.
    fn leaf(&self, mut place: usize) -> usize {
        while let Some(inner) = self.findings.get(place).and_then(|finding| finding.decider) {
            place = inner;
        }
        place
    }

    /// Looks at conditions until one comes to `deciding`; the first of them in the order of the plan decides.
    fn until(&mut self, group: &'a Group, view: View<'a>, deciding: bool) -> Came {
        let mut decider = None;
        let mut only = None;
        if self.whole {
            let mut places = Vec::with_capacity(group.written.len());
            for condition in &group.written {
                places.push(self.look(condition, view)?);
            }
            let planned = group.plan.iter().filter_map(|place| places.get(*place));
            decider = planned.copied().find(|place| self.held(*place) == deciding);
            only = places.first().copied();
        } else {
            for condition in group.planned() {
                let place = self.look(condition, view)?;
                only = Some(place);
                if self.held(place) == deciding {
                    decider = Some(place);
                    break;
                }
            }
        }
        match decider {
            Some(place) => Ok((deciding, Some(place))),
            // If there is but one, it decides in any case.
            None => Ok((!deciding, only.filter(|_| group.written.len() == 1))),
        }
    }

    fn held(&self, place: usize) -> bool {
        self.findings.get(place).is_some_and(|finding| finding.holds)
    }

    fn all(&mut self, group: &'a Group, view: View<'a>) -> Came {
        self.until(group, view, false)
    }

    /// Looks at one condition and notes what was found, a group before what it holds; where it stands among the findings.
    fn look(&mut self, condition: &'a Condition, view: View<'a>) -> Result<usize, Spent> {
        let place = self.findings.len();
        self.findings.push(Finding { condition, holds: false, seen: Seen::Group, decider: None });
        let (holds, seen, decider) = match &condition.asks {
            Asks::All(group) => {
                self.meter.spend(1)?;
                let (holds, decider) = self.all(group, view)?;
                (holds, Seen::Group, decider)
            }
            Asks::Any(group) => {
                self.meter.spend(1)?;
                let (holds, decider) = self.until(group, view, true)?;
                (holds, Seen::Group, decider)
            }
            Asks::Not(inner) => {
                self.meter.spend(1)?;
                let inner = self.look(inner, view)?;
                (!self.held(inner), Seen::Group, Some(inner))
            }
            Asks::Items(items) => self.items(items, view)?,
            Asks::Clause(clause) => {
                let (holds, seen) = clause.answer(view, &mut self.meter)?;
                (holds, seen, None)
            }
            Asks::Expression(expression) => {
                let (holds, seen) = expression.answer(view, &mut self.meter)?;
                (holds, seen, None)
            }
        };
        if let Some(finding) = self.findings.get_mut(place) {
            *finding = Finding { condition, holds, seen, decider };
        }
        Ok(place)
    }

    /// Looks at the items of a list one after the other; only what was found about the one that decides is kept.
    fn items(&mut self, items: &'a Items, view: View<'a>) -> Result<(bool, Seen<'a>, Option<usize>), Spent> {
        self.meter.spend(1)?;
        let Some(list) = items.field.find(view).and_then(Value::as_array) else {
            return Ok((items.share == Share::No, Seen::Items(None), None));
        };
        // The item that decides is the first that meets the conditions or, where every one must, that does not.
        let deciding = items.share != Share::Every;
        for (index, item) in list.iter().enumerate() {
            self.meter.spend(1)?;
            let kept = self.findings.len();
            let (meets, decider) = self.all(&items.of_each, View { item: Some(item), ..view })?;
            if meets == deciding {
                let holds = items.share == Share::Any;
                return Ok((holds, Seen::Items(Some((list.len(), Some(index)))), decider.filter(|_| !meets)));
            }
            self.findings.truncate(kept);
        }
        let holds = match items.share {
            Share::Any => false,
            Share::Every => !list.is_empty(),
            Share::No => true,
        };
        Ok((holds, Seen::Items(Some((list.len(), None))), None))
    }
}

/// Whether a value is as wanted; or why it cannot be asked.
type Answer = Result<bool, Flaw>;

impl Clause {
    fn answer<'a>(&'a self, view: View<'a>, meter: &mut Meter) -> Result<(bool, Seen<'a>), Spent> {
        let negative = self.kind.opposite_of.is_some();
        match &self.looks {
            Looks::Both(pair) => {
                let (old, new) = pair.find(view);
                let bytes = |value: Option<&Value>| value.map_or(0, size);
                meter.spend(self.cost_of(bytes(old).max(bytes(new)), 0))?;
                let holds = old.zip(new).is_some_and(|(old, new)| self.changed(old, new));
                Ok((holds, Seen::Change(old, new)))
            }
            Looks::At(path) => {
                let value = path.find(view);
                let against = self.against().map(|path| path.find(view));
                let bytes = |value: Option<&Value>| value.map_or(0, size);
                meter.spend(self.cost_of(bytes(value), bytes(against.flatten())))?;
                let answer = match (value, against) {
                    (_, Some(None)) => Err(Flaw::NothingWanted),
                    (value, against) => self.ask(value, against.flatten(), view),
                };
                let (holds, flaw) = match answer {
                    Ok(holds) => (holds, None),
                    Err(flaw) => (false, Some(flaw)),
                };
                Ok((holds != negative, Seen::Value { value, against: against.flatten(), flaw }))
            }
        }
    }

    /// Whether the positive question holds for what stands there.
    fn ask(&self, value: Option<&Value>, against: Option<&Value>, view: View<'_>) -> Answer {
        match &self.question {
            Question::Exists(wanted) => return Ok(value.is_some() == *wanted),
            Question::Empty(wanted) => return Ok(is_empty(value) == *wanted),
            _ => {}
        }
        let Some(value) = value else { return Ok(false) };
        let moment = view.facts.moment();
        let timed = |value: &Value| time(value, view).ok_or(Flaw::NotATime);
        match &self.question {
            // Answered above, and never asked of a single value.
            Question::Exists(_) | Question::Empty(_) | Question::Change { .. } | Question::Moved { .. } => {
                Ok(false)
            }
            Question::Compare(relation, wanted) => {
                let number = Decimal::of(value).ok_or(Flaw::NotANumber)?;
                let wanted = Decimal::of(fixed(wanted, against)?).ok_or(Flaw::WantedUnfit)?;
                Ok(relation.holds(number.compare(&wanted)))
            }
            Question::Within(low, high) => {
                let number = Decimal::of(value).ok_or(Flaw::NotANumber)?;
                Ok(Decimal::of(low).is_some_and(|low| number.compare(&low).is_ge())
                    && Decimal::of(high).is_some_and(|high| number.compare(&high).is_le()))
            }
            Question::Equals(wanted) => Ok(same_but(value, fixed(wanted, against)?, self.ignore_case)),
            Question::In(choices) => Ok(one_of(value, listed(choices, against)?, self.ignore_case)),
            Question::Contains(wanted) => self.contains(value, fixed(wanted, against)?),
            Question::StartsWith(wanted) => {
                self.texts(value, fixed(wanted, against)?, |text, start| text.starts_with(start))
            }
            Question::EndsWith(wanted) => {
                self.texts(value, fixed(wanted, against)?, |text, end| text.ends_with(end))
            }
            Question::Matches(pattern, _) => {
                value.as_str().map(|text| pattern.is_match(text)).ok_or(Flaw::NotAText)
            }
            Question::AnyOf(choices) => {
                let items = value.as_array().ok_or(Flaw::NotAList)?;
                let choices = listed(choices, against)?;
                Ok(items.iter().any(|item| one_of(item, choices, self.ignore_case)))
            }
            Question::AllOf(choices) => {
                let items = value.as_array().ok_or(Flaw::NotAList)?;
                let choices = listed(choices, against)?;
                Ok(choices.iter().all(|choice| one_of(choice, items, self.ignore_case)))
            }
            Question::Count { least, most } => {
                let count = match value {
                    Value::Array(items) => items.len(),
                    Value::Object(fields) => fields.len(),
                    Value::String(text) => text.chars().count(),
                    Value::Null | Value::Bool(_) | Value::Number(_) => return Err(Flaw::NotAContainer),
                };
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                Ok((*least..=*most).contains(&count))
            }
            Question::Before(wanted) => Ok(timed(value)? < wanted_time(wanted, against, view)?),
            Question::After(wanted) => Ok(timed(value)? > wanted_time(wanted, against, view)?),
            Question::During(from, to) => {
                let time = timed(value)?;
                Ok(from.utc(moment).is_some_and(|from| time >= from)
                    && to.utc(moment).is_some_and(|to| time < to))
            }
            Question::OnDate(wanted) => {
                let day = moment.local(timed(value)?).date();
                Ok(wanted.day(moment) == Some(day))
            }
            Question::Last(span) => {
                let (time, now) = (timed(value)?, moment.utc());
                let from = now.and_then(|now| moment.shift(now, *span, true));
                Ok(from.is_some_and(|from| time >= from) && now.is_some_and(|now| time <= now))
            }
            Question::Next(span) => {
                let (time, now) = (timed(value)?, moment.utc());
                let to = now.and_then(|now| moment.shift(now, *span, false));
                Ok(to.is_some_and(|to| time <= to) && now.is_some_and(|now| time >= now))
            }
            Question::Weekdays(days) => {
                let day = moment.local(timed(value)?).weekday().num_days_from_monday();
                let place = usize::try_from(day).unwrap_or_default();
                Ok(days.get(place).copied().unwrap_or_default())
            }
            Question::Hours(from, to) => {
                let hour = moment.local(timed(value)?).time();
                Ok(if from < to { (*from..*to).contains(&hour) } else { hour >= *from || hour < *to })
            }
            Question::Networks(networks) => {
                let text = value.as_str().ok_or(Flaw::NotAnAddress)?;
                let address: IpAddr = text.parse().map_err(|_| Flaw::NotAnAddress)?;
                Ok(networks.iter().any(|network| network.contains(&address)))
            }
        }
    }

    fn contains(&self, value: &Value, wanted: &Value) -> Answer {
        match (value, wanted) {
            (Value::String(text), Value::String(part)) => Ok(if self.ignore_case {
                folded(text).contains(&*folded(part))
            } else {
                text.contains(part.as_str())
            }),
            (Value::Array(items), wanted) => Ok(one_of(wanted, items, self.ignore_case)),
            _ => Err(Flaw::NotAContainer),
        }
    }

    fn texts(&self, value: &Value, wanted: &Value, holds: impl Fn(&str, &str) -> bool) -> Answer {
        let text = value.as_str().ok_or(Flaw::NotAText)?;
        let wanted = wanted.as_str().ok_or(Flaw::WantedUnfit)?;
        Ok(if self.ignore_case { holds(&folded(text), &folded(wanted)) } else { holds(text, wanted) })
    }

    /// Whether a field changed as wanted.
    fn changed(&self, old: &Value, new: &Value) -> bool {
        match &self.question {
            Question::Change { from, to } => {
                let meets = |wanted: &Option<Value>, value: &Value| {
                    wanted.as_ref().is_none_or(|wanted| same_but(value, wanted, self.ignore_case))
                };
                !same_but(old, new, self.ignore_case) && meets(from, old) && meets(to, new)
            }
            Question::Moved { up, by } => {
                let (from, to) = if *up { (old, new) } else { (new, old) };
                let (Some(low), Some(high)) = (Decimal::of(from), Decimal::of(to)) else { return false };
                match by.as_ref().and_then(amount) {
                    None => high.compare(&low).is_gt(),
                    Some(by) => {
                        let moved = amount(to).zip(amount(from)).and_then(|(to, from)| to.checked_sub(from));
                        high.compare(&low).is_gt() && moved.is_some_and(|moved| moved >= by)
                    }
                }
            }
            _ => false,
        }
    }
}

/// A number as one can compute with it: 28 digits.
fn amount(value: &Value) -> Option<Amount> {
    Decimal::of(value)?.amount()
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

fn fixed<'a>(wanted: &'a Operand<Value>, against: Option<&'a Value>) -> Result<&'a Value, Flaw> {
    match wanted {
        Operand::Fixed(value) => Ok(value),
        Operand::Field(_) => against.ok_or(Flaw::NothingWanted),
    }
}

fn listed<'a>(wanted: &'a Operand<Vec<Value>>, against: Option<&'a Value>) -> Result<&'a [Value], Flaw> {
    match wanted {
        Operand::Fixed(choices) => Ok(choices),
        Operand::Field(_) => against.and_then(Value::as_array).map(Vec::as_slice).ok_or(Flaw::WantedUnfit),
    }
}

fn time(value: &Value, view: View<'_>) -> Option<DateTime<Utc>> {
    view.facts.moment().read(value.as_str()?)
}

fn wanted_time(
    wanted: &Operand<When>,
    against: Option<&Value>,
    view: View<'_>,
) -> Result<DateTime<Utc>, Flaw> {
    match wanted {
        Operand::Fixed(when) => when.utc(view.facts.moment()).ok_or(Flaw::WantedUnfit),
        Operand::Field(_) => against.and_then(|value| time(value, view)).ok_or(Flaw::WantedUnfit),
    }
}
