//! How are second factors said in JSON?

use auth::{
    Enrolment, Factors,
    service::{Answer, Proof, Shown},
};
use edge::{Problem, World};
use kernel::{Instant, Secret};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Which second factors somebody has.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorsOut {
    /// Whether a login asks for a second factor.
    on: bool,
    /// Whether the tenant wants everybody to have one.
    required: bool,
    /// Since when an authenticator app is enrolled.
    totp_since: Option<String>,
    /// How many passkeys there are.
    passkeys: u32,
    /// How many recovery codes are left.
    recovery_codes: u32,
}

impl FactorsOut {
    pub(crate) fn new(factors: Factors, required: bool) -> Self {
        Self {
            on: factors.are_on(),
            required,
            totp_since: factors.totp.map(|at| at.to_string()),
            passkeys: factors.passkeys,
            recovery_codes: factors.recovery_codes,
        }
    }
}

/// What enrols an authenticator app; shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentOut {
    /// The seed in base 32, to be typed.
    secret: String,
    /// The same as an `otpauth:` URI.
    uri: String,
    /// The URI as a QR code: an SVG document.
    qr_svg: String,
}

impl From<Enrolment> for EnrolmentOut {
    fn from(enrolment: Enrolment) -> Self {
        Self {
            secret: enrolment.secret.expose().clone(),
            uri: enrolment.uri.expose().clone(),
            qr_svg: enrolment.qr_svg.expose().clone(),
        }
    }
}

/// A one-time code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtpIn {
    #[schema(example = "287082")]
    pub(crate) otp: String,
}

/// Recovery codes; shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodesOut {
    /// Each opens once, in place of a one-time code. Empty if there are codes from before.
    recovery_codes: Vec<String>,
}

impl CodesOut {
    pub(crate) fn new(codes: &[Secret<String>]) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().clone()).collect() }
    }
}

/// A proof of who somebody is: one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofIn {
    #[schema(format = Password)]
    password: Option<String>,
    /// A one-time code or a recovery code.
    otp: Option<String>,
    /// The browser's answer to `/api/v1/auth/confirm/options`: `credential.toJSON()`.
    #[schema(value_type = Option<Object>)]
    passkey: Option<Box<RawValue>>,
}

impl ProofIn {
    /// The one proof that was sent.
    pub(crate) fn read(self, world: &World) -> Result<Proof, Problem> {
        match (self.password, self.otp, self.passkey) {
            (Some(password), None, None) => Ok(Proof::Password(Secret::new(password))),
            (None, Some(code), None) => Ok(Proof::Code(Secret::new(code))),
            (None, None, Some(json)) => Ok(Proof::Passkey(answer(&json, world)?)),
            _ => Err(Problem::field("body", "must have one of password, otp and passkey")),
        }
    }
}

fn answer(json: &RawValue, world: &World) -> Result<Answer, Problem> {
    Ok(Answer { party: world.relying_party()?, json: json.get().to_owned() })
}

/// A session that was confirmed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfirmedOut {
    /// Until when that counts.
    confirmed_until: String,
}

impl ConfirmedOut {
    pub(crate) fn new(until: Instant) -> Self {
        Self { confirmed_until: until.to_string() }
    }
}

/// What finishes a login that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyIn {
    /// From the answer that asked for the factor.
    pub(crate) mfa_token: String,
    /// A one-time code.
    otp: Option<String>,
    /// A recovery code.
    recovery_code: Option<String>,
    /// The browser's answer to `/api/v1/auth/mfa/verify/options`: `credential.toJSON()`.
    #[schema(value_type = Option<Object>)]
    passkey: Option<Box<RawValue>>,
}

impl VerifyIn {
    /// The one factor that was sent.
    pub(crate) fn read(self, world: &World) -> Result<Shown, Problem> {
        match (self.otp, self.recovery_code, self.passkey) {
            (Some(code), None, None) | (None, Some(code), None) => Ok(Shown::Code(Secret::new(code))),
            (None, None, Some(json)) => Ok(Shown::Passkey(answer(&json, world)?)),
            _ => Err(Problem::field("body", "must have one of otp, recovery_code and passkey")),
        }
    }
}
