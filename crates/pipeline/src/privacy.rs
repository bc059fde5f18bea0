//! What is held of a person over all areas, and how does their erasure begin?

use ::tasks::service::privacy as tasks;
use audit::Line;
use auth::{AuthError, Erasure, service::privacy as identity};
use db::{Db, DbError, Scope};
use jobs::{Kind, NewJob, Patience, Terms};
use kernel::{Call, FieldFault, JobId, PageError, Person, UserId};
use serde_json::json;

/// The most things in one page of an export.
const PAGE: i64 = 500;

/// The section of the contacts, leads and other records that hold a person's address.
const RECORDS: &str = "records";
/// The section of the messages to a person.
const MESSAGES: &str = "messages";
/// The section of the rows of the audit by or about a person.
const AUDIT: &str = "audit";

/// A page of what is held of a person.
#[derive(Debug, Clone)]
pub struct Holdings {
    /// Who it is.
    pub person: Person,
    /// Section by section: its name, and each thing as JSON text.
    pub sections: Vec<(&'static str, Vec<String>)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// Whose data are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// The caller's own.
    Own,
    /// A user's.
    User(&'a UserId),
}

/// What is held of a person, from `cursor` on. That somebody asked is a row of the audit, for the first page.
///
/// # Errors
/// [`AuthError::NotFound`], [`AuthError::NeedsSession`], [`AuthError::Fields`] for a cursor of another list; the database's.
pub async fn holdings(
    db: &Db,
    call: &Call,
    whose: Whose<'_>,
    cursor: Option<&str>,
) -> Result<Holdings, AuthError> {
    let person = match whose {
        Whose::Own => identity::oneself(&mut db.read().await?.scope(call.tenant())?, call).await?,
        Whose::User(id) => identity::person(&mut db.read().await?.scope(call.tenant())?, id).await?,
    };
    if cursor.is_none() {
        let entry = audit::Entry {
            action: "person.exported",
            subject: person.id.as_str(),
            ..audit::Entry::default()
        };
        let mut tx = db.begin().await?;
        audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
        tx.commit().await?;
    }
    let sections = identity::personal_sections().chain([RECORDS, MESSAGES]).chain(tasks::SECTIONS);
    let names: Vec<&'static str> = sections.chain([AUDIT]).collect();
    let (mut place, mut after) = start(&names, cursor)?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let mut sections = Vec::new();
    let mut room = PAGE;
    while let Some(name) = names.get(place).copied() {
        let (items, next) = section(&mut scope, name, &person, &after, room).await?;
        room = room.saturating_sub(i64::try_from(items.len()).unwrap_or(i64::MAX));
        sections.push((name, items));
        if let Some(key) = next {
            // A window of the audit in which nothing is found is no page's end.
            if room > 0 && name == AUDIT {
                after = key;
                continue;
            }
            return Ok(Holdings { person, sections: merged(sections), next: Some(format!("{name} {key}")) });
        }
        after = String::new();
        place = place.saturating_add(1);
        if room == 0 && place < names.len() {
            let next = names.get(place).map(|name| format!("{name} "));
            return Ok(Holdings { person, sections: merged(sections), next });
        }
    }
    Ok(Holdings { person, sections: merged(sections), next: None })
}

/// One list for each section.
fn merged(sections: Vec<(&'static str, Vec<String>)>) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (name, items) in sections {
        match all.last_mut() {
            Some((last, list)) if *last == name => list.extend(items),
            Some(_) | None => all.push((name, items)),
        }
    }
    all
}

/// The section and the key in it at which a page begins.
fn start(names: &[&'static str], cursor: Option<&str>) -> Result<(usize, String), AuthError> {
    let Some(cursor) = cursor else { return Ok((0, String::new())) };
    let fault = || AuthError::Fields(vec![FieldFault::new("cursor", PageError::Cursor)]);
    let (name, after) = cursor.split_once(' ').ok_or_else(fault)?;
    let place = names.iter().position(|known| *known == name).ok_or_else(fault)?;
    if name == AUDIT && !after.is_empty() && after.parse::<i64>().is_err() {
        return Err(fault());
    }
    Ok((place, after.to_owned()))
}

/// Some of a section, and the key after which it goes on.
async fn section(
    scope: &mut Scope<'_>,
    name: &str,
    person: &Person,
    after: &str,
    room: i64,
) -> Result<(Vec<String>, Option<String>), DbError> {
    if name == AUDIT {
        let after = after.parse().unwrap_or(0);
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        let (rows, next) = audit::personal_data(scope, person, after, most).await?;
        let line = |row: audit::Recorded| Line { previous: row.hash, row };
        let items = rows.into_iter().map(|row| said(&line(row).row)).collect();
        return Ok((items, next.map(|next| next.to_string())));
    }
    let most = room.saturating_add(1);
    let mut held = match name {
        RECORDS => records::privacy::personal_data(scope, person, after, most).await?,
        MESSAGES => notifications::privacy::personal_data(scope, person, after, most).await?,
        name if tasks::SECTIONS.contains(&name) => {
            tasks::personal_data(scope, name, person, after, most).await?
        }
        _ => identity::personal_data(scope, name, person, after, most).await?,
    };
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let more = held.len() > room;
    held.truncate(room);
    let next = if more { held.last().map(|(key, _)| key.clone()) } else { None };
    Ok((held.into_iter().map(|(_, item)| item).collect(), next))
}

/// A row of the audit as somebody reads it.
fn said(row: &audit::Recorded) -> String {
    let text = |content: &audit::Content| {
        content.text().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
    };
    json!({
        "sequence": row.sequence,
        "at": row.at.to_string(),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "request_id": row.request,
        "address": row.address.text(),
        "before": text(&row.before),
        "after": text(&row.after),
    })
    .to_string()
}

/// Begins the erasure of a user: they are out at once, and a job does the rest. Asked for again, it tells how far it is.
///
/// # Errors
/// As [`identity::begin_erasure`].
pub async fn erase(db: &Db, call: &Call, id: &UserId, confirm: &str) -> Result<Erasure, AuthError> {
    let job = JobId::new(call.now, &*call.chance);
    let mut tx = db.begin().await?;
    let begun = identity::begin_erasure(&mut tx.scope(call.tenant()), call, id, confirm, &job).await;
    match begun {
        Ok(Some(erasure)) => {
            let new = chore(call, job, Kind::ErasePerson, json!({"user_id": id.as_str()}).to_string());
            jobs::enqueue(&mut tx.all_tenants(), &[new], call.now).await?;
            tx.commit().await?;
            Ok(erasure)
        }
        Ok(None) => {
            tx.rollback().await?;
            erasure(db, call, id).await
        }
        Err(error) => {
            // The first error is the one to tell; nothing stays in any case.
            let _: Result<(), DbError> = tx.rollback().await;
            Err(error)
        }
    }
}

/// How far the erasure of a user is.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn erasure(db: &Db, call: &Call, id: &UserId) -> Result<Erasure, AuthError> {
    let mut lease = db.read().await?;
    identity::erasure(&mut lease.scope(call.tenant())?, id).await
}

/// A job that is a chore of our own.
pub(crate) fn chore(call: &Call, id: JobId, kind: Kind, payload: String) -> NewJob {
    NewJob {
        id,
        tenant: call.tenant().clone(),
        kind,
        payload,
        event: None,
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: Patience { attempts: 20, ..Patience::default() },
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms::default(),
    }
}
