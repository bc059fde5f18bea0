//! What do the tables of this area hold, and by which statements?

pub(crate) mod attempt;
pub(crate) mod endpoint;
pub(crate) mod health;
pub(crate) mod portal;
pub(crate) mod privacy;
pub(crate) mod replay;
pub(crate) mod request;
pub(crate) mod source;
