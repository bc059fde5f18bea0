//! Whose is it? A [`TenantId`] is the slug that stands in paths, headers and rows: `acme-corp`.

use std::fmt;

/// Words that a slug may not be, because a path begins with them.
const RESERVED: &[&str] = &[
    "api",
    "admin",
    "docs",
    "health",
    "hooks",
    "internal",
    "login",
    "metrics",
    "platform",
    "signalbox",
    "static",
    "www",
];

/// The text is not a tenant's slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantIdError {
    /// Wrong length or characters.
    #[error("must be 2 to 63 lower-case letters, digits and inner hyphens")]
    Shape,
    /// A word that the product keeps for itself.
    #[error("is a reserved word")]
    Reserved,
}

/// A tenant's slug: 2 to 63 characters of `a-z`, `0-9` and inner hyphens. It is the id, and never changes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Box<str>);

impl TenantId {
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TenantId {
    type Err = TenantIdError;
    fn from_str(text: &str) -> Result<Self, TenantIdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = text.bytes().all(|byte| plain(byte) || byte == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
        if !(2..=63).contains(&text.len()) || !inner || !ends {
            return Err(TenantIdError::Shape);
        }
        if RESERVED.contains(&text) {
            return Err(TenantIdError::Reserved);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for (text, wanted) in [
            ("acme-corp", None),
            ("a1", None),
            ("a", Some(TenantIdError::Shape)),
            ("-acme", Some(TenantIdError::Shape)),
            ("acme-", Some(TenantIdError::Shape)),
            ("Acme", Some(TenantIdError::Shape)),
            ("a/b", Some(TenantIdError::Shape)),
            ("api", Some(TenantIdError::Reserved)),
        ] {
            assert_eq!(text.parse::<TenantId>().err(), wanted, "{text}");
        }
    }
}
