//! Who is asked in a replay? The rule, what it is held against, and the rules that may stop the matching before them: each with
//! what it remembers.

use super::{ReplayFault, Said};
use crate::{Catalogue, Recall, Rule, Standing, analysis::order, decision::Entry};
use kernel::{Instant, RuleId, Span};
use language::{Facts, Look};
use std::{cmp::Reverse, sync::Arc};

/// A rule that is asked, and what it remembers.
pub(super) struct Player {
    entry: Arc<Entry>,
    trigger: String,
    looks_at_event: bool,
    /// How many of the stoppers come before it.
    behind: usize,
    pub(super) recall: Recall,
}

/// The place of a rule in the order in which rules are asked.
type Place = (Reverse<i64>, Instant, RuleId);

/// The rules that may stop the matching, in the order in which they are asked.
pub(super) struct Stoppers {
    entries: Vec<(Place, Entry, String)>,
    remember: bool,
    looks_at_event: bool,
    pub(super) recall: Recall,
    /// For the present event: the first that stopped, once it was looked for.
    first: Option<Option<usize>>,
}

fn place(rule: &Rule) -> Place {
    let (priority, created_at, id) = order(rule);
    (priority, created_at, id.clone())
}

impl Player {
    pub(super) fn new(
        who: &'static str,
        rule: &Rule,
        catalogue: &Catalogue,
        stoppers: &Stoppers,
    ) -> Result<Self, ReplayFault> {
        let entry = Entry::new(rule, catalogue);
        if let Some(faults) = entry.faults() {
            return Err(ReplayFault::Broken(who, faults.to_owned()));
        }
        let own = place(rule);
        let behind = stoppers.entries.iter().take_while(|(place, ..)| *place < own).count();
        Ok(Self {
            trigger: rule.definition.trigger_id.clone(),
            looks_at_event: rule.definition.may_name_event() || entry.looks_at_event(),
            entry: Arc::new(entry),
            behind,
            recall: Recall::default(),
        })
    }

    pub(super) fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.entry)
    }

    pub(super) fn own_entry(&self) -> &Entry {
        &self.entry
    }

    pub(super) fn is_bound_to(&self, trigger: &str) -> bool {
        self.trigger == trigger
    }

    pub(super) const fn looks_at_event(&self) -> bool {
        self.looks_at_event
    }

    /// Its own trigger, and the one whose events must stay away.
    pub(super) fn triggers(&self) -> impl Iterator<Item = &str> {
        let absent = self.entry.absence().map(|absence| absence.trigger_id.as_str());
        absent.into_iter().chain([self.trigger.as_str()])
    }

    /// How far back it remembers.
    pub(super) fn lead(&self) -> Span {
        self.entry.compiled().map(|compiled| compiled.pace.memory()).unwrap_or_default()
    }

    /// Whether its firings wait for events to stop coming, or for one to stay away.
    pub(super) fn waits(&self) -> bool {
        self.entry
            .compiled()
            .is_some_and(|compiled| compiled.pace.debounce.is_some() || compiled.pace.absence.is_some())
    }

    /// What it says to an event. `entry` is its own: what is said borrows from it.
    pub(super) fn ask<'a>(
        &mut self,
        entry: &'a Entry,
        trigger: &str,
        facts: &'a Facts<'a>,
        stoppers: &mut Stoppers,
    ) -> Said<'a> {
        let mut said = Said { stance: None, is_stopped: false, called_off: Vec::new() };
        let mut memos = Vec::new();
        if self.trigger == trigger {
            let stance = entry.stand(facts, &self.recall, Look::Quick, &mut memos);
            if self.behind > 0 && stance.standing() != Standing::NotMatched {
                said.is_stopped = stoppers.first(facts).is_some_and(|first| first < self.behind);
            }
            if said.is_stopped {
                memos.clear();
            } else {
                said.called_off.extend(stance.replaces().cloned());
            }
            said.stance = Some(stance);
        }
        if entry.absence().is_some_and(|absence| absence.trigger_id == trigger)
            && let Some((ended, memo)) = entry.ended(facts, &self.recall)
        {
            said.called_off.push(ended.event);
            memos.push(memo);
        }
        self.recall.remember(&memos, facts.moment().now);
        said
    }
}

impl Stoppers {
    pub(super) fn new(rules: &[Rule], catalogue: &Catalogue) -> Self {
        let mut entries: Vec<(Place, Entry, String)> = rules
            .iter()
            .map(|rule| (place(rule), Entry::new(rule, catalogue), rule.definition.trigger_id.clone()))
            .collect();
        entries.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let looks_at_event = rules.iter().any(|rule| rule.definition.may_name_event())
            || entries.iter().any(|(_, entry, _)| entry.looks_at_event());
        // Throttled and waiting rules stop like others: only what a window counted has a say.
        let remember = entries
            .iter()
            .any(|(_, entry, _)| entry.compiled().is_some_and(|compiled| compiled.pace.window.is_some()));
        Self { entries, remember, looks_at_event, recall: Recall::default(), first: None }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(_, entry, _)| entry)
    }

    pub(super) const fn look_at_event(&self) -> bool {
        self.looks_at_event
    }

    /// How far back they remember.
    pub(super) fn lead(&self) -> Span {
        let windows = self
            .entries
            .iter()
            .filter_map(|(_, entry, _)| entry.compiled()?.pace.window.as_ref().map(|window| window.within));
        windows.max().unwrap_or_default()
    }

    /// The next event. Those that remember are asked about each.
    pub(super) fn begin(&mut self, trigger: &str, facts: &Facts<'_>) {
        self.first = if self.entries.iter().any(|(.., bound)| bound == trigger) { None } else { Some(None) };
        if self.remember {
            self.first(facts);
        }
    }

    /// The first that stops the matching of the present event.
    fn first(&mut self, facts: &Facts<'_>) -> Option<usize> {
        if let Some(first) = self.first {
            return first;
        }
        let mut found = None;
        for (number, (_, entry, _)) in self.entries.iter().enumerate() {
            let mut memos = Vec::new();
            let standing = entry.stand(facts, &self.recall, Look::Quick, &mut memos).standing();
            self.recall.remember(&memos, facts.moment().now);
            if standing.stops() {
                found = Some(number);
                break;
            }
        }
        self.first = Some(found);
        found
    }
}
