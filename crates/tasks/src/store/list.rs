//! The list of tasks. Only what is asked for stands in the statement, so that SQLite finds the right index.

use super::task::columns;
use crate::{
    AssigneeFilter, Filter, Sort, StateFilter, Task,
    list::{NEVER, Place, RANK},
};
use db::{DbError, Scope, Value};
use serde_json::json;

const SELECT: &str = concat!("SELECT ", columns!(), " FROM tasks");
const DUE: &str = "coalesce(due_at, 9007199254740991)";
const DUE_LAST: &str = "coalesce(due_at, -1)";
const PRIORITY: &str = "priority * 18014398509481984 + coalesce(due_at, 9007199254740991)";
const PRIORITY_MOST: &str = "(4 - priority) * 18014398509481984 + coalesce(due_at, 9007199254740991)";

// The numbers in the expressions above, which those of the indexes repeat.
const _: () = assert!(NEVER == 9_007_199_254_740_991 && RANK == 18_014_398_509_481_984);

/// What of a tenant's tasks the caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visible {
    /// All.
    Everything,
    /// These, and those of the person who asks.
    Some {
        /// Ids of tasks.
        tasks: Vec<String>,
        /// What the person is known by.
        own: Vec<String>,
    },
}

/// A statement that is being put together.
struct Query {
    sql: String,
    parameters: Vec<Value>,
}

impl Query {
    /// Keeps a value and gives what stands for it in the statement; the tenant is `?1`.
    fn place(&mut self, value: impl Into<Value>) -> String {
        self.parameters.push(value.into());
        format!("?{}", self.parameters.len().saturating_add(1))
    }

    /// Adds a clause.
    fn and(&mut self, clause: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(clause);
    }

    /// Adds a clause in which `{}` stands for the value.
    fn clause(&mut self, clause: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.and(&clause.replace("{}", &place));
    }
}

impl Sort {
    /// The expression that rows are sorted by, and whether the greatest comes first.
    const fn expression(self) -> (&'static str, bool) {
        match self {
            Self::Due => (DUE, false),
            Self::DueLast => (DUE_LAST, true),
            Self::Priority => (PRIORITY, false),
            Self::PriorityMost => (PRIORITY_MOST, false),
            Self::Created => ("created_at", false),
            Self::CreatedLast => ("created_at", true),
            Self::Updated => ("updated_at", false),
            Self::UpdatedLast => ("updated_at", true),
        }
    }
}

/// Tasks after `after`, `count` at most.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    visible: &Visible,
    filter: &Filter,
    sort: Sort,
    after: Option<&Place>,
    count: i64,
) -> Result<Vec<Task>, DbError> {
    let query = query(visible, filter, sort, after, count);
    scope.all(&query.sql, query.parameters).await
}

fn query(visible: &Visible, filter: &Filter, sort: Sort, after: Option<&Place>, count: i64) -> Query {
    let index = index(filter, sort).map(|name| format!(" INDEXED BY {name}")).unwrap_or_default();
    let sql = format!("{SELECT}{index} WHERE tenant_id = ?1");
    let mut query = Query { sql, parameters: Vec::new() };
    if let Visible::Some { tasks, own } = visible {
        let (tasks, own) = (query.place(json!(tasks).to_string()), query.place(json!(own).to_string()));
        query.and(&format!(
            "(task_id IN (SELECT value FROM json_each({tasks})) OR assignee IN (SELECT value FROM json_each({own})))"
        ));
    }
    filtered(&mut query, filter);
    let (key, descending) = sort.expression();
    if let Some(after) = after {
        let (last, id) = (query.place(after.key), query.place(&after.id));
        let beyond = if descending { '<' } else { '>' };
        // The first comparison is what an index can be entered by.
        query.and(&format!("{key} {beyond}= {last} AND ({key} {beyond} {last} OR task_id {beyond} {id})"));
    }
    let direction = if descending { "DESC" } else { "ASC" };
    let count = query.place(count);
    query.sql.push_str(&format!(" ORDER BY {key} {direction}, task_id {direction} LIMIT {count}"));
    query
}

/// The index to read by, where SQLite cannot know how few rows that are: somebody's, those about a thing, and those that
/// have not ended, beside all others.
fn index(filter: &Filter, sort: Sort) -> Option<&'static str> {
    if filter.about.is_some() {
        return Some("tasks_by_thing");
    }
    if matches!(filter.assignee, Some(AssigneeFilter::Somebody(_))) {
        return Some("tasks_by_assignee");
    }
    let open = matches!(filter.states, Some(StateFilter::Open)) || filter.overdue_at.is_some();
    match sort {
        Sort::Due if open => Some("tasks_open"),
        Sort::PriorityMost if open => Some("tasks_open_by_priority"),
        Sort::Due
        | Sort::DueLast
        | Sort::Priority
        | Sort::PriorityMost
        | Sort::Created
        | Sort::CreatedLast
        | Sort::Updated
        | Sort::UpdatedLast => None,
    }
}

fn filtered(query: &mut Query, filter: &Filter) {
    match &filter.states {
        Some(StateFilter::Open) => query.and("ended_at IS NULL"),
        Some(StateFilter::Ended) => query.and("ended_at IS NOT NULL"),
        Some(StateFilter::OneOf(states)) => {
            if states.iter().all(|state| state.is_open()) {
                query.and("ended_at IS NULL");
            }
            let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
            query.clause("state IN (SELECT value FROM json_each({}))", json!(names).to_string());
        }
        None => {}
    }
    match &filter.assignee {
        Some(AssigneeFilter::Somebody(keys)) => {
            query.and("assignee IS NOT NULL");
            query.clause("assignee IN (SELECT value FROM json_each({}))", json!(keys).to_string());
        }
        Some(AssigneeFilter::Nobody) => query.and("assignee IS NULL"),
        None => {}
    }
    if let Some(priority) = filter.priority {
        query.clause("priority = {}", priority.rank());
    }
    if let Some(limit) = filter.due_before {
        query.clause("due_at < {}", limit);
    }
    if let Some(now) = filter.overdue_at {
        query.and("ended_at IS NULL");
        query.clause("due_at <= {}", now);
    }
    if let Some(about) = &filter.about {
        query.and("about_id IS NOT NULL");
        query.clause("about_id = {}", about);
    }
    if let Some(label) = &filter.label {
        query.clause("EXISTS (SELECT 1 FROM json_each(labels) WHERE value = {})", label);
    }
    if let Some(text) = &filter.text {
        query.clause("instr(lower(title), lower({})) > 0", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::{Row, native::Native};
    use futures::executor::block_on;
    use kernel::{Cursor, Instant, TenantId};

    struct Detail(String);
    impl db::Decode for Detail {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            row.get("detail").map(Self)
        }
    }

    /// How SQLite means to run the statement.
    fn plan(filter: &Filter, sort: Sort, goes_on: bool) -> String {
        let db = Native::memory().unwrap();
        let tenant: TenantId = "acme-corp".parse().unwrap();
        let after = Place::read(&Cursor::after("5 tsk_01hf7yat00zzzzzzzzzzzzzzzz")).unwrap();
        let query = query(&Visible::Everything, filter, sort, goes_on.then_some(&after), 51);
        let sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
        block_on(async {
            let mut lease = db.read().await.unwrap();
            let rows: Vec<Detail> = lease.scope(&tenant).unwrap().all(&sql, query.parameters).await.unwrap();
            rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn lists_are_read_in_the_order_of_an_index() {
        let open = || Filter { states: Some(StateFilter::Open), ..Filter::default() };
        let somebody = Some(AssigneeFilter::Somebody(vec!["a@b".to_owned()]));
        for (filter, sort, index) in [
            (open(), Sort::Due, "tasks_open "),
            (open(), Sort::PriorityMost, "tasks_open_by_priority "),
            (Filter::default(), Sort::Due, "tasks_by_due "),
            (Filter::default(), Sort::CreatedLast, "tasks_by_creation "),
            (Filter::default(), Sort::UpdatedLast, "tasks_by_change "),
            (
                Filter { overdue_at: Some(Instant::from_millis(9)), ..Filter::default() },
                Sort::Due,
                "tasks_open ",
            ),
        ] {
            for goes_on in [false, true] {
                let plan = plan(&filter, sort, goes_on);
                assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{filter:?} {sort:?}: {plan}");
                // The next page begins where the last one ended, not at the beginning.
                assert!(
                    !goes_on || plan.contains(">?") || plan.contains("<?"),
                    "{filter:?} {sort:?}: {plan}"
                );
            }
        }
        for (filter, index) in [
            (Filter { assignee: somebody, ..open() }, "tasks_by_assignee "),
            (Filter { about: Some("o-1".to_owned()), ..Filter::default() }, "tasks_by_thing "),
        ] {
            let plan = plan(&filter, Sort::Due, false);
            assert!(plan.contains(index), "{filter:?}: {plan}");
        }
    }
}
