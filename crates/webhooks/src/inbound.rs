//! Does a request come from whom it says? Each [`Preset`] knows where a provider signs and over what. What is verified are the bytes as
//! they came, in constant time.

pub mod body;
pub mod challenge;
mod key;
mod mac;
mod preset;
mod scheme;
mod verify;

pub use challenge::{Asked, Challenge};
pub use key::VerifyingSecret;
pub use preset::{Preset, UnknownPreset};
pub use scheme::{Algorithm, Encoding, Scheme, SchemeDraft};
pub(crate) use verify::id;
pub use verify::{Proof, Refusal, TOLERANCE_SECONDS, verify};

use kernel::Instant;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Names in small letters, and values.
    pub headers: &'a [(String, String)],
    /// The bytes.
    pub body: &'a [u8],
    /// When it came.
    pub at: Instant,
}

impl<'a> Received<'a> {
    /// A header's value; `None` if it is not there. One that stands there twice says two things, and so nothing.
    ///
    /// # Errors
    /// [`Refusal::Twice`].
    pub(crate) fn header(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut found =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Refusal::Twice(name.to_owned())),
            (found, _) => Ok(found),
        }
    }

    /// A header's value.
    ///
    /// # Errors
    /// [`Refusal::Twice`], [`Refusal::Missing`].
    pub(crate) fn needs(&self, name: &str) -> Result<&'a str, Refusal> {
        self.header(name)?.ok_or_else(|| Refusal::Missing(name.to_owned()))
    }
}
