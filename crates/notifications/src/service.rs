//! What can be done with notifications?

pub mod channels;
pub(crate) mod deliver;
pub(crate) mod expand;
pub mod inbox;
pub mod messages;

#[cfg(test)]
mod tests;
