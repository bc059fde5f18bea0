//! Can an expression be asked at all? Its names are settled against what the vocabulary knows, its kinds against each other, and
//! what it costs at most is added up.

use super::{
    operation,
    program::{Act, Node},
    run::KEYS,
    shape::{ANYTHING, Lens, Shape},
    syntax::{Form, Operator, Part},
    token::Slip,
    value::cut,
};
use crate::{
    Vocabulary,
    path::{FieldPath, Root},
    vocabulary::{self, Holds, nearest},
};
use std::sync::Arc;

/// What came of checking a whole expression.
pub(crate) struct Checked {
    pub(crate) root: Node,
    pub(crate) cost: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) names_record: bool,
    /// The fields that it names, but those of items.
    pub(crate) fields: Vec<FieldPath>,
}

/// Checks an expression that must be true or false.
pub(crate) fn check(
    text: &str,
    part: &Part,
    vocabulary: &Vocabulary,
    item: Option<&Holds>,
) -> Result<Checked, Slip> {
    let mut checker = Checker {
        text,
        vocabulary,
        item: item.map(Shape::of),
        widest: widest(part) / KEYS,
        variables: Vec::new(),
        warnings: Vec::new(),
        names_record: false,
        fields: Vec::new(),
    };
    let got = checker.part(part)?;
    match &got.shape {
        Shape::Truth | Shape::Anything(_) => Ok(Checked {
            root: got.node,
            cost: got.cost,
            warnings: checker.warnings,
            names_record: checker.names_record,
            fields: checker.fields.iter().filter_map(|said| said.parse().ok()).collect(),
        }),
        other => Err(Slip::new(
            part.at.0,
            format!(
                "it comes to {}, and must come to true or false: compare it with something",
                other.words()
            ),
        )),
    }
}

/// How many fields an explanation shows of an expression.
const MOST_FIELDS: usize = 10;

/// Whether a part is a path from a root, by names.
fn is_path(node: &Node) -> bool {
    match &node.act {
        Act::Root(..) => true,
        Act::Field(of, ..) => is_path(of),
        _ => false,
    }
}

/// How many keys the widest map has that an expression puts together.
fn widest(part: &Part) -> u64 {
    let all = |parts: &[Part]| parts.iter().map(widest).max().unwrap_or_default();
    match &part.form {
        Form::Null | Form::Truth(_) | Form::Number(_) | Form::Text(_) | Form::Name(_) => 0,
        Form::Field(of, _) | Form::Not(of) | Form::Minus(of) => widest(of),
        Form::Index(of, at) => widest(of).max(widest(at)),
        Form::Call { on, with, .. } => all(with).max(on.as_ref().map_or(0, |on| widest(on))),
        Form::List(parts) | Form::All(parts) | Form::Any(parts) => all(parts),
        Form::Map(pairs) => {
            let inner = pairs.iter().map(|(_, value)| widest(value)).max().unwrap_or_default();
            inner.max(u64::try_from(pairs.len()).unwrap_or(u64::MAX))
        }
        Form::Choice(parts) => all(&**parts),
        Form::Pair(_, parts) => all(&**parts),
    }
}

/// A part that was checked: what is to be done, what it comes to, and what it costs at most.
pub(crate) struct Got {
    pub(crate) node: Node,
    pub(crate) shape: Shape,
    pub(crate) cost: u64,
}

pub(crate) struct Checker<'v> {
    pub(crate) text: &'v str,
    vocabulary: &'v Vocabulary,
    /// What the items hold that the conditions around the expression are about.
    item: Option<Shape>,
    /// What looking into the widest map costs that the expression puts together.
    widest: u64,
    /// The names that macros give to items, with what these are, the innermost last.
    pub(crate) variables: Vec<(String, Shape)>,
    warnings: Vec<String>,
    names_record: bool,
    /// The paths that it names, as they are written.
    fields: Vec<String>,
}

impl Got {
    pub(crate) fn new(act: Act, part: &Part, shape: Shape, cost: u64) -> Self {
        Self { node: Node { act, at: part.at }, shape, cost: cost.saturating_add(1) }
    }
}

impl Checker<'_> {
    /// What stands in the text there, its beginning if it is long.
    pub(crate) fn said(&self, part: &Part) -> String {
        cut(self.text.get(part.at.0..part.at.1).unwrap_or_default())
    }

    pub(crate) fn part(&mut self, part: &Part) -> Result<Got, Slip> {
        let plain = |act: Act, shape: Shape| Ok(Got::new(act, part, shape, 0));
        match &part.form {
            Form::Null => plain(Act::Null, Shape::Null),
            Form::Truth(truth) => plain(Act::Truth(*truth), Shape::Truth),
            Form::Number(number) => plain(Act::Number(*number), Shape::Number),
            Form::Text(text) => {
                let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
                plain(Act::Text(text.as_str().into()), Shape::Text(bytes))
            }
            Form::Name(name) => self.name(part, name),
            Form::Field(of, name) => {
                let of = self.part(of)?;
                self.field(part, of, name)
            }
            Form::Index(of, at) => self.index(part, of, at),
            Form::Call { on, name, with } => self.call(part, on.as_deref(), name, with),
            Form::List(parts) => self.list(part, parts),
            Form::Map(pairs) => self.map(part, pairs),
            Form::Not(inner) => {
                let inner = self.truth(inner)?;
                Ok(Got::new(Act::Not(Box::new(inner.node)), part, Shape::Truth, inner.cost))
            }
            Form::Minus(inner) => {
                let got = self.part(inner)?;
                if !matches!(got.shape, Shape::Number | Shape::Anything(_)) {
                    let what = format!("- takes a number, and {} is {}", self.said(inner), got.shape.words());
                    return Err(Slip::new(part.at.0, what));
                }
                Ok(Got::new(Act::Minus(Box::new(got.node)), part, Shape::Number, got.cost))
            }
            Form::All(parts) => self.joined(part, parts, Act::All),
            Form::Any(parts) => self.joined(part, parts, Act::Any),
            Form::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                let condition = self.truth(condition)?;
                let (then, otherwise) = (self.part(then)?, self.part(otherwise)?);
                let cost = condition.cost.saturating_add(then.cost.max(otherwise.cost));
                let shape = then.shape.or(&otherwise.shape);
                let parts = Box::new([condition.node, then.node, otherwise.node]);
                Ok(Got::new(Act::Choice(parts), part, shape, cost))
            }
            Form::Pair(operator, parts) => self.pair(part, *operator, parts),
        }
    }

    /// A part that must be true or false.
    pub(crate) fn truth(&mut self, part: &Part) -> Result<Got, Slip> {
        let got = self.part(part)?;
        match &got.shape {
            Shape::Truth | Shape::Anything(_) => Ok(got),
            other => Err(Slip::new(
                part.at.0,
                format!("{} is {}, and must be true or false", self.said(part), other.words()),
            )),
        }
    }

    fn joined(&mut self, part: &Part, parts: &[Part], act: fn(Box<[Node]>) -> Act) -> Result<Got, Slip> {
        let mut cost: u64 = 0;
        let mut nodes = Vec::with_capacity(parts.len());
        for inner in parts {
            let got = self.truth(inner)?;
            cost = cost.saturating_add(got.cost);
            nodes.push(got.node);
        }
        Ok(Got::new(act(nodes.into()), part, Shape::Truth, cost))
    }

    fn list(&mut self, part: &Part, parts: &[Part]) -> Result<Got, Slip> {
        let mut cost: u64 = 0;
        let mut nodes = Vec::with_capacity(parts.len());
        let mut item: Option<Shape> = None;
        for inner in parts {
            let got = self.part(inner)?;
            cost = cost.saturating_add(got.cost);
            item = Some(item.map_or_else(|| got.shape.clone(), |item| item.or(&got.shape)));
            nodes.push(got.node);
        }
        let count = u64::try_from(parts.len()).unwrap_or(u64::MAX);
        let shape = Shape::List(Arc::new(item.unwrap_or(Shape::Anything(0))), count);
        Ok(Got::new(Act::List(nodes.into()), part, shape, cost))
    }

    fn map(&mut self, part: &Part, pairs: &[(Part, Part)]) -> Result<Got, Slip> {
        let mut cost: u64 = 0;
        let mut nodes = Vec::with_capacity(pairs.len());
        let mut pair: Option<(Shape, Shape)> = None;
        for (place, (key, value)) in pairs.iter().enumerate() {
            if !matches!(key.form, Form::Text(_) | Form::Number(_) | Form::Truth(_)) {
                let what = "a key of a map is written out: a text, a number, true or false";
                return Err(Slip::new(key.at.0, what));
            }
            if pairs.iter().take(place).any(|(known, _)| known.form == key.form) {
                return Err(Slip::new(key.at.0, format!("the key {} stands in a map twice", self.said(key))));
            }
            let (key, value) = (self.part(key)?, self.part(value)?);
            cost = cost.saturating_add(key.cost).saturating_add(value.cost);
            pair = Some(match pair {
                Some(pair) => (pair.0.or(&key.shape), pair.1.or(&value.shape)),
                None => (key.shape, value.shape),
            });
            nodes.push((key.node, value.node));
        }
        let count = u64::try_from(pairs.len()).unwrap_or(u64::MAX);
        let pair = pair.unwrap_or((Shape::Anything(0), Shape::Anything(0)));
        Ok(Got::new(Act::Map(nodes.into()), part, Shape::Map(Arc::new(pair), count), cost))
    }

    fn pair(&mut self, part: &Part, operator: Operator, parts: &[Part; 2]) -> Result<Got, Slip> {
        let [left, right] = parts;
        let (left, right) = (self.part(left)?, self.part(right)?);
        let Some(shape) = operation::gives(operator, &left.shape, &right.shape) else {
            return Err(Slip::new(part.at.0, self.unfit(part, operator, &left.shape, &right.shape)));
        };
        let own = operation::costs(operator, &left.shape, &right.shape, self.widest);
        let cost = left.cost.saturating_add(right.cost).saturating_add(own);
        Ok(Got::new(Act::Pair(operator, Box::new([left.node, right.node])), part, shape, cost))
    }

    /// Two parts are of kinds that do not fit.
    fn unfit(&self, part: &Part, operator: Operator, left: &Shape, right: &Shape) -> String {
        let hint = match (left, right) {
            (Shape::Number, Shape::Text(_)) | (Shape::Text(_), Shape::Number) => {
                ": decimal() makes a number of a text"
            }
            (Shape::Time, Shape::Text(_)) | (Shape::Text(_), Shape::Time) => {
                ": timestamp() makes a timestamp of a text"
            }
            _ => "",
        };
        let (said, left, right) = (self.said(part), left.words(), right.words());
        match operator {
            Operator::Equal | Operator::Unequal => {
                format!("{said} compares {left} with {right}, which are never the same{hint}")
            }
            Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
                format!("{said} compares {left} with {right}, which have no order{hint}")
            }
            Operator::In => format!("{said} looks for {left} in {right}, which cannot hold it"),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder => {
                format!("{said} takes {left} {} {right}, which do not go together{hint}", operator.sign())
            }
        }
    }

    fn name(&mut self, part: &Part, name: &str) -> Result<Got, Slip> {
        if let Some(place) = self.variables.iter().rposition(|(known, _)| known == name) {
            let shape = self.variables.get(place).map_or(ANYTHING, |(_, shape)| shape.clone());
            return Ok(Got::new(Act::Variable(place), part, shape, 0));
        }
        let (root, shape) = match name {
            "now" => return Ok(Got::new(Act::Now, part, Shape::Time, 0)),
            "zone" => return Ok(Got::new(Act::Zone, part, Shape::Text(64), 0)),
            "data" => (Root::Data, Some(Shape::of(self.vocabulary.data()))),
            "record" => {
                self.names_record = true;
                (Root::Record, self.vocabulary.record().map(Shape::of))
            }
            "event" => (Root::Event, Some(Shape::Object(Arc::new(vocabulary::event_fields())))),
            "item" => (Root::Item, self.item.clone()),
            _ => {
                let data = Shape::of(self.vocabulary.data());
                let root = Got::new(Act::Root(Root::Data, Lens::of(&data)), part, data, 1);
                return self.field(part, root, name);
            }
        };
        let Some(shape) = shape else {
            let what = if root == Root::Item {
                "names an item, but stands in no group over the items of a list"
            } else {
                "names a record, but the events of this trigger are about none"
            };
            return Err(Slip::new(part.at.0, what));
        };
        let cost = operation::reading(&shape);
        Ok(Got::new(Act::Root(root, Lens::of(&shape)), part, shape, cost))
    }

    fn field(&mut self, part: &Part, of: Got, name: &str) -> Result<Got, Slip> {
        let shape = match &of.shape {
            Shape::Anything(bytes) => Shape::Anything(*bytes),
            Shape::Map(pair, _) => pair.1.clone(),
            Shape::Object(fields) => match fields.named.get(name) {
                Some(holds) => Shape::of(holds),
                None => {
                    let near = nearest(name, fields.named.keys());
                    self.unknown(part, name, fields.open, near.as_deref())?;
                    ANYTHING
                }
            },
            other => {
                let what =
                    format!("{} has no field {name}: it is {}", self.before(part, name), other.words());
                return Err(Slip::new(part.at.0, what));
            }
        };
        let own = operation::reading(&shape).saturating_add(match &of.shape {
            Shape::Anything(_) | Shape::Map(..) => self.widest,
            _ => 0,
        });
        let cost = of.cost.saturating_add(own);
        let lens = Lens::of(&shape);
        if is_path(&of.node) {
            self.note(part);
        }
        Ok(Got::new(Act::Field(Box::new(of.node), name.into(), lens), part, shape, cost))
    }

    /// Notes a field for explanations, in place of the one that it is below.
    fn note(&mut self, part: &Part) {
        let said = self.text.get(part.at.0..part.at.1).unwrap_or_default().to_owned();
        if let Form::Field(of, _) = &part.form {
            let above = self.text.get(of.at.0..of.at.1).unwrap_or_default();
            if self.fields.last().is_some_and(|last| last == above) {
                self.fields.pop();
            }
        }
        if !self.fields.contains(&said) && self.fields.len() < MOST_FIELDS {
            self.fields.push(said);
        }
    }

    /// What stands before the last field of a part.
    fn before(&self, part: &Part, name: &str) -> String {
        match &part.form {
            Form::Field(of, _) | Form::Index(of, _) => self.said(of),
            _ => name.to_owned(),
        }
    }

    /// A name that the schema does not know.
    fn unknown(&mut self, part: &Part, name: &str, open: bool, near: Option<&str>) -> Result<(), Slip> {
        let said = self.said(part);
        let is_bare = matches!(part.form, Form::Name(_));
        let meant = match near {
            Some(near) => format!(": is {near} meant?"),
            None if is_bare && super::function::KNOWN.iter().any(|known| known.name == name) => {
                format!(": {name} is a function, {name}(…)")
            }
            None if is_bare && super::call::KINDS.contains(&name) => {
                ": type() comes to a text, such as \"string\"".to_owned()
            }
            None => String::new(),
        };
        if !open {
            let what = format!("{said} cannot be there by the schema of the trigger{meant}");
            return Err(Slip::new(part.at.0, what));
        }
        let warning = format!("names {said}, which is not in the schema of the trigger{meant}");
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
        Ok(())
    }

    fn index(&mut self, part: &Part, of_part: &Part, at_part: &Part) -> Result<Got, Slip> {
        let of = self.part(of_part)?;
        // A key that is written out is a field like any other.
        if let (Form::Text(name), Shape::Object(_)) = (&at_part.form, &of.shape) {
            return self.field(part, of, name);
        }
        let at = self.part(at_part)?;
        let number = Shape::Number;
        let text = Shape::Text(0);
        let (shape, fits) = match &of.shape {
            Shape::Anything(bytes) => {
                (Shape::Anything(*bytes), at.shape.may_be(&number) || at.shape.may_be(&text))
            }
            Shape::List(item, _) => ((**item).clone(), at.shape.may_be(&number)),
            Shape::Object(_) => (ANYTHING, at.shape.may_be(&text)),
            Shape::Map(pair, _) => (pair.1.clone(), at.shape.may_be(&pair.0)),
            other => {
                let what = format!("{} is {}, and has no items", self.said(of_part), other.words());
                return Err(Slip::new(part.at.0, what));
            }
        };
        if !fits {
            let what = format!(
                "{} is {}, which is no place in {}",
                self.said(at_part),
                at.shape.words(),
                of.shape.words()
            );
            return Err(Slip::new(at_part.at.0, what));
        }
        let cost = of.cost.saturating_add(at.cost).saturating_add(operation::reading(&shape));
        let cost = cost.saturating_add(self.widest);
        let lens = Lens::of(&shape);
        Ok(Got::new(Act::Index(Box::new([of.node, at.node]), lens), part, shape, cost))
    }
}
