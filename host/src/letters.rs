//! Which letters wait, and what stands in them? For the operator of an installation without a mail service, who hands them
//! over.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::Letters;
use crate::failure::{Failure, Outcome};
use crate::running::Running;

const ROUTE: &str = "/internal/letters";

/// What `signalbox letters` prints.
///
/// # Errors
/// If Signalbox does not run, or there is no such letter.
pub fn letters(wanted: &Letters) -> Outcome<String> {
    let running = Running::of(&wanted.state)?;
    match &wanted.read {
        Some(id) => read(&running, id),
        None => list(&running, wanted.all),
    }
}

fn list(running: &Running, all: bool) -> Outcome<String> {
    let query = if all { "" } else { "?state=waiting" };
    let said = running.get(&format!("{ROUTE}{query}"))?;
    let letters = entries(&said);
    if letters.is_empty() {
        return Ok(if all { "There are no letters." } else { "No letter waits." }.to_owned());
    }
    let mut lines = String::new();
    for letter in letters {
        let _ok = writeln!(
            lines,
            "{}  {:8}  {:18}  {}  {}  {}",
            text(letter, "id"),
            text(letter, "state"),
            text(letter, "purpose"),
            text(letter, "created_at"),
            text(letter, "tenant_id"),
            text(letter, "recipient"),
        );
    }
    lines.push_str("\nRead one by `signalbox letters --read ID`.");
    Ok(lines)
}

fn read(running: &Running, id: &str) -> Outcome<String> {
    // What is no id finds nothing, and cannot reach beyond the query.
    let known = id.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let found = if known { running.get(&format!("{ROUTE}?id={id}"))? } else { Value::Null };
    let Some(letter) = entries(&found).first() else {
        return Err(Failure::new(
            format!("There is no letter {id}."),
            "",
            "`signalbox letters --all` lists those that there are.",
        ));
    };
    let said = running.get(&format!("{ROUTE}?tenant={}&id={id}", text(letter, "tenant_id")))?;
    let opened = entries(&said).first().cloned().unwrap_or_default();
    Ok(format!(
        "To: {}\nSubject: {}\n\n{}",
        text(&opened, "recipient"),
        text(&opened, "subject"),
        text(&opened, "text").trim_end(),
    ))
}

fn entries(said: &Value) -> &[Value] {
    said.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
