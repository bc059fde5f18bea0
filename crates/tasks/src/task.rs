//! What is a task, and how does it get from one state to another? Each transition takes the task and gives its next version;
//! a move that is not allowed is a [`TaskError`].

use crate::{Assignee, Definition, TaskError, TaskState};
use kernel::{EventId, Instant, JobId, RuleId, TaskId};

/// The most tasks of a tenant that have not ended.
pub const MOST_OPEN: u32 = 50_000;

/// Who made a task, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maker {
    /// The id of a user, a key or a client; of a rule, if a rule made it.
    pub by: String,
    /// The event whose rule made it.
    pub event: Option<EventId>,
    /// The rule that made it.
    pub rule: Option<RuleId>,
    /// The job by which the rule made it: a job makes one task.
    pub job: Option<JobId>,
}

/// Something that somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it says.
    pub definition: Definition,
    /// Where it is.
    pub state: TaskState,
    /// Who has it.
    pub assignee: Option<Assignee>,
    /// Who made it.
    pub maker: Maker,
    /// When it ended, and who ended it: the id of a user, a key or a client.
    pub ended: Option<(Instant, String)>,
    /// When it was told that the task is overdue; `None` if it was not, or is due at another time since.
    pub overdue_at: Option<Instant>,
    /// How many comments it has.
    pub comments: u32,
    /// 1 when it is made; one more with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl Task {
    /// A task that is new at `now`.
    #[must_use]
    pub fn new(
        id: TaskId,
        definition: Definition,
        assignee: Option<Assignee>,
        maker: Maker,
        now: Instant,
    ) -> Self {
        Self {
            id,
            definition,
            state: waiting(assignee.as_ref()),
            assignee,
            maker,
            ended: None,
            overdue_at: None,
            comments: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether it should have been done by `now`.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.state.is_open() && self.definition.due.is_some_and(|due| due.passes() <= now)
    }

    /// The task with another definition. One that is due at another time is told again when that has passed.
    #[must_use]
    pub fn redefined(self, definition: Definition) -> Self {
        let overdue_at = if definition.due == self.definition.due { self.overdue_at } else { None };
        Self { definition, overdue_at, ..self }
    }

    /// The task in somebody else's hands, who has not begun it; or in nobody's.
    ///
    /// # Errors
    /// [`TaskError::Ended`].
    pub fn assigned(self, to: Option<Assignee>) -> Result<Self, TaskError> {
        if self.assignee == to {
            return Ok(self);
        }
        if !self.state.is_open() {
            return Err(TaskError::Ended(self.state));
        }
        Ok(Self { state: waiting(to.as_ref()), assignee: to, ..self })
    }

    /// The task, begun.
    ///
    /// # Errors
    /// [`TaskError::Ended`], [`TaskError::Unassigned`].
    pub fn started(self) -> Result<Self, TaskError> {
        match self.state {
            TaskState::Assigned | TaskState::InProgress => Ok(Self { state: TaskState::InProgress, ..self }),
            TaskState::Draft => Err(TaskError::Unassigned),
            TaskState::Completed | TaskState::Cancelled => Err(TaskError::Ended(self.state)),
        }
    }

    /// The task, done.
    ///
    /// # Errors
    /// [`TaskError::Ended`] if it was cancelled.
    pub fn completed(self, by: &str, now: Instant) -> Result<Self, TaskError> {
        self.ended(TaskState::Completed, by, now)
    }

    /// The task, given up.
    ///
    /// # Errors
    /// [`TaskError::Ended`] if it was completed.
    pub fn cancelled(self, by: &str, now: Instant) -> Result<Self, TaskError> {
        self.ended(TaskState::Cancelled, by, now)
    }

    fn ended(self, state: TaskState, by: &str, now: Instant) -> Result<Self, TaskError> {
        if self.state == state {
            return Ok(self);
        }
        if !self.state.is_open() {
            return Err(TaskError::Ended(self.state));
        }
        Ok(Self { state, ended: Some((now, by.to_owned())), ..self })
    }

    /// The task, to be done after all: by whoever had it. One that has not ended stays as it is.
    #[must_use]
    pub fn reopened(self) -> Self {
        if self.state.is_open() {
            return self;
        }
        Self { state: waiting(self.assignee.as_ref()), ended: None, ..self }
    }

    /// The task in the state that somebody names, by whatever transition leads there.
    ///
    /// # Errors
    /// [`TaskError::Ended`], [`TaskError::Unassigned`], [`TaskError::HasAssignee`].
    pub fn moved(self, to: TaskState, by: &str, now: Instant) -> Result<Self, TaskError> {
        if self.state == to {
            return Ok(self);
        }
        match to {
            TaskState::InProgress => self.started(),
            TaskState::Completed => self.completed(by, now),
            TaskState::Cancelled => self.cancelled(by, now),
            TaskState::Assigned if self.assignee.is_none() => Err(TaskError::Unassigned),
            TaskState::Draft if self.assignee.is_some() => Err(TaskError::HasAssignee),
            // Whoever has begun puts it back; what has ended comes back.
            TaskState::Assigned | TaskState::Draft => Ok(Self { state: to, ended: None, ..self }),
        }
    }

    /// The task as its next version, if it is another than `was`.
    #[must_use]
    pub(crate) fn versioned(self, was: &Self, now: Instant) -> Self {
        if self == *was {
            return self;
        }
        Self { version: self.version.saturating_add(1), updated_at: now, ..self }
    }
}

/// The state of a task that nobody has begun.
const fn waiting(assignee: Option<&Assignee>) -> TaskState {
    if assignee.is_some() { TaskState::Assigned } else { TaskState::Draft }
}

#[cfg(test)]
pub(crate) mod stage {
    use super::*;
    use crate::Draft;
    use kernel::{Chance, Zone};

    pub(crate) struct Ones;
    impl Chance for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    pub(crate) fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    pub(crate) fn ana() -> Assignee {
        "ana@example.com".parse().unwrap()
    }

    pub(crate) fn task(assignee: Option<Assignee>) -> Task {
        let draft = Draft { title: Some("Call back".to_owned()), ..Draft::default() };
        let definition = draft.check(&Zone::UTC).unwrap().definition;
        let maker = Maker { by: "usr_1".to_owned(), ..Maker::default() };
        Task::new(TaskId::new(at(0), &Ones), definition, assignee, maker, at(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{stage::*, *};
    use crate::Due;

    fn in_state(state: TaskState) -> Task {
        let task = task((state != TaskState::Draft).then(ana));
        match state {
            TaskState::Draft | TaskState::Assigned => task,
            TaskState::InProgress => task.started().unwrap(),
            TaskState::Completed => task.completed("usr_1", at(1)).unwrap(),
            TaskState::Cancelled => task.cancelled("usr_1", at(1)).unwrap(),
        }
    }

    #[test]
    fn which_moves_are_allowed() {
        use TaskState::{Assigned, Cancelled, Completed, Draft, InProgress};
        let mut table = String::new();
        for from in TaskState::ALL {
            for to in TaskState::ALL {
                let said = match in_state(*from).moved(*to, "usr_2", at(2)) {
                    Ok(task) => {
                        assert_eq!(task.state, *to);
                        assert_eq!(task.ended.is_some(), !to.is_open(), "{from} {to}");
                        "yes"
                    }
                    Err(TaskError::Ended(_)) => "ended",
                    Err(TaskError::Unassigned) => "nobody",
                    Err(TaskError::HasAssignee) => "somebody",
                    Err(error) => panic!("{error}"),
                };
                table.push_str(&format!("{from}>{to}:{said} "));
            }
        }
        let wanted = [
            (Draft, ["yes", "nobody", "nobody", "yes", "yes"]),
            (Assigned, ["somebody", "yes", "yes", "yes", "yes"]),
            (InProgress, ["somebody", "yes", "yes", "yes", "yes"]),
            (Completed, ["somebody", "yes", "ended", "yes", "ended"]),
            (Cancelled, ["somebody", "yes", "ended", "ended", "yes"]),
        ];
        let wanted: String = wanted
            .iter()
            .flat_map(|(from, row)| {
                TaskState::ALL.iter().zip(row).map(move |(to, said)| format!("{from}>{to}:{said} "))
            })
            .collect();
        assert_eq!(table, wanted);
    }

    #[test]
    fn whoever_gets_a_task_has_not_begun_it() {
        let begun = in_state(TaskState::InProgress);
        assert_eq!(begun.clone().assigned(Some(ana())).unwrap(), begun, "the same person goes on");
        let bob: Assignee = "bob@example.com".parse().unwrap();
        assert_eq!(begun.clone().assigned(Some(bob)).unwrap().state, TaskState::Assigned);
        assert_eq!(begun.assigned(None).unwrap().state, TaskState::Draft);
        let done = in_state(TaskState::Completed);
        assert!(matches!(done.clone().assigned(None), Err(TaskError::Ended(TaskState::Completed))));
        assert_eq!(done.reopened().state, TaskState::Assigned);
    }

    #[test]
    fn a_task_is_overdue_once_for_each_time_that_it_is_due() {
        let due = |text| Some(Due::at(text).unwrap());
        let mut task = in_state(TaskState::Assigned);
        task.definition.due = due("1970-01-01T00:00:10Z");
        assert!(!task.is_overdue(at(9)) && task.is_overdue(at(10)));
        task.overdue_at = Some(at(10));
        let same = task.definition.clone();
        assert_eq!(task.clone().redefined(same.clone()).overdue_at, Some(at(10)));
        let later = Definition { due: due("1970-01-01T00:01:00Z"), ..same };
        assert_eq!(task.clone().redefined(later).overdue_at, None);
        assert!(!task.completed("usr_1", at(11)).unwrap().is_overdue(at(12)));
    }
}
