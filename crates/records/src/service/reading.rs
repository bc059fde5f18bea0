//! What may people ask of records? One, a list, what rules see of some, and how much room is left.

use crate::{
    Filter, Record, RecordError, RecordType, Shape, TypeName,
    custom::{self, MOST_FIELDS},
    field::MOST_LABELS,
    record::MOST_RECORDS,
    record_type::{MOST_STATUSES, MOST_TYPES},
    service::kinds,
    store::{listing, record as store, record_type},
};
use db::{DbError, Scope};
use kernel::{Bounded, Page, PageRequest, RecordId};
use serde_json::Value;

/// A record of a type, as far as the caller's permission reaches.
///
/// # Errors
/// [`RecordError::Unknown`], [`RecordError::TypeUnknown`], or the database's.
pub async fn get(
    scope: &mut Scope<'_>,
    who: &Bounded,
    kind: &TypeName,
    id: &RecordId,
) -> Result<(RecordType, Record), RecordError> {
    let kind = kinds::get(scope, kind).await?;
    let record = store::get(scope, &kind.name, id).await?.ok_or(RecordError::Unknown)?;
    who.at(&kind.module, id.as_str())?;
    Ok((kind, record))
}

/// Records of a type, filtered and sorted, as far as the caller's permission reaches.
///
/// # Errors
/// [`RecordError::Invalid`] for a cursor of another list, or the database's.
pub async fn list(
    scope: &mut Scope<'_>,
    who: &Bounded,
    kind: &RecordType,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Record>, RecordError> {
    let after = filter.place(page.after.as_ref())?;
    let rows = listing::list(scope, kind, filter, only(who, kind), after.as_ref(), page.probe()).await?;
    Ok(Page::cut(rows, page, |record| filter.place_of(kind, record)))
}

/// So many records of an export after the place `after`, and the place where it goes on.
///
/// # Errors
/// As [`list`].
pub async fn page(
    scope: &mut Scope<'_>,
    who: &Bounded,
    kind: &RecordType,
    filter: &Filter,
    after: Option<&kernel::Cursor>,
    most: usize,
) -> Result<(Vec<Record>, Option<String>), RecordError> {
    let after = filter.place(after)?;
    let probe = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = listing::list(scope, kind, filter, only(who, kind), after.as_ref(), probe).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| more).map(|record| filter.place_of(kind, record));
    Ok((rows, next))
}

/// The ids that the caller may see, if not all of the type's.
fn only<'a>(who: &'a Bounded, kind: &RecordType) -> Option<&'a [Box<str>]> {
    let bounds = who.bounds();
    if bounds.hold(&kind.module, None) {
        return None;
    }
    bounds.parts().map(|parts| parts.resources)
}

/// What rules see of records (`record.status`), each named by its type and its id or external id; `None` where there is none, or
/// where an external id without a type means several. One statement.
///
/// # Errors
/// [`DbError`].
pub async fn facts(
    scope: &mut Scope<'_>,
    wanted: &[(Option<&str>, &str)],
) -> Result<Vec<Option<Value>>, DbError> {
    let found = store::facts(scope, wanted).await?;
    let alone = |records: Vec<Record>| match records.as_slice() {
        [one] => Some(one.seen()),
        _ => None,
    };
    Ok(found.into_iter().map(alone).collect())
}

/// Whether the tenant has any record at all.
///
/// # Errors
/// [`DbError`].
pub async fn any(scope: &mut Scope<'_>) -> Result<bool, DbError> {
    store::any(scope).await
}

/// The record that an id or an external id means, with its type ready to change it.
///
/// # Errors
/// What is wrong with the name, in words; the database's.
pub async fn find(
    scope: &mut Scope<'_>,
    kind: Option<&str>,
    id: &str,
) -> Result<Result<(Shape, RecordId), String>, RecordError> {
    let mut found = store::facts(scope, &[(kind, id)]).await?.pop().unwrap_or_default();
    let record = match (found.pop(), found.is_empty()) {
        (Some(record), true) => record,
        (Some(_), false) => {
            return Ok(Err(format!(
                "{id:?} is the external_id of records of several types; name one in entity_type"
            )));
        }
        (None, _) => return Ok(Err(format!("there is no {} {id:?}", kind.unwrap_or("record")))),
    };
    let shape = kinds::shape(scope, &record.kind).await?;
    Ok(Ok((shape, record.id)))
}

/// How much there may be, and how much there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most records, and how many there are.
    pub records: (i64, i64),
    /// The most types of the tenant's own, and how many there are.
    pub own_types: (i64, i64),
    /// How many records there are of each type, and how many fields of the tenant's own it has.
    pub types: Vec<(TypeName, i64, i64)>,
    /// The most fields of the tenant's own in a type.
    pub most_fields: i64,
    /// The most labels of a record.
    pub most_labels: i64,
    /// The most statuses of a type.
    pub most_statuses: i64,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How much room is left.
///
/// # Errors
/// [`DbError`].
pub async fn limits(scope: &mut Scope<'_>) -> Result<Limits, DbError> {
    let counts = record_type::counts(scope).await?;
    let all = kinds::all(scope).await?;
    let of = |name: &TypeName| counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count);
    let fields = |kind: &RecordType| count(custom::properties(&kind.schema).map_or(0, serde_json::Map::len));
    let own = all.iter().filter(|kind| kind.is_own()).count();
    Ok(Limits {
        records: (MOST_RECORDS, counts.iter().map(|(_, count)| count).sum()),
        own_types: (MOST_TYPES, count(own)),
        types: all.iter().map(|kind| (kind.name.clone(), of(&kind.name), fields(kind))).collect(),
        most_fields: count(MOST_FIELDS),
        most_labels: count(MOST_LABELS),
        most_statuses: count(MOST_STATUSES),
    })
}
