//! What does a task say? Title, text, priority, time, labels, what it is about: every field checked, all faults at once.

use crate::{About, AboutIn, Due, Named, Priority, TaskState, label};
use kernel::{FieldFault, Fields, Zone};

/// The longest title, in characters.
const LONGEST_TITLE: usize = 200;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 10_000;

/// A task as somebody wrote it: nothing is checked yet, and what is left out is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What is to be done, in a line.
    pub title: Option<String>,
    /// What there is to say about it.
    pub description: Option<String>,
    /// How much it matters; `normal` unless this says otherwise.
    pub priority: Option<String>,
    /// Until which instant.
    pub due_at: Option<String>,
    /// Until the end of which day.
    pub due_date: Option<String>,
    /// Words to sort it by.
    pub labels: Option<Vec<String>>,
    /// What it is about.
    pub about: Option<AboutIn>,
    /// Who has it: a user's id, an address, or `me`.
    pub assignee: Option<String>,
}

/// What a task says: every field checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What is to be done, in a line.
    pub title: String,
    /// What there is to say about it.
    pub description: Option<String>,
    /// How much it matters.
    pub priority: Priority,
    /// Until when.
    pub due: Option<Due>,
    /// Words to sort it by.
    pub labels: Vec<String>,
    /// What it is about.
    pub about: Option<About>,
}

/// A task that is to be, checked; nobody has looked yet who the assignee is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// What it says.
    pub definition: Definition,
    /// Who is to have it.
    pub assignee: Option<Named>,
}

/// Changes to some fields as somebody wrote them: what is `None` stays, `Some(None)` takes away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Another title.
    pub title: Option<String>,
    /// Another description.
    pub description: Option<Option<String>>,
    /// Another priority.
    pub priority: Option<String>,
    /// Another instant until which it is to be done, in place of whatever was said before.
    pub due_at: Option<Option<String>>,
    /// Another day until whose end it is to be done, in place of whatever was said before.
    pub due_date: Option<Option<String>>,
    /// Other labels.
    pub labels: Option<Vec<String>>,
    /// Something else that it is about.
    pub about: Option<Option<AboutIn>>,
    /// Somebody else.
    pub assignee: Option<Option<String>>,
    /// Another state.
    pub state: Option<String>,
}

/// Changes to some fields, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    title: Option<String>,
    description: Option<Option<String>>,
    priority: Option<Priority>,
    due: Option<Option<Due>>,
    labels: Option<Vec<String>>,
    about: Option<Option<About>>,
    /// Somebody else, or nobody.
    pub assignee: Option<Option<Named>>,
    /// Another state.
    pub state: Option<TaskState>,
}

impl Draft {
    /// Checks every field; days are those of `zone`.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn check(self, zone: &Zone) -> Result<NewTask, Vec<FieldFault>> {
        let mut fields = Fields::new();
        if self.title.is_none() {
            fields.fault("title", "is missing: say what is to be done");
        }
        let title = self.title.and_then(|text| title(&text, &mut fields));
        let description = self.description.and_then(|text| description(&text, &mut fields));
        let priority = self.priority.and_then(|text| fields.take("priority", text.parse()));
        let due = due(self.due_at, self.due_date, zone, &mut fields);
        let labels = self.labels.and_then(|labels| checked_labels(labels, &mut fields)).unwrap_or_default();
        let about = self.about.and_then(|about| checked_about(about, &mut fields));
        let assignee = self.assignee.and_then(|text| fields.take("assignee", text.parse()));
        let definition = title.map(|title| Definition {
            title,
            description,
            priority: priority.unwrap_or_default(),
            due,
            labels,
            about,
        });
        fields.give(definition.map(|definition| NewTask { definition, assignee }))
    }
}

impl Patch {
    /// Checks every field; days are those of `zone`.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn check(self, zone: &Zone) -> Result<Edit, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let said_due = self.due_at.is_some() || self.due_date.is_some();
        let due = due(self.due_at.flatten(), self.due_date.flatten(), zone, &mut fields);
        let edit = Edit {
            title: self.title.and_then(|text| title(&text, &mut fields)),
            description: self.description.map(|text| text.and_then(|text| description(&text, &mut fields))),
            priority: self.priority.and_then(|text| fields.take("priority", text.parse())),
            due: said_due.then_some(due),
            labels: self.labels.and_then(|labels| checked_labels(labels, &mut fields)),
            about: self.about.map(|about| about.and_then(|about| checked_about(about, &mut fields))),
            assignee: self.assignee.map(|text| text.and_then(|text| fields.take("assignee", text.parse()))),
            state: self.state.and_then(|text| fields.take("state", text.parse())),
        };
        fields.done().map(|()| edit)
    }
}

impl Edit {
    /// What the definition says once the changes are laid over it.
    #[must_use]
    pub fn over(&self, was: &Definition) -> Definition {
        Definition {
            title: self.title.clone().unwrap_or_else(|| was.title.clone()),
            description: self.description.clone().unwrap_or_else(|| was.description.clone()),
            priority: self.priority.unwrap_or(was.priority),
            due: self.due.unwrap_or(was.due),
            labels: self.labels.clone().unwrap_or_else(|| was.labels.clone()),
            about: self.about.clone().unwrap_or_else(|| was.about.clone()),
        }
    }
}

fn title(text: &str, fields: &mut Fields) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TITLE || text.chars().any(char::is_control) {
        fields.fault("title", format!("must be 1 to {LONGEST_TITLE} characters, without line breaks"));
        return None;
    }
    Some(text.to_owned())
}

/// The text without control characters but tabs and ends of line; an empty one is none.
fn description(text: &str, fields: &mut Fields) -> Option<String> {
    let text: String =
        text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect();
    if text.chars().count() > LONGEST_DESCRIPTION {
        fields.fault("description", format!("must be at most {LONGEST_DESCRIPTION} characters"));
        return None;
    }
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn due(at: Option<String>, day: Option<String>, zone: &Zone, fields: &mut Fields) -> Option<Due> {
    match (at, day) {
        (None, None) => None,
        (Some(at), None) => fields.take("due_at", Due::at(&at)),
        (None, Some(day)) => fields.take("due_date", Due::day(&day, zone)),
        (Some(_), Some(_)) => {
            fields.fault("due_date", "cannot stand beside due_at: name an instant or a day");
            None
        }
    }
}

fn checked_labels(labels: Vec<String>, fields: &mut Fields) -> Option<Vec<String>> {
    label::check(labels).map_err(|(field, message)| fields.fault(field, message)).ok()
}

fn checked_about(about: AboutIn, fields: &mut Fields) -> Option<About> {
    About::check(about).map_err(|(field, message)| fields.fault(field, message)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<T>(outcome: Result<T, Vec<FieldFault>>) -> Vec<String> {
        outcome.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faulty_fields_are_told_at_once() {
        let draft = Draft {
            title: Some("a\nb".to_owned()),
            description: Some("x".repeat(10_001)),
            priority: Some("huge".to_owned()),
            due_at: Some("2026-01-01T00:00:00Z".to_owned()),
            due_date: Some("2026-01-01".to_owned()),
            labels: Some(vec!["ok".to_owned(), " ".to_owned()]),
            about: Some(AboutIn { kind: "Deal".to_owned(), id: "o-1".to_owned() }),
            assignee: Some("ana".to_owned()),
        };
        assert_eq!(
            faults(draft.check(&Zone::UTC)),
            [
                "title: must be 1 to 200 characters, without line breaks",
                "description: must be at most 10000 characters",
                "priority: must be one of low, normal, high, urgent",
                "due_date: cannot stand beside due_at: name an instant or a day",
                "labels[1]: must be 1 to 50 characters, without line breaks",
                "about.type: must be 1 to 50 lower-case letters, digits and underscores",
                "assignee: must be a user's id (usr_…), an e-mail address, or `me` for the person who asks",
            ]
        );
        assert_eq!(faults(Draft::default().check(&Zone::UTC)), ["title: is missing: say what is to be done"]);
        let patch = Patch { state: Some("done".to_owned()), ..Patch::default() };
        assert_eq!(
            faults(patch.check(&Zone::UTC)),
            ["state: must be one of draft, assigned, in_progress, completed, cancelled"]
        );
    }

    #[test]
    fn what_an_edit_does_not_name_stays() {
        let draft = Draft {
            title: Some(" Call back ".to_owned()),
            due_date: Some("2026-01-31".to_owned()),
            labels: Some(vec!["a".to_owned(), "a".to_owned(), "b".to_owned()]),
            ..Draft::default()
        };
        let was = draft.check(&Zone::UTC).unwrap().definition;
        assert_eq!((was.title.as_str(), was.labels.len()), ("Call back", 2));
        let over = |patch: Patch| patch.check(&Zone::UTC).unwrap().over(&was);
        assert_eq!(over(Patch::default()), was);
        let at = over(Patch { due_at: Some(Some("2026-01-01T00:00:00Z".to_owned())), ..Patch::default() });
        assert_eq!(at.due, Some(Due::at("2026-01-01T00:00:00Z").unwrap()));
        assert_eq!(over(Patch { due_date: Some(None), ..Patch::default() }).due, None);
        assert_eq!(over(Patch { description: Some(Some("  ".to_owned())), ..Patch::default() }), was);
    }
}
