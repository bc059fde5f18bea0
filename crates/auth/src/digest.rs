//! What do we keep of a secret? Its SHA-256, which is enough for secrets of 256 bits of chance.

use kernel::{Chance, Secret};
use sha2::{Digest as _, Sha256};

/// SHA-256 of something; compares in constant time.
pub(crate) type Digest = Secret<[u8; 32]>;

/// SHA-256 of some texts, each with its length before it, so that none flows into the next.
pub(crate) fn of(texts: &[&str]) -> Digest {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(text);
    }
    Secret::new(digest.finalize().into())
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `N` bytes of chance as hexadecimal digits.
pub(crate) fn noise<const N: usize>(chance: &dyn Chance) -> String {
    let mut bytes = [0_u8; N];
    chance.fill(&mut bytes);
    hex(&bytes)
}

/// Whether a text is `digits` lower-case hexadecimal digits.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
