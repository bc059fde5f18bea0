//! Do rules come out of a file as they went in, all of a file or nothing, each change a version?

use crate::stage::{at, by, call, database};
use db::Db;
use futures::executor::block_on;
use kernel::{Bounded, Fault as _, Grant, Kind, PageRequest, Permission, Principal, TenantId};
use proptest::prelude::*;
use rules::{
    Catalogue, Change, Definition, Draft, FileFault, Format, PaceSaid, RuleError, RuleFile, RuleFilter,
    TriggerDraft,
    service::{
        self,
        files::{self, Became, Import, Imported, Mode},
        triggers,
    },
};
use serde_json::{Number, Value, json};

fn import(db: &Db, who: &Bounded, text: &str, how: &Import) -> Result<Imported, RuleError> {
    let file = RuleFile::read(text.as_bytes(), Format::Yaml)
        .unwrap_or_else(|fault| panic!("{fault}: {fault:?}\n{text}"));
    block_on(files::import(db, who, &who.reaching(Permission::TriggersWrite), file, how))
}

fn brought(db: &Db, tenant: &str, text: &str) -> Imported {
    import(db, &call(tenant, 0), text, &Import::default())
        .unwrap_or_else(|fault| panic!("{fault}: {:?}", fault.fields()))
}

fn export(db: &Db, tenant: &str, format: Format) -> String {
    block_on(files::export(db, &call(tenant, 0), &RuleFilter::default(), None, format)).unwrap()
}

fn became(imported: &Imported) -> Vec<String> {
    imported
        .rules
        .iter()
        .map(|told| format!("{} {} {}", told.key, told.became.as_str(), told.version))
        .collect()
}

fn faults(outcome: Result<Imported, RuleError>) -> Vec<String> {
    outcome.unwrap_err().fields().iter().map(ToString::to_string).collect()
}

const TWO: &str = r#"
signalbox: {version: 1}
rules:
  - key: alert
    name: Alert
    labels: [git, vip]
    module_type: sales
    trigger_id: high_value_opportunity
    conditions:
      - {type: value_threshold, value: 10000.50}
    actions:
      - type: send_notification
        parameters: {recipient: a@example.com, message: "Deal: {{value}}"}
  - key: welcome
    name: Welcome
    module_type: crm
    trigger_id: contact_created
    is_active: false
    actions:
      - type: send_notification
        parameters: {recipient: b@example.com, message: Hello}
"#;

#[test]
fn a_file_makes_changes_and_leaves() {
    let db = database();
    assert_eq!(became(&brought(&db, "acme-corp", TWO)), ["alert created 1", "welcome created 1"]);
    assert_eq!(became(&brought(&db, "acme-corp", TWO)), ["alert unchanged 1", "welcome unchanged 1"]);

    let how = Import { note: Some("commit 3f2a".to_owned()), ..Import::default() };
    let text = TWO.replace("10000.50", "12000").replace("is_active: false", "is_active: true");
    let imported = import(&db, &call("acme-corp", 60), &text, &how).unwrap();
    assert_eq!(became(&imported), ["alert changed 2", "welcome changed 2"]);
    let lines: Vec<&str> =
        imported.rules.iter().flat_map(|told| &told.lines).map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["condition 1: value 10000.50 → 12000", "switched on"]);

    let id = imported.rules[0].id.clone().unwrap();
    let page = PageRequest::default();
    let versions = block_on(service::versions(&db, &call("acme-corp", 0), &id, &page)).unwrap().items;
    let said: Vec<_> = versions.iter().map(|one| (one.version, one.change, one.note.as_deref())).collect();
    assert_eq!(said, [(2, Change::Imported, Some("commit 3f2a")), (1, Change::Imported, None)]);
    let audited = block_on(async {
        let mut lease = db.read().await.unwrap();
        let tenant = "acme-corp".parse::<TenantId>().unwrap();
        let mut scope = lease.scope(&tenant).unwrap();
        let sql =
            "SELECT action || ' ' || subject AS id FROM audit_entries WHERE tenant_id = ?1 ORDER BY sequence";
        scope.all::<String>(sql, []).await.unwrap()
    });
    assert_eq!(audited.iter().filter(|row| row.starts_with("rule.imported rul_")).count(), 4, "{audited:?}");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let db = database();
    let how = Import { dry_run: true, ..Import::default() };
    let imported = import(&db, &call("acme-corp", 0), TWO, &how).unwrap();
    assert_eq!(became(&imported), ["alert created 1", "welcome created 1"]);
    assert!(imported.rules.iter().all(|told| told.id.is_none()));
    assert_eq!(export(&db, "acme-corp", Format::Yaml), "signalbox:\n  version: 1\nrules: []\n");
    assert_eq!(became(&brought(&db, "acme-corp", TWO)).len(), 2);
}

#[test]
fn modes_say_what_happens_to_what_is_there_and_what_is_not() {
    let db = database();
    brought(&db, "acme-corp", TWO);
    let create = Import { mode: Mode::CreateOnly, ..Import::default() };
    let said = faults(import(&db, &call("acme-corp", 0), TWO, &create));
    assert_eq!(said.len(), 2);
    assert!(said[1].starts_with("rules[1].key: is that of a rule that is there already"), "{said:?}");

    let nothing = "signalbox: {version: 1}";
    let of_label = Import {
        mode: Mode::ReplaceAll,
        within: RuleFilter { label: Some("git".to_owned()), ..RuleFilter::default() },
        ..Import::default()
    };
    let imported = import(&db, &call("acme-corp", 60), nothing, &of_label).unwrap();
    assert_eq!(became(&imported), ["alert deleted 1"]);
    let all = Import { mode: Mode::ReplaceAll, ..Import::default() };
    let imported =
        import(&db, &call("acme-corp", 60), &TWO.replace("key: alert", "key: other"), &all).unwrap();
    assert_eq!(became(&imported), ["other created 1", "welcome unchanged 1"]);
    assert_eq!(
        became(&import(&db, &call("acme-corp", 60), nothing, &all).unwrap()),
        ["other deleted 1", "welcome deleted 1"]
    );
}

#[test]
fn all_faults_of_all_rules_are_told_and_nothing_is_done() {
    let db = database();
    let text = TWO
        .replace("value_threshold, value: 10000.50", "value_threshold, value: [1]")
        .replace("trigger_id: contact_created", "trigger_id: nothing")
        .replace("message: Hello", "messsage: Hello")
        .replace("key: welcome", "key: alert");
    let said = faults(import(&db, &call("acme-corp", 0), &text, &Import::default()));
    let places: Vec<&str> = said.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(
        places,
        [
            "rules[0].conditions[0].value",
            "rules[1].key",
            "rules[1].trigger_id",
            "rules[1].actions[0].parameters.messsage",
            "rules[1].actions[0].parameters.message"
        ],
        "{said:?}"
    );
    assert!(export(&db, "acme-corp", Format::Yaml).ends_with("rules: []\n"));
}

#[test]
fn the_shape_of_a_file_is_checked_whole() {
    let read = |text: &str| RuleFile::read(text.as_bytes(), Format::Yaml).unwrap_err();
    let said = |text: &str| read(text).fields().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        said(
            "rulez: []\nrules: [1, {name: 2026, labels: [a, 1], priority: high, is_active: yes, colour: red}]"
        ),
        [
            "signalbox: is missing: a file begins with signalbox: {version: 1}",
            "rules[0]: must be an object of fields",
            "rules[1].name: must be text: put it in quotes if it could be something else",
            "rules[1].labels: must be a list of texts: put each in quotes if it could be something else",
            "rules[1].is_active: must be true or false",
            "rules[1].priority: must be a whole number",
            "rules[1].key: is missing: rules in files are found by their keys",
            "rules[1].colour: is not a field of this; there are key, name, description, labels, module_type, trigger_id, is_active, \
             priority, stop_on_match, active_hours, window, absence, throttle, debounce, concurrency, conditions, actions",
            "rulez: is not a field of a file; there are signalbox, modules, triggers, rules",
        ]
    );
    assert_eq!(said("signalbox: {version: 2, by: me}").len(), 2);
    let many = format!("signalbox: {{version: 1}}\nrules: [{}]", "{},".repeat(1_001));
    assert_eq!(said(&many), ["rules: must be a list of at most 1000"]);
    assert!(matches!(read("a: ["), FileFault::Unreadable("yaml", _)));
    assert_eq!(read("a: [").kind(), Kind::Invalid);
    assert!(matches!(RuleFile::read(&[0xff, 0xfe], Format::Json), Err(FileFault::Unreadable("json", _))));
    let large = vec![b' '; 1024 * 1024 + 1];
    assert_eq!(RuleFile::read(&large, Format::Yaml).unwrap_err(), FileFault::TooLarge);
}

/// A trigger of the tenant's own, the rule on it, and the module that it stands in.
const OWN: &str = r#"
signalbox: {version: 1}
modules:
  - {module_type: support, name: Support}
triggers:
  - trigger_id: ticket_closed
    module_type: support
    schema:
      type: object
      properties: {ticket_id: {type: string}, rating: {type: integer, minimum: 1}}
      required: [ticket_id]
      additionalProperties: false
rules:
  - key: bad-rating
    name: Bad rating
    module_type: support
    trigger_id: ticket_closed
    conditions: [{type: less_than, field: rating, value: 3}]
    actions:
      - {type: send_notification, parameters: {recipient: a@example.com, message: "{{ticket_id}}"}}
"#;

#[test]
fn what_rules_stand_on_comes_with_them() {
    let db = database();
    let imported = brought(&db, "acme-corp", OWN);
    assert_eq!(imported.modules, [("support".to_owned(), Became::Created)]);
    assert_eq!(imported.triggers, [("ticket_closed".to_owned(), Became::Created)]);
    let again = brought(&db, "acme-corp", OWN);
    assert_eq!((again.modules[0].1, again.triggers[0].1), (Became::Unchanged, Became::Unchanged));

    // What it says of itself is brought elsewhere by itself.
    let text = export(&db, "acme-corp", Format::Yaml);
    brought(&db, "other", &text);
    assert_eq!(export(&db, "other", Format::Yaml), text);

    // A schema that breaks rules is refused, also if they are not in the file; rules in the file may follow it.
    let other = OWN.replace("rating: {type", "grade: {type").replace("field: rating", "field: grade");
    let without = other.split("rules:").next().unwrap().to_owned();
    let fault = import(&db, &call("acme-corp", 0), &without, &Import::default()).unwrap_err();
    assert!(matches!(fault, RuleError::InUse(..)), "{fault:?}");
    let imported = brought(&db, "acme-corp", &other);
    assert_eq!(
        (imported.triggers[0].1, became(&imported)),
        (Became::Changed, vec!["bad-rating changed 2".to_owned()])
    );
    let own = block_on(triggers::get(&db, &call("acme-corp", 0), "ticket_closed")).unwrap();
    assert_eq!(own.version, 2);

    let record = TriggerDraft { trigger_id: Some("deal_closed_won".to_owned()), ..TriggerDraft::default() };
    assert!(record.check(&Catalogue::default()).is_err(), "what every tenant has is in no file");
}

#[test]
fn a_file_reaches_as_far_as_its_bringer() {
    let db = database();
    let tenant = || "acme-corp".parse::<TenantId>().unwrap();
    let editor = |permissions: &[Permission]| {
        let grant = Grant {
            reach: "module:crm".parse().unwrap(),
            permissions: permissions.iter().copied().collect(),
        };
        let principal = Principal {
            permissions: [].into_iter().collect(),
            grants: [grant].into_iter().collect(),
            ..Principal::system(tenant())
        };
        by(principal, at(0))
    };
    let of_crm = editor(&[Permission::RulesRead, Permission::RulesWrite]);
    let fault = import(&db, &of_crm, TWO, &Import::default()).unwrap_err();
    assert!(matches!(fault, RuleError::OutOfReach(Permission::RulesWrite)), "{fault:?}");
    let crm = format!(
        "signalbox: {{version: 1}}\nrules:\n  - key: welcome{}",
        TWO.split("- key: welcome").nth(1).unwrap()
    );
    assert_eq!(became(&import(&db, &of_crm, &crm, &Import::default()).unwrap()), ["welcome created 1"]);

    // Rules of others are neither seen nor deleted, and their keys are taken.
    brought(&db, "acme-corp", TWO);
    let all = Import { mode: Mode::ReplaceAll, ..Import::default() };
    let imported = import(&db, &of_crm, "signalbox: {version: 1}", &all).unwrap();
    assert_eq!(became(&imported), ["welcome deleted 1"]);
    let seen = block_on(files::export(&db, &of_crm, &RuleFilter::default(), None, Format::Yaml)).unwrap();
    assert!(seen.ends_with("rules: []\n") && export(&db, "acme-corp", Format::Yaml).contains("key: alert"));
    let taken =
        import(&db, &of_crm, &crm.replace("key: welcome", "key: alert"), &Import::default()).unwrap_err();
    assert!(matches!(taken, RuleError::OutOfReach(_)), "{taken:?}");

    // Triggers and modules ask for their own permission.
    let fault = import(&db, &of_crm, OWN, &Import::default()).unwrap_err();
    assert!(matches!(fault, RuleError::OutOfReach(Permission::TriggersWrite)), "{fault:?}");
}

#[test]
fn an_export_is_chosen_and_bounded() {
    let db = database();
    let imported = brought(&db, "acme-corp", TWO);
    let chosen = |filter: RuleFilter, ids: Option<Vec<kernel::RuleId>>| {
        block_on(files::export(&db, &call("acme-corp", 0), &filter, ids.as_deref(), Format::Json)).unwrap()
    };
    let of_label = RuleFilter { label: Some("vip".to_owned()), ..RuleFilter::default() };
    let of_module = RuleFilter { module_type: Some("crm".to_owned()), ..RuleFilter::default() };
    for (text, has) in [
        (chosen(of_label, None), (true, false)),
        (chosen(of_module, None), (false, true)),
        (chosen(RuleFilter::default(), imported.rules[1].id.clone().map(|id| vec![id])), (false, true)),
        (chosen(RuleFilter::default(), None), (true, true)),
    ] {
        assert_eq!((text.contains("\"alert\""), text.contains("\"welcome\"")), has, "{text}");
    }
    let rule = |number: usize| {
        format!(
            "  - {{key: r-{number}, name: R, module_type: crm, trigger_id: contact_created, actions: [{{type: wait, parameters: {{for: P1D}}}}]}}\n"
        )
    };
    let many = |from: usize| {
        format!("signalbox: {{version: 1}}\nrules:\n{}", (from..from + 600).map(rule).collect::<String>())
    };
    brought(&db, "acme-corp", &many(0));
    assert!(export(&db, "acme-corp", Format::Yaml).contains("key: r-599"));
    brought(&db, "acme-corp", &many(600));
    let (who, all) = (call("acme-corp", 0), RuleFilter::default());
    let outcome = block_on(files::export(&db, &who, &all, None, Format::Yaml));
    assert!(matches!(outcome, Err(RuleError::ExportTooLarge)));
}

/// Texts that readers of YAML are known to take for something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "yes",
            "No",
            "on",
            "null",
            "~",
            "true",
            "007",
            "0x1F",
            "1e400",
            "10000.50",
            "2026-01-31",
            "12:30:00",
            ".inf",
            "- a",
            "a: b",
            "#a",
            "one\ntwo",
            "one\n\ntwo\n",
            "  led\nby",
            "trailing \nspace",
            "Grüße, 日本 🎉",
            "'",
            "\"",
            "\\n",
            "a\tb",
            "a\r\nb",
            "=",
            "<<",
            "{}",
            "[]",
        ])
        .prop_map(str::to_owned),
        "[ -~\n]{1,40}",
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        Just("10000.50".to_owned()),
        Just("1e400".to_owned()),
        Just("-0".to_owned()),
        "-?(0|[1-9][0-9]{0,20})([.][0-9]{1,10})?([eE][+-]?[0-9]{1,3})?",
    ];
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        number.prop_map(|text| Value::Number(Number::from_string_unchecked(text))),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z~/:#-]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Drafts of which many are sound.
fn draft() -> impl Strategy<Value = Draft> {
    let said = (
        text(),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
        any::<bool>(),
        -5_i64..5,
        any::<bool>(),
    );
    (said, value(), text(), value(), prop::option::of(1_u32..50)).prop_map(
        |((name, description, labels, is_active, priority, stop), wanted, message, body, limit)| Draft {
            name: Some(name.trim().to_owned()),
            description,
            labels: Some(labels),
            is_active: Some(is_active),
            priority: Some(priority),
            stop_on_match: Some(stop),
            module_type: Some("crm".to_owned()),
            trigger_id: Some("contact_created".to_owned()),
            conditions: Some(json!([{"type": "equals", "field": "email", "value": wanted}])),
            actions: Some(json!([
                {"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": message}},
                {"type": "http_request", "parameters": {"url": "https://example.com/", "body": body, "headers": {"X-A": "b"}}},
            ])),
            pace: PaceSaid {
                throttle: limit.map(|limit| json!({"limit": limit, "per": "PT1H", "key": ["contact_id"]})),
                ..PaceSaid::default()
            },
            ..Draft::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_is_imported_and_exported_the_same(drafts in prop::collection::vec(draft(), 1..12)) {
        let db = database();
        let catalogue = Catalogue::default();
        let sound = drafts.into_iter().filter(|draft| Definition::check(draft.clone(), &catalogue).is_ok());
        let mut kept = 0;
        for (index, draft) in sound.enumerate() {
            let draft = Draft { key: Some(format!("r-{index}")), ..draft };
            block_on(service::create(&db, &call("acme-corp", 0), draft, None)).unwrap();
            kept += 1;
        }
        for format in [Format::Yaml, Format::Json] {
            let text = export(&db, "acme-corp", format);
            let file = RuleFile::read(text.as_bytes(), format).map_err(|fault| TestCaseError::fail(format!("{fault} {text}")))?;
            let who = call("other", 0);
            let imported = block_on(files::import(&db, &who, &who.reaching(Permission::TriggersWrite), file, &Import::default()));
            let imported = imported.map_err(|fault| TestCaseError::fail(format!("{fault}: {:?}\n{text}", fault.fields())))?;
            prop_assert_eq!(imported.rules.len(), kept);
            prop_assert_eq!(export(&db, "other", format), text);
        }
    }
}
