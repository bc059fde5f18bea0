//! How fast does a backtest look at what happened, once it is read? The replay alone, with payloads as the ledger keeps them.

use crate::{
    Figures,
    cases::{Cases, TRIGGER, rule},
    watch::nanos,
};
use kernel::{EventId, Instant};
use language::{Facts, Moment, Occasion};
use rules::{Cast, Catalogue, Replay, Rule, payload};
use serde_json::json;
use std::hint::black_box;

/// How many events there are; one in ten meets the rule.
const EVENTS: i64 = 20_000;
const START: i64 = 1_800_000_000_000;

/// Events of the past.
pub(crate) struct History {
    events: Vec<(EventId, Instant, String)>,
    casts: [(&'static str, Cast); 2],
}

impl History {
    pub(crate) fn new(cases: &Cases) -> Self {
        let (matching, others): (Vec<_>, Vec<_>) =
            cases.texts.iter().zip(crate::evaluation::verdicts(cases)).partition(|(_, matches)| *matches);
        let event = |number: i64| {
            let at = Instant::from_millis(START + number * 1000);
            let from = if number % 10 == 0 { &matching } else { &others };
            let place = usize::try_from(number / 10).unwrap_or_default() % from.len();
            (EventId::first(at), at, from[place].0.clone())
        };
        let cast = |baseline: Option<Rule>| Cast {
            candidate: rule(1, &cases.clauses),
            baseline,
            stoppers: Vec::new(),
            zone: chrono_tz::Tz::UTC,
        };
        let earlier = rule(
            1,
            &json!([{"type": "value_threshold", "value": 11_000}, cases.clauses[1], cases.clauses[2]]),
        );
        Self {
            events: (0..EVENTS).map(event).collect(),
            casts: [
                ("event of a backtest", cast(None)),
                ("event of a backtest, held against another version", cast(Some(earlier))),
            ],
        }
    }

    pub(crate) fn measure(&self) -> Figures {
        let catalogue = Catalogue::default();
        let each = self.casts.iter().map(|(name, cast)| {
            let figure = nanos(self.events.len(), || {
                let mut replay =
                    Replay::new(cast, &catalogue, None).expect("the rules of the measurement hold");
                let needs = replay.needs();
                for (id, at, text) in &self.events {
                    let data = payload::read_needed(text, &needs.data).unwrap_or_default();
                    let occasion =
                        Occasion { id: id.as_str(), trigger: TRIGGER, occurred: *at, ..Occasion::default() };
                    let moment = Moment { now: *at, zone: cast.zone };
                    let facts = Facts::new(&data, None, occasion, moment).with_text(text);
                    replay.take(TRIGGER, &facts, true);
                }
                black_box(replay.report());
            });
            ((*name).to_owned(), figure)
        });
        each.collect()
    }
}
