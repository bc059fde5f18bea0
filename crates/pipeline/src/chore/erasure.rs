//! How is a person taken out of everything? Stage by stage, window by window; where it stands is a row, so that a stop at
//! any moment is taken up.

use super::Progress;
use crate::{Works, store};
use auth::{AuthError, Erasure, ErasureState, service::privacy as identity};
use db::{DbError, Redaction};
use jobs::Job;
use kernel::{Call, Person, UserId};
use serde_json::Value;

/// How many messages or sessions go in one step.
const STEP: i64 = 200;
/// How many rows of the audit are erased in one step.
const ROWS: usize = 200;

/// How many rows the audit may have got between its own stage and the end.
const LATE: i64 = 2_000;

const TELLING: &str = "telling";
const LETTERS: &str = "letters";
const MESSAGES: &str = "messages_to";
const ANSWERS: &str = "answers";
const SESSIONS: &str = "sessions";
const AUDIT: &str = "audit";
const END: &str = "end";

/// The stages between the messages and the answers: texts that name the person, table by table.
fn redactions() -> impl Iterator<Item = &'static Redaction> {
    let rules = rules::REDACTIONS.iter();
    rules
        .chain(&records::privacy::REDACTIONS)
        .chain(&events::REDACTIONS)
        .chain(&jobs::REDACTIONS)
        .chain(&notifications::privacy::REDACTIONS)
        .chain(&tasks::REDACTIONS)
        .chain(&schedules::REDACTIONS)
        .chain(&rules::FINDINGS_REDACTIONS)
        .chain(&webhooks::REDACTIONS)
        .chain(&webhooks::SOURCE_REDACTIONS)
}

/// The stage after `stage`; the first after none.
fn after(stage: &str) -> &'static str {
    // Rules come first: what they would tell from then on goes to the pseudonym.
    let mut all =
        redactions().map(|one| one.name).chain([TELLING, LETTERS, MESSAGES, ANSWERS, SESSIONS, AUDIT]);
    if stage.is_empty() {
        return all.next().unwrap_or(END);
    }
    all.find(|name| *name == stage);
    all.next().unwrap_or(END)
}

pub(super) async fn step(works: &Works<'_>, call: &Call, job: &Job) -> Result<Progress, DbError> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let user = payload.get("user_id").and_then(Value::as_str).and_then(|text| text.parse::<UserId>().ok());
    let Some(user) = user else { return Ok(Progress::Hopeless("the job names no user".to_owned())) };
    let found = {
        let mut lease = works.db.read().await?;
        identity::erasure(&mut lease.scope(call.tenant())?, &user).await
    };
    let erasure = match found {
        Ok(erasure) => erasure,
        Err(AuthError::Db(error)) => return Err(error),
        Err(_) => return Ok(Progress::Hopeless("nobody asked for this erasure".to_owned())),
    };
    let (ErasureState::Running, Some(person)) = (erasure.state, erasure.person.clone()) else {
        return Ok(Progress::Done("the person is erased".to_owned()));
    };
    let stage = if erasure.stage.is_empty() { after("").to_owned() } else { erasure.stage.clone() };
    if let Some(redaction) = redactions().find(|one| one.name == stage) {
        return redact(works, call, erasure.clone(), &person, redaction).await.map(|()| Progress::More);
    }
    match stage.as_str() {
        TELLING | LETTERS | MESSAGES | SESSIONS => remove(works, call, erasure, &person).await?,
        ANSWERS => answers(works, call, erasure, &person).await?,
        AUDIT => audit_rows(works, call, erasure, &person).await?,
        _ if end(works, call, erasure, &person).await? => {
            return Ok(Progress::Done("the person is erased".to_owned()));
        }
        _ => {}
    }
    Ok(Progress::More)
}

/// The erasure, gone on to the next stage, or to `cursor` in this one.
fn moved(mut erasure: Erasure, cursor: Option<String>) -> Erasure {
    if erasure.stage.is_empty() {
        erasure.stage = after("").to_owned();
    }
    match cursor {
        Some(cursor) => erasure.cursor = cursor,
        None => {
            erasure.stage = after(&erasure.stage).to_owned();
            erasure.cursor = String::new();
        }
    }
    erasure
}

/// Puts the pseudonym in the place of the person's address in one window of a table.
async fn redact(
    works: &Works<'_>,
    call: &Call,
    mut erasure: Erasure,
    person: &Person,
    redaction: &Redaction,
) -> Result<(), DbError> {
    let cursor = erasure.cursor.clone();
    let seen = {
        let mut lease = works.db.read().await?;
        redaction.look(&mut lease.scope(call.tenant())?, person, &cursor).await?
    };
    let mut tx = works.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    if seen.rows > 0 {
        // Looked at again: a row may have changed since.
        let found = redaction.look(&mut scope, person, &cursor).await?;
        erasure.count(redaction.name, found.rows);
        let is_one_of = |all: &[Redaction]| all.iter().any(|one| one.name == redaction.name);
        if is_one_of(&rules::REDACTIONS) {
            rules::service::take_out(&mut scope, redaction, found).await?;
        } else if is_one_of(&records::privacy::REDACTIONS) {
            records::privacy::take_out(&mut scope, redaction, found).await?;
        } else {
            redaction.take_out(&mut scope, found).await?;
            if is_one_of(&webhooks::REDACTIONS) {
                // Events meet another filter from now on.
                rules::service::moved(&mut scope).await?;
            }
        }
    }
    identity::advance_erasure(&mut scope, &moved(erasure, seen.next)).await?;
    tx.commit().await
}

/// Takes back what would reach the person, and removes messages to them, or their sessions.
async fn remove(
    works: &Works<'_>,
    call: &Call,
    mut erasure: Erasure,
    person: &Person,
) -> Result<(), DbError> {
    let mut tx = works.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let stage = erasure.stage.clone();
    let gone = match stage.as_str() {
        TELLING => {
            let back = jobs::take_back_telling(&mut scope, person, call.now).await?;
            erasure.count("jobs_cancelled", back);
            0
        }
        LETTERS => {
            let carried = identity::erase_letters(&mut scope, person, STEP).await?;
            let back = jobs::take_back(&mut scope, &carried, call.now).await?;
            erasure.count("jobs_cancelled", back);
            erasure.count("letters_deleted", carried.len());
            carried.len()
        }
        MESSAGES => {
            let gone = notifications::privacy::erase(&mut scope, person, STEP).await?;
            let back = jobs::take_back_carriers(&mut scope, &gone, call.now).await?;
            erasure.count("jobs_cancelled", back);
            erasure.count("messages_deleted", gone.len());
            gone.len()
        }
        _ => {
            let gone = identity::erase_sessions(&mut scope, &person.id, STEP).await?;
            erasure.count("sessions_deleted", gone);
            gone
        }
    };
    let cursor = (gone > 0).then(String::new);
    identity::advance_erasure(&mut scope, &moved(erasure, cursor)).await?;
    tx.commit().await
}

/// Removes answers that were kept under idempotency keys and name the person.
async fn answers(
    works: &Works<'_>,
    call: &Call,
    mut erasure: Erasure,
    person: &Person,
) -> Result<(), DbError> {
    let mut tx = works.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let (gone, next) = store::forget_answers(&mut scope, person, &erasure.cursor).await?;
    erasure.count("answers_deleted", gone);
    identity::advance_erasure(&mut scope, &moved(erasure, next)).await?;
    tx.commit().await
}

/// Erases what is the person's in one window of the audit.
async fn audit_rows(
    works: &Works<'_>,
    call: &Call,
    mut erasure: Erasure,
    person: &Person,
) -> Result<(), DbError> {
    let begun = erasure.cursor.parse().unwrap_or(0);
    let (seen_to, (mut traces, mut next)) = {
        let mut lease = works.db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        (audit::head(&mut scope).await?.sequence, audit::traces(&mut scope, person, begun).await?)
    };
    if traces.len() > ROWS {
        traces.truncate(ROWS);
        next = traces.last().map(|trace| trace.sequence);
    }
    let mut tx = works.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let gone = audit::erase(&mut scope, call, person.id.as_str(), &traces).await?;
    erasure.count("audit_rows", gone);
    let ended = next.is_none();
    let mut erasure = moved(erasure, next.map(|next| next.to_string()));
    if ended {
        // What comes after is the end's.
        erasure.cursor = seen_to.to_string();
    }
    identity::advance_erasure(&mut scope, &erasure).await?;
    tx.commit().await
}

/// The rest: what the audit got meanwhile, and the user. Then the log of the database is emptied, where nobody else is
/// just using it. False if the audit got too much meanwhile: that is erased in steps first.
async fn end(works: &Works<'_>, call: &Call, mut erasure: Erasure, person: &Person) -> Result<bool, DbError> {
    let mut tx = works.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let from: i64 = erasure.cursor.parse().unwrap_or(0);
    if audit::head(&mut scope).await?.sequence.saturating_sub(from) > LATE {
        erasure.stage = AUDIT.to_owned();
        identity::advance_erasure(&mut scope, &erasure).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let (traces, _) = audit::traces(&mut scope, person, from).await?;
    let gone = audit::erase(&mut scope, call, person.id.as_str(), &traces).await?;
    erasure.count("audit_rows", gone);
    identity::end_erasure(&mut scope, call, &erasure).await?;
    tx.commit().await?;
    store::empty_log(&mut works.db.read().await?.all_tenants()?).await;
    Ok(true)
}
