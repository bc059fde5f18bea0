//! How is a person taken out of texts that are not about them? Table by table, window by window: a look without the lock
//! for rows that name the person, then only these are written.

use crate::{DbError, Scope, Value};
use kernel::Person;

/// How many rows a window has.
const WINDOW: i64 = 1000;

/// A table with texts that may name somebody. An area has one of these for each of its tables; its statements stand in
/// the area's store.
#[derive(Debug, Clone, Copy)]
pub struct Redaction {
    /// What it is about: a table's name.
    pub name: &'static str,
    /// The key (`id`) that stands ?3 rows after the key ?2.
    pub window: &'static str,
    /// Of the rows after the key ?2 and up to the key ?3 (to the end if it is null), those in which ?4, an address in
    /// lower case, stands anywhere: as `id`, a JSON array of what the row is known by and its texts.
    pub naming: &'static str,
    /// Writes such arrays back (?2, an array of them).
    pub write: &'static str,
}

/// What one window holds.
#[derive(Debug, Default)]
pub struct Found {
    /// How many rows name the person.
    pub rows: usize,
    /// Where the next window begins; `None` at the end.
    pub next: Option<String>,
    lines: Vec<serde_json::Value>,
}

impl Redaction {
    /// Looks through the window after the key `after`.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn look(&self, scope: &mut Scope<'_>, person: &Person, after: &str) -> Result<Found, DbError> {
        let next: Option<String> = scope.one(self.window, [after.into(), WINDOW.into()]).await?;
        let email = person.email.to_ascii_lowercase();
        let texts: Vec<String> =
            scope.all(self.naming, [after.into(), next.as_deref().into(), email.into()]).await?;
        let mut lines = Vec::new();
        for text in texts {
            let mut line: serde_json::Value = serde_json::from_str(&text)
                .map_err(|_| DbError::Decode { column: "id".to_owned(), wanted: "a JSON array" })?;
            let mut named = false;
            for value in line.as_array_mut().into_iter().flatten().skip(1) {
                if let Some(clean) = value.as_str().and_then(|text| person.taken_out_of(text)) {
                    *value = clean.into();
                    named = true;
                }
            }
            if named {
                lines.push(line);
            }
        }
        Ok(Found { rows: lines.len(), next, lines })
    }

    /// Writes what was found without the person. For a look that was made in the same transaction.
    ///
    /// # Errors
    /// [`DbError`]; give the transaction up then.
    pub async fn take_out(&self, scope: &mut Scope<'_>, found: Found) -> Result<(), DbError> {
        if found.lines.is_empty() {
            return Ok(());
        }
        let text = serde_json::Value::Array(found.lines).to_string();
        scope.run_for_effect(self.write, [Value::Text(text)]).await.map(drop)
    }
}
