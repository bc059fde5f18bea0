//! Who has a task? A user of the tenant, or somebody who is known by an e-mail address only.

use kernel::UserId;
use std::{fmt, str::FromStr};

/// The text is neither a user's id nor an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a user's id (usr_…), an e-mail address, or `me` for the person who asks")]
pub struct NamedError;

/// An e-mail address, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address(Box<str>);

impl Address {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = NamedError;
    fn from_str(text: &str) -> Result<Self, NamedError> {
        let text = text.trim().to_lowercase();
        let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
        match text.split_once('@') {
            Some((before, after))
                if !before.is_empty()
                    && !after.is_empty()
                    && !after.contains('@')
                    && text.chars().count() <= 320
                    && text.chars().all(plain) =>
            {
                Ok(Self(text.into()))
            }
            Some(_) | None => Err(NamedError),
        }
    }
}

/// Whom a request names: nobody has looked yet whether they are a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Whoever asks.
    Me,
    /// A user.
    User(UserId),
    /// Whoever has this address.
    Address(Address),
}

impl FromStr for Named {
    type Err = NamedError;
    fn from_str(text: &str) -> Result<Self, NamedError> {
        if text == "me" {
            return Ok(Self::Me);
        }
        text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Address))
    }
}

/// Who has a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Assignee {
    /// A user of the tenant.
    User(UserId),
    /// Somebody whom the tenant has no user for.
    Address(Address),
}

impl Assignee {
    /// As it stands in rows: the id, or the address.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Address(address) => address.as_str(),
        }
    }

    /// The user, if it is one.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Address(_) => None,
        }
    }
}

impl FromStr for Assignee {
    type Err = NamedError;
    fn from_str(text: &str) -> Result<Self, NamedError> {
        text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Address))
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_id_address_or_as_oneself() {
        let id = "usr_01hf7yat00zzzzzzzzzzzzzzzz";
        assert_eq!("me".parse(), Ok(Named::Me));
        assert_eq!(id.parse(), Ok(Named::User(id.parse().unwrap())));
        assert_eq!(" Ana@Example.com ".parse::<Assignee>().unwrap().key(), "ana@example.com");
        for text in ["", "ana", "@example.com", "ana@", "a@b@c", "a b@c", "usr_1", "ana\n@example.com"] {
            assert_eq!(text.parse::<Named>(), Err(NamedError), "{text:?}");
        }
    }
}
