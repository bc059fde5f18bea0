//! What does a `create_task` job do? It makes its task, once: the job's id is the task's key.

use super::{TaskFault, due, people, tell_of};
use crate::{
    Books,
    effect::{self, Report},
    left, zone,
};
use db::{DbError, Tx};
use events::MAX_DEPTH;
use jobs::Job;
use kernel::{Call, FieldFault, Fields};
use serde_json::Value;
use tasks::{AboutIn, Assignee, Definition, Draft, Maker, TaskError, service};

/// The longest title and description: what data make longer is cut.
const TITLE: usize = 200;
const DESCRIPTION: usize = 10_000;

/// Makes the task of a job, inside the queue's transaction.
///
/// # Errors
/// [`DbError`]; then nothing may be committed.
pub(crate) async fn run(tx: &mut Tx, books: &Books, call: &Call, job: &Job) -> Result<Report, DbError> {
    if let Some(before) = service::of_job(&mut tx.scope(&job.tenant), &job.id).await? {
        return Ok(Report::done(format!("made {} before", before.id)).leaving(&left::of_task(&before.id)));
    }
    let Some(origin) = effect::origin(tx, &job.tenant, job).await? else {
        return Ok(Report::hopeless("the event that this task follows is no longer in the ledger"));
    };
    // What is made raises events. One more than a chain may have ends it, before anything is written.
    if origin.depth > MAX_DEPTH {
        return Ok(Report::hopeless(events::EventError::TooDeep(origin.depth).to_string()));
    }
    let (definition, assignee) = match wanted(tx, job).await {
        Ok(wanted) => wanted,
        Err(TaskFault::Task(TaskError::Db(error))) => return Err(error),
        Err(fault) => return Ok(Report::hopeless(said(&fault))),
    };
    let by = job.rule.as_ref().map_or("system", |rule| rule.as_str()).to_owned();
    let maker =
        Maker { by: by.clone(), event: job.event.clone(), rule: job.rule.clone(), job: Some(job.id.clone()) };
    let changed = match service::make(&mut tx.scope(&job.tenant), call, definition, assignee, maker).await {
        Ok(changed) => changed,
        Err(TaskError::Db(error)) => return Err(error),
        // Somebody may make room.
        Err(fault) => return Ok(Report::failed(fault.to_string())),
    };
    let done = tell_of(tx, books, call, &origin, changed, &by).await;
    let done = done.map_err(|fault| DbError::Engine(fault.to_string()))?;
    let id = &done.seen.task.id;
    Ok(Report::done(format!("made {id}")).leaving(&left::of_task(id)))
}

/// What the job says, checked and looked up.
async fn wanted(tx: &mut Tx, job: &Job) -> Result<(Definition, Option<Assignee>), TaskFault> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut scope = tx.scope(&job.tenant);
    let zone = zone::of(&mut scope).await?;
    let mut fields = Fields::new();
    let due = text("due_date").and_then(|text| fields.take("due_date", due::read(&text, &zone)));
    let assignee = text("assignee").and_then(|text| fields.take("assignee", text.parse::<Assignee>()));
    let draft = Draft {
        title: text("title").map(|title| fitted(&title.replace(char::is_control, " "), TITLE)),
        description: text("description").map(|description| fitted(&description, DESCRIPTION)),
        priority: text("priority"),
        labels: payload
            .get("labels")
            .and_then(Value::as_array)
            .map(|labels| labels.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        about: payload.get("about").map(|about| {
            let part = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            AboutIn { kind: part("type"), id: part("id") }
        }),
        due_at: None,
        due_date: None,
        assignee: None,
    };
    let mut faults = fields.done().err().unwrap_or_default();
    let new = match draft.check(&zone) {
        Ok(new) if faults.is_empty() => new,
        Ok(_) => return Err(TaskError::Invalid(faults).into()),
        Err(more) => {
            faults.extend(more);
            return Err(TaskError::Invalid(faults).into());
        }
    };
    let assignee = match assignee {
        Some(assignee) => Some(people::known(&mut scope, assignee).await?),
        None => None,
    };
    Ok((Definition { due, ..new.definition }, assignee))
}

/// The beginning of a text that is too long, marked as one.
fn fitted(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn said(fault: &TaskFault) -> String {
    let faults: Vec<String> = kernel::Fault::fields(fault).iter().map(FieldFault::to_string).collect();
    if faults.is_empty() {
        fault.to_string()
    } else {
        format!("the task cannot be made: {}", faults.join("; "))
    }
}
