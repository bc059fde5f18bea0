//! Does a chain hold? A walk along it, row by row, that stops at the first place where it does not.

use crate::{Covers, GENESIS, Hash, Recorded, chain};
use kernel::AuditId;

/// Why a chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The row with this number is not there.
    Missing,
    /// The row, or the one before it, is not what was written.
    Changed,
    /// More rows than the tenant's length says.
    Surplus,
    /// Something of the row was erased, and no row says so.
    Erased,
}

impl Reason {
    /// Its name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Surplus => "surplus",
            Self::Erased => "erased",
        }
    }
}

/// The first place where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The place.
    pub sequence: i64,
    /// The row that stands there, if one does.
    pub id: Option<AuditId>,
    /// What is wrong.
    pub reason: Reason,
}

/// What a walk along a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows that hold, of those that were looked at.
    pub rows: i64,
    /// The place of the last row that holds; 0 if there is none.
    pub last: i64,
    /// The hash of the last row that holds.
    pub head: Hash,
    /// Where it does not hold any more.
    pub broken: Option<Broken>,
}

/// Walks along a chain, row by row, in order of their numbers.
#[derive(Debug)]
pub struct Verifier {
    rows: i64,
    last: i64,
    head: Hash,
    broken: Option<Broken>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::after(0, GENESIS)
    }
}

impl Verifier {
    /// A walk that begins after the row at `place`, which has this hash.
    #[must_use]
    pub const fn after(place: i64, hash: Hash) -> Self {
        Self { rows: 0, last: place, head: hash, broken: None }
    }

    /// Looks at the next row; false once the chain is broken. `covers` knows the row that `row` says it was erased by.
    pub fn row(&mut self, row: &Recorded, covers: &Covers) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let next = self.last.saturating_add(1);
        let fault = if row.sequence > next {
            Some((next, None, Reason::Missing))
        } else {
            let fault =
                if row.sequence < next { Some(Reason::Changed) } else { fault(self.head, row, covers) };
            fault.map(|reason| (row.sequence, Some(row.id.clone()), reason))
        };
        match fault {
            Some((sequence, id, reason)) => {
                self.broken = Some(Broken { sequence, id, reason });
                false
            }
            None => {
                self.rows = self.rows.saturating_add(1);
                self.last = next;
                self.head = row.hash;
                true
            }
        }
    }

    /// Notes that the chain does not hold at `sequence`.
    pub fn fail(&mut self, sequence: i64, reason: Reason) {
        if self.broken.is_none() {
            self.broken = Some(Broken { sequence, id: None, reason });
        }
    }

    /// Where the chain does not hold, if that was met.
    #[must_use]
    pub const fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// How far the walk has come.
    #[must_use]
    pub const fn place(&self) -> (i64, Hash) {
        (self.last, self.head)
    }

    /// The outcome, once all rows were shown; `length` is the place of the last that there should have been.
    #[must_use]
    pub fn done(mut self, length: i64) -> Verified {
        if self.last < length {
            self.fail(self.last.saturating_add(1), Reason::Missing);
        } else if self.last > length {
            self.fail(length.saturating_add(1), Reason::Surplus);
        }
        self.so_far()
    }

    /// The outcome of a walk that goes on another time.
    #[must_use]
    pub fn so_far(self) -> Verified {
        Verified { rows: self.rows, last: self.last, head: self.head, broken: self.broken }
    }
}

/// What is wrong with a row that stands after `before`.
fn fault(before: Hash, row: &Recorded, covers: &Covers) -> Option<Reason> {
    let erasure = covers.erasure(row);
    let all_said = row.erased().all(|part| erasure.is_some_and(|said| said.parts.contains(&part)));
    match chain::hash(before, row) {
        Some(hash) if hash != row.hash => Some(Reason::Changed),
        Some(_) => (!all_said).then_some(Reason::Erased),
        None if !all_said => Some(Reason::Erased),
        None => {
            let committed = erasure.and_then(|said| said.committed);
            (committed != Some(chain::committed(before, row))).then_some(Reason::Changed)
        }
    }
}

#[cfg(test)]
pub(crate) mod stage {
    //! Rows for tests.
    use super::*;
    use crate::{Content, Format, Salt};
    use kernel::Instant;

    pub(crate) fn row(sequence: i64, before: Hash) -> Recorded {
        let after = Some(r#"{"name":"Acme"}"#.to_owned());
        let mut row = Recorded {
            format: Format::Two,
            tenant: "acme-corp".parse().unwrap(),
            sequence,
            id: "aud_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            at: Instant::from_millis(1_700_000_000_000),
            actor: "system".to_owned(),
            action: "tenant.created".to_owned(),
            subject: "acme-corp".to_owned(),
            request: "req_1".to_owned(),
            address: Content::Nothing,
            before: Content::Nothing,
            after: Content::salted(after, Salt([7; 16])),
            erased_by: None,
            hash: GENESIS,
        };
        row.hash = chain::hash(before, &row).unwrap();
        row
    }
}

#[cfg(test)]
mod tests {
    use super::{stage::row, *};
    use crate::{Content, Format, Part, Salt};

    fn check(rows: &[Recorded], length: i64, wanted: Option<(i64, Reason)>) {
        let mut covers = Covers::default();
        rows.iter().for_each(|row| covers.note(row));
        let mut verifier = Verifier::default();
        for row in rows {
            verifier.row(row, &covers);
        }
        let found = verifier.done(length).broken.map(|broken| (broken.sequence, broken.reason));
        assert_eq!(found, wanted);
    }

    #[test]
    fn every_meddling_is_found() {
        let first = row(1, GENESIS);
        let second = row(2, first.hash);
        let third = row(3, second.hash);
        let edited = Recorded { actor: "usr_somebody".to_owned(), ..second.clone() };
        let mut rehashed = edited.clone();
        rehashed.hash = chain::hash(first.hash, &rehashed).unwrap();
        let mut swapped = third.clone();
        swapped.sequence = 2;
        check(&[], 0, None);
        check(&[first.clone(), second.clone(), third.clone()], 3, None);
        check(&[first.clone(), edited, third.clone()], 3, Some((2, Reason::Changed)));
        check(&[first.clone(), rehashed, third.clone()], 3, Some((3, Reason::Changed)));
        check(&[first.clone(), third.clone()], 3, Some((2, Reason::Missing)));
        check(&[first.clone(), swapped], 2, Some((2, Reason::Changed)));
        check(&[second.clone(), third.clone()], 3, Some((1, Reason::Missing)));
        check(&[first.clone(), second.clone()], 3, Some((3, Reason::Missing)));
        check(&[first, second, third], 2, Some((3, Reason::Surplus)));
    }

    fn erased(row: &Recorded) -> Recorded {
        let commitment = row.after.commitment(Part::After).unwrap();
        Recorded { after: Content::Erased(commitment), erased_by: Some(2), ..row.clone() }
    }

    fn cover(before: Hash, text: &str) -> Recorded {
        let mut cover = row(2, before);
        cover.action = crate::ERASED.to_owned();
        cover.after = Content::salted(Some(text.to_owned()), Salt([9; 16]));
        cover.hash = chain::hash(before, &cover).unwrap();
        cover
    }

    #[test]
    fn what_is_erased_must_be_said() {
        let first = row(1, GENESIS);
        let gone = erased(&first);
        check(&[gone.clone(), cover(gone.hash, r#"{"rows":[[1,"after"]]}"#)], 2, None);
        for text in [r#"{"rows":[[1,"address"]]}"#, r#"{"rows":[[3,"after"]]}"#, r#"{"rows":[]}"#, "{}"] {
            check(&[gone.clone(), cover(gone.hash, text)], 2, Some((1, Reason::Erased)));
        }
        check(std::slice::from_ref(&gone), 1, Some((1, Reason::Erased)));
        let other = Recorded { after: Content::Erased(GENESIS), ..gone.clone() };
        let said = cover(gone.hash, r#"{"rows":[[1,"after"]]}"#);
        check(&[other, said], 2, Some((1, Reason::Changed)));
        // What was erased cannot come back as something else.
        let back = Recorded { after: Content::salted(Some("{}".to_owned()), Salt([7; 16])), ..first };
        let said = cover(gone.hash, r#"{"rows":[[1,"after"]]}"#);
        check(&[back, said], 2, Some((1, Reason::Changed)));
    }

    #[test]
    fn an_old_row_is_held_by_the_hash_that_its_erasure_names() {
        let mut old = row(1, GENESIS);
        old.format = Format::One;
        old.hash = chain::hash(GENESIS, &old).unwrap();
        let gone = erased(&old);
        let named = chain::committed(GENESIS, &gone);
        let said = |hash: Hash| cover(gone.hash, &format!(r#"{{"rows":[[1,"after","{hash}"]]}}"#));
        check(&[gone.clone(), said(named)], 2, None);
        check(&[gone.clone(), said(GENESIS)], 2, Some((1, Reason::Changed)));
        check(&[gone.clone(), cover(gone.hash, r#"{"rows":[[1,"after"]]}"#)], 2, Some((1, Reason::Changed)));
        let edited = Recorded { actor: "usr_1".to_owned(), ..gone.clone() };
        check(&[edited, said(named)], 2, Some((1, Reason::Changed)));
    }
}
