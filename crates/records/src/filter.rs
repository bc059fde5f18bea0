//! Which records does a list show, and in which order? Filters read from the query of a request, all faults at once.

use crate::{Amount, Record, RecordType, store::listing, words};
use kernel::{Cursor, FieldFault, Fields, Instant, PageError};

/// The most filters on fields in one list.
const MOST_FACTS: usize = 10;
/// The most statuses that a list is filtered for.
const MOST_STATUSES: usize = 20;
/// The longest search text, in characters.
const LONGEST_TEXT: usize = 200;

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortKey {
    /// When it was made.
    Created,
    /// When it was last changed.
    Updated,
    /// What it is called.
    Name,
    /// What it is worth.
    Value,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) key: SortKey,
    pub(crate) descending: bool,
}

impl Default for Sort {
    /// The newest first.
    fn default() -> Self {
        Self { key: SortKey::Created, descending: true }
    }
}

const SORTS: &[(&str, SortKey)] = &[
    ("name", SortKey::Name),
    ("updated_at", SortKey::Updated),
    ("created_at", SortKey::Created),
    ("value", SortKey::Value),
];

impl Sort {
    fn read(text: &str) -> Result<Self, String> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let found = SORTS.iter().find(|(known, _)| *known == name);
        let key = found.map(|(_, key)| *key).ok_or_else(|| {
            let known: Vec<&str> = SORTS.iter().map(|(name, _)| *name).collect();
            format!("must be one of {}, with - before it for the greatest first", known.join(", "))
        })?;
        Ok(Self { key, descending })
    }

    fn as_text(self) -> String {
        let name = SORTS.iter().find(|(_, key)| *key == self.key).map_or("", |(name, _)| *name);
        if self.descending { format!("-{name}") } else { name.to_owned() }
    }
}

/// Which records are wanted; all that is named must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub(crate) statuses: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) updated_since: Option<Instant>,
    pub(crate) created_since: Option<Instant>,
    pub(crate) value_min: Option<Amount>,
    pub(crate) value_max: Option<Amount>,
    /// Labels and fields that must be exactly so.
    pub(crate) exactly: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) sort: Sort,
}

/// Where a sorted list goes on: after the record with this key and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: String,
    pub(crate) id: String,
}

impl Filter {
    /// Reads the filters of a list of `kind`. `limit` and `cursor` are the page's.
    ///
    /// # Errors
    /// Every filter that does not read, or that there is not.
    pub fn read(kind: &RecordType, query: &[(String, String)]) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let mut filter = Self::default();
        for (name, text) in query {
            match name.as_str() {
                "limit" | "cursor" => {}
                "status" | "stage" if kind.status_field.is_some() => {
                    filter.statuses = text.split(',').map(|status| status.trim().to_owned()).collect();
                    let strange = filter.statuses.iter().find(|status| !kind.statuses.contains(status));
                    if strange.is_some() || filter.statuses.len() > MOST_STATUSES {
                        let message =
                            format!("must be one of {}, or some with commas", kind.statuses.join(", "));
                        fields.fault(name, message);
                    }
                }
                "owner" => filter.owner = Some(listing::lower(text)),
                "email" => filter.email = Some(listing::lower(text)),
                "external_id" => filter.external_id = Some(text.trim().to_owned()),
                "updated_since" => filter.updated_since = fields.take(name, text.parse()),
                "created_since" => filter.created_since = fields.take(name, text.parse()),
                "value_min" => filter.value_min = fields.take(name, text.parse()),
                "value_max" => filter.value_max = fields.take(name, text.parse()),
                "label" => filter.exactly.push(("labels".to_owned(), text.trim().to_owned())),
                "q" if text.chars().count() > LONGEST_TEXT => {
                    fields.fault(name, format!("must be at most {LONGEST_TEXT} characters"));
                }
                "q" if !words::has_words(text) => fields.fault(name, "must hold a word to look for"),
                "q" => filter.text = Some(text.clone()),
                "sort" => filter.sort = fields.take(name, Sort::read(text)).unwrap_or_default(),
                other => filter.exact(kind, other, text, &mut fields),
            }
        }
        if filter.exactly.len() > MOST_FACTS {
            fields.fault("query", format!("must name at most {MOST_FACTS} labels and fields"));
        }
        fields.done().map(|()| filter)
    }

    fn exact(&mut self, kind: &RecordType, name: &str, text: &str, fields: &mut Fields) {
        match name.strip_prefix("field.") {
            Some(field) if kind.has_field(field) => {
                self.exactly.push((field.to_owned(), text.trim().to_owned()))
            }
            Some(_) => fields.fault(name, format!("is not a field of {}", kind.name)),
            None => {
                let shown: String = name.chars().take(100).collect();
                let message = "is not a filter; there are q, status, owner, email, external_id, label, field.<name>, \
                    value_min, value_max, created_since, updated_since and sort";
                fields.fault(shown, message);
            }
        }
    }

    /// Whether it searches for words.
    #[must_use]
    pub fn is_search(&self) -> bool {
        self.text.is_some()
    }

    /// Where a list goes on after a record: `<sort> <key> <id>`.
    pub(crate) fn place_of(&self, kind: &RecordType, record: &Record) -> String {
        format!("{} {} {}", self.sort.as_text(), listing::key_of(self.sort.key, kind, record), record.id)
    }

    /// The place that a cursor names.
    pub(crate) fn place(&self, cursor: Option<&Cursor>) -> Result<Option<Place>, Vec<FieldFault>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let fault = || vec![FieldFault::new("cursor", PageError::Cursor)];
        let (sort, rest) = cursor.key().split_once(' ').ok_or_else(fault)?;
        let (key, id) = rest.rsplit_once(' ').ok_or_else(fault)?;
        // A cursor of the list in another order would lead anywhere.
        let sound = sort == self.sort.as_text() && id.parse::<kernel::RecordId>().is_ok();
        let sound = sound && (self.sort.key != SortKey::Updated || key.parse::<i64>().is_ok());
        if sound { Ok(Some(Place { key: key.to_owned(), id: id.to_owned() })) } else { Err(fault()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::stage::*;
    use serde_json::json;

    fn read(query: &[(&str, &str)]) -> Result<Filter, Vec<String>> {
        let kind = shape("opportunity").kind;
        let query: Vec<_> =
            query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Filter::read(&kind, &query).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn filters() {
        let filter = read(&[
            ("stage", "proposal, negotiation"),
            ("owner", "Sales@Example.com"),
            ("value_min", "10.50"),
            ("label", "vip"),
            ("field.currency", "EUR"),
            ("sort", "-value"),
            ("limit", "10"),
        ])
        .unwrap();
        assert_eq!(filter.statuses, ["proposal", "negotiation"]);
        assert_eq!(filter.owner.as_deref(), Some("sales@example.com"));
        assert_eq!(filter.exactly.len(), 2);
        assert_eq!(filter.sort, Sort { key: SortKey::Value, descending: true });
        let said = read(&[
            ("stage", "sold"),
            ("value_min", "much"),
            ("created_since", "yesterday"),
            ("sort", "colour"),
            ("field.colour", "red"),
            ("colour", "red"),
            ("q", "!"),
        ])
        .unwrap_err();
        let named: Vec<&str> = said.iter().filter_map(|fault| fault.split(": ").next()).collect();
        assert_eq!(named, ["stage", "value_min", "created_since", "sort", "field.colour", "colour", "q"]);
    }

    #[test]
    fn a_cursor_is_good_for_its_own_order() {
        let deal = shape("opportunity");
        let record = made(&deal, json!({"name": "Big deal  of Ada", "value": 5}));
        let by_name = read(&[("sort", "name")]).unwrap();
        let cursor = Cursor::after(&by_name.place_of(&deal.kind, &record));
        let place = by_name.place(Some(&cursor)).unwrap().unwrap();
        assert_eq!((place.key.as_str(), place.id.as_str()), ("big deal  of ada", record.id.as_str()));
        assert!(read(&[]).unwrap().place(Some(&cursor)).is_err());
        assert!(by_name.place(Some(&Cursor::after("x"))).is_err());
        assert_eq!(by_name.place(None), Ok(None));
    }
}
