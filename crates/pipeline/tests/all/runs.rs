//! What came of a rule's matches? Told from events and jobs as they stand, page by page, in each state.

use db::{Db, Value, native::Native};
use futures::executor::block_on;
use kernel::{
    Bounded, Call, Chance, EventId, Instant, JobId, PageRequest, Permission, Principal, RequestId, RuleId,
    Span, TenantId, Trace,
};
use pipeline::{RuleRun, RunFilter, RunState, run_stats, runs};
use rules::{Draft, RuleError, service};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

const NOW: i64 = 1_800_000_000_000;

struct Fixed(u8);
impl Chance for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn who(tenant: &str) -> Bounded {
    let call = Call {
        principal: Principal::system(tenant.parse::<TenantId>().unwrap()),
        now: Instant::from_millis(NOW),
        request: RequestId::given("req_test").unwrap(),
        trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
        address: None,
        chance: Arc::new(Fixed(7)),
    };
    Bounded::new(call, Permission::RulesWrite)
}

/// A tenant with a rule, whose matches and jobs the test lays by hand.
struct Ledger {
    db: Db,
    rule: RuleId,
}

impl Ledger {
    fn new() -> Self {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            for name in ["acme-corp", "other"] {
                let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
                tx.all_tenants().run_for_effect(sql, [name.into()]).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
        let draft = Draft {
            name: Some("Each contact".to_owned()),
            module_type: Some("crm".to_owned()),
            trigger_id: Some("contact_created".to_owned()),
            actions: Some(json!([{"type": "wait", "parameters": {"for": "PT1S"}}])),
            ..Draft::default()
        };
        let rule = block_on(service::create(&db, &who("acme-corp"), draft, None)).unwrap().rule.id;
        Self { db, rule }
    }

    fn run(&self, sql: &str, parameters: Vec<Value>) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, parameters).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// An event that came so long ago, and that the rule matched.
    fn matched(&self, ago: Span, number: u8) -> EventId {
        let at = Instant::from_millis(NOW) - ago;
        let event = EventId::new(at, &Fixed(number));
        self.run(
            "INSERT INTO events (tenant_id, event_id, trigger_id, module_type, source, occurred_at, received_at, data, actor, request_id,
             trace, depth, matched, verdicts) VALUES ('acme-corp', ?1, 'contact_created', 'crm', 'api', ?2, ?2, '{}', 'system', 'r', 't', 0, '[]', '{}')",
            vec![(&event).into(), at.into()],
        );
        self.run(
            "INSERT INTO event_matches (tenant_id, rule_id, event_id, rule_version) VALUES ('acme-corp', ?1, ?2, 3)",
            vec![(&self.rule).into(), (&event).into()],
        );
        event
    }

    /// A job of a match, in a state, that ended so long after its event if it has. One that is `held` waits for the one before it.
    fn job(&self, event: &EventId, received: Instant, state: &str, tried: bool, took: i64) -> JobId {
        static NEXT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
        let job = JobId::new(received, &Fixed(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        let is_held = state == "held";
        let has_ended = ["done", "dead", "cancelled"].contains(&state);
        let ended = has_ended.then(|| received + Span::millis(took));
        let leased = (state == "leased").then_some(received);
        self.run(
            "INSERT INTO jobs (tenant_id, job_id, kind, state, payload, event_id, rule_id, action, due_at, attempts, max_attempts, first_wait,
             most_wait, lease, leased_until, leased_at, trace, created_at, ended_at, waits_for, held_by)
             VALUES ('acme-corp', ?1, 'wait', ?2, '{}', ?3, ?4, 0, iif(?10 = 'job', NULL, ?5), ?6, 10, 1, 1, ?7, ?8, ?8, 't', ?5, ?9, ?10,
             iif(?10 = 'job', (SELECT MAX(job_id) FROM jobs WHERE event_id = ?3), NULL))",
            vec![
                (&job).into(),
                if is_held { "queued" } else { state }.into(),
                event.into(),
                (&self.rule).into(),
                received.into(),
                i64::from(tried && !is_held).into(),
                leased.map(|_| "l").into(),
                leased.into(),
                ended.into(),
                if is_held { "job" } else { "time" }.into(),
            ],
        );
        if tried && !is_held {
            self.run(
                "INSERT INTO job_attempts (tenant_id, job_id, number, started_at, ended_at, ending, detail)
                 VALUES ('acme-corp', ?1, 1, ?2, ?2, 'done', '')",
                vec![(&job).into(), (received + Span::millis(5)).into()],
            );
        }
        job
    }

    fn list(&self, filter: &RunFilter, limit: u16) -> (Vec<RuleRun>, Option<kernel::Cursor>) {
        let page = PageRequest::new(limit, None).unwrap();
        let page = block_on(runs(&self.db, &who("acme-corp"), &self.rule, filter, &page)).unwrap();
        (page.items, page.next)
    }
}

#[test]
fn a_run_stands_as_its_jobs_do() {
    let ledger = Ledger::new();
    let wanted = [
        (&["queued"][..], false, RunState::Waiting),
        (&["queued"], true, RunState::Running),
        (&["leased"], true, RunState::Running),
        (&["done", "queued"], false, RunState::Running),
        (&["done", "done"], true, RunState::Done),
        (&["done", "dead"], true, RunState::Failed),
        (&["cancelled"], false, RunState::Cancelled),
        (&[], false, RunState::Forgotten),
        (&["queued", "held"], false, RunState::Waiting),
        (&["done", "leased", "held"], true, RunState::Running),
        (&["dead", "held"], true, RunState::Stopped),
    ];
    for (place, (states, tried, _)) in wanted.iter().enumerate() {
        let ago = Span::minutes(i64::try_from(place).unwrap() + 1);
        let event = ledger.matched(ago, 1);
        for state in *states {
            ledger.job(&event, Instant::from_millis(NOW) - ago, state, *tried, 20);
        }
    }
    let (all, next) = ledger.list(&RunFilter::default(), 50);
    let states: Vec<RunState> = all.iter().map(|run| run.state).collect();
    assert_eq!(states, wanted.map(|(.., state)| state));
    assert!(next.is_none() && all.iter().all(|run| run.version == 3));
    let done = &all[4];
    assert_eq!((done.jobs.len(), done.started.unwrap()), (2, done.matched + Span::millis(5)));
    assert_eq!(done.ended.unwrap(), done.matched + Span::millis(20));
    assert!(all[3].ended.is_none(), "it has not ended as a whole");
    for (.., state) in wanted {
        let of_state = ledger.list(&RunFilter { state: Some(state), ..RunFilter::default() }, 50).0;
        let count = states.iter().filter(|one| **one == state).count();
        assert!(of_state.len() == count && of_state.iter().all(|run| run.state == state), "{state:?}");
    }
    let minutes = |minutes: i64| Some(Instant::from_millis(NOW) - Span::minutes(minutes));
    let between = RunFilter { since: minutes(5), until: minutes(3), ..RunFilter::default() };
    assert_eq!(ledger.list(&between, 50).0, all[3..5]);
}

#[test]
fn pages_hold_every_run_once_also_of_one_state() {
    let ledger = Ledger::new();
    for number in 1..=40_u8 {
        let ago = Span::minutes(number.into());
        let event = ledger.matched(ago, number);
        let state = if number % 4 == 0 { "dead" } else { "done" };
        ledger.job(&event, Instant::from_millis(NOW) - ago, state, true, 1);
    }
    for (state, wanted) in [(None, 40), (Some(RunState::Failed), 10)] {
        let filter = RunFilter { state, ..RunFilter::default() };
        let mut seen = BTreeSet::new();
        let mut after = None;
        loop {
            let request = PageRequest::new(7, after.take()).unwrap();
            let page =
                block_on(runs(&ledger.db, &who("acme-corp"), &ledger.rule, &filter, &request)).unwrap();
            assert!(page.items.len() <= 7);
            assert!(page.items.iter().all(|run| seen.insert(run.event.clone())), "a run came twice");
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), wanted);
    }
    let (other, all, first) = (who("other"), RunFilter::default(), PageRequest::default());
    let stranger = runs(&ledger.db, &other, &ledger.rule, &all, &first);
    assert!(matches!(block_on(stranger), Err(RuleError::Unknown)));
}

#[test]
fn figures_are_of_a_day_and_a_week() {
    let ledger = Ledger::new();
    for (hours, number, state, took) in [
        (1, 1, "done", 100),
        (2, 2, "done", 300),
        (3, 3, "dead", 5),
        (48, 4, "done", 1_000),
        (240, 5, "done", 9_000),
    ] {
        let event = ledger.matched(Span::hours(hours), number);
        ledger.job(&event, Instant::from_millis(NOW) - Span::hours(hours), state, true, took);
    }
    let unmatched = EventId::new(Instant::from_millis(NOW) - Span::hours(1), &Fixed(99));
    ledger.run(
        "INSERT INTO events (tenant_id, event_id, trigger_id, module_type, source, occurred_at, received_at, data, actor, request_id,
         trace, depth, matched, verdicts) VALUES ('acme-corp', ?1, 'contact_created', 'crm', 'api', 1, 1, '{}', 'system', 'r', 't', 0, '[]', '{}')",
        vec![(&unmatched).into()],
    );
    let stats = block_on(run_stats(&ledger.db, &who("acme-corp"), &ledger.rule)).unwrap();
    assert_eq!(stats.day.states, [(RunState::Done, 2), (RunState::Failed, 1)]);
    assert_eq!(stats.week.states, [(RunState::Done, 3), (RunState::Failed, 1)]);
    assert_eq!((stats.day.matched(), stats.day.events, stats.week.events), (3, Some(4), Some(5)));
    let millis = |span: Option<Span>| span.map(Span::as_millis);
    assert_eq!((millis(stats.day.median), millis(stats.day.slow)), (Some(100), Some(300)));
    assert_eq!((millis(stats.week.median), millis(stats.week.slow)), (Some(300), Some(1_000)));
    assert!(stats.is_whole);
    let empty = Ledger::new();
    let stats = block_on(run_stats(&empty.db, &who("acme-corp"), &empty.rule)).unwrap();
    assert!(stats.week.states.is_empty() && stats.week.median.is_none());
}
