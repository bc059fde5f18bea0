//! What does a schedule say? What it raises, and when: every field checked, all faults at once.

use crate::{Missed, Timetable, Timing, When};
use kernel::{FieldFault, Fields, Instant, Zone};
use serde_json::{Map, Value};

/// The longest name and description, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 2_000;
/// The most that data may take, in bytes of JSON.
const LARGEST_DATA: usize = 64 * 1024;

/// A schedule as somebody wrote it: nothing is checked yet, and what is left out is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The trigger that it sets off.
    pub trigger_id: Option<String>,
    /// The data of its events.
    pub data: Option<Value>,
    /// The expression by which it comes.
    pub cron: Option<String>,
    /// The instant at which it comes, once.
    pub at: Option<String>,
    /// The zone in which the expression is read; the tenant's unless this says otherwise.
    pub time_zone: Option<String>,
    /// What is done about missed times.
    pub missed: Option<String>,
    /// Before which instant it does not come.
    pub starts_at: Option<String>,
    /// After which instant it does not come.
    pub ends_at: Option<String>,
    /// Whether it is switched on; it is unless this says otherwise.
    pub is_active: Option<bool>,
}

/// Changes to some fields: what is `None` stays, `Some(None)` takes away.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the one of the same name in the draft")]
pub struct Patch {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub trigger_id: Option<String>,
    pub data: Option<Value>,
    pub cron: Option<String>,
    pub at: Option<String>,
    pub time_zone: Option<String>,
    pub missed: Option<String>,
    pub starts_at: Option<Option<String>>,
    pub ends_at: Option<Option<String>>,
    pub is_active: Option<bool>,
}

/// What a schedule says: every field checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it raises.
    pub raises: Bound,
    /// When.
    pub timing: Timing,
    /// What is done about missed times.
    pub missed: Missed,
    /// Whether it is switched on.
    pub is_active: bool,
}

/// The event that a schedule raises.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The trigger that it sets off.
    pub trigger_id: String,
    /// The module of the trigger.
    pub module_type: String,
    /// What its data hold beside what is said of the schedule itself.
    pub data: Map<String, Value>,
}

/// The trigger of schedules that name none.
const OWN_TRIGGER: &str = "schedule_due";

impl Draft {
    /// Checks every field. `zone` is the tenant's, `was` the timing that it had, which may be over. `bind` says to which module a trigger belongs, or what is wrong with it or with
    /// the data that it would carry: fields `trigger_id`, `data` and below.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn check(
        self,
        zone: &Zone,
        was: Option<&Timing>,
        now: Instant,
        bind: impl FnOnce(&str, &Map<String, Value>) -> Result<String, Vec<FieldFault>>,
    ) -> Result<Definition, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", name(self.name));
        let description = fields.take("description", description(self.description));
        let times = Times {
            cron: self.cron,
            at: self.at,
            zone: self.time_zone,
            starts: self.starts_at,
            ends: self.ends_at,
        };
        let timing = times.read(zone, was, now, &mut fields);
        let missed = self.missed.map_or(Some(Missed::default()), |text| fields.take("missed", text.parse()));
        let trigger_id = self.trigger_id.unwrap_or_else(|| OWN_TRIGGER.to_owned());
        let data = data(self.data, &mut fields);
        let module = data.as_ref().and_then(|data| match bind(&trigger_id, data) {
            Ok(module) => Some(module),
            Err(faults) => {
                for fault in faults {
                    fields.fault(fault.field, fault.message);
                }
                None
            }
        });
        let raises = module.zip(data).map(|(module_type, data)| Bound { trigger_id, module_type, data });
        let checked = name.zip(description).zip(raises).zip(timing).zip(missed);
        fields.give(checked.map(|((((name, description), raises), timing), missed)| Definition {
            name,
            description,
            raises,
            timing,
            missed,
            is_active: self.is_active.unwrap_or(true),
        }))
    }
}

impl Patch {
    /// The draft of what the definition says once the patch is laid over it. An expression takes the place of an instant, and
    /// the other way round.
    #[must_use]
    pub fn over(self, was: &Definition) -> Draft {
        let instant = |at: Option<Instant>| at.map(|at| at.to_string());
        let (cron, at) = match (self.cron, self.at) {
            (None, None) => match &was.timing.when {
                When::Cron(timetable) => (Some(timetable.as_str().to_owned()), None),
                When::At(at) => (None, Some(at.to_string())),
            },
            said => said,
        };
        Draft {
            name: Some(self.name.unwrap_or_else(|| was.name.clone())),
            description: self.description.unwrap_or_else(|| was.description.clone()),
            trigger_id: Some(self.trigger_id.unwrap_or_else(|| was.raises.trigger_id.clone())),
            data: Some(self.data.unwrap_or_else(|| Value::Object(was.raises.data.clone()))),
            cron,
            at,
            time_zone: Some(self.time_zone.unwrap_or_else(|| was.timing.zone.to_string())),
            missed: Some(self.missed.unwrap_or_else(|| was.missed.as_str().to_owned())),
            starts_at: self.starts_at.unwrap_or_else(|| instant(was.timing.starts)),
            ends_at: self.ends_at.unwrap_or_else(|| instant(was.timing.ends)),
            is_active: Some(self.is_active.unwrap_or(was.is_active)),
        }
    }
}

/// When a schedule comes, as somebody wrote it.
#[derive(Debug, Clone, Default)]
struct Times {
    cron: Option<String>,
    at: Option<String>,
    zone: Option<String>,
    starts: Option<String>,
    ends: Option<String>,
}

impl Times {
    /// Reads when a schedule comes. It must come at least once more, unless it comes as it did before.
    fn read(self, zone: &Zone, was: Option<&Timing>, now: Instant, fields: &mut Fields) -> Option<Timing> {
        let times = self;
        let zone = times.zone.map_or(Some(*zone), |text| fields.take("time_zone", text.parse()));
        let mut instant = |name: &str, text: Option<String>| match text {
            None => Some(None),
            Some(text) => fields.take(name, text.parse::<Instant>()).map(Some),
        };
        let (starts, ends) = (instant("starts_at", times.starts), instant("ends_at", times.ends));
        let when = match (times.cron, times.at) {
            (Some(cron), None) => fields.take("cron", Timetable::read(&cron)).map(When::Cron),
            (None, Some(at)) => fields.take("at", at.parse()).map(When::At),
            (Some(_), Some(_)) => {
                fields.fault("at", "cannot stand beside cron: a schedule comes by an expression, or once");
                None
            }
            (None, None) => {
                fields
                    .fault("cron", "is missing: say by which expression it comes, or at which instant (at)");
                None
            }
        };
        if let (Some(Some(starts)), Some(Some(ends))) = (starts, ends)
            && starts > ends
        {
            fields.fault("ends_at", "lies before starts_at");
            return None;
        }
        let timing = Timing { when: when?, zone: zone?, starts: starts?, ends: ends? };
        if was != Some(&timing) && timing.next(now).is_none() {
            match timing.when {
                When::At(_) => {
                    fields.fault(
                        "at",
                        "lies in the past, before starts_at or after ends_at: it would never come",
                    );
                }
                When::Cron(_) => {
                    fields.fault("ends_at", "lies before the first time: it would never come");
                }
            }
            return None;
        }
        Some(timing)
    }
}

fn name(name: Option<String>) -> Result<String, String> {
    let name = name.ok_or_else(|| "is missing: say what the schedule is called".to_owned())?;
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.chars().count() > LONGEST_NAME || trimmed.chars().any(char::is_control) {
        return Err(format!("must be 1 to {LONGEST_NAME} characters, without line breaks"));
    }
    Ok(trimmed.to_owned())
}

fn description(text: Option<String>) -> Result<Option<String>, String> {
    match text {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            Err(format!("must be at most {LONGEST_DESCRIPTION} characters"))
        }
        text => Ok(text),
    }
}

fn data(data: Option<Value>, fields: &mut Fields) -> Option<Map<String, Value>> {
    match data {
        None => Some(Map::new()),
        Some(Value::Object(data)) => {
            let size = serde_json::to_string(&data).map_or(usize::MAX, |text| text.len());
            if size > LARGEST_DATA {
                fields.fault("data", format!("takes {size} bytes; at most {LARGEST_DATA} are allowed"));
                return None;
            }
            Some(data)
        }
        Some(_) => {
            fields.fault("data", "must be a JSON object");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Instant {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn check(draft: Draft) -> Result<Definition, Vec<String>> {
        let bind = |trigger: &str, _: &Map<String, Value>| match trigger {
            "schedule_due" => Ok("schedules".to_owned()),
            _ => Err(vec![FieldFault::new("trigger_id", "is unknown")]),
        };
        draft
            .check(&"Europe/Berlin".parse().unwrap(), None, now(), bind)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn all_faulty_fields_are_told_at_once() {
        let draft = Draft {
            name: text(" "),
            trigger_id: text("nothing"),
            data: Some(json!({"a": 1})),
            cron: text("61 * * * *"),
            time_zone: text("Berlin"),
            missed: text("often"),
            starts_at: text("soon"),
            ..Draft::default()
        };
        assert_eq!(
            check(draft).unwrap_err(),
            [
                "name: must be 1 to 200 characters, without line breaks",
                "time_zone: is not a time zone of the IANA database, such as Europe/Berlin, America/New_York or UTC",
                "starts_at: is not a time of RFC 3339, such as 2026-01-31T09:30:00Z",
                "cron: is not a cron expression: number out of bounds; it has five fields: minute, hour, day of month, month, day of week, such as \"30 9 * * MON-FRI\"",
                "missed: must be one of skip, once, all",
                "trigger_id: is unknown",
            ]
        );
        assert_eq!(
            check(Draft { data: Some(json!([])), ..Draft::default() }).unwrap_err(),
            [
                "name: is missing: say what the schedule is called",
                "cron: is missing: say by which expression it comes, or at which instant (at)",
                "data: must be a JSON object",
            ]
        );
    }

    #[test]
    fn what_never_comes_is_refused() {
        let named = || Draft { name: text("x"), ..Draft::default() };
        for (draft, wanted) in [
            (Draft { at: text("2025-12-31T00:00:00Z"), ..named() }, "at: lies in the past"),
            (
                Draft { at: text("2026-12-31T00:00:00Z"), cron: text("0 9 * * *"), ..named() },
                "at: cannot stand",
            ),
            (
                Draft { cron: text("0 9 * * *"), ends_at: text("2026-01-01T06:00:00Z"), ..named() },
                "ends_at: lies before the first",
            ),
            (
                Draft {
                    cron: text("0 9 * * *"),
                    starts_at: text("2026-02-01T00:00:00Z"),
                    ends_at: text("2026-01-05T00:00:00Z"),
                    ..named()
                },
                "ends_at: lies before starts_at",
            ),
            (Draft { cron: text("0 0 31 2 *"), ..named() }, "cron: never comes"),
        ] {
            let said = check(draft).unwrap_err();
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{said:?}");
        }
    }

    #[test]
    fn what_a_patch_does_not_name_stays() {
        let draft = Draft { name: text("Weekly"), cron: text("0 9 * * MON"), ..Draft::default() };
        let was = check(draft).unwrap();
        assert_eq!(
            (was.timing.zone.name(), was.missed, was.is_active),
            ("Europe/Berlin", Missed::Once, true)
        );
        assert_eq!(check(Patch::default().over(&was)).unwrap(), was);
        let once = check(Patch { at: text("2026-02-01T00:00:00Z"), ..Patch::default() }.over(&was)).unwrap();
        assert!(matches!(once.timing.when, When::At(_)));
        let missed = check(Patch { missed: text("all"), ..Patch::default() }.over(&once)).unwrap();
        assert_eq!(missed, Definition { missed: Missed::All, ..once });
    }
}
