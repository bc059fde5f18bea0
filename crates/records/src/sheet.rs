//! How do records look as a table? Comma-separated values (RFC 4180): rows of an import, each read or found faulty for itself, and
//! rows of an export, none of which a spreadsheet takes for a formula.

use crate::{Draft, Record, RecordError, RecordType, custom, field::Kind};
use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use kernel::{FieldFault, Fields, RecordId};
use serde_json::{Map, Value};

/// The most rows of one import, the headings not counted.
pub const MOST_ROWS: usize = 10_000;

/// What a record says of itself, beside its fields: shown in exports, and passed over in imports.
const OF_ITSELF: &[&str] = &["version", "created_by", "created_at", "updated_at"];
/// What else an import passes over, should a file hold it.
const PASSED_OVER: &[&str] = &["tenant_id", "type", "version", "created_by", "created_at", "updated_at"];
/// What parts a list in one cell.
const PARTS: char = ';';

/// A row of an import.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The line of the file where it begins; 1 is that of the headings.
    pub(crate) line: u64,
    /// What it says, or what is wrong with it.
    pub(crate) said: Result<Said, Vec<FieldFault>>,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The record that it names, if it does.
    pub(crate) id: Option<RecordId>,
    /// The fields; what is empty is left out.
    pub(crate) draft: Draft,
}

/// What a column holds.
enum Column<'a> {
    Id,
    ExternalId,
    BuiltIn(&'static str, Kind),
    Own(String, &'a Value),
    Nothing,
}

/// Reads the rows of a file. Its headings name fields; parts are separated by commas, or by semicolons or tabs if the headings are.
///
/// # Errors
/// [`RecordError::File`] if the file as a whole cannot be used: a heading that means nothing, no rows, too many.
pub(crate) fn read(kind: &RecordType, file: &[u8]) -> Result<Vec<Row>, RecordError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = ReaderBuilder::new().delimiter(delimiter(file)).flexible(true).from_reader(file);
    let whole = |message: String| RecordError::File(vec![FieldFault::new("body", message)]);
    let headings = reader.byte_headers().map_err(|error| whole(format!("is not CSV: {error}")))?.clone();
    let columns = columns(kind, &headings).map_err(RecordError::File)?;
    let mut rows = Vec::new();
    let mut lines = Lines { file, at: 0, line: 1 };
    for record in reader.into_byte_records() {
        let record = record.map_err(|error| whole(format!("is not CSV: {error}")))?;
        if rows.len() >= MOST_ROWS {
            return Err(whole(format!("has more than {MOST_ROWS} rows; import them in several files")));
        }
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        // A line with nothing on it, as spreadsheets leave at the end.
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        rows.push(Row { line, said: row(&columns, &record) });
    }
    if rows.is_empty() {
        return Err(whole(
            "has no rows: the first line names fields, each further one is a record".to_owned(),
        ));
    }
    Ok(rows)
}

/// Counts lines as people do: the reader of CSV begins a row before the line's end of the row before it.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row that the reader begins at `byte`; rows come in their order.
    fn of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).max(self.at);
        let ends = self.file.get(from..).unwrap_or_default();
        let skipped = ends.iter().take_while(|sign| [b'\r', b'\n'].contains(sign)).count();
        let to = from.saturating_add(skipped);
        for sign in self.file.get(self.at..to).unwrap_or_default() {
            self.line = self.line.saturating_add(u64::from(*sign == b'\n'));
        }
        self.at = to;
        self.line
    }
}

/// What parts the headings: a comma unless they have none but something else that does.
fn delimiter(file: &[u8]) -> u8 {
    let first = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has = |sign: u8| first.contains(&sign);
    match (has(b','), has(b';'), has(b'\t')) {
        (false, true, _) => b';',
        (false, false, true) => b'\t',
        (true, ..) | (false, false, false) => b',',
    }
}

fn columns<'a>(kind: &'a RecordType, headings: &ByteRecord) -> Result<Vec<Column<'a>>, Vec<FieldFault>> {
    let mut fields = Fields::new();
    let mut seen: Vec<String> = Vec::new();
    let mut columns = Vec::new();
    for heading in headings {
        let Ok(name) = std::str::from_utf8(heading) else {
            fields.fault("headings", "are not UTF-8: save the file as \"CSV UTF-8\"");
            break;
        };
        let name = name.trim().to_ascii_lowercase().replace(' ', "_");
        if seen.contains(&name) {
            fields.fault(format!("headings.{name}"), "stands there twice");
        }
        let column = match name.as_str() {
            "id" => Column::Id,
            "external_id" => Column::ExternalId,
            passed if PASSED_OVER.contains(&passed) => Column::Nothing,
            other => match (kind.field(other), custom::property(&kind.schema, other)) {
                // What only we write is in our own exports: it is passed over.
                (Some(field), _) if field.kind == Kind::Ours => Column::Nothing,
                (Some(field), _) => Column::BuiltIn(field.name, field.kind),
                (None, Some(schema)) => Column::Own(name.clone(), schema),
                (None, None) => {
                    let known: Vec<&str> = kind.field_names().take(40).collect();
                    let message =
                        format!("is no field of {}; it has external_id, {}", kind.name, known.join(", "));
                    let shown: String = name.chars().take(100).collect();
                    fields.fault(format!("headings.{shown}"), message);
                    Column::Nothing
                }
            },
        };
        seen.push(name);
        columns.push(column);
    }
    fields.done().map(|()| columns)
}

fn row(columns: &[Column<'_>], record: &ByteRecord) -> Result<Said, Vec<FieldFault>> {
    if record.len() != columns.len() {
        let message = format!("has {} parts where the headings have {}", record.len(), columns.len());
        return Err(vec![FieldFault::new("row", message)]);
    }
    let mut fields = Fields::new();
    let (mut id, mut external_id, mut given) = (None, None, Map::new());
    for (column, cell) in columns.iter().zip(record) {
        let name = match column {
            Column::Id => "id",
            Column::ExternalId => "external_id",
            Column::BuiltIn(name, _) => name,
            Column::Own(name, _) => name,
            Column::Nothing => continue,
        };
        let Ok(text) = std::str::from_utf8(cell) else {
            fields.fault(name, "is not UTF-8");
            continue;
        };
        let text = unguarded(text.trim());
        if text.is_empty() {
            continue;
        }
        match column {
            Column::Id => id = fields.take("id", text.parse()),
            Column::ExternalId => external_id = Some(Some(text.to_owned())),
            Column::BuiltIn(name, Kind::Labels) => {
                given.insert((*name).to_owned(), parts(text));
            }
            Column::BuiltIn(name, _) => {
                given.insert((*name).to_owned(), text.into());
            }
            Column::Own(name, schema) => {
                given.insert(name.clone(), own(schema, text));
            }
            Column::Nothing => {}
        }
    }
    let draft = Draft { external_id, fields: given };
    fields.done().map(|()| Said { id, draft })
}

/// The parts of a list as a cell says them: as JSON where a part holds the sign that stands between others.
fn parts(text: &str) -> Value {
    if let Ok(list) = serde_json::from_str::<Value>(text)
        && list.is_array()
    {
        return list;
    }
    text.split(PARTS).map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

/// What a cell says where the schema wants something else than text. What does not read stays text, and the schema refuses it.
fn own(schema: &Value, text: &str) -> Value {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let read = || serde_json::from_str::<Value>(text).ok();
    for kind in kinds {
        match kind {
            "string" => return text.into(),
            "integer" | "number" => {
                if let Some(number) = read().filter(Value::is_number) {
                    return number;
                }
            }
            "boolean" => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => return true.into(),
                "false" | "no" | "0" => return false.into(),
                _ => {}
            },
            "array" => {
                let items = schema.get("items").cloned().unwrap_or_default();
                let part = |part: &str| own(&items, part.trim());
                return read()
                    .filter(Value::is_array)
                    .unwrap_or_else(|| text.split(PARTS).map(part).collect());
            }
            "object" => {
                if let Some(object) = read().filter(Value::is_object) {
                    return object;
                }
            }
            _ => {}
        }
    }
    text.into()
}

/// Whether a spreadsheet would calculate a cell that begins so (OWASP: CSV injection), or whether it stands guarded already.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The text behind an apostrophe where it would be a formula: spreadsheets take that for "this is text".
fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// The text as it was before it was guarded.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| is_formula(text)).unwrap_or(text)
}

/// The names of an export's columns.
fn headings(kind: &RecordType) -> impl Iterator<Item = &str> {
    ["id", "external_id"].into_iter().chain(kind.field_names()).chain(OF_ITSELF.iter().copied())
}

/// A value in one cell: numbers as they are, lists in parts, anything deeper as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items)
            if items.iter().all(|item| item.as_str().is_some_and(|text| !text.contains(PARTS))) =>
        {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            guarded(&texts.join(&PARTS.to_string()))
        }
        Value::Array(_) | Value::Object(_) => guarded(&value.to_string()),
    }
}

/// Records as comma-separated values; with the names of the columns before them, if they are the first.
///
/// # Errors
/// Never in practice: only if memory refuses the text.
pub fn table(kind: &RecordType, records: &[Record], is_first: bool) -> Result<Vec<u8>, RecordError> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let broken =
        |error: String| RecordError::Db(db::DbError::Engine(format!("an export cannot be written: {error}")));
    if is_first {
        writer.write_record(headings(kind)).map_err(|error| broken(error.to_string()))?;
    }
    for record in records {
        let seen = record.seen();
        let cells = headings(kind).map(|name| seen.get(name).map(cell).unwrap_or_default());
        writer.write_record(cells).map_err(|error| broken(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| broken(error.to_string()))
}

/// Records as JSON, one to a line.
#[must_use]
pub fn lines(records: &[Record]) -> Vec<u8> {
    let line = |record: &Record| format!("{}\n", record.seen());
    records.iter().map(line).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TypePatch, record::stage::*};
    use serde_json::json;

    fn kind() -> RecordType {
        let schema = json!({"properties": {"seats": {"type": "integer"}, "vip": {"type": ["boolean", "null"]},
            "tags": {"type": "array", "items": {"type": "integer"}}, "note": {"type": "string"}}});
        shape("contact")
            .kind
            .patched(TypePatch { schema: Some(schema), ..TypePatch::default() }, at(0))
            .unwrap()
    }

    fn told(outcome: Result<Vec<Row>, RecordError>) -> Vec<String> {
        match outcome {
            Ok(rows) => rows
                .iter()
                .map(|row| match &row.said {
                    Ok(said) => format!("{} {}", row.line, Value::Object(said.draft.fields.clone())),
                    Err(faults) => format!("{} {}", row.line, faults[0]),
                })
                .collect(),
            Err(RecordError::File(faults)) => faults.iter().map(ToString::to_string).collect(),
            Err(other) => vec![other.to_string()],
        }
    }

    #[test]
    fn each_row_is_read_for_itself() {
        let file = "\u{feff}Name,E-mail\n";
        assert!(
            told(read(&kind(), file.as_bytes()))[0].starts_with("headings.e-mail: is no field of contact")
        );
        let file = "Name,Email,labels,seats,vip,tags,created_at\r\n\"Ada, Countess\",ada@example.com,vip; new,3,yes,1;2,2026\r\n\
            Bob,,,,,,\r\n\r\n\"Two\nlines\",x\r\nEve,'=1+1,,many,no,,\r\n";
        assert_eq!(
            told(read(&kind(), file.as_bytes())),
            [
                r#"2 {"email":"ada@example.com","labels":["vip","new"],"name":"Ada, Countess","seats":3,"tags":[1,2],"vip":true}"#,
                r#"3 {"name":"Bob"}"#,
                "5 row: has 2 parts where the headings have 7",
                r#"7 {"email":"=1+1","name":"Eve","seats":"many","vip":false}"#,
            ]
        );
        assert_eq!(told(read(&kind(), b"name;email\nAda;ada@example.com\n")).len(), 1);
        assert_eq!(told(read(&kind(), b"name\temail\nAda\tx\n"))[0], r#"2 {"email":"x","name":"Ada"}"#);
        assert_eq!(told(read(&kind(), b"name\nAd\xe9\n")), ["2 name: is not UTF-8"]);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_as_a_whole() {
        for (file, wanted) in [
            ("", "body: has no rows"),
            ("name\n\n\n", "body: has no rows"),
            ("name,name\nAda,Ada\n", "headings.name: stands there twice"),
            ("colour\nred\n", "headings.colour: is no field of contact"),
        ] {
            let said = told(read(&kind(), file.as_bytes()));
            assert!(said[0].starts_with(wanted), "{file:?}: {said:?}");
        }
        let many = format!("name\n{}", "Ada\n".repeat(MOST_ROWS + 1));
        assert!(told(read(&kind(), many.as_bytes()))[0].contains("more than 10000 rows"));
    }

    #[test]
    fn what_is_exported_is_imported_as_it_was() {
        let contact = crate::Shape::new(kind()).unwrap();
        let was = made(
            &contact,
            json!({"name": "=cmd|x", "phone": "+44 20", "company": "'=quoted", "title": "'plain", "labels": ["-1", "b"],
                "seats": -3, "note": "a \"b\", c", "external_id": "@x", "vip": true, "tags": [1, 2]}),
        );
        let file = table(&contact.kind, std::slice::from_ref(&was), true).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        for cell in [",'=cmd|x,", ",'+44 20,", ",''=quoted,", ",'plain,", ",-3,", ",'-1;b,", ",'@x,"] {
            assert!(text.contains(cell), "{cell}: {text}");
        }
        let rows = read(&contact.kind, &file).unwrap();
        let said = rows[0].said.as_ref().unwrap();
        let again = contact.patch(&was, said.draft.clone(), at(1)).unwrap();
        assert_eq!(again, was);
        assert_eq!(said.id, Some(was.id.clone()));
        assert_eq!(table(&contact.kind, &[], false).unwrap(), b"");
        assert_eq!(String::from_utf8(lines(&[was])).unwrap().lines().count(), 1);
    }
}
