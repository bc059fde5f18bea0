//! What does a tenant want done when something happens? Rules: triggers, conditions, explained verdicts, actions.
//!
//! Decisions are pure: [`RuleBook::decide`] takes a trigger, the facts and what is remembered, and says for each rule whether it
//! matched, why, and what is to be done. [`service`] keeps rules and their versions, and a tenant's own triggers.

mod action;
mod analysis;
mod backtest;
mod book;
mod catalogue;
mod decision;
mod definition;
mod difference;
mod document;
mod error;
mod file;
mod key;
mod limit;
mod own;
mod pace;
mod parameter;
mod recall;
mod recipe;
mod record;
mod replay;
mod rule;
pub mod service;
mod shadow;
mod standing;
mod store;
mod trigger;

pub use action::{
    ActionKind, Actions, OnError, PlannedAction, RenderFault, Retry, UnknownAction, render_late,
};
pub use analysis::{Finding, MOST_PEERS, Named, findings};
pub use backtest::{
    Against, Backtest, BacktestState, KEPT_DAYS, MOST_EVENTS, MOST_UNDER_WAY, Tried, UnderWay,
    UnknownBacktestState, Wish,
};
pub use book::{MOST_EXPLAINED, RuleBook};
pub use catalogue::{
    About, Catalogue, Origin, Parts, Trigger, UnknownOrigin, UnknownTrigger, built_in_modules,
};
pub use decision::{Decision, Decisions, Ended, Lane, told, try_out};
pub use definition::{Definition, Draft, RulePatch, note};
pub use difference::{Difference, Line};
pub use error::RuleError;
pub use file::{FileFault, Format, LARGEST_FILE, MOST_IN_FILE, RuleFile, UnknownFormat};
pub use key::Key;
pub use language::{BUDGET, MOST_COST, payload};
pub use limit::{Limit, WARNS_AT};
pub use own::{
    MOST_MODULES, MOST_TRIGGERS, Module, TriggerChange, TriggerDraft, TriggerVersion, UnknownTriggerChange,
};
pub use pace::PaceSaid;
pub use recall::{Mark, Memo, Recall, UnknownMark, Waiting, Wanted};
pub use recipe::Recipe;
pub use replay::{Cast, MOST_REMEMBERED, Needs, Replay, ReplayFault};
pub use rule::{Change, MOST_RULES, Rule, UnknownChange, Version};
pub use shadow::{MOST_DIVERGENCES, MOST_SHADOWS, Shadow, ShadowCounts, Shadowed};
pub use standing::{Standing, UnknownStanding};
pub use store::{RuleFilter, privacy::FINDINGS_REDACTIONS, privacy::REDACTIONS};
