//! When does the clock call a component, and how?
//!
//! Expressions have six fields, seconds first, in UTC; day of month and day of week must both fit, as in Spin's cron
//! trigger. A missed moment is not made up for. Each call gets an instance of its own, so calls may overlap.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;

use crate::bindings::{CronError, CronMetadata, SpinCronPre};
use crate::failure::{Failure, Outcome};
use crate::guest::{Capabilities, Guest};
use crate::handler::store;

/// How long the trigger sleeps at most before it looks at the wall clock again.
const LOOK: Duration = Duration::from_millis(250);

/// A component and when it is called.
pub struct Scheduled {
    /// The component, linked.
    pub pre: SpinCronPre<Guest>,
    /// The engine.
    pub engine: Engine,
    /// What it may do.
    pub capabilities: Arc<Capabilities>,
    /// When.
    pub schedule: Cron,
}

/// Parses an expression in six fields.
///
/// # Errors
/// If it is none.
pub fn parse(expression: &str) -> Outcome<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
    parser.parse(expression).map_err(|e| {
        Failure::new(
            format!("The cron expression '{expression}' is refused: {e}."),
            "The host would not know when to call the component.",
            "Write six fields, seconds first, for example \"*/10 * * * * *\" for every ten seconds.",
        )
    })
}

/// The next moment after `now` at which the schedule is due.
pub fn next(schedule: &Cron, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedule.find_next_occurrence(&now, false).ok()
}

/// Calls a component whenever it is due, until `stop`; then waits for the calls that are under way.
pub async fn run(scheduled: &Scheduled, stop: CancellationToken) {
    let mut calls = JoinSet::new();
    let now = || {
        let since = TimeDelta::from_std(scheduled.capabilities.clock.since_epoch()).unwrap_or_default();
        DateTime::<Utc>::UNIX_EPOCH.checked_add_signed(since).unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    let mut due = next(&scheduled.schedule, now());
    while let Some(moment) = due {
        let left = (moment - now()).to_std().unwrap_or_default();
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(left.min(LOOK)) => {}
        }
        while calls.try_join_next().is_some() {}
        let at = now();
        if at >= moment {
            calls.spawn(call(
                scheduled.pre.clone(),
                scheduled.engine.clone(),
                Arc::clone(&scheduled.capabilities),
                at,
            ));
            due = next(&scheduled.schedule, at);
        } else if next(&scheduled.schedule, at).is_some_and(|earlier| earlier < moment) {
            due = next(&scheduled.schedule, at); // a test has moved the clock back
        }
    }
    while calls.join_next().await.is_some() {}
}

async fn call(pre: SpinCronPre<Guest>, engine: Engine, capabilities: Arc<Capabilities>, at: DateTime<Utc>) {
    let mut store = store(&engine, &capabilities);
    let metadata = CronMetadata { timestamp: u64::try_from(at.timestamp()).unwrap_or(0) };
    let result = async {
        let instance = pre.instantiate_async(&mut store).await?;
        instance.call_handle_cron_event(&mut store, metadata).await
    };
    let component = capabilities.component.as_str();
    match result.await {
        Ok(Ok(())) => tracing::debug!(component, "A scheduled call ended well"),
        Ok(Err(CronError::Other(error))) => tracing::error!(component, error, "A scheduled call failed"),
        Err(error) => {
            tracing::error!(component, error = %error.root_cause(), "A scheduled call ended with a trap")
        }
    }
}
