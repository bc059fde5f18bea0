//! What will become of a record? Planned within the transaction that keeps it: the record and its type are read, the change is
//! decided, and nothing is written yet.

use crate::{
    Change, Conversion, Draft, Record, RecordError, RecordType, Shape, TypeName,
    built_in::{CONTACT, OPPORTUNITY},
    conversion,
    field::Kind,
    record::MOST_RECORDS,
    service::{
        importing::{Meant, OnMatch},
        kinds,
    },
    store::{
        listing,
        record::{self as store, Key},
    },
};
use db::Scope;
use kernel::{Bounded, Call, FieldFault, RecordId};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The most opportunities that lose their contact in one go.
const MOST_LINKED: i64 = 500;

/// What the caller may do, and what will come of it.
pub type Planned<'a, T> = Result<(&'a Call, T), RecordError>;

/// A new record.
///
/// # Errors
/// [`RecordError::Invalid`], [`RecordError::ExternalIdTaken`], [`RecordError::Full`], [`RecordError::OutOfReach`], …
pub async fn create<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    draft: Draft,
) -> Planned<'a, Change> {
    let call = who.put_in(&shape.kind.module, None)?;
    let record =
        shape.make(RecordId::new(call.now, &*call.chance), draft, call.now, call.principal.actor.name())?;
    room_for(scope, 1).await?;
    let change = Change::new(Arc::new(shape.kind.clone()), None, Some(record));
    consistent(scope, shape, &change).await?;
    Ok((call, change))
}

/// A new record, unless one with the same external id or address is there: then that one, changed or as it is.
///
/// # Errors
/// As [`create`].
pub async fn put<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    draft: Draft,
    meant: Meant,
) -> Planned<'a, Change> {
    let said = match meant.key {
        Key::Id => None,
        Key::ExternalId => draft.external_id.clone().flatten(),
        Key::Email => draft.fields.get("email").and_then(Value::as_str).map(str::to_owned),
    };
    let Some(wanted) = said.map(|text| meant.key.read(&text)).filter(|text| !text.is_empty()) else {
        let message = "is missing: records are matched by it";
        return Err(vec![FieldFault::new(meant.key.name(), message)].into());
    };
    let found = store::by_keys(scope, &shape.kind.name, meant.key, &[&wanted]).await?;
    let Some(was) = found.into_values().next() else { return create(scope, who, shape, draft).await };
    if who.at(&shape.kind.module, was.id.as_str()).is_err() {
        // Who cannot see it is told what they are told where there is none.
        who.put_in(&shape.kind.module, None)?;
    }
    match meant.on_match {
        OnMatch::Update => patch(scope, who, shape, &was.id, None, draft).await,
        OnMatch::Skip => {
            let call = who.at(&shape.kind.module, was.id.as_str())?;
            Ok((call, Change::new(Arc::new(shape.kind.clone()), Some(was.clone()), Some(was))))
        }
        OnMatch::Error => {
            let faults = vec![FieldFault::new(meant.key.name(), format!("is that of {}", was.id))];
            Err(RecordError::ExternalIdTaken(was.id, faults))
        }
    }
}

/// A record with other fields; what is left out is as for a new one. `expected` is the version that the caller saw, if it
/// says so.
///
/// # Errors
/// [`RecordError::Unknown`], [`RecordError::Stale`]; as [`create`].
pub async fn replace<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    id: &RecordId,
    expected: Option<u32>,
    draft: Draft,
) -> Planned<'a, Change> {
    let (call, was) = present(scope, who, shape, id, expected).await?;
    let next = shape.replace(&was, draft, call.now)?;
    changed(scope, shape, was, next).await.map(|change| (call, change))
}

/// A record with some fields changed.
///
/// # Errors
/// As [`replace`].
pub async fn patch<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    id: &RecordId,
    expected: Option<u32>,
    patch: Draft,
) -> Planned<'a, Change> {
    let (call, was) = present(scope, who, shape, id, expected).await?;
    let next = shape.patch(&was, patch, call.now)?;
    changed(scope, shape, was, next).await.map(|change| (call, change))
}

/// A record at another status, or stage.
///
/// # Errors
/// [`RecordError::Invalid`] if its type has none, or not this one; as [`patch`].
pub async fn set_status<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    id: &RecordId,
    status: &str,
) -> Planned<'a, Change> {
    let Some(field) = shape.kind.status_field.clone() else {
        let message = format!("a {} has no status", shape.kind.name);
        return Err(vec![FieldFault::new("new_status", message)].into());
    };
    let draft = Draft { external_id: None, fields: Map::from_iter([(field, Value::from(status))]) };
    patch(scope, who, shape, id, None, draft).await
}

/// A record that goes. Opportunities that were made with a contact lose it, each with a change of its own.
///
/// # Errors
/// [`RecordError::Linked`] if these are too many; as [`replace`].
pub async fn delete<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    id: &RecordId,
    expected: Option<u32>,
) -> Planned<'a, Vec<Change>> {
    let (call, was) = present(scope, who, shape, id, expected).await?;
    let mut changes = Vec::new();
    if shape.kind.name.as_str() == CONTACT {
        changes = unlinked(scope, call, id).await?;
    }
    changes.push(Change::new(Arc::new(shape.kind.clone()), Some(was), None));
    Ok((call, changes))
}

/// A lead that becomes a contact, and an opportunity if one is wanted. The contact is the one that is named, else one with the
/// lead's address, else a new one. The lead's change comes last.
///
/// # Errors
/// [`RecordError::Converted`]; as [`create`] and [`patch`].
pub async fn convert<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    id: &RecordId,
    expected: Option<u32>,
    wanted: Conversion,
) -> Planned<'a, Vec<Change>> {
    let lead = kinds::shape(scope, &TypeName::lead()).await?;
    let (call, was) = present(scope, who, &lead, id, expected).await?;
    if was.fields.contains_key("contact_id") {
        return Err(RecordError::Converted);
    }
    let mut changes = Vec::new();
    let contacts = kinds::shape(scope, &TypeName::contact()).await?;
    let contact = match known_contact(scope, &contacts, &was, wanted.contact_id.as_ref()).await? {
        Some(contact) => contact,
        None => {
            let draft = conversion::contact_of(&was, &contacts.kind, wanted.contact.unwrap_or_default());
            let made = create(scope, who, &contacts, draft).await;
            let (_, change) = made.map_err(|fault| match fault {
                RecordError::Invalid(faults) => conversion::inside(CONTACT, faults).into(),
                other => other,
            })?;
            let id = change.record().map(|record| record.id.clone()).ok_or(RecordError::Unknown)?;
            changes.push(change);
            id
        }
    };
    let mut opportunity = None;
    if let Some(given) = wanted.opportunity {
        let deals = kinds::shape(scope, &TypeName::opportunity()).await?;
        let call = who.put_in(&deals.kind.module, None)?;
        let draft = conversion::opportunity_of(&was, given, &contact);
        let id = RecordId::new(call.now, &*call.chance);
        let made = deals
            .make(id, draft, call.now, call.principal.actor.name())
            .map_err(|faults| conversion::inside(OPPORTUNITY, faults))?;
        room_for(scope, 2).await?;
        let change = Change::new(Arc::new(deals.kind.clone()), None, Some(made));
        taken(scope, &deals.kind, &change).await?;
        opportunity = change.record().map(|record| record.id.clone());
        changes.push(change);
    }
    let next = conversion::converted(&lead, &was, &contact, opportunity.as_ref(), call.now)?;
    let mut change = Change::new(Arc::new(lead.kind.clone()), Some(was), Some(next));
    change.converts = true;
    changes.push(change);
    Ok((call, changes))
}

/// The contact that a lead is to become, if it is there already.
async fn known_contact(
    scope: &mut Scope<'_>,
    contacts: &Shape,
    lead: &Record,
    named: Option<&RecordId>,
) -> Result<Option<RecordId>, RecordError> {
    if let Some(id) = named {
        let known = store::get(scope, &contacts.kind.name, id).await?;
        let missing = || vec![FieldFault::new("contact_id", "is no contact here")];
        return known.map(|contact| Some(contact.id)).ok_or_else(|| missing().into());
    }
    let Some(email) = lead.text("email").map(listing::lower) else { return Ok(None) };
    let found = store::by_keys(scope, &contacts.kind.name, Key::Email, &[&email]).await?;
    Ok(found.into_values().next().map(|contact| contact.id))
}

/// The record and the call for it, if it is still at the version that the caller saw.
async fn present<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    shape: &Shape,
    id: &RecordId,
    expected: Option<u32>,
) -> Planned<'a, Record> {
    let record = store::get(scope, &shape.kind.name, id).await?.ok_or(RecordError::Unknown)?;
    let call = who.at(&shape.kind.module, id.as_str())?;
    match expected {
        Some(version) if version != record.version => Err(RecordError::Stale(record.version)),
        Some(_) | None => Ok((call, record)),
    }
}

async fn changed(
    scope: &mut Scope<'_>,
    shape: &Shape,
    was: Record,
    next: Record,
) -> Result<Change, RecordError> {
    let change = Change::new(Arc::new(shape.kind.clone()), Some(was), Some(next));
    consistent(scope, shape, &change).await?;
    Ok(change)
}

/// Whether there is room for so many more records.
pub(crate) async fn room_for(scope: &mut Scope<'_>, more: i64) -> Result<(), RecordError> {
    if store::in_use(scope).await?.saturating_add(more) > MOST_RECORDS {
        Err(RecordError::Full)
    } else {
        Ok(())
    }
}

/// Whether what a record says of others holds: its external id is nobody else's, and whom it names is there.
async fn consistent(scope: &mut Scope<'_>, shape: &Shape, change: &Change) -> Result<(), RecordError> {
    taken(scope, &shape.kind, change).await?;
    let Some(after) = &change.after else { return Ok(()) };
    let mut faults = Vec::new();
    for field in shape.kind.fields() {
        let Kind::Link(kind) = field.kind else { continue };
        let Some(named) = after.text(field.name) else { continue };
        if change.before.as_ref().and_then(|before| before.text(field.name)) == Some(named) {
            continue;
        }
        let found = store::by_keys(scope, &TypeName::built_in(kind), Key::Id, &[named]).await?;
        if found.is_empty() {
            faults.push(FieldFault::new(field.name, format!("is no {kind} here")));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// Whether the external id is another record's.
async fn taken(scope: &mut Scope<'_>, kind: &RecordType, change: &Change) -> Result<(), RecordError> {
    let Some(after) = &change.after else { return Ok(()) };
    let Some(external_id) = after.external_id.as_deref() else { return Ok(()) };
    if change.before.as_ref().and_then(|before| before.external_id.as_deref()) == Some(external_id) {
        return Ok(());
    }
    let found = store::by_keys(scope, &kind.name, Key::ExternalId, &[external_id]).await?;
    match found.into_values().next() {
        Some(other) => {
            let faults = vec![FieldFault::new("external_id", format!("is that of {}", other.id))];
            Err(RecordError::ExternalIdTaken(other.id, faults))
        }
        None => Ok(()),
    }
}

/// The opportunities that were made with a contact, without it.
async fn unlinked(
    scope: &mut Scope<'_>,
    call: &Call,
    contact: &RecordId,
) -> Result<Vec<Change>, RecordError> {
    let deals = kinds::shape(scope, &TypeName::opportunity()).await?;
    let field = "contact_id";
    let filter =
        crate::Filter { exactly: vec![(field.to_owned(), contact.to_string())], ..crate::Filter::default() };
    let most = MOST_LINKED.saturating_add(1);
    let linked = listing::list(scope, &deals.kind, &filter, None, None, most).await?;
    if linked.len() > usize::try_from(MOST_LINKED).unwrap_or(usize::MAX) {
        return Err(RecordError::Linked(MOST_LINKED));
    }
    let kind = Arc::new(deals.kind.clone());
    let mut changes = Vec::with_capacity(linked.len());
    for was in linked {
        let none = Draft { external_id: None, fields: Map::from_iter([(field.to_owned(), Value::Null)]) };
        let next = deals.patch(&was, none, call.now)?;
        changes.push(Change::new(Arc::clone(&kind), Some(was), Some(next)));
    }
    Ok(changes)
}
