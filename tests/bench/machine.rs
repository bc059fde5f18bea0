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
