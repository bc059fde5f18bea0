//! Which events can a customer choose? Those of the tenant's triggers that the link offers.

use super::PortalLink;
use crate::{Endpoint, EventType};
use std::collections::BTreeSet;

/// A type of events that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The module that raises it.
    pub module: String,
    /// Its type: `sales.deal_closed_won`.
    pub kind: String,
    /// When it is raised.
    pub description: String,
}

/// All that a link offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// What can be chosen, by module.
    pub choices: Vec<Choice>,
    /// What stands for all of them.
    all: Vec<EventType>,
}

/// What of an offer an endpoint has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Whether it gets all, also what comes to be offered later.
    pub(crate) all: bool,
    /// What it gets of what can be chosen now.
    pub(crate) kinds: BTreeSet<String>,
}

impl Offer {
    /// What a link offers of all that can happen.
    #[must_use]
    pub fn new(link: &PortalLink, all: impl IntoIterator<Item = Choice>) -> Self {
        let choices = all.into_iter().filter(|choice| link.offers(&choice.kind)).collect();
        Self { choices, all: link.event_types.clone() }
    }

    /// Whether it can be chosen.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        self.choices.iter().any(|choice| choice.kind == kind)
    }

    /// What of it an endpoint has.
    pub(crate) fn chosen(&self, endpoint: &Endpoint) -> Chosen {
        let takes = |kind: &str| endpoint.event_types.iter().any(|one| one.takes(kind));
        Chosen {
            all: self.all.iter().all(|pattern| takes(pattern.as_str())),
            kinds: self.choices.iter().filter(|one| takes(&one.kind)).map(|one| one.kind.clone()).collect(),
        }
    }

    /// The types of events of an endpoint that is to get what is chosen: and what the tenant gave it beside the offer.
    pub(crate) fn types(&self, chosen: &Chosen, before: Option<&Endpoint>) -> Vec<String> {
        let offered = |one: &EventType| self.all.iter().any(|pattern| pattern.takes(one.as_str()));
        let kept = before.into_iter().flat_map(|endpoint| &endpoint.event_types).filter(|one| !offered(one));
        let kept = kept.map(|one| one.as_str().to_owned());
        if chosen.all {
            kept.chain(self.all.iter().map(|one| one.as_str().to_owned())).collect()
        } else {
            kept.chain(chosen.kinds.iter().cloned()).collect()
        }
    }
}
