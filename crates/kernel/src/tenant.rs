//! Whose is it? A [`TenantId`] is the slug that stands in paths, headers and rows: `acme-corp`.

use std::fmt;

/// Words that no new tenant may be called, because a path or a host name begins with them, or might one day.
const RESERVED: &[&str] = &[
    "admin",
    "auth",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "callback",
    "console",
    "docs",
    "health",
    "hooks",
    "internal",
    "login",
    "logout",
    "mail",
    "metrics",
    "oauth",
    "oauth2",
    PLATFORM,
    "saml",
    "signalbox",
    "signup",
    "sso",
    "static",
    "status",
    "support",
    "v1",
    "well-known",
    "ws",
    "www",
];

/// The tenant of the people who run the installation.
const PLATFORM: &str = "platform";

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
    /// The tenant of the people who run the installation. There is one, and nobody else can be called so.
    #[must_use]
    pub fn platform() -> Self {
        Self(PLATFORM.into())
    }

    /// Whether it is the tenant of the people who run the installation.
    #[must_use]
    pub fn is_platform(&self) -> bool {
        &*self.0 == PLATFORM
    }

    /// A slug for a new tenant: one that the product does not keep for itself.
    ///
    /// # Errors
    /// [`TenantIdError`].
    pub fn claim(text: &str) -> Result<Self, TenantIdError> {
        let slug: Self = text.parse()?;
        if RESERVED.contains(&slug.as_str()) { Err(TenantIdError::Reserved) } else { Ok(slug) }
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads any slug, also one that no new tenant may have: whether there is such a tenant, the database knows.
impl std::str::FromStr for TenantId {
    type Err = TenantIdError;
    fn from_str(text: &str) -> Result<Self, TenantIdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = text.bytes().all(|byte| plain(byte) || byte == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
        if !(2..=63).contains(&text.len()) || !inner || !ends {
            return Err(TenantIdError::Shape);
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
            ("api", None),
            ("platform", None),
        ] {
            assert_eq!(text.parse::<TenantId>().err(), wanted, "{text}");
        }
    }

    #[test]
    fn what_the_product_keeps_for_itself_is_nobodys() {
        for text in RESERVED {
            assert_eq!(TenantId::claim(text), Err(TenantIdError::Reserved), "{text}");
        }
        assert_eq!(TenantId::claim("acme-corp").unwrap().as_str(), "acme-corp");
        assert!(TenantId::platform().is_platform());
    }
}
