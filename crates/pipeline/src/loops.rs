//! What if rules set off each other, round and round? The chain is cut at its longest, and whoever can mend it is told: once a day
//! for each rule.

use crate::effect::{self, Maker, Report};
use auth::service as identity;
use db::{DbError, Tx};
use events::EventError;
use jobs::Job;
use kernel::{Call, Span, UserId};
use notifications::{IN_APP, NewMessage, NotificationError, Recipient};

/// The most owners that are told of one rule.
const OWNERS: u16 = 10;
/// How much of a rule's name the title has.
const NAME: usize = 100;
/// After so long somebody is told again.
const AGAIN: Span = Span::hours(24);

/// What comes of a job that would make a chain longer than it may be: it is given up, and whoever changed the rule last is told,
/// or the tenant's owners if that was a program or somebody who is gone.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn cut(tx: &mut Tx, call: &Call, job: &Job, depth: u32) -> Result<Report, DbError> {
    let report = Report::hopeless(EventError::TooDeep(depth).to_string());
    let Some(rule) = &job.rule else { return Ok(report) };
    let action = job.action.unwrap_or_default();
    let mut scope = tx.scope(&job.tenant);
    let Some((name, by)) = rules::service::editor(&mut scope, rule).await? else { return Ok(report) };
    let editor = match by.parse::<UserId>() {
        Ok(id) => identity::active_person(&mut scope, &id).await?,
        Err(_) => None,
    };
    let people = match editor {
        Some(person) => vec![person],
        None => identity::owners(&mut scope, OWNERS).await?,
    };
    // A title has room for so much beside the rule's id.
    let name: String = name.chars().take(NAME).collect();
    let title = format!("A chain of rules was cut at {name} ({rule})");
    for person in people {
        let Ok(recipient) = person.email.parse::<Recipient>() else { continue };
        let mut scope = tx.scope(&job.tenant);
        if notifications::messages::was_told(&mut scope, &recipient, &title, call.now - AGAIN).await? {
            continue;
        }
        let message = NewMessage {
            recipient: person.email,
            title: Some(title.clone()),
            body: format!(
                "Events that rules raise set off rules again, {depth} deep. The chain ended at action {} of this rule; what \
                 it was to do was not done (job {}). The trace of event {} shows the whole chain. Narrow the conditions of \
                 one of its rules so that they no longer hold for what it changes itself.",
                action.saturating_add(1),
                job.id,
                job.event.as_ref().map_or("", |event| event.as_str()),
            ),
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
    Ok(report)
}
