//! What was made of a value, and of what is wanted of it, before the one was held against the other? A count; a time where the
//! tenant is.

use crate::{
    clause::Clause,
    kind::Takes,
    moment::{Moment, When},
    question::{Operand, Question},
    value,
};
use chrono::{DateTime, Timelike as _, Utc};
use serde_json::{Map, Value};

impl Clause {
    /// Puts the count of a value, the local time that it is, and the one that is wanted, into an explanation.
    pub(super) fn put_made(&self, value: Option<&Value>, moment: &Moment, said: &mut Map<String, Value>) {
        let wanted = self.wanted_local(moment);
        let is_local =
            wanted.is_some() || matches!(self.question, Question::Weekdays(_) | Question::Hours(..));
        let time = value.filter(|_| is_local).and_then(Value::as_str).and_then(|text| moment.read(text));
        if let Some(time) = time {
            said.insert("local".to_owned(), local(time, moment).into());
        }
        if let Some(wanted) = wanted {
            said.insert("wanted_local".to_owned(), wanted.into());
        }
        if self.kind.takes == Takes::Count
            && let Some(count) = value.and_then(value::count)
        {
            said.insert("count".to_owned(), count.into());
        }
    }

    /// When the wanted time is at that moment. One with an offset says so itself.
    fn wanted_local(&self, moment: &Moment) -> Option<String> {
        let said = |when: &When| when.utc(moment).map(|time| local(time, moment));
        match &self.question {
            Question::OnDate(when) => said(when),
            Question::Before(Operand::Fixed(when)) | Question::After(Operand::Fixed(when)) => {
                Some(when).filter(|when| !when.has_offset()).and_then(said)
            }
            Question::During(from, to) if !(from.has_offset() && to.has_offset()) => {
                Some(format!("{} until {}", day(from.utc(moment)?, moment), said(to)?))
            }
            Question::Last(span) => {
                let from = moment.shift(moment.utc()?, *span, true)?;
                Some(local(from, moment))
            }
            Question::Next(span) => {
                let to = moment.shift(moment.utc()?, *span, false)?;
                Some(local(to, moment))
            }
            _ => None,
        }
    }
}

/// A time where the tenant is: `Monday, 2026-03-02 09:30 in Europe/Berlin`.
fn local(time: DateTime<Utc>, moment: &Moment) -> String {
    format!("{} in {}", day(time, moment), moment.zone)
}

/// The same without the zone.
fn day(time: DateTime<Utc>, moment: &Moment) -> String {
    let local = moment.local(time);
    let seconds = if local.second() == 0 { "" } else { ":%S" };
    local.format(&format!("%A, %Y-%m-%d %H:%M{seconds}")).to_string()
}

#[cfg(test)]
mod tests {
    use crate::{Conditions, Facts, Look, Moment, Occasion, Vocabulary, words};
    use serde_json::{Value, json};

    fn check(clause: Value, seen: &str, wanted: &str) {
        let moment =
            Moment { now: "2026-03-29T10:00:00Z".parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() };
        let read = Conditions::read(&json!([clause]), &Vocabulary::open()).unwrap();
        let data = json!({"due": seen});
        let facts = Facts::new(&data, None, Occasion::default(), moment);
        let verdict = read.evaluate(&facts, Look::Quick);
        let told = words::told(&Value::Object(verdict.to_json()), verdict.holds());
        let because = told["because"].as_str().unwrap();
        let (_, because) = because.split_once("; wanted ").unwrap();
        assert_eq!(because, wanted, "{clause}");
    }

    #[test]
    fn wanted_times_are_told_where_the_tenant_is() {
        let clause = |kind: &str, value: Value| json!({"type": kind, "field": "due", "value": value});
        for (clause, wanted) in [
            (
                clause("before", json!("today+P1D")),
                "a time before \"today+P1D\", which is Monday, 2026-03-30 00:00 in Europe/Berlin",
            ),
            (clause("after", json!("2026-03-29T10:00:00Z")), "a time after \"2026-03-29T10:00:00Z\""),
            (
                clause("between", json!(["today", "tomorrow"])),
                "something from \"today\" until \"tomorrow\", which is Sunday, 2026-03-29 00:00 until Monday, 2026-03-30 00:00 in \
                 Europe/Berlin",
            ),
            (
                clause("within_last", json!("P1D")),
                "a time within the last day, since Saturday, 2026-03-28 12:00 in Europe/Berlin",
            ),
            (
                clause("within_next", json!("PT90M")),
                "a time within the next 90 minutes, until Sunday, 2026-03-29 13:30 in Europe/Berlin",
            ),
        ] {
            check(clause, "2026-03-29T10:00:00Z", wanted);
        }
    }
}
