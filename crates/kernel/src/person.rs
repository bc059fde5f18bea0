//! Whose data are asked for, or are to go? A user of a tenant, by everything that names them.

use crate::UserId;

/// A user of a tenant, by everything that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id, which stays as a pseudonym when the rest is gone.
    pub id: UserId,
    /// The e-mail address, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
}

impl Person {
    /// The address that stands for the person's where a text has to go on without it. Nobody can be reached there: the
    /// domain is one of RFC 2606.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        format!("{}@erased.invalid", self.id)
    }
}
