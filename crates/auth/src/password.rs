//! Is this the password? Argon2id with the parameters of OWASP's cheat sheet (19 MiB, 2 passes, 1 lane), kept as a PHC
//! string that names its own parameters, so that they can grow: a right password under old ones is hashed anew.
//!
//! About 20 ms natively and 50 ms in a component: never call this while holding a transaction.

mod frequent;

use crate::{AuthError, Email, PasswordSettings, TenantSettings};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use kernel::{Chance, Secret};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Most characters of a new password.
const LONGEST: usize = 256;
/// So many characters must be left when whatever a stranger can know of somebody is taken out of a password.
const OWN: usize = 6;

/// What stands in for the hash of a user who does not exist or has no password: the same parameters, a password of 256
/// bits of chance that nobody kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ywsL7J7TDF4r+cFW1uzFGw$XAsNVNvmcPU0Q971IAp7OgQx0CjUbAXcXgdinD7PZyo";

/// What a password must be for somebody: no rules of composition and no end date (NIST SP 800-63B-4, section 3.1.1.2), but
/// long, not guessed from who it is for, and not among those that attackers try first.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    shortest: usize,
    /// What a stranger can know, in lower case.
    known: Vec<String>,
}

impl PasswordPolicy {
    /// A tenant's policy, for somebody with this address; `names` are those of the organization.
    #[must_use]
    pub fn new(settings: PasswordSettings, email: Option<&Email>, names: &[&str]) -> Self {
        let email = email.map(Email::as_str);
        let local = email.and_then(|email| email.split('@').next());
        let mut known: Vec<String> = email
            .into_iter()
            .chain(local)
            .chain(names.iter().copied())
            .chain(["signalbox"])
            .map(|word| word.trim().to_lowercase())
            .filter(|word| word.chars().count() >= 3)
            .collect();
        // The longest is taken out first: it may hold a shorter one.
        known.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self { shortest: usize::try_from(settings.min_length).unwrap_or(LONGEST), known }
    }

    /// What holds where there is no tenant yet that could have set anything.
    #[must_use]
    pub fn usual(email: Option<&Email>, names: &[&str]) -> Self {
        Self::new(TenantSettings::default().password, email, names)
    }

    fn leaves(&self, password: &str) -> usize {
        let rest = self.known.iter().fold(password.to_lowercase(), |rest, word| rest.replace(word, ""));
        rest.chars().count()
    }
}

/// A password that is good enough to be set.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret<String>);

impl NewPassword {
    /// Checks a password that somebody chose.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field.
    pub fn new(text: &str, policy: &PasswordPolicy) -> Result<Self, String> {
        let length = text.chars().count();
        if !(policy.shortest..=LONGEST).contains(&length) {
            return Err(format!("must be {} to {LONGEST} characters", policy.shortest));
        }
        if policy.leaves(text) < OWN {
            return Err(
                "must be more than your address or your organization's name with a few characters".to_owned()
            );
        }
        if text.chars().min() == text.chars().max() {
            return Err("must be more than one character repeated".to_owned());
        }
        if frequent::is_frequent(text) {
            return Err("is among the passwords that many people use, which attackers try first".to_owned());
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
        let email: Email = "ana.li@example.com".parse().unwrap();
        let policy = PasswordPolicy::usual(Some(&email), &["acme-corp", "Acme Corporation"]);
        let refused = |text: &str| NewPassword::new(text, &policy).err().unwrap_or_default();
        for text in ["correct horse battery", "ana.li likes her dog", "ünüblich-lang", &"xy".repeat(128)] {
            assert_eq!(refused(text), "", "{text}");
        }
        for (text, wanted) in [
            ("ü".repeat(11).as_str(), "12 to 256"),
            (&"xy".repeat(129), "12 to 256"),
            (&"x".repeat(20), "repeated"),
            ("ANA.LI@example.com", "your address"),
            ("acme-corp2026", "your address"),
            ("Acme Corporation!", "your address"),
            ("ana.liana.li1!", "your address"),
            ("Unbelievable", "many people"),
            ("1QAZ2wsx3edc", "many people"),
        ] {
            assert!(refused(text).contains(wanted), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn a_tenant_sets_the_shortest_length() {
        for (least, text, sound) in [
            (8, "tr0ub4d&", true),
            (8, "passw0rd", false),
            (15, "correct horses", false),
            (15, "correct horses!", true),
            (64, "correct horse battery staple", false),
        ] {
            let policy = PasswordPolicy::new(PasswordSettings { min_length: least, history: 5 }, None, &[]);
            assert_eq!(NewPassword::new(text, &policy).is_ok(), sound, "{least} {text}");
        }
    }
}
