//! Which types has a tenant, and how do they change? A change of a type must leave its records valid.

use crate::{
    Record, RecordError, RecordType, Shape, TypeDraft, TypeName, TypePatch,
    built_in::{self, BUILT_IN},
    custom,
    error::MOST_CHECKED,
    record_type::MOST_TYPES,
    service::plan::Planned,
    store::{record, record_type as store},
};
use audit::Entry;
use db::{DbError, Scope};
use kernel::{Bounded, Call, RecordId};
use serde_json::{Value, json};

/// How many records are looked through in one statement.
const WINDOW: i64 = 1_000;
/// How many records that would not fit are named.
const NAMED: usize = 5;

/// A type of the tenant's, built in or its own.
///
/// # Errors
/// [`RecordError::TypeUnknown`], or the database's.
pub async fn get(scope: &mut Scope<'_>, name: &TypeName) -> Result<RecordType, RecordError> {
    match store::get(scope, name).await? {
        Some(kind) => Ok(kind),
        None => built_in::find(name.as_str()).map(RecordType::untouched).ok_or(RecordError::TypeUnknown),
    }
}

/// The same, ready to look at fields.
///
/// # Errors
/// As [`get`].
pub async fn shape(scope: &mut Scope<'_>, name: &TypeName) -> Result<Shape, RecordError> {
    let kind = get(scope, name).await?;
    Shape::new(kind.clone()).map_err(|faults| RecordError::unusable(&kind, &faults))
}

/// All types: the built-in ones as the tenant extends them, then its own by name.
///
/// # Errors
/// [`DbError`].
pub async fn all(scope: &mut Scope<'_>) -> Result<Vec<RecordType>, DbError> {
    let said = store::all(scope).await?;
    let known = |name: &str| said.iter().find(|kind| kind.name.as_str() == name).cloned();
    let built_in = BUILT_IN.iter().map(|one| known(one.name).unwrap_or_else(|| RecordType::untouched(one)));
    let mut all: Vec<RecordType> = built_in.collect();
    all.extend(said.iter().filter(|kind| kind.is_own()).cloned());
    Ok(all)
}

/// Makes a type of the tenant's own.
///
/// # Errors
/// [`RecordError::TypeTaken`], [`RecordError::TypesFull`], [`RecordError::OutOfReach`], or the database's.
pub async fn create<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    draft: TypeDraft,
) -> Planned<'a, RecordType> {
    let kind = RecordType::own(draft, who.asked_at())?;
    let call = who.put_in(&kind.module, None)?;
    if store::get(scope, &kind.name).await?.is_some() {
        return Err(RecordError::TypeTaken);
    }
    if store::own(scope).await? >= MOST_TYPES {
        return Err(RecordError::TypesFull);
    }
    store::put(scope, &kind).await?;
    note(scope, call, "record_type.created", None, Some(&kind)).await?;
    Ok((call, kind))
}

/// Changes a type. Gives it as it was, and as it is.
///
/// # Errors
/// [`RecordError::TypeStale`], [`RecordError::TypeBreaks`], [`RecordError::TypeTooLarge`]; as [`create`].
pub async fn change<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    name: &TypeName,
    expected: Option<u32>,
    patch: TypePatch,
) -> Planned<'a, (RecordType, RecordType)> {
    let (call, was) = present(scope, who, name, expected).await?;
    let next = was.patched(patch, call.now)?;
    if next == was {
        return Ok((call, (was, next)));
    }
    fits(scope, &was, &next).await?;
    store::put(scope, &next).await?;
    note(scope, call, "record_type.changed", Some(&was), Some(&next)).await?;
    Ok((call, (was, next)))
}

/// Deletes a type of the tenant's own of which there are no records.
///
/// # Errors
/// [`RecordError::TypeBuiltIn`], [`RecordError::TypeInUse`]; as [`change`].
pub async fn delete<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    name: &TypeName,
    expected: Option<u32>,
) -> Planned<'a, RecordType> {
    let (call, was) = present(scope, who, name, expected).await?;
    if !was.is_own() {
        return Err(RecordError::TypeBuiltIn);
    }
    match count(scope, name).await? {
        0 => {}
        count => return Err(RecordError::TypeInUse(count)),
    }
    store::delete(scope, name).await?;
    note(scope, call, "record_type.deleted", Some(&was), None).await?;
    Ok((call, was))
}

async fn present<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    name: &TypeName,
    expected: Option<u32>,
) -> Planned<'a, RecordType> {
    let kind = get(scope, name).await?;
    let call = who.at(&kind.module, name.as_str()).map_err(|fault| match RecordError::from(fault) {
        RecordError::Unknown => RecordError::TypeUnknown,
        other => other,
    })?;
    match expected {
        Some(version) if version != kind.version => Err(RecordError::TypeStale(kind.version)),
        Some(_) | None => Ok((call, kind)),
    }
}

async fn count(scope: &mut Scope<'_>, name: &TypeName) -> Result<i64, DbError> {
    let counts = store::counts(scope).await?;
    Ok(counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count))
}

/// Whether every record that there is fits the type as it is to be.
async fn fits(scope: &mut Scope<'_>, was: &RecordType, next: &RecordType) -> Result<(), RecordError> {
    let gone: Vec<&str> =
        was.statuses.iter().filter(|status| !next.statuses.contains(status)).map(String::as_str).collect();
    if !gone.is_empty() {
        let held = record::with_statuses(scope, &was.name, &gone, MOST_CHECKED).await?;
        if let Some(first) = held.get(..held.len().min(NAMED)).filter(|first| !first.is_empty()) {
            return Err(RecordError::breaks(held.len(), first));
        }
    }
    if custom::only_adds(&was.schema, &next.schema) {
        return Ok(());
    }
    let count = count(scope, &was.name).await?;
    if count > MOST_CHECKED {
        return Err(RecordError::TypeTooLarge(count));
    }
    let shape = Shape::new(next.clone())?;
    let (mut broken, mut first): (usize, Vec<RecordId>) = (0, Vec::new());
    let mut after = String::new();
    loop {
        let records: Vec<Record> = record::after(scope, &was.name, &after, WINDOW).await?;
        let Some(last) = records.last() else { break };
        after = last.id.to_string();
        for record in records.iter().filter(|record| !shape.allows(record)) {
            broken = broken.saturating_add(1);
            if first.len() < NAMED {
                first.push(record.id.clone());
            }
        }
    }
    if broken > 0 { Err(RecordError::breaks(broken, &first)) } else { Ok(()) }
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &'static str,
    before: Option<&RecordType>,
    after: Option<&RecordType>,
) -> Result<(), DbError> {
    let said = |kind: &RecordType| -> Value {
        json!({
            "type": kind.name.as_str(),
            "module_type": kind.module,
            "title": kind.title,
            "schema": kind.schema,
            "name_field": kind.name_field,
            "status_field": kind.status_field,
            "statuses": kind.statuses,
            "high_value": kind.high_value.map(crate::Amount::to_json),
        })
    };
    let subject = before.or(after).map(|kind| kind.name.as_str()).unwrap_or_default();
    let entry = Entry { action, subject, before: before.map(said), after: after.map(said) };
    audit::append(scope, call, &entry).await
}
