//! What do filters make of lists, and of what is not there?

use super::filter::{Call, Made};
use crate::number::Decimal;
use minijinja::{Value as Slot, value::ValueKind};
use std::{cmp::Ordering, collections::BTreeSet};

/// `default("nobody")`: in place of what is not there, or null; with `true` behind it, of what is empty, too.
pub(super) fn default(call: &mut Call<'_, '_, '_>) -> Made {
    let missing = call.value.is_undefined() || call.value.is_none();
    let empty = call.given.truth(1) && !call.value.is_true();
    Ok(if missing || empty {
        call.given.any(0).cloned().unwrap_or_else(|| Slot::from(""))
    } else {
        call.value.clone()
    })
}

pub(super) fn length(call: &mut Call<'_, '_, '_>) -> Made {
    if let Some(text) = call.value.as_str() {
        call.work(text.len())?;
        return Ok(Slot::from(text.chars().count()));
    }
    match call.value.len() {
        Some(count) => Ok(Slot::from(count)),
        None if call.value.is_undefined() || call.value.is_none() => Ok(Slot::from(0)),
        None => Err(format!("takes a text or a list, and this is {}", call.value.kind())),
    }
}

pub(super) fn first(call: &mut Call<'_, '_, '_>) -> Made {
    one(call, false)
}

pub(super) fn last(call: &mut Call<'_, '_, '_>) -> Made {
    one(call, true)
}

fn one(call: &mut Call<'_, '_, '_>, last: bool) -> Made {
    if let Some(text) = call.value.as_str() {
        let letter = if last { text.chars().next_back() } else { text.chars().next() };
        return Ok(letter.map_or(Slot::UNDEFINED, |letter| Slot::from(letter.to_string())));
    }
    let items = call.items()?;
    Ok((if last { items.last() } else { items.first() }).cloned().unwrap_or_default())
}

/// The pieces of a text between separators, or between spaces.
pub(super) fn split(call: &mut Call<'_, '_, '_>) -> Made {
    let text = call.text()?;
    let separator = call.given.text(0)?.map(str::to_owned);
    let pieces: Vec<Slot> = match separator.as_deref() {
        Some("") => return Err("takes a separator of at least one character".to_owned()),
        Some(separator) => text.split(separator).map(Slot::from).collect(),
        None => text.split_whitespace().map(Slot::from).collect(),
    };
    call.work(pieces.len().saturating_mul(32))?;
    Ok(Slot::from(pieces))
}

/// The items as texts with a separator between them; with `attribute`, that field of each.
pub(super) fn join(call: &mut Call<'_, '_, '_>) -> Made {
    let separator = call.given.text(0)?.unwrap_or_default().to_owned();
    let attribute = call.given.text(1)?.map(str::to_owned);
    let mut out = String::new();
    for (place, item) in call.items()?.into_iter().enumerate() {
        if place > 0 {
            call.work(separator.len())?;
            out.push_str(&separator);
        }
        let item = match &attribute {
            Some(name) => item.get_attr(name).unwrap_or_default(),
            None => item,
        };
        let text = call.said(&item)?;
        out.push_str(&text);
    }
    Ok(Slot::from(out))
}

/// What items are ordered and told apart by: numbers by what they are worth, texts without case.
enum Key {
    Number(String),
    Text(String),
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => match (Decimal::read(left), Decimal::read(right)) {
                (Some(left), Some(right)) => left.compare(&right),
                _ => left.cmp(right),
            },
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn keyed(call: &mut Call<'_, '_, '_>) -> Result<Vec<(Key, Slot)>, String> {
    let mut keyed = Vec::new();
    for item in call.items()? {
        let text = call.said(&item)?;
        let is_number = matches!(item.kind(), ValueKind::Number | ValueKind::Plain);
        let key = if is_number && Decimal::read(&text).is_some() {
            Key::Number(text)
        } else {
            Key::Text(text.to_lowercase())
        };
        keyed.push((key, item));
    }
    Ok(keyed)
}

/// The items in order; with `true`, the other way round.
pub(super) fn sort(call: &mut Call<'_, '_, '_>) -> Made {
    let mut keyed = keyed(call)?;
    // Each is compared about as often as there are digits in their count.
    call.work(keyed.len().saturating_mul(64))?;
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    if call.given.truth(0) {
        keyed.reverse();
    }
    Ok(Slot::from(keyed.into_iter().map(|(_, item)| item).collect::<Vec<_>>()))
}

/// Each item once, where it stands first.
pub(super) fn unique(call: &mut Call<'_, '_, '_>) -> Made {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for (key, item) in keyed(call)? {
        if seen.insert(key) {
            kept.push(item);
        }
    }
    Ok(Slot::from(kept))
}
