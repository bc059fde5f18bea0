//! How do letters leave? Those that wait become jobs as soon as the queue is looked at; their parcels go to the mail service
//! that the operator set. Without one they wait.

use crate::{
    Works,
    effect::{Errand, Report, TIMEOUT},
};
use auth::service::letters::{self, Outcome, Ready};
use db::{Db, DbError, Tx};
use jobs::{Job, Kind, Leased, NewJob, Next, Parcel, Patience, Terms};
use kernel::{Instant, JobId, LetterId, Span, TenantId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most letters that become jobs in one transaction.
const AT_ONCE: u16 = 200;

/// Twelve attempts within an hour: after 2 s, 4 s, 8 s … at most 15 minutes apart.
const PATIENCE: Patience = Patience { attempts: 12, first: Span::seconds(2), most: Span::minutes(15) };

/// Makes jobs of the letters that wait, if there is a mail service; one cheap look when there are none. Tells how many.
///
/// # Errors
/// [`DbError`].
pub async fn post_letters(works: &Works<'_>) -> Result<usize, DbError> {
    if works.mail.is_none() {
        return Ok(0);
    }
    {
        let mut lease = works.db.read().await?;
        if !letters::any_waiting(&mut lease.all_tenants()?).await? {
            return Ok(0);
        }
    }
    let mut tx = works.db.begin().await?;
    let now = works.clock.now();
    let waiting = letters::waiting(&mut tx.all_tenants(), AT_ONCE).await?;
    let made: Vec<NewJob> = waiting
        .iter()
        .map(|letter| NewJob {
            id: JobId::new(now, &*works.chance),
            tenant: letter.tenant.clone(),
            kind: Kind::SendLetter,
            payload: json!({"letter_id": letter.id.as_str(), "purpose": letter.purpose.as_str()}).to_string(),
            event: None,
            rule: None,
            parent: None,
            start: now.into(),
            patience: PATIENCE,
            trace: letter.trace.clone(),
            stillborn: None,
            terms: Terms::default(),
        })
        .collect();
    jobs::enqueue(&mut tx.all_tenants(), &made, now).await?;
    let carried: Vec<_> = waiting.iter().zip(made.iter().map(|job| &job.id)).collect();
    letters::queued(&mut tx.all_tenants(), &carried).await?;
    tx.commit().await?;
    Ok(made.len())
}

/// Ends the letters whose time is over, erases what they say, and forgets links of long ago; tells how many letters.
///
/// # Errors
/// [`DbError`].
pub async fn expire_letters(db: &Db, now: Instant) -> Result<usize, DbError> {
    let mut tx = db.begin().await?;
    auth::service::forget_tickets(&mut tx.all_tenants(), now).await?;
    let ended = letters::expire(&mut tx.all_tenants(), now).await?;
    tx.commit().await?;
    Ok(ended)
}

/// The letter that a `send_letter` job carries.
pub(crate) fn letter_of(job: &Job) -> Option<LetterId> {
    if job.kind != Kind::SendLetter {
        return None;
    }
    let payload: Value = serde_json::from_str(&job.payload).ok()?;
    payload.get("letter_id")?.as_str()?.parse().ok()
}

/// Makes the parcels of letters' jobs; gives apart the reports of those that have none.
pub(crate) async fn prepare(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
) -> Result<(Vec<Errand>, Vec<(Leased, Report)>), DbError> {
    let (mut errands, mut ended) = (Vec::new(), Vec::new());
    let mut by_tenant: BTreeMap<TenantId, Vec<(Leased, LetterId)>> = BTreeMap::new();
    for one in leased {
        match letter_of(&one.job) {
            Some(letter) => by_tenant.entry(one.job.tenant.clone()).or_default().push((one, letter)),
            None => ended.push((one, Report::hopeless("the job names no letter"))),
        }
    }
    for (tenant, group) in by_tenant {
        let Some(mail) = works.mail else {
            // Set when the job was made, and taken away since.
            ended.extend(group.into_iter().map(|(one, _)| (one, Report::failed("no mail service is set"))));
            continue;
        };
        let ids: Vec<LetterId> = group.iter().map(|(_, letter)| letter.clone()).collect();
        let vault = &works.means.vault;
        let ready = letters::prepare(&mut tx.scope(&tenant), vault, mail, &ids, now).await?;
        for ((one, _), ready) in group.into_iter().zip(ready) {
            match ready {
                Ready::Send(outgoing) => {
                    let parcel = Parcel {
                        method: "POST".to_owned(),
                        url: outgoing.url,
                        headers: outgoing.headers,
                        body: outgoing.body,
                        timeout: TIMEOUT,
                    };
                    errands.push(Errand { leased: one, parcel, delivery: None, hook: None });
                }
                Ready::Done(words) => ended.push((one, Report::done(words))),
                Ready::Sealed(_) => ended.push((
                    one,
                    Report::failed(
                        "the letter cannot be opened with the present keys; the operator must restore the key",
                    ),
                )),
            }
        }
    }
    Ok((errands, ended))
}

/// What an answer of the mail service means. Where it is the operator's to mend, it is tried again.
pub(crate) fn judge(report: Report) -> Report {
    let words = match (report.status, &report.outcome) {
        (Some(status @ (401 | 403)), _) => {
            format!("The mail service answered {status}: it does not let us in. Check mail_key.")
        }
        (Some(status @ (404 | 405 | 410)), _) => {
            format!("The mail service answered {status}: nothing takes letters there. Check mail_url.")
        }
        (None, jobs::Outcome::Hopeless) => {
            "The runtime does not let us go to the mail service. Check mail_url, and block_networks in the runtime \
             configuration."
                .to_owned()
        }
        (Some(_) | None, _) => return report,
    };
    Report { status: report.status, ..Report::failed(words) }
}

/// Notes what became of a letter's job.
pub(crate) async fn settle(
    tx: &mut Tx,
    job: &Job,
    words: &str,
    next: Next,
    now: Instant,
) -> Result<(), DbError> {
    let Some(letter) = letter_of(job) else { return Ok(()) };
    let outcome = match next {
        Next::Done => Outcome::Sent,
        Next::Again(_) | Next::Later(_) => Outcome::Again(words.to_owned()),
        Next::Dead => Outcome::GivenUp(words.to_owned()),
    };
    letters::settle(&mut tx.scope(&job.tenant), &letter, &outcome, now).await
}

/// The letter of a job that ended without telling (its lease ran out for the last time, or it was cancelled) is failed.
pub(crate) async fn give_up(tx: &mut Tx, job: &Job, words: &str, now: Instant) -> Result<(), DbError> {
    let Some(letter) = letter_of(job) else { return Ok(()) };
    let outcome = Outcome::GivenUp(words.to_owned());
    letters::settle(&mut tx.scope(&job.tenant), &letter, &outcome, now).await
}
