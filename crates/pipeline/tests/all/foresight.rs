//! Does a rule say to past events what it would have said then, without any effect?

use crate::stage::{Counting, Hand, Ropes};
use db::{Db, native::Native};
use events::{NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Lost, Parcel, Receipt};
use kernel::{
    BacktestId, Bounded, Call, Clock, Instant, Permission, Principal, RequestId, RuleId, Secret, Span,
    TenantId, Trace,
};
use notifications::Means;
use pipeline::{Books, Door, Works, drain};
use rules::{
    Against, Backtest, BacktestState, Change, Draft, PaceSaid, RuleError, RulePatch, ShadowCounts, Tried,
    Wish,
    service::{
        self,
        shadow::{self, Other, Terms},
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

/// Counts what leaves the house.
#[derive(Default)]
struct Gate(AtomicUsize);
impl Courier for Gate {
    fn send(&self, _: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Receipt { status: 200, headers: Vec::new(), body: Vec::new() })).boxed()
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<Counting>,
    courier: Gate,
    means: Means,
    books: Arc<Books>,
}

const START: i64 = 1_800_000_000_000;

impl Yard {
    fn new() -> Self {
        Self::on(Native::memory().unwrap())
    }

    fn on(db: Db) -> Self {
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, ["acme-corp".into()]).await.unwrap();
            tx.commit().await.unwrap();
        });
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        Self {
            db,
            clock: Hand(AtomicI64::new(START)),
            chance: Arc::default(),
            courier: Gate::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        }
    }

    fn call(&self) -> Call {
        Call {
            principal: Principal::system("acme-corp".parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn who(&self) -> Bounded {
        Bounded::new(self.call(), Permission::RulesWrite)
    }

    fn rule(&self, draft: Draft) -> RuleId {
        block_on(service::create(&self.db, &self.who(), draft, None)).unwrap().rule.id
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn door(&self) -> Door {
        Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes))
    }

    /// An opportunity, and a second later.
    fn deal(&self, value: i64, owner: &str) -> pipeline::Receipt {
        let event = NewEvent {
            trigger: "high_value_opportunity".to_owned(),
            data:
                json!({"opportunity_id": "o-1", "opportunity_name": "Deal", "value": value, "owner": owner})
                    .to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        let receipt = block_on(self.door().publish(&self.call(), event, Origin::default())).unwrap();
        self.later(1);
        receipt
    }

    fn works(&self) -> Works<'_> {
        Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: None,
            renderer: &pipeline::ByRules,
            tokens: &crate::stage::TOKENS,
            is_guarded: true,
            courier: &self.courier,
            clock: &self.clock,
            chance: self.chance.clone(),
        }
    }

    fn drain(&self, seconds: i64) {
        block_on(drain(&self.works(), self.clock.now() + Span::seconds(seconds))).unwrap();
    }

    fn start(&self, wish: Wish) -> Result<Backtest, RuleError> {
        block_on(pipeline::start_backtest(&self.db, &self.who(), wish))
    }

    fn get(&self, id: &BacktestId) -> Backtest {
        block_on(service::backtest::get(&self.db, &self.who(), id)).unwrap()
    }

    /// The report of a backtest, carried through.
    fn report(&self, wish: Wish) -> Value {
        let id = self.start(wish).unwrap().id;
        self.drain(10);
        let ended = self.get(&id);
        assert_eq!(ended.state, BacktestState::Done, "{:?}", ended.reason);
        ended.report.unwrap()
    }

    /// Sets up what runs beside a rule.
    fn shadow(&self, id: &RuleId, changes: RulePatch) -> Result<(), RuleError> {
        block_on(shadow::put(&self.db, &self.who(), id, Other::Changes(Box::new(changes)), None)).map(drop)
    }

    fn counts(&self, id: &RuleId) -> ShadowCounts {
        block_on(shadow::get(&self.db, &self.who(), id)).unwrap().1
    }

    fn promote(&self, id: &RuleId, terms: Terms) -> Result<rules::Rule, RuleError> {
        block_on(shadow::promote(&self.db, &self.who(), id, None, terms, None)).map(|checked| checked.rule)
    }

    /// How many rows each table has.
    fn rows(&self) -> BTreeMap<String, i64> {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let mut all = lease.all_tenants().unwrap();
            let sql =
                "SELECT name AS id FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
            let names: Vec<String> = all.all(sql, []).await.unwrap();
            let mut rows = BTreeMap::new();
            for name in names {
                let count: Option<i64> =
                    all.one(&format!("SELECT COUNT(*) AS n FROM \"{name}\""), []).await.unwrap();
                rows.insert(name, count.unwrap());
            }
            rows
        })
    }
}

fn above(value: i64, message: &str) -> Draft {
    Draft {
        name: Some("big deals".to_owned()),
        module_type: Some("sales".to_owned()),
        trigger_id: Some("high_value_opportunity".to_owned()),
        conditions: Some(json!([{"type": "value_threshold", "value": value}])),
        actions: Some(json!([
            {"type": "send_notification", "parameters": {"recipient": "{{owner}}", "message": message}},
            {"type": "http_request", "parameters": {"url": "https://example.com/hook", "method": "POST", "body": {"v": "{{value}}"}}}
        ])),
        ..Draft::default()
    }
}

fn wish(rule_id: Option<RuleId>, draft: Draft) -> Wish {
    Wish {
        rule_id,
        tried: Tried::Draft(Box::new(draft)),
        against: None,
        since: Instant::from_millis(START - 1000),
        until: None,
        most: rules::MOST_EVENTS,
    }
}

#[test]
fn a_draft_is_held_against_the_rule_that_runs() {
    let yard = Yard::new();
    let id = yard.rule(above(10_000, "{{value}}"));
    for value in [500, 8_000, 12_500, 20_000] {
        yard.deal(value, if value > 10_000 { "ada" } else { "bob" });
    }
    let report = yard.report(wish(Some(id), above(5_000, "now {{value}}")));
    for (name, count) in [
        ("events", 4),
        ("matched_before", 2),
        ("matched_now", 3),
        ("matched_both", 2),
        ("newly_matched", 1),
        ("no_longer_matched", 0),
        ("changed_actions", 2),
    ] {
        assert_eq!(report[name], json!(count), "{name} in {report:#}");
    }
    assert_eq!(report["is_complete"], true);
    let newly = &report["examples"]["newly_matched"][0];
    assert_eq!(newly["before"]["decided_by"], "conditions[0]");
    assert_eq!(newly["before"]["because"], "not matched: value is 8000; wanted at least 10000");
    assert_eq!(newly["now"]["because"], "matched: value is 8000; wanted at least 5000");
    assert_eq!(newly["actions"][0]["parameters"]["message"], "now 8000");
    let changed = &report["examples"]["changed_actions"][0]["changes"];
    assert_eq!(
        *changed,
        json!([{"action": 0, "change": "changed", "field": "parameters.message", "was": "12500", "is": "now 12500"}])
    );
    let recipients = report["recipients"].as_array().unwrap();
    assert_eq!(recipients[0], json!({"recipient": "ada", "messages_before": 2, "messages_now": 2}));
    assert_eq!(recipients[1], json!({"recipient": "bob", "messages_before": 0, "messages_now": 1}));
    assert_eq!(report["days"].as_array().unwrap().len(), 1);
}

#[test]
fn the_same_twice_gives_the_same_bytes_and_has_no_effect() {
    let yard = Yard::new();
    let id = yard.rule(above(10_000, "{{value}}"));
    for value in 0..60 {
        yard.deal(value * 500, "ada");
    }
    yard.drain(30);
    let (before, calls) = (yard.rows(), yard.courier.0.load(Ordering::Relaxed));
    let first = yard.report(wish(Some(id.clone()), above(5_000, "now {{value}}")));
    let once = yard.rows();
    let second = yard.report(wish(Some(id), above(5_000, "now {{value}}")));
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(yard.courier.0.load(Ordering::Relaxed), calls, "nothing left the house");
    for (table, count) in before {
        let more = once[&table] - count;
        // The job that carries the backtest, its attempt, the audit of who asked, and the backtest itself.
        let own = table == "backtests" || table.starts_with("job") || table.starts_with("audit");
        assert!(more == 0 || own && more == 1, "{table} has {more} more rows");
    }
}

#[test]
fn a_backtest_goes_on_where_it_stopped() {
    let yard = Yard::new();
    for value in 0..30 {
        yard.deal(value * 1_000, "ada");
    }
    let paced = || Draft {
        pace: PaceSaid {
            window: Some(json!({"count": 3, "within": "PT5S", "key": ["opportunity_id"]})),
            throttle: Some(json!({"limit": 2, "per": "PT20S"})),
            ..PaceSaid::default()
        },
        ..above(5_000, "{{value}}")
    };
    let whole = yard.report(wish(None, paced()));
    let id = yard.start(wish(None, paced())).unwrap().id;
    // A worker that stops after each step leaves the job to the next.
    let mut turns = 0;
    while !yard.get(&id).state.has_ended() {
        turns += 1;
        assert!(turns < 20, "it ends");
        let stop = yard.clock.now();
        block_on(drain(&yard.works(), stop)).unwrap();
        yard.drain(1);
        yard.later(61);
    }
    let ended = yard.get(&id);
    assert_eq!(ended.report.unwrap().to_string(), whole.to_string());
    assert_eq!((ended.looked, ended.total), (30, Some(30)));
    assert!(whole["now"]["held_back"]["counting"].as_u64().unwrap() > 0, "{whole:#}");
    assert!(whole["now"]["held_back"]["throttled"].as_u64().unwrap() > 0, "{whole:#}");
}

#[test]
fn what_the_engine_said_then_is_what_a_backtest_says() {
    let yard = Yard::new();
    let pace = PaceSaid {
        window: Some(json!({"count": 2, "within": "PT3S", "key": ["opportunity_id"]})),
        debounce: Some(json!({"wait": "PT2S", "key": ["owner"]})),
        ..PaceSaid::default()
    };
    let id = yard.rule(Draft { pace, ..above(10, "{{value}}") });
    let mut matched = 0;
    for (value, owner) in
        [(1, "a"), (20, "a"), (30, "b"), (40, "a"), (5, "a"), (50, "a"), (60, "b"), (70, "a")]
    {
        matched += yard.deal(value, owner).matched.len();
    }
    let wish = Wish { tried: Tried::Version(None), ..wish(Some(id), Draft::default()) };
    let report = yard.report(wish);
    let now = &report["now"];
    let fired = now["matched"].as_u64().unwrap() + now["called_off"].as_u64().unwrap();
    assert_eq!(fired, u64::try_from(matched).unwrap(), "{report:#}");
    assert_eq!(report["matched_before"], Value::Null);
}

#[test]
fn events_before_since_fill_windows_and_are_not_counted() {
    let yard = Yard::new();
    for value in [20, 30, 40] {
        yard.deal(value, "a");
    }
    let pace = PaceSaid { window: Some(json!({"count": 3, "within": "PT1M"})), ..PaceSaid::default() };
    let draft = Draft { pace, ..above(10, "{{value}}") };
    let since = Instant::from_millis(START + 2_000);
    let report = yard.report(Wish { since, ..wish(None, draft) });
    assert_eq!((&report["events"], &report["events_before_since"]), (&json!(1), &json!(2)));
    assert_eq!(report["matched_now"], 1);
}

#[test]
fn a_limit_cuts_and_says_so_and_faults_are_told() {
    let yard = Yard::new();
    let id = yard.rule(above(10, "{{value}}"));
    for value in [20, 30, 40] {
        yard.deal(value, "a");
    }
    let report = yard.report(Wish { most: 2, ..wish(Some(id.clone()), above(25, "{{value}}")) });
    assert_eq!((&report["events"], &report["is_complete"]), (&json!(2), &json!(false)));
    let fault = |wish| yard.start(wish).unwrap_err();
    let faulty = Draft { conditions: Some(json!([{"type": "nothing"}])), ..above(1, "x") };
    assert!(matches!(fault(wish(None, faulty)), RuleError::Invalid(faults)
        if faults[0].field.starts_with("rule.conditions[0]")));
    let early = Wish { since: yard.clock.now() + Span::hours(1), ..wish(None, above(1, "x")) };
    assert!(matches!(fault(early), RuleError::Invalid(faults) if faults[0].field == "since"));
    let against = Wish { against: Some(Against::Live), ..wish(None, above(1, "x")) };
    assert!(matches!(fault(against), RuleError::Invalid(faults) if faults[0].field == "compare_to"));
    let unknown = Wish { against: Some(Against::Version(9)), ..wish(Some(id), above(1, "x")) };
    assert!(matches!(fault(unknown), RuleError::VersionUnknown(9)));
    for _ in 0..rules::MOST_UNDER_WAY {
        yard.start(wish(None, above(1, "x"))).unwrap();
    }
    assert!(matches!(fault(wish(None, above(1, "x"))), RuleError::BacktestsUnderWay(_)));
    let page =
        block_on(service::backtest::list(&yard.db, &yard.who(), None, &kernel::PageRequest::default()));
    let page = page.unwrap();
    assert_eq!(page.items.len(), 4);
    block_on(service::backtest::delete(&yard.db, &yard.who(), &page.items[0].id)).unwrap();
    yard.start(wish(None, above(1, "x"))).unwrap();
    yard.drain(10);
}

fn from(value: i64) -> RulePatch {
    RulePatch {
        conditions: Some(json!([{"type": "value_threshold", "value": value}])),
        ..RulePatch::default()
    }
}

fn seen(counts: &ShadowCounts) -> [u64; 5] {
    [counts.events, counts.both, counts.only_live, counts.only_shadow, counts.differ]
}

#[test]
fn a_shadow_is_counted_and_nothing_of_it_is_done() {
    let yard = Yard::new();
    let id = yard.rule(above(10_000, "{{value}}"));
    let other = RulePatch { actions: above(1, "now {{value}}").actions, ..from(5_000) };
    yard.shadow(&id, other).unwrap();
    let quiet = yard.deal(500, "ada");
    let newly = yard.deal(8_000, "ada");
    let both = yard.deal(12_500, "ada");
    assert_eq!((quiet.matched.len(), newly.matched.len(), both.matched.len()), (0, 0, 1));
    assert!(newly.jobs.is_empty(), "what a shadow would do is not done");
    yard.drain(10);
    let counts = yard.counts(&id);
    assert_eq!(seen(&counts), [3, 1, 0, 1, 1]);
    assert_eq!(counts.millionths(), Some(666_666));
    assert_eq!(counts.latest.as_array().unwrap().len(), 2);
    let (last, first) = (&counts.latest[0], &counts.latest[1]);
    assert_eq!(last["event_id"], both.id.as_str());
    assert_eq!(last["differs"], "actions");
    assert_eq!(last["changes"][0]["is"], "now 12500");
    assert_eq!((&first["event_id"], &first["differs"]), (&json!(newly.id.as_str()), &json!("newly_matched")));
    assert_eq!(first["live"]["because"], "not matched: value is 8000; wanted at least 10000");
    assert_eq!(first["actions"][0]["parameters"]["message"], "now 8000");

    let trail = block_on(pipeline::trace(&yard.db, &yard.call(), &newly.id)).unwrap();
    let shadow = &trail.verdicts["shadows"][0];
    assert_eq!(shadow["rule_id"], id.as_str());
    assert_eq!(shadow["because"], "matched: value is 8000; wanted at least 5000");
    assert_eq!((&shadow["matched"], &shadow["differs"]), (&json!(true), &json!("newly_matched")));
    assert!(trail.jobs.is_empty() && trail.messages.is_empty());
    let trail = block_on(pipeline::trace(&yard.db, &yard.call(), &both.id)).unwrap();
    let bodies: Vec<&str> = trail.messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["12500"], "the rule's own message and no other");
}

#[test]
fn a_shadow_of_a_rule_that_is_off_runs_and_remembers_for_itself() {
    let yard = Yard::new();
    let id = yard.rule(Draft { is_active: Some(false), ..above(10, "{{value}}") });
    let throttle = Some(Some(json!({"limit": 2, "per": "PT1H"})));
    yard.shadow(&id, RulePatch { throttle, ..RulePatch::default() }).unwrap();
    for value in [20, 30, 40, 5] {
        assert_eq!(yard.deal(value, "ada").matched.len(), 0);
    }
    assert_eq!(seen(&yard.counts(&id)), [4, 0, 0, 2, 0], "two fired, one was throttled, one did not match");
    yard.shadow(&id, RulePatch::default()).unwrap();
    assert_eq!(seen(&yard.counts(&id)), [0, 0, 0, 0, 0], "another begins anew");
    block_on(shadow::delete(&yard.db, &yard.who(), &id)).unwrap();
    let gone = block_on(shadow::get(&yard.db, &yard.who(), &id)).unwrap_err();
    assert!(matches!(gone, RuleError::ShadowUnknown));
    yard.shadow(&id, RulePatch::default()).unwrap();
    block_on(service::delete(&yard.db, &yard.who(), &id, None)).unwrap();
    assert_eq!(yard.rows()["rule_shadows"], 0, "it goes with its rule");
}

#[test]
fn a_rule_that_stops_keeps_a_later_shadow_from_being_asked_but_not_its_own() {
    let yard = Yard::new();
    let first = yard.rule(Draft { stop_on_match: Some(true), priority: Some(5), ..above(1_000, "a") });
    let second = yard.rule(above(10, "b"));
    yard.shadow(&first, from(500)).unwrap();
    yard.shadow(&second, from(20)).unwrap();
    yard.deal(2_000, "ada");
    yard.deal(15, "ada");
    assert_eq!(seen(&yard.counts(&first)), [2, 1, 0, 0, 0]);
    assert_eq!(seen(&yard.counts(&second)), [2, 0, 1, 0, 0]);
}

#[test]
fn a_backtest_whose_job_is_taken_back_has_failed() {
    let yard = Yard::new();
    let id = yard.rule(above(10_000, "{{value}}"));
    for _ in 0..4 {
        let backtest = yard.start(wish(Some(id.clone()), above(5_000, "{{value}}"))).unwrap();
        let filter = jobs::Filter { kind: Some(jobs::Kind::Backtest), ..jobs::Filter::default() };
        let page = kernel::PageRequest::new(10, None).unwrap();
        let job = block_on(jobs::list(&yard.db, &yard.call(), &filter, &page)).unwrap().items.remove(0);
        block_on(pipeline::cancel(&yard.db, &yard.call(), &job.id)).unwrap();
        let ended = yard.get(&backtest.id);
        assert_eq!(
            (ended.state, ended.reason.as_deref()),
            (BacktestState::Failed, Some("Its job was cancelled."))
        );
        yard.later(1);
    }
}

#[test]
fn a_shadow_is_promoted_in_one_change_or_refused_with_the_figures() {
    let yard = Yard::new();
    let id = yard.rule(above(10_000, "{{value}}"));
    yard.shadow(&id, from(5_000)).unwrap();
    for value in [8_000, 20_000, 20_000, 100] {
        yard.deal(value, "ada");
    }
    let refused = yard.promote(&id, Terms::default()).unwrap_err();
    assert!(matches!(
        refused,
        RuleError::ShadowDiverges { diverged: 1, events: 4, least: 100, allowed: 1_000 }
    ));
    let seldom = yard.promote(&id, Terms { allowed: 1_000_000, least: 5 });
    assert!(matches!(seldom, Err(RuleError::ShadowDiverges { .. })));
    // What was changed in the rule meanwhile is not undone unless that is meant.
    let off = RulePatch { is_active: Some(false), ..RulePatch::default() };
    block_on(service::patch(&yard.db, &yard.who(), &id, None, off, None)).unwrap();
    let terms = Terms { allowed: 250_000, least: 4 };
    assert!(matches!(yard.promote(&id, terms), Err(RuleError::Stale(2))));
    let who = yard.who();
    let rule = block_on(shadow::promote(&yard.db, &who, &id, Some(2), terms, None)).unwrap().rule;
    assert_eq!((rule.version, &rule.definition.conditions[0]["value"]), (3, &json!(5_000)));
    let version = block_on(service::version(&yard.db, &yard.who(), &id, 3)).unwrap();
    assert_eq!(version.change, Change::Promoted);
    assert_eq!(yard.rows()["rule_shadows"], 0);
    assert_eq!(yard.deal(8_000, "ada").matched.len(), 1, "from the very next event on");
    let other = RulePatch {
        trigger_id: Some("contact_updated".to_owned()),
        module_type: Some("crm".to_owned()),
        ..RulePatch::default()
    };
    assert!(
        matches!(yard.shadow(&id, other), Err(RuleError::Invalid(faults)) if faults[0].field == "trigger_id")
    );
}

#[test]
fn only_where_a_shadow_is_does_it_take_a_statement() {
    let (db, counter) = Native::memory().unwrap().counted();
    let yard = Yard::on(db);
    let id = yard.rule(above(10_000, "{{value}}"));
    let door = yard.door();
    let cost = |value: i64| {
        let data =
            json!({"opportunity_id": "o-1", "opportunity_name": "Deal", "value": value, "owner": "ada"});
        let event = NewEvent {
            trigger: "high_value_opportunity".to_owned(),
            data: data.to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        counter.restart();
        block_on(door.publish(&yard.call(), event, Origin::default())).unwrap();
        counter.take()
    };
    cost(500);
    let without = cost(500);
    yard.shadow(&id, from(5_000)).unwrap();
    cost(500);
    assert_eq!(cost(500), without + 1, "the counts");
    assert_eq!(cost(8_000), without + 1, "and what differed with them");
}
