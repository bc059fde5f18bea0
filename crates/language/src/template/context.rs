//! What does a template see? The facts as MiniJinja's values, every number with the text that it was sent in.

use crate::{
    Facts, Moment,
    number::Decimal,
    path::{FieldPath, Root, View},
};
use minijinja::{
    State, Value as Slot,
    value::{Object, ObjectRepr},
};
use serde_json::{Number, Value};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Significant digits up to which a double tells every decimal from its neighbours.
const EXACT_DIGITS: usize = 15;
/// Where filters and the formatter find what no template can name: a name that none can write.
const BENEATH: &str = "\u{0}beneath";

/// The facts, as templates see them: the data's fields by their names, and `data`, `record`, `event`, `now` and `results`.
pub struct Context<'a> {
    facts: &'a Facts<'a>,
    results: Option<&'a Value>,
    pub(super) root: Slot,
}

/// What filters and the formatter need besides the values.
#[derive(Debug)]
struct Beneath {
    /// The texts of the numbers in the data that a double tells apart, but would print otherwise: 12500.50.
    texts: BTreeMap<u64, Box<str>>,
    moment: Moment,
}

impl Object for Beneath {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A number that fits neither an integer of 128 bits nor a double: printed as it was sent.
#[derive(Debug)]
struct Exact(Box<str>);

impl Object for Exact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'a> Context<'a> {
    /// Makes facts ready for templates.
    #[must_use]
    pub fn new(facts: &'a Facts<'a>) -> Self {
        Self::with(facts, None)
    }

    /// The same with the results of earlier actions, by their names.
    #[must_use]
    pub fn with_results(facts: &'a Facts<'a>, results: &'a Value) -> Self {
        Self::with(facts, Some(results))
    }

    fn with(facts: &'a Facts<'a>, results: Option<&'a Value>) -> Self {
        let mut texts = BTreeMap::new();
        let mut root: BTreeMap<String, Slot> = match facts.whole() {
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.clone(), slot(value, &mut texts))).collect()
            }
            _ => BTreeMap::new(),
        };
        let data = Slot::from(root.clone());
        root.insert("data".to_owned(), data);
        root.insert("event".to_owned(), slot(facts.event(), &mut texts));
        root.insert("now".to_owned(), facts.moment().now.to_string().into());
        for (name, value) in [("record", facts.record()), ("results", results)] {
            match value {
                Some(value) => root.insert(name.to_owned(), slot(value, &mut texts)),
                None => root.remove(name),
            };
        }
        root.insert(BENEATH.to_owned(), Slot::from_object(Beneath { texts, moment: *facts.moment() }));
        Self { facts, results, root: Slot::from(root) }
    }

    /// Whether results of earlier actions are there to be named.
    #[must_use]
    pub const fn has_results(&self) -> bool {
        self.results.is_some()
    }

    /// Whether what a dotted name names is there.
    pub(super) fn holds(&self, name: &str) -> bool {
        let Ok(path) = name.parse::<FieldPath>() else { return false };
        if let Some(rest) = name.strip_prefix("results.") {
            let mut parts = rest.split('.');
            return parts
                .try_fold(self.results, |place, part| place.map(|place| place.get(part)))
                .flatten()
                .is_some();
        }
        let found = match path.root() {
            Root::Data => path.follow(self.facts.whole()),
            Root::Record | Root::Event | Root::Item => path.find(View::of(self.facts)),
        };
        name == "now" || found.is_some()
    }
}

fn slot(value: &Value, texts: &mut BTreeMap<u64, Box<str>>) -> Slot {
    match value {
        Value::Null => Slot::from(()),
        Value::Bool(truth) => Slot::from(*truth),
        Value::Number(number) => number_slot(number, texts),
        Value::String(text) => Slot::from(text.as_str()),
        Value::Array(items) => Slot::from(items.iter().map(|item| slot(item, texts)).collect::<Vec<_>>()),
        Value::Object(object) => Slot::from(
            object.iter().map(|(name, value)| (name.clone(), slot(value, texts))).collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn number_slot(number: &Number, texts: &mut BTreeMap<u64, Box<str>>) -> Slot {
    let text = number.as_str();
    if let Ok(integer) = text.parse::<i128>()
        && text != "-0"
    {
        return Slot::from(integer);
    }
    let exact = || Slot::from_object(Exact(text.into()));
    let (Some(decimal), Ok(double)) = (Decimal::read(text), text.parse::<f64>()) else {
        return exact();
    };
    if decimal.significant() > EXACT_DIGITS || !(-290..=290).contains(&decimal.magnitude()) {
        return exact();
    }
    // The same number may be sent in two ways; the first is what is printed for both.
    texts.entry(double.to_bits()).or_insert_with(|| text.into());
    Slot::from(double)
}

fn beneath<T>(state: &State<'_, '_>, what: impl FnOnce(&Beneath) -> Option<T>) -> Option<T> {
    let found = state.lookup(BENEATH)?;
    what(found.downcast_object_ref::<Beneath>()?)
}

/// The text that a number was sent in, where a double would print another.
pub(super) fn exact_text(state: &State<'_, '_>, value: &Slot) -> Option<String> {
    if !value.is_number() || value.is_integer() {
        return None;
    }
    let number = f64::try_from(value.clone()).ok()?;
    beneath(state, |beneath| beneath.texts.get(&number.to_bits()).map(|text| text.to_string()))
}

/// A number as text: one of the data as it was sent; `None` if the value is none.
pub(super) fn number_text(state: &State<'_, '_>, value: &Slot) -> Option<String> {
    if let Some(exact) = value.downcast_object_ref::<Exact>() {
        return Some(exact.0.to_string());
    }
    value.is_number().then(|| exact_text(state, value).unwrap_or_else(|| value.to_string()))
}

/// The time of rendering and the tenant's zone.
pub(super) fn moment(state: &State<'_, '_>) -> Moment {
    beneath(state, |beneath| Some(beneath.moment)).unwrap_or_default()
}
