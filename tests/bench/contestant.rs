//! Who is measured against whom? Programs that answer each line, the name of a part, with nanoseconds an event by case. They stay up
//! between rounds, warm, and take turns, so that a noisy minute meets all of them.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// One of them.
pub struct Contestant {
    name: &'static str,
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What was measured, by case, in the order of the rounds.
    figures: BTreeMap<String, Vec<f64>>,
}

impl Contestant {
    /// Starts it; it must say of the shared payloads what is wanted.
    pub fn start(name: &'static str, command: &mut Command, wanted: &Value) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        let asked = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut one = Self { name, child, asked, answers, figures: BTreeMap::new() };
        let said = one.answer()?;
        ensure!(said["matches"] == *wanted, "{name} says otherwise of the payloads: {}", said["matches"]);
        Ok(one)
    }

    /// Measures a part once; what is measured for warmth does not count.
    pub fn measure(&mut self, part: &str, counts: bool) -> Result<()> {
        writeln!(self.asked, "{part}")?;
        self.asked.flush()?;
        let said = self.answer()?;
        for (case, figure) in said.as_object().context("no figures")?.iter().filter(|_| counts) {
            let figure = figure.as_f64().with_context(|| format!("{case} of {} is no number", self.name))?;
            self.figures.entry(case.clone()).or_default().push(figure);
        }
        Ok(())
    }

    /// What it is called.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The nanoseconds of all rounds, by case.
    pub const fn figures(&self) -> &BTreeMap<String, Vec<f64>> {
        &self.figures
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{} said {line:?}", self.name))
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
