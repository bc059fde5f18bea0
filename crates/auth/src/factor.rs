//! Which second factors are there, which has somebody, and what can go wrong with them?

use crate::{Method, Methods, TwoFactorSettings};
use kernel::{Fault, FieldFault, Instant, Kind, Secret};

/// A means that can stand beside a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// A one-time code of an authenticator app.
    Totp,
    /// One of the codes for the day on which the authenticator is lost.
    RecoveryCode,
    /// A passkey.
    Passkey,
}

impl Factor {
    /// As it stands in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }
}

/// Which factors somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Factors {
    /// Since when an authenticator app is enrolled.
    pub totp: Option<Instant>,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
    /// How many passkeys there are.
    pub passkeys: u32,
}

impl Factors {
    /// Whether a login asks for one. Recovery codes alone are none: they stand in for another.
    #[must_use]
    pub const fn are_on(self) -> bool {
        self.totp.is_some() || self.passkeys > 0
    }

    /// Those that can be shown.
    pub fn iter(self) -> impl Iterator<Item = Factor> {
        let on = self.are_on();
        [
            (Factor::Totp, self.totp.is_some()),
            (Factor::RecoveryCode, on && self.recovery_codes > 0),
            (Factor::Passkey, self.passkeys > 0),
        ]
        .into_iter()
        .filter_map(|(factor, there)| there.then_some(factor))
    }
}

impl TwoFactorSettings {
    /// Whether these means are two factors under the tenant's policy.
    #[must_use]
    pub const fn accepts(self, methods: Methods) -> bool {
        methods.two_factors()
            && (self.sign_on_counts
                || methods.has(Method::OneTimeCode)
                || methods.has(Method::RecoveryCode)
                || methods.has(Method::Passkey))
    }

    /// Whether a session that began by these means may do nothing but enrol or show a second factor.
    #[must_use]
    pub const fn restricts(self, methods: Methods) -> bool {
        self.required && !self.accepts(methods)
    }
}

/// A login that waits for its second factor.
#[derive(Debug)]
pub struct Waiting {
    token: Secret<String>,
    factors: Vec<FieldFault>,
}

impl Waiting {
    pub(crate) fn new(token: Secret<String>, factors: Factors) -> Self {
        let factors = factors.iter().map(|factor| FieldFault::new("factors", factor.as_str())).collect();
        Self { token, factors }
    }

    /// What finishes the login together with a factor.
    #[must_use]
    pub const fn token(&self) -> &Secret<String> {
        &self.token
    }
}

/// A fault of second factors.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// The password was right, and the user has a second factor.
    #[error(
        "This login needs a second factor as well: send it to /api/v1/auth/mfa/verify with the mfa_token, within 5 minutes. details names the factors."
    )]
    Required(Waiting),
    /// The second factor of a login is not the right one.
    #[error(
        "The code is wrong, was used before, or its time is over. Wait for the next one, or use a recovery code."
    )]
    Refused,
    /// A proof of somebody in a session does not fit; names the field.
    #[error("The proof does not fit; details names the field.")]
    Wrong(Vec<FieldFault>),
    /// There is no login that waits under this token.
    #[error(
        "This login is over: five minutes passed, it was finished, or it failed five times. Log in again."
    )]
    WaitingOver,
    /// There is an authenticator app already.
    #[error("An authenticator app is enrolled already. Remove it first if you want another.")]
    Enrolled,
    /// There is nothing to confirm.
    #[error("No authenticator app waits for its first code. Enrol one with POST /api/v1/auth/mfa/totp.")]
    NotBegun,
    /// Recovery codes stand in for a factor that is not there.
    #[error("There is no second factor, so there is nothing to recover. Enrol one first.")]
    NoFactor,
    /// Who has a session removes their own factors as such.
    #[error("These are your own factors. Remove them below /api/v1/auth/mfa, with your password or a code.")]
    Own,
    /// The tenant wants a second factor, and the session lacks one.
    #[error(
        "This tenant wants a second factor. Enrol one with POST /api/v1/auth/mfa/totp (or a passkey), or show yours to POST /api/v1/auth/confirm."
    )]
    Lacking,
    /// It is too long since the person proved who they are.
    #[error(
        "This needs a proof of who you are that is younger than 15 minutes. Send your password, a code or a passkey to POST /api/v1/auth/confirm, then try again."
    )]
    Unconfirmed,
    /// Ours.
    #[error("a second factor could not be handled: {0}")]
    Internal(String),
}

impl FactorError {
    /// Whether what was written on the way here stays: tries that were counted, logins that wait.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            Self::Required(_) | Self::Refused | Self::Wrong(_) | Self::WaitingOver => true,
            Self::Enrolled
            | Self::NotBegun
            | Self::NoFactor
            | Self::Own
            | Self::Lacking
            | Self::Unconfirmed
            | Self::Internal(_) => false,
        }
    }
}

impl Fault for FactorError {
    fn kind(&self) -> Kind {
        match self {
            Self::Required(_) | Self::Refused | Self::WaitingOver => Kind::Unauthenticated,
            Self::Wrong(_) => Kind::Invalid,
            Self::Enrolled | Self::NotBegun | Self::NoFactor | Self::Own => Kind::Conflict,
            Self::Lacking | Self::Unconfirmed => Kind::Forbidden,
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Required(_) => "OTP_REQUIRED",
            Self::Refused => "OTP_INVALID",
            Self::Wrong(_) => "VALIDATION_ERROR",
            Self::WaitingOver => "MFA_TOKEN_INVALID",
            Self::Enrolled => "TOTP_ENROLLED",
            Self::NotBegun => "TOTP_NOT_BEGUN",
            Self::NoFactor => "NO_SECOND_FACTOR",
            Self::Own => "OWN_FACTORS",
            Self::Lacking => "TWO_FACTOR_REQUIRED",
            Self::Unconfirmed => "CONFIRMATION_REQUIRED",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Required(waiting) => &waiting.factors,
            Self::Wrong(fields) => fields,
            Self::Refused
            | Self::WaitingOver
            | Self::Enrolled
            | Self::NotBegun
            | Self::NoFactor
            | Self::Own
            | Self::Lacking
            | Self::Unconfirmed
            | Self::Internal(_) => &[],
        }
    }

    fn handed(&self) -> Option<(&'static str, &Secret<String>)> {
        if let Self::Required(waiting) = self { Some(("mfa_token", &waiting.token)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_two_factors() {
        let password = Methods::only(Method::Password);
        let sign_on = Methods::only(Method::SingleSignOn);
        for (required, sign_on_counts, methods, accepts, restricts) in [
            (true, true, password, false, true),
            (false, true, password, false, false),
            (true, true, password.with(Method::OneTimeCode), true, false),
            (true, true, password.with(Method::RecoveryCode), true, false),
            (true, true, Methods::only(Method::Passkey), true, false),
            (true, true, sign_on, true, false),
            (true, false, sign_on, false, true),
            (true, false, sign_on.with(Method::OneTimeCode), true, false),
            (true, true, password.with(Method::Link), false, true),
        ] {
            let policy = TwoFactorSettings { required, sign_on_counts };
            assert_eq!(
                (policy.accepts(methods), policy.restricts(methods)),
                (accepts, restricts),
                "{methods}"
            );
        }
    }

    #[test]
    fn recovery_codes_alone_are_no_factor() {
        let lost = Factors { recovery_codes: 3, ..Factors::default() };
        assert!(!lost.are_on() && lost.iter().next().is_none());
        let app = Factors { totp: Some(Instant::from_millis(1)), ..lost };
        assert_eq!(app.iter().collect::<Vec<_>>(), [Factor::Totp, Factor::RecoveryCode]);
    }

    #[test]
    fn a_waiting_login_is_handed_its_token_and_does_not_print_it() {
        let token = Secret::new("sbm_acme-corp_secret".to_owned());
        let fault = FactorError::Required(Waiting::new(token, Factors { passkeys: 1, ..Factors::default() }));
        assert_eq!(
            fault.handed().map(|(name, token)| (name, token.expose().as_str())),
            Some(("mfa_token", "sbm_acme-corp_secret"))
        );
        assert_eq!(fault.fields(), [FieldFault::new("factors", "passkey")]);
        assert!(!format!("{fault:?} {fault}").contains("secret"));
    }
}
