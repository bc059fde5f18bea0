//! What do the tables of this area hold, and by which statements?

pub(crate) mod channel;
pub(crate) mod delivery;
pub(crate) mod inbox;
pub(crate) mod message;
