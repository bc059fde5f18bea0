//! What does a secret make of some bytes?

use super::Algorithm;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// What `key` makes of these pieces, one after the other.
pub(super) fn made(algorithm: Algorithm, key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => finished(Hmac::<Sha1>::new_from_slice(key).ok(), pieces),
        Algorithm::Sha256 => finished(Hmac::<Sha256>::new_from_slice(key).ok(), pieces),
        Algorithm::Sha512 => finished(Hmac::<Sha512>::new_from_slice(key).ok(), pieces),
    }
}

/// HMAC takes keys of any length, so there is always one.
fn finished<M: Mac>(mac: Option<M>, pieces: &[&[u8]]) -> Vec<u8> {
    let fed = mac.map(|mac| pieces.iter().fold(mac, |mac, piece| mac.chain_update(piece)));
    fed.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

/// Whether two texts are the same; takes the same time wherever they differ, and however long they are.
pub(super) fn same(known: &[u8], given: &[u8]) -> bool {
    Sha256::digest(known).ct_eq(&Sha256::digest(given)).into()
}

/// One name for these pieces, one after the other.
pub(super) fn digest(pieces: &[&[u8]]) -> [u8; 32] {
    pieces.iter().fold(Sha256::new(), |digest, piece| digest.chain_update(piece)).finalize().into()
}
