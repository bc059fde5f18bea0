//! Where do records and their types stand?

pub(crate) mod listing;
pub(crate) mod privacy;
pub(crate) mod record;
pub(crate) mod record_type;
