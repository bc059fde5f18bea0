//! How is a row tied to the one before it, and how is that checked without us?
//!
//! A row's hash of **format 2** is SHA-256 over these fields, one after the other:
//!
//! 1. the text `signalbox-audit-2`
//! 2. the hash of the tenant's row before this one, 32 bytes; 32 zero bytes for the first row
//! 3. `tenant_id`
//! 4. `sequence`, as decimal text
//! 5. `audit_id`
//! 6. `at`, milliseconds since 1970 as decimal text
//! 7. `actor`
//! 8. `action`
//! 9. `subject`
//! 10. `request_id`
//! 11. the commitment to `address`, 32 bytes
//! 12. the commitment to `before`, 32 bytes
//! 13. the commitment to `after`, 32 bytes
//!
//! The commitment to a part that is null is null. To another it is SHA-256 over four fields: the text
//! `signalbox-audit-part`, the name of the part (`address`, `before`, `after`), its salt (16 bytes of chance, or the empty
//! text if it has none), and its text exactly as stored. When a part is erased, its text and its salt go and the
//! commitment stays, so the row's hash still holds. Each erasure is itself a row (see [`crate::Cover`]); what is erased
//! without such a row was meddled with.
//!
//! A row's hash of **format 1**, which was written before there was a second, is made in the same way from the text
//! `signalbox-audit-1`, fields 2 to 10, and then `address`, `before` and `after` themselves. Once a part of such a row is
//! erased, its hash cannot be made anew; then the row that says so names the hash that the row would have in format 2,
//! and that is what holds it.
//!
//! Each field is written as its length in bytes, a 64-bit big-endian number, and then its bytes (text is UTF-8). A field
//! that is null is written as the length 2^64 − 1 and no bytes, so null and the empty text differ. Rows stand in order of
//! `sequence`, which counts without gaps from 1, or from the place after the last cut of retention.
//!
//! A chain proves that nothing was changed *before* a hash that somebody kept elsewhere. Who may write the whole
//! database can compute a new chain; so keep the head elsewhere now and then.

use crate::{Format, Part, Recorded, Salt};
use sha2::{Digest, Sha256};
use std::fmt;

/// A row's hash, or a commitment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

impl std::str::FromStr for Hash {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes(text).map(Self).ok_or("is not a hash of 64 hexadecimal digits")
    }
}

/// The bytes that so many hexadecimal digits say.
pub(crate) fn bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != LENGTH.saturating_mul(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0_u8; LENGTH];
    for (place, byte) in bytes.iter_mut().enumerate() {
        let start = place.saturating_mul(2);
        *byte = u8::from_str_radix(text.get(start..start.saturating_add(2))?, 16).ok()?;
    }
    Some(bytes)
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

fn digest(fields: &[Option<&[u8]>]) -> Hash {
    let mut digest = Sha256::new();
    for bytes in fields {
        field(&mut digest, *bytes);
    }
    Hash(digest.finalize().into())
}

/// The commitment to the text of a part.
#[must_use]
pub fn commitment(part: Part, salt: Option<&Salt>, text: &str) -> Hash {
    digest(&[
        Some(b"signalbox-audit-part"),
        Some(part.as_str().as_bytes()),
        Some(salt.map_or(&[], |salt| salt.0.as_slice())),
        Some(text.as_bytes()),
    ])
}

/// The hash that `row` should have after a row with the hash `before`; the hash it carries is not looked at. `None` for a
/// row of format 1 of which something was erased.
#[must_use]
pub fn hash(before: Hash, row: &Recorded) -> Option<Hash> {
    match row.format {
        Format::One if row.erased().next().is_some() => None,
        Format::One => {
            let texts = Part::ALL.map(|part| row.part(part).text().map(str::as_bytes));
            Some(with_parts(b"signalbox-audit-1", before, row, texts))
        }
        Format::Two => Some(committed(before, row)),
    }
}

/// The hash of format 2 of a row, whatever its format is.
#[must_use]
pub fn committed(before: Hash, row: &Recorded) -> Hash {
    let commitments = Part::ALL.map(|part| row.part(part).commitment(part));
    let [address, earlier, after] = &commitments;
    let parts = [address, earlier, after].map(|hash| hash.as_ref().map(|hash| hash.0.as_slice()));
    with_parts(b"signalbox-audit-2", before, row, parts)
}

fn with_parts(name: &[u8], before: Hash, row: &Recorded, parts: [Option<&[u8]>; 3]) -> Hash {
    let sequence = row.sequence.to_string();
    let at = row.at.millis().to_string();
    let [address, earlier, after] = parts;
    digest(&[
        Some(name),
        Some(before.0.as_slice()),
        Some(row.tenant.as_str().as_bytes()),
        Some(sequence.as_bytes()),
        Some(row.id.as_str().as_bytes()),
        Some(at.as_bytes()),
        Some(row.actor.as_bytes()),
        Some(row.action.as_bytes()),
        Some(row.subject.as_bytes()),
        Some(row.request.as_bytes()),
        address,
        earlier,
        after,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, verifier::stage::row};

    #[test]
    fn the_encodings_are_the_published_ones() {
        // Computed apart from this program:
        //   f = lambda b: b'\xff'*8 if b is None else len(b).to_bytes(8, 'big') + b
        //   h = lambda *fields: sha256(b''.join(map(f, fields)))
        //   h(b'signalbox-audit-1', bytes(32), b'acme-corp', b'1', b'aud_01hf…', b'1700000000000', b'system',
        //     b'tenant.created', b'acme-corp', b'req_1', None, None, b'{"name":"Acme"}')
        let mut one = row(1, GENESIS);
        one.format = Format::One;
        assert_eq!(
            hash(GENESIS, &one).unwrap().to_string(),
            "269b05335ad63d3f311acb98ebfd00853944480eed2a8e4a29935f8c721c97ac"
        );
        //   c = h(b'signalbox-audit-part', b'after', bytes([7])*16, b'{"name":"Acme"}')
        //   h(b'signalbox-audit-2', …, b'req_1', None, None, c)
        let two = row(1, GENESIS);
        assert_eq!(
            two.after.commitment(Part::After).unwrap().to_string(),
            "2f5aa14781500a87f57984b8fe5ea522bd7a0213e314cfcdd96dda98f18cc294"
        );
        assert_eq!(
            hash(GENESIS, &two).unwrap().to_string(),
            "b2068550ffce18f48e7837fe08780a53513a1c4ddd5fb130a819eafafe941966"
        );
    }

    #[test]
    fn null_and_empty_differ() {
        let one = row(1, GENESIS);
        let empty = Content::Kept { text: String::new(), salt: Some(Salt([7; 16])) };
        let other = Recorded { address: empty, ..one.clone() };
        assert_ne!(hash(GENESIS, &one), hash(GENESIS, &other));
    }

    #[test]
    fn a_field_cannot_flow_into_the_next() {
        let one = row(1, GENESIS);
        let other =
            Recorded { action: "tenant.create".to_owned(), subject: "dacme-corp".to_owned(), ..one.clone() };
        assert_ne!(hash(GENESIS, &one), hash(GENESIS, &other));
    }

    #[test]
    fn hashes_read_back() {
        let hash = row(1, GENESIS).hash;
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        for text in ["", "00", "g0", &"é".repeat(32), &"0".repeat(65)] {
            assert!(text.parse::<Hash>().is_err(), "{text}");
        }
    }
}
