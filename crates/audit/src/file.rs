//! Does an exported file hold, without us? Its lines are read twice: first for the rows that say what was erased or
//! removed, then along the chain.

use crate::{Anchor, Broken, Covers, GENESIS, Hash, Line, Reason, Verifier};
use kernel::TenantId;

/// What somebody kept elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// The hash of a row that the file must hold.
    pub head: Option<Hash>,
    /// The hash of the row before the file's first: for a file that begins in the middle of a chain.
    pub after: Option<Hash>,
}

/// What is wrong with a file, at one of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// The row is not what was written.
    #[error("this row, or the one before it, was edited, inserted or moved: its hash does not follow")]
    Changed,
    /// Rows before this one are missing.
    #[error("rows are missing before this one: its number is {found}, and {wanted} should stand here")]
    Missing {
        /// The number that should stand here.
        wanted: i64,
        /// The number that does.
        found: i64,
    },
    /// Something was erased, and no row says so.
    #[error("something of this row was erased, and no row of the file says so")]
    Erased,
    /// The file begins in the middle.
    #[error(
        "the chain begins here with row {0}: no row says that those before it were removed by retention; if the file is \
         meant to begin here, name the hash of the row before it"
    )]
    Beginning(i64),
    /// Another tenant's row.
    #[error("this row is another tenant's than the first")]
    Tenant,
    /// The hash that was kept is not that of any row.
    #[error(
        "no row has the hash that was to be its head: rows are missing at the end, or the whole was written anew"
    )]
    Head,
}

/// A walk along a file.
#[derive(Debug, Default)]
pub struct FileVerifier {
    covers: Covers,
    expected: Expected,
    tenant: Option<TenantId>,
    walk: Option<Verifier>,
    head: Option<Anchor>,
    lines: i64,
}

/// What a file that holds is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Whose audit it is; nobody's if the file is empty.
    pub tenant: Option<TenantId>,
    /// How many rows it has.
    pub rows: i64,
    /// The last row.
    pub last: Anchor,
    /// The row that has the hash that was kept elsewhere.
    pub head: Option<Anchor>,
}

impl FileVerifier {
    /// A walk that expects these.
    #[must_use]
    pub fn new(expected: Expected) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The first reading: every line is shown once, in any order.
    pub fn note(&mut self, line: &Line) {
        self.covers.note(&line.row);
    }

    /// The second reading: every line is shown again, in its order.
    ///
    /// # Errors
    /// What is wrong with this line; the walk ends there.
    pub fn look(&mut self, line: &Line) -> Result<(), FileFault> {
        let row = &line.row;
        if self.tenant.get_or_insert_with(|| row.tenant.clone()) != &row.tenant {
            return Err(FileFault::Tenant);
        }
        let walk = match &mut self.walk {
            Some(walk) => walk,
            None => {
                let before = row.sequence.saturating_sub(1);
                let begins = match self.expected.after {
                    Some(hash) => hash == line.previous,
                    None if before == 0 => line.previous == GENESIS,
                    None => self.covers.cut(before, line.previous),
                };
                if !begins {
                    return Err(FileFault::Beginning(row.sequence));
                }
                self.walk.insert(Verifier::after(before, line.previous))
            }
        };
        let (_, hash) = walk.place();
        if !walk.row(row, &self.covers) {
            return Err(match walk.broken() {
                Some(Broken { reason: Reason::Missing, sequence, .. }) => {
                    FileFault::Missing { wanted: *sequence, found: row.sequence }
                }
                Some(Broken { reason: Reason::Erased, .. }) => FileFault::Erased,
                Some(Broken { reason: Reason::Changed | Reason::Surplus, .. }) | None => FileFault::Changed,
            });
        }
        if line.previous != hash {
            return Err(FileFault::Changed);
        }
        self.lines = self.lines.saturating_add(1);
        if self.expected.head == Some(row.hash) {
            self.head = Some(Anchor { sequence: row.sequence, hash: row.hash });
        }
        Ok(())
    }

    /// The end of the second reading.
    ///
    /// # Errors
    /// [`FileFault::Head`].
    pub fn done(self) -> Result<Sound, FileFault> {
        if self.expected.head.is_some() && self.head.is_none() {
            return Err(FileFault::Head);
        }
        let (sequence, hash) = self.walk.map_or((0, GENESIS), |walk| walk.place());
        Ok(Sound { tenant: self.tenant, rows: self.lines, last: Anchor { sequence, hash }, head: self.head })
    }
}
