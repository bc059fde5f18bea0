//! When will it come? The next times of a timing, with words for what clock changes do to them.

use crate::{Timetable, Timing, When};
use kernel::{Instant, Meaning, Zone};

/// A time that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The instant.
    pub at: Instant,
    /// The same as clocks in the zone say it, with their offset.
    pub local: String,
    /// What a clock change does to it, in words.
    pub note: Option<String>,
}

/// The next `count` times after `after`.
#[must_use]
pub fn preview(timing: &Timing, after: Instant, count: usize) -> Vec<Occurrence> {
    let mut times = Vec::new();
    let mut at = after;
    while times.len() < count
        && let Some(next) = timing.next(at)
    {
        let note = match &timing.when {
            When::Cron(timetable) => note(timetable, &timing.zone, next),
            When::At(_) => None,
        };
        times.push(Occurrence { at: next, local: timing.zone.said(next), note });
        at = next;
    }
    times
}

fn note(timetable: &Timetable, zone: &Zone, at: Instant) -> Option<String> {
    let local = zone.local(at)?;
    if !timetable.names(local) {
        return Some(format!(
            "The clocks are put forward to {} and skip the time that was meant: it comes right after.",
            local.format("%H:%M")
        ));
    }
    let clock = local.format("%H:%M");
    match zone.meaning(local)? {
        Meaning::Twice(first, _) if !timetable.is_paced() && first == at => {
            Some(format!("The clocks are put back and show {clock} twice: it comes the first time."))
        }
        Meaning::Twice(first, _) if timetable.is_paced() => {
            let which = if first == at { "first" } else { "second" };
            Some(format!(
                "The clocks are put back and show {clock} twice: this is the {which} time, and it comes at both."
            ))
        }
        Meaning::Twice(..) | Meaning::Once(_) | Meaning::Never { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(text: &str, after: &str, count: usize) -> Vec<String> {
        let timing = Timing {
            when: When::Cron(Timetable::read(text).unwrap()),
            zone: "Europe/Berlin".parse().unwrap(),
            starts: None,
            ends: None,
        };
        let times = preview(&timing, after.parse().unwrap(), count);
        times.into_iter().map(|time| format!("{} {}", time.local, time.note.unwrap_or_default())).collect()
    }

    #[test]
    fn clock_changes_are_said_in_words() {
        assert_eq!(
            notes("30 2 * * *", "2026-03-28T12:00:00Z", 2),
            [
                "2026-03-29T03:00:00+02:00 The clocks are put forward to 03:00 and skip the time that was meant: it comes right after.",
                "2026-03-30T02:30:00+02:00 ",
            ]
        );
        assert_eq!(
            notes("30 2 * * *", "2026-10-24T12:00:00Z", 2),
            [
                "2026-10-25T02:30:00+02:00 The clocks are put back and show 02:30 twice: it comes the first time.",
                "2026-10-26T02:30:00+01:00 ",
            ]
        );
        let paced = notes("*/30 * * * *", "2026-10-25T00:15:00Z", 2);
        assert!(paced[0].contains("02:30 twice: this is the first time"), "{paced:?}");
        assert!(
            paced[1].starts_with("2026-10-25T02:00:00+01:00") && paced[1].contains("second time"),
            "{paced:?}"
        );
    }
}
