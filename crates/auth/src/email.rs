//! What is an e-mail address here? Enough of one to write to and to compare; whether it exists, only a message shows.

use std::fmt;

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an e-mail address such as ana@example.com, of 254 characters at most")]
pub struct EmailError;

/// An e-mail address in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(Box<str>);

impl Email {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|letter| {
                    !letter.is_whitespace() && !letter.is_control() && !"@<>,;\"()[]\\".contains(letter)
                })
        };
        let dotted = domain.split('.').all(|label| !label.is_empty());
        if text.len() <= 254 && local.len() <= 64 && plain(local) && plain(domain) && dotted {
            Ok(Self(text.into_boxed_str()))
        } else {
            Err(EmailError)
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let same: Email = " Ana.Li+x@Example.COM ".parse().unwrap();
        assert_eq!(same.as_str(), "ana.li+x@example.com");
        assert!("owner@localhost".parse::<Email>().is_ok());
        let long = format!("{}@example.com", "a".repeat(65));
        for text in
            ["", "a", "@b.c", "a@", "a@b@c.d", "a b@c.d", "a@b..c", "a@.b", "a\n@b.c", "<a@b.c>", &long]
        {
            assert_eq!(text.parse::<Email>(), Err(EmailError), "{text:?}");
        }
    }
}
