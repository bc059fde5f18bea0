//! What is a type, or a field of one, called? A [`TypeName`] stands in paths and triggers, a field's name in conditions and
//! templates: both are words of lower-case letters, digits and underscores.

use crate::built_in::{CONTACT, LEAD, OPPORTUNITY};
use std::fmt;

/// Words that no tenant's type may be called: built-in types, other things with triggers, and paths of ours.
const RESERVED: &[&str] = &[
    "contact",
    "deal",
    "event",
    "export",
    "high_value",
    "import",
    "lead",
    "limits",
    "message",
    "opportunity",
    "record",
    "rule",
    "search",
    "stats",
    "task",
    "trigger",
    "types",
    "user",
    "workflow",
];

/// What every record says of itself, or an event beside its fields: no field may be called so.
const OWN: &[&str] = &[
    "changes",
    "created_at",
    "created_by",
    "external_id",
    "id",
    "record",
    "tenant_id",
    "type",
    "updated_at",
    "version",
];

/// What the events of a type carry beside that.
const CARRIED: &[(&str, &str)] = &[("lead", "contact_name"), ("opportunity", "reason")];

/// The text is no name of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypeNameError {
    /// Wrong length or characters.
    #[error("must be 2 to 40 lower-case letters, digits and underscores, and begin with a letter")]
    Shape,
    /// A word that the product keeps for itself.
    #[error("is a word that the product keeps for itself; take another, such as customer_{0}")]
    Reserved(&'static str),
}

/// The name of a type of records: `contact`, or one of the tenant's own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeName(Box<str>);

impl TypeName {
    /// A name for a type of a tenant's own.
    ///
    /// # Errors
    /// [`TypeNameError`].
    pub fn claim(text: &str) -> Result<Self, TypeNameError> {
        let name: Self = text.parse()?;
        match RESERVED.iter().find(|word| **word == text) {
            Some(word) => Err(TypeNameError::Reserved(word)),
            None => Ok(name),
        }
    }

    /// Contacts.
    #[must_use]
    pub fn contact() -> Self {
        Self::built_in(CONTACT)
    }

    /// Leads.
    #[must_use]
    pub fn lead() -> Self {
        Self::built_in(LEAD)
    }

    /// Opportunities.
    #[must_use]
    pub fn opportunity() -> Self {
        Self::built_in(OPPORTUNITY)
    }

    /// A name that stands in the program.
    pub(crate) fn built_in(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TypeName {
    type Err = TypeNameError;
    fn from_str(text: &str) -> Result<Self, TypeNameError> {
        if (2..=40).contains(&text.len()) && is_word(text) {
            Ok(Self(text.into()))
        } else {
            Err(TypeNameError::Shape)
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Whether the text is a word that begins with a letter.
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What is wrong with a name for a field of the type `kind`, if anything is.
pub(crate) fn field_fault(kind: &TypeName, name: &str) -> Option<String> {
    if name.len() > 60 || !is_word(name) {
        return Some(
            "must be 1 to 60 lower-case letters, digits and underscores, and begin with a letter".to_owned(),
        );
    }
    let taken = OWN.contains(&name)
        || CARRIED.contains(&(kind.as_str(), name))
        || ["old_", "new_"].iter().any(|prefix| name.starts_with(prefix))
        || name.strip_prefix(kind.as_str()).is_some_and(|rest| ["_id", "_name"].contains(&rest));
    taken
        .then(|| "is a name that records and their events have a use for themselves; take another".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, wanted) in [
            ("project", None),
            ("a1", None),
            ("a", Some(TypeNameError::Shape)),
            ("1a", Some(TypeNameError::Shape)),
            ("Project", Some(TypeNameError::Shape)),
            ("my-type", Some(TypeNameError::Shape)),
            ("contact", Some(TypeNameError::Reserved("contact"))),
            ("types", Some(TypeNameError::Reserved("types"))),
        ] {
            assert_eq!(TypeName::claim(text).err(), wanted, "{text}");
        }
        let project = TypeName::claim("project").unwrap();
        for (name, sound) in [
            ("budget", true),
            ("x", true),
            ("id", false),
            ("old_budget", false),
            ("project_id", false),
            ("contact_id", true),
            ("reason", true),
            ("Budget", false),
            ("", false),
        ] {
            assert_eq!(field_fault(&project, name).is_none(), sound, "{name}");
        }
        let opportunity: TypeName = "opportunity".parse().unwrap();
        assert!(
            field_fault(&opportunity, "reason").is_some() && field_fault(&opportunity, "industry").is_none()
        );
    }
}
