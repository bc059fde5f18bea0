//! Which types of conditions are there? Their published names, and what each looks at and takes.

/// What the `value` of a clause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// Whatever stands there, or not.
    Anything,
    /// A number, or a decimal as text.
    Number,
    /// Two numbers, or two times.
    Range,
    /// A list of values.
    List,
    /// A text.
    Text,
    /// A text, a number or a truth.
    Part,
    /// A regular expression.
    Pattern,
    /// A text in which `*` stands for any letters.
    Wildcard,
    /// `true` or `false`; `true` unless named.
    Truth,
    /// A number, or `{"at_least", "at_most"}`.
    Count,
    /// A time, fixed or relative to now.
    Time,
    /// A span of ISO 8601.
    Span,
    /// Days of the week.
    Weekdays,
    /// Two times of the day.
    Hours,
    /// Networks in CIDR notation.
    Networks,
    /// A number, or nothing.
    MaybeNumber,
    /// An expression of CEL.
    Expression,
}

/// A type of clause.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The published name.
    pub name: &'static str,
    /// What its `value` is.
    pub takes: Takes,
    /// The type of which it is the exact opposite.
    pub opposite_of: Option<&'static str>,
    /// The field that it looks at when none is named; empty where none is looked at.
    pub default_field: Option<&'static str>,
    /// Whether the value may stand in another field, named by `value_field`.
    pub takes_field: bool,
    /// Whether `ignore_case` may be said.
    pub has_case: bool,
    /// What it wants, before the value.
    pub wish: &'static str,
}

const fn kind(name: &'static str, takes: Takes, wish: &'static str) -> Kind {
    Kind { name, takes, opposite_of: None, default_field: None, takes_field: false, has_case: false, wish }
}

const fn or_field(kind: Kind) -> Kind {
    Kind { takes_field: true, ..kind }
}

const fn cased(kind: Kind) -> Kind {
    Kind { has_case: true, ..kind }
}

const fn not(name: &'static str, kind: Kind, wish: &'static str) -> Kind {
    Kind { name, opposite_of: Some(kind.name), wish, ..kind }
}

const fn at(field: &'static str, kind: Kind) -> Kind {
    Kind { default_field: Some(field), ..kind }
}

const EQUALS: Kind = cased(or_field(kind("equals", Takes::Anything, "exactly")));
const IN: Kind = cased(or_field(kind("in", Takes::List, "one of")));
const AT_LEAST: Kind = or_field(kind("greater_or_equal", Takes::Number, "at least"));
const BETWEEN: Kind = kind("between", Takes::Range, "something from");
const CONTAINS: Kind = cased(or_field(kind("contains", Takes::Part, "something that contains")));
const STARTS_WITH: Kind = cased(or_field(kind("starts_with", Takes::Text, "a text that starts with")));
const ENDS_WITH: Kind = cased(or_field(kind("ends_with", Takes::Text, "a text that ends with")));
const MATCHES: Kind = cased(kind("matches", Takes::Pattern, "a text that matches"));
const ANY_OF: Kind = cased(or_field(kind("any_of", Takes::List, "a list with one of")));
/// When an event happened, for clauses about the day and the hour.
const HAPPENED: &str = "event.occurred_at";

/// All types of clauses. The groups are `all`, `any`, `not`, `any_item`, `every_item` and `no_item`.
pub const KINDS: &[Kind] = &[
    at("value", Kind { name: "value_threshold", ..AT_LEAST }),
    EQUALS,
    not("not_equals", EQUALS, "anything but"),
    or_field(kind("greater_than", Takes::Number, "more than")),
    AT_LEAST,
    or_field(kind("less_than", Takes::Number, "less than")),
    or_field(kind("less_or_equal", Takes::Number, "at most")),
    BETWEEN,
    not("not_between", BETWEEN, "anything outside of"),
    IN,
    not("not_in", IN, "anything but"),
    CONTAINS,
    not("not_contains", CONTAINS, "nothing that contains"),
    STARTS_WITH,
    not("not_starts_with", STARTS_WITH, "no text that starts with"),
    ENDS_WITH,
    not("not_ends_with", ENDS_WITH, "no text that ends with"),
    kind("exists", Takes::Truth, "it to be there:"),
    kind("is_empty", Takes::Truth, "it to be empty:"),
    MATCHES,
    not("not_matches", MATCHES, "no text that matches"),
    cased(kind("wildcard", Takes::Wildcard, "a text like")),
    ANY_OF,
    not("none_of", ANY_OF, "no list with one of"),
    cased(or_field(kind("all_of", Takes::List, "a list with all of"))),
    kind("count", Takes::Count, "a count of"),
    or_field(kind("before", Takes::Time, "a time before")),
    or_field(kind("after", Takes::Time, "a time after")),
    kind("on_date", Takes::Time, "a time on the day of"),
    kind("within_last", Takes::Span, "a time within the last"),
    kind("within_next", Takes::Span, "a time within the next"),
    at(HAPPENED, kind("weekday_in", Takes::Weekdays, "a time on")),
    at(HAPPENED, kind("time_of_day", Takes::Hours, "a time of the day from")),
    kind("changed", Takes::Nothing, "a change"),
    cased(kind("changed_from", Takes::Anything, "a change from")),
    cased(kind("changed_to", Takes::Anything, "a change to")),
    kind("increased", Takes::MaybeNumber, "a rise by at least"),
    kind("decreased", Takes::MaybeNumber, "a fall by at least"),
    kind("in_network", Takes::Networks, "an address in"),
    at("", kind("expression", Takes::Expression, "this to be true:")),
];

/// The published names of the groups.
pub const GROUPS: &[&str] = &["all", "any", "not", "any_item", "every_item", "no_item"];

/// The type of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// All published names, groups first.
#[must_use]
pub fn known() -> String {
    let names: Vec<&str> = GROUPS.iter().copied().chain(KINDS.iter().map(|kind| kind.name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_once() {
        for (place, kind) in KINDS.iter().enumerate() {
            assert_eq!(KINDS.iter().position(|other| other.name == kind.name), Some(place), "{}", kind.name);
            assert!(!GROUPS.contains(&kind.name), "{}", kind.name);
            if let Some(opposite) = kind.opposite_of {
                assert!(
                    find(opposite).is_some_and(|positive| positive.opposite_of.is_none()),
                    "{}",
                    kind.name
                );
            }
        }
    }
}
