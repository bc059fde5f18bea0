//! Which events go to an endpoint of themselves? Those of a type that it names, which meet its conditions.

use crate::{Endpoint, EventType, policy::LINES};
use kernel::{EndpointId, FieldFault};
use language::{Conditions, Facts, FieldPath, Look, Vocabulary, key_of};
use serde_json::Value;

/// An endpoint as whoever decides about events knows it: compiled once, asked often.
#[derive(Debug)]
pub struct Subscription {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// How often a delivery is tried at most.
    pub attempts: u32,
    event_types: Vec<EventType>,
    filter: Conditions,
    concurrency: u32,
    ordering_key: Option<FieldPath>,
    is_active: bool,
}

/// In which line something waits for its endpoint, and how many of that line are under way at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// How many of it are under way at a time.
    pub limit: u32,
}

/// The lines of an endpoint, whether it wants things in order or not.
pub fn lines(endpoint: &EndpointId) -> impl Iterator<Item = String> {
    std::iter::once(plain(endpoint)).chain((0..LINES).map(|number| ordered(endpoint, number)))
}

/// The endpoint that a line leads to.
#[must_use]
pub fn endpoint_of(line: &str) -> Option<EndpointId> {
    let rest = line.strip_prefix("endpoint:")?;
    rest.split('/').next()?.parse().ok()
}

fn plain(endpoint: &EndpointId) -> String {
    format!("endpoint:{endpoint}")
}

fn ordered(endpoint: &EndpointId, number: u32) -> String {
    format!("endpoint:{endpoint}/{number}")
}

impl Subscription {
    /// Compiles what an endpoint wants. A filter that no longer reads lets nothing through.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        let filter = endpoint.filter.as_ref().map_or_else(|| Ok(Conditions::default()), Self::filter);
        let ordering_key = endpoint.policy.ordering_key.as_deref();
        Self {
            endpoint: endpoint.id.clone(),
            attempts: endpoint.policy.attempts(),
            event_types: if filter.is_ok() { endpoint.event_types.clone() } else { Vec::new() },
            filter: filter.unwrap_or_default(),
            concurrency: endpoint.policy.concurrency,
            ordering_key: ordering_key.and_then(|path| Vocabulary::open().path(path).ok()),
            is_active: endpoint.disabled.is_none(),
        }
    }

    /// Reads a filter. It looks at one event alone: what a rule would remember, or a record, is not there.
    ///
    /// # Errors
    /// Every faulty part with its path: `filter[0].type`.
    pub(crate) fn filter(said: &Value) -> Result<Conditions, Vec<FieldFault>> {
        Conditions::read_at(said, "filter", &Vocabulary::open())
    }

    /// Whether events of this type may go there.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.is_active && self.event_types.iter().any(|one| one.takes(kind))
    }

    /// Whether an event of this type goes there.
    #[must_use]
    pub fn takes(&self, kind: &str, facts: &Facts<'_>) -> bool {
        self.wants(kind) && self.filter.evaluate(facts, Look::Quick).holds()
    }

    /// The line in which an event with this data waits.
    #[must_use]
    pub fn line(&self, facts: Option<&Facts<'_>>) -> Line {
        let Some(path) = &self.ordering_key else {
            return Line { name: plain(&self.endpoint), limit: self.concurrency };
        };
        let key = facts.and_then(|facts| path.of(facts)).and_then(key_of).unwrap_or_default();
        let number = u32::try_from(digest(&key) % u64::from(LINES)).unwrap_or_default();
        Line { name: ordered(&self.endpoint, number), limit: 1 }
    }
}

/// FNV-1a, 64 bits (RFC 9923): the same in every build, for lines last longer than one.
fn digest(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
