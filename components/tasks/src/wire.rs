//! Which JSON stands for tasks and what is said about them?

use edge::Problem;
use kernel::{Fields, Instant, TenantId};
use pipeline::tasks::{Remark, Seen};
use serde::{Deserialize, Deserializer, Serialize};
use tasks::{AboutIn as About, Assignee, Draft, Filter, MOST_OPEN, Patch, Sort};
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// What a task is about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboutIn {
    /// What kind of thing it is: 1 to 50 lower-case letters, digits and underscores.
    #[serde(rename = "type")]
    #[schema(example = "opportunity")]
    kind: String,
    /// Its id, as its owner says it; 1 to 200 characters.
    #[schema(example = "o-1")]
    id: String,
}

/// A task to be made, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskIn {
    /// What is to be done, in a line; 1 to 200 characters.
    #[schema(required, example = "Call Ada back")]
    title: Option<String>,
    /// What there is to say about it; at most 10,000 characters.
    description: Option<String>,
    /// `low`, `normal`, `high` or `urgent`; `normal` unless this says otherwise.
    priority: Option<String>,
    /// Until which instant (RFC 3339); not beside `due_date`.
    due_at: Option<String>,
    /// Until the end of which day in the tenant's time zone; not beside `due_at`.
    due_date: Option<String>,
    /// Who is to have it: a user's id, an e-mail address (of a user or not), or `me`.
    assignee: Option<String>,
    /// At most 20 labels of 1 to 50 characters.
    labels: Option<Vec<String>>,
    /// What it is about.
    about: Option<AboutIn>,
}

/// What is to be changed of a task; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskPatchIn {
    /// What is to be done, in a line.
    #[serde(default, deserialize_with = "given")]
    title: Option<String>,
    /// What there is to say about it; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// `low`, `normal`, `high` or `urgent`.
    #[serde(default, deserialize_with = "given")]
    priority: Option<String>,
    /// Until which instant, instead of any before; null: until no time.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    due_at: Option<Option<String>>,
    /// Until the end of which day, instead of any before; null: until no time.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    due_date: Option<Option<String>>,
    /// Who is to have it; null: nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    /// All its labels, instead of those before.
    #[serde(default, deserialize_with = "given")]
    labels: Option<Vec<String>>,
    /// What it is about; null: nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AboutIn>)]
    about: Option<Option<AboutIn>>,
    /// `in_progress`, `completed`, `cancelled`; `assigned` or `draft` puts it back or reopens it.
    #[serde(default, deserialize_with = "given")]
    state: Option<String>,
}

/// Who is to have a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignIn {
    /// A user's id, an e-mail address, or `me`; null: nobody.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, example = "ana@example.com")]
    pub(crate) assignee: Option<String>,
}

/// What is to be said about a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentIn {
    /// The text; 1 to 10,000 characters.
    #[schema(example = "She asked for Thursday.")]
    pub(crate) text: String,
}

/// Which tasks are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct TasksQuery {
    /// Only those of somebody: a user's id, an address, `me`, or `none` for those that nobody has.
    assignee: Option<String>,
    /// Only those in this state, or in these, with commas; `open` for those that have not ended, `ended` for the others.
    state: Option<String>,
    /// Only those of this priority.
    priority: Option<String>,
    /// Only those that are to be done before this instant (RFC 3339).
    due_before: Option<String>,
    /// `true`: only those that should have been done by now.
    #[param(value_type = Option<bool>)]
    overdue: Option<String>,
    /// Only those about the thing of this id.
    about: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// Only those in whose title this stands.
    q: Option<String>,
    /// `due`, `priority`, `created_at` or `updated_at`; with `-` before it the last or most comes first. `due` unless named.
    sort: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct PageQuery {
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

impl TasksQuery {
    /// The filter, whose tasks are wanted, and in which order.
    pub(crate) fn read(self, now: Instant) -> Result<(Filter, Option<String>, Sort), Problem> {
        let mut fields = Fields::new();
        let states = self.state.and_then(|text| fields.take("state", text.parse()));
        let priority = self.priority.and_then(|text| fields.take("priority", text.parse()));
        let due_before = self.due_before.and_then(|text| fields.take("due_before", text.parse()));
        let overdue = match self.overdue.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                fields.fault("overdue", "must be true or false");
                false
            }
        };
        let mut word = |name: &str, text: Option<String>| {
            let text = text?;
            if text.is_empty() || text.chars().count() > 200 {
                fields.fault(name, "must be 1 to 200 characters");
            }
            Some(text)
        };
        let (about, label, text) = (word("about", self.about), word("label", self.label), word("q", self.q));
        let sort = self.sort.and_then(|text| fields.take("sort", text.parse()));
        fields.done().map_err(Problem::fields)?;
        let overdue_at = overdue.then_some(now);
        let filter = Filter { assignee: None, states, priority, due_before, overdue_at, about, label, text };
        Ok((filter, self.assignee, sort.unwrap_or_default()))
    }
}

impl From<AboutIn> for About {
    fn from(about: AboutIn) -> Self {
        Self { kind: about.kind, id: about.id }
    }
}

impl From<TaskIn> for Draft {
    fn from(sent: TaskIn) -> Self {
        Self {
            title: sent.title,
            description: sent.description,
            priority: sent.priority,
            due_at: sent.due_at,
            due_date: sent.due_date,
            labels: sent.labels,
            about: sent.about.map(About::from),
            assignee: sent.assignee,
        }
    }
}

impl From<TaskPatchIn> for Patch {
    fn from(sent: TaskPatchIn) -> Self {
        Self {
            title: sent.title,
            description: sent.description,
            priority: sent.priority,
            due_at: sent.due_at,
            due_date: sent.due_date,
            labels: sent.labels,
            about: sent.about.map(|about| about.map(About::from)),
            assignee: sent.assignee,
            state: sent.state,
        }
    }
}

/// What a task is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AboutOut {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    kind: String,
    /// Its id.
    id: String,
}

/// Who has a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssigneeOut {
    /// The user's id; null for somebody who is no user.
    id: Option<String>,
    /// The address; null for a user who is gone.
    email: Option<String>,
    /// What people call the user.
    name: Option<String>,
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskOut {
    /// Its id.
    #[schema(example = "tsk_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// What is to be done, in a line.
    title: String,
    /// What there is to say about it.
    description: Option<String>,
    /// `draft`, `assigned`, `in_progress`, `completed` or `cancelled`.
    state: &'static str,
    /// `low`, `normal`, `high` or `urgent`.
    priority: &'static str,
    /// Who has it; null: nobody.
    assignee: Option<AssigneeOut>,
    /// When it becomes overdue; of a day, when that is over in the tenant's time zone.
    due_at: Option<String>,
    /// The day until whose end it is to be done, if it was said as a day.
    due_date: Option<String>,
    /// Whether it should have been done by now.
    overdue: bool,
    /// Its labels.
    labels: Vec<String>,
    /// What it is about.
    about: Option<AboutOut>,
    /// How many comments it has.
    comment_count: u32,
    /// Who made it: the id of a user, a key, a client or a rule.
    created_by: String,
    /// The event whose rule made it.
    event_id: Option<String>,
    /// The rule that made it.
    rule_id: Option<String>,
    /// The job by which the rule made it.
    job_id: Option<String>,
    /// When it was completed or cancelled.
    ended_at: Option<String>,
    /// Who completed or cancelled it.
    ended_by: Option<String>,
    /// When it was completed.
    completed_at: Option<String>,
    /// Who completed it.
    completed_by: Option<String>,
    /// Grows with each change; also the `ETag`. Comments do not change it.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl TaskOut {
    pub(crate) fn of(tenant: &TenantId, seen: Seen, now: Instant) -> Self {
        let Seen { task, assignee: person } = seen;
        let overdue = task.is_overdue(now);
        let definition = task.definition;
        let assignee = task.assignee.map(|assignee| match assignee {
            Assignee::User(id) => AssigneeOut {
                id: Some(id.to_string()),
                email: person.as_ref().map(|person| person.email.clone()),
                name: person.map(|person| person.name),
            },
            Assignee::Address(address) => {
                AssigneeOut { id: None, email: Some(address.as_str().to_owned()), name: None }
            }
        });
        let (ended_at, ended_by) = task.ended.map(|(at, by)| (at.to_string(), by)).unzip();
        let completed = task.state == tasks::TaskState::Completed;
        Self {
            id: task.id.to_string(),
            tenant_id: tenant.to_string(),
            title: definition.title,
            description: definition.description,
            state: task.state.as_str(),
            priority: definition.priority.as_str(),
            assignee,
            due_at: definition.due.map(|due| due.passes().to_string()),
            due_date: definition.due.and_then(|due| due.as_day()).map(|day| day.to_string()),
            overdue,
            labels: definition.labels,
            about: definition.about.map(|about| AboutOut { kind: about.kind, id: about.id }),
            comment_count: task.comments,
            created_by: task.maker.by,
            event_id: task.maker.event.map(|event| event.to_string()),
            rule_id: task.maker.rule.map(|rule| rule.to_string()),
            job_id: task.maker.job.map(|job| job.to_string()),
            completed_at: ended_at.clone().filter(|_| completed),
            completed_by: ended_by.clone().filter(|_| completed),
            ended_at,
            ended_by,
            version: task.version,
            created_at: task.created_at.to_string(),
            updated_at: task.updated_at.to_string(),
        }
    }
}

/// What somebody said about a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentOut {
    /// Its id.
    #[schema(example = "cmt_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// The task.
    task_id: String,
    /// Who said it: the id of a user, a key or a client.
    author: String,
    /// What people call the user who said it; null for programs, and for users who are gone.
    author_name: Option<String>,
    /// What.
    text: String,
    /// When.
    created_at: String,
    /// When it was changed last; null if it never was.
    edited_at: Option<String>,
}

impl From<Remark> for CommentOut {
    fn from(Remark { comment, author }: Remark) -> Self {
        Self {
            author_name: author.map(|person| person.name),
            id: comment.id.to_string(),
            task_id: comment.task.to_string(),
            author: comment.author,
            text: comment.text,
            created_at: comment.created_at.to_string(),
            edited_at: comment.edited_at.map(|at| at.to_string()),
        }
    }
}

/// How much there may be of something, and how much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskLimitOut {
    /// How many there are.
    used: i64,
    /// How many there may be.
    limit: u32,
}

/// How many tasks there may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskLimitsOut {
    /// Tasks that have not ended. What has ended is not counted, and goes after as many days as the tenant says.
    open_tasks: TaskLimitOut,
    /// Comments of one task.
    comments_per_task: u32,
    /// Labels of one task.
    labels_per_task: usize,
}

impl TaskLimitsOut {
    pub(crate) fn of(open: i64) -> Self {
        Self {
            open_tasks: TaskLimitOut { used: open, limit: MOST_OPEN },
            comments_per_task: tasks::MOST_COMMENTS,
            labels_per_task: tasks::MOST_LABELS,
        }
    }
}
