//! What of a row can be forgotten while its hash still holds? Three parts, each behind a salted commitment.

use crate::{Hash, chain};
use kernel::Chance;
use std::fmt;

/// 128 bits of chance that are mixed into a commitment. Whoever lacks it cannot find an erased address by trying all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl Salt {
    /// A new one for each of the three parts, in one look at chance.
    pub(crate) fn three(chance: &dyn Chance) -> [Self; 3] {
        let mut noise = [0_u8; 48];
        chance.fill(&mut noise);
        let mut salts = [Self([0; 16]); 3];
        for (salt, piece) in salts.iter_mut().zip(noise.chunks_exact(16)) {
            salt.0.copy_from_slice(piece);
        }
        salts
    }
}

impl fmt::Display for Salt {
    /// 32 hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Which part of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Where the request came from.
    Address,
    /// The state before.
    Before,
    /// The state afterwards.
    After,
}

impl Part {
    /// All of them, in the order in which a hash covers them.
    pub const ALL: [Self; 3] = [Self::Address, Self::Before, Self::After];

    /// Its name in commitments, columns and exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl std::str::FromStr for Part {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|part| part.as_str() == text).ok_or(())
    }
}

/// What stands in a part of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// There never was anything.
    #[default]
    Nothing,
    /// The text, the very bytes that were hashed; its salt, which rows of format 1 lack.
    Kept {
        /// The text.
        text: String,
        /// What its commitment is salted with.
        salt: Option<Salt>,
    },
    /// It was erased; its commitment stays.
    Erased(Hash),
}

impl Content {
    /// Something new.
    pub(crate) fn salted(text: Option<String>, salt: Salt) -> Self {
        text.map_or(Self::Nothing, |text| Self::Kept { text, salt: Some(salt) })
    }

    /// The text, if it is there.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Kept { text, .. } => Some(text),
            Self::Nothing | Self::Erased(_) => None,
        }
    }

    /// Whether it was erased.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        match self {
            Self::Erased(_) => true,
            Self::Nothing | Self::Kept { .. } => false,
        }
    }

    /// The commitment that stands for it in a hash of format 2; none where there is nothing. Without a salt (format 1)
    /// the salt counts as empty.
    #[must_use]
    pub fn commitment(&self, part: Part) -> Option<Hash> {
        match self {
            Self::Nothing => None,
            Self::Kept { text, salt } => Some(chain::commitment(part, salt.as_ref(), text)),
            Self::Erased(commitment) => Some(*commitment),
        }
    }
}
