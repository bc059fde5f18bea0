//! Is this the password? Argon2id with the parameters of OWASP's cheat sheet (19 MiB, 2 passes, 1 lane), kept as a PHC
//! string that names its own parameters, so that they can grow: a right password under old ones is hashed anew.
//!
//! About 20 ms natively and 50 ms in a component: never call this while holding a transaction.

use crate::{AuthError, Email};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use kernel::{Chance, Secret};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Fewest characters of a new password. A password is the only factor so far; NIST and OWASP ask for 8 and advise 15.
const SHORTEST: usize = 12;
/// Most characters of a new password.
const LONGEST: usize = 256;

/// What stands in for the hash of a user who does not exist or has no password: the same parameters, a password of 256
/// bits of chance that nobody kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ywsL7J7TDF4r+cFW1uzFGw$XAsNVNvmcPU0Q971IAp7OgQx0CjUbAXcXgdinD7PZyo";

/// A password that is good enough to be set.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret<String>);

impl NewPassword {
    /// Checks a password that somebody chose: its length, and that it is not their address.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field.
    pub fn new(text: &str, email: Option<&Email>) -> Result<Self, String> {
        let length = text.chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(format!("must be {SHORTEST} to {LONGEST} characters"));
        }
        if email.is_some_and(|email| text.to_lowercase().contains(email.as_str())) {
            return Err("must not contain the e-mail address".to_owned());
        }
        if text.chars().min() == text.chars().max() {
            return Err("must be more than one character repeated".to_owned());
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    pub(crate) const fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

/// What a check of a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password, hashed with today's parameters.
    Right,
    /// It is the password, but its hash has other parameters than today's: hash it anew.
    RightButStale,
    /// It is not.
    Wrong,
}

fn argon2() -> Result<Argon2<'static>, AuthError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| AuthError::Password(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password, under a new salt.
///
/// # Errors
/// [`AuthError::Password`] if Argon2 fails (it can only for want of memory).
pub fn hash_password(password: &Secret<String>, chance: &dyn Chance) -> Result<String, AuthError> {
    let mut salt = [0_u8; 16];
    chance.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(|error| AuthError::Password(error.to_string()))?;
    argon2()?
        .hash_password(password.expose().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| AuthError::Password(error.to_string()))
}

/// Compares a password with a stored PHC string. Where there is none the same work is done, and the answer is no.
///
/// # Errors
/// [`AuthError::Password`] if the stored string is not one, or Argon2 fails.
pub fn verify_password(password: &Secret<String>, stored: Option<&str>) -> Result<Verdict, AuthError> {
    let hash = PasswordHash::new(stored.unwrap_or(NOBODY))
        .map_err(|error| AuthError::Password(error.to_string()))?;
    let argon2 = argon2()?;
    match argon2.verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) if stored.is_none() => Ok(Verdict::Wrong),
        Ok(()) => {
            let current = hash.algorithm == argon2::ARGON2ID_IDENT
                && hash.version == Some(Version::V0x13.into())
                && Params::try_from(&hash).is_ok_and(|params| {
                    (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
                });
            Ok(if current { Verdict::Right } else { Verdict::RightButStale })
        }
        Err(argon2::password_hash::Error::Password) => Ok(Verdict::Wrong),
        Err(error) => Err(AuthError::Password(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hash = hash_password(&secret("correct horse battery"), &Noise::new(1)).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (text, wanted) in [
            ("correct horse battery", Verdict::Right),
            ("correct horse batterY", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            assert_eq!(verify_password(&secret(text), Some(&hash)).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn salts_differ() {
        let noise = Noise::new(1);
        let password = secret("correct horse battery");
        assert_ne!(hash_password(&password, &noise).unwrap(), hash_password(&password, &noise).unwrap());
    }

    #[test]
    fn a_hash_under_other_parameters_is_stale() {
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        for (algorithm, memory, passes) in
            [(Algorithm::Argon2id, 8192, 2), (Algorithm::Argon2i, MEMORY_KIB, PASSES)]
        {
            let old = Argon2::new(algorithm, Version::V0x13, Params::new(memory, passes, 1, None).unwrap());
            let hash = old.hash_password(b"correct horse battery", &salt).unwrap().to_string();
            let verdict = verify_password(&secret("correct horse battery"), Some(&hash)).unwrap();
            assert_eq!(verdict, Verdict::RightButStale, "{hash}");
        }
    }

    #[test]
    fn nobody_costs_the_same_and_never_opens() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(verify_password(&secret("anything at all"), None).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_damaged_hash_is_an_error_and_not_a_no() {
        assert!(matches!(verify_password(&secret("x"), Some("plain text")), Err(AuthError::Password(_))));
    }

    #[test]
    fn new_passwords() {
        let email: Email = "ana@example.com".parse().unwrap();
        assert!(NewPassword::new("correct horse battery", Some(&email)).is_ok());
        assert!(NewPassword::new(&"ü".repeat(11), None).is_err());
        assert!(NewPassword::new(&"x".repeat(20), None).is_err());
        assert!(NewPassword::new("my ANA@example.com pass", Some(&email)).is_err());
        assert!(NewPassword::new(&"xy".repeat(129), None).is_err());
    }
}
