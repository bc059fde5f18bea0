//! `/api/v1/tasks`: who has to do what, what rules make of it, and who may do what with whose.

use crate::{
    expect,
    people::PASSWORD,
    stage::{SOON, Stage, data, event_for, fresh, get, id, inbox, message, post, rule_for, tell, text},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, eventually};

const TASKS: &str = "/api/v1/tasks";

fn make(client: &Client, body: &Value) -> Value {
    post(client, TASKS, body, 201)
}

fn step(client: &Client, task: &str, step: &str) -> tests::Answer {
    client.request("POST", &format!("{TASKS}/{task}/{step}")).send().unwrap()
}

fn titles(list: &Value) -> Vec<&str> {
    data(list).iter().map(|task| text(task, "title")).collect()
}

/// A person of the tenant with these roles: their id, their address, and a client of theirs.
fn person(stage: &Stage, role: Option<&str>) -> (String, String, Client) {
    let owner = stage.client();
    let roles = get(&owner, "/api/v1/admin/roles?limit=200");
    let role = role.map(|name| {
        let found = data(&roles).iter().find(|known| known["name"] == name && known["built_in"] == true);
        id(found.expect("a built-in role"))
    });
    let email = format!("{}@people.example", fresh("person"));
    let roles: Vec<&str> = role.iter().map(String::as_str).collect();
    let (user, client) = stage.user(&owner, &email, "Somebody", PASSWORD, &roles);
    (user, email, client)
}

/// A rule on one of the triggers of tasks.
fn task_rule(client: &Client, trigger: &str, conditions: &Value, actions: &Value) -> String {
    let rule = json!({"name": fresh("rule"), "module_type": "tasks", "trigger_id": trigger,
        "conditions": conditions, "actions": actions});
    id(&post(client, "/api/v1/automation/rules", &rule, 201))
}

#[test]
fn a_deal_becomes_a_task_that_is_done_and_the_trace_tells_it() {
    let stage = Stage::shared();
    let client = stage.client();
    let (user, email, person) = person(&stage, Some("viewer"));
    let only = fresh("o");
    let make = json!({"type": "create_task", "parameters": {
        "title": "Call about {{opportunity_name}}", "description": "Before anybody else does.",
        "due_date": "2030-01-31", "assignee": email, "priority": "high", "labels": ["new"],
        "about": {"type": "opportunity", "id": "{{opportunity_id}}"}}});
    let rule = id(&post(&client, "/api/v1/automation/rules", &rule_for(&only, &json!([make])), 201));
    let chief = format!("{}@example.com", fresh("chief"));
    task_rule(
        &client,
        "task_completed",
        &json!([{"type": "equals", "field": "about_id", "value": only}]),
        &json!([tell(&chief, "{{assignee}} has done {{title}}")]),
    );
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Big deal"), 202);
    let job = crate::stage::job(&client, &crate::stage::first_job(&accepted), "done");
    assert_eq!(job["kind"], "create_task");

    let mine = get(&person, &format!("{TASKS}?assignee=me&state=open&about={only}"));
    assert_eq!(titles(&mine), ["Call about Big deal"], "{mine}");
    let task = &data(&mine)[0];
    assert_eq!((&task["assignee"]["id"], &task["assignee"]["email"]), (&json!(user), &json!(email)));
    assert_eq!((&task["state"], &task["priority"]), (&json!("assigned"), &json!("high")));
    assert_eq!(
        (&task["due_date"], &task["due_at"]),
        (&json!("2030-01-31"), &json!("2030-02-01T00:00:00.000Z"))
    );
    assert_eq!(
        (&task["created_by"], &task["rule_id"], &task["event_id"]),
        (&json!(rule), &json!(rule), &accepted["id"])
    );
    assert_eq!(task["about"], json!({"type": "opportunity", "id": only}));
    message(&client, &email, "Call about Big deal");

    // A viewer may do what is given to them.
    let task = id(task);
    assert_eq!(step(&person, &task, "start").status, 200);
    let done = step(&person, &task, "complete");
    assert_eq!(done.status, 200, "{}", done.text());
    let done = done.json().unwrap();
    assert_eq!((&done["state"], &done["completed_by"]), (&json!("completed"), &json!(user)));
    message(&client, &chief, &format!("{email} has done Call about Big deal"));

    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&accepted)));
    assert_eq!(
        (&trace["tasks"][0]["id"], &trace["tasks"][0]["state"]),
        (&json!(task), &json!("completed")),
        "{trace}"
    );
    let made = &trace["jobs"][0]["attempts"][0]["detail"];
    assert_eq!(made, &json!(format!("made {task}")), "{trace}");
    let children: Vec<Value> = trace["children"]
        .as_array()
        .unwrap()
        .iter()
        .map(|child| get(&client, &format!("/api/v1/events/{}", child.as_str().unwrap())))
        .collect();
    let mut triggers: Vec<&str> = children.iter().map(|child| text(child, "trigger_id")).collect();
    triggers.sort_unstable();
    assert_eq!(triggers, ["task_assigned", "task_created"]);
    assert!(
        children.iter().all(|child| child["depth"] == 1 && child["subject"] == json!(task)),
        "{children:?}"
    );
}

#[test]
fn a_change_tells_old_and_new() {
    let client = Stage::shared_client();
    let label = fresh("label");
    let told = format!("{}@example.com", fresh("watcher"));
    task_rule(
        &client,
        "task_updated",
        &json!([
            {"type": "contains", "field": "labels", "value": label},
            {"type": "changed_from", "field": "priority", "value": "normal"},
        ]),
        &json!([tell(&told, "{{title}}: {{changes.priority.old}} to {{new_priority}}")]),
    );
    let task = make(&client, &json!({"title": "Write", "labels": [label]}));
    let path = format!("{TASKS}/{}", id(&task));
    assert_eq!(client.patch(&path, &json!({"description": "x"})).unwrap().status, 200);
    assert_eq!(client.patch(&path, &json!({"priority": "urgent"})).unwrap().status, 200);
    message(&client, &told, "Write: normal to urgent");
    assert_eq!(inbox(&client, &told).len(), 1, "the description alone is no change of priority");
    // What changes nothing raises nothing.
    let before = data(&get(&client, "/api/v1/events?trigger_id=task_updated&limit=200")).len();
    let same = client.patch(&path, &json!({"priority": "urgent"})).unwrap();
    assert_eq!((same.status, same.json().unwrap()["version"].as_i64()), (200, Some(3)));
    let after = get(&client, "/api/v1/events?trigger_id=task_updated&limit=200");
    let own = |list: &Value| data(list).iter().filter(|event| event["subject"] == task["id"]).count();
    assert!(before >= 2 && own(&after) == 2, "{after}");
}

#[test]
fn a_task_is_made_changed_and_deleted_as_rest_expects() {
    let client = Stage::shared_client();
    let answer =
        client.post("/api/tasks", &json!({"title": "By the short path", "labels": ["a", "a"]})).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let task = answer.json().unwrap();
    assert_eq!(answer.header("location"), Some(format!("{TASKS}/{}", id(&task)).as_str()));
    assert_eq!((answer.header("etag"), &task["labels"]), (Some("\"1\""), &json!(["a"])));
    let path = format!("{TASKS}/{}", id(&task));
    assert_eq!(get(&client, &format!("/acme-corp{path}")), task);
    assert_eq!(get(&client, &format!("/acme-corp/api/tasks/{}", id(&task))), task);

    let whole = json!({"title": "Anew", "due_at": "2030-01-31T09:00:00+02:00", "assignee": "x@example.com"});
    let anew = client.request("PUT", &path).header("If-Match", "\"1\"").json(&whole).send().unwrap();
    assert_eq!(anew.status, 200, "{}", anew.text());
    let anew = anew.json().unwrap();
    assert_eq!((&anew["state"], &anew["labels"]), (&json!("assigned"), &json!([])));
    assert_eq!((&anew["due_at"], &anew["due_date"]), (&json!("2030-01-31T07:00:00.000Z"), &Value::Null));
    assert_eq!(anew["assignee"], json!({"id": null, "email": "x@example.com", "name": null}));
    let stale =
        client.request("PATCH", &path).header("If-Match", "\"1\"").json(&json!({"title": "x"})).send();
    expect::problem(&stale.unwrap(), 412, "PRECONDITION_FAILED");

    let taken = post(&client, &format!("{path}/assign"), &json!({"assignee": null}), 200);
    assert_eq!((&taken["state"], &taken["assignee"]), (&json!("draft"), &Value::Null));
    expect::problem(&step(&client, &id(&task), "start"), 409, "TASK_UNASSIGNED");
    expect::fields(
        &client.post(&format!("{path}/assign"), &json!({})).unwrap(),
        400,
        "VALIDATION_ERROR",
        &["body"],
    );
    let cancelled = step(&client, &id(&task), "cancel").json().unwrap();
    assert_eq!((&cancelled["state"], &cancelled["completed_at"]), (&json!("cancelled"), &Value::Null));
    assert!(!cancelled["ended_at"].is_null(), "{cancelled}");
    expect::problem(&step(&client, &id(&task), "complete"), 409, "TASK_ENDED");
    assert_eq!(step(&client, &id(&task), "reopen").json().unwrap()["state"], "draft");
    let moved = client.patch(&path, &json!({"assignee": "y@example.com", "state": "in_progress"})).unwrap();
    assert_eq!(moved.json().unwrap()["state"], "in_progress", "who has it, and where it is, in one");
    assert_eq!(client.delete(&path).unwrap().status, 204);
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn faulty_fields_are_told_at_once() {
    let client = Stage::shared_client();
    let wrong = json!({"title": "", "priority": "huge", "due_at": "soon", "labels": [""], "assignee": "somebody",
        "about": {"type": "A", "id": "1"}});
    let wanted = ["title", "priority", "due_at", "labels[0]", "assignee", "about.type"];
    expect::fields(&client.post(TASKS, &wrong).unwrap(), 400, "VALIDATION_ERROR", &wanted);
    let unknown = client.post(TASKS, &json!({"title": "x", "colour": "red"})).unwrap();
    expect::problem(&unknown, 400, "VALIDATION_ERROR");
    let query = format!("{TASKS}?state=done&priority=huge&due_before=soon&overdue=perhaps&sort=colour");
    let wanted = ["state", "priority", "due_before", "overdue", "sort"];
    expect::fields(&client.get(&query).unwrap(), 400, "VALIDATION_ERROR", &wanted);
    let me = client.get(&format!("{TASKS}?assignee=me")).unwrap();
    expect::fields(&me, 400, "VALIDATION_ERROR", &["assignee"]);
    let rule = rule_for(&fresh("o"), &json!([{"type": "create_task", "parameters": {"due_date": "soon"}}]));
    let wanted = ["actions[0].parameters.title", "actions[0].parameters.due_date"];
    expect::fields(
        &client.post("/api/v1/automation/rules", &rule).unwrap(),
        400,
        "VALIDATION_ERROR",
        &wanted,
    );
}

#[test]
fn the_same_key_makes_one_task() {
    let client = Stage::shared_client();
    let (key, title) = (fresh("key"), fresh("once"));
    let send = || {
        let body = json!({"title": title, "assignee": "x@example.com"});
        client.request("POST", TASKS).header("Idempotency-Key", &key).json(&body).send().unwrap()
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, first.text()), (201, again.text()));
    assert_eq!(titles(&get(&client, &format!("{TASKS}?q={title}"))).len(), 1);
}

#[test]
fn lists_are_filtered_sorted_and_paged() {
    let client = Stage::shared_client();
    let label = fresh("list");
    for (title, due, priority) in [
        ("c", Some("2030-01-03"), "low"),
        ("a", Some("2030-01-01"), "normal"),
        ("x", None, "urgent"),
        ("b", Some("2030-01-02"), "normal"),
        ("old", Some("2020-01-01"), "high"),
    ] {
        let mut task = json!({"title": title, "priority": priority, "labels": [label]});
        if let Some(due) = due {
            task["due_date"] = json!(due);
        }
        make(&client, &task);
    }
    let all = |query: &str| {
        let mut found = Vec::new();
        let mut path = format!("{TASKS}?label={label}&limit=2&{query}");
        loop {
            let page = get(&client, &path);
            found.extend(titles(&page).into_iter().map(str::to_owned));
            match page["links"]["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => return found.join(" "),
            }
        }
    };
    for (query, wanted) in [
        ("", "old a b c x"),
        ("sort=-due", "c b a old x"),
        ("sort=-priority", "x old a b c"),
        ("sort=created_at", "c a x b old"),
        ("sort=-updated_at", "old b x a c"),
        ("overdue=true", "old"),
        ("due_before=2030-01-02T12:00:00Z", "old a"),
        ("priority=normal&sort=-due", "b a"),
        ("state=draft&q=ol", "old"),
        ("state=ended", ""),
        ("assignee=none", "old a b c x"),
        ("assignee=nobody@example.com", ""),
    ] {
        assert_eq!(all(query), wanted, "{query}");
    }
    let limits = get(&client, &format!("{TASKS}/limits"));
    assert!(
        limits["open_tasks"]["used"].as_i64() >= Some(5) && limits["open_tasks"]["limit"] == 50_000,
        "{limits}"
    );
}

#[test]
fn whose_task_it_is_decides_who_may() {
    let stage = Stage::shared();
    let owner = stage.client();
    let (_, email, nobody) = person(&stage, None);
    let (_, _, viewer) = person(&stage, Some("viewer"));
    let label = fresh("whose");
    let own = id(&make(&owner, &json!({"title": "Own", "assignee": email, "labels": [label]})));
    let other = id(&make(&owner, &json!({"title": "Other", "labels": [label]})));
    let mine = get(&nobody, &format!("{TASKS}?label={label}"));
    assert_eq!(titles(&mine), ["Own"], "without any role one sees what is one's own");
    assert_eq!(titles(&get(&viewer, &format!("{TASKS}?label={label}"))).len(), 2);
    assert_eq!(nobody.get(&format!("{TASKS}/{own}")).unwrap().status, 200);
    expect::problem(&nobody.get(&format!("{TASKS}/{other}")).unwrap(), 404, "NOT_FOUND");
    expect::problem(&step(&nobody, &other, "complete"), 404, "NOT_FOUND");
    expect::problem(&step(&viewer, &other, "complete"), 403, "OUT_OF_REACH");
    expect::problem(&step(&viewer, &own, "reopen"), 403, "OUT_OF_REACH");
    for refused in [
        nobody.post(TASKS, &json!({"title": "x"})).unwrap(),
        nobody.patch(&format!("{TASKS}/{own}"), &json!({"title": "x"})).unwrap(),
        nobody.post(&format!("{TASKS}/{own}/assign"), &json!({"assignee": null})).unwrap(),
        step(&nobody, &own, "cancel"),
        nobody.delete(&format!("{TASKS}/{own}")).unwrap(),
        nobody.get(&format!("{TASKS}/limits")).unwrap(),
    ] {
        expect::problem(&refused, 403, "FORBIDDEN");
    }

    let comments = format!("{TASKS}/{own}/comments");
    let said = post(&nobody, &comments, &json!({"text": "I begin on Monday."}), 201);
    assert_eq!(said["author_name"], "Somebody", "{said}");
    let comment = format!("{comments}/{}", id(&said));
    expect::problem(&viewer.post(&comments, &json!({"text": "x"})).unwrap(), 403, "OUT_OF_REACH");
    expect::problem(&owner.patch(&comment, &json!({"text": "x"})).unwrap(), 403, "TASK_COMMENT_AUTHOR");
    let edited = nobody.patch(&comment, &json!({"text": "On Tuesday."})).unwrap().json().unwrap();
    assert!(edited["text"] == "On Tuesday." && !edited["edited_at"].is_null(), "{edited}");
    assert_eq!(get(&viewer, &comment)["text"], "On Tuesday.");
    assert_eq!(get(&owner, &format!("{TASKS}/{own}"))["comment_count"], 1);
    assert_eq!(owner.delete(&comment).unwrap().status, 204, "whoever may change the task tidies it up");
    assert_eq!(step(&nobody, &own, "complete").status, 200);
    // A key has no tasks of its own.
    let key = stage.key_with(&["inbox:read"]);
    expect::problem(&key.get(TASKS).unwrap(), 403, "FORBIDDEN");
}

#[test]
fn a_role_may_reach_tasks_alone_or_one_of_them() {
    let stage = Stage::shared();
    let owner = stage.client();
    let roles = get(&owner, "/api/v1/admin/roles?limit=200");
    let editor = id(data(&roles).iter().find(|role| role["name"] == "editor").unwrap());
    let bound = |scope: &str| {
        let (user, _, client) = person(&stage, None);
        let bind = json!({"user_id": user, "role_id": editor, "scope": scope});
        let answer = owner.post("/api/v1/admin/role-bindings", &bind).unwrap();
        assert!(answer.status < 300, "{}", answer.text());
        client
    };
    let label = fresh("reach");
    let one = id(&make(&owner, &json!({"title": "One", "labels": [label]})));
    make(&owner, &json!({"title": "Two", "labels": [label]}));
    let list = format!("{TASKS}?label={label}");
    let (module, single, elsewhere) =
        (bound("module:tasks"), bound(&format!("resource:{one}")), bound("module:crm"));
    assert_eq!(titles(&get(&module, &list)), ["One", "Two"]);
    assert_eq!(module.post(TASKS, &json!({"title": "Three"})).unwrap().status, 201);
    assert_eq!(titles(&get(&single, &list)), ["One"]);
    assert_eq!(single.patch(&format!("{TASKS}/{one}"), &json!({"title": "First"})).unwrap().status, 200);
    expect::problem(&single.post(TASKS, &json!({"title": "x"})).unwrap(), 403, "OUT_OF_REACH");
    assert_eq!(titles(&get(&elsewhere, &list)).len(), 0);
    expect::problem(&elsewhere.get(&format!("{TASKS}/{one}")).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn a_task_becomes_overdue_once_and_goes_when_its_time_is_over() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let told = "late@example.com";
    task_rule(&client, "task_overdue", &json!([]), &json!([tell(told, "Late: {{title}}")]));
    let soon = get(&client, "/api/v1/automation/triggers?limit=1")["meta"]["timestamp"].clone();
    let day = soon.as_str().unwrap()[..10].to_owned();
    let task = id(&make(&client, &json!({"title": "Today", "due_date": day})));
    stage.tick();
    assert_eq!(get(&client, &format!("{TASKS}/{task}"))["overdue"], false);
    stage.pass(Duration::from_secs(25 * 3600));
    stage.tick();
    message(&client, told, "Late: Today");
    stage.tick();
    assert_eq!(inbox(&client, told).len(), 1);
    assert_eq!(titles(&get(&client, &format!("{TASKS}?overdue=true"))), ["Today"]);
    assert_eq!(step(&client, &task, "complete").status, 200);
    let open = id(&make(&client, &json!({"title": "Open"})));
    let patched = client.patch("/api/v1/admin/settings", &json!({"retention": {"tasks_days": 10}})).unwrap();
    assert_eq!(patched.status, 200, "{}", patched.text());
    stage.pass(Duration::from_secs(12 * 24 * 3600));
    let gone = eventually(SOON, || {
        stage.tick();
        (client.get(&format!("{TASKS}/{task}")).unwrap().status == 404).then_some(())
    });
    assert!(gone.is_some(), "a task that ended twelve days ago is still there");
    assert_eq!(client.get(&format!("{TASKS}/{open}")).unwrap().status, 200, "what has not ended stays");
}
