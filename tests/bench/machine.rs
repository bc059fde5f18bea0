//! On what was it measured? What /proc tells of this machine and of a process.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{fs, thread};

/// The resident memory of a process.
pub fn resident_mebibytes(process: u32) -> Result<f64> {
    let status =
        fs::read_to_string(format!("/proc/{process}/status")).context("memory is read from /proc")?;
    let line = field(&status, "VmRSS").context("the process has no VmRSS")?;
    let kibibytes: f64 = line.trim_end_matches(" kB").trim().parse().context("VmRSS is no number")?;
    Ok(kibibytes / 1024.0)
}

/// How long a process has kept processors busy, in seconds.
pub fn processor_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("times are read from /proc")?;
    // The name, in brackets, may hold anything; after it the state is the third field, and times are the 14th and 15th.
    let (_, rest) = stat.rsplit_once(')').context("the process has no name")?;
    let ticks = |place: usize| rest.split_whitespace().nth(place).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("the process has no times")?;
    // Linux counts in hundredths, whatever its own clock does.
    Ok((user + system) / 100.0)
}

/// Processor, cores, memory, kernel.
pub fn about() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    json!({
        "processor": field(&processor, "model name").unwrap_or("unknown"),
        "cores": thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "memory": field(&memory, "MemTotal").unwrap_or("unknown"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}

/// The value after `name:`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}
