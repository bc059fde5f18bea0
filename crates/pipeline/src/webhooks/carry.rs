//! How does a webhook leave, and what does its answer mean for its job?

use crate::{
    Works,
    effect::{Errand, Report},
    left,
};
use ::webhooks::{Answered, Attempted, Came, Endpoint, Judgement, TokenWish, Verdict, judge};
use jobs::{Lost, Outcome, Receipt};
use kernel::{Instant, Secret};

/// What a webhook needs besides its parcel.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) endpoint: Endpoint,
    /// What no record may show of the answer.
    pub(crate) secrets: Vec<Secret<String>>,
    /// The token that is to be had first.
    pub(crate) token: Option<TokenWish>,
}

/// Sends a webhook; gives what came of it for its job, and for its endpoint.
pub(crate) async fn carry(works: &Works<'_>, errand: &Errand, hook: &Hook) -> (Report, Attempted, Instant) {
    let tenant = &errand.leased.job.tenant;
    let mut parcel = errand.parcel.clone();
    let mut secrets = hook.secrets.clone();
    if let Some(wish) = &hook.token {
        match works.tokens.get(works.courier, works.clock, tenant, wish).await {
            Ok(token) => {
                let value = format!("Bearer {}", token.expose());
                parcel.headers.push(("authorization".to_owned(), value));
                secrets.push(token);
            }
            Err(words) => {
                let judgement = Judgement {
                    failure: Some("token".to_owned()),
                    words: format!("The endpoint's provider gave no access token: {words}."),
                    ..judge(Came::Broken(""))
                };
                return told(works, errand, hook, None, judgement);
            }
        }
    }
    let outcome = works.courier.send(parcel).await;
    let judgement = match &outcome {
        Ok(receipt) => {
            let asked = receipt.headers.iter().find(|(name, _)| name == "retry-after");
            let retry_after =
                asked.and_then(|(_, value)| notifications::retry_after(value, works.clock.now()));
            judge(Came::Answer { status: receipt.status, retry_after })
        }
        Err(Lost::Refused) => judge(Came::Forbidden),
        Err(Lost::TimedOut(span)) => judge(Came::Slow(span.as_seconds_up())),
        Err(Lost::Unreadable) => judge(Came::Broken("its address does not read")),
        Err(Lost::Broken(words)) => judge(Came::Broken(words)),
    };
    // The provider may have taken the token back: the next attempt asks for another.
    if let (Some(wish), Ok(Receipt { status: 401, .. })) = (&hook.token, &outcome) {
        works.tokens.forget(tenant, wish);
    }
    let answer = outcome.ok().map(|receipt| {
        let of_type = receipt.headers.iter().find(|(name, _)| name == "content-type");
        let answered =
            Answered::new(receipt.status, of_type.map(|(_, value)| value.as_str()), &receipt.body, &secrets);
        (receipt, answered)
    });
    told(works, errand, hook, answer, judgement)
}

fn told(
    works: &Works<'_>,
    errand: &Errand,
    hook: &Hook,
    answer: Option<(Receipt, Answered)>,
    judgement: Judgement,
) -> (Report, Attempted, Instant) {
    let ended = works.clock.now();
    let job = &errand.leased.job;
    let mut jitter = [0_u8];
    works.chance.fill(&mut jitter);
    let [jitter] = jitter;
    let words = judgement.words.clone();
    let report = match judgement.verdict {
        Verdict::Taken => Report::done(words),
        Verdict::Gone | Verdict::Hopeless => Report::hopeless(words),
        Verdict::Later { retry_after } if job.patience.is_of_receiver() => {
            let failures = job.failures.saturating_add(1);
            match hook.endpoint.policy.next(failures, ended, jitter, retry_after) {
                Some(at) => Report { outcome: Outcome::Again { at }, ..Report::failed(words) },
                None => Report::hopeless(words),
            }
        }
        Verdict::Later { retry_after } => {
            Report { outcome: Outcome::Failed { retry_after }, ..Report::failed(words) }
        }
    };
    let report = match &answer {
        Some((receipt, answered)) => {
            // Masked, as it is kept: those behind it see no more than people do.
            let masked = Receipt { body: answered.body.clone().into_bytes(), ..receipt.clone() };
            Report { status: Some(receipt.status), ..report }.leaving(&left::of_answer(&masked))
        }
        None => report,
    };
    let attempted = Attempted {
        tenant: job.tenant.clone(),
        endpoint: hook.endpoint.id.clone(),
        job: job.id.clone(),
        number: job.attempts,
        started: errand.leased.started,
        ended,
        answer: answer.map(|(_, answered)| answered),
        judgement,
    };
    (report, attempted, ended)
}
