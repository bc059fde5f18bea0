//! What can be done with tasks? Everything here runs within the caller's transaction, so that what happened is raised in it, too.
//! The caller's permission may reach some tasks only; a person may work on those that are assigned to them in any case.

pub mod comments;
pub mod privacy;
#[cfg(test)]
mod tests;

use crate::{
    Assignee, Change, Changed, Definition, Filter, MODULE, Maker, Sort, Task, TaskError,
    list::Place,
    store::{
        list::{self as lists, Visible},
        task as store,
    },
};
use audit::Entry;
use db::{AllTenants, DbError, Scope};
use kernel::{Bounded, Call, EventId, Instant, JobId, Page, PageRequest, TaskId, TenantId};
use serde_json::{Map, Value, json};

/// What the person who asks is known by as an assignee: their id and their address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own(Vec<String>);

impl Own {
    /// The person behind `who`, whose address is `email`; nobody, if it is a program.
    #[must_use]
    pub fn of(who: &Bounded, email: Option<&str>) -> Self {
        let id = who.own().map(|(_, id)| id.to_string());
        let address = id.as_ref().and(email).map(str::to_lowercase);
        Self(id.into_iter().chain(address).collect())
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Whether the task is assigned to the person.
    #[must_use]
    pub fn has(&self, task: &Task) -> bool {
        task.assignee.as_ref().is_some_and(|assignee| self.0.iter().any(|key| key == assignee.key()))
    }
}

/// Makes a task.
///
/// # Errors
/// [`TaskError::Full`], [`TaskError::OutOfReach`]; the database's.
pub async fn create(
    scope: &mut Scope<'_>,
    who: &Bounded,
    definition: Definition,
    assignee: Option<Assignee>,
) -> Result<Changed, TaskError> {
    let call = who.put_in(MODULE, None)?;
    let maker = Maker { by: call.principal.actor.name().to_owned(), ..Maker::default() };
    make(scope, call, definition, assignee, maker).await
}

/// Makes a task on behalf of a maker. Who may, the caller has seen.
///
/// # Errors
/// [`TaskError::Full`]; the database's.
pub async fn make(
    scope: &mut Scope<'_>,
    call: &Call,
    definition: Definition,
    assignee: Option<Assignee>,
    maker: Maker,
) -> Result<Changed, TaskError> {
    let id = TaskId::new(call.now, &*call.chance);
    let task = Task::new(id, definition, assignee, maker, call.now);
    if !store::insert(scope, &task).await? {
        return Err(TaskError::Full);
    }
    let changed = Changed { before: None, after: task };
    record(scope, call, &changed).await?;
    Ok(changed)
}

/// The task that a job made before, if it did.
///
/// # Errors
/// The database's.
pub async fn of_job(scope: &mut Scope<'_>, job: &JobId) -> Result<Option<Task>, DbError> {
    store::of_job(scope, job).await
}

/// The tasks that rules made of an event, in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Task>, DbError> {
    store::of_event(scope, event).await
}

/// One task.
///
/// # Errors
/// [`TaskError::Unknown`]; the database's.
pub async fn get(scope: &mut Scope<'_>, who: &Bounded, own: &Own, id: &TaskId) -> Result<Task, TaskError> {
    let task = store::get(scope, id).await?.ok_or(TaskError::Unknown)?;
    within(who, own, &task)?;
    Ok(task)
}

/// The call, for a task that is there: as far as the permission reaches, or because it is the caller's to do.
fn within<'a>(who: &'a Bounded, own: &Own, task: &Task) -> Result<&'a Call, TaskError> {
    match who.at(MODULE, task.id.as_str()) {
        Ok(call) => Ok(call),
        Err(beyond) => match who.own() {
            Some((call, _)) if own.has(task) => Ok(call),
            Some(_) | None => Err(beyond.into()),
        },
    }
}

/// Tasks that the caller may see.
///
/// # Errors
/// [`TaskError::Invalid`] for a cursor of another list; the database's.
pub async fn list(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
) -> Result<Page<Task>, TaskError> {
    let after = page.after.as_ref().map(Place::read).transpose()?;
    let visible = match who.bounds().parts() {
        None => Visible::Everything,
        Some(parts) if parts.modules.iter().any(|module| &**module == MODULE) => Visible::Everything,
        Some(parts) => Visible::Some {
            tasks: parts.resources.iter().map(ToString::to_string).collect(),
            own: own.keys().to_vec(),
        },
    };
    let rows = lists::list(scope, &visible, filter, sort, after.as_ref(), page.probe()).await?;
    Ok(Page::cut(rows, page, |task| Place::text(sort.key(task), &task.id)))
}

/// Changes a task by `decide`, which gets it, the name of whoever asks, and the time. `expected` is the version that the
/// caller saw, if it says so. `own` is who may do this with a task of their own whatever their permission; nobody unless named.
///
/// # Errors
/// [`TaskError::Unknown`], [`TaskError::Stale`], [`TaskError::OutOfReach`], [`TaskError::Full`] for one that is reopened; those
/// of `decide`; the database's.
pub async fn change(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    id: &TaskId,
    expected: Option<u32>,
    decide: impl FnOnce(Task, &str, Instant) -> Result<Task, TaskError>,
) -> Result<Changed, TaskError> {
    let (was, call) = present(scope, who, own, id, expected).await?;
    let after = decide(was.clone(), call.principal.actor.name(), call.now)?.versioned(&was, call.now);
    let changed = Changed { before: Some(was), after };
    if changed.change().is_some() {
        if !store::update(scope, &changed.after).await? {
            return Err(TaskError::Full);
        }
        record(scope, call, &changed).await?;
    }
    Ok(changed)
}

/// Deletes a task with what was said about it.
///
/// # Errors
/// As [`change`].
pub async fn delete(
    scope: &mut Scope<'_>,
    who: &Bounded,
    id: &TaskId,
    expected: Option<u32>,
) -> Result<(), TaskError> {
    let (was, call) = present(scope, who, &Own::default(), id, expected).await?;
    store::delete(scope, id).await?;
    let entry = Entry { action: "task.deleted", subject: id.as_str(), before: Some(seen(&was)), after: None };
    Ok(audit::append(scope, call, &entry).await?)
}

/// How many tasks of the tenant have not ended.
///
/// # Errors
/// The database's.
pub async fn open(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    store::open(scope).await
}

/// Whose tasks have become overdue and were not told of, of the `most` that are overdue longest: a look that takes no lock.
/// Nobody's, nearly always.
///
/// # Errors
/// The database's.
pub async fn overdue_tenants(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<TenantId>, DbError> {
    store::overdue_tenants(all, now, most).await
}

/// Up to `most` tasks of any tenants that have become overdue and were not told of: now they count as told of.
///
/// # Errors
/// The database's.
pub async fn note_overdue(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<(TenantId, Task)>, DbError> {
    let rows = store::note_overdue(all, now, most).await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

/// The task and the call for it, if it is still at the version that the caller saw.
async fn present<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    own: &Own,
    id: &TaskId,
    expected: Option<u32>,
) -> Result<(Task, &'a Call), TaskError> {
    let task = store::get(scope, id).await?.ok_or(TaskError::Unknown)?;
    let call = within(who, own, &task)?;
    match expected {
        Some(version) if version != task.version => Err(TaskError::Stale(task.version)),
        Some(_) | None => Ok((task, call)),
    }
}

/// Tells the audit: all of a task that is new, and of others what is another than before.
async fn record(scope: &mut Scope<'_>, call: &Call, changed: &Changed) -> Result<(), DbError> {
    let (before, after) = if changed.before.is_none() {
        (None, seen(&changed.after))
    } else {
        let differences = changed.differences(|assignee| json!(assignee.key()));
        let side = |new: bool| -> Value {
            let pairs = differences.iter().map(|difference| {
                let value = if new { &difference.new } else { &difference.old };
                (difference.field.to_owned(), value.clone())
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        (Some(side(false)), side(true))
    };
    let entry = Entry {
        action: changed.change().unwrap_or(Change::Edited).action(),
        subject: changed.after.id.as_str(),
        before,
        after: Some(after),
    };
    audit::append(scope, call, &entry).await
}

/// The task as the audit shows it.
fn seen(task: &Task) -> Value {
    let definition = &task.definition;
    json!({
        "title": definition.title,
        "description": definition.description,
        "priority": definition.priority.as_str(),
        "due": definition.due.map(|due| due.said()),
        "labels": definition.labels,
        "about": definition.about.as_ref().map(|about| json!({"type": about.kind, "id": about.id})),
        "state": task.state.as_str(),
        "assignee": task.assignee.as_ref().map(Assignee::key),
        "created_by": task.maker.by,
        "version": task.version,
    })
}
