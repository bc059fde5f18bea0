//! What does the table of this area hold, and by which statements?

pub(crate) mod endpoint;
pub(crate) mod privacy;
