//! How patiently is something brought to an endpoint, and how gently?

use kernel::{Fields, Instant, Span};
use language::{FieldPath, Vocabulary, duration};
use serde_json::Value;

/// How often something can be tried again.
pub(crate) const RETRIES_MAX: usize = 19;
/// The shortest and the longest wait between two attempts.
const WAITS: (Span, Span) = (Span::seconds(1), Span::days(3));
/// How long an endpoint may take, at least and at most.
const TIMEOUTS: (Span, Span) = (Span::seconds(5), Span::seconds(30));
/// How many requests may be under way, at most.
const CONCURRENCY_MAX: u32 = 100;
/// The largest number in a rate, and its time, at least and at most.
const RATE_MAX: u32 = 100_000;
const RATE_PER: (Span, Span) = (Span::seconds(1), Span::hours(24));
/// The bounds within which `Retry-After` is kept.
const RETRY_AFTER_MAX: Span = Span::hours(24);
/// The lines of an endpoint that wants things in order: each key has one, and no two of a line are under way at a time.
pub(crate) const LINES: u32 = 10;

/// How many requests there may be in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub limit: u32,
    /// In which time.
    pub per: Span,
}

/// How things are brought to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The waits after the first failure, the second, and so on; after the last one it is given up.
    pub schedule: Vec<Span>,
    /// How long the endpoint may take to answer.
    pub timeout: Span,
    /// How many requests it takes in a time.
    pub rate: Option<Rate>,
    /// How many requests are under way at a time.
    pub concurrency: u32,
    /// The field of an event's data by which things stay in order: of those that have the same there, one comes after the other.
    pub ordering_key: Option<String>,
}

impl Default for Policy {
    /// The schedule that Standard Webhooks 1.0 recommends: nine retries over 75 hours and a half.
    fn default() -> Self {
        Self {
            schedule: vec![
                Span::seconds(5),
                Span::minutes(5),
                Span::minutes(30),
                Span::hours(2),
                Span::hours(5),
                Span::hours(10),
                Span::hours(14),
                Span::hours(20),
                Span::hours(24),
            ],
            timeout: Span::seconds(15),
            rate: None,
            concurrency: 10,
            ordering_key: None,
        }
    }
}

/// What is wanted of a policy; `None` stays as it is, `Some(None)` is as for a new endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyPatch {
    /// Durations, as rules write them.
    pub schedule: Option<Option<Vec<Value>>>,
    /// A duration.
    pub timeout: Option<Option<Value>>,
    /// Limit and duration.
    pub rate: Option<Option<(u32, Value)>>,
    /// How many at a time.
    pub concurrency: Option<Option<u32>>,
    /// The path of a field.
    pub ordering_key: Option<Option<String>>,
}

impl Policy {
    /// How often something is tried at most.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.schedule.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// When to try again after so many failures, of which the last was just now; `None` when it is given up. The wait is stretched
    /// by chance to 80 to 120 % (`jitter` is 0 to 255); what the endpoint asks makes it longer, by a day at most.
    #[must_use]
    pub fn next(
        &self,
        failures: u32,
        now: Instant,
        jitter: u8,
        retry_after: Option<Span>,
    ) -> Option<Instant> {
        let place = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.schedule.get(place)?.as_millis();
        let percent = 80 + i64::from(jitter) * 40 / 255;
        let wait = wait.saturating_mul(percent) / 100;
        let asked = retry_after.map_or(0, |asked| asked.min(RETRY_AFTER_MAX).as_millis());
        Some(now + Span::millis(wait.max(asked)))
    }

    /// The policy as `patch` wants it; what is faulty is noted.
    pub(crate) fn change(self, patch: PolicyPatch, fields: &mut Fields) -> Self {
        let new = Self::default();
        let schedule = match patch.schedule {
            None => self.schedule,
            Some(None) => new.schedule,
            Some(Some(waits)) => schedule(&waits, fields),
        };
        let timeout = match patch.timeout {
            None => self.timeout,
            Some(None) => new.timeout,
            Some(Some(said)) => within(&said, TIMEOUTS, "must be from PT5S to PT30S")
                .map_err(|fault| fields.fault("timeout", fault))
                .unwrap_or(new.timeout),
        };
        let rate = match patch.rate {
            None => self.rate,
            Some(None) => None,
            Some(Some((limit, per))) => rate(limit, &per, fields),
        };
        let concurrency = patch.concurrency.map_or(self.concurrency, |said| said.unwrap_or(new.concurrency));
        if !(1..=CONCURRENCY_MAX).contains(&concurrency) {
            fields.fault("concurrency", "must be from 1 to 100");
        }
        let ordering_key = match patch.ordering_key {
            None => self.ordering_key,
            Some(None) => None,
            Some(Some(path)) => fields.take("ordering_key", ordering(path)),
        };
        Self { schedule, timeout, rate, concurrency, ordering_key }
    }
}

fn ordering(path: String) -> Result<String, String> {
    let read: FieldPath = Vocabulary::open().path(&path)?;
    if read.is_of_record() {
        return Err("must be a field of the event: its data does not change any more".to_owned());
    }
    Ok(path)
}

fn schedule(waits: &[Value], fields: &mut Fields) -> Vec<Span> {
    if waits.len() > RETRIES_MAX {
        fields.fault("retry_schedule", "must be at most 19 waits: 20 attempts in all");
    }
    let mut spans = Vec::with_capacity(waits.len());
    for (place, wait) in waits.iter().enumerate() {
        let read = within(wait, WAITS, "must be from PT1S to P3D");
        spans.extend(fields.take(&format!("retry_schedule[{place}]"), read));
    }
    spans
}

fn rate(limit: u32, per: &Value, fields: &mut Fields) -> Option<Rate> {
    if !(1..=RATE_MAX).contains(&limit) {
        fields.fault("rate.limit", "must be from 1 to 100000");
    }
    let per = fields.take("rate.per", within(per, RATE_PER, "must be from PT1S to P1D"))?;
    Some(Rate { limit, per })
}

fn within(said: &Value, (least, most): (Span, Span), fault: &'static str) -> Result<Span, &'static str> {
    let span = duration::read(said)?;
    if (least..=most).contains(&span) { Ok(span) } else { Err(fault) }
}

/// Reads a schedule that was stored.
pub(crate) fn stored(text: &str) -> Option<Vec<Span>> {
    let waits: Vec<i64> = serde_json::from_str::<Value>(text)
        .ok()?
        .as_array()?
        .iter()
        .map(Value::as_i64)
        .collect::<Option<_>>()?;
    Some(waits.into_iter().map(Span::millis).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn faults(patch: PolicyPatch) -> Vec<kernel::FieldFault> {
        let mut fields = Fields::new();
        Policy::default().change(patch, &mut fields);
        fields.done().err().unwrap_or_default()
    }

    #[test]
    fn the_schedule_is_gone_through_and_ends() {
        let policy = Policy { schedule: vec![Span::seconds(5), Span::minutes(5)], ..Policy::default() };
        assert_eq!(policy.next(1, at(0), 128, None), Some(at(5)));
        assert_eq!(policy.next(2, at(0), 128, None), Some(at(300)));
        assert_eq!(policy.next(3, at(0), 128, None), None);
        assert_eq!((policy.attempts(), Policy::default().attempts()), (3, 10));
    }

    #[test]
    fn chance_stretches_by_a_fifth_and_an_answer_by_a_day() {
        let policy = Policy { schedule: vec![Span::seconds(100)], ..Policy::default() };
        assert_eq!(
            (policy.next(1, at(0), 0, None), policy.next(1, at(0), 255, None)),
            (Some(at(80)), Some(at(120)))
        );
        assert_eq!(policy.next(1, at(0), 128, Some(Span::seconds(3))), Some(at(100)));
        assert_eq!(policy.next(1, at(0), 128, Some(Span::days(9))), Some(at(86_400)));
    }

    #[test]
    fn the_default_is_the_one_of_the_specification() {
        let sum: i64 = Policy::default().schedule.iter().map(|wait| wait.as_millis()).sum();
        assert_eq!(Span::millis(sum).as_seconds_up(), 5 + 35 * 60 + 75 * 3600);
    }

    #[test]
    fn every_faulty_part_is_named() {
        let patch = PolicyPatch {
            schedule: Some(Some(vec![json!("PT1S"), json!("soon"), json!("P4D")])),
            timeout: Some(Some(json!(31))),
            rate: Some(Some((0, json!("PT0S")))),
            concurrency: Some(Some(0)),
            ordering_key: Some(Some("record.status".to_owned())),
        };
        let faults = faults(patch);
        let named: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            named,
            [
                "retry_schedule[1]",
                "retry_schedule[2]",
                "timeout",
                "rate.limit",
                "rate.per",
                "concurrency",
                "ordering_key"
            ]
        );
    }
}
