//! What was measured, as a table for people and as JSON for comparisons.

use crate::machine;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

/// The measurements of one run, in order.
pub struct Report {
    span: Duration,
    lines: Vec<(String, f64, &'static str)>,
    aims: Vec<(String, bool)>,
}

impl Report {
    /// Of a run whose loads last so long.
    pub const fn new(span: Duration) -> Self {
        Self { span, lines: Vec::new(), aims: Vec::new() }
    }

    /// Tells what is measured now.
    pub fn doing(&self, what: &str) {
        eprintln!("bench: {what}");
    }

    /// Notes a measurement.
    pub fn add(&mut self, name: &str, value: f64, unit: &'static str) {
        self.lines.push((name.to_owned(), value, unit));
    }

    /// Notes how two measurements relate, and whether that reaches the aim (0: there is none).
    pub fn ratio(&mut self, name: &str, above: &str, below: &str, aim: f64) {
        if let (Some(above), Some(below)) = (self.value(above), self.value(below)) {
            let ratio = above / below;
            self.add(name, ratio, "");
            if aim > 0.0 {
                self.aims.push((format!("{name} ≥ {aim}"), ratio >= aim));
            }
        }
    }

    /// Notes whether a measurement stays below its aim.
    pub fn at_most(&mut self, name: &str, aim: f64) {
        if let Some(value) = self.value(name) {
            self.aims.push((format!("{name} < {aim}"), value < aim));
        }
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.lines.iter().find(|(known, ..)| known == name).map(|(_, value, _)| *value)
    }

    /// Prints the table and writes it to `name`.
    pub fn finish(&self, folder: &Path, name: &str) -> Result<()> {
        let widest = self.lines.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        println!();
        for (name, value, unit) in &self.lines {
            let figure = if *value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
            println!("{name:<widest$}  {figure:>9} {unit}");
        }
        for (aim, is_met) in &self.aims {
            println!("{} {aim}", if *is_met { "met:   " } else { "missed:" });
        }
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|(name, value, unit)| json!({"name": name, "value": value, "unit": unit}))
            .collect();
        let aims: Vec<Value> =
            self.aims.iter().map(|(aim, is_met)| json!({"aim": aim, "met": is_met})).collect();
        let whole = json!({
            "machine": machine::about(),
            "seconds_per_load": self.span.as_secs(),
            "measurements": lines,
            "aims": aims,
        });
        let file = folder.join(name);
        fs::write(&file, serde_json::to_string_pretty(&whole)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("\nwritten to target/bench/{name}");
        Ok(())
    }
}
