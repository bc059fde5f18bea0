//! Do rules stay as they were saved, with every version, revision and audit entry, each in its own tenant?

use crate::stage::{at, by, call, database};
use db::Db;
use futures::executor::block_on;
use kernel::{Bounded, Fault, Grant, Kind, PageRequest, Permission, Permissions, Principal, TenantId};
use language::{Facts, Moment, Occasion};
use rules::{
    Catalogue, Change, Definition, Draft, Recall, Rule, RuleError, RuleFilter, RulePatch,
    service::{self, Trial},
};
use serde_json::{Value, json};

fn tenant(text: &str) -> TenantId {
    text.parse().unwrap()
}

fn alert() -> Draft {
    Draft {
        name: Some("High Value Deal Alert".to_owned()),
        description: Some("Notify sales manager about deals over $10,000".to_owned()),
        module_type: Some("sales".to_owned()),
        trigger_id: Some("high_value_opportunity".to_owned()),
        conditions: Some(json!([{"type": "value_threshold", "value": 10000}])),
        actions: Some(json!([{"type": "send_notification", "parameters": {
            "recipient": "sales-manager@example.com",
            "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}",
        }}])),
        ..Draft::default()
    }
}

async fn make(db: &Db, call: &Bounded) -> Rule {
    service::create(db, call, alert(), None).await.unwrap().rule
}

async fn revision(db: &Db, call: &Bounded) -> i64 {
    let mut lease = db.read().await.unwrap();
    service::grounds(&mut lease.scope(call.tenant()).unwrap()).await.unwrap().revision
}

#[test]
fn the_seeds_rule_is_made_and_decides() {
    let (db, call) = (database(), call("acme-corp", 0));
    block_on(async {
        let rule = make(&db, &call).await;
        assert_eq!((rule.version, rule.definition.is_active, rule.definition.priority), (1, true, 0));
        assert_eq!(service::get(&db, &call, &rule.id).await.unwrap().rule, rule);
        let (grounds, book, _) = {
            let mut lease = db.read().await.unwrap();
            service::load_book(&mut lease.scope(call.tenant()).unwrap()).await.unwrap()
        };
        assert_eq!(grounds.revision, revision(&db, &call).await);
        let data = json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500});
        let moment = Moment { now: at(0), ..Moment::default() };
        let facts = Facts::new(&data, None, Occasion::default(), moment);
        let decisions = book.decide("high_value_opportunity", &facts, &Recall::default());
        let actions = decisions.listed[0].actions.as_ref().unwrap();
        assert_eq!(actions[0].parameters["message"], "New high-value opportunity: Big deal - $12500");
        let trial = |data: &Value| Trial { data: data.clone(), ..Trial::default() };
        assert_eq!(service::test(&db, &call, &rule.id, &trial(&data)).await.unwrap(), decisions.listed[0]);
        let lacking = service::test(&db, &call, &rule.id, &trial(&json!({"value": 1}))).await.unwrap_err();
        assert_eq!(lacking.fields()[0].field, "data.opportunity_id");
    });
}

#[test]
fn every_change_is_a_version_a_revision_and_an_audit_entry() {
    let db = database();
    let call = |second| call("acme-corp", second);
    block_on(async {
        let rule = make(&db, &call(0)).await;
        let first = revision(&db, &call(0)).await;
        let id = &rule.id;
        let patch = RulePatch { description: Some(None), priority: Some(5), ..RulePatch::default() };
        let patched = service::patch(&db, &call(1), id, Some(1), patch, Some("why")).await.unwrap().rule;
        assert_eq!((patched.version, patched.definition.priority), (2, 5));
        assert_eq!(patched.definition.description, None);
        assert_eq!(patched.definition.name, "High Value Deal Alert");
        assert_eq!((patched.created_at, patched.updated_at), (rule.created_at, at(1)));
        let off = service::toggle(&db, &call(2), id, None, false, None).await.unwrap().rule;
        assert_eq!((off.version, off.definition.is_active), (3, false));
        assert_eq!(service::toggle(&db, &call(3), id, None, false, None).await.unwrap().rule, off);
        let on = service::toggle(&db, &call(4), id, None, true, None).await.unwrap().rule;
        assert_eq!(on.version, 4);
        let back = service::rollback(&db, &call(5), id, Some(4), 1, None).await.unwrap().rule;
        assert_eq!((back.version, &back.definition), (5, &rule.definition));
        let new = Draft { name: Some("Other".to_owned()), ..alert() };
        let replaced = service::replace(&db, &call(6), id, None, new, None).await.unwrap().rule;
        assert_eq!(
            (replaced.definition.name.as_str(), &replaced.definition.key),
            ("Other", &rule.definition.key)
        );

        let page = service::versions(&db, &call(7), id, &PageRequest::new(4, None).unwrap()).await.unwrap();
        let rest = PageRequest::new(4, page.next.clone()).unwrap();
        let rest = service::versions(&db, &call(7), id, &rest).await.unwrap();
        let all: Vec<(u32, Change)> =
            page.items.iter().chain(&rest.items).map(|one| (one.version, one.change)).collect();
        assert_eq!(
            all,
            [
                (6, Change::Changed),
                (5, Change::RolledBack),
                (4, Change::Enabled),
                (3, Change::Disabled),
                (2, Change::Changed),
                (1, Change::Created),
            ]
        );
        assert_eq!(rest.items[1].definition, rule.definition);
        assert_eq!((rest.items[1].changed_by.as_str(), rest.items[1].changed_at), ("system", at(0)));

        service::delete(&db, &call(8), id, Some(6)).await.unwrap();
        assert!(matches!(service::get(&db, &call(9), id).await, Err(RuleError::Unknown)));
        assert_eq!(revision(&db, &call(9)).await, first + 6);
        let mut lease = db.read().await.unwrap();
        let ours = tenant("acme-corp");
        let mut scope = lease.scope(&ours).unwrap();
        let audit =
            audit::list(&mut scope, &audit::Filter::default(), &PageRequest::default()).await.unwrap();
        let actions: Vec<&str> = audit.items.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "rule.deleted",
                "rule.changed",
                "rule.rolled_back",
                "rule.enabled",
                "rule.disabled",
                "rule.changed",
                "rule.created"
            ]
        );
    });
}

#[test]
fn stale_and_unknown_are_told_apart_and_change_nothing() {
    let (db, call) = (database(), call("acme-corp", 0));
    block_on(async {
        let rule = make(&db, &call).await;
        let stale = service::toggle(&db, &call, &rule.id, Some(2), false, None).await.unwrap_err();
        assert_eq!((stale.kind(), stale.code()), (Kind::Stale, "PRECONDITION_FAILED"));
        let version = service::rollback(&db, &call, &rule.id, None, 9, None).await.unwrap_err();
        assert_eq!((version.kind(), version.code()), (Kind::NotFound, "NOT_FOUND"));
        let faulty = RulePatch { actions: Some(json!([])), ..RulePatch::default() };
        let faulty = service::patch(&db, &call, &rule.id, None, faulty, None).await.unwrap_err();
        assert_eq!(faulty.fields()[0].field, "actions");
        assert_eq!(service::get(&db, &call, &rule.id).await.unwrap().rule, rule);
    });
}

#[test]
fn another_tenant_sees_nothing() {
    let db = database();
    let (ours, theirs) = (call("acme-corp", 0), call("other", 0));
    block_on(async {
        let rule = make(&db, &ours).await;
        let before = revision(&db, &theirs).await;
        let id = &rule.id;
        assert!(matches!(service::get(&db, &theirs, id).await, Err(RuleError::Unknown)));
        assert!(matches!(service::delete(&db, &theirs, id, None).await, Err(RuleError::Unknown)));
        assert!(matches!(
            service::toggle(&db, &theirs, id, None, false, None).await,
            Err(RuleError::Unknown)
        ));
        assert!(matches!(service::rollback(&db, &theirs, id, None, 1, None).await, Err(RuleError::Unknown)));
        assert!(matches!(service::test(&db, &theirs, id, &Trial::default()).await, Err(RuleError::Unknown)));
        let page = PageRequest::default();
        assert!(matches!(service::versions(&db, &theirs, id, &page).await, Err(RuleError::Unknown)));
        assert!(service::list(&db, &theirs, &RuleFilter::default(), &page).await.unwrap().items.is_empty());
        assert_eq!(revision(&db, &theirs).await, before);
        assert_eq!(service::get(&db, &ours, id).await.unwrap().rule, rule);
    });
}

/// Somebody who may look at and change rules only where `reach` says, and look where `looks` says.
fn scoped(reach: &str, looks: Permissions) -> Bounded {
    let permissions = [Permission::RulesRead, Permission::RulesWrite].into_iter().collect();
    let grant = Grant { reach: reach.parse().unwrap(), permissions };
    let system = Principal::system(tenant("acme-corp"));
    by(Principal { permissions: looks, grants: [grant].into(), ..system }, at(5))
}

fn of_module(module: &str, trigger: &str) -> Draft {
    Draft { module_type: Some(module.to_owned()), trigger_id: Some(trigger.to_owned()), ..alert() }
}

#[test]
fn who_reaches_one_module_sees_and_changes_only_its_rules() {
    let (db, all) = (database(), call("acme-corp", 0));
    let crm = scoped("module:crm", Permissions::NONE);
    block_on(async {
        let sales = make(&db, &all).await;
        let lead = of_module("crm", "lead_created");
        let ours = service::create(&db, &crm, lead.clone(), None).await.unwrap().rule;
        let page = PageRequest::new(1, None).unwrap();
        let shown = service::list(&db, &crm, &RuleFilter::default(), &page).await.unwrap();
        // The filter stands in the statement, so a page is full and the next one is known.
        assert_eq!((shown.items, shown.next), (vec![ours.clone()], None));
        let id = &sales.id;
        assert!(matches!(service::get(&db, &crm, id).await, Err(RuleError::Unknown)));
        assert!(matches!(service::versions(&db, &crm, id, &page).await, Err(RuleError::Unknown)));
        assert!(matches!(service::test(&db, &crm, id, &Trial::default()).await, Err(RuleError::Unknown)));
        assert!(matches!(service::toggle(&db, &crm, id, None, false, None).await, Err(RuleError::Unknown)));
        assert!(matches!(service::rollback(&db, &crm, id, None, 1, None).await, Err(RuleError::Unknown)));
        assert!(matches!(service::delete(&db, &crm, id, None).await, Err(RuleError::Unknown)));
        let patch = RulePatch::default();
        assert!(matches!(service::patch(&db, &crm, id, None, patch, None).await, Err(RuleError::Unknown)));
        let whole = service::replace(&db, &crm, id, None, lead.clone(), None).await;
        assert!(matches!(whole, Err(RuleError::Unknown)), "not by moving it to the own module");
        assert_eq!(service::get(&db, &all, &sales.id).await.unwrap().rule, sales);
        // Nor is a rule made, or moved, where they may not go.
        let made = service::create(&db, &crm, alert(), None).await.unwrap_err();
        assert_eq!((made.code(), made.lacks()), ("OUT_OF_REACH", Some(Permission::RulesWrite)));
        let moved = service::replace(&db, &crm, &ours.id, None, alert(), None).await.unwrap_err();
        assert_eq!(moved.code(), "OUT_OF_REACH");
        assert!(service::toggle(&db, &crm, &ours.id, None, false, None).await.unwrap().rule.version == 2);
        // Who may look everywhere is told that it is not theirs to change.
        let looks = scoped("module:crm", [Permission::RulesRead].into_iter().collect());
        let refused = service::toggle(&db, &looks, &sales.id, None, false, None).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Forbidden, "OUT_OF_REACH"));
    });
}

#[test]
fn a_rule_does_not_come_back_in_a_module_that_its_changer_does_not_reach() {
    let (db, all) = (database(), call("acme-corp", 0));
    let crm = scoped("module:crm", Permissions::NONE);
    block_on(async {
        let rule = make(&db, &all).await;
        let there = of_module("crm", "lead_created");
        service::replace(&db, &all, &rule.id, None, there, None).await.unwrap();
        let back = service::rollback(&db, &crm, &rule.id, None, 1, None).await.unwrap_err();
        assert_eq!(back.code(), "OUT_OF_REACH");
    });
}

#[test]
fn who_reaches_one_rule_has_that_one() {
    let (db, all) = (database(), call("acme-corp", 0));
    block_on(async {
        let (one, other) = (make(&db, &all).await, make(&db, &call("acme-corp", 1)).await);
        let who = scoped(&format!("resource:{}", one.id), Permissions::NONE);
        let shown = service::list(&db, &who, &RuleFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(shown.items, std::slice::from_ref(&one));
        assert!(service::toggle(&db, &who, &one.id, None, false, None).await.is_ok());
        assert!(matches!(service::get(&db, &who, &other.id).await, Err(RuleError::Unknown)));
        let made = service::create(&db, &who, alert(), None).await;
        assert!(matches!(made, Err(RuleError::OutOfReach(Permission::RulesWrite))));
    });
}

#[test]
fn a_list_is_filtered_and_paged() {
    let db = database();
    let call = |second| call("acme-corp", second);
    block_on(async {
        for (second, trigger_id, module_type, active) in [
            (0, "high_value_opportunity", "sales", true),
            (1, "deal_closed_won", "sales", false),
            (2, "lead_created", "crm", true),
        ] {
            let draft = Draft {
                trigger_id: Some(trigger_id.to_owned()),
                module_type: Some(module_type.to_owned()),
                is_active: Some(active),
                ..alert()
            };
            service::create(&db, &call(second), draft, None).await.unwrap();
        }
        let count = async |module_type: Option<&str>, trigger_id: Option<&str>, is_active| {
            let filter = RuleFilter {
                module_type: module_type.map(str::to_owned),
                trigger_id: trigger_id.map(str::to_owned),
                is_active,
                ..RuleFilter::default()
            };
            service::list(&db, &call(3), &filter, &PageRequest::default()).await.unwrap().items.len()
        };
        assert_eq!(count(None, None, None).await, 3);
        assert_eq!(count(Some("sales"), None, None).await, 2);
        assert_eq!(count(Some("sales"), None, Some(true)).await, 1);
        assert_eq!(count(None, Some("lead_created"), None).await, 1);
        assert_eq!(count(None, None, Some(false)).await, 1);
        let two = PageRequest::new(2, None).unwrap();
        let page = service::list(&db, &call(3), &RuleFilter::default(), &two).await.unwrap();
        let rest = PageRequest::new(2, page.next).unwrap();
        let rest = service::list(&db, &call(3), &RuleFilter::default(), &rest).await.unwrap();
        assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 1, None));
    });
}

#[test]
fn a_draft_tells_all_its_faults() {
    let said = |draft: Draft| -> Vec<String> {
        let faults = Definition::check(draft, &Catalogue::default()).unwrap_err();
        faults.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        said(Draft { priority: Some(2_000_000), conditions: Some(json!([1])), ..Draft::default() }),
        [
            "name: is missing: say what the rule is called",
            "module_type: is missing: one of crm, sales, tasks, schedules, webhook",
            "trigger_id: is missing: name the trigger that the rule is bound to",
            "priority: must be a whole number from -1000000 to 1000000",
            "conditions[0]: must be an object with a type",
            "actions: must be a list of 1 to 20 actions",
        ]
    );
    assert_eq!(
        said(Draft { module_type: Some("crm".to_owned()), name: Some(" ".to_owned()), ..alert() }),
        [
            "name: must be 1 to 200 characters, without line breaks",
            "trigger_id: belongs to module sales, not crm",
        ]
    );
    let unknown =
        said(Draft { module_type: Some("hr".to_owned()), trigger_id: Some("x".to_owned()), ..alert() });
    assert_eq!(unknown[0], "module_type: must be one of crm, sales, tasks, schedules, webhook");
    assert!(unknown[1].starts_with("trigger_id: no trigger is called \"x\"; GET "));
    let large = json!([{"type": "in", "field": "a", "value": [Value::from("x".repeat(70_000))]}]);
    assert!(said(Draft { conditions: Some(large), ..alert() })[0].contains("at most 65536 are allowed"));
}
