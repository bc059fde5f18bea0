//! How does a task meet the rest? Who is meant by an address, the events that a change raises, and the word to whoever gets the
//! task: all in the transaction of the change.

mod due;
mod error;
mod overdue;
mod people;
mod run;

pub use error::TaskFault;
pub use overdue::tell_overdue;
pub(crate) use run::run;

use crate::{Books, Receipt, announce::announce, effect, zone};
use db::{Db, Tx};
use events::{NewEvent, Origin};
use kernel::{Actor, Bounded, Call, CommentId, EventId, Page, PageRequest, Person, TaskId};
use notifications::{IN_APP, NewMessage};
use people::People;
use tasks::{
    Assignee, Changed, Comment, Draft, Filter, Happening, MODULE, Patch, Said, Sort, Task, TaskError,
    service::{self, Own, comments},
};

/// A task with the user who has it, if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The task.
    pub task: Task,
    /// The user who has it; `None` if nobody has it, somebody who is no user, or a user who is gone.
    pub assignee: Option<Person>,
}

/// A change that was made.
#[derive(Debug, Clone)]
pub struct Done {
    /// The task as it is.
    pub seen: Seen,
    /// Whether rules made jobs of it.
    pub made_jobs: bool,
}

/// What somebody said about a task, with the user who said it, if it is one who is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What was said.
    pub comment: Comment,
    /// The user who said it.
    pub author: Option<Person>,
}

/// What somebody does with a task that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Begins it.
    Start,
    /// Has done it.
    Complete,
    /// Gives it up.
    Cancel,
    /// Takes it up again after it ended.
    Reopen,
}

/// Makes a task.
///
/// # Errors
/// [`TaskFault`]; then nothing is made.
pub async fn create(db: &Db, books: &Books, who: &Bounded, draft: Draft) -> Result<Done, TaskFault> {
    let zone = zone::of(&mut db.read().await?.scope(who.tenant())?).await?;
    let new = draft.check(&zone).map_err(TaskError::from)?;
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let assignee = people::resolve(&mut scope, who, new.assignee).await?;
        let changed = service::create(&mut scope, who, new.definition, assignee).await?;
        tell(&mut tx, books, who, changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Makes a task anew: what is left out is as for a new one. Its state stays, but for what another assignee means.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn replace(
    db: &Db,
    books: &Books,
    who: &Bounded,
    id: &TaskId,
    expected: Option<u32>,
    draft: Draft,
) -> Result<Done, TaskFault> {
    let zone = zone::of(&mut db.read().await?.scope(who.tenant())?).await?;
    let new = draft.check(&zone).map_err(TaskError::from)?;
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let assignee = people::resolve(&mut scope, who, new.assignee).await?;
        let decide = |task: Task, _: &str, _| task.redefined(new.definition).assigned(assignee);
        let changed = service::change(&mut scope, who, &Own::default(), id, expected, decide).await?;
        tell(&mut tx, books, who, changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes some fields of a task: first what it says, then who has it, then its state.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn patch(
    db: &Db,
    books: &Books,
    who: &Bounded,
    id: &TaskId,
    expected: Option<u32>,
    patch: Patch,
) -> Result<Done, TaskFault> {
    let zone = zone::of(&mut db.read().await?.scope(who.tenant())?).await?;
    let edit = patch.check(&zone).map_err(TaskError::from)?;
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let assignee = match edit.assignee.clone() {
            Some(named) => Some(people::resolve(&mut scope, who, named).await?),
            None => None,
        };
        let decide = |task: Task, by: &str, now| {
            let definition = edit.over(&task.definition);
            let task = task.redefined(definition);
            let task = match assignee {
                Some(assignee) => task.assigned(assignee)?,
                None => task,
            };
            match edit.state {
                Some(state) => task.moved(state, by, now),
                None => Ok(task),
            }
        };
        let changed = service::change(&mut scope, who, &Own::default(), id, expected, decide).await?;
        tell(&mut tx, books, who, changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Gives a task to somebody, named by a user's id, an address or `me`; or takes it from whoever has it.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn assign(
    db: &Db,
    books: &Books,
    who: &Bounded,
    id: &TaskId,
    expected: Option<u32>,
    to: Option<String>,
) -> Result<Done, TaskFault> {
    let edit = Patch { assignee: Some(to), ..Patch::default() };
    patch(db, books, who, id, expected, edit).await
}

/// Makes a step with a task. `own` is who may with their own tasks whatever their permission.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn step(
    db: &Db,
    books: &Books,
    who: &Bounded,
    own: &Own,
    id: &TaskId,
    expected: Option<u32>,
    step: Step,
) -> Result<Done, TaskFault> {
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let decide = |task: Task, by: &str, now| match step {
            Step::Start => task.started(),
            Step::Complete => task.completed(by, now),
            Step::Cancel => task.cancelled(by, now),
            Step::Reopen => Ok(task.reopened()),
        };
        let changed = service::change(&mut tx.scope(who.tenant()), who, own, id, expected, decide).await?;
        tell(&mut tx, books, who, changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a task.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn delete(db: &Db, who: &Bounded, id: &TaskId, expected: Option<u32>) -> Result<(), TaskFault> {
    let mut tx = db.begin().await?;
    let outcome = service::delete(&mut tx.scope(who.tenant()), who, id, expected).await;
    finish(tx, outcome.map_err(TaskFault::from)).await
}

/// One task.
///
/// # Errors
/// [`TaskFault`].
pub async fn get(db: &Db, who: &Bounded, own: &Own, id: &TaskId) -> Result<Seen, TaskFault> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let task = service::get(&mut scope, who, own, id).await?;
    let people = People::of(&mut scope, task.assignee.iter()).await?;
    Ok(people.seen(task))
}

/// Tasks that the caller may see. `assignee` narrows them to those of somebody: a user's id, an address, `me` or `none`.
///
/// # Errors
/// [`TaskFault`].
pub async fn list(
    db: &Db,
    who: &Bounded,
    own: &Own,
    mut filter: Filter,
    assignee: Option<&str>,
    sort: Sort,
    page: &PageRequest,
) -> Result<Page<Seen>, TaskFault> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    if let Some(text) = assignee {
        filter.assignee = Some(people::wanted(&mut scope, own, text).await?);
    }
    let page = service::list(&mut scope, who, own, &filter, sort, page).await?;
    let people = People::of(&mut scope, page.items.iter().filter_map(|task| task.assignee.as_ref())).await?;
    Ok(page.map(|task| people.seen(task)))
}

/// How many tasks of the tenant have not ended.
///
/// # Errors
/// [`TaskFault`].
pub async fn open(db: &Db, call: &Call) -> Result<i64, TaskFault> {
    Ok(service::open(&mut db.read().await?.scope(call.tenant())?).await?)
}

/// What is said about a task, oldest first.
///
/// # Errors
/// [`TaskFault`].
pub async fn comments(
    db: &Db,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    page: &PageRequest,
) -> Result<Page<Remark>, TaskFault> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let page = comments::list(&mut scope, who, own, task, page).await?;
    let authors = People::named(&mut scope, page.items.iter().map(|comment| comment.author.as_str())).await?;
    Ok(page.map(|comment| authors.remark(comment)))
}

/// One comment.
///
/// # Errors
/// [`TaskFault`].
pub async fn comment(
    db: &Db,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
) -> Result<Remark, TaskFault> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let comment = comments::get(&mut scope, who, own, task, id).await?;
    Ok(People::named(&mut scope, [comment.author.as_str()].into_iter()).await?.remark(comment))
}

/// Says something about a task; gives the comment, and whether rules made jobs of it.
///
/// # Errors
/// [`TaskFault`]; then nothing is said.
pub async fn add_comment(
    db: &Db,
    books: &Books,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    text: &str,
) -> Result<(Remark, bool), TaskFault> {
    let said = Said::new(text).map_err(TaskError::from)?;
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (task, comment) = comments::add(&mut scope, who, own, task, said).await?;
        let people = People::of(&mut scope, task.assignee.iter()).await?;
        let happening = tasks::commented(&task, &comment, |assignee| people.address(assignee));
        let call = acting(who, &task.id)?;
        let raised = raise(&mut tx, books, call, &Origin::default(), &task.id, vec![happening]).await?;
        let mut scope = tx.scope(who.tenant());
        let authors = People::named(&mut scope, [comment.author.as_str()].into_iter()).await?;
        Ok((authors.remark(comment), made_jobs(&raised)))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Says it otherwise.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn edit_comment(
    db: &Db,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
    text: &str,
) -> Result<Remark, TaskFault> {
    let said = Said::new(text).map_err(TaskError::from)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let comment = comments::edit(&mut scope, who, own, task, id, said).await?;
        Ok(People::named(&mut scope, [comment.author.as_str()].into_iter()).await?.remark(comment))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Takes a comment back.
///
/// # Errors
/// [`TaskFault`]; then nothing is changed.
pub async fn delete_comment(
    db: &Db,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
) -> Result<(), TaskFault> {
    let mut tx = db.begin().await?;
    let outcome = comments::delete(&mut tx.scope(who.tenant()), who, own, task, id).await;
    finish(tx, outcome.map_err(TaskFault::from)).await
}

/// The call of somebody who was let in to a task: by their permission, or because it is theirs.
fn acting<'a>(who: &'a Bounded, id: &TaskId) -> Result<&'a Call, TaskError> {
    match (who.at(MODULE, id.as_str()), who.own()) {
        (Ok(call), _) | (Err(_), Some((call, _))) => Ok(call),
        (Err(beyond), None) => Err(beyond.into()),
    }
}

/// Tells what came of somebody's change.
async fn tell(tx: &mut Tx, books: &Books, who: &Bounded, changed: Changed) -> Result<Done, TaskFault> {
    let call = acting(who, &changed.after.id)?;
    let by = call.principal.actor.name().to_owned();
    tell_of(tx, books, call, &Origin::default(), changed, &by).await
}

/// Raises what a change means, and tells whoever has the task since.
async fn tell_of(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    origin: &Origin,
    changed: Changed,
    by: &str,
) -> Result<Done, TaskFault> {
    let had = changed.before.iter().filter_map(|before| before.assignee.as_ref());
    let concerned = had.chain(changed.after.assignee.as_ref());
    let people = People::of(&mut tx.scope(call.tenant()), concerned).await?;
    let happened = tasks::happenings(&changed, by, |assignee| people.address(assignee));
    let assigned = happened.iter().position(|one| one.trigger == "task_assigned");
    let raised = raise(tx, books, call, origin, &changed.after.id, happened).await?;
    let event = assigned.and_then(|place| raised.get(place)).map(|receipt| receipt.id.clone());
    let oneself = |assignee: &Assignee| matches!(&call.principal.actor, Actor::User(id, _) if assignee.user() == Some(id));
    let newly = changed.newly_assigned().filter(|assignee| !oneself(assignee));
    if let Some(address) = newly.and_then(|assignee| people.address(assignee)) {
        let message = word_to(address, &changed.after, event);
        let made = notifications::expand(&mut tx.scope(call.tenant()), call, message).await;
        made.map_err(effect::database)?;
    }
    Ok(Done { made_jobs: made_jobs(&raised), seen: people.seen(changed.after) })
}

/// What somebody is told who gets a task: in the inbox alone.
fn word_to(recipient: String, task: &Task, event_id: Option<EventId>) -> NewMessage {
    let due = match task.definition.due {
        Some(tasks::Due::Day { day, .. }) => format!(" It is to be done by the end of {day}."),
        Some(tasks::Due::At(at)) => format!(" It is to be done by {at}."),
        None => String::new(),
    };
    NewMessage {
        recipient,
        title: Some("A task for you".to_owned()),
        body: format!("{} ({}).{due}", task.definition.title, task.id),
        channel: Some(IN_APP.to_owned()),
        event_id,
        job_id: None,
    }
}

fn made_jobs(raised: &[Receipt]) -> bool {
    raised.iter().any(|receipt| !receipt.jobs.is_empty())
}

/// Raises what happened to a task.
async fn raise(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    origin: &Origin,
    task: &TaskId,
    happened: Vec<Happening>,
) -> Result<Vec<Receipt>, TaskFault> {
    let events = happened.into_iter().map(|happening| event(call, task, happening)).collect();
    Ok(announce(tx, books, call, origin, events).await?)
}

/// The event that tells of something that happened to a task.
fn event(call: &Call, task: &TaskId, happening: Happening) -> NewEvent {
    NewEvent {
        trigger: happening.trigger.to_owned(),
        data: happening.data.to_string(),
        source: MODULE.to_owned(),
        external_id: None,
        subject: Some(task.to_string()),
        occurred: Some(call.now),
        dedupe: None,
    }
}

/// Makes what was done stay, or takes it back; either way the connection is kept for the next.
async fn finish<T>(tx: Tx, outcome: Result<T, TaskFault>) -> Result<T, TaskFault> {
    match outcome {
        Ok(value) => tx.commit().await.map(|()| value).map_err(TaskFault::from),
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}
