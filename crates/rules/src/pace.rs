//! How often, and when, does a rule fire whose conditions hold? Counts in windows, absence of something, throttle, debounce, hours,
//! concurrency: each by a key of its own, read from JSON and checked when the rule is saved.

use crate::key::KeyPaths;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use kernel::{Fields, Instant, Span};
use language::{Conditions, Moment, Vocabulary, duration, payload::Needed};
use serde_json::{Map, Value};

/// The longest window: what is counted is kept so long.
const LONGEST_WINDOW: Span = Span::days(31);
/// The most that a window counts to, or a throttle lets through.
const MOST_COUNTED: u64 = 1_000;
/// The most jobs of a rule at a time.
const MOST_AT_ONCE: u64 = 100;
/// The days of the week as they are named, Monday first.
const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What follows once a window has counted far enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It counts from nothing again.
    Restart,
    /// Each further event fires the rule, too.
    Continue,
}

/// The rule fires when its conditions held so often within a span.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) count: usize,
    pub(crate) within: Span,
    pub(crate) key: KeyPaths,
    pub(crate) then: Then,
}

/// The rule fires when another event did not come within a span.
#[derive(Debug, Clone)]
pub(crate) struct Absence {
    pub(crate) trigger_id: String,
    pub(crate) conditions: Conditions,
    pub(crate) within: Span,
    pub(crate) key: KeyPaths,
    /// The same key among the facts of the other event.
    pub(crate) other_key: KeyPaths,
    /// Whether the span begins anew when the rule's own event comes again.
    pub(crate) restart: bool,
}

/// The rule fires so often within a span at most.
#[derive(Debug, Clone)]
pub(crate) struct Throttle {
    pub(crate) limit: usize,
    pub(crate) per: Span,
    pub(crate) key: KeyPaths,
}

/// The rule fires for the last of several events, when no more have come for a span.
#[derive(Debug, Clone)]
pub(crate) struct Debounce {
    pub(crate) wait: Span,
    /// It fires this long after the first at the latest.
    pub(crate) most: Option<Span>,
    pub(crate) key: KeyPaths,
}

/// What happens to a rule that would fire outside its hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It does not fire.
    Skip,
    /// It fires when its hours begin.
    Wait,
}

/// When a rule may fire, in the tenant's zone or one of its own.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    days: [bool; 7],
    from: NaiveTime,
    to: NaiveTime,
    zone: Option<Tz>,
    pub(crate) outside: Outside,
}

/// How many of a rule's jobs run at a time.
#[derive(Debug, Clone)]
pub(crate) struct Concurrency {
    pub(crate) limit: u32,
    pub(crate) key: KeyPaths,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    pub(crate) window: Option<Window>,
    pub(crate) absence: Option<Absence>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) debounce: Option<Debounce>,
    pub(crate) hours: Option<Hours>,
    pub(crate) concurrency: Option<Concurrency>,
}

/// The parts of a rule that say its pace, as they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaceSaid {
    /// `{"count", "within", "key?", "then?"}`
    pub window: Option<Value>,
    /// `{"trigger_id", "within", "key?", "other_key?", "conditions?", "restart?"}`
    pub absence: Option<Value>,
    /// `{"limit", "per", "key?"}`
    pub throttle: Option<Value>,
    /// `{"wait", "max_wait?", "key?"}`
    pub debounce: Option<Value>,
    /// `{"days?", "from?", "to?", "time_zone?", "outside?"}`
    pub active_hours: Option<Value>,
    /// `{"limit", "key?"}`
    pub concurrency: Option<Value>,
}

impl PaceSaid {
    /// Each part with its name.
    pub(crate) fn parts(&self) -> [(&'static str, &Option<Value>); 6] {
        [
            ("window", &self.window),
            ("absence", &self.absence),
            ("throttle", &self.throttle),
            ("debounce", &self.debounce),
            ("active_hours", &self.active_hours),
            ("concurrency", &self.concurrency),
        ]
    }
}

impl Absence {
    /// Whether it looks at the record that the other event is about.
    pub(crate) fn looks_at_record(&self) -> bool {
        self.other_key.look_at_record() || self.conditions.look_at_record()
    }
}

impl Pace {
    /// Reads all parts. `other` gives the vocabulary of another trigger, if there is one of that name.
    pub(crate) fn read<'a>(
        said: &'a PaceSaid,
        vocabulary: &'a Vocabulary,
        other: impl Fn(&str) -> Result<&'a Vocabulary, String>,
        fields: &mut Fields,
    ) -> Self {
        let mut part = |name, value: &'a Option<Value>, allowed: &[&str]| {
            value.as_ref().and_then(|value| Part::new(name, value, allowed, vocabulary, fields))
        };
        let window = part("window", &said.window, &["count", "within", "key", "then"]);
        let absence = part(
            "absence",
            &said.absence,
            &["trigger_id", "within", "key", "other_key", "conditions", "restart"],
        );
        let throttle = part("throttle", &said.throttle, &["limit", "per", "key"]);
        let debounce = part("debounce", &said.debounce, &["wait", "max_wait", "key"]);
        let hours = part("active_hours", &said.active_hours, &["days", "from", "to", "time_zone", "outside"]);
        let concurrency = part("concurrency", &said.concurrency, &["limit", "key"]);
        if absence.is_some() && debounce.is_some() {
            fields.fault(
                "debounce",
                "cannot stand beside absence: both say when the rule fires; see absence.restart",
            );
        }
        Self {
            window: window.and_then(|part| part.window(fields)),
            absence: absence.and_then(|part| part.absence(&other, fields)),
            throttle: throttle.and_then(|part| part.throttle(fields)),
            debounce: debounce.and_then(|part| part.debounce(fields)),
            hours: hours.and_then(|part| part.hours(fields)),
            concurrency: concurrency.and_then(|part| part.concurrency(fields)),
        }
    }

    /// How far back the rule's firing depends on what happened before.
    pub(crate) fn memory(&self) -> Span {
        let spans = [
            self.window.as_ref().map(|window| window.within),
            self.throttle.as_ref().map(|throttle| throttle.per),
            self.debounce.as_ref().map(|debounce| debounce.most.unwrap_or(debounce.wait)),
            self.absence.as_ref().map(|absence| absence.within),
        ];
        spans.into_iter().flatten().max().unwrap_or_default()
    }

    /// The keys of the rule's own events.
    fn keys(&self) -> impl Iterator<Item = &KeyPaths> {
        let keys = [
            self.window.as_ref().map(|window| &window.key),
            self.throttle.as_ref().map(|throttle| &throttle.key),
            self.debounce.as_ref().map(|debounce| &debounce.key),
            self.absence.as_ref().map(|absence| &absence.key),
            self.concurrency.as_ref().map(|concurrency| &concurrency.key),
        ];
        keys.into_iter().flatten()
    }

    /// Adds the fields of the data that it looks at.
    pub(crate) fn need(&self, needed: &mut Needed) {
        self.keys().for_each(|key| key.need(needed));
        if let Some(absence) = &self.absence {
            absence.other_key.need(needed);
            absence.conditions.need(needed);
        }
    }

    /// Whether it looks at the circumstances of an event.
    pub(crate) fn looks_at_event(&self) -> bool {
        self.keys().any(KeyPaths::look_at_event)
            || self.absence.as_ref().is_some_and(|absence| {
                absence.other_key.look_at_event() || absence.conditions.look_at_event()
            })
    }

    /// Whether it looks at the record that the rule's own event is about.
    pub(crate) fn looks_at_record(&self) -> bool {
        self.keys().any(KeyPaths::look_at_record)
    }

    /// Whether the rule's firing depends on what happened before, so that it can only be decided where that is known.
    pub(crate) fn remembers(&self) -> bool {
        self.window.is_some() || self.absence.is_some() || self.throttle.is_some() || self.debounce.is_some()
    }
}

/// One part of a rule's pace, being read.
struct Part<'a> {
    name: &'static str,
    object: &'a Map<String, Value>,
    vocabulary: &'a Vocabulary,
}

impl<'a> Part<'a> {
    fn new(
        name: &'static str,
        value: &'a Value,
        allowed: &[&str],
        vocabulary: &'a Vocabulary,
        fields: &mut Fields,
    ) -> Option<Self> {
        let Some(object) = value.as_object() else {
            fields.fault(name, format!("must be an object of {}", allowed.join(", ")));
            return None;
        };
        for key in object.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let shown: String = key.chars().take(100).collect();
            fields.fault(
                format!("{name}.{shown}"),
                format!("is not a field here; it takes {}", allowed.join(", ")),
            );
        }
        Some(Self { name, object, vocabulary })
    }

    fn place(&self, field: &str) -> String {
        format!("{}.{field}", self.name)
    }

    fn count(&self, field: &str, least: u64, most: u64, fields: &mut Fields) -> Option<u64> {
        let count =
            self.object.get(field).and_then(Value::as_u64).filter(|count| (least..=most).contains(count));
        let fault = || format!("must be a whole number from {least} to {most}");
        fields.take(&self.place(field), count.ok_or_else(fault))
    }

    fn span(&self, field: &str, most: Span, fields: &mut Fields) -> Option<Span> {
        let read = match self.object.get(field) {
            None => Err("is missing: an ISO 8601 duration such as \"PT10M\"".to_owned()),
            Some(value) => duration::read(value).map_err(str::to_owned),
        };
        let span = fields.take(&self.place(field), read)?;
        if span.as_millis() < 1_000 || span > most {
            let days = most.as_millis() / Span::days(1).as_millis();
            fields.fault(self.place(field), format!("must be from 1 second to {days} days"));
            return None;
        }
        Some(span)
    }

    fn key(&self, field: &str, vocabulary: &Vocabulary, fields: &mut Fields) -> Option<KeyPaths> {
        match self.object.get(field) {
            None => Some(KeyPaths::default()),
            Some(value) => fields.take(&self.place(field), KeyPaths::read(value, vocabulary)),
        }
    }

    fn window(&self, fields: &mut Fields) -> Option<Window> {
        let count = self.count("count", 2, MOST_COUNTED, fields);
        let within = self.span("within", LONGEST_WINDOW, fields);
        let key = self.key("key", self.vocabulary, fields);
        let then = match self.object.get("then").map(Value::as_str) {
            None | Some(Some("restart")) => Some(Then::Restart),
            Some(Some("continue")) => Some(Then::Continue),
            Some(_) => {
                fields.fault(self.place("then"), "must be restart or continue");
                None
            }
        };
        Some(Window { count: usize::try_from(count?).ok()?, within: within?, key: key?, then: then? })
    }

    fn absence<'b>(
        &self,
        other: impl Fn(&str) -> Result<&'b Vocabulary, String>,
        fields: &mut Fields,
    ) -> Option<Absence> {
        let within = self.span("within", duration::LONGEST, fields);
        let key = self.key("key", self.vocabulary, fields);
        let restart = self.truth("restart", fields);
        let Some(name) = self.object.get("trigger_id").and_then(Value::as_str) else {
            fields.fault(self.place("trigger_id"), "is missing: name the trigger whose event must not come");
            return None;
        };
        let theirs = fields.take(&self.place("trigger_id"), other(name))?;
        let other_key = match self.object.get("other_key") {
            Some(_) => self.key("other_key", theirs, fields),
            None => self.key("key", theirs, fields),
        };
        let nothing = Value::Array(Vec::new());
        let said = self.object.get("conditions").unwrap_or(&nothing);
        let conditions = match Conditions::read_at(said, "absence.conditions", theirs) {
            Ok(conditions) => conditions,
            Err(faults) => {
                for fault in faults {
                    fields.fault(fault.field, fault.message);
                }
                return None;
            }
        };
        let (key, other_key) = (key?, other_key?);
        if key.len() != other_key.len() {
            fields.fault(self.place("other_key"), "must name as many fields as key");
            return None;
        }
        Some(Absence {
            trigger_id: name.to_owned(),
            conditions,
            within: within?,
            key,
            other_key,
            restart: restart?,
        })
    }

    fn throttle(&self, fields: &mut Fields) -> Option<Throttle> {
        let limit = self.count("limit", 1, MOST_COUNTED, fields);
        let per = self.span("per", LONGEST_WINDOW, fields);
        let key = self.key("key", self.vocabulary, fields);
        Some(Throttle { limit: usize::try_from(limit?).ok()?, per: per?, key: key? })
    }

    fn debounce(&self, fields: &mut Fields) -> Option<Debounce> {
        let wait = self.span("wait", LONGEST_WINDOW, fields);
        let most = match self.object.get("max_wait") {
            None => Some(None),
            Some(_) => self.span("max_wait", LONGEST_WINDOW, fields).map(Some),
        };
        let key = self.key("key", self.vocabulary, fields);
        let (wait, most) = (wait?, most?);
        if most.is_some_and(|most| most < wait) {
            fields.fault(self.place("max_wait"), "must not be shorter than wait");
            return None;
        }
        Some(Debounce { wait, most, key: key? })
    }

    fn hours(&self, fields: &mut Fields) -> Option<Hours> {
        let shape = || format!("must be a list of days: {}", WEEKDAYS.join(", "));
        let days = match self.object.get("days") {
            None => Some([true; 7]),
            Some(value) => fields.take(&self.place("days"), weekdays(value).ok_or_else(shape)),
        };
        let hour = |field: &str, plain: NaiveTime, fields: &mut Fields| match self.object.get(field) {
            None => Some(plain),
            Some(value) => fields
                .take(&self.place(field), hour(value).ok_or("must be a time of the day such as \"09:00\"")),
        };
        let from = hour("from", NaiveTime::MIN, fields);
        let to = hour("to", NaiveTime::MIN, fields);
        let zone = match self.object.get("time_zone") {
            None => Some(None),
            Some(value) => {
                let read = value.as_str().and_then(|name| name.parse::<Tz>().ok());
                fields
                    .take(
                        &self.place("time_zone"),
                        read.ok_or("must be a zone of IANA's, such as \"Europe/Berlin\""),
                    )
                    .map(Some)
            }
        };
        let outside = match self.object.get("outside").map(Value::as_str) {
            None | Some(Some("skip")) => Some(Outside::Skip),
            Some(Some("wait")) => Some(Outside::Wait),
            Some(_) => {
                fields.fault(self.place("outside"), "must be skip or wait");
                None
            }
        };
        let (from, to) = (from?, to?);
        if from == to && from != NaiveTime::MIN {
            fields.fault(self.place("to"), "must not be the same as from; leave both out for the whole day");
            return None;
        }
        Some(Hours { days: days?, from, to, zone: zone?, outside: outside? })
    }

    fn concurrency(&self, fields: &mut Fields) -> Option<Concurrency> {
        let limit = self.count("limit", 1, MOST_AT_ONCE, fields);
        let key = self.key("key", self.vocabulary, fields);
        Some(Concurrency { limit: u32::try_from(limit?).ok()?, key: key? })
    }

    fn truth(&self, field: &str, fields: &mut Fields) -> Option<bool> {
        match self.object.get(field) {
            None => Some(false),
            Some(value) => fields.take(&self.place(field), value.as_bool().ok_or("must be true or false")),
        }
    }
}

fn weekdays(value: &Value) -> Option<[bool; 7]> {
    let names = value.as_array().filter(|names| !names.is_empty())?;
    let mut days = [false; 7];
    for name in names {
        let place = WEEKDAYS.iter().position(|known| name.as_str() == Some(*known))?;
        *days.get_mut(place)? = true;
    }
    Some(days)
}

fn hour(value: &Value) -> Option<NaiveTime> {
    let text = value.as_str().filter(|text| text.len() == 5)?;
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

impl Hours {
    /// When the rule may fire at `at` or after it, first; `None` beyond the calendar's end.
    pub(crate) fn open_from(&self, at: Instant, moment: &Moment) -> Option<Instant> {
        let zone = self.zone.unwrap_or(moment.zone);
        let now = at.to_chrono()?;
        let today = now.with_timezone(&zone).date_naive();
        // Yesterday's hours may reach over midnight; within a week the hours begin on some day, and clocks that change may
        // push them a day on.
        let yesterday = today.checked_sub_days(Days::new(1))?;
        (0..=9).find_map(|ahead| {
            let (from, to) = self.on(yesterday.checked_add_days(Days::new(ahead))?, zone)?;
            (now < to).then(|| Instant::from_millis(now.max(from).timestamp_millis()))
        })
    }

    /// Whether the rule may fire at this instant.
    pub(crate) fn are_open(&self, at: Instant, moment: &Moment) -> bool {
        self.open_from(at, moment) == Some(at)
    }

    /// When the hours that begin on a day begin and end; `None` on a day without any.
    fn on(&self, day: NaiveDate, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let place = usize::try_from(day.weekday().num_days_from_monday()).ok()?;
        if !self.days.get(place).copied().unwrap_or_default() {
            return None;
        }
        let last = if self.to > self.from { day } else { day.checked_add_days(Days::new(1))? };
        let at = |day: NaiveDate, hour: NaiveTime| {
            let local = day.and_time(hour);
            // An hour that the clocks skip begins when they have.
            (0..=48).find_map(|halves| {
                let later = local.checked_add_signed(chrono::TimeDelta::minutes(halves * 30))?;
                zone.from_local_datetime(&later).earliest().map(|time| time.with_timezone(&Utc))
            })
        };
        Some((at(day, self.from)?, at(last, self.to)?))
    }
}
