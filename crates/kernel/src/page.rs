//! Where does a list go on? A [`Cursor`] names the last row seen; a [`Page`] carries rows and the next cursor.

use std::fmt;

/// A page was asked for that cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The limit is not within 1 to 200.
    #[error("must be a whole number from 1 to 200")]
    Limit,
    /// The cursor did not come from us.
    #[error("is not a cursor of this list; leave it out to begin again")]
    Cursor,
}

/// The sort key of the last row seen, as text. Opaque to clients (the door encodes it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// A cursor after the row whose sort key is `key`.
    #[must_use]
    pub fn after(key: &str) -> Self {
        Self(key.into())
    }

    /// The sort key of the last row seen.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// How much of a list is wanted, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    limit: u16,
    /// The row after which to go on.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The limit when none is named.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The largest limit.
    pub const MAX_LIMIT: u16 = 200;

    /// A request for `limit` rows after `after`.
    ///
    /// # Errors
    /// [`PageError::Limit`] outside 1 to 200.
    pub fn new(limit: u16, after: Option<Cursor>) -> Result<Self, PageError> {
        if (1..=Self::MAX_LIMIT).contains(&limit) { Ok(Self { limit, after }) } else { Err(PageError::Limit) }
    }

    /// Rows wanted.
    #[must_use]
    pub const fn limit(&self) -> u16 {
        self.limit
    }

    /// One more than wanted: a store asks for this many, so that [`Page::cut`] can tell whether there is more.
    #[must_use]
    pub fn probe(&self) -> i64 {
        i64::from(self.limit).saturating_add(1)
    }

    /// The key after which to go on, or `none` (such as `""` or a key beyond all others) at the beginning.
    #[must_use]
    pub fn after_or<'a>(&'a self, none: &'a str) -> &'a str {
        self.after.as_ref().map_or(none, Cursor::key)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: Self::DEFAULT_LIMIT, after: None }
    }
}

/// Some rows of a list, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The row after which the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with [`PageRequest::probe`]; `key` tells a row's sort key.
    pub fn cut(mut rows: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::from(request.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| Cursor::after(&key(row))) } else { None };
        Self { items: rows, next }
    }

    /// The same page of other things.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_there_is_more() {
        let two = PageRequest::new(2, None).unwrap();
        assert_eq!(Page::cut(vec![1, 2, 3], &two, i32::to_string).next, Some(Cursor::after("2")));
        assert_eq!(Page::cut(vec![1, 2], &two, i32::to_string).next, None);
        assert_eq!(PageRequest::new(0, None), Err(PageError::Limit));
        assert_eq!(PageRequest::new(201, None), Err(PageError::Limit));
    }
}
