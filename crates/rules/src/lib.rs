//! What does a tenant want done when something happens? Rules: triggers, conditions, explained verdicts, actions.
//!
//! Decisions are pure: [`RuleBook::decide`] takes a trigger and its data and says for each rule whether it matched, why,
//! and what is to be done. [`service`] keeps rules and their versions.

mod action;
mod book;
mod condition;
mod duration;
mod error;
mod evaluate;
pub mod explain;
mod number;
mod parameter;
mod path;
pub mod payload;
mod record;
mod rule;
pub mod service;
mod store;
mod template;
mod test;
pub mod trigger;

pub use action::{ActionKind, Actions, PlannedAction, RenderFault, Retry, UnknownAction};
pub use book::{Decision, Decisions, MOST_EXPLAINED, RuleBook, try_out};
pub use condition::Conditions;
pub use error::RuleError;
pub use explain::Verdict;
pub use rule::{Change, Definition, Draft, MOST_RULES, Rule, RulePatch, UnknownChange, Version};
pub use store::{RuleFilter, privacy::REDACTIONS};
