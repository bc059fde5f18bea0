//! What can be said in a rule? Conditions over an event, the record that it is about and the time; expressions; templates.
//!
//! All of it is pure: what is read once is asked often, with [`Facts`] in and a [`Verdict`] or a text out, the same on every
//! machine. Nothing runs longer than its budget.

mod cel;
mod clause;
mod condition;
mod cost;
pub mod duration;
mod evaluate;
mod expression;
mod facts;
pub mod kind;
mod moment;
mod number;
mod part;
mod path;
pub mod payload;
mod proof;
mod question;
mod reach;
pub mod template;
mod value;
mod verdict;
mod vocabulary;
pub mod words;

pub use condition::{Conditions, DEEPEST, Key, MOST_CLAUSES, key_of};
pub use cost::{BUDGET, MOST_COST};
pub use evaluate::Look;
pub use facts::{Facts, Occasion};
pub use moment::{Moment, When, WhenError};
pub use part::{Part, PartFinder};
pub use path::{FieldPath, PathError};
pub use proof::{Contradiction, Ground};
pub use reach::Reach;
pub use verdict::{Outcome, Verdict};
pub use vocabulary::{Fields, Holds, Known, Vocabulary};
