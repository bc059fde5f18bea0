//! How does a row become a value of ours? Column by column, by name, failing on any surprise.

use crate::{DbError, Value};
use kernel::Instant;
use std::{str::FromStr, sync::Arc};

/// What a statement gave: column names and rows.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    columns: Arc<[String]>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Rows under these columns.
    #[must_use]
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns: columns.into(), rows }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Decodes every row.
    ///
    /// # Errors
    /// [`DbError::Decode`] at the first surprise.
    pub fn decode<T: Decode>(self) -> Result<Vec<T>, DbError> {
        let columns = self.columns;
        self.rows
            .into_iter()
            .map(|values| T::decode(&mut Row { columns: &columns, values, next: 0 }))
            .collect()
    }
}

/// One row, taken apart column by column.
#[derive(Debug)]
pub struct Row<'a> {
    columns: &'a [String],
    values: Vec<Value>,
    /// Where the next column is looked for first: nearly always they are taken in their order.
    next: usize,
}

impl Row<'_> {
    fn take(&mut self, column: &str) -> Result<Value, DbError> {
        let place = match self.columns.get(self.next) {
            Some(name) if name == column => Some(self.next),
            Some(_) | None => self.columns.iter().position(|name| name == column),
        };
        self.next = place.map_or(0, |place| place.saturating_add(1));
        place
            .and_then(|place| self.values.get_mut(place))
            .map(|value| std::mem::replace(value, Value::Null))
            .ok_or_else(|| DbError::Decode { column: column.to_owned(), wanted: "a column of that name" })
    }

    /// The column's value, once: a second call finds nothing there.
    ///
    /// # Errors
    /// [`DbError::Decode`] if the column is missing or holds something else.
    pub fn get<T: FromValue>(&mut self, column: &str) -> Result<T, DbError> {
        let value = self.take(column)?;
        T::from_value(value).ok_or_else(|| DbError::Decode { column: column.to_owned(), wanted: T::WANTED })
    }

    /// The column's text, read by `FromStr`: ids, enums.
    ///
    /// # Errors
    /// [`DbError::Decode`] if the column is missing, holds no text, or a text that does not read.
    pub fn parse<T: FromStr>(&mut self, column: &str) -> Result<T, DbError> {
        self.get::<String>(column)?
            .parse()
            .map_err(|_| DbError::Decode { column: column.to_owned(), wanted: "a text that reads" })
    }

    /// Like [`Row::parse`], where the column may be null.
    ///
    /// # Errors
    /// As [`Row::parse`].
    pub fn parse_opt<T: FromStr>(&mut self, column: &str) -> Result<Option<T>, DbError> {
        self.get::<Option<String>>(column)?
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| DbError::Decode { column: column.to_owned(), wanted: "a text that reads, or null" })
    }

    /// A fault of this row's `column`, for checks that a decoder makes itself.
    pub fn surprise(&self, column: &str, wanted: &'static str) -> DbError {
        DbError::Decode { column: column.to_owned(), wanted }
    }
}

/// Something that one row says.
pub trait Decode: Sized {
    /// Takes the row apart.
    ///
    /// # Errors
    /// [`DbError::Decode`] on any surprise.
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError>;
}

/// Something that one column says.
pub trait FromValue: Sized {
    /// What the column should hold, for the error.
    const WANTED: &'static str;
    /// The value, or `None` if it is of another type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for i64 {
    const WANTED: &'static str = "an integer";
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(number) } else { None }
    }
}

impl FromValue for u32 {
    const WANTED: &'static str = "an integer of 32 bits";
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Integer(number) = value { number.try_into().ok() } else { None }
    }
}

impl FromValue for bool {
    const WANTED: &'static str = "0 or 1";
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    const WANTED: &'static str = "a real";
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Real(number) = value { Some(number) } else { None }
    }
}

impl FromValue for String {
    const WANTED: &'static str = "a text";
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl FromValue for Vec<u8> {
    const WANTED: &'static str = "bytes";
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes) } else { None }
    }
}

impl FromValue for Instant {
    const WANTED: &'static str = "milliseconds since 1970";
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_millis)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WANTED: &'static str = T::WANTED;
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// One column named `n`: counts and sums.
impl Decode for i64 {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("n")
    }
}

/// One column named `id`: what `RETURNING id` gives.
impl Decode for String {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("id")
    }
}

/// Nothing is looked at.
impl Decode for () {
    fn decode(_: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(())
    }
}
