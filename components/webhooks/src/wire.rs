//! Which JSON stands for webhooks?

pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod portal_links;
pub(crate) mod replays;
pub(crate) mod requests;
pub(crate) mod shown;
pub(crate) mod sources;

use serde::{Deserialize, Deserializer};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

const fn yes() -> bool {
    true
}
