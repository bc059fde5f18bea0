//! What does a word of YAML mean that stands without quotes, and which texts need quotes to be taken for texts by every reader?
//!
//! Read is by the core schema of YAML 1.2.2, section 10.3.2, with numbers as JSON writes them. Written is so that readers of
//! YAML 1.1, to whom `no` is a truth and `2026-01-31` a date, find the same.

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Nothing,
    Truth(bool),
    Number,
    Text,
    /// Some readers take it for a number, others for a text.
    Unclear,
}

/// Words that YAML 1.1 takes for truths, in any case.
const TRUTHS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
/// What begins something else than a text.
const INDICATORS: &str = "-?:,[]{}#&*!|>'\"%@`=~<";

pub(super) fn plain(word: &str) -> Plain {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Nothing,
        "true" | "True" | "TRUE" => Plain::Truth(true),
        "false" | "False" | "FALSE" => Plain::Truth(false),
        _ if is_number(word) => Plain::Number,
        _ if is_like_number(word) => Plain::Unclear,
        _ => Plain::Text,
    }
}

/// Whether a word is a number as RFC 8259, section 6, writes one.
fn is_number(word: &str) -> bool {
    let rest = word.strip_prefix('-').unwrap_or(word);
    let (whole, rest) = digits(rest);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return false;
    }
    let rest = match rest.strip_prefix('.').map(digits) {
        Some(("", _)) => return false,
        Some((_, rest)) => rest,
        None => rest,
    };
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let (exponent, rest) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    !exponent.is_empty() && rest.is_empty()
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Whether a word that JSON does not take for a number is one by the core schema: `+1`, `007`, `.5`, `0x1F`, `.inf`.
fn is_like_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return true;
    }
    let based = |prefix: &str, base: u32| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter.is_digit(base)))
    };
    if based("0x", 16) || based("0o", 8) {
        return true;
    }
    let (whole, rest) = digits(unsigned);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return false;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let (exponent, rest) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    !exponent.is_empty() && rest.is_empty()
}

/// Whether a text on one line can stand without quotes.
pub(super) fn stands_bare(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // Numbers with underscores, dates, times and sixties of YAML 1.1, and what else is made of such signs.
    let is_figures = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && text.chars().all(|letter| letter.is_ascii_hexdigit() || "+-._: TZtzxXoO".contains(letter));
    plain(text) == Plain::Text
        && !TRUTHS.contains(&lower.as_str())
        && !text.starts_with(|first: char| INDICATORS.contains(first) || first.is_whitespace())
        && !text.ends_with(|last: char| last == ':' || last.is_whitespace())
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_figures
        && text.chars().all(is_printable)
}

/// Whether a sign can stand in YAML as itself, within a line, and is seen.
pub(super) fn is_printable(letter: char) -> bool {
    let is_hidden = matches!(
        letter,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    );
    // Of each plane the last two are no characters.
    !letter.is_control() && !is_hidden && u32::from(letter) & 0xfffe != 0xfffe
}

/// Whether a text of several lines can stand as a block, line by line as it is.
pub(super) fn stands_as_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && text.chars().all(|letter| letter == '\n' || is_printable(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_the_core_schema_says_where_json_agrees() {
        for word in ["0", "-0", "12", "-1.50", "1e400", "1E+5", "10000.50", "1234567890123456789012345"] {
            assert_eq!(plain(word), Plain::Number, "{word}");
        }
        for word in
            ["+1", "007", "-01", ".5", "5.", "0x1F", "0o17", ".inf", "-.INF", ".nan", "1.e5", "+.5e-3"]
        {
            assert_eq!(plain(word), Plain::Unclear, "{word}");
        }
        for word in
            ["yes", "no", "2026-01-31", "12:30", "1_000", "1e", "e5", "-", "0x", "nul", "tRue", "1.2.3"]
        {
            assert_eq!(plain(word), Plain::Text, "{word}");
        }
        assert_eq!((plain("~"), plain("Null"), plain("")), (Plain::Nothing, Plain::Nothing, Plain::Nothing));
        assert_eq!((plain("True"), plain("false")), (Plain::Truth(true), Plain::Truth(false)));
    }

    #[test]
    fn what_any_reader_may_take_for_something_else_needs_quotes() {
        for text in [
            "",
            " a",
            "a ",
            "yes",
            "No",
            "OFF",
            "null",
            "true",
            "12",
            "007",
            "2026-01-31",
            "12:30:00",
            "1_000",
            "-",
            "- a",
            "? a",
            "{{name}}",
            "[a]",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'a'",
            "\"a\"",
            "%a",
            "@a",
            "`a`",
            "=",
            "<<",
            "a\tb",
            "a\nb",
            "\u{feff}a",
            "a\u{85}",
            "...",
            "---",
            "+49 30 1234",
        ] {
            assert!(!stands_bare(text), "{text:?}");
        }
        for text in [
            "a",
            "Big deal",
            "it's",
            "a, b",
            "10 days",
            "contact_id",
            "übermäßig",
            "日本",
            "🎉",
            "a:b",
            "a#b",
            "x [y]",
        ] {
            assert!(stands_bare(text), "{text:?}");
        }
    }
}
