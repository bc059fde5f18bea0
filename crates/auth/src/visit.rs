//! Who stands before the gate and has shown nothing yet? A [`Visit`] is a call without a principal.

use kernel::{Call, Chance, Instant, Principal, RequestId, Trace};
use std::sync::Arc;

/// What a use case may know of somebody who is not logged in.
#[derive(Clone)]
pub struct Visit {
    /// The one `now` of this visit.
    pub now: Instant,
    /// The request that it is part of.
    pub request: RequestId,
    /// The trace that it is part of.
    pub trace: Trace,
    /// Where the visitor sits: an IP address, if known.
    pub address: Option<String>,
    /// What the visitor's program calls itself (`User-Agent`).
    pub agent: Option<String>,
    /// Where chance comes from.
    pub chance: Arc<dyn Chance>,
}

impl Visit {
    /// The same as a call by `principal`, once it is known who that is.
    #[must_use]
    pub fn call(&self, principal: Principal) -> Call {
        Call {
            principal,
            now: self.now,
            request: self.request.clone(),
            trace: self.trace.clone(),
            address: self.address.clone(),
            chance: Arc::clone(&self.chance),
        }
    }
}
