//! What was measured, as a table for people and as JSON for comparisons.

use crate::machine;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

/// A measurement: of several, the median with the least and the greatest.
struct Line {
    name: String,
    value: f64,
    ends: Option<(f64, f64)>,
    unit: &'static str,
}

/// The measurements of one run, in order.
pub struct Report {
    span: Duration,
    lines: Vec<Line>,
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
        self.lines.push(Line { name: name.to_owned(), value, ends: None, unit });
    }

    /// Notes what was measured several times.
    pub fn spread(&mut self, name: &str, values: &mut [f64], unit: &'static str) {
        values.sort_by(f64::total_cmp);
        if let (Some(value), Some(first), Some(last)) =
            (values.get(values.len() / 2), values.first(), values.last())
        {
            let ends = Some((*first, *last));
            self.lines.push(Line { name: name.to_owned(), value: *value, ends, unit });
        }
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

    /// Notes whether a measurement reaches its aim.
    pub fn at_least(&mut self, name: &str, aim: f64) {
        if let Some(value) = self.value(name) {
            self.aims.push((format!("{name} ≥ {aim}"), value >= aim));
        }
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.lines.iter().find(|line| line.name == name).map(|line| line.value)
    }

    /// Prints the table and writes it to `name`.
    pub fn finish(&self, folder: &Path, name: &str) -> Result<()> {
        let widest = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        println!();
        for Line { name, value, ends, unit } in &self.lines {
            let between = ends
                .map_or(String::new(), |(first, last)| format!("  ({} to {})", figure(first), figure(last)));
            println!("{name:<widest$}  {:>11} {unit}{between}", figure(*value));
        }
        for (aim, is_met) in &self.aims {
            println!("{} {aim}", if *is_met { "met:   " } else { "missed:" });
        }
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|Line { name, value, ends, unit }| json!({"name": name, "value": value, "ends": ends, "unit": unit}))
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

/// For a table: 1,230,000 or 12.34.
fn figure(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
