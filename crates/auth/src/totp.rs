//! Is this the code of the moment? One-time codes of an authenticator app (RFC 6238): SHA-1, six digits, steps of 30 s.

use crate::FactorError;
use kernel::{Chance, Instant, Secret};
use qrcode::{QrCode, render::svg};
use totp_rs::{Algorithm, Builder, Totp};

/// Seconds of a step.
const STEP: i64 = 30;
/// How many steps before and after this one count too: clocks differ, and people type slowly (RFC 6238, section 5.2).
const WINDOW: i64 = 1;
/// How wide and high the QR code is at least, in pixels.
const QR_SIZE: u32 = 240;

/// What an authenticator app and we know: 160 bits (RFC 4226, section 4, R6).
#[derive(Debug, Clone)]
pub(crate) struct Seed(Secret<[u8; 20]>);

/// What somebody needs to enrol an authenticator app; shown once.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The seed in base 32 (RFC 4648), to be typed.
    pub secret: Secret<String>,
    /// The seed and its names as an `otpauth:` URI.
    pub uri: Secret<String>,
    /// The URI as a QR code: an SVG document.
    pub qr_svg: Secret<String>,
}

fn internal(error: impl std::fmt::Display) -> FactorError {
    FactorError::Internal(error.to_string())
}

/// A name as it may stand in the URI: no colon, for that parts the issuer from the account.
fn label(text: &str) -> String {
    text.chars().map(|letter| if letter == ':' { ' ' } else { letter }).take(80).collect()
}

impl Seed {
    pub(crate) fn new(chance: &dyn Chance) -> Self {
        let mut bytes = [0; 20];
        chance.fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    /// The seed that was kept; `None` if it is no seed.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Secret::new(bytes)))
    }

    pub(crate) const fn bytes(&self) -> &[u8; 20] {
        self.0.expose()
    }

    fn totp(&self, issuer: &str, account: &str) -> Result<Totp, FactorError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(0)
            .with_step_duration(STEP.unsigned_abs())
            .with_secret(self.0.expose().to_vec())
            .with_account_name(label(account))
            .with_issuer(Some(label(issuer)))
            .build()
            .map_err(internal)
    }

    /// What enrols an app, which will show `issuer` and `account`.
    ///
    /// # Errors
    /// [`FactorError::Internal`] if the QR code cannot be drawn.
    pub(crate) fn enrolment(&self, issuer: &str, account: &str) -> Result<Enrolment, FactorError> {
        let totp = self.totp(issuer, account)?;
        let uri = totp.to_url().map_err(internal)?;
        let code = QrCode::new(uri.as_bytes()).map_err(internal)?;
        let picture = code.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build();
        Ok(Enrolment {
            secret: Secret::new(totp.secret().to_base32()),
            uri: Secret::new(uri),
            qr_svg: Secret::new(picture),
        })
    }

    /// The time step that `code` belongs to, if it is one of the window around `now` and later than `last`. All steps
    /// are looked at, so that the time tells nothing.
    ///
    /// # Errors
    /// [`FactorError::Internal`] if the seed is none.
    pub(crate) fn step_of(
        &self,
        code: &Code,
        now: Instant,
        last: Option<i64>,
    ) -> Result<Option<i64>, FactorError> {
        let totp = self.totp("", "account")?;
        let present = now.seconds().div_euclid(STEP);
        let steps = present.saturating_sub(WINDOW)..=present.saturating_add(WINDOW);
        Ok(steps.fold(None, |found, step| {
            let seconds = u64::try_from(step.saturating_mul(STEP)).unwrap_or_default();
            let wanted = Secret::new(totp.generate(seconds).to_string());
            let fits = wanted == code.0 && last.is_none_or(|last| step > last);
            found.or(fits.then_some(step))
        }))
    }
}

/// Six digits that somebody typed.
#[derive(Debug, Clone)]
pub(crate) struct Code(Secret<String>);

impl Code {
    /// Reads six digits, however they are spaced; `None` if it is something else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|letter| !letter.is_whitespace()).take(7).collect();
        let sound = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        sound.then(|| Self(Secret::new(digits)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::service::stage::Noise;
    use kernel::Span;

    /// The code that an app with this base-32 secret shows at `now`.
    pub(crate) fn shown(secret: &str, now: Instant) -> String {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        Seed::read(secret.as_bytes())
            .unwrap()
            .totp("", "x")
            .unwrap()
            .generate(now.seconds().unsigned_abs())
            .to_string()
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, with eight digits there: the last six.
        let seed = Seed::read(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = Instant::from_millis(seconds * 1000);
            let code = Code::read(code).unwrap();
            assert_eq!(seed.step_of(&code, at, None).unwrap(), Some(seconds / 30), "{seconds}");
            assert_eq!(seed.step_of(&code, at, Some(seconds / 30)).unwrap(), None, "used before");
        }
    }

    #[test]
    fn a_code_counts_one_step_early_or_late() {
        let seed = Seed::new(&Noise::new(1));
        let start = Instant::from_millis(1_800_000_000_000);
        let base32 = seed.enrolment("Acme", "ana").unwrap().secret;
        let code = Code::read(&shown(base32.expose(), start)).unwrap();
        for (seconds, counts) in [(-31, false), (-30, true), (0, true), (59, true), (60, false)] {
            let found = seed.step_of(&code, start + Span::seconds(seconds), None).unwrap();
            assert_eq!(found.is_some(), counts, "{seconds}");
        }
    }

    #[test]
    fn an_enrolment_is_a_uri_and_a_picture() {
        let seed = Seed::new(&Noise::new(1));
        let enrolment = seed.enrolment("Acme: Corp & Söhne", "ana@example.com").unwrap();
        let uri = enrolment.uri.expose();
        assert!(
            uri.starts_with("otpauth://totp/Acme%20%20Corp%20%26%20S%C3%B6hne:ana%40example.com?"),
            "{uri}"
        );
        assert!(uri.contains(&format!("secret={}", enrolment.secret.expose())), "{uri}");
        assert_eq!(enrolment.secret.expose().len(), 32);
        let svg = enrolment.qr_svg.expose();
        assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(!format!("{enrolment:?} {seed:?}").contains(enrolment.secret.expose()));
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for text in ["123456", "123 456", " 123456\n"] {
            assert!(Code::read(text).is_some(), "{text:?}");
        }
        for text in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(Code::read(text).is_none(), "{text:?}");
        }
    }
}
