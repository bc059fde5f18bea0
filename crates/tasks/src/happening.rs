//! What is told when something happens to a task? The events that rules can be bound to, with their data.

use crate::{Assignee, Changed, Comment, Task, TaskState};
use kernel::Instant;
use serde_json::{Map, Value, json};

/// Something that happened to a task: an event that is to be raised.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The trigger that it sets off.
    pub trigger: &'static str,
    /// Its data.
    pub data: Value,
}

/// What happened by a change that `by` made, in the order in which it is told. People are said by their address, which
/// `address` knows of users; unknown ones by their id.
#[must_use]
pub fn happenings(
    changed: &Changed,
    by: &str,
    address: impl Fn(&Assignee) -> Option<String>,
) -> Vec<Happening> {
    if changed.change().is_none() {
        return Vec::new();
    }
    let name = |assignee: &Assignee| json!(address(assignee).unwrap_or_else(|| assignee.key().to_owned()));
    let mut data = facts(&changed.after, &address);
    data.insert("changed_by".to_owned(), json!(by));
    let mut all = Vec::new();
    let mut tell = |trigger, data| all.push(Happening { trigger, data: Value::Object(data) });
    match &changed.before {
        None => tell("task_created", data.clone()),
        Some(_) => {
            let mut updated = data.clone();
            let mut changes = Map::new();
            for difference in changed.differences(name) {
                // Conditions on a change look at these two.
                if difference.field != "description" {
                    let said = [("old", &difference.old), ("new", &difference.new)];
                    for (word, value) in said.into_iter().filter(|(_, value)| !value.is_null()) {
                        updated.insert(format!("{word}_{}", difference.field), value.clone());
                    }
                }
                let both = json!({"old": difference.old, "new": difference.new});
                changes.insert(difference.field.to_owned(), both);
            }
            updated.insert("changes".to_owned(), Value::Object(changes));
            tell("task_updated", updated);
        }
    }
    if let Some(assignee) = changed.newly_assigned() {
        let mut assigned = data.clone();
        let had = changed.before.as_ref().and_then(|before| before.assignee.as_ref());
        if let Some(had) = had {
            assigned.insert("old_assignee".to_owned(), name(had));
        }
        assigned.insert("new_assignee".to_owned(), name(assignee));
        tell("task_assigned", assigned);
    }
    let was = changed.before.as_ref().map(|before| before.state);
    if changed.after.state == TaskState::Completed && was != Some(TaskState::Completed) {
        tell("task_completed", data);
    }
    all
}

/// What is told when a task was due and has not ended.
#[must_use]
pub fn overdue(task: &Task, address: impl Fn(&Assignee) -> Option<String>) -> Happening {
    Happening { trigger: "task_overdue", data: Value::Object(facts(task, &address)) }
}

/// What is told when somebody said something about a task.
#[must_use]
pub fn commented(task: &Task, comment: &Comment, address: impl Fn(&Assignee) -> Option<String>) -> Happening {
    let mut data = facts(task, &address);
    data.insert("comment_id".to_owned(), json!(comment.id.as_str()));
    data.insert("comment".to_owned(), json!(comment.text));
    data.insert("changed_by".to_owned(), json!(comment.author));
    Happening { trigger: "task_commented", data: Value::Object(data) }
}

/// What rules may know of a task: flat, and without what is not there.
fn facts(task: &Task, address: &impl Fn(&Assignee) -> Option<String>) -> Map<String, Value> {
    let definition = &task.definition;
    let assignee = task.assignee.as_ref();
    let about = definition.about.as_ref();
    let due = definition.due;
    let at = |at: Instant| json!(at.to_string());
    let pairs = [
        ("task_id", json!(task.id.as_str())),
        ("title", json!(definition.title)),
        ("description", json!(definition.description)),
        ("state", json!(task.state.as_str())),
        ("priority", json!(definition.priority.as_str())),
        ("assignee", json!(assignee.map(|one| address(one).unwrap_or_else(|| one.key().to_owned())))),
        ("assignee_id", json!(assignee.and_then(Assignee::user).map(kernel::UserId::as_str))),
        ("due_at", due.map_or(Value::Null, |due| at(due.passes()))),
        ("due_date", json!(due.and_then(|due| due.as_day()).map(|day| day.to_string()))),
        ("labels", json!(definition.labels)),
        ("about_type", json!(about.map(|about| &about.kind))),
        ("about_id", json!(about.map(|about| &about.id))),
        ("created_by", json!(task.maker.by)),
        ("created_at", at(task.created_at)),
    ];
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Priority,
        task::stage::{ana, at, task},
    };

    fn nobody(_: &Assignee) -> Option<String> {
        None
    }

    fn told(before: Option<Task>, after: Task) -> Vec<Happening> {
        happenings(&Changed { before, after }, "usr_9", nobody)
    }

    fn triggers(all: &[Happening]) -> Vec<&str> {
        all.iter().map(|one| one.trigger).collect()
    }

    #[test]
    fn what_is_told_of_what() {
        assert_eq!(triggers(&told(None, task(None))), ["task_created"]);
        assert_eq!(triggers(&told(None, task(Some(ana())))), ["task_created", "task_assigned"]);
        let was = task(None);
        assert_eq!(told(Some(was.clone()), was.clone()), []);
        let given = was.clone().assigned(Some(ana())).unwrap();
        let all = told(Some(was.clone()), given.clone());
        assert_eq!(triggers(&all), ["task_updated", "task_assigned"]);
        assert_eq!(all[1].data["new_assignee"], "ana@example.com");
        assert!(all[1].data.get("old_assignee").is_none());
        assert_eq!(all[0].data["changes"]["assignee"], json!({"old": null, "new": "ana@example.com"}));
        assert_eq!(
            (&all[0].data["old_state"], &all[0].data["new_state"]),
            (&json!("draft"), &json!("assigned"))
        );
        let done = given.clone().completed("usr_9", at(5)).unwrap();
        assert_eq!(triggers(&told(Some(given.clone()), done)), ["task_updated", "task_completed"]);
        let taken = given.clone().assigned(None).unwrap();
        assert_eq!(triggers(&told(Some(given), taken)), ["task_updated"]);
    }

    #[test]
    fn people_are_said_by_their_address() {
        let mut after = task(Some("usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()));
        after.definition.priority = Priority::High;
        let all =
            happenings(&Changed { before: None, after }, "rul_1", |_| Some("ben@example.com".to_owned()));
        let data = &all[1].data;
        assert_eq!(data["assignee"], "ben@example.com");
        assert_eq!(data["assignee_id"], "usr_01hf7yat00zzzzzzzzzzzzzzzz");
        assert_eq!((&data["priority"], &data["changed_by"]), (&json!("high"), &json!("rul_1")));
        assert!(data.get("due_at").is_none() && data.get("description").is_none());
    }
}
