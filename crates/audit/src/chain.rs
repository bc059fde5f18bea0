//! How is a row tied to the one before it, and how is that checked without us?
//!
//! A row's hash is SHA-256 over these fields, one after the other:
//!
//! 1. the text `signalbox-audit-1`
//! 2. the hash of the tenant's row before this one, 32 bytes; 32 zero bytes for the first row
//! 3. `tenant_id`
//! 4. `sequence`, as decimal text
//! 5. `audit_id`
//! 6. `at`, milliseconds since 1970 as decimal text
//! 7. `actor`
//! 8. `action`
//! 9. `subject`
//! 10. `request_id`
//! 11. `address`
//! 12. `before`, the JSON text exactly as stored
//! 13. `after`, the JSON text exactly as stored
//!
//! Each field is written as its length in bytes, a 64-bit big-endian number, and then its bytes (text is UTF-8). A field
//! that is null is written as the length 2^64 − 1 and no bytes, so null and the empty text differ. A dozen lines of
//! Python check a whole export: rows in order of `sequence`, which counts 1, 2, 3 … without gaps.
//!
//! A chain proves that nothing was changed *before* a hash that somebody kept elsewhere. Who may write the whole
//! database can compute a new chain; so export the head now and then.

use crate::Recorded;
use kernel::AuditId;
use sha2::{Digest, Sha256};
use std::fmt;

/// A row's hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

/// What stands before the first row.
pub const GENESIS: Hash = Hash([0; 32]);

impl fmt::Display for Hash {
    /// 64 hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn field(digest: &mut Sha256, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            digest.update(length.to_be_bytes());
            digest.update(bytes);
        }
        None => digest.update(u64::MAX.to_be_bytes()),
    }
}

/// The hash that `row` should have after a row with the hash `before`; the hash it carries is not looked at.
#[must_use]
pub fn hash(before: Hash, row: &Recorded) -> Hash {
    let mut digest = Sha256::new();
    let sequence = row.sequence.to_string();
    let at = row.at.millis().to_string();
    for bytes in [
        Some(b"signalbox-audit-1".as_slice()),
        Some(before.0.as_slice()),
        Some(row.tenant.as_str().as_bytes()),
        Some(sequence.as_bytes()),
        Some(row.id.as_str().as_bytes()),
        Some(at.as_bytes()),
        Some(row.actor.as_bytes()),
        Some(row.action.as_bytes()),
        Some(row.subject.as_bytes()),
        Some(row.request.as_bytes()),
        row.address.as_deref().map(str::as_bytes),
        row.before.as_deref().map(str::as_bytes),
        row.after.as_deref().map(str::as_bytes),
    ] {
        field(&mut digest, bytes);
    }
    Hash(digest.finalize().into())
}

/// Why a chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The row with this number is not there.
    Missing,
    /// The row, or the one before it, is not what was written.
    Changed,
    /// More rows than the tenant's length says.
    Surplus,
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
    /// Rows that hold.
    pub rows: i64,
    /// The hash of the last row that holds.
    pub head: Hash,
    /// Where it does not hold any more.
    pub broken: Option<Broken>,
}

/// Walks along a chain, row by row, in order of their numbers.
#[derive(Debug)]
pub struct Verifier {
    rows: i64,
    head: Hash,
    broken: Option<Broken>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { rows: 0, head: GENESIS, broken: None }
    }
}

impl Verifier {
    /// Looks at the next row; false once the chain is broken.
    pub fn row(&mut self, row: &Recorded) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let next = self.rows.saturating_add(1);
        let fault = if row.sequence > next {
            Some((next, None, Reason::Missing))
        } else if row.sequence < next || hash(self.head, row) != row.hash {
            Some((row.sequence, Some(row.id.clone()), Reason::Changed))
        } else {
            None
        };
        match fault {
            Some((sequence, id, reason)) => {
                self.broken = Some(Broken { sequence, id, reason });
                false
            }
            None => {
                self.rows = next;
                self.head = row.hash;
                true
            }
        }
    }

    /// The outcome, once all rows were shown; `length` is how many there should have been.
    #[must_use]
    pub fn done(mut self, length: i64) -> Verified {
        if self.broken.is_none() && self.rows != length {
            let (sequence, reason) = if self.rows < length {
                (self.rows.saturating_add(1), Reason::Missing)
            } else {
                (length.saturating_add(1), Reason::Surplus)
            };
            self.broken = Some(Broken { sequence, id: None, reason });
        }
        Verified { rows: self.rows, head: self.head, broken: self.broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Instant;

    fn row(sequence: i64, before: Hash) -> Recorded {
        let mut row = Recorded {
            tenant: "acme-corp".parse().unwrap(),
            sequence,
            id: "aud_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            at: Instant::from_millis(1_700_000_000_000),
            actor: "system".to_owned(),
            action: "tenant.created".to_owned(),
            subject: "acme-corp".to_owned(),
            request: "req_1".to_owned(),
            address: None,
            before: None,
            after: Some(r#"{"name":"Acme"}"#.to_owned()),
            hash: GENESIS,
        };
        row.hash = hash(before, &row);
        row
    }

    #[test]
    fn the_encoding_is_the_published_one() {
        // Computed apart from this program:
        //   f = lambda b: b'\xff'*8 if b is None else len(b).to_bytes(8, 'big') + b
        //   sha256(b''.join(map(f, [b'signalbox-audit-1', bytes(32), b'acme-corp', b'1', b'aud_01hf…', b'1700000000000',
        //     b'system', b'tenant.created', b'acme-corp', b'req_1', None, None, b'{"name":"Acme"}'])))
        assert_eq!(
            row(1, GENESIS).hash.to_string(),
            "269b05335ad63d3f311acb98ebfd00853944480eed2a8e4a29935f8c721c97ac"
        );
    }

    #[test]
    fn null_and_empty_differ() {
        let one = row(1, GENESIS);
        let other = Recorded { address: Some(String::new()), ..one.clone() };
        assert_ne!(hash(GENESIS, &one), hash(GENESIS, &other));
    }

    #[test]
    fn a_field_cannot_flow_into_the_next() {
        let one = row(1, GENESIS);
        let other =
            Recorded { action: "tenant.create".to_owned(), subject: "dacme-corp".to_owned(), ..one.clone() };
        assert_ne!(hash(GENESIS, &one), hash(GENESIS, &other));
    }

    fn check(rows: &[Recorded], length: i64, wanted: Option<(i64, Reason)>) {
        let mut verifier = Verifier::default();
        for row in rows {
            verifier.row(row);
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
        rehashed.hash = hash(first.hash, &rehashed);
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
}
