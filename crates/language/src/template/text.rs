//! What do filters make of texts? Each letter is counted before something is made of it.

use super::{
    context,
    filter::{Call, Made},
};
use minijinja::{Value as Slot, value::ValueKind};
use std::fmt::Write as _;

/// The longest text that `truncate` may leave, in characters.
pub(super) const LONGEST: u32 = 100_000;

pub(super) fn upper(call: &mut Call<'_, '_, '_>) -> Made {
    Ok(Slot::from(call.text()?.to_uppercase()))
}

pub(super) fn lower(call: &mut Call<'_, '_, '_>) -> Made {
    Ok(Slot::from(call.text()?.to_lowercase()))
}

pub(super) fn capitalize(call: &mut Call<'_, '_, '_>) -> Made {
    Ok(Slot::from(capitalized(&call.text()?)))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.as_str().to_lowercase().chars()).collect()
}

/// Each word with a capital letter; what follows an apostrophe is no word.
pub(super) fn title(call: &mut Call<'_, '_, '_>) -> Made {
    let text = call.text()?;
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for letter in text.chars() {
        if inside {
            out.extend(letter.to_lowercase());
        } else {
            out.extend(letter.to_uppercase());
        }
        inside = letter.is_alphanumeric() || matches!(letter, '\'' | '’') && inside;
    }
    Ok(Slot::from(out))
}

pub(super) fn trim(call: &mut Call<'_, '_, '_>) -> Made {
    Ok(Slot::from(call.text()?.trim()))
}

/// `truncate(20)`: 20 characters at most, the sign of the cut among them, and no word in two.
pub(super) fn truncate(call: &mut Call<'_, '_, '_>) -> Made {
    let most = usize::try_from(call.given.count(0, LONGEST)?.unwrap_or(LONGEST)).unwrap_or_default();
    let text = call.text()?;
    if text.chars().nth(most).is_none() {
        return Ok(Slot::from(text));
    }
    let end = call.given.text(2)?.unwrap_or("…").to_owned();
    let room = most.saturating_sub(end.chars().count());
    let cut = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let (mut head, behind) = text.split_at_checked(cut).unwrap_or((&text, ""));
    let splits_a_word = !behind.starts_with(char::is_whitespace);
    if splits_a_word
        && !call.given.truth(1)
        && let Some((before, _)) = head.rsplit_once(char::is_whitespace)
    {
        head = before;
    }
    let end: String = end.chars().take(most).collect();
    Ok(Slot::from(format!("{}{end}", head.trim_end())))
}

pub(super) fn replace(call: &mut Call<'_, '_, '_>) -> Made {
    let text = call.text()?;
    let old = call.given.text(0)?.unwrap_or_default().to_owned();
    let new = call.given.text(1)?.unwrap_or_default().to_owned();
    if old.is_empty() {
        return Err("takes a text of at least one character to replace".to_owned());
    }
    let count = text.matches(old.as_str()).count();
    call.work(text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(Slot::from(text.replace(old.as_str(), &new)))
}

/// Letters with marks, and what is written for them in addresses.
const BARE: &[(&str, &str)] = &[
    ("àáâãäåāăą", "a"),
    ("çćčĉċ", "c"),
    ("ďđð", "d"),
    ("èéêëēėęěĕ", "e"),
    ("ğģĝġ", "g"),
    ("ħĥ", "h"),
    ("ìíîïīįıĩĭ", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("łļľĺ", "l"),
    ("ñńņň", "n"),
    ("òóôõöøōőŏ", "o"),
    ("řŕŗ", "r"),
    ("śšşșŝ", "s"),
    ("ťţț", "t"),
    ("ùúûüūůűųũŭ", "u"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("žźż", "z"),
    ("ß", "ss"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("þ", "th"),
];

/// `Größe & Co.` becomes `grosse-co`.
pub(super) fn slug(call: &mut Call<'_, '_, '_>) -> Made {
    let text = call.text()?.to_lowercase();
    let mut out = String::new();
    let mut gap = false;
    for letter in text.chars() {
        if !letter.is_alphanumeric() {
            // An apostrophe joins, everything else parts.
            gap = gap || !matches!(letter, '\'' | '’');
            continue;
        }
        if gap && !out.is_empty() {
            out.push('-');
        }
        gap = false;
        match BARE.iter().find(|(marked, _)| !letter.is_ascii() && marked.contains(letter)) {
            Some((_, bare)) => out.push_str(bare),
            None => out.push(letter),
        }
    }
    Ok(Slot::from(out))
}

/// Percent-encoded, and marked so that an address does not encode it once more.
pub(super) fn urlencode(call: &mut Call<'_, '_, '_>) -> Made {
    let text = call.text()?;
    call.work(text.len().saturating_mul(3))?;
    Ok(Slot::from_safe_string(encoded(&text)))
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The value as JSON, numbers as they were sent.
pub(super) fn json(call: &mut Call<'_, '_, '_>) -> Made {
    let mut out = String::new();
    let value = call.value.clone();
    put_json(call, &value, &mut out)?;
    Ok(Slot::from(out))
}

fn put_json(call: &mut Call<'_, '_, '_>, value: &Slot, out: &mut String) -> Result<(), String> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            let items = value.try_iter().map_err(|_| "cannot be listed".to_owned())?;
            for (place, item) in items.enumerate() {
                if place > 0 {
                    out.push(',');
                }
                put_json(call, &item, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            let keys = value.try_iter().map_err(|_| "cannot be listed".to_owned())?;
            for (place, key) in keys.enumerate() {
                if place > 0 {
                    out.push(',');
                }
                let name = call.said(&key)?;
                put_text(&name, out);
                out.push(':');
                put_json(call, &value.get_item(&key).unwrap_or_default(), out)?;
            }
            out.push('}');
        }
        ValueKind::Number
        | ValueKind::String
        | ValueKind::Bytes
        | ValueKind::Plain
        | ValueKind::Invalid
        | _ => match context::number_text(call.state, value) {
            // What a template writes out may be infinite, and JSON knows no such number.
            Some(number) if crate::number::Decimal::read(&number).is_some() => out.push_str(&number),
            Some(_) => out.push_str("null"),
            None => {
                let text = call.said(value)?;
                put_text(&text, out);
            }
        },
    }
    call.work(8)
}

fn put_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
