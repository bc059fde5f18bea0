//! How do requests to an endpoint go?

use crate::store::attempt::Figure;
use kernel::Span;
use std::collections::BTreeMap;

/// How many attempts are looked at, the latest.
pub(crate) const MOST: u32 = 100_000;

/// How requests to an endpoint went in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many attempts there were; of more than 100,000 the latest count.
    pub attempts: usize,
    /// Whether there were more.
    pub is_cut: bool,
    /// How many of them were taken.
    pub succeeded: usize,
    /// How long the middle one took, and the one that is slower than 95 of 100.
    pub p50: Option<Span>,
    /// See [`Figures::p50`].
    pub p95: Option<Span>,
    /// How many answered with each status.
    pub by_status: BTreeMap<u16, usize>,
    /// How many failed in each way.
    pub by_failure: BTreeMap<String, usize>,
}

impl Figures {
    /// Which part of the attempts was taken, from 0 to 1, to four digits.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let per_mille = self.succeeded.saturating_mul(10_000).checked_div(self.attempts)?;
        u32::try_from(per_mille).ok().map(|part| f64::from(part) / 10_000.0)
    }

    /// What attempts come to; the latest first.
    pub(crate) fn of(mut attempts: Vec<Figure>) -> Self {
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let is_cut = attempts.len() > most;
        attempts.truncate(most);
        let mut figures = Self { attempts: attempts.len(), is_cut, ..Self::default() };
        let mut durations: Vec<Span> = Vec::with_capacity(attempts.len());
        for one in attempts {
            durations.push(one.duration);
            if let Some(status) = one.status {
                *figures.by_status.entry(status).or_default() += 1;
            }
            match one.failure {
                Some(failure) => *figures.by_failure.entry(failure).or_default() += 1,
                None => figures.succeeded += 1,
            }
        }
        durations.sort_unstable();
        (figures.p50, figures.p95) = (quantile(&durations, 50), quantile(&durations, 95));
        figures
    }
}

/// The smallest that is at least as large as so many of a hundred (the nearest rank).
fn quantile(sorted: &[Span], percent: usize) -> Option<Span> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_and_ranked() {
        let one = |millis, status, failure: Option<&str>| Figure {
            duration: Span::millis(millis),
            status,
            failure: failure.map(str::to_owned),
        };
        let attempts = (1..=20)
            .map(|millis| match millis {
                20 => one(20, None, Some("timeout")),
                19 => one(19, Some(500), Some("http_500")),
                _ => one(millis, Some(200), None),
            })
            .collect();
        let figures = Figures::of(attempts);
        assert_eq!((figures.attempts, figures.succeeded, figures.is_cut), (20, 18, false));
        assert_eq!((figures.p50, figures.p95), (Some(Span::millis(10)), Some(Span::millis(19))));
        assert_eq!(figures.by_status, [(200, 18), (500, 1)].into());
        assert_eq!(figures.by_failure, [("http_500".to_owned(), 1), ("timeout".to_owned(), 1)].into());
        assert_eq!(Figures::of(Vec::new()).p95, None);
    }
}
