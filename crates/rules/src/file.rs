//! How are rules said in a file, to be kept in a repository and brought elsewhere? The same rules always as the same text:
//! without ids and times, what is as it would be unless said left out.

mod content;
mod json;
mod scalar;
mod write;
mod yaml;

pub use content::RuleFile;
pub(crate) use content::{Said, placed, rule, said};

use kernel::{Fault, FieldFault, Kind};
use serde_json::Value;

/// The largest file, in bytes.
pub const LARGEST_FILE: usize = 1024 * 1024;
/// The most rules in a file.
pub const MOST_IN_FILE: usize = 1_000;
/// The deepest nesting of a file.
const DEEPEST: usize = 64;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// YAML 1.2 (RFC 9512).
    #[default]
    Yaml,
    /// JSON (RFC 8259).
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Yaml, Self::Json];

    /// Its name, and the end of a file's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Yaml => "application/yaml",
            Self::Json => "application/json",
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub(crate) fn read(self, text: &str) -> Result<Value, Unreadable> {
        match self {
            Self::Yaml => yaml::read(text),
            Self::Json => json::read(text),
        }
    }

    /// Writes a document.
    pub(crate) fn write(self, document: &Value) -> String {
        match self {
            Self::Yaml => write::yaml(document),
            Self::Json => write::json(document),
        }
    }
}

/// The text names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be yaml or json")]
pub struct UnknownFormat;

impl std::str::FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.iter().copied().find(|format| format.as_str() == text).ok_or(UnknownFormat)
    }
}

/// A text is no document of its format, or none that can be taken one way only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl Unreadable {
    fn at(line: usize, column: usize, said: &str) -> Self {
        Self(format!("line {line}, column {column}: {said}"))
    }

    const fn said(said: String) -> Self {
        Self(said)
    }
}

/// What keeps a file from being read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is larger than [`LARGEST_FILE`].
    #[error(
        "The file is larger than 1 MiB (1,048,576 bytes). Split it: rules are found by their keys, in whatever file."
    )]
    TooLarge,
    /// It is no document of its format.
    #[error("The file cannot be read as {0}: {1}.")]
    Unreadable(&'static str, String),
    /// Fields of it are faulty.
    #[error("The file has faulty fields; `details` names each with its place. Nothing was changed.")]
    Fields(Vec<FieldFault>),
}

impl Fault for FileFault {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge => Kind::TooLarge,
            Self::Unreadable(..) | Self::Fields(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "BODY_TOO_LARGE",
            Self::Unreadable(..) => "FILE_UNREADABLE",
            Self::Fields(_) => "VALIDATION_ERROR",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Fields(fields) => fields,
            Self::TooLarge | Self::Unreadable(..) => &[],
        }
    }
}
