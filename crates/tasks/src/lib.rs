//! Who has to do what, and until when? Tasks, who has them, and what is said about them.
//!
//! Decisions are pure: [`Task`] and its transitions, [`Change`] between two of them, and what is told of it
//! ([`happenings`]). [`service`] keeps tasks and comments; whoever brings areas together raises what happened.

mod about;
mod assignee;
mod change;
mod comment;
mod definition;
mod due;
mod error;
mod happening;
mod label;
mod list;
mod priority;
pub mod service;
mod state;
mod store;
mod task;

pub use about::{About, AboutIn};
pub use assignee::{Address, Assignee, Named, NamedError};
pub use change::{Change, Changed, Difference};
pub use comment::{Comment, LONGEST_COMMENT, MOST_COMMENTS, Said};
pub use definition::{Definition, Draft, Edit, NewTask, Patch};
pub use due::{Due, DueError};
pub use error::TaskError;
pub use happening::{Happening, commented, happenings, overdue};
pub use label::{LONGEST_LABEL, MOST_LABELS};
pub use list::{AssigneeFilter, Filter, Sort, StateFilter, UnknownSort};
pub use priority::{Priority, UnknownPriority};
pub use state::{TaskState, UnknownState};
pub use store::privacy::REDACTIONS;
pub use task::{MOST_OPEN, Maker, Task};

/// The module that tasks belong to: what permissions for a module, and triggers, are bound to.
pub const MODULE: &str = "tasks";
