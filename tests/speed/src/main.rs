//! How many events can rules be asked about in a second? For each line that it reads, the name of a part, it measures that part
//! and answers with one line of JSON: nanoseconds an event, by case. Its first line says what it holds of the shared payloads.
//!
//! The same program runs natively and, compiled to wasm, in the host's engine: what differs is the machine.

mod cases;
mod crowd;
mod evaluation;
mod past;
mod watch;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use std::{
    io::{BufRead as _, Write as _},
    time::Duration,
};

/// How long each case of a round is measured.
const SPAN: Duration = Duration::from_millis(200);

/// Figures of a round, by case.
type Figures = Map<String, Value>;

fn main() -> Result<()> {
    let cases = cases::read()?;
    say(&json!({"matches": evaluation::verdicts(&cases)}))?;
    let (mut crowds, mut history) = (None, None);
    for line in std::io::stdin().lock().lines() {
        let figures = match line?.trim() {
            "evaluation" => evaluation::measure(&cases),
            "crowd" => crowds.get_or_insert_with(crowd::Crowds::new).measure(),
            "past" => history.get_or_insert_with(|| past::History::new(&cases)).measure(),
            other => bail!("there is no part {other}: evaluation, crowd or past"),
        };
        say(&Value::Object(figures))?;
    }
    Ok(())
}

fn say(what: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")?;
    Ok(out.flush()?)
}
