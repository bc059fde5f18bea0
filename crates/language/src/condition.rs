//! When does a rule apply? A tree of conditions, read from JSON and checked once, when the rule is saved.
//!
//! A clause is `{"type", "field", "value"}`; `all` and `any` hold `conditions`, `not` holds a `condition`; `any_item`,
//! `every_item` and `no_item` name a list by `field` and hold `conditions` about `item.…`; an `expression` is CEL in `value`.

mod looks;

use crate::{
    clause::{Clause, Pair},
    cost::{self, MOST_COST},
    expression::{EXPRESSION, Expression},
    kind,
    path::FieldPath,
    value,
    vocabulary::{Holds, Known, Vocabulary},
};
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc};

/// The most conditions in a rule, groups counted.
pub const MOST_CLAUSES: usize = 50;
/// The deepest nesting of groups.
pub const DEEPEST: usize = 8;

/// One condition of the tree. It prints as what it asks alone: by that the proof tells whether two ask the same.
#[derive(Clone)]
pub(crate) struct Condition {
    /// Where it stands in the rule: `conditions[0].conditions[1]`.
    pub(crate) path: Arc<str>,
    /// What it asks.
    pub(crate) asks: Asks,
    /// What it costs at most, in units.
    pub(crate) cost: u64,
}

impl fmt::Debug for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asks.fmt(out)
    }
}

/// What a condition asks.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// That all of these hold.
    All(Group),
    /// That one of these holds.
    Any(Group),
    /// That this does not hold.
    Not(Box<Condition>),
    /// Something of the items of a list.
    Items(Items),
    /// Something of a field.
    Clause(Box<Clause>),
    /// That this is true.
    Expression(Box<Expression>),
}

/// Conditions as they were written, and the order in which they are looked at: cheap ones first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) written: Vec<Condition>,
    pub(crate) plan: Box<[usize]>,
}

/// How many items of a list must meet the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// One at least.
    Any,
    /// Each, and there is one.
    Every,
    /// None.
    No,
}

/// What is asked of the items of a list.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    pub(crate) share: Share,
    pub(crate) field: FieldPath,
    pub(crate) name: Arc<str>,
    pub(crate) of_each: Group,
}

impl Share {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Any => "any_item",
            Self::Every => "every_item",
            Self::No => "no_item",
        }
    }
}

impl Group {
    fn new(written: Vec<Condition>) -> Self {
        let mut plan: Vec<usize> = (0..written.len()).collect();
        // Where two cost the same, the one that lets fewer through comes first, and then the one that was written first.
        plan.sort_by_key(|place| written.get(*place).map(|condition| (condition.cost, condition.yields())));
        Self { written, plan: plan.into() }
    }

    /// The conditions, cheap ones first.
    pub(crate) fn planned(&self) -> impl Iterator<Item = &Condition> {
        self.plan.iter().filter_map(|place| self.written.get(*place))
    }

    fn cost(&self) -> u64 {
        self.written.iter().fold(0, |sum, condition| sum.saturating_add(condition.cost))
    }
}

impl Condition {
    /// How many events it lets through, as far as its type tells: 0 for few.
    fn yields(&self) -> u8 {
        match &self.asks {
            Asks::Clause(clause) => clause.yields(),
            Asks::All(_) => 1,
            Asks::Any(_) | Asks::Items(_) | Asks::Expression(_) => 2,
            Asks::Not(_) => 3,
        }
    }
}

/// A rule's conditions, checked: all of them must hold.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub(crate) all: Group,
    warnings: Vec<FieldFault>,
}

impl Conditions {
    /// Reads the JSON list of a rule's conditions. An empty list always holds.
    ///
    /// # Errors
    /// Every faulty part with its path: `conditions[0].type`. Among them names that `vocabulary` does not let be there, and a
    /// cost above [`MOST_COST`].
    pub fn read(list: &Value, vocabulary: &Vocabulary) -> Result<Self, Vec<FieldFault>> {
        Self::read_at(list, "conditions", vocabulary)
    }

    /// The same for conditions that stand elsewhere in a rule.
    ///
    /// # Errors
    /// As [`Conditions::read`].
    pub fn read_at(list: &Value, path: &str, vocabulary: &Vocabulary) -> Result<Self, Vec<FieldFault>> {
        let mut reader =
            Reader { fields: Fields::new(), warnings: Vec::new(), vocabulary, count: 0, items: Vec::new() };
        let all = Group::new(reader.list(list, path, 1));
        if reader.count > MOST_CLAUSES {
            let message = format!(
                "holds {} conditions, groups counted; at most {MOST_CLAUSES} are allowed: split the rule",
                reader.count
            );
            reader.fields.fault(path, message);
        }
        if reader.fields.is_sound()
            && let Some(fault) = too_dear(&all)
        {
            reader.fields.fault(fault.field, fault.message);
        }
        let warnings = reader.warnings;
        reader.fields.done().map(|()| Self { all, warnings })
    }

    /// What may be a mistake and is no fault: names that the schema does not know.
    #[must_use]
    pub fn warnings(&self) -> &[FieldFault] {
        &self.warnings
    }

    /// What looking at them costs at most, in units, for payloads within the schema's bounds.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.all.cost().saturating_add(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.written.is_empty()
    }

    /// Field and values of every equality without which the rule cannot match: the field must be one of the values.
    pub fn required_equalities(&self) -> Vec<(Key<'_>, &[Value])> {
        let mut found = Vec::new();
        gather(&self.all.written, &mut found);
        found
    }
}

/// A field by which rules can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a>(pub(crate) &'a FieldPath);

fn gather<'a>(all: &'a [Condition], found: &mut Vec<(Key<'a>, &'a [Value])>) {
    for condition in all {
        match &condition.asks {
            Asks::All(inner) => gather(&inner.written, found),
            Asks::Clause(clause) => found.extend(clause.equality().map(|(path, values)| (Key(path), values))),
            Asks::Any(_) | Asks::Not(_) | Asks::Items(_) | Asks::Expression(_) => {}
        }
    }
}

/// The dearest condition, if all together are too dear.
fn too_dear(all: &Group) -> Option<FieldFault> {
    let cost = all.cost();
    if cost <= MOST_COST {
        return None;
    }
    let mut dearest = all.written.iter().max_by_key(|condition| condition.cost)?;
    loop {
        let inner = match &dearest.asks {
            Asks::All(group) | Asks::Any(group) => {
                group.written.iter().max_by_key(|condition| condition.cost)
            }
            Asks::Not(inner) => Some(&**inner),
            Asks::Items(_) | Asks::Clause(_) | Asks::Expression(_) => None,
        };
        match inner {
            Some(inner) => dearest = inner,
            None => break,
        }
    }
    let message = format!(
        "may cost {} units, and all conditions together {cost}; a rule may cost {MOST_COST}: ask less, or bound the text and \
         the lists in the trigger's schema by maxLength and maxItems",
        dearest.cost
    );
    Some(FieldFault::new(&*dearest.path, message))
}

pub(crate) struct Reader<'a> {
    pub(crate) fields: Fields,
    pub(crate) warnings: Vec<FieldFault>,
    pub(crate) vocabulary: &'a Vocabulary,
    count: usize,
    /// What the items hold that the conditions being read are about, and how many there may be, the innermost last.
    items: Vec<(Holds, u64)>,
}

impl Reader<'_> {
    fn list(&mut self, list: &Value, path: &str, depth: usize) -> Vec<Condition> {
        let Some(items) = list.as_array() else {
            self.fields.fault(path, "must be a list of conditions");
            return Vec::new();
        };
        let read = |(index, item)| self.condition(item, format!("{path}[{index}]"), depth);
        items.iter().enumerate().filter_map(read).collect()
    }

    fn condition(&mut self, value: &Value, path: String, depth: usize) -> Option<Condition> {
        self.count = self.count.saturating_add(1);
        if depth > DEEPEST {
            let message =
                format!("nests deeper than {DEEPEST} levels: flatten the groups, or split the rule");
            self.fields.fault(path, message);
            return None;
        }
        let Some(object) = value.as_object() else {
            self.fields.fault(path, "must be an object with a type");
            return None;
        };
        let Some(kind) = object.get("type").and_then(Value::as_str) else {
            self.fields
                .fault(format!("{path}.type"), format!("must name a condition type: {}", kind::known()));
            return None;
        };
        let asks = match kind {
            "all" => Asks::All(self.group(object, &path, depth)),
            "any" => Asks::Any(self.group(object, &path, depth)),
            "not" => Asks::Not(Box::new(self.negated(object, &path, depth)?)),
            "any_item" => Asks::Items(self.items(Share::Any, object, &path, depth)?),
            "every_item" => Asks::Items(self.items(Share::Every, object, &path, depth)?),
            "no_item" => Asks::Items(self.items(Share::No, object, &path, depth)?),
            EXPRESSION => Asks::Expression(Box::new(self.expression(object, &path)?)),
            _ => Asks::Clause(Box::new(self.clause(kind, object, &path)?)),
        };
        let cost = match &asks {
            Asks::All(group) | Asks::Any(group) => group.cost().saturating_add(1),
            Asks::Not(inner) => inner.cost.saturating_add(1),
            Asks::Items(items) => {
                let count = cost::items(self.holds(&items.field));
                items.of_each.cost().saturating_add(1).saturating_mul(count).saturating_add(1)
            }
            Asks::Clause(clause) => clause.cost(|field| self.bytes(field)),
            Asks::Expression(expression) => expression.cost(),
        };
        Some(Condition { path: path.into(), asks, cost })
    }

    fn group(&mut self, object: &Map<String, Value>, path: &str, depth: usize) -> Group {
        self.only(object, path, &["type", "conditions"]);
        self.inner(object, path, depth)
    }

    fn inner(&mut self, object: &Map<String, Value>, path: &str, depth: usize) -> Group {
        let inner = format!("{path}.conditions");
        match object.get("conditions") {
            Some(Value::Array(items)) if items.is_empty() => {
                self.fields.fault(inner, "must hold at least one condition");
                Group::default()
            }
            Some(list) => Group::new(self.list(list, &inner, depth.saturating_add(1))),
            None => {
                self.fields.fault(inner, "is missing: a group holds a list of conditions");
                Group::default()
            }
        }
    }

    fn negated(&mut self, object: &Map<String, Value>, path: &str, depth: usize) -> Option<Condition> {
        self.only(object, path, &["type", "condition"]);
        let inner = format!("{path}.condition");
        match object.get("condition") {
            Some(condition) => self.condition(condition, inner, depth.saturating_add(1)),
            None => {
                self.fields.fault(inner, "is missing: not holds the one condition that must not hold");
                None
            }
        }
    }

    fn items(
        &mut self,
        share: Share,
        object: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Option<Items> {
        self.only(object, path, &["type", "field", "conditions"]);
        let field = self.field(object, path, None);
        let item = match field.as_ref().map(|field| self.holds(field)) {
            Some(Holds::List(item, _)) => (**item).clone(),
            Some(Holds::Anything) | None => Holds::Anything,
            Some(_) => {
                self.fields.fault(format!("{path}.field"), "is no list by the trigger's schema");
                Holds::Anything
            }
        };
        let count = field.as_ref().map_or(1, |field| cost::items(self.holds(field)));
        self.items.push((item, count));
        let of_each = self.inner(object, path, depth);
        self.items.pop();
        let field = field?;
        Some(Items { share, name: field.as_str().into(), field, of_each })
    }

    /// What the items hold that the conditions being read are about.
    pub(crate) fn item(&self) -> Option<&Holds> {
        self.items.last().map(|(item, _)| item)
    }

    /// How many bytes a field has at most: of all the items of a list together, no more than a payload.
    fn bytes(&self, field: &FieldPath) -> u64 {
        let bytes = cost::bytes(self.holds(field));
        if field.root() != crate::path::Root::Item {
            return bytes;
        }
        let count = self.items.iter().fold(1, |product: u64, (_, count)| product.saturating_mul(*count));
        bytes.min(cost::share(count))
    }

    /// What a field holds, as far as it is known.
    fn holds<'h>(&'h self, field: &FieldPath) -> &'h Holds {
        match self.vocabulary.knows(field, self.item()) {
            Known::Yes(holds) => holds,
            Known::Maybe(_) | Known::No(_) => &Holds::Anything,
        }
    }

    /// The field that `field` names, or the one that stands in where none is named.
    pub(crate) fn field(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        plain: Option<&str>,
    ) -> Option<FieldPath> {
        let place = format!("{path}.field");
        match object.get("field") {
            Some(Value::String(text)) => self.path(text, &place),
            Some(_) => {
                self.fields.fault(place, "must be text: a path such as value or contact.name");
                None
            }
            None => match plain {
                Some(plain) => plain.parse().ok(),
                None => {
                    self.fields.fault(place, "is missing: name the field that the clause looks at");
                    None
                }
            },
        }
    }

    /// A path that stands at `place`, if it may be named here.
    pub(crate) fn path(&mut self, text: &str, place: &str) -> Option<FieldPath> {
        let path: FieldPath = self.fields.take(place, text.parse())?;
        if path.root() == crate::path::Root::Item && self.items.is_empty() {
            self.fields.fault(place, "names an item, but stands in no group over the items of a list");
            return None;
        }
        let meant = |near: &Option<Box<str>>| {
            near.as_ref().map(|near| format!(": is {near} meant?")).unwrap_or_default()
        };
        let (refused, message) = match self.vocabulary.knows(&path, self.item()) {
            Known::Yes(_) => return Some(path),
            Known::Maybe(near) => {
                (false, format!("is not named in the schema of the trigger{}", meant(&near)))
            }
            Known::No(near) => {
                (true, format!("cannot be there by the schema of the trigger{}", meant(&near)))
            }
        };
        if refused {
            self.fields.fault(place, message);
            return None;
        }
        self.warnings.push(FieldFault::new(place, message));
        Some(path)
    }

    /// A path whose value before and now a clause compares: the pair of fields is what must be there, not the path itself.
    pub(crate) fn changing(&mut self, text: &str, place: &str) -> Option<Pair> {
        let path: FieldPath = self.fields.take(place, text.parse())?;
        let Some(pair) = Pair::of(&path) else {
            self.fields.fault(place, "must end in a name, because old_ and new_ go before it");
            return None;
        };
        let unknown =
            |path: &FieldPath| matches!(self.vocabulary.knows(path, None), Known::Maybe(_) | Known::No(_));
        if pair.sides().all(unknown) {
            let message = "is not named in the schema of the trigger with its values before and now";
            self.warnings.push(FieldFault::new(place, message));
        }
        Some(pair)
    }

    pub(crate) fn only(&mut self, object: &Map<String, Value>, path: &str, allowed: &[&str]) {
        for key in object.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let shown: String = key.chars().take(100).collect();
            self.fields.fault(
                format!("{path}.{shown}"),
                format!("is not a field of this condition; it takes {}", allowed.join(", ")),
            );
        }
    }
}

impl<'a> Key<'a> {
    /// The path.
    #[must_use]
    pub const fn path(&self) -> &'a FieldPath {
        self.0
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// One key for all values that equal each other; `None` for lists and objects. A number has the key of the text that is
/// written like it, because those equal each other; values with the same key may still differ.
#[must_use]
pub fn key_of(value: &Value) -> Option<String> {
    value::key(value)
}
