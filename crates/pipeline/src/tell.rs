//! How is somebody told something outside any rule? A message and its carriers, in one transaction.

use crate::effect::{self, Maker};
use auth::service as identity;
use db::{Db, DbError, Tx};
use jobs::Job;
use kernel::{Call, Span};
use notifications::{Expanded, IN_APP, NewMessage, NotificationError, Recipient};
use serde_json::json;

/// The most owners that are told of one thing.
pub(crate) const OWNERS: u16 = 10;
/// After so long somebody is told again.
const AGAIN: Span = Span::hours(24);

/// Tells a tenant's owners what became of a job of theirs, once a day for each title, inside the queue's transaction.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn owners(
    tx: &mut Tx,
    call: &Call,
    job: &Job,
    title: &str,
    body: &str,
) -> Result<(), DbError> {
    let owners = identity::owners(&mut tx.scope(&job.tenant), OWNERS).await?;
    people(tx, call, job, owners, (title, body)).await
}

/// Tells people what became of a job of theirs, once a day for each title, inside the queue's transaction.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn people(
    tx: &mut Tx,
    call: &Call,
    job: &Job,
    people: Vec<kernel::Person>,
    (title, body): (&str, &str),
) -> Result<(), DbError> {
    for person in people {
        let Ok(recipient) = person.email.parse::<Recipient>() else { continue };
        let mut scope = tx.scope(&job.tenant);
        if notifications::messages::was_told(&mut scope, &recipient, title, call.now - AGAIN).await? {
            continue;
        }
        let message = NewMessage {
            recipient: person.email,
            title: Some(title.to_owned()),
            body: body.to_owned(),
            channel: Some(IN_APP.to_owned()),
            event_id: job.event.clone(),
            job_id: None,
        };
        let expanded = match notifications::expand(&mut scope, call, message).await {
            Ok(expanded) => expanded,
            Err(NotificationError::Db(error)) => return Err(error),
            // That somebody cannot be told must not keep the queue from going on; the job's record says it all the same.
            Err(_) => continue,
        };
        let carriers = effect::carriers(call, &Maker::job(job), &expanded);
        jobs::enqueue(&mut tx.all_tenants(), &carriers, call.now).await?;
    }
    Ok(())
}

/// Writes a message with its inbox entry and queues its deliveries.
///
/// # Errors
/// [`NotificationError`]; then nothing is written.
pub async fn tell(db: &Db, call: &Call, message: NewMessage) -> Result<Expanded, NotificationError> {
    let mut tx = db.begin().await?;
    let (recipient, channel) = (message.recipient.clone(), message.channel.clone());
    let outcome = notifications::expand(&mut tx.scope(call.tenant()), call, message).await;
    let expanded = match outcome {
        Ok(expanded) => expanded,
        Err(fault) => {
            tx.rollback().await?;
            return Err(fault);
        }
    };
    let carriers = effect::carriers(call, &Maker::call(call), &expanded);
    jobs::enqueue(&mut tx.all_tenants(), &carriers, call.now).await?;
    let entry = audit::Entry {
        action: "message.sent",
        subject: expanded.message_id.as_str(),
        before: None,
        after: Some(json!({"recipient": recipient.trim(), "channel": channel})),
    };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    tx.commit().await?;
    Ok(expanded)
}
