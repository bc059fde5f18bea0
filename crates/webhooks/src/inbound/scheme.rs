//! Where does a provider sign that no preset knows, and over what?

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use kernel::{FieldFault, Fields};
use std::str::FromStr;

/// Where the body goes in what is signed.
const BODY: &str = "{body}";
/// Where the time goes that a header says.
const TIMESTAMP: &str = "{timestamp}";
/// Where the id goes that a header says.
const ID: &str = "{id}";

/// Base64 with or without its padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// What an HMAC is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// For providers that know nothing better: as a HMAC it still holds.
    Sha1,
    /// What nearly all use.
    Sha256,
    /// The longer one.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits, small or capital.
    Hex,
    /// Base64 (RFC 4648, section 4).
    Base64,
    /// Base64 for URLs (RFC 4648, section 5).
    Base64Url,
}

impl Algorithm {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl FromStr for Algorithm {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Sha1, Self::Sha256, Self::Sha512];
        known.into_iter().find(|one| one.as_str() == text).ok_or("must be one of sha1, sha256, sha512")
    }
}

impl Encoding {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
        }
    }

    /// The bytes that a text stands for, if it is written so.
    pub(super) fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex(text),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Base64Url => BASE64URL.decode(text).ok(),
        }
    }
}

impl FromStr for Encoding {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Hex, Self::Base64, Self::Base64Url];
        known.into_iter().find(|one| one.as_str() == text).ok_or("must be one of hex, base64, base64url")
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some((digit(high)? << 4) | digit(low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// How a provider signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The header that holds the signature, in small letters.
    pub header: String,
    /// What stands before the signature in that header: `sha256=`.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What it is made with.
    pub algorithm: Algorithm,
    /// What is signed: a text in which `{body}` stands once, and `{timestamp}` and `{id}` may.
    pub signed: String,
    /// The header that says when it was sent, in seconds since 1970: without one, an old request may be sent again.
    pub timestamp_header: Option<String>,
    /// The header that says the provider's id of what is sent.
    pub id_header: Option<String>,
}

impl Default for Scheme {
    fn default() -> Self {
        Self {
            header: "x-signature".to_owned(),
            prefix: String::new(),
            encoding: Encoding::Hex,
            algorithm: Algorithm::Sha256,
            signed: BODY.to_owned(),
            timestamp_header: None,
            id_header: None,
        }
    }
}

/// A scheme as somebody writes it.
#[derive(Debug, Clone, Default)]
pub struct SchemeDraft {
    /// See [`Scheme::header`].
    pub header: Option<String>,
    /// See [`Scheme::prefix`].
    pub prefix: Option<String>,
    /// See [`Scheme::encoding`].
    pub encoding: Option<String>,
    /// See [`Scheme::algorithm`].
    pub algorithm: Option<String>,
    /// See [`Scheme::signed`].
    pub signed: Option<String>,
    /// See [`Scheme::timestamp_header`].
    pub timestamp_header: Option<String>,
    /// See [`Scheme::id_header`].
    pub id_header: Option<String>,
}

impl From<&Scheme> for SchemeDraft {
    fn from(scheme: &Scheme) -> Self {
        Self {
            header: Some(scheme.header.clone()),
            prefix: Some(scheme.prefix.clone()),
            encoding: Some(scheme.encoding.as_str().to_owned()),
            algorithm: Some(scheme.algorithm.as_str().to_owned()),
            signed: Some(scheme.signed.clone()),
            timestamp_header: scheme.timestamp_header.clone(),
            id_header: scheme.id_header.clone(),
        }
    }
}

impl Scheme {
    /// What somebody wrote, with what most providers do where it says nothing.
    ///
    /// # Errors
    /// Every faulty field below `path`.
    pub fn check(draft: SchemeDraft, path: &str) -> Result<Self, Vec<FieldFault>> {
        let known = Self::default();
        let mut fields = Fields::new();
        let place = |name: &str| format!("{path}.{name}");
        let mut name = |field: &str, value: Option<String>| {
            let value = value?;
            fields.take(&place(field), header_name(&value))
        };
        let header = name("header", Some(draft.header.unwrap_or(known.header)));
        let timestamp_header = name("timestamp_header", draft.timestamp_header);
        let id_header = name("id_header", draft.id_header);
        let prefix = draft.prefix.unwrap_or(known.prefix);
        let prefix =
            fields.take(&place("prefix"), short(prefix, "must be at most 50 visible characters and spaces"));
        let encoding =
            fields.take(&place("encoding"), draft.encoding.map_or(Ok(known.encoding), |text| text.parse()));
        let algorithm = fields
            .take(&place("algorithm"), draft.algorithm.map_or(Ok(known.algorithm), |text| text.parse()));
        let signed = draft.signed.unwrap_or(known.signed);
        let signed = fields
            .take(&place("signed"), checked_signed(signed, timestamp_header.is_some(), id_header.is_some()));
        let made = (|| {
            Some(Self {
                header: header?,
                prefix: prefix?,
                encoding: encoding?,
                algorithm: algorithm?,
                signed: signed?,
                timestamp_header,
                id_header,
            })
        })();
        fields.give(made)
    }

    /// What is signed of a body that came with this time and id.
    pub(super) fn pieces<'a>(&'a self, body: &'a [u8], timestamp: &'a str, id: &'a str) -> Vec<&'a [u8]> {
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut rest = self.signed.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            pieces.push(before.as_bytes());
            pieces.push(match name {
                "body" => body,
                "timestamp" => timestamp.as_bytes(),
                _ => id.as_bytes(),
            });
            rest = behind;
        }
        pieces.push(rest.as_bytes());
        pieces
    }
}

fn header_name(text: &str) -> Result<String, &'static str> {
    let is_sound = (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_sound.then(|| text.to_ascii_lowercase()).ok_or("must be the name of a header, such as X-Signature")
}

fn short(text: String, fault: &'static str) -> Result<String, &'static str> {
    let is_sound = text.len() <= 50 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    is_sound.then_some(text).ok_or(fault)
}

fn checked_signed(text: String, has_timestamp: bool, has_id: bool) -> Result<String, &'static str> {
    let count = |mark: &str| text.matches(mark).count();
    let bare = [BODY, TIMESTAMP, ID].into_iter().fold(text.clone(), |text, mark| text.replace(mark, ""));
    if text.len() > 200 || count(BODY) != 1 || bare.contains(['{', '}']) {
        return Err("must be a text with {body} in it once; {timestamp} and {id} may stand there, too");
    }
    if (count(TIMESTAMP) > 0) != has_timestamp {
        return Err(
            "must have {timestamp} in it if, and only if, there is a timestamp_header: a time that is not signed proves nothing",
        );
    }
    if count(ID) > 0 && !has_id {
        return Err("has {id} in it, but there is no id_header");
    }
    Ok(text)
}
