//! What is said about a task, and by whom?

use kernel::{Actor, CommentId, FieldFault, Instant, TaskId};

/// The longest comment, in characters.
pub const LONGEST_COMMENT: usize = 10_000;
/// The most comments of a task.
pub const MOST_COMMENTS: u32 = 2_000;

/// The text of a comment, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// Checks a text: not empty, at most 10,000 characters. Control characters but tabs and ends of line are dropped.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, Vec<FieldFault>> {
        let text: String =
            text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect();
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_COMMENT {
            return Err(vec![FieldFault::new("text", format!("must be 1 to {LONGEST_COMMENT} characters"))]);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody said about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The task.
    pub task: TaskId,
    /// Who said it: the id of a user, a key or a client.
    pub author: String,
    /// What.
    pub text: String,
    /// When.
    pub created_at: Instant,
    /// When it was changed last, if it was.
    pub edited_at: Option<Instant>,
}

impl Comment {
    /// Whether `actor` said it.
    #[must_use]
    pub fn is_by(&self, actor: &Actor) -> bool {
        self.author == actor.name()
    }
}
