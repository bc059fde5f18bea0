//! How does a country write numbers and days? A small table out of the Unicode CLDR, for the languages that our users write in.

mod table;

use table::LOCALES;

/// How a language, maybe that of one country, writes. Names stand in a row with `|` between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Locale {
    /// Its name (BCP 47).
    pub(super) tag: &'static str,
    /// What stands before the fraction of a number.
    pub(super) decimal: &'static str,
    /// What stands between groups of three digits.
    pub(super) group: &'static str,
    /// From how many digits on there are groups.
    pub(super) least_group: usize,
    pub(super) minus: &'static str,
    /// An amount and one below zero; `¤` is the currency, `#` the number.
    pub(super) money: [&'static str; 2],
    pub(super) percent: &'static str,
    /// The months as they stand beside a day, January first.
    months: &'static str,
    /// The months as they stand alone.
    alone: &'static str,
    short_months: &'static str,
    /// The days of the week, Monday first.
    days: &'static str,
    short_days: &'static str,
    /// How a day is written: short, medium, long, full.
    dates: [&'static str; 4],
    /// How a time of the day is written.
    pub(super) time: &'static str,
    /// What stands between day and time: when short or medium, when long or full.
    between: [&'static str; 2],
    /// The signs of currencies that are not just their codes.
    symbols: &'static str,
}

/// How long a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Short,
    Medium,
    Long,
    Full,
}

impl Style {
    pub(super) const NAMES: &'static str = "short, medium, long, full";

    pub(super) fn find(name: &str) -> Option<Self> {
        match name {
            "short" => Some(Self::Short),
            "medium" => Some(Self::Medium),
            "long" => Some(Self::Long),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// English, where none is named.
pub(super) fn plain() -> Option<&'static Locale> {
    LOCALES.first()
}

/// The locale of that name: `de-AT` is `de` where nothing is known of Austria. Case, and `_` for `-`, do not matter.
pub(super) fn find(tag: &str) -> Option<&'static Locale> {
    let same = |known: &str, tag: &str| {
        known.len() == tag.len()
            && known
                .bytes()
                .zip(tag.bytes())
                .all(|(known, byte)| known.eq_ignore_ascii_case(if byte == b'_' { &b'-' } else { &byte }))
    };
    let exact = LOCALES.iter().find(|locale| same(locale.tag, tag));
    let language = tag.split(['-', '_']).next().unwrap_or(tag);
    // Brazil's Portuguese is the plain one, as in the CLDR.
    exact.or_else(|| LOCALES.iter().find(|locale| same(locale.tag, language)))
}

/// The names of all, for people.
pub(super) fn known() -> String {
    LOCALES.iter().map(|locale| locale.tag).collect::<Vec<_>>().join(", ")
}

fn nth(names: &'static str, place: u32) -> &'static str {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    names.split('|').nth(place).unwrap_or_default()
}

impl Locale {
    /// The name of a month, from 0; beside a day it may have another case than alone.
    pub(super) fn month(&self, place: u32, beside_a_day: bool) -> &'static str {
        nth(if beside_a_day { self.months } else { self.alone }, place)
    }

    pub(super) fn short_month(&self, place: u32) -> &'static str {
        nth(self.short_months, place)
    }

    /// The name of a day of the week, from 0 for Monday.
    pub(super) fn day(&self, place: u32) -> &'static str {
        nth(self.days, place)
    }

    pub(super) fn short_day(&self, place: u32) -> &'static str {
        nth(self.short_days, place)
    }

    /// How a day is written, as a pattern of strftime.
    pub(super) fn date(&self, style: Style) -> &'static str {
        let [short, medium, long, full] = self.dates;
        match style {
            Style::Short => short,
            Style::Medium => medium,
            Style::Long => long,
            Style::Full => full,
        }
    }

    /// The same for a day and a time.
    pub(super) fn date_and_time(&self, style: Style) -> String {
        let [near, far] = self.between;
        let between = if matches!(style, Style::Short | Style::Medium) { near } else { far };
        format!("{}{between}{}", self.date(style), self.time)
    }

    /// The sign of a currency: its code, if it has none here.
    pub(super) fn symbol(&self, code: &'static str) -> &'static str {
        let signs = self.symbols.split(' ').filter_map(|pair| pair.split_once('='));
        signs.into_iter().find(|(known, _)| *known == code).map_or(code, |(_, sign)| sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::format::{Item, StrftimeItems};

    #[test]
    fn each_locale_is_whole() {
        for locale in LOCALES {
            let count = |names: &str, wanted: usize| {
                let names: Vec<&str> = names.split('|').collect();
                assert_eq!(names.len(), wanted, "{} {names:?}", locale.tag);
                assert!(names.iter().all(|name| !name.is_empty()), "{} {names:?}", locale.tag);
            };
            for names in [locale.months, locale.alone, locale.short_months] {
                count(names, 12);
            }
            for names in [locale.days, locale.short_days] {
                count(names, 7);
            }
            for pattern in locale.dates.into_iter().chain([locale.time]) {
                assert!(StrftimeItems::new(pattern).all(|item| item != Item::Error), "{pattern}");
            }
            assert_eq!(locale.symbol("XYZ"), "XYZ");
        }
    }

    #[test]
    fn locales_are_found_by_their_names() {
        for (tag, wanted) in [
            ("de", Some("de")),
            ("DE_ch", Some("de-CH")),
            ("de-AT", Some("de")),
            ("pt-BR", Some("pt")),
            ("pt-PT", Some("pt-PT")),
            ("en-US", Some("en")),
            ("tlh", None),
            ("", None),
        ] {
            assert_eq!(find(tag).map(|locale| locale.tag), wanted, "{tag}");
        }
    }
}
