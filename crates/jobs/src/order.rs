//! In which order do jobs run? A job may be held by another one until that has ended, and of the jobs in a lane only so many
//! run at a time.
//!
//! What an event made of a rule is a run: its jobs are laid one behind the other, all in the commit of the event.

use crate::{NewJob, State, word::names};
use kernel::{EventId, Instant, JobId, RuleId, Secret, Span, TenantId};

names! {
    /// What becomes of the jobs that a job holds, when it is given up.
    #[derive(Default)]
    OnError {
        /// They go on.
        #[default]
        Continue = "continue",
        /// They stay held until it is tried again and does what it should.
        Stop = "stop",
    }
}

/// When a job may run first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At this instant.
    At(Instant),
    /// When another job has ended.
    After {
        /// That job; it is put into the queue together with this one.
        job: JobId,
        /// How long after its end.
        delay: Span,
    },
}

impl From<Instant> for Start {
    fn from(due: Instant) -> Self {
        Self::At(due)
    }
}

/// How a new job stands to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What the rule calls the action: those behind it know its result by that.
    pub action_name: Option<String>,
    /// What becomes of those that it holds when it is given up: they go on, unless said otherwise.
    pub on_error: OnError,
    /// The lane that it runs in.
    pub lane: Option<Lane>,
    /// Whether its payload is to be rendered when it is claimed, with the results of those before it.
    pub is_late: bool,
}

/// Jobs of a tenant of which only so many run at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    name: String,
    limit: u32,
}

impl Lane {
    /// The most jobs of a lane that run at a time.
    pub const MOST: u32 = 100;

    /// A lane. Its name is the tenant's own and shown to people: it must not hold what a person may not see, such as the key of
    /// another. `limit` is brought into 1 to [`Lane::MOST`].
    #[must_use]
    pub fn new(name: impl Into<String>, limit: u32) -> Self {
        Self { name: name.into(), limit: limit.clamp(1, Self::MOST) }
    }

    /// Its name, such as `rule:rul_…`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many of it run at a time.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }
}

/// How many a lane lets in, apart from what its jobs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// As many as its jobs say.
    Open,
    /// No more than these.
    Narrow(u32),
    /// None until a time.
    Shut {
        /// Until when.
        until: Instant,
        /// How many then; `None`: as many as its jobs say.
        then: Option<u32>,
    },
}

/// A lane of a tenant whose gate is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gated {
    /// Whose it is.
    pub tenant: TenantId,
    /// The lane's name.
    pub lane: String,
    /// How it is set.
    pub gate: Gate,
}

/// What a queued job waits for besides its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// Another job, which holds it.
    Job {
        /// Its id.
        id: JobId,
        /// Where that one is: dead, if it was given up and says that those behind it stop.
        state: State,
    },
    /// Others of its lane, which come first.
    Lane,
}

impl Waits {
    /// Its name in the API: `job`, `dead_job` for one that was given up and says stop, or `lane`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Job { state: State::Dead, .. } => "dead_job",
            Self::Job { .. } => "job",
            Self::Lane => "lane",
        }
    }

    /// The job that holds it.
    #[must_use]
    pub const fn holder(&self) -> Option<&JobId> {
        match self {
            Self::Job { id, .. } => Some(id),
            Self::Lane => None,
        }
    }
}

/// What an event made of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run {
    /// The event.
    pub event: EventId,
    /// The rule.
    pub rule: RuleId,
}

/// A job of a run that has ended, for those behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The run.
    pub run: Run,
    /// The place of the action in its rule.
    pub action: u32,
    /// What the rule calls it.
    pub name: Option<String>,
    /// Done, dead or cancelled.
    pub state: State,
    /// What it left, as JSON text.
    pub result: Option<Secret<String>>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Lays jobs one behind the other. The first starts as it says; each further one when the one before it has ended, so much later
/// as its own start is after `now`. One that is born dead and lets those behind it go on holds nobody.
#[must_use]
pub fn in_order(jobs: Vec<NewJob>, now: Instant) -> Vec<NewJob> {
    let mut holder: Option<JobId> = None;
    jobs.into_iter()
        .map(|job| {
            let start = match (&holder, job.start) {
                (Some(holder), Start::At(due)) => {
                    Start::After { job: holder.clone(), delay: due.since(now).max(Span::default()) }
                }
                (_, start) => start,
            };
            if job.stillborn.is_none() || job.terms.on_error == OnError::Stop {
                holder = Some(job.id.clone());
            }
            NewJob { start, ..job }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Patience};
    use kernel::Chance;

    struct Number(u8);
    impl Chance for Number {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn job(number: u8, due: i64, stillborn: bool, on_error: OnError) -> NewJob {
        NewJob {
            id: JobId::new(at(0), &Number(number)),
            tenant: "acme".parse().unwrap(),
            kind: Kind::HttpRequest,
            payload: "{}".to_owned(),
            event: None,
            rule: None,
            parent: None,
            start: at(due).into(),
            patience: Patience::default(),
            trace: "t".to_owned(),
            stillborn: stillborn.then(|| "no".to_owned()),
            terms: Terms { on_error, ..Terms::default() },
        }
    }

    fn starts(jobs: Vec<NewJob>) -> Vec<Start> {
        in_order(jobs, at(10)).into_iter().map(|job| job.start).collect()
    }

    #[test]
    fn each_waits_for_the_one_before_it() {
        let jobs = vec![
            job(1, 15, false, OnError::Continue),
            job(2, 10, false, OnError::Continue),
            job(3, 70, false, OnError::Continue),
        ];
        let (first, second) = (jobs[0].id.clone(), jobs[1].id.clone());
        assert_eq!(
            starts(jobs),
            [
                Start::At(at(15)),
                Start::After { job: first, delay: Span::seconds(0) },
                Start::After { job: second, delay: Span::seconds(60) },
            ]
        );
    }

    #[test]
    fn what_is_born_dead_holds_only_if_it_says_stop() {
        let jobs = |on_error| {
            vec![job(1, 10, true, on_error), job(2, 10, false, on_error), job(3, 9, false, on_error)]
        };
        let all = jobs(OnError::Continue);
        let second = all[1].id.clone();
        assert_eq!(
            starts(all),
            [Start::At(at(10)), Start::At(at(10)), Start::After { job: second, delay: Span::seconds(0) }]
        );
        let all = jobs(OnError::Stop);
        let first = all[0].id.clone();
        assert_eq!(starts(all)[1], Start::After { job: first, delay: Span::seconds(0) });
    }

    #[test]
    fn a_lane_has_a_limit_within_bounds() {
        assert_eq!((Lane::new("a", 0).limit(), Lane::new("a", 7).limit()), (1, 7));
        assert_eq!(Lane::new("a", 1000).limit(), Lane::MOST);
    }
}
