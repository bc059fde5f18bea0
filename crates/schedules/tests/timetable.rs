//! Does a timetable say what somebody says who looks at the clock every minute? Any expression, any of these zones, any clock change.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test ends by panicking")]

use chrono::{NaiveDateTime, TimeDelta};
use kernel::{Instant, Meaning, Span, Zone};
use proptest::prelude::*;
use schedules::Timetable;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Casablanca",
];

/// Around changes of clocks, of several kinds, and a plain day.
const DAYS: [&str; 9] = [
    "2026-03-28T00:00:00Z",
    "2026-10-24T00:00:00Z",
    "2026-03-07T18:00:00Z",
    "2026-10-31T18:00:00Z",
    "2026-04-04T00:00:00Z",
    "2026-10-03T00:00:00Z",
    "2026-09-05T12:00:00Z",
    "2021-09-25T00:00:00Z",
    "2026-06-15T00:00:00Z",
];

/// A field between these: all, a step, a value, a list or a range.
fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        2 => (2..=most.max(3)).prop_map(|step| format!("*/{step}")),
        4 => (least..=most).prop_map(|one| one.to_string()),
        2 => (least..=most, least..=most).prop_map(|(one, other)| format!("{one},{other}")),
        2 => (least..=most, least..=most).prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
    ]
}

/// Whether somebody who looks at the clock at this minute would say: now.
fn comes(timetable: &Timetable, zone: &Zone, at: Instant) -> bool {
    let local = zone.local(at).unwrap();
    if timetable.is_paced() {
        return timetable.names(local);
    }
    let is_first = match zone.meaning(local).unwrap() {
        Meaning::Once(_) => true,
        Meaning::Twice(first, _) => first == at,
        Meaning::Never { .. } => false,
    };
    (is_first && timetable.names(local)) || skipped(zone, at).any(|local| timetable.names(local))
}

/// The local minutes that the clocks skipped just before this one.
fn skipped(zone: &Zone, at: Instant) -> impl Iterator<Item = NaiveDateTime> {
    let before = zone.local(at - Span::minutes(1)).unwrap() + TimeDelta::minutes(1);
    let now = zone.local(at).unwrap();
    let gap = (now - before).num_minutes();
    (0..if gap <= 180 { gap } else { 0 }).map(move |minute| before + TimeDelta::minutes(minute))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_comes_when_the_clock_says_so(
        minute in field(0, 59),
        hour in field(0, 23),
        weekday in prop_oneof![3 => Just("*".to_owned()), 1 => field(0, 6)],
        zone in proptest::sample::select(&ZONES[..]),
        day in proptest::sample::select(&DAYS[..]),
        offset in 0_i64..86_400,
    ) {
        let Ok(timetable) = Timetable::read(&format!("{minute} {hour} * * {weekday}")) else { return Ok(()) };
        let zone: Zone = zone.parse().unwrap();
        let start: Instant = day.parse().unwrap();
        let after = start + Span::seconds(offset);
        let end = after + Span::hours(40);
        let mut said = Vec::new();
        let mut at = after;
        while let Some(next) = timetable.next(at, &zone).filter(|next| *next <= end) {
            prop_assert!(next > at, "{} is not after {}", next, at);
            said.push(next);
            at = next;
        }
        let first = Instant::from_millis((after.millis() / 60_000 + 1) * 60_000);
        let looked: Vec<Instant> = (0..)
            .map(|minute| first + Span::minutes(minute))
            .take_while(|at| *at <= end)
            .filter(|at| comes(&timetable, &zone, *at))
            .collect();
        prop_assert_eq!(said, looked, "{} in {} after {}", timetable.as_str(), zone, after);
    }
}
