//! By which words is a record found? Folded words of its fields and hashes of what it is exactly, each with the token of the
//! tenant's type before it.
//!
//! One index serves all tenants. A word stands in it as `<token>w<word>`, so that a search looks at nothing but the words of its
//! own tenant and type, and takes as long among a million of others' records as alone. What is filtered for exactly (a label, a
//! field's value) stands there as `<token>f<hash>`.

use crate::TypeName;
use kernel::TenantId;
use serde_json::Value;
use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The most words of a record that are found.
const MOST_WORDS: usize = 300;
/// The most words of a search.
const MOST_ASKED: usize = 10;
/// The longest word, in characters; what is longer is found by its beginning.
const LONGEST: usize = 40;
/// The longest value that can be filtered for, in bytes.
const LONGEST_FACT: usize = 200;

/// Lower-case RFC 4648 letters and digits: the index takes them for parts of a word.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The token of a tenant's type. That two tenants share one is no matter: rows are compared with the tenant, too.
pub(crate) struct Token(String);

fn encoded(bytes: &[u8], length: usize) -> String {
    let mut text = String::with_capacity(length);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 && text.len() < length {
            count -= 5;
            let five = usize::try_from((bits >> count) & 31).unwrap_or_default();
            text.push(char::from(ALPHABET.get(five).copied().unwrap_or(b'a')));
        }
    }
    text
}

/// The text in lower case, without accents and other marks.
pub(crate) fn folded(text: &str) -> String {
    text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}

/// The words of a text, folded.
fn words(text: &str) -> Vec<String> {
    let folded = folded(text);
    let parts = folded.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| part.chars().take(LONGEST).collect()).collect()
}

impl Token {
    pub(crate) fn new(tenant: &TenantId, kind: &TypeName) -> Self {
        let hash = Sha256::new()
            .chain_update(tenant.as_str())
            .chain_update([0])
            .chain_update(kind.as_str())
            .finalize();
        Self(encoded(&hash, 8))
    }

    fn word(&self, word: &str) -> String {
        format!("{}w{word}", self.0)
    }

    fn fact(&self, field: &str, value: &str) -> String {
        let hash = Sha256::new().chain_update(field).chain_update([0]).chain_update(value).finalize();
        format!("{}f{}", self.0, encoded(&hash, 13))
    }

    /// All that a record is found by, as the index takes it.
    pub(crate) fn all<'a>(
        &self,
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
        more: &[&str],
    ) -> String {
        let mut found: Vec<String> = Vec::new();
        let mut facts: Vec<String> = Vec::new();
        for (name, value) in fields {
            said(value, &mut |text| {
                if text.len() <= LONGEST_FACT {
                    facts.push(self.fact(name, text));
                }
                if !value.is_boolean() {
                    found.extend(words(text));
                }
            });
            // A telephone number is looked for as it is dialled.
            if name == "phone" {
                found.push(value.as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect());
            }
        }
        found.extend(more.iter().flat_map(|text| words(text)));
        found.retain(|word| !word.is_empty());
        found.truncate(MOST_WORDS);
        let mut tokens: Vec<String> = found.iter().map(|word| self.word(word)).chain(facts).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.join(" ")
    }

    /// What the index is asked: every word of `text` as the beginning of one, and every exact value. `None` if that is nothing.
    pub(crate) fn question(&self, text: Option<&str>, exactly: &[(String, String)]) -> Option<String> {
        let asked = text.map(words).unwrap_or_default();
        let begun = asked.iter().take(MOST_ASKED).map(|word| format!("\"{}\"*", self.word(word)));
        let exact = exactly.iter().map(|(name, value)| format!("\"{}\"", self.fact(name, value)));
        let parts: Vec<String> = exact.chain(begun).collect();
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }
}

/// Whether a search text has a word to look for.
pub(crate) fn has_words(text: &str) -> bool {
    !words(text).is_empty()
}

/// The texts that a value says: itself, or each part of a list.
fn said(value: &Value, tell: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => tell(text),
        Value::Number(number) => tell(number.as_str()),
        Value::Bool(truth) => tell(if *truth { "true" } else { "false" }),
        Value::Array(items) => {
            for item in items.iter().filter(|item| !item.is_array()) {
                said(item, tell);
            }
        }
        Value::Null | Value::Object(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(tenant: &str) -> Token {
        Token::new(&tenant.parse().unwrap(), &"contact".parse().unwrap())
    }

    #[test]
    fn words_are_folded_and_each_tenants_own() {
        let (acme, other) = (token("acme-corp"), token("globex"));
        assert_ne!(acme.0, other.0);
        assert_eq!(acme.0.len(), 8);
        assert_eq!(words("Zoë O'Brien-Müller, ŁÓDŹ"), ["zoe", "o", "brien", "muller", "łodz"]);
        let fields = json!({"name": "Zoë Li", "phone": "+1 (555) 010", "vip": true, "labels": ["a b", "c"], "x": {"y": "z"}});
        let all = acme
            .all(fields.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)), &["ext-1"]);
        let words: Vec<&str> =
            all.split(' ').filter_map(|word| word.strip_prefix(&format!("{}w", acme.0))).collect();
        assert_eq!(words, ["010", "1", "1555010", "555", "a", "b", "c", "ext", "li", "zoe"]);
        for (name, value) in [("name", "Zoë Li"), ("vip", "true"), ("labels", "a b")] {
            assert!(all.contains(&acme.fact(name, value)), "{name}");
        }
        assert!(!all.contains(&other.0));
    }

    #[test]
    fn a_question_asks_for_beginnings_and_for_exact_values() {
        let acme = token("acme-corp");
        let asked = acme.question(Some("Zoë li"), &[("labels".to_owned(), "vip".to_owned())]).unwrap();
        let fact = acme.fact("labels", "vip");
        assert_eq!(asked, format!("\"{fact}\" AND \"{0}wzoe\"* AND \"{0}wli\"*", acme.0));
        assert_eq!(acme.question(Some("\" - *"), &[]), None);
        assert_eq!(acme.question(None, &[]), None);
        assert!(!has_words("…!"));
    }
}
