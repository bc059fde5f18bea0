//! What does a tenant want done when something happens? Rules: triggers, conditions, explained verdicts, actions.
//!
//! Decisions are pure: [`RuleBook::decide`] takes a trigger and its data and says for each rule whether it matched, why,
//! and what is to be done. [`service`] keeps rules and their versions.

mod action;
mod condition;
mod duration;
mod evaluate;
pub mod explain;
mod number;
mod parameter;
mod path;
mod template;
mod test;
pub mod trigger;

pub use action::{ActionKind, Actions, PlannedAction, RenderFault, Retry, UnknownAction};
pub use condition::Conditions;
