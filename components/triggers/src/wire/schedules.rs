//! How are schedules, their times and what came of them said in JSON?

use edge::Problem;
use kernel::{Fields, Instant, TenantId};
use schedules::{Draft, MOST_SCHEDULES, Occurrence, Patch, Run, Schedule, Timing, When, service::Filter};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A schedule to be made, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleIn {
    /// What people call it; 1 to 200 characters.
    #[schema(required, example = "Pipeline review")]
    name: Option<String>,
    /// What it is for; at most 2,000 characters.
    description: Option<String>,
    /// The trigger that it sets off; `schedule_due` unless this names another.
    trigger_id: Option<String>,
    /// Data of its events; at most 64 KiB. Whatever the trigger requires must stand here, but for what is added.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// By which expression it comes: minute, hour, day of month, month, day of week. Not beside `at`.
    #[schema(example = "0 9 * * MON-FRI")]
    cron: Option<String>,
    /// At which instant it comes, once (RFC 3339). Not beside `cron`.
    at: Option<String>,
    /// In which IANA time zone the expression is read; the tenant's unless this names another.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// What is done about missed times: `skip`, `once` (the last is made up for; this unless named) or `all` (the last 1,000).
    missed: Option<String>,
    /// Before which instant it does not come (RFC 3339).
    starts_at: Option<String>,
    /// After which instant it does not come (RFC 3339).
    ends_at: Option<String>,
    /// Whether it is switched on; it is unless this says otherwise.
    is_active: Option<bool>,
}

/// What is to be changed of a schedule; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchedulePatchIn {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// What it is for; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// The trigger that it sets off.
    #[serde(default, deserialize_with = "given")]
    trigger_id: Option<String>,
    /// All data of its events, instead of those before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// By which expression it comes.
    #[serde(default, deserialize_with = "given")]
    cron: Option<String>,
    /// At which instant it comes, once.
    #[serde(default, deserialize_with = "given")]
    at: Option<String>,
    /// In which IANA time zone the expression is read.
    #[serde(default, deserialize_with = "given")]
    time_zone: Option<String>,
    /// What is done about missed times.
    #[serde(default, deserialize_with = "given")]
    missed: Option<String>,
    /// Before which instant it does not come; null: from now on.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    starts_at: Option<Option<String>>,
    /// After which instant it does not come; null: without end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ends_at: Option<Option<String>>,
    /// Whether it is switched on.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
}

/// Which schedules are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct SchedulesQuery {
    /// Only those of this trigger.
    trigger_id: Option<String>,
    /// Only those that are switched on (`true`) or rest (`false`).
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct PageQuery {
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// Which times are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewQuery {
    /// The expression.
    #[param(value_type = String, required = true, example = "30 2 * * *")]
    cron: Option<String>,
    /// The IANA time zone in which it is read; the tenant's unless this names another.
    time_zone: Option<String>,
    /// After which instant (RFC 3339); now unless named.
    from: Option<String>,
    /// How many: 1 to 100, 10 unless named.
    #[param(value_type = Option<u16>)]
    count: Option<String>,
}

/// What a preview is asked for.
pub(crate) struct Asked {
    pub(crate) cron: String,
    pub(crate) time_zone: Option<String>,
    pub(crate) from: Instant,
    pub(crate) count: usize,
}

impl PreviewQuery {
    pub(crate) fn read(self, now: Instant) -> Result<Asked, Problem> {
        let mut fields = Fields::new();
        let from = self.from.map_or(Some(now), |text| fields.take("from", text.parse()));
        // What is no number is out of bounds.
        let count = self.count.map_or(10, |text| text.parse().unwrap_or(0));
        if self.cron.is_none() {
            fields.fault("cron", "is missing: the expression whose times are wanted");
        }
        let from = fields.give(from).map_err(Problem::fields)?;
        Ok(Asked { cron: self.cron.unwrap_or_default(), time_zone: self.time_zone, from, count })
    }
}

impl TryFrom<SchedulesQuery> for Filter {
    type Error = Problem;
    fn try_from(query: SchedulesQuery) -> Result<Self, Problem> {
        let truth =
            |text: String| text.parse().map_err(|_| Problem::field("is_active", "must be true or false"));
        Ok(Self { trigger_id: query.trigger_id, is_active: query.is_active.map(truth).transpose()? })
    }
}

impl From<ScheduleIn> for Draft {
    fn from(sent: ScheduleIn) -> Self {
        Self {
            name: sent.name,
            description: sent.description,
            trigger_id: sent.trigger_id,
            data: sent.data,
            cron: sent.cron,
            at: sent.at,
            time_zone: sent.time_zone,
            missed: sent.missed,
            starts_at: sent.starts_at,
            ends_at: sent.ends_at,
            is_active: sent.is_active,
        }
    }
}

impl From<SchedulePatchIn> for Patch {
    fn from(sent: SchedulePatchIn) -> Self {
        Self {
            name: sent.name,
            description: sent.description,
            trigger_id: sent.trigger_id,
            data: sent.data,
            cron: sent.cron,
            at: sent.at,
            time_zone: sent.time_zone,
            missed: sent.missed,
            starts_at: sent.starts_at,
            ends_at: sent.ends_at,
            is_active: sent.is_active,
        }
    }
}

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleOut {
    /// Its id.
    #[schema(example = "sch_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// What people call it.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// The trigger that it sets off.
    trigger_id: String,
    /// The module of the trigger.
    module_type: String,
    /// Data of its events, without what is added.
    #[schema(value_type = Object)]
    data: Value,
    /// By which expression it comes; null if it comes once.
    cron: Option<String>,
    /// The expression in words.
    description_of_cron: Option<String>,
    /// At which instant it comes, once.
    at: Option<String>,
    /// In which time zone the expression is read.
    time_zone: &'static str,
    /// What is done about missed times: `skip`, `once` or `all`.
    missed: &'static str,
    /// Before which instant it does not come.
    starts_at: Option<String>,
    /// After which instant it does not come.
    ends_at: Option<String>,
    /// Whether it is switched on.
    is_active: bool,
    /// When it comes next; null while it rests, and if it comes no more.
    next_at: Option<String>,
    /// Who made it.
    created_by: String,
    /// Grows with each change; also the `ETag`.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl ScheduleOut {
    pub(crate) fn of(tenant: &TenantId, schedule: Schedule) -> Self {
        let definition = schedule.definition;
        let (cron, words, at) = match &definition.timing.when {
            When::Cron(timetable) => (Some(timetable.as_str().to_owned()), Some(timetable.words()), None),
            When::At(at) => (None, None, Some(at.to_string())),
        };
        let said = |at: Option<Instant>| at.map(|at| at.to_string());
        Self {
            id: schedule.id.to_string(),
            tenant_id: tenant.to_string(),
            name: definition.name,
            description: definition.description,
            trigger_id: definition.raises.trigger_id,
            module_type: definition.raises.module_type,
            data: Value::Object(definition.raises.data),
            cron,
            description_of_cron: words,
            at,
            time_zone: definition.timing.zone.name(),
            missed: definition.missed.as_str(),
            starts_at: said(definition.timing.starts),
            ends_at: said(definition.timing.ends),
            is_active: definition.is_active,
            next_at: said(schedule.next_at),
            created_by: schedule.created_by,
            version: schedule.version,
            created_at: schedule.created_at.to_string(),
            updated_at: schedule.updated_at.to_string(),
        }
    }
}

/// A time that is to come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OccurrenceOut {
    /// The instant.
    at: String,
    /// The same as clocks in the zone say it, with their offset from UTC.
    local: String,
    /// What a clock change does to it, in words; null if nothing.
    note: Option<String>,
}

/// The next times of an expression.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewOut {
    /// The expression.
    cron: Option<String>,
    /// The expression in words.
    description: String,
    /// The time zone in which it is read.
    time_zone: &'static str,
    /// Whether it keeps its pace over clock changes; else it names times of the day, each of which comes once a day.
    keeps_pace: bool,
    /// The next times.
    times: Vec<OccurrenceOut>,
}

impl PreviewOut {
    pub(crate) fn of(words: String, timing: &Timing, times: Vec<Occurrence>) -> Self {
        let (cron, keeps_pace) = match &timing.when {
            When::Cron(timetable) => (Some(timetable.as_str().to_owned()), timetable.is_paced()),
            When::At(_) => (None, false),
        };
        let out =
            |time: Occurrence| OccurrenceOut { at: time.at.to_string(), local: time.local, note: time.note };
        Self {
            cron,
            description: words,
            time_zone: timing.zone.name(),
            keeps_pace,
            times: times.into_iter().map(out).collect(),
        }
    }
}

/// What came of a time of a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunOut {
    /// Its id.
    id: String,
    /// The schedule.
    schedule_id: String,
    /// `raised`, `failed` or `skipped`.
    outcome: &'static str,
    /// The time that was scheduled; of several that were missed and let go, the first.
    scheduled_at: String,
    /// The last of those that were let go.
    until: Option<String>,
    /// How many times it stands for.
    count: u32,
    /// Whether there were more than were counted.
    more: bool,
    /// Whether somebody asked for it, outside of the schedule's times.
    manual: bool,
    /// When it was worked on.
    fired_at: String,
    /// How much later than scheduled, in seconds.
    late_seconds: i64,
    /// The event that was raised; its trace tells the rest.
    event_id: Option<String>,
    /// What happened, in words.
    detail: String,
}

impl From<Run> for RunOut {
    fn from(run: Run) -> Self {
        let late = run.fired_at.since(run.until.unwrap_or(run.scheduled_at)).as_millis().max(0);
        Self {
            id: run.id.to_string(),
            schedule_id: run.schedule.to_string(),
            outcome: run.outcome.as_str(),
            scheduled_at: run.scheduled_at.to_string(),
            until: run.until.map(|until| until.to_string()),
            count: run.count,
            more: run.more,
            manual: run.manual,
            fired_at: run.fired_at.to_string(),
            late_seconds: late / 1000,
            event_id: run.event.map(|event| event.to_string()),
            detail: run.detail,
        }
    }
}

/// How many schedules there may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleLimitsOut {
    /// Schedules of the tenant.
    schedules: ScheduleLimitOut,
}

/// How much there may be of something, and how much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleLimitOut {
    /// How many there are.
    used: i64,
    /// How many there may be.
    limit: u32,
}

impl ScheduleLimitsOut {
    pub(crate) fn of(count: i64) -> Self {
        Self { schedules: ScheduleLimitOut { used: count, limit: MOST_SCHEDULES } }
    }
}
