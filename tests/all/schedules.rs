//! `/api/v1/schedules`: events at their time, in their zone, and what is done about times that nobody was there for.

use crate::{
    expect,
    stage::{SOON, Stage, data, fresh, get, id, message, post, tell, text},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, eventually};

const SCHEDULES: &str = "/api/v1/schedules";

fn make(client: &Client, body: &Value) -> Value {
    post(client, SCHEDULES, body, 201)
}

fn runs(client: &Client, schedule: &Value) -> Vec<Value> {
    data(&get(client, &format!("{SCHEDULES}/{}/runs", id(schedule)))).clone()
}

/// A rule that tells what a schedule of this name raises.
fn teller(client: &Client, schedule: &str, to: &str) {
    let rule = json!({"name": fresh("rule"), "module_type": "schedules", "trigger_id": "schedule_due",
        "conditions": [{"type": "equals", "field": "schedule_name", "value": schedule}],
        "actions": [tell(to, "{{schedule_name}} at {{scheduled_at}}")]});
    post(client, "/api/v1/automation/rules", &rule, 201);
}

#[test]
fn a_schedule_raises_an_event_that_rules_wait_for() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let to = "weekly@example.com";
    teller(&client, "Review", to);
    let made = make(&client, &json!({"name": "Review", "cron": "*/5 * * * *", "time_zone": "Asia/Kolkata"}));
    assert_eq!((&made["trigger_id"], &made["module_type"]), (&json!("schedule_due"), &json!("schedules")));
    assert_eq!(
        (&made["missed"], &made["description_of_cron"]),
        (&json!("once"), &json!("At every 5 minutes."))
    );
    stage.pass(Duration::from_secs(301));
    stage.tick();
    let next = text(&made, "next_at");
    message(&client, to, &format!("Review at {next}"));
    let run = runs(&client, &made).pop().unwrap();
    assert_eq!((&run["outcome"], &run["scheduled_at"]), (&json!("raised"), &made["next_at"]));
    let event = get(&client, &format!("/api/v1/events/{}", text(&run, "event_id")));
    assert_eq!((&event["occurred_at"], &event["subject"]), (&made["next_at"], &made["id"]));
    assert_eq!(event["matched"].as_array().unwrap().len(), 1);
    let now = get(&client, &format!("{SCHEDULES}/{}", id(&made)));
    assert!(text(&now, "next_at") > next && now["version"] == 1, "{now}");
}

#[test]
fn what_passed_while_nobody_was_there_is_done_as_each_schedule_says() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let with = |missed: &str| make(&client, &json!({"name": missed, "cron": "0 * * * *", "missed": missed}));
    let (skip, once, all) = (with("skip"), with("once"), with("all"));
    let at = make(&client, &json!({"name": "at", "at": text(&skip, "next_at")}));
    let rests = make(&client, &json!({"name": "rests", "cron": "0 * * * *", "missed": "all"}));
    post(&client, &format!("{SCHEDULES}/{}/pause", id(&rests)), &json!({}), 200);

    let stage = stage.away_for(Duration::from_secs(5 * 3600));
    let client = stage.client();
    let counts = |schedule: &Value| {
        let runs = runs(&client, schedule);
        let of = |outcome: &str| {
            let own = runs.iter().filter(|run| run["outcome"] == outcome);
            own.map(|run| run["count"].as_i64().unwrap()).sum::<i64>()
        };
        (of("raised"), of("skipped"))
    };
    let made_up = eventually(SOON, || {
        stage.tick();
        (counts(&all).0 >= 5).then_some(())
    });
    assert!(made_up.is_some(), "{:?}", runs(&client, &all));
    // The hour may have struck just now: that one is in time.
    let (raised, skipped) = counts(&skip);
    assert!(raised <= 1 && raised + skipped == counts(&all).0, "{:?}", runs(&client, &skip));
    let (raised, skipped) = counts(&once);
    assert!((1..=2).contains(&raised) && raised + skipped == counts(&all).0, "{:?}", runs(&client, &once));
    assert_eq!((counts(&all).1, counts(&at), counts(&rests)), (0, (1, 0), (0, 0)));
    let over = get(&client, &format!("{SCHEDULES}/{}", id(&at)));
    assert_eq!((&over["next_at"], &over["is_active"]), (&Value::Null, &json!(true)));
    let late = runs(&client, &at)[0]["late_seconds"].as_i64().unwrap();
    assert!(late > 3 * 3600, "{late}");
    let metrics = client.get("/metrics").unwrap().text();
    assert!(metrics.contains("signalbox_schedules_lag_seconds 0.000"), "{metrics}");
    let resumed = post(&client, &format!("{SCHEDULES}/{}/resume", id(&rests)), &json!({}), 200);
    assert!(!resumed["next_at"].is_null(), "{resumed}");
    expect::problem(
        &client.patch(&format!("{SCHEDULES}/{}", id(&at)), &json!({"at": "2020-01-01T00:00:00Z"})).unwrap(),
        400,
        "VALIDATION_ERROR",
    );
    let renamed = client.patch(&format!("{SCHEDULES}/{}", id(&at)), &json!({"name": "was"})).unwrap();
    assert_eq!(renamed.status, 200, "what is over can still be renamed: {}", renamed.text());
}

#[test]
fn a_schedule_is_made_changed_and_deleted_as_rest_expects() {
    let client = Stage::shared_client();
    // As text, for the amount is exact.
    let body = r#"{"name": "Deal", "trigger_id": "deal_closed_won", "cron": "0 9 * * MON-FRI",
        "data": {"opportunity_id": "o-1", "value": 1234567890123456789012.10}, "time_zone": "Europe/Berlin",
        "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2031-01-01T00:00:00Z"}"#;
    let answer = client.request("POST", SCHEDULES).body("application/json", body).send().unwrap();
    assert_eq!((answer.status, answer.header("etag")), (201, Some("\"1\"")), "{}", answer.text());
    assert!(answer.text().contains("1234567890123456789012.10"), "{}", answer.text());
    let made = answer.json().unwrap();
    assert_eq!(
        (&made["next_at"], &made["module_type"]),
        (&json!("2030-01-01T08:00:00.000Z"), &json!("sales"))
    );
    let path = format!("{SCHEDULES}/{}", id(&made));
    assert_eq!(get(&client, &format!("/acme-corp{path}")), made);
    let stale = client.request("PATCH", &path).header("If-Match", "\"7\"").json(&json!({"name": "x"})).send();
    expect::problem(&stale.unwrap(), 412, "PRECONDITION_FAILED");
    let patched =
        client.patch(&path, &json!({"cron": "0 10 * * *", "ends_at": null})).unwrap().json().unwrap();
    assert_eq!(
        (&patched["next_at"], &patched["ends_at"]),
        (&json!("2030-01-01T09:00:00.000Z"), &Value::Null)
    );
    let once = client.patch(&path, &json!({"at": "2030-06-01T00:00:00Z", "starts_at": null})).unwrap();
    assert_eq!((once.status, &once.json().unwrap()["cron"]), (200, &Value::Null), "{}", once.text());
    let anew = json!({"name": "Anew", "cron": "@daily"});
    let anew = client.put(&path, &anew).unwrap().json().unwrap();
    assert_eq!(
        (&anew["trigger_id"], &anew["time_zone"], &anew["version"]),
        (&json!("schedule_due"), &json!("UTC"), &json!(4))
    );

    let paused = post(&client, &format!("{path}/pause"), &json!({}), 200);
    assert_eq!((&paused["is_active"], &paused["next_at"]), (&json!(false), &Value::Null));
    let listed = |query: &str| {
        let list = get(&client, &format!("{SCHEDULES}?limit=200&{query}"));
        data(&list).iter().any(|entry| entry["id"] == made["id"])
    };
    assert!(listed("is_active=false") && !listed("is_active=true") && !listed("trigger_id=deal_closed_won"));
    let run = post(&client, &format!("{path}/run"), &json!({}), 200);
    assert_eq!((&run["outcome"], &run["manual"]), (&json!("raised"), &json!(true)));
    let event = get(&client, &format!("/api/v1/events/{}", text(&run, "event_id")));
    assert_eq!(
        (&event["trigger_id"], &event["data"]["schedule_name"]),
        (&json!("schedule_due"), &json!("Anew"))
    );
    let limits = get(&client, &format!("{SCHEDULES}/limits"));
    assert!(limits["schedules"]["used"].as_i64() >= Some(1) && limits["schedules"]["limit"] == 1_000);
    assert_eq!(client.delete(&path).unwrap().status, 204);
    expect::problem(&client.get(&format!("{path}/runs")).unwrap(), 404, "NOT_FOUND");
    assert_eq!(get(&client, &format!("/api/v1/events/{}", text(&run, "event_id")))["id"], event["id"]);
}

#[test]
fn faulty_fields_are_told_at_once() {
    let client = Stage::shared_client();
    let wrong = json!({"cron": "0 0 9 * * *", "time_zone": "Berlin", "missed": "often", "trigger_id": "nothing",
        "starts_at": "soon"});
    let wanted = ["name", "cron", "time_zone", "missed", "trigger_id", "starts_at"];
    expect::fields(&client.post(SCHEDULES, &wrong).unwrap(), 400, "VALIDATION_ERROR", &wanted);
    let lacking =
        json!({"name": "x", "cron": "@daily", "trigger_id": "deal_closed_won", "data": {"value": 1}});
    expect::fields(
        &client.post(SCHEDULES, &lacking).unwrap(),
        400,
        "VALIDATION_ERROR",
        &["data.opportunity_id"],
    );
    let unknown = json!({"name": "x", "cron": "@daily", "colour": "red"});
    expect::problem(&client.post(SCHEDULES, &unknown).unwrap(), 400, "VALIDATION_ERROR");
    let query = format!("{SCHEDULES}/preview?cron=61+*+*+*+*&time_zone=x&count=0");
    expect::fields(&client.get(&query).unwrap(), 400, "VALIDATION_ERROR", &["cron", "time_zone", "count"]);
    expect::fields(&client.get(&format!("{SCHEDULES}/preview")).unwrap(), 400, "VALIDATION_ERROR", &["cron"]);
}

#[test]
fn a_preview_says_what_clock_changes_do() {
    let client = Stage::shared_client();
    let preview = |query: &str| get(&client, &format!("{SCHEDULES}/preview?{query}"));
    let spring = preview("cron=30+2+*+*+*&time_zone=Europe/Berlin&from=2026-03-27T12:00:00Z&count=3");
    assert_eq!((&spring["description"], &spring["keeps_pace"]), (&json!("At 02:30."), &json!(false)));
    let times = spring["times"].as_array().unwrap();
    let local: Vec<&str> = times.iter().map(|time| text(time, "local")).collect();
    assert_eq!(
        local,
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    assert!(text(&times[1], "note").contains("put forward to 03:00"), "{spring}");
    assert!(times[0]["note"].is_null() && times[2]["note"].is_null());
    let autumn = preview("cron=30+2+*+*+*&time_zone=Europe/Berlin&from=2026-10-24T12:00:00Z&count=1");
    assert!(text(&autumn["times"][0], "note").contains("twice"), "{autumn}");
    assert_eq!(preview("cron=@hourly")["times"].as_array().unwrap().len(), 10);
}

#[test]
fn the_same_key_makes_one_schedule_and_a_key_reads_but_does_not_write() {
    let stage = Stage::shared();
    let client = stage.client();
    let (key, name) = (fresh("key"), fresh("once"));
    let send = || {
        let body = json!({"name": name, "cron": "@daily"});
        client.request("POST", SCHEDULES).header("Idempotency-Key", &key).json(&body).send().unwrap()
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, first.text()), (201, again.text()));
    let reader = stage.key_with(&["events:read"]);
    assert_eq!(reader.get(SCHEDULES).unwrap().status, 200);
    expect::problem(
        &reader.post(SCHEDULES, &json!({"name": "x", "cron": "@daily"})).unwrap(),
        403,
        "FORBIDDEN",
    );
}
