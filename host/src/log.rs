//! What does a log line look like, and where does it go?
//!
//! To stderr, one line per event, as text for people or as one flat JSON object for machines. A component's line goes
//! the same way; if it is a JSON object, its fields become fields of the log line. Lines are written by a thread of
//! their own, so that a slow terminal holds nobody up; when it cannot keep up, callers wait rather than lose lines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

static SINK: OnceLock<Sink> = OnceLock::new();

#[derive(Debug)]
struct Sink {
    format: Format,
    least: Level,
    lines: SyncSender<Line>,
}

enum Line {
    Text(String),
    /// Answered once everything before it has been written.
    Flush(SyncSender<()>),
}

/// Starts logging; a second call changes nothing.
pub fn start(format: Format, least: Level) {
    let (lines, written) = sync_channel(8192);
    if SINK.set(Sink { format, least, lines }).is_err() {
        return;
    }
    drop(std::thread::Builder::new().name("log".into()).spawn(move || write_all(&written)));
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(Level::WARN)
        .with_target("host", least)
        .with_target("signalbox", least);
    let _already = tracing_subscriber::registry().with(filter).with(Events).try_init();
}

/// Waits until everything logged so far is written, at most a second.
pub fn flush() {
    let Some(sink) = SINK.get() else { return };
    let (done, wait) = sync_channel(1);
    if sink.lines.send(Line::Flush(done)).is_ok() {
        let _late = wait.recv_timeout(Duration::from_secs(1));
    }
}

/// Logs one line of a component's output.
pub fn component_line(component: &str, stream: &str, line: &str) {
    let Some(sink) = SINK.get() else { return };
    let mut fields = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::from_iter([("message".to_owned(), Value::from(line))]),
    };
    let named = ["message", "msg"].iter().find_map(|key| fields.remove(*key));
    let message = named.map_or_else(String::new, |value| plain(&value));
    let level = fields.remove("level").and_then(|level| plain(&level).parse().ok());
    let level = level.unwrap_or(if stream == "stderr" { Level::WARN } else { Level::INFO });
    for own in ["ts", "time", "timestamp", "component"] {
        fields.remove(own);
    }
    if level <= sink.least {
        sink.write(level, Some(component), &message, fields);
    }
}

/// Passes the events of `tracing` on.
struct Events;

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(sink) = SINK.get() else { return };
        let mut seen = Seen::default();
        event.record(&mut seen);
        sink.write(*event.metadata().level(), None, &seen.message, seen.fields);
    }
}

#[derive(Default)]
struct Seen {
    message: String,
    fields: Map<String, Value>,
}

impl Seen {
    fn keep(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = plain(&value);
        } else {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.keep(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, Value::from(value));
    }
}

impl Sink {
    fn write(&self, level: Level, component: Option<&str>, message: &str, fields: Map<String, Value>) {
        let now = time();
        let line = match self.format {
            Format::Json => {
                let mut object = Map::new();
                object.insert("ts".into(), now.into());
                object.insert("level".into(), level.as_str().to_ascii_lowercase().into());
                object.extend(component.map(|component| ("component".to_owned(), component.into())));
                object.insert("message".into(), message.into());
                object.extend(fields);
                format!("{}\n", Value::Object(object))
            }
            Format::Text => {
                let mut line = format!("{now} {:5}", level.as_str());
                if let Some(component) = component {
                    let _infallible = write!(line, " [{component}]");
                }
                if !message.is_empty() {
                    let _infallible = write!(line, " {}", printable(message));
                }
                for (name, value) in fields {
                    let _infallible = write!(line, " {name}={}", printable(&plain(&value)));
                }
                line.push('\n');
                line
            }
        };
        let _stopped = self.lines.send(Line::Text(line));
    }
}

fn write_all(lines: &Receiver<Line>) {
    let mut buffer = String::new();
    while let Ok(first) = lines.recv() {
        let mut flushed = Vec::new();
        let batch = std::iter::once(first).chain(std::iter::from_fn(|| lines.try_recv().ok())).take(512);
        for line in batch {
            match line {
                Line::Text(text) => buffer.push_str(&text),
                Line::Flush(done) => flushed.push(done),
            }
        }
        let _closed = std::io::stderr().lock().write_all(buffer.as_bytes());
        buffer.clear();
        for done in flushed {
            let _gone = done.send(());
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text for a terminal: no control character reaches it, so nobody can write into an operator's screen.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Now in RFC 3339, UTC, with milliseconds.
fn time() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", now.subsec_millis())
}

/// Days since 1970 as a date; the algorithm is Howard Hinnant's `civil_from_days`.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
