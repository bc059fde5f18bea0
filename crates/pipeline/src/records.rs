//! How does a change of a record become events? Records and the door for events in one transaction: what is planned in the one
//! room is decided in the other, then all of it is written, or nothing is.

mod error;
mod importing;
mod kinds;

pub use error::RecordFault;
pub use importing::{Imported, import};
pub use kinds::{change_type, create_type, delete_type};

use crate::{
    Books, PublishError, Receipt, announce,
    effect::{self, Report},
    loops,
};
use ::records::{
    Change, Conversion, Draft, Record, RecordError, RecordType, TypeName,
    service::{self, Meant},
};
use db::{Db, DbError, Tx};
use events::{EventError, NewEvent, Origin};
use jobs::Job;
use kernel::{Bounded, Call, Permission, RecordId};
use serde_json::{Value, json};

/// What changes of records need: the database and the tenants' compiled rules.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The database.
    pub db: &'a Db,
    /// The rules.
    pub books: &'a Books,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The record's type.
    pub kind: RecordType,
    /// The record as it stands now; of one that was deleted, as it stood.
    pub record: Record,
    /// Whether the record is new.
    pub is_new: bool,
    /// The events that were raised, with what matched and which jobs were made.
    pub receipts: Vec<Receipt>,
}

impl Kept {
    /// Whether there is work for the queue.
    #[must_use]
    pub fn made_jobs(&self) -> bool {
        self.receipts.iter().any(|receipt| !receipt.jobs.is_empty())
    }
}

/// Who is behind a change: somebody at the door, or a rule's action.
pub(crate) struct Cause {
    origin: Origin,
    source: String,
}

impl Cause {
    /// Somebody at the door.
    pub(crate) fn door() -> Self {
        Self { origin: Origin::default(), source: "records".to_owned() }
    }
}

/// What somebody wants done with a record.
enum Deed<'a> {
    Create(Draft),
    Put(Draft, Meant),
    Replace(&'a RecordId, Option<u32>, Draft),
    Change(&'a RecordId, Option<u32>, Draft),
    Delete(&'a RecordId, Option<u32>),
}

/// Makes a record.
///
/// # Errors
/// [`RecordFault`]; then nothing was changed.
pub async fn create(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    draft: Draft,
) -> Result<Kept, RecordFault> {
    carry_out(desk, who, kind, Deed::Create(draft)).await
}

/// Makes a record, or changes the one that `meant` finds.
///
/// # Errors
/// As [`create`].
pub async fn put(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    draft: Draft,
    meant: Meant,
) -> Result<Kept, RecordFault> {
    carry_out(desk, who, kind, Deed::Put(draft, meant)).await
}

/// Gives a record other fields; what is left out is as for a new one.
///
/// # Errors
/// As [`create`].
pub async fn replace(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    id: &RecordId,
    expected: Option<u32>,
    draft: Draft,
) -> Result<Kept, RecordFault> {
    carry_out(desk, who, kind, Deed::Replace(id, expected, draft)).await
}

/// Changes some fields of a record.
///
/// # Errors
/// As [`create`].
pub async fn change(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    id: &RecordId,
    expected: Option<u32>,
    patch: Draft,
) -> Result<Kept, RecordFault> {
    carry_out(desk, who, kind, Deed::Change(id, expected, patch)).await
}

/// Deletes a record. Opportunities that were made with a contact lose it.
///
/// # Errors
/// As [`create`].
pub async fn delete(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    id: &RecordId,
    expected: Option<u32>,
) -> Result<Kept, RecordFault> {
    carry_out(desk, who, kind, Deed::Delete(id, expected)).await
}

/// Makes a contact of a lead, and an opportunity if one is wanted. Gives the lead as it stands then.
///
/// # Errors
/// As [`create`].
pub async fn convert(
    desk: Desk<'_>,
    who: &Bounded,
    id: &RecordId,
    expected: Option<u32>,
    wanted: Conversion,
) -> Result<Kept, RecordFault> {
    desk.books.warm(desk.db, who.tenant()).await?;
    let mut tx = desk.db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (call, changes) = service::plan::convert(&mut scope, who, id, expected, wanted).await?;
        kept(&mut tx, desk.books, call, changes).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Plans a deed, and makes it stay with all that it raises, or nothing of it. Rules are compiled before anybody waits for the lock.
async fn carry_out(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    deed: Deed<'_>,
) -> Result<Kept, RecordFault> {
    desk.books.warm(desk.db, who.tenant()).await?;
    let mut tx = desk.db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let shape = service::kinds::shape(&mut scope, kind).await?;
        let one = |(call, change)| (call, vec![change]);
        let (call, changes) = match deed {
            Deed::Create(draft) => one(service::plan::create(&mut scope, who, &shape, draft).await?),
            Deed::Put(draft, meant) => one(service::plan::put(&mut scope, who, &shape, draft, meant).await?),
            Deed::Replace(id, expected, draft) => {
                one(service::plan::replace(&mut scope, who, &shape, id, expected, draft).await?)
            }
            Deed::Change(id, expected, patch) => {
                one(service::plan::patch(&mut scope, who, &shape, id, expected, patch).await?)
            }
            Deed::Delete(id, expected) => {
                service::plan::delete(&mut scope, who, &shape, id, expected).await?
            }
        };
        kept(&mut tx, desk.books, call, changes).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Puts on record that somebody exports records of a type: who sees but some of them lists these instead.
///
/// # Errors
/// [`RecordError::OutOfReach`], or the database's.
pub async fn note_export(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &RecordType,
    format: &str,
) -> Result<(), RecordFault> {
    let subject = kind.name.as_str();
    let call = who.put_in(&kind.module, Some(subject)).map_err(RecordError::from)?;
    let after = Some(json!({"format": format}));
    let entry = audit::Entry { action: "records.exported", subject, before: None, after };
    let mut tx = desk.db.begin().await?;
    audit::append(&mut tx.scope(who.tenant()), call, &entry).await?;
    Ok(tx.commit().await?)
}

/// Makes changes stay that somebody at the door asked for; the last of them is what they asked about.
async fn kept(tx: &mut Tx, books: &Books, call: &Call, changes: Vec<Change>) -> Result<Kept, RecordFault> {
    let receipts = enact(tx, books, call, &Cause::door(), &changes).await?;
    let last = changes.last().ok_or(RecordError::Unknown)?;
    let record = last.record().cloned().ok_or(RecordError::Unknown)?;
    Ok(Kept { kind: last.kind().clone(), record, is_new: last.is_new(), receipts })
}

/// Writes planned changes and everything that they raise, within the caller's transaction. What cannot be raised (a chain that
/// is too long) is found out before anything is written.
///
/// # Errors
/// [`RecordFault`]; give the transaction up then, but for a fault of an event, before which nothing was written.
pub(crate) async fn enact(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    cause: &Cause,
    changes: &[Change],
) -> Result<Vec<Receipt>, RecordFault> {
    let book = books.within(tx, call.tenant()).await?;
    // Rules can be bound to what the catalogue knows, and see the record as it stands then.
    let events: Vec<(NewEvent, Option<Value>)> = changes
        .iter()
        .flat_map(|change| {
            change.happenings().into_iter().map(|one| (one, change.record().map(Record::seen)))
        })
        .filter(|(one, _)| book.catalogue.find(&one.trigger).is_ok())
        .map(|(one, seen)| (event_of(one, cause), seen))
        .collect();
    let drafts = announce::drafted(&book, call, &cause.origin, events)?;
    service::keep(&mut tx.scope(call.tenant()), call, changes).await?;
    Ok(announce::written(tx, &drafts).await?)
}

fn event_of(happening: ::records::Happening, cause: &Cause) -> NewEvent {
    NewEvent {
        trigger: happening.trigger,
        data: happening.data.to_string(),
        source: cause.source.clone(),
        external_id: None,
        subject: Some(happening.record.to_string()),
        occurred: None,
        dedupe: None,
    }
}

/// Makes what was done stay, or takes it back; either way the connection is kept for the next.
async fn finish<T>(tx: Tx, outcome: Result<T, RecordFault>) -> Result<T, RecordFault> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(fault) => {
            tx.rollback().await?;
            Err(fault)
        }
    }
}

/// Does what an `update_status` job is to do, inside the queue's transaction: the record moves, and what that raises carries the
/// event that the job came from.
pub(crate) async fn move_on(tx: &mut Tx, books: &Books, call: &Call, job: &Job) -> Result<Report, DbError> {
    let Some(origin) = effect::origin(tx, &job.tenant, job).await? else {
        return Ok(Report::hopeless("the event that this one follows is no longer in the ledger"));
    };
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let said = |name: &str| effect::text(&payload, name).unwrap_or_default();
    let (id, status, kind) = (said("entity_id"), said("new_status"), effect::text(&payload, "entity_type"));
    let source = format!("rule:{}", job.rule.as_ref().map_or("", |rule| rule.as_str()));
    let cause = Cause { origin, source };
    match set_status_in(tx, books, call, &cause, (kind.as_deref(), id.trim()), status.trim()).await {
        Ok((words, changed)) => {
            let left = json!({"entity_id": id.trim(), "new_status": status.trim(), "changed": changed});
            Ok(Report::done(words).leaving(&left))
        }
        // Nothing was written before it.
        Err(RecordFault::Publish(PublishError::Event(EventError::TooDeep(depth)))) => {
            loops::cut(tx, call, job, depth).await
        }
        Err(fault) => fault.in_words().map(Report::hopeless),
    }
}

/// Moves the record that an id or an external id means to a status, within the caller's transaction. Tells what was done, and
/// whether anything was.
async fn set_status_in(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    cause: &Cause,
    (kind, id): (Option<&str>, &str),
    status: &str,
) -> Result<(String, bool), RecordFault> {
    let who = Bounded::new(call.clone(), Permission::RecordsWrite);
    let mut scope = tx.scope(call.tenant());
    let (shape, id) = service::find(&mut scope, kind, id).await?.map_err(RecordFault::Named)?;
    let (call, change) = service::plan::set_status(&mut scope, &who, &shape, &id, status).await?;
    if change.is_nothing() {
        return Ok((format!("{id} was at {status} already"), false));
    }
    let receipts = enact(tx, books, call, cause, &[change]).await?;
    let raised: Vec<&str> = receipts.iter().map(|receipt| receipt.id.as_str()).collect();
    Ok((format!("{id} went to {status} and raised {}", raised.join(", ")), true))
}
