//! What can go wrong with a secret at rest? No message here shows a key or a secret.

use kernel::{Fault, Kind};

/// A fault of the keys, or of a sealed secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The variable with the keys does not read.
    #[error("the keys do not read: entry {entry} {problem}; write kid:base64(32 bytes), several with commas")]
    Keys {
        /// The faulty entry, counted from 1.
        entry: usize,
        /// What is wrong with it, as the end of a sentence.
        problem: &'static str,
    },
    /// A secret was sealed under a key that is not among ours.
    #[error(
        "the secret was sealed under the key {key_id:?}, which is not among the keys; put it back behind the others"
    )]
    UnknownKey {
        /// The id of the missing key.
        key_id: String,
    },
    /// The bytes are not a sealed secret of ours.
    #[error("the bytes are not a sealed secret of a version that this program knows")]
    Format,
    /// The secret was changed, or stands where another belongs.
    #[error("the sealed secret was changed since, or belongs to another place")]
    Tampered,
    /// The secret is longer than AES-GCM can seal (64 GiB).
    #[error("the secret is too long to be sealed")]
    TooLong,
}

impl Fault for VaultError {
    fn kind(&self) -> Kind {
        match self {
            Self::Keys { .. } | Self::UnknownKey { .. } | Self::Format | Self::Tampered | Self::TooLong => {
                Kind::Internal
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Keys { .. } => "VAULT_KEYS_FAULTY",
            Self::UnknownKey { .. } => "VAULT_KEY_UNKNOWN",
            Self::Format => "VAULT_FORMAT_UNKNOWN",
            Self::Tampered => "VAULT_SECRET_TAMPERED",
            Self::TooLong => "VAULT_SECRET_TOO_LONG",
        }
    }
}
