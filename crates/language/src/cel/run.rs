//! What does an expression come to for these facts? Every step is counted, and a step that cannot be done is a fault in words.

use super::{
    function,
    program::{Act, Answer, Each, Macro, Node},
    shape::Lens,
    sum,
    syntax::Operator,
    value::{List, Map, Number, Text, Val, cut, order, place, same},
};
use crate::{
    Moment,
    cost::{self, Meter, Spent},
    path::View,
};

/// Why there is no value.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The budget is spent.
    Spent,
    /// It cannot be done: why, as a sentence without its end.
    Fault(String),
}

impl From<Spent> for Stop {
    fn from(Spent: Spent) -> Self {
        Self::Spent
    }
}

/// What came of a step.
pub(crate) type Came<'a> = Result<Val<'a>, Stop>;

pub(crate) fn fault<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fault(why.into()))
}

/// Whether the expression is true.
pub(crate) fn answer<'a>(
    root: &'a Node,
    text: &'a str,
    view: View<'a>,
    meter: &mut Meter,
) -> Result<Answer, Spent> {
    let mut run = Run { view, text, meter, variables: Vec::new() };
    match run.value(root) {
        Ok(Val::Truth(truth)) => Ok(Ok(truth)),
        Ok(other) => {
            Ok(Err(format!("it comes to {} ({}), and not to true or false", other.shown(), other.words())))
        }
        Err(Stop::Fault(why)) => Ok(Err(why)),
        Err(Stop::Spent) => Err(Spent),
    }
}

pub(crate) struct Run<'r, 'a> {
    view: View<'a>,
    text: &'a str,
    meter: &'r mut Meter,
    variables: Vec<Val<'a>>,
}

/// How many keys of a map that an expression wrote are looked through for one unit.
pub(crate) const KEYS: u64 = 8;

/// How many units a length is, at so many bytes a unit.
pub(crate) fn units(bytes: usize, each: u64) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX) / each
}

impl<'a> Run<'_, 'a> {
    pub(crate) fn spend(&mut self, units: u64) -> Result<(), Stop> {
        Ok(self.meter.spend(units)?)
    }

    pub(crate) fn moment(&self) -> &'a Moment {
        self.view.facts.moment()
    }

    /// What stands in the text there.
    fn said(&self, node: &Node) -> String {
        cut(self.text.get(node.at.0..node.at.1).unwrap_or_default())
    }

    pub(crate) fn value(&mut self, node: &'a Node) -> Came<'a> {
        self.spend(1)?;
        match &node.act {
            Act::Null => Ok(Val::Null),
            Act::Truth(truth) => Ok(Val::Truth(*truth)),
            Act::Number(amount) => Ok(Val::number(*amount)),
            Act::Text(text) => Ok(Val::Text(Text::Sent(text))),
            Act::Span(span) => Ok(Val::Span(*span)),
            Act::When(when) => self.when(when),
            Act::Now => match self.moment().utc() {
                Some(now) => Ok(Val::Time(now)),
                None => fault("now is beyond the calendar"),
            },
            Act::Zone => Ok(Val::Text(Text::Sent(self.moment().zone.name()))),
            Act::Variable(place) => match self.variables.get(*place) {
                Some(value) => Ok(value.clone()),
                None => fault(format!("{} has no value here", self.said(node))),
            },
            Act::Root(..) => match self.root(node)? {
                Some(value) => Ok(value),
                None => fault(format!("there is no {}", self.said(node))),
            },
            Act::Field(of, name, lens) => self.field(node, of, name, lens),
            Act::Index(parts, lens) => self.index(node, parts, lens),
            Act::Has(path) => Ok(Val::Truth(self.found(path)?.is_some())),
            Act::List(items) => {
                let items: Result<Vec<_>, Stop> = items.iter().map(|item| self.value(item)).collect();
                Ok(Val::List(List::Made(items?.into())))
            }
            Act::Map(pairs) => self.map(pairs),
            Act::Not(inner) => Ok(Val::Truth(!self.truth(inner)?)),
            Act::Minus(inner) => sum::negated(self.value(inner)?),
            Act::All(parts) => self.joined(parts, false),
            Act::Any(parts) => self.joined(parts, true),
            Act::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                if self.truth(condition)? { self.value(then) } else { self.value(otherwise) }
            }
            Act::Pair(operator, parts) => self.pair(node, *operator, parts),
            Act::Call(function, with) => {
                let with: Result<Vec<_>, Stop> = with.iter().map(|part| self.value(part)).collect();
                function::call(*function, &with?, self)
            }
            Act::Matches(of, pattern, weight) => match self.value(of)? {
                Val::Text(text) => {
                    self.spend(cost::search(units(text.len(), 1), *weight))?;
                    Ok(Val::Truth(pattern.is_match(&text)))
                }
                other => fault(format!("matches() looks into a text, and {} is none", other.shown())),
            },
            Act::Each(each) => self.each(each),
        }
    }

    fn when(&mut self, when: &crate::moment::When) -> Came<'a> {
        self.spend(cost::TIME)?;
        match when.utc(self.moment()) {
            Some(time) => Ok(Val::Time(time)),
            None => fault("a time is beyond the calendar"),
        }
    }

    /// A value of JSON, and what reading it costs: a number or a time is looked at whole.
    fn read(&mut self, value: &'a serde_json::Value, lens: &'a Lens) -> Came<'a> {
        use serde_json::Value;
        match (value, lens) {
            (Value::Number(number), _) => self.spend(units(number.as_str().len(), 64))?,
            (Value::String(text), Lens::Number) => self.spend(units(text.len(), 64))?,
            (Value::String(_), Lens::Time) => self.spend(cost::TIME)?,
            _ => {}
        }
        Ok(Val::read(value, lens, self.moment()))
    }

    /// An item of a list.
    pub(crate) fn item(&mut self, list: &List<'a>, place: usize) -> Result<Option<Val<'a>>, Stop> {
        match (list, list.sent(place)) {
            (List::Sent(_, lens), Some(value)) => self.read(value, lens.inner()).map(Some),
            _ => Ok(list.get(place, self.moment())),
        }
    }

    fn root(&mut self, node: &'a Node) -> Result<Option<Val<'a>>, Stop> {
        let Act::Root(root, lens) = &node.act else { return Ok(None) };
        match self.view.root(*root) {
            Some(value) => self.read(value, lens).map(Some),
            None => Ok(None),
        }
    }

    fn field(&mut self, node: &'a Node, of: &'a Node, name: &'a str, lens: &'a Lens) -> Came<'a> {
        match self.value(of)? {
            Val::Map(map) => match self.entry(&map, Val::Text(Text::Sent(name)), lens)? {
                Some(value) => Ok(value),
                None => fault(format!("{} is not there", self.said(node))),
            },
            other => fault(format!("{} is {}, and has no field {name}", self.said(of), other.shown())),
        }
    }

    /// What stands under a key of a map.
    fn entry(&mut self, map: &Map<'a>, key: Val<'a>, lens: &'a Lens) -> Result<Option<Val<'a>>, Stop> {
        match (map, &key) {
            (Map::Sent(fields), Val::Text(name)) => match fields.get(&**name) {
                Some(value) => self.read(value, lens).map(Some),
                None => Ok(None),
            },
            (Map::Sent(_), _) => Ok(None),
            // Its keys stand in the expression, so they are short.
            (Map::Made(pairs), key) => {
                self.spend(units(pairs.len(), KEYS))?;
                Ok(map.get(key, lens, self.moment()))
            }
        }
    }

    fn index(&mut self, node: &'a Node, parts: &'a [Node; 2], lens: &'a Lens) -> Came<'a> {
        let [of, at] = parts;
        let (of_value, key) = (self.value(of)?, self.value(at)?);
        match (&of_value, &key) {
            (Val::List(list), Val::Number(number)) => {
                let place = place(*number);
                match place.map(|place| self.item(list, place)).transpose()?.flatten() {
                    Some(value) => Ok(value),
                    None => fault(format!("{} has no item {}", self.said(of), key.shown())),
                }
            }
            (Val::Map(map), _) => match self.entry(map, key.clone(), lens)? {
                Some(value) => Ok(value),
                None => fault(format!("{} is not there: no key {}", self.said(node), key.shown())),
            },
            (other, key) => {
                fault(format!("{} is {}, and has nothing at {}", self.said(of), other.shown(), key.shown()))
            }
        }
    }

    /// What a path leads to, if it leads anywhere.
    fn found(&mut self, node: &'a Node) -> Result<Option<Val<'a>>, Stop> {
        self.spend(1)?;
        match &node.act {
            Act::Root(..) => self.root(node),
            Act::Field(of, name, lens) => match self.found(of)? {
                Some(Val::Map(map)) => self.entry(&map, Val::Text(Text::Sent(name)), lens),
                Some(_) | None => Ok(None),
            },
            Act::Index(parts, lens) => {
                let [of, at] = &**parts;
                let found = self.found(of)?;
                let key = self.value(at)?;
                match (found, &key) {
                    (Some(Val::List(list)), Val::Number(number)) => {
                        Ok(place(*number).map(|place| self.item(&list, place)).transpose()?.flatten())
                    }
                    (Some(Val::Map(map)), _) => self.entry(&map, key, lens),
                    (Some(_) | None, _) => Ok(None),
                }
            }
            _ => self.value(node).map(Some),
        }
    }

    fn map(&mut self, nodes: &'a [(Node, Node)]) -> Came<'a> {
        let mut pairs: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(nodes.len());
        for (key, value) in nodes {
            pairs.push((self.value(key)?, self.value(value)?));
        }
        Ok(Val::Map(Map::Made(pairs.into())))
    }

    fn truth(&mut self, node: &'a Node) -> Result<bool, Stop> {
        match self.value(node)? {
            Val::Truth(truth) => Ok(truth),
            other => fault(format!("{} is {}, and neither true nor false", self.said(node), other.shown())),
        }
    }

    /// Whether one of the parts is `deciding`. A fault counts only if no part decides.
    fn joined(&mut self, parts: &'a [Node], deciding: bool) -> Came<'a> {
        let mut first = None;
        for part in parts {
            match self.truth(part) {
                Ok(truth) if truth == deciding => return Ok(Val::Truth(deciding)),
                Ok(_) => {}
                Err(Stop::Spent) => return Err(Stop::Spent),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        first.map_or(Ok(Val::Truth(!deciding)), Err)
    }

    fn pair(&mut self, node: &'a Node, operator: Operator, parts: &'a [Node; 2]) -> Came<'a> {
        let [left, right] = parts;
        let (left, right) = (self.value(left)?, self.value(right)?);
        match operator {
            Operator::Equal => Ok(Val::Truth(self.equal(&left, &right)?)),
            Operator::Unequal => Ok(Val::Truth(!self.equal(&left, &right)?)),
            Operator::In => self.is_in(&left, &right),
            Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
                if let (Val::Text(left), Val::Text(right)) = (&left, &right) {
                    self.spend(units(left.len().min(right.len()), 64))?;
                }
                let Some(compared) = order(&left, &right) else {
                    return self.unfit(node, "compares", &left, "with", &right);
                };
                Ok(Val::Truth(match operator {
                    Operator::Below => compared.is_lt(),
                    Operator::AtMost => compared.is_le(),
                    Operator::Above => compared.is_gt(),
                    _ => compared.is_ge(),
                }))
            }
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder => match sum::of(operator, &left, &right, self)? {
                Some(value) => Ok(value),
                None => self.unfit(node, "takes", &left, operator.sign(), &right),
            },
        }
    }

    /// Two values are of kinds that do not fit.
    fn unfit(&self, node: &Node, does: &str, left: &Val<'a>, with: &str, right: &Val<'a>) -> Came<'a> {
        let hint = match (left, right) {
            (Val::Number(_), Val::Text(_)) | (Val::Text(_), Val::Number(_)) => {
                ": decimal() makes a number of a text"
            }
            (Val::Time(_), Val::Text(_)) | (Val::Text(_), Val::Time(_)) => {
                ": timestamp() makes a timestamp of a text"
            }
            _ => "",
        };
        fault(format!(
            "{} {does} {} ({}) {with} {} ({}){hint}",
            self.said(node),
            left.shown(),
            left.words(),
            right.shown(),
            right.words()
        ))
    }

    /// Whether two values are the same; what looking costs is what there is to see.
    pub(crate) fn equal(&mut self, left: &Val<'a>, right: &Val<'a>) -> Result<bool, Stop> {
        let costs = match (left, right) {
            (Val::Text(left), Val::Text(right)) => units(left.len().min(right.len()), 64),
            (Val::List(_) | Val::Map(_), Val::List(_) | Val::Map(_)) => {
                cost::scan(left.size()).saturating_add(cost::scan(right.size()))
            }
            _ => 0,
        };
        self.spend(costs)?;
        Ok(same(left, right, self.moment()))
    }

    fn is_in(&mut self, value: &Val<'a>, within: &Val<'a>) -> Came<'a> {
        match within {
            Val::List(list) => {
                for place in 0..list.len() {
                    self.spend(1)?;
                    if let Some(item) = self.item(list, place)?
                        && self.equal(value, &item)?
                    {
                        return Ok(Val::Truth(true));
                    }
                }
                Ok(Val::Truth(false))
            }
            Val::Map(map) => Ok(Val::Truth(self.entry(map, value.clone(), &Lens::Plain)?.is_some())),
            other => fault(format!("in looks into a list or a map, and {} is neither", other.shown())),
        }
    }

    fn each(&mut self, each: &'a Each) -> Came<'a> {
        let list = match self.value(&each.list)? {
            Val::List(list) => list,
            Val::Map(map) => {
                self.spend(units(map.len(), 1))?;
                List::Made(map.keys().into())
            }
            other => {
                return fault(format!(
                    "{} is {}, and neither a list nor a map",
                    self.said(&each.list),
                    other.shown()
                ));
            }
        };
        let depth = self.variables.len();
        let came = self.of_each(each, &list);
        self.variables.truncate(depth);
        came
    }

    fn of_each(&mut self, each: &'a Each, list: &List<'a>) -> Came<'a> {
        let depth = self.variables.len();
        let mut made = Vec::new();
        let mut held = 0_usize;
        let mut first = None;
        for place in 0..list.len() {
            self.spend(1)?;
            let Some(item) = self.item(list, place)? else { continue };
            self.variables.truncate(depth);
            self.variables.push(item.clone());
            if let Some(only) = &each.only
                && !self.truth(only)?
            {
                continue;
            }
            match each.what {
                Macro::Map => made.push(self.value(&each.body)?),
                Macro::Filter if self.truth(&each.body)? => made.push(item),
                Macro::ExistsOne if self.truth(&each.body)? => held = held.saturating_add(1),
                Macro::Filter | Macro::ExistsOne => {}
                Macro::All | Macro::Exists => {
                    let deciding = each.what == Macro::Exists;
                    match self.truth(&each.body) {
                        Ok(truth) if truth == deciding => return Ok(Val::Truth(deciding)),
                        Ok(_) => {}
                        Err(Stop::Spent) => return Err(Stop::Spent),
                        Err(fault) => first = first.or(Some(fault)),
                    }
                }
            }
        }
        match (each.what, first) {
            (_, Some(fault)) => Err(fault),
            (Macro::Map | Macro::Filter, None) => Ok(Val::List(List::Made(made.into()))),
            (Macro::ExistsOne, None) => Ok(Val::Truth(held == 1)),
            (Macro::All, None) => Ok(Val::Truth(true)),
            (Macro::Exists, None) => Ok(Val::Truth(false)),
        }
    }
}

/// A number to compute with.
pub(crate) fn amount(number: &Number<'_>) -> Result<rust_decimal::Decimal, Stop> {
    match number {
        Number::Amount(amount) => Ok(*amount),
        Number::Long(text) => {
            fault(format!("{} has more digits than can be computed with, which are 28", cut(text)))
        }
    }
}
