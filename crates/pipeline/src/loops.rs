//! What if rules set off each other, round and round? The chain is cut at its longest, and whoever can mend it is told: once a day
//! for each rule.

use crate::{effect::Report, tell};
use auth::service as identity;
use db::{DbError, Tx};
use events::EventError;
use jobs::Job;
use kernel::{Call, UserId};

/// How much of a rule's name the title has.
const NAME: usize = 100;

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
        None => identity::owners(&mut scope, tell::OWNERS).await?,
    };
    // A title has room for so much beside the rule's id.
    let name: String = name.chars().take(NAME).collect();
    let title = format!("A chain of rules was cut at {name} ({rule})");
    let body = format!(
        "Events that rules raise set off rules again, {depth} deep. The chain ended at action {} of this rule; what \
         it was to do was not done (job {}). The trace of event {} shows the whole chain. Narrow the conditions of \
         one of its rules so that they no longer hold for what it changes itself.",
        action.saturating_add(1),
        job.id,
        job.event.as_ref().map_or("", |event| event.as_str()),
    );
    tell::people(tx, call, job, people, (&title, &body)).await?;
    Ok(report)
}
