//! What of tasks names people?

use db::{DbError, Decode, Redaction, Row, Scope, Value};
use kernel::Person;
use serde_json::json;

/// Where tasks and comments may name somebody.
pub const REDACTIONS: [Redaction; 2] = [
    Redaction {
        name: "tasks",
        window: "SELECT task_id AS id FROM tasks WHERE tenant_id = ?1 AND task_id > ?2 ORDER BY task_id LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(task_id, title, description, assignee, labels, about_id) AS id FROM tasks
            WHERE tenant_id = ?1 AND task_id > ?2 AND task_id <= coalesce(?3, 'tsk_~') AND (instr(lower(title), ?4)
                OR instr(lower(description), ?4) OR instr(assignee, ?4) OR instr(lower(labels), ?4)
                OR instr(lower(about_id), ?4))",
        write: "UPDATE tasks SET title = new.value ->> 1, description = new.value ->> 2, assignee = new.value ->> 3,
            labels = new.value ->> 4, about_id = new.value ->> 5
            FROM json_each(?2) AS new WHERE tasks.tenant_id = ?1 AND tasks.task_id = new.value ->> 0",
    },
    Redaction {
        name: "task_comments",
        window: "SELECT task_id AS id FROM task_comments WHERE tenant_id = ?1 AND task_id > ?2 ORDER BY task_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(json_array(task_id, comment_id), text) AS id FROM task_comments
            WHERE tenant_id = ?1 AND task_id > ?2 AND task_id <= coalesce(?3, 'tsk_~') AND instr(lower(text), ?4)",
        write: "UPDATE task_comments SET text = new.value ->> 1 FROM json_each(?2) AS new
            WHERE task_comments.tenant_id = ?1 AND task_comments.task_id = new.value ->> '$[0][0]'
            AND task_comments.comment_id = new.value ->> '$[0][1]'",
    },
];

const TASKS: &str = "SELECT task_id AS id, json_object('id', task_id, 'title', title, 'description', description, 'state', state,
        'assignee', assignee, 'created_by', created_by, 'ended_by', ended_by, 'due_date', due_date,
        'due_at', strftime('%Y-%m-%dT%H:%M:%fZ', due_at / 1000.0, 'unixepoch'),
        'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
        'ended_at', strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch')) AS item
    FROM tasks WHERE tenant_id = ?1 AND task_id > ?2
        AND (assignee IN (SELECT value FROM json_each(?3)) OR created_by = ?4 OR ended_by = ?4)
    ORDER BY task_id LIMIT ?5";
const COMMENTS: &str =
    "SELECT comment_id AS id, json_object('id', comment_id, 'task_id', task_id, 'text', text,
        'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
        'edited_at', strftime('%Y-%m-%dT%H:%M:%fZ', edited_at / 1000.0, 'unixepoch')) AS item
    FROM task_comments WHERE tenant_id = ?1 AND author = ?2 AND comment_id > ?3 ORDER BY comment_id LIMIT ?4";

/// What is held of somebody, as JSON, under its id.
struct Item(String, String);

impl Decode for Item {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("id")?, row.get("item")?))
    }
}

/// The tasks that a person has, made or ended, after the id `after`, as JSON.
pub(crate) async fn tasks(
    scope: &mut Scope<'_>,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    let keys = json!([person.id.as_str(), person.email.to_lowercase()]).to_string();
    let parameters = [after.into(), Value::Text(keys), (&person.id).into(), most.into()];
    let items: Vec<Item> = scope.all(TASKS, parameters).await?;
    Ok(items.into_iter().map(|Item(id, item)| (id, item)).collect())
}

/// The comments that a person wrote, after the id `after`, as JSON.
pub(crate) async fn comments(
    scope: &mut Scope<'_>,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    let items: Vec<Item> = scope.all(COMMENTS, [(&person.id).into(), after.into(), most.into()]).await?;
    Ok(items.into_iter().map(|Item(id, item)| (id, item)).collect())
}
