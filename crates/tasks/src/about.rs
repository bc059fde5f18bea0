//! What is a task about? A record, an event, a rule, or anything else that has an id.

/// The longest type and id, in characters.
const LONGEST_TYPE: usize = 50;
const LONGEST_ID: usize = 200;

/// What a task is about, as somebody wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AboutIn {
    /// What kind of thing it is.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What kind of thing it is: `opportunity`, `event`, `rule`.
    pub kind: String,
    /// Its id, as its owner says it.
    pub id: String,
}

impl About {
    /// Checks what somebody wrote.
    ///
    /// # Errors
    /// The faulty part and what is wrong with it.
    pub(crate) fn check(said: AboutIn) -> Result<Self, (&'static str, String)> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if said.kind.is_empty() || said.kind.len() > LONGEST_TYPE || !said.kind.bytes().all(word) {
            let fault = format!("must be 1 to {LONGEST_TYPE} lower-case letters, digits and underscores");
            return Err(("about.type", fault));
        }
        let id = said.id.trim();
        if id.is_empty() || id.chars().count() > LONGEST_ID || id.chars().any(char::is_control) {
            return Err(("about.id", format!("must be 1 to {LONGEST_ID} characters, without line breaks")));
        }
        Ok(Self { kind: said.kind, id: id.to_owned() })
    }
}
