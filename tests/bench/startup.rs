//! How long until it serves: components compiled anew, and with everything there; and what it costs to wait.

use crate::{OPTIONS, machine, report::Report, state};
use anyhow::{Context as _, Result};
use std::{thread, time::Duration};
use tests::Signalbox;

/// Starts it twice and leaves it running.
pub fn measure(report: &mut Report) -> Result<Signalbox> {
    report.doing("start-up, nothing compiled");
    let state = state()?;
    let cache = state.path().join("compiled");
    let mut options = OPTIONS.to_vec();
    options.extend(["--cache", cache.to_str().context("the path is not text")?]);
    let cold = Signalbox::start_on(state, &options)?;
    report.add("start-up, nothing compiled", cold.started_in.as_secs_f64(), "s");
    let (_, state) = cold.terminate(Duration::from_secs(40))?;
    report.doing("start-up, everything compiled");
    let warm = Signalbox::start_on(state, &options)?;
    report.add("start-up, everything compiled", warm.started_in.as_secs_f64(), "s");
    // Whatever it does at first is over by then.
    thread::sleep(Duration::from_secs(3));
    report.add("idle memory", machine::resident_mebibytes(warm.id())?, "MiB");
    Ok(warm)
}
