//! What may a job leave for those behind it? JSON of a bounded size, which may hold whatever a receiver answered: it is shown
//! where somebody asks for the one job, and stands in no list and no log.

use kernel::Secret;
use serde_json::{Value, json};

/// The largest result that is kept whole, in bytes of its text.
pub const RESULT_LIMIT: usize = 16 * 1024;

/// How much of a larger one is kept; in the worst case each sign of it takes two in the text.
const BEGINNING: usize = 7 * 1024;

/// The text that is kept of a result. Of one that is too large its beginning is, under a mark:
/// `{"cut": true, "beginning": "…"}`.
#[must_use]
pub fn result_text(result: &Value) -> Secret<String> {
    let text = result.to_string();
    if text.len() <= RESULT_LIMIT {
        return Secret::new(text);
    }
    let end = (0..=BEGINNING).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let beginning = text.get(..end).unwrap_or_default();
    Secret::new(json!({"cut": true, "beginning": beginning}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_cut_with_a_mark() {
        let small = json!({"status": 200, "body": "ä"});
        assert_eq!(result_text(&small).expose(), &small.to_string());
        for sign in ["a", "ä", "\"", "\u{1}", "\\"] {
            let text = result_text(&json!({"status": 200, "body": sign.repeat(RESULT_LIMIT)}));
            assert!(text.expose().len() <= RESULT_LIMIT, "{}", text.expose().len());
            let read: Value = serde_json::from_str(text.expose()).unwrap();
            assert_eq!(read["cut"], true);
            assert!(read["beginning"].as_str().unwrap().contains("body"), "{read}");
        }
    }
}
