//! When does a rule fire whose conditions hold? Windows, throttles, debounce, absence, hours: events one after the other, each
//! with what those before it left to be remembered.

use crate::stage::Fixed;
use kernel::{EventId, Instant, RuleId, Span};
use language::{Facts, Moment, Occasion};
use rules::{Catalogue, Decisions, Definition, Draft, Recall, Rule, RuleBook, Standing};
use serde_json::{Value, json};

fn draft(said: &Value) -> Draft {
    let mut draft = Draft {
        name: Some("A rule".to_owned()),
        module_type: Some("crm".to_owned()),
        trigger_id: Some("contact_updated".to_owned()),
        actions: Some(
            json!([{"type": "send_notification", "parameters": {"recipient": "a", "message": "m"}}]),
        ),
        ..Draft::default()
    };
    draft.conditions = said.get("conditions").cloned();
    draft.stop_on_match = said.get("stop_on_match").and_then(Value::as_bool);
    let part = |name: &str| said.get(name).cloned();
    draft.pace.window = part("window");
    draft.pace.absence = part("absence");
    draft.pace.throttle = part("throttle");
    draft.pace.debounce = part("debounce");
    draft.pace.active_hours = part("active_hours");
    draft.pace.concurrency = part("concurrency");
    draft
}

fn rule(said: &Value) -> Rule {
    let at = Instant::from_millis(1);
    Rule::new(RuleId::new(at, &Fixed(0)), Definition::check(draft(said), &Catalogue::default()).unwrap(), at)
}

fn faults(said: &Value) -> Vec<String> {
    let faults = Definition::check(draft(said), &Catalogue::default()).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

/// A tenant whose events come one after the other.
struct Line {
    book: RuleBook,
    recall: Recall,
    zone: chrono_tz::Tz,
}

impl Line {
    fn of(said: &Value) -> Self {
        let book = RuleBook::new(&[rule(said)], &Catalogue::default());
        Self { book, recall: Recall::default(), zone: chrono_tz::Tz::UTC }
    }

    fn event(&mut self, at: &str, trigger: &str, data: &Value) -> Decisions {
        let now: Instant = at.parse().unwrap();
        let id = EventId::new(now, &Fixed(0)).to_string();
        let occasion = Occasion { id: &id, trigger, occurred: now, ..Occasion::default() };
        let facts = Facts::new(data, None, occasion, Moment { now, zone: self.zone });
        let decisions = self.book.decide(trigger, &facts, &self.recall);
        self.recall.remember(&decisions.memos, now);
        decisions
    }

    fn standing(&mut self, at: &str, data: &Value) -> Standing {
        self.event(at, "contact_updated", data).listed.first().unwrap().standing
    }
}

fn contact(id: &str) -> Value {
    json!({"contact_id": id})
}

#[test]
fn the_third_time_in_ten_minutes_for_the_same_contact() {
    use Standing::{Counting, Matched};
    let mut line = Line::of(&json!({"window": {"count": 3, "within": "PT10M", "key": "contact_id"}}));
    for (at, id, wanted) in [
        ("2026-03-02T10:00:00Z", "ada", Counting),
        ("2026-03-02T10:01:00Z", "bob", Counting),
        ("2026-03-02T10:04:00Z", "ada", Counting),
        ("2026-03-02T10:09:59Z", "ada", Matched),
        // It begins again.
        ("2026-03-02T10:10:00Z", "ada", Counting),
        ("2026-03-02T10:12:00Z", "ada", Counting),
        ("2026-03-02T10:22:00Z", "ada", Counting),
        ("2026-03-02T10:22:01Z", "bob", Counting),
    ] {
        assert_eq!(line.standing(at, &contact(id)), wanted, "{at} {id}");
    }
}

#[test]
fn a_window_may_go_on() {
    let mut line = Line::of(&json!({"window": {"count": 2, "within": "PT10M", "then": "continue"}}));
    let standings: Vec<Standing> = (0..4)
        .map(|minute| line.standing(&format!("2026-03-02T10:0{minute}:00Z"), &contact("ada")))
        .collect();
    assert_eq!(standings, [Standing::Counting, Standing::Matched, Standing::Matched, Standing::Matched]);
}

#[test]
fn only_events_whose_conditions_hold_count() {
    let mut line = Line::of(&json!({
        "conditions": [{"type": "equals", "field": "email", "value": "x"}],
        "window": {"count": 2, "within": "PT10M"},
    }));
    let data = |email: &str| json!({"contact_id": "ada", "email": email});
    assert_eq!(line.standing("2026-03-02T10:00:00Z", &data("x")), Standing::Counting);
    assert_eq!(line.standing("2026-03-02T10:01:00Z", &data("y")), Standing::NotMatched);
    assert_eq!(line.standing("2026-03-02T10:02:00Z", &data("x")), Standing::Matched);
}

#[test]
fn a_throttle_lets_so_many_through_for_each_key() {
    use Standing::{Matched, Throttled};
    let mut line = Line::of(&json!({"throttle": {"limit": 1, "per": "PT1H", "key": "contact_id"}}));
    for (at, id, wanted) in [
        ("2026-03-02T10:00:00Z", "ada", Matched),
        ("2026-03-02T10:59:59Z", "ada", Throttled),
        ("2026-03-02T10:59:59Z", "bob", Matched),
        ("2026-03-02T11:00:00Z", "ada", Matched),
        ("2026-03-02T11:30:00Z", "ada", Throttled),
    ] {
        assert_eq!(line.standing(at, &contact(id)), wanted, "{at} {id}");
    }
    let told = line.event("2026-03-02T11:31:00Z", "contact_updated", &contact("ada")).listed[0].told();
    assert_eq!(told["throttle"], json!({"fired": 1, "limit": 1, "key": {"contact_id": "ada"}}));
    assert!(told["because"].as_str().unwrap().starts_with("not fired: the conditions hold"), "{told}");
}

#[test]
fn debounce_fires_for_the_last_and_no_later_than_it_may() {
    let mut line = Line::of(&json!({"debounce": {"wait": "PT5M", "max_wait": "PT12M", "key": "contact_id"}}));
    let mut start = |at: &str| {
        let decision = line.event(at, "contact_updated", &contact("ada")).listed.remove(0);
        assert_eq!(decision.standing, Standing::Matched);
        (decision.start.to_string(), decision.replaces.is_some())
    };
    assert_eq!(start("2026-03-02T10:00:00Z"), ("2026-03-02T10:05:00.000Z".to_owned(), false));
    assert_eq!(start("2026-03-02T10:04:00Z"), ("2026-03-02T10:09:00.000Z".to_owned(), true));
    assert_eq!(start("2026-03-02T10:08:00Z"), ("2026-03-02T10:12:00.000Z".to_owned(), true));
    // The first has fired by now; another wait begins.
    assert_eq!(start("2026-03-02T10:12:00Z"), ("2026-03-02T10:17:00.000Z".to_owned(), false));
}

#[test]
fn absence_fires_unless_the_other_event_comes() {
    let said = json!({"absence": {"trigger_id": "contact_status_changed", "within": "P2D", "key": "contact_id",
        "conditions": [{"type": "changed_to", "field": "status", "value": "customer"}]}});
    let mut line = Line::of(&said);
    let first = line.event("2026-03-02T10:00:00Z", "contact_updated", &contact("ada")).listed.remove(0);
    assert_eq!(
        (first.standing, first.start.to_string()),
        (Standing::Matched, "2026-03-04T10:00:00.000Z".to_owned())
    );
    // Until then it waits, once for each contact.
    assert_eq!(line.standing("2026-03-03T10:00:00Z", &contact("ada")), Standing::Waiting);
    assert_eq!(line.standing("2026-03-03T10:00:00Z", &contact("bob")), Standing::Matched);
    let changed = |id: &str, to: &str| json!({"contact_id": id, "old_status": "lead", "new_status": to});
    let other = "contact_status_changed";
    assert!(line.event("2026-03-03T11:00:00Z", other, &changed("ada", "inactive")).ended.is_empty());
    assert!(line.event("2026-03-03T11:00:00Z", other, &changed("eve", "customer")).ended.is_empty());
    let ended = line.event("2026-03-03T12:00:00Z", other, &changed("ada", "customer")).ended;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].event, EventId::new("2026-03-02T10:00:00Z".parse().unwrap(), &Fixed(0)));
    // It is over, so the next one waits anew; what is due already cannot be called off.
    assert_eq!(line.standing("2026-03-03T13:00:00Z", &contact("ada")), Standing::Matched);
    assert!(line.event("2026-03-05T13:00:00Z", other, &changed("ada", "customer")).ended.is_empty());
}

#[test]
fn a_throttle_counts_what_begins_to_wait_and_nothing_that_comes_meanwhile() {
    use Standing::{Matched, Throttled, Waiting};
    let mut line = Line::of(&json!({"throttle": {"limit": 2, "per": "P7D"},
        "absence": {"trigger_id": "contact_status_changed", "within": "P2D", "key": "contact_id"}}));
    for (minute, id, wanted) in [
        (0, "ada", Matched),
        (1, "ada", Waiting),
        (2, "ada", Waiting),
        (3, "bob", Matched),
        (4, "eve", Throttled),
    ] {
        assert_eq!(line.standing(&format!("2026-03-02T10:0{minute}:00Z"), &contact(id)), wanted, "{minute}");
    }
    let mut line = Line::of(&json!({"throttle": {"limit": 1, "per": "P7D"}, "debounce": {"wait": "PT5M"}}));
    for minute in 0..5 {
        assert_eq!(
            line.standing(&format!("2026-03-02T10:0{minute}:00Z"), &contact("ada")),
            Matched,
            "{minute}"
        );
    }
    assert_eq!(line.standing("2026-03-02T10:30:00Z", &contact("ada")), Throttled);
}

#[test]
fn hours_go_by_the_zone_and_its_clock_changes() {
    let said = |outside: &str| {
        json!({"active_hours": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00",
            "time_zone": "Europe/Berlin", "outside": outside}})
    };
    let mut line = Line::of(&said("skip"));
    for (at, wanted) in [
        ("2026-03-27T07:59:59Z", Standing::OutsideHours),
        ("2026-03-27T08:00:00Z", Standing::Matched),
        ("2026-03-27T15:59:59Z", Standing::Matched),
        ("2026-03-27T16:00:00Z", Standing::OutsideHours),
        ("2026-03-28T10:00:00Z", Standing::OutsideHours),
        // Summer time has begun.
        ("2026-03-30T07:00:00Z", Standing::Matched),
    ] {
        assert_eq!(line.standing(at, &contact("ada")), wanted, "{at}");
    }
    let mut line = Line::of(&said("wait"));
    let mut start = |at: &str| line.event(at, "contact_updated", &contact("ada")).listed[0].start.to_string();
    assert_eq!(start("2026-03-27T16:30:00Z"), "2026-03-30T07:00:00.000Z");
    assert_eq!(start("2026-03-30T07:30:00Z"), "2026-03-30T07:30:00.000Z");
    // Over midnight, in the tenant's zone.
    let mut line = Line::of(&json!({"active_hours": {"from": "22:00", "to": "06:00", "outside": "wait"}}));
    let mut start = |at: &str| line.event(at, "contact_updated", &contact("ada")).listed[0].start.to_string();
    assert_eq!(start("2026-03-02T05:59:00Z"), "2026-03-02T05:59:00.000Z");
    assert_eq!(start("2026-03-02T06:00:00Z"), "2026-03-02T22:00:00.000Z");
    assert_eq!(start("2026-03-02T23:00:00Z"), "2026-03-02T23:00:00.000Z");
}

#[test]
fn a_lane_is_named_by_rule_and_key() {
    let mut line = Line::of(&json!({"concurrency": {"limit": 2, "key": "contact_id"}}));
    let mut lane = |id: &str| {
        line.event("2026-03-02T10:00:00Z", "contact_updated", &contact(id)).listed.remove(0).lane.unwrap()
    };
    let (ada, bob) = (lane("ada"), lane("bob"));
    assert!(ada.name.starts_with("rule:rul_") && ada.name != bob.name && ada.limit == 2, "{ada:?} {bob:?}");
}

#[test]
fn a_throttled_rule_still_stops_the_matching() {
    let first = rule(&json!({"stop_on_match": true, "throttle": {"limit": 1, "per": "PT1H"}}));
    let mut second = rule(&json!({}));
    second.id = RuleId::new(Instant::from_millis(2), &Fixed(0));
    second.created_at = Instant::from_millis(2);
    let book = RuleBook::new(&[first, second], &Catalogue::default());
    let mut line = Line { book, recall: Recall::default(), zone: chrono_tz::Tz::UTC };
    for wanted in [Standing::Matched, Standing::Throttled] {
        let decisions = line.event("2026-03-02T10:00:00Z", "contact_updated", &contact("ada"));
        let standings: Vec<Standing> = decisions.listed.iter().map(|decision| decision.standing).collect();
        assert_eq!(standings, [wanted, Standing::NotAsked]);
    }
}

#[test]
fn most_rules_want_nothing_remembered() {
    let wanted = |said: &Value| {
        let data = contact("ada");
        RuleBook::new(&[rule(said)], &Catalogue::default()).wanted("contact_updated", &Facts::of(&data)).len()
    };
    assert_eq!(wanted(&json!({})), 0);
    assert_eq!(
        wanted(&json!({"active_hours": {"from": "09:00", "to": "17:00"}, "concurrency": {"limit": 1}})),
        0
    );
    assert_eq!(
        wanted(&json!({"window": {"count": 2, "within": 60}, "throttle": {"limit": 1, "per": 60}})),
        2
    );
}

#[test]
fn all_faulty_parts_are_told_at_once() {
    let said = faults(&json!({
        "window": {"count": 1, "within": "P32D", "key": "contact..id", "then": "stop", "more": 1},
        "absence": {"trigger_id": "nothing", "within": "P2D"},
        "throttle": {"limit": 0},
        "debounce": {"wait": "PT5M", "max_wait": "PT1M"},
        "active_hours": {"days": ["someday"], "from": "9:00", "time_zone": "Middle/Earth", "outside": "never"},
        "concurrency": 3,
    }));
    let fields: Vec<&str> = said.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert_eq!(
        fields,
        [
            "window.more",
            "concurrency",
            "debounce",
            "window.count",
            "window.within",
            "window.key",
            "window.then",
            "absence.trigger_id",
            "throttle.limit",
            "throttle.per",
            "debounce.max_wait",
            "active_hours.days",
            "active_hours.from",
            "active_hours.time_zone",
            "active_hours.outside",
        ]
    );
}

#[test]
fn spans_are_exact() {
    let mut line = Line::of(&json!({"throttle": {"limit": 1, "per": 60}}));
    let at = |millis: i64| (Instant::from_millis(1_700_000_000_000) + Span::millis(millis)).to_string();
    assert_eq!(line.standing(&at(0), &contact("ada")), Standing::Matched);
    assert_eq!(line.standing(&at(59_999), &contact("ada")), Standing::Throttled);
    assert_eq!(line.standing(&at(60_000), &contact("ada")), Standing::Matched);
}
