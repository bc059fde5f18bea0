//! What does one row of the audit say?

use crate::{Content, Hash, Part};
use kernel::{AuditId, Instant, TenantId};
use serde_json::Value;

/// What an area has to say; who, when and from where are the call's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry<'a> {
    /// What was done, as `noun.verb` in the past: `rule.created`.
    pub action: &'a str,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// The state before, if there was one; secrets left out.
    pub before: Option<Value>,
    /// The state afterwards, if there is one; secrets left out.
    pub after: Option<Value>,
}

/// How a row's hash is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Over the content itself: rows of before the second format.
    One,
    /// Over commitments to the content, so that the content can be erased.
    Two,
}

impl Format {
    /// Its number in the table and in exports.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// The format of that number.
    #[must_use]
    pub const fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }
}

/// A row as it stands in the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How its hash is made.
    pub format: Format,
    /// Whose audit it is.
    pub tenant: TenantId,
    /// Its place in the tenant's chain: 1, 2, 3 …
    pub sequence: i64,
    /// Its id.
    pub id: AuditId,
    /// When it was done.
    pub at: Instant,
    /// Who did it: the id of a user or an API key, or `system`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// The request that did it.
    pub request: String,
    /// The address that it came from, if known.
    pub address: Content,
    /// The state before, as JSON text.
    pub before: Content,
    /// The state afterwards, as JSON text.
    pub after: Content,
    /// The place of the row that says what was erased here last.
    pub erased_by: Option<i64>,
    /// Its hash, which covers the hash before it and everything above but `erased_by`.
    pub hash: Hash,
}

impl Recorded {
    /// What stands in a part.
    #[must_use]
    pub const fn part(&self, part: Part) -> &Content {
        match part {
            Part::Address => &self.address,
            Part::Before => &self.before,
            Part::After => &self.after,
        }
    }

    /// The parts that were erased.
    pub fn erased(&self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(|part| self.part(*part).is_erased())
    }
}

/// Which rows a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those by this actor.
    pub actor: Option<String>,
    /// Only those of this action; with a `*` at its end, of all that begin so.
    pub action: Option<String>,
    /// Only those about this subject.
    pub subject: Option<String>,
    /// Only those from this address.
    pub address: Option<String>,
    /// Only those of this request.
    pub request: Option<String>,
    /// Only those whose state before or afterwards holds this text, in any case of ASCII letters.
    pub text: Option<String>,
    /// Only those at this instant or later.
    pub since: Option<Instant>,
    /// Only those before this instant.
    pub until: Option<Instant>,
}
