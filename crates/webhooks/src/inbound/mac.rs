//! What does a secret make of some bytes?

use super::Algorithm;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Whether `given` is what `key` makes of these pieces, one after the other. Takes the same time wherever they differ.
pub(super) fn is_of(algorithm: Algorithm, key: &[u8], pieces: &[&[u8]], given: &[u8]) -> bool {
    match algorithm {
        Algorithm::Sha1 => is_made::<Hmac<Sha1>>(Hmac::new_from_slice(key).ok(), pieces, given),
        Algorithm::Sha256 => is_made::<Hmac<Sha256>>(Hmac::new_from_slice(key).ok(), pieces, given),
        Algorithm::Sha512 => is_made::<Hmac<Sha512>>(Hmac::new_from_slice(key).ok(), pieces, given),
    }
}

fn is_made<M: Mac>(mac: Option<M>, pieces: &[&[u8]], given: &[u8]) -> bool {
    let made = mac.map(|mac| pieces.iter().fold(mac, |mac, piece| mac.chain_update(piece)));
    made.is_some_and(|mac| mac.verify_slice(given).is_ok())
}
