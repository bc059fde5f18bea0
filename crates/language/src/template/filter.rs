//! Which filters are there? Their names, what they take, and the bounds of what they do: all filters of one rendering together
//! look at so many bytes and no more.

use super::{amount, context, date, list, text};
use crate::number::Decimal;
use minijinja::{
    Environment, Error, ErrorKind, State, Value as Slot,
    value::{Kwargs, Rest, ValueOrKwargs},
};
use rust_decimal::Decimal as Amount;
use std::fmt::{self, Write as _};

/// How many bytes the filters of one rendering may look at and make.
const MOST_WORK: usize = 4 * 1024 * 1024;

/// What a filter comes to, or why it does not, as the end of a sentence that begins with its name.
pub(super) type Made = Result<Slot, String>;

/// A filter.
pub(super) struct Filter {
    pub(super) name: &'static str,
    /// What it takes, by place or by name.
    takes: &'static [&'static str],
    /// How many of these must be there.
    least: usize,
    /// Whether it does something with what is not there; others leave it as it is.
    of_nothing: bool,
    make: fn(&mut Call<'_, '_, '_>) -> Made,
    /// Looks at what is written out when the rule is saved.
    check: fn(&Given) -> Result<(), String>,
}

const fn filter(
    name: &'static str,
    takes: &'static [&'static str],
    least: usize,
    make: fn(&mut Call<'_, '_, '_>) -> Made,
) -> Filter {
    Filter { name, takes, least, of_nothing: false, make, check: Given::counts }
}

const fn checked(filter: Filter, check: fn(&Given) -> Result<(), String>) -> Filter {
    Filter { check, ..filter }
}

const fn of_nothing(filter: Filter) -> Filter {
    Filter { of_nothing: true, ..filter }
}

/// All filters.
const FILTERS: &[Filter] = &[
    checked(filter("money", &["currency", "locale"], 1, amount::money), amount::check_money),
    checked(filter("number", &["digits", "locale"], 0, amount::number), amount::check),
    checked(filter("percent", &["digits", "locale"], 0, amount::percent), amount::check),
    checked(filter("date", &["format", "locale", "zone"], 0, date::date), date::check),
    checked(filter("time", &["format", "locale", "zone"], 0, date::time), date::check),
    checked(filter("datetime", &["format", "locale", "zone"], 0, date::datetime), date::check),
    checked(filter("add", &["span"], 1, date::add), date::check_span),
    filter("upper", &[], 0, text::upper),
    filter("lower", &[], 0, text::lower),
    filter("capitalize", &[], 0, text::capitalize),
    filter("title", &[], 0, text::title),
    filter("trim", &[], 0, text::trim),
    filter("truncate", &["length", "killwords", "end"], 1, text::truncate),
    filter("replace", &["old", "new"], 2, text::replace),
    filter("slug", &[], 0, text::slug),
    filter("urlencode", &[], 0, text::urlencode),
    of_nothing(filter("json", &[], 0, text::json)),
    of_nothing(filter("tojson", &[], 0, text::json)),
    of_nothing(filter("default", &["value", "boolean"], 1, list::default)),
    of_nothing(filter("length", &[], 0, list::length)),
    filter("first", &[], 0, list::first),
    filter("last", &[], 0, list::last),
    filter("split", &["separator"], 0, list::split),
    filter("join", &["separator", "attribute"], 0, list::join),
    filter("sort", &["reverse"], 0, list::sort),
    filter("unique", &[], 0, list::unique),
];

pub(super) fn find(name: &str) -> Option<&'static Filter> {
    FILTERS.iter().find(|filter| filter.name == name)
}

/// The names of all, for people.
pub(super) fn known() -> String {
    FILTERS.iter().map(|filter| filter.name).collect::<Vec<_>>().join(", ")
}

pub(super) fn add_all(environment: &mut Environment<'static>) {
    for filter in FILTERS {
        let run =
            move |state: &mut State<'_, '_>, value: Slot, with: Rest<ValueOrKwargs>| -> Result<Slot, Error> {
                filter
                    .run(state, &value, with.into_values())
                    .map_err(|why| Error::new(ErrorKind::InvalidOperation, format!("{} {why}", filter.name)))
            };
        environment.add_filter(filter.name, run);
    }
}

impl Filter {
    fn run(&'static self, state: &mut State<'_, '_>, value: &Slot, with: Vec<Slot>) -> Made {
        if !self.of_nothing && (value.is_undefined() || value.is_none()) {
            return Ok(value.clone());
        }
        let mut given = Given::new(self);
        for one in with {
            match Kwargs::try_from(one.clone()) {
                Ok(named) if one.is_kwargs() => {
                    for name in named.args() {
                        given.named(name, named.peek(name).ok())?;
                    }
                }
                _ => given.next(Some(one))?,
            }
        }
        given.whole()?;
        (self.make)(&mut Call { state, value, given })
    }
}

/// What a filter is given, by the places of what it takes.
pub(super) struct Given {
    filter: &'static Filter,
    next: usize,
    values: Vec<One>,
}

/// One of the values that a filter takes.
#[derive(Clone)]
enum One {
    Absent,
    /// Something that is not known before the template is rendered.
    Later,
    Known(Slot),
}

impl Given {
    pub(super) fn new(filter: &'static Filter) -> Self {
        Self { filter, next: 0, values: vec![One::Absent; filter.takes.len()] }
    }

    /// Takes the next one.
    pub(super) fn next(&mut self, value: Option<Slot>) -> Result<(), String> {
        let place = self.next;
        self.next = place.saturating_add(1);
        self.put(place, value)
    }

    /// Takes one by its name.
    pub(super) fn named(&mut self, name: &str, value: Option<Slot>) -> Result<(), String> {
        match self.filter.takes.iter().position(|known| *known == name) {
            Some(place) => self.put(place, value),
            None => Err(format!("does not take {name}; {}", self.takes())),
        }
    }

    fn put(&mut self, place: usize, value: Option<Slot>) -> Result<(), String> {
        match self.values.get_mut(place) {
            Some(slot @ One::Absent) => {
                // What is null is left out, so that a locale out of the data may be missing.
                *slot = match value {
                    Some(value) if value.is_none() || value.is_undefined() => One::Absent,
                    Some(value) => One::Known(value),
                    None => One::Later,
                };
                Ok(())
            }
            Some(_) => Err("is given the same twice".to_owned()),
            None => Err(format!("is given too much; {}", self.takes())),
        }
    }

    fn takes(&self) -> String {
        match self.filter.takes {
            [] => "it takes nothing".to_owned(),
            takes => format!("it takes {}", takes.join(", ")),
        }
    }

    /// Whether all that must be there is there.
    fn whole(&self) -> Result<(), String> {
        let missing = self.values.iter().take(self.filter.least).position(|one| matches!(one, One::Absent));
        match missing.and_then(|place| self.filter.takes.get(place)) {
            Some(name) => Err(format!("is given no {name}; {}", self.takes())),
            None => Ok(()),
        }
    }

    /// Looks at what is written out.
    pub(super) fn check(&self) -> Result<(), String> {
        self.whole()?;
        (self.filter.check)(self)
    }

    fn known(&self, place: usize) -> Option<&Slot> {
        match self.values.get(place) {
            Some(One::Known(value)) => Some(value),
            Some(One::Absent | One::Later) | None => None,
        }
    }

    fn name(&self, place: usize) -> &'static str {
        self.filter.takes.get(place).copied().unwrap_or_default()
    }

    /// A text, if one is given.
    pub(super) fn text(&self, place: usize) -> Result<Option<&str>, String> {
        match self.known(place) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(format!("takes a text as {}", self.name(place))),
            },
        }
    }

    /// A whole number up to `most`, if one is given.
    pub(super) fn count(&self, place: usize, most: u32) -> Result<Option<u32>, String> {
        let Some(value) = self.known(place) else { return Ok(None) };
        let count = value.as_i64().and_then(|count| u32::try_from(count).ok());
        match count.filter(|count| *count <= most && value.is_integer()) {
            Some(count) => Ok(Some(count)),
            None => Err(format!("takes a whole number from 0 to {most} as {}", self.name(place))),
        }
    }

    /// A truth, if one is given.
    pub(super) fn truth(&self, place: usize) -> bool {
        self.known(place).is_some_and(Slot::is_true)
    }

    /// Any value, if one is given.
    pub(super) fn any(&self, place: usize) -> Option<&Slot> {
        self.known(place)
    }

    /// The check of a filter that has nothing to check but `length`.
    fn counts(&self) -> Result<(), String> {
        match self.filter.takes.iter().position(|name| *name == "length") {
            Some(place) => self.count(place, text::LONGEST).map(|_| ()),
            None => Ok(()),
        }
    }
}

/// A filter at work.
pub(super) struct Call<'c, 't, 'e> {
    pub(super) state: &'c mut State<'t, 'e>,
    pub(super) value: &'c Slot,
    pub(super) given: Given,
}

/// How many bytes the filters of this rendering may still look at.
struct Left(usize);

/// A text that does not grow beyond its bound.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len().saturating_add(text.len()) > self.most {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

const TOO_MUCH: &str = "has too much to do: give the filters of a template less, 4 MiB in all";

impl Call<'_, '_, '_> {
    fn left(&mut self) -> &mut usize {
        &mut self.state.get_or_insert_extension(Left(MOST_WORK)).0
    }

    /// Counts bytes that are looked at or made.
    pub(super) fn work(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.left();
        match left.checked_sub(bytes.saturating_add(1)) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => Err(TOO_MUCH.to_owned()),
        }
    }

    /// A value as it is printed.
    pub(super) fn said(&mut self, value: &Slot) -> Result<String, String> {
        if let Some(text) = value.as_str() {
            self.work(text.len())?;
            return Ok(text.to_owned());
        }
        if value.is_undefined() || value.is_none() {
            return Ok(String::new());
        }
        if let Some(text) = context::number_text(self.state, value) {
            self.work(text.len())?;
            return Ok(text);
        }
        let most = *self.left();
        let mut out = Bounded { text: String::new(), most };
        write!(out, "{value}").map_err(|_| TOO_MUCH.to_owned())?;
        self.work(out.text.len())?;
        Ok(out.text)
    }

    /// The value that is filtered, as it is printed.
    pub(super) fn text(&mut self) -> Result<String, String> {
        let value = self.value;
        self.said(value)
    }

    /// The number that a value is, or that its text says.
    pub(super) fn amount(&mut self) -> Result<Amount, String> {
        let number = context::number_text(self.state, self.value);
        let text = match number.as_deref().or_else(|| self.value.as_str()) {
            Some(text) => text.trim(),
            None => return Err(format!("takes a number, and this is {}", self.value.kind())),
        };
        let read = Decimal::read(text);
        match read.and_then(|number| number.amount()) {
            Some(amount) => Ok(amount),
            None if read.is_some() => Err("takes a number of at most 28 digits".to_owned()),
            None => {
                let shown: String = text.chars().take(40).collect();
                Err(format!("takes a number, and {shown:?} is none"))
            }
        }
    }

    /// The items of a list.
    pub(super) fn items(&mut self) -> Result<Vec<Slot>, String> {
        let count = self.value.len().unwrap_or_default();
        self.work(count.saturating_mul(8))?;
        match self.value.kind() {
            minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable => {}
            other => return Err(format!("takes a list, and this is {other}")),
        }
        let items = self.value.try_iter().map_err(|_| "takes a list".to_owned())?;
        Ok(items.take(count).collect())
    }
}
