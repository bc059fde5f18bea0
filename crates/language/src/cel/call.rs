//! Which call does an expression make? Functions by their table, macros over the items of a list, and what can be settled when
//! the expression is read: patterns, times, durations and zones that it writes out.

use super::{
    calendar::{Zone, read_span},
    check::{Checker, Got},
    function::{Function, KNOWN, Known, Style},
    operation,
    program::{Act, Each, Macro, Node},
    shape::Shape,
    syntax::{Form, Part},
    token::Slip,
    value::cut,
};
use crate::{
    cost::{self, TIME},
    moment::When,
    question::{LONGEST_PATTERN, compiled},
    vocabulary::nearest,
};

/// The names of kinds in CEL, which are values there and none here.
pub(crate) const KINDS: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// The macros, by name and count of what they take.
const MACROS: &[(&str, usize, Macro)] = &[
    ("all", 2, Macro::All),
    ("exists", 2, Macro::Exists),
    ("exists_one", 2, Macro::ExistsOne),
    ("existsOne", 2, Macro::ExistsOne),
    ("filter", 2, Macro::Filter),
    ("map", 2, Macro::Map),
    ("map", 3, Macro::Map),
];

impl Checker<'_> {
    pub(crate) fn call(
        &mut self,
        part: &Part,
        on: Option<&Part>,
        name: &str,
        with: &[Part],
    ) -> Result<Got, Slip> {
        if on.is_none() && name == "has" {
            return self.has(part, with);
        }
        if let Some(on) = on {
            let known = |with: &[Part]| {
                MACROS.iter().find(|(known, count, _)| *known == name && *count == with.len())
            };
            match (known(with), with) {
                (Some((_, _, what)), [variable, body]) => {
                    return self.each(part, *what, on, variable, (None, body));
                }
                (Some((_, _, what)), [variable, only, body]) => {
                    return self.each(part, *what, on, variable, (Some(only), body));
                }
                _ if MACROS.iter().any(|(known, ..)| *known == name) => {
                    let what = format!("{name}() takes a name and what is asked of each: items.{name}(i, …)");
                    return Err(Slip::new(part.at.0, what));
                }
                _ => {}
            }
        }
        // A namespace stands before a function as if it were called on it.
        if let Some(Part { form: Form::Name(space), .. }) = on
            && space == "math"
            && !self.variables.iter().any(|(known, _)| known == space)
        {
            return self.function(part, &format!("math.{name}"), None, with);
        }
        if name == "matches" {
            return match (on, with) {
                (Some(of), [pattern]) | (None, [of, pattern]) => self.matches(part, of, pattern),
                _ => Err(Slip::new(part.at.0, "matches() takes a pattern: text.matches(\"^A\")")),
            };
        }
        self.function(part, name, on, with)
    }

    /// `has(a.b)`: whether a path leads to something.
    fn has(&mut self, part: &Part, with: &[Part]) -> Result<Got, Slip> {
        let [path] = with else {
            return Err(Slip::new(part.at.0, "has() takes one path: has(contact.email)"));
        };
        if !matches!(path.form, Form::Name(_) | Form::Field(..) | Form::Index(..)) {
            let what = format!("has() takes a path such as contact.email, and {} is none", self.said(path));
            return Err(Slip::new(path.at.0, what));
        }
        let path = self.part(path)?;
        Ok(Got::new(Act::Has(Box::new(path.node)), part, Shape::Truth, path.cost))
    }

    fn matches(&mut self, part: &Part, of: &Part, pattern: &Part) -> Result<Got, Slip> {
        let Form::Text(text) = &pattern.form else {
            let what = "a pattern is written out, so that it can be checked: text.matches(\"^A\")";
            return Err(Slip::new(pattern.at.0, what));
        };
        if text.chars().count() > LONGEST_PATTERN {
            let what = format!("a pattern has at most {LONGEST_PATTERN} characters");
            return Err(Slip::new(pattern.at.0, what));
        }
        let (pattern, weight) = compiled(text, false)
            .map_err(|why| Slip::new(pattern.at.0, format!("{} {why}", self.said(pattern))))?;
        let got = self.part(of)?;
        let (Shape::Text(bytes) | Shape::Anything(bytes)) = got.shape else {
            let what = format!("matches() looks into a text, and {} is {}", self.said(of), got.shape.words());
            return Err(Slip::new(of.at.0, what));
        };
        let cost = got.cost.saturating_add(cost::search(bytes, weight));
        Ok(Got::new(Act::Matches(Box::new(got.node), pattern, weight), part, Shape::Truth, cost))
    }

    fn each(
        &mut self,
        part: &Part,
        what: Macro,
        on: &Part,
        variable: &Part,
        (only, body): (Option<&Part>, &Part),
    ) -> Result<Got, Slip> {
        let Form::Name(name) = &variable.form else {
            let what = format!("a name for the item is missing, and {} is none", self.said(variable));
            return Err(Slip::new(variable.at.0, what));
        };
        let list = self.part(on)?;
        let Some((item, count)) = list.shape.items() else {
            let what = format!("{} is {}, and neither a list nor a map", self.said(on), list.shape.words());
            return Err(Slip::new(on.at.0, what));
        };
        self.variables.push((name.clone(), item.clone()));
        let only = only.map(|only| self.truth(only)).transpose()?;
        let body = if what == Macro::Map { self.part(body)? } else { self.truth(body)? };
        self.variables.pop();
        let shape = match what {
            Macro::All | Macro::Exists | Macro::ExistsOne => Shape::Truth,
            Macro::Map => Shape::List(body.shape.clone().into(), count),
            Macro::Filter => Shape::List(item.clone().into(), count),
        };
        // A map is looked at by its keys, which are gathered first.
        let gathering = if matches!(list.shape, Shape::List(..)) { 0 } else { 1 };
        let each = body
            .cost
            .saturating_add(only.as_ref().map_or(0, |only| only.cost))
            .saturating_add(operation::reading(&item))
            .saturating_add(1 + gathering);
        let cost = list.cost.saturating_add(each.saturating_mul(count));
        let act = Each { what, list: list.node, only: only.map(|only| only.node), body: body.node };
        Ok(Got::new(Act::Each(Box::new(act)), part, shape, cost))
    }

    fn function(&mut self, part: &Part, name: &str, on: Option<&Part>, with: &[Part]) -> Result<Got, Slip> {
        let style = if on.is_some() { Style::Member } else { Style::Free };
        let fits = |known: &&Known| known.style == style || known.style == Style::Both;
        let Some(known) = KNOWN.iter().filter(fits).find(|known| known.name == name) else {
            return Err(Slip::new(part.at.0, unknown(name, style)));
        };
        let parts: Vec<&Part> = on.into_iter().chain(with).collect();
        let most = if known.any_number { usize::MAX } else { known.takes.len() };
        if !(known.least..=most).contains(&parts.len()) {
            let own = usize::from(on.is_some());
            let (least, most) = (known.least.saturating_sub(own), most.saturating_sub(own));
            let many = if known.any_number {
                "one value or more".to_owned()
            } else if least == most {
                least.to_string()
            } else {
                format!("{least} to {most}")
            };
            let what = format!("{name}() takes {many} in its brackets, and here are {}", with.len());
            return Err(Slip::new(part.at.0, what));
        }
        if let Some(settled) = self.settled(part, known.function, &parts)? {
            return Ok(settled);
        }
        let (nodes, shapes, cost) = self.taken(known, &parts)?;
        let cost = cost.saturating_add(known.function.costs(&shapes));
        let shape = known.function.gives(&shapes);
        Ok(Got::new(Act::Call(known.function, nodes.into()), part, shape, cost))
    }

    /// What a function is given, checked against what it takes.
    fn taken(&mut self, known: &Known, parts: &[&Part]) -> Result<(Vec<Node>, Vec<Shape>, u64), Slip> {
        let (mut nodes, mut shapes, mut cost) = (Vec::new(), Vec::new(), 0_u64);
        for (place, given) in parts.iter().enumerate() {
            let got = self.part(given)?;
            let wants = known.takes.get(place).or(known.takes.last());
            if let Some(wants) = wants.filter(|wants| !wants.takes(&got.shape)) {
                let what = format!(
                    "{}() takes {}, and {} is {}",
                    known.name,
                    wants.words(),
                    self.said(given),
                    got.shape.words()
                );
                return Err(Slip::new(given.at.0, what));
            }
            cost = cost.saturating_add(got.cost);
            nodes.push(got.node);
            shapes.push(got.shape);
        }
        Ok((nodes, shapes, cost))
    }

    /// A time, a duration or a zone that the expression writes out is read now, so that a wrong one is told now.
    fn settled(&self, part: &Part, function: Function, parts: &[&Part]) -> Result<Option<Got>, Slip> {
        let written = |place: usize| match parts.get(place).map(|part| &part.form) {
            Some(Form::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let refused = |what: String| Err(Slip::new(part.at.0, what));
        match (function, written(0), written(1)) {
            (Function::ToTime, Some(text), _) => match text.parse::<When>() {
                Ok(when) => Ok(Some(Got::new(Act::When(when), part, Shape::Time, TIME))),
                Err(error) => refused(format!("what timestamp() takes {error}")),
            },
            (Function::ToSpan, Some(text), _) => match read_span(text) {
                Some(span) => Ok(Some(Got::new(Act::Span(span), part, Shape::Span, 0))),
                None => refused(
                    "what duration() takes must be a span such as \"1h30m\" or \"P7D\": h, m, s and ms, or ISO 8601 without \
                     months and years"
                        .to_owned(),
                ),
            },
            (Function::Clock(_), _, Some(zone)) if Zone::read(zone).is_none() => {
                refused(format!("{zone:?} is no time zone: name one as Europe/Berlin, or an offset as +02:00"))
            }
            _ => Ok(None),
        }
    }
}

/// What to say of a function that is not there.
fn unknown(name: &str, style: Style) -> String {
    let others = KNOWN.iter().find(|known| known.name == name);
    if let Some(other) = others {
        return match other.style {
            Style::Member => format!("{name}() is called on a value: value.{name}(…)"),
            Style::Free | Style::Both => format!("{name}() is not called on a value: {name}(value)"),
        };
    }
    let mut names: Vec<&str> = KNOWN
        .iter()
        .filter(|known| known.style == style || known.style == Style::Both)
        .map(|known| known.name)
        .collect();
    if style == Style::Member {
        names.extend(["matches", "all", "exists", "exists_one", "filter", "map"]);
    } else {
        names.push("has");
    }
    let boxed: Vec<Box<str>> = names.iter().map(|name| (*name).into()).collect();
    let near = nearest(name, boxed.iter()).map(|near| format!(": {near}() may be meant")).unwrap_or_default();
    format!("{}() is not known{near}; known are {}", cut(name), names.join(", "))
}
