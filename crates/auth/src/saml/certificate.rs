//! Which keys does a provider sign with? Those of the certificates that the tenant named: they are pinned, so nobody
//! else's word on them, and no date in them, is asked for.

use super::signature::Hash;
use super::signature::{Family, Method};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::Instant;
use rsa::{
    Pkcs1v15Sign, RsaPublicKey,
    pkcs8::DecodePublicKey as _,
    sha2::{Sha256, Sha384, Sha512},
    traits::PublicKeyParts as _,
};
use x509_cert::der::{Decode as _, Encode as _};

/// The shortest RSA key, in bytes (NIST SP 800-131A).
const RSA_MIN: usize = 256;

/// A certificate of a provider as base64 of its DER: what stands in metadata.
pub(crate) type Certificate = String;

/// A provider's key.
pub(super) enum Key {
    Rsa(Box<RsaPublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
}

/// A certificate from PEM or bare base64, as base64 of its DER.
///
/// # Errors
/// The end of a sentence that begins with the field.
pub(crate) fn sound_certificate(text: &str) -> Result<Certificate, &'static str> {
    let bare: String = text
        .lines()
        .filter(|line| !line.contains("-----"))
        .flat_map(str::chars)
        .filter(|letter| !letter.is_whitespace())
        .collect();
    key(&bare)?;
    Ok(bare)
}

fn read(certificate: &str) -> Result<x509_cert::Certificate, &'static str> {
    let der = STANDARD.decode(certificate).map_err(|_| "is neither PEM nor base64 of a certificate")?;
    x509_cert::Certificate::from_der(&der).map_err(|_| "is no X.509 certificate")
}

/// The key of a certificate.
///
/// # Errors
/// The end of a sentence about it.
pub(super) fn key(certificate: &str) -> Result<Key, &'static str> {
    let public = read(certificate)?.tbs_certificate.subject_public_key_info;
    let der = public.to_der().map_err(|_| "is no X.509 certificate")?;
    if let Ok(key) = RsaPublicKey::from_public_key_der(&der) {
        let long = key.size() >= RSA_MIN;
        return if long { Ok(Key::Rsa(Box::new(key))) } else { Err("has an RSA key of less than 2048 bits") };
    }
    if let Ok(key) = <p256::ecdsa::VerifyingKey as p256::pkcs8::DecodePublicKey>::from_public_key_der(&der) {
        return Ok(Key::P256(Box::new(key)));
    }
    if let Ok(key) = <p384::ecdsa::VerifyingKey as p384::pkcs8::DecodePublicKey>::from_public_key_der(&der) {
        return Ok(Key::P384(Box::new(key)));
    }
    Err("has a key that is neither RSA nor of the curves P-256 and P-384")
}

impl Key {
    /// Whether a value is this key's signature of a hash, made by `method`.
    pub(super) fn holds(&self, method: Method, hash: &[u8], value: &[u8]) -> bool {
        use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
        match (self, method.family) {
            (Self::Rsa(key), Family::Rsa) => {
                let padding = match method.hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.verify(padding, hash, value).is_ok()
            }
            (Self::P256(key), Family::Ecdsa) => p256::ecdsa::Signature::from_slice(value)
                .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
            (Self::P384(key), Family::Ecdsa) => p384::ecdsa::Signature::from_slice(value)
                .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
            (Self::Rsa(_), Family::Ecdsa) | (Self::P256(_) | Self::P384(_), Family::Rsa) => false,
        }
    }
}

/// What is wrong with certificates at `now`, each the end of a sentence about the provider. An expired certificate still
/// verifies, since it is pinned; but its end is a sign that the provider has turned its keys.
pub(crate) fn faults(certificates: &[Certificate], now: Instant) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, certificate) in certificates.iter().enumerate() {
        let number = place.saturating_add(1);
        match read(certificate) {
            Err(why) => faults.push(format!("its certificate {number} {why}")),
            Ok(read) => {
                let ends = read.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
                if i64::try_from(ends).is_ok_and(|ends| ends < now.seconds()) {
                    faults.push(format!("its certificate {number} has expired; fetch its metadata again"));
                }
            }
        }
    }
    faults
}
