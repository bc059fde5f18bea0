//! What does the operator's monitoring see? Prometheus' text format, version 0.0.4; nothing of any tenant.

use crate::store;
use db::DbError;
use edge::World;
use jobs::{Backlog, COUNTED, Kind, State};
use kernel::{Instant, Span};
use std::sync::{Mutex, PoisonError};

/// The content type of [`gauges`].
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// For so long the figures are told again instead of taken anew: whoever asks often costs nothing.
const KEPT_FOR: Span = Span::seconds(1);

/// What was told last, and when.
static KEPT: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// All figures, as text.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn gauges(world: &World) -> Result<String, DbError> {
    let now = world.clock.now();
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, text)) = kept
        && (Span::millis(0)..KEPT_FOR).contains(&now.since(at))
    {
        return Ok(text);
    }
    let mut lease = world.db.read().await?;
    let mut all = lease.all_tenants()?;
    let backlog = jobs::backlog(&mut all).await?;
    let events = events::stored(&mut all).await?;
    let schema = store::version(&mut all).await?;
    let soonest = schedules::service::soonest(&mut all).await?;
    let text = text(&backlog, events, soonest, schema, now);
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, text.clone()));
    Ok(text)
}

fn text(backlog: &Backlog, events: i64, soonest: Option<Instant>, schema: i64, now: Instant) -> String {
    let mut page = Exposition::default();
    page.metric("signalbox_build_info", "gauge", "The version that answers.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.metric("signalbox_schema_version", "gauge", "The last migration of the database.");
    page.sample(&[], schema);
    page.metric("signalbox_events_stored_total", "counter", "Events stored, of all tenants.");
    page.sample(&[], events);
    page.metric("signalbox_jobs_made_total", "counter", "Jobs ever put into the queue.");
    page.sample(&[], backlog.made);

    let about = format!(
        "Jobs that wait (queued), run (leased) or were given up (dead), counted up to {COUNTED} per state."
    );
    page.metric("signalbox_jobs", "gauge", &about);
    for kind in Kind::ALL {
        for state in [State::Queued, State::Leased, State::Dead] {
            let count = find(backlog, *kind, state).map_or(0, |open| open.count);
            page.sample(&[("kind", kind.as_str()), ("state", state.as_str())], count);
        }
    }
    page.metric(
        "signalbox_jobs_retrying",
        "gauge",
        "Queued jobs that failed before, counted like signalbox_jobs.",
    );
    for kind in Kind::ALL {
        let count = find(backlog, *kind, State::Queued).map_or(0, |open| open.again);
        page.sample(&[("kind", kind.as_str())], count);
    }
    let about = format!(
        "Jobs that wait for others, counted up to {COUNTED} each; they are not among the queued. job: another one of their rule \
         holds them; lane: others of their lane come first."
    );
    page.metric("signalbox_jobs_waiting", "gauge", &about);
    page.sample(&[("for", "job")], backlog.held);
    page.sample(&[("for", "lane")], backlog.in_line);
    let about = "How long the job is overdue that is overdue longest; suspended tenants aside.";
    page.metric("signalbox_queue_lag_seconds", "gauge", about);
    page.sample(&[], seconds(backlog.oldest_due, now));
    let about = "How long the schedule is overdue that is overdue longest; suspended tenants aside.";
    page.metric("signalbox_schedules_lag_seconds", "gauge", about);
    page.sample(&[], seconds(soonest, now));
    let about = "The age of the oldest job that was given up and not yet redriven; 0 without one.";
    page.metric("signalbox_jobs_oldest_dead_seconds", "gauge", about);
    page.sample(&[], seconds(backlog.oldest_dead, now));
    page.0
}

fn find(backlog: &Backlog, kind: Kind, state: State) -> Option<&jobs::Open> {
    backlog.open.iter().find(|open| open.kind == kind && open.state == state)
}

/// How long ago `then` was, in seconds; nothing, and what is still to come, is 0.
fn seconds(then: Option<Instant>, now: Instant) -> String {
    let millis = then.map_or(0, |then| now.since(then).as_millis().max(0));
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// The text, metric by metric.
#[derive(Default)]
struct Exposition(String, &'static str);

impl Exposition {
    fn metric(&mut self, name: &'static str, kind: &str, about: &str) {
        self.1 = name;
        self.0.push_str(&format!("# HELP {name} {about}\n# TYPE {name} {kind}\n"));
    }

    /// A value of the metric that was begun last. Labels are words of ours, so nothing in them needs escaping.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(self.1);
        if !labels.is_empty() {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            self.0.push_str(&format!("{{{}}}", labels.join(",")));
        }
        self.0.push_str(&format!(" {value}\n"));
    }
}
