//! Do plans become rows, and rows lists? On a database in memory.

use super::{plan, *};
use crate::{
    Change, Conversion, Draft, Filter, Record, RecordError, Shape, TypeDraft, TypeName, TypePatch,
    privacy::{REDACTIONS, personal_data, take_out},
    record::stage::draft,
};
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{
    Bounded, Call, Chance, Cursor, Instant, PageRequest, Permission, Person, Principal, RecordId, RequestId,
    TenantId, Trace,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

#[derive(Default)]
struct Counting(AtomicU64);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            piece.copy_from_slice(&next.to_be_bytes()[..piece.len()]);
        }
    }
}

/// A database with two tenants and a clock that goes on with each call.
struct Desk {
    db: Db,
    chance: Arc<Counting>,
    clock: AtomicI64,
    tenant: TenantId,
}

impl Desk {
    fn new() -> Self {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            for tenant in ["acme-corp", "globex"] {
                let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 1, 1)";
                tx.all_tenants().run_for_effect(sql, [tenant.into()]).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
        Self {
            db,
            chance: Arc::default(),
            clock: AtomicI64::new(1_800_000_000_000),
            tenant: "acme-corp".parse().unwrap(),
        }
    }

    fn other(&self) -> Self {
        let clock = AtomicI64::new(self.clock.load(Ordering::Relaxed));
        Self {
            db: self.db.clone(),
            chance: Arc::clone(&self.chance),
            clock,
            tenant: "globex".parse().unwrap(),
        }
    }

    fn who(&self) -> Bounded {
        let call = Call {
            principal: Principal::system(self.tenant.clone()),
            now: Instant::from_millis(self.clock.fetch_add(10, Ordering::Relaxed)),
            request: RequestId::new(&*self.chance),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: self.chance.clone(),
        };
        Bounded::new(call, Permission::RecordsWrite)
    }

    fn shape(&self, kind: &str) -> Shape {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            kinds::shape(&mut lease.scope(&self.tenant).unwrap(), &name(kind)).await.unwrap()
        })
    }

    fn make(&self, kind: &str, fields: Value) -> Result<Record, RecordError> {
        let (who, shape) = (self.who(), self.shape(kind));
        block_on(async {
            let mut tx = self.db.begin().await?;
            let mut scope = tx.scope(&self.tenant);
            let (call, change) = plan::create(&mut scope, &who, &shape, draft(fields)).await?;
            keep(&mut scope, call, std::slice::from_ref(&change)).await?;
            tx.commit().await?;
            Ok(change.record().unwrap().clone())
        })
    }

    fn patch(&self, kind: &str, id: &RecordId, fields: Value) -> Result<Change, RecordError> {
        let (who, shape) = (self.who(), self.shape(kind));
        block_on(async {
            let mut tx = self.db.begin().await?;
            let mut scope = tx.scope(&self.tenant);
            let (call, change) = plan::patch(&mut scope, &who, &shape, id, None, draft(fields)).await?;
            keep(&mut scope, call, std::slice::from_ref(&change)).await?;
            tx.commit().await?;
            Ok(change)
        })
    }

    fn delete(&self, kind: &str, id: &RecordId) -> Result<Vec<Change>, RecordError> {
        let (who, shape) = (self.who(), self.shape(kind));
        block_on(async {
            let mut tx = self.db.begin().await?;
            let mut scope = tx.scope(&self.tenant);
            let (call, changes) = plan::delete(&mut scope, &who, &shape, id, None).await?;
            keep(&mut scope, call, &changes).await?;
            tx.commit().await?;
            Ok(changes)
        })
    }

    fn page(&self, kind: &str, query: &[(&str, &str)], page: &PageRequest) -> kernel::Page<Record> {
        let (who, kind) = (self.who(), self.shape(kind).kind);
        let query: Vec<_> =
            query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let filter = Filter::read(&kind, &query).unwrap();
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            list(&mut lease.scope(&self.tenant).unwrap(), &who, &kind, &filter, page).await.unwrap()
        })
    }

    fn names(&self, kind: &str, query: &[(&str, &str)]) -> Vec<String> {
        let page = self.page(kind, query, &PageRequest::new(200, None).unwrap());
        page.items.iter().map(|record| record.text("name").unwrap().to_owned()).collect()
    }

    fn change_type(&self, kind: &str, patch: TypePatch) -> Result<(), RecordError> {
        let who = self.who();
        block_on(async {
            let mut tx = self.db.begin().await?;
            kinds::change(&mut tx.scope(&self.tenant), &who, &name(kind), None, patch).await?;
            Ok(tx.commit().await?)
        })
    }

    fn count(&self, sql: &str) -> i64 {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            lease.all_tenants().unwrap().one(sql, []).await.unwrap().unwrap_or(0)
        })
    }

    /// Whether the index of words says what the records do.
    fn index_holds(&self) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let check = "INSERT INTO records_search (records_search, rank) VALUES ('integrity-check', 1)";
            tx.all_tenants().run_for_effect(check, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
}

fn name(kind: &str) -> TypeName {
    kind.parse().unwrap()
}

#[test]
fn a_record_is_made_found_changed_and_deleted() {
    let desk = Desk::new();
    let ada = desk
        .make("contact", json!({"name": "Ada Lovelace", "email": "Ada@Example.com", "external_id": "x-1"}))
        .unwrap();
    assert_eq!(desk.names("contact", &[("q", "love")]), ["Ada Lovelace"]);
    assert_eq!(desk.names("contact", &[("email", "ada@example.COM")]), ["Ada Lovelace"]);
    let change = desk.patch("contact", &ada.id, json!({"name": "Ada King", "status": "customer"})).unwrap();
    assert_eq!(change.record().unwrap().version, 2);
    assert_eq!(desk.names("contact", &[("q", "love")]), [""; 0]);
    assert_eq!(desk.names("contact", &[("q", "KING ada"), ("status", "customer,lead")]), ["Ada King"]);
    assert_eq!(desk.names("contact", &[("status", "lead")]), [""; 0]);
    assert_eq!(desk.names("lead", &[]), [""; 0]);
    assert_eq!(desk.other().names("contact", &[("q", "king")]), [""; 0]);
    desk.index_holds();
    desk.delete("contact", &ada.id).unwrap();
    assert_eq!(desk.names("contact", &[("q", "king")]), [""; 0]);
    desk.index_holds();
    assert_eq!(desk.count("SELECT COUNT(*) AS n FROM audit_entries"), 3);
    assert_eq!(desk.count("SELECT SUM(count) AS n FROM record_counts"), 0);
    assert!(matches!(desk.delete("contact", &ada.id), Err(RecordError::Unknown)));
}

#[test]
fn the_index_of_words_holds_whatever_comes() {
    let desk = Desk::new();
    let mut there: Vec<RecordId> = Vec::new();
    let mut seed = 7_u64;
    let mut roll = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    for step in 0..400 {
        let words: Vec<String> = (0..=roll(12)).map(|_| format!("w{}", roll(60))).collect();
        let fields = json!({"name": words.join(" "), "labels": [format!("l{}", roll(5))], "phone": roll(1000).to_string()});
        let place = usize::try_from(roll(200)).unwrap();
        match there.get(place).cloned() {
            Some(id) if step % 3 == 0 => {
                desk.delete("contact", &id).unwrap();
                there.remove(place);
            }
            Some(id) => drop(desk.patch("contact", &id, fields).unwrap()),
            None => there.push(desk.make("contact", fields).unwrap().id),
        }
        if step % 40 == 0 {
            desk.index_holds();
        }
    }
    desk.index_holds();
    for word in ["w7", "w42"] {
        let found = desk.page("contact", &[("q", word)], &PageRequest::new(200, None).unwrap()).items;
        let all = desk.page("contact", &[], &PageRequest::new(200, None).unwrap()).items;
        let has = |record: &&Record| record.text("name").unwrap().split(' ').any(|one| one.starts_with(word));
        assert_eq!(found, all.iter().filter(has).cloned().collect::<Vec<_>>(), "{word}");
    }
}

#[test]
fn external_ids_are_unique_within_a_type() {
    let desk = Desk::new();
    let first = desk.make("contact", json!({"name": "Ada", "external_id": "x-1"})).unwrap();
    let again = desk.make("contact", json!({"name": "Bob", "external_id": "x-1"})).unwrap_err();
    assert!(matches!(&again, RecordError::ExternalIdTaken(id, _) if *id == first.id), "{again}");
    let bob = desk.make("contact", json!({"name": "Bob", "external_id": "x-2"})).unwrap();
    assert!(desk.patch("contact", &bob.id, json!({"external_id": "x-1"})).is_err());
    assert!(desk.patch("contact", &bob.id, json!({"external_id": "x-2", "phone": "1"})).is_ok());
    desk.make("lead", json!({"name": "Ada", "external_id": "x-1"})).unwrap();
    desk.other().make("contact", json!({"name": "Ada", "external_id": "x-1"})).unwrap();
}

#[test]
fn lists_are_sorted_and_go_on_where_they_stopped() {
    let desk = Desk::new();
    for (name, value) in [("Zoë", "10"), ("ann", "9.5"), ("Émile", "100"), ("Bob", "10.00"), ("Carl", "-1")]
    {
        desk.make("opportunity", json!({"name": name, "value": value})).unwrap();
    }
    desk.make("opportunity", json!({"name": "Dora"})).unwrap();
    for (sort, wanted) in [
        ("name", ["ann", "Bob", "Carl", "Dora", "Émile", "Zoë"]),
        ("-name", ["Zoë", "Émile", "Dora", "Carl", "Bob", "ann"]),
        ("created_at", ["Zoë", "ann", "Émile", "Bob", "Carl", "Dora"]),
        ("value", ["Dora", "Carl", "ann", "Zoë", "Bob", "Émile"]),
        ("-value", ["Émile", "Bob", "Zoë", "ann", "Carl", "Dora"]),
        ("-updated_at", ["Dora", "Carl", "Bob", "Émile", "ann", "Zoë"]),
    ] {
        assert_eq!(desk.names("opportunity", &[("sort", sort)]), wanted, "{sort}");
        let mut seen: Vec<String> = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let request = PageRequest::new(2, after.take()).unwrap();
            let page = desk.page("opportunity", &[("sort", sort)], &request);
            seen.extend(page.items.iter().map(|record| record.text("name").unwrap().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, wanted, "{sort}, page by page");
    }
    assert_eq!(
        desk.names("opportunity", &[("value_min", "9.5"), ("value_max", "10"), ("sort", "name")]),
        ["ann", "Bob", "Zoë"]
    );
}

#[test]
fn a_search_goes_on_where_it_stopped_even_if_that_record_is_gone() {
    let desk = Desk::new();
    for number in 0..9 {
        desk.make("contact", json!({"name": format!("Ada {number}"), "labels": ["x"]})).unwrap();
        desk.make("lead", json!({"name": format!("Ada {number}")})).unwrap();
    }
    for (query, wanted) in [
        (vec![("q", "ada")], [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (vec![("label", "x"), ("sort", "created_at")], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (vec![("q", "ada"), ("sort", "-name")], [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (vec![("q", "ada"), ("sort", "updated_at")], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ] {
        let mut seen = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = desk.page("contact", &query, &PageRequest::new(4, after.take()).unwrap());
            seen.extend(page.items.iter().map(|record| record.text("name").unwrap().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let wanted: Vec<String> = wanted.iter().map(|number| format!("Ada {number}")).collect();
        assert_eq!(seen, wanted, "{query:?}");
    }
    for (sort, wanted) in [("-created_at", "Ada 4"), ("created_at", "Ada 4")] {
        let query = [("q", "ada"), ("sort", sort)];
        let first = desk.page("contact", &query, &PageRequest::new(4, None).unwrap());
        desk.delete("contact", &first.items[3].id).unwrap();
        let rest = desk.page("contact", &query, &PageRequest::new(4, first.next).unwrap());
        assert_eq!(rest.items[0].text("name"), Some(wanted), "{sort}");
    }
}

#[test]
fn labels_and_fields_are_filtered_exactly() {
    let desk = Desk::new();
    let schema = json!({"properties": {"industry": {"type": "string"}, "seats": {"type": "integer"}, "vip": {"type": "boolean"}}});
    desk.change_type("contact", TypePatch { schema: Some(schema), ..TypePatch::default() }).unwrap();
    desk.make(
        "contact",
        json!({"name": "Ada", "labels": ["big fish", "new"], "industry": "Steel", "seats": 3, "vip": true}),
    )
    .unwrap();
    desk.make(
        "contact",
        json!({"name": "Bob", "labels": ["big"], "industry": "Steel Works", "owner": "Sam@example.com"}),
    )
    .unwrap();
    for (query, wanted) in [
        (("label", "big fish"), vec!["Ada"]),
        (("label", "big"), vec!["Bob"]),
        (("field.industry", "Steel"), vec!["Ada"]),
        (("field.seats", "3"), vec!["Ada"]),
        (("field.vip", "true"), vec!["Ada"]),
        (("owner", "sam@example.com"), vec!["Bob"]),
        (("q", "steel"), vec!["Bob", "Ada"]),
        (("q", "steel work"), vec!["Bob"]),
    ] {
        assert_eq!(desk.names("contact", &[query]), wanted, "{query:?}");
    }
}

#[test]
fn a_deleted_contact_leaves_no_deal_behind_that_names_it() {
    let desk = Desk::new();
    let ada = desk.make("contact", json!({"name": "Ada"})).unwrap();
    let id = ada.id.as_str();
    let deal = desk.make("opportunity", json!({"name": "Deal", "contact_id": id})).unwrap();
    desk.make("opportunity", json!({"name": "Other"})).unwrap();
    let changes = desk.delete("contact", &ada.id).unwrap();
    assert_eq!(changes.len(), 2);
    let triggers: Vec<String> = changes.iter().flat_map(Change::happenings).map(|one| one.trigger).collect();
    assert_eq!(triggers, ["opportunity_updated", "contact_deleted"]);
    assert_eq!(
        desk.patch("opportunity", &deal.id, json!({"value": 1})).unwrap().record().unwrap().version,
        3
    );
    let fault = desk.make("opportunity", json!({"name": "Deal", "contact_id": id})).unwrap_err();
    assert!(
        matches!(&fault, RecordError::Invalid(faults) if faults[0].to_string() == "contact_id: is no contact here"),
        "{fault}"
    );
}

#[test]
fn a_lead_becomes_a_contact_once() {
    let desk = Desk::new();
    let lead = desk
        .make(
            "lead",
            json!({"name": "Ada", "email": "ada@example.com", "company": "Engines", "value": 20_000}),
        )
        .unwrap();
    let convert = |lead: &RecordId, wanted: Conversion| {
        let who = desk.who();
        block_on(async {
            let mut tx = desk.db.begin().await?;
            let mut scope = tx.scope(&desk.tenant);
            let (call, changes) = plan::convert(&mut scope, &who, lead, None, wanted).await?;
            keep(&mut scope, call, &changes).await?;
            tx.commit().await?;
            Ok::<_, RecordError>(changes)
        })
    };
    let all = || Conversion { contact_id: None, contact: None, opportunity: Some(Draft::default()) };
    let changes = convert(&lead.id, all()).unwrap();
    let triggers: Vec<String> = changes.iter().flat_map(Change::happenings).map(|one| one.trigger).collect();
    assert_eq!(
        triggers,
        [
            "contact_created",
            "opportunity_created",
            "high_value_opportunity",
            "lead_updated",
            "lead_status_changed",
            "lead_converted"
        ]
    );
    let contact = changes[0].record().unwrap();
    assert_eq!(changes[1].record().unwrap().text("contact_id"), Some(contact.id.as_str()));
    assert!(matches!(convert(&lead.id, all()), Err(RecordError::Converted)));
    // Whoever has the address already is that contact.
    let second = desk.make("lead", json!({"name": "A. L.", "email": "ADA@example.com"})).unwrap();
    let changes =
        convert(&second.id, Conversion { contact_id: None, contact: None, opportunity: None }).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].record().unwrap().text("contact_id"), Some(contact.id.as_str()));
    let third = desk.make("lead", json!({"name": "B."})).unwrap();
    let nobody = Conversion { contact_id: Some(lead.id.clone()), contact: None, opportunity: None };
    assert!(matches!(convert(&third.id, nobody), Err(RecordError::Invalid(_))));
    let bad = Conversion { contact_id: None, contact: Some(draft(json!({"email": "x"}))), opportunity: None };
    let fault = convert(&third.id, bad).unwrap_err();
    assert!(
        matches!(&fault, RecordError::Invalid(faults) if faults[0].field == "contact.email"),
        "{fault:?}"
    );
    let bad =
        Conversion { contact_id: None, contact: None, opportunity: Some(draft(json!({"stage": "sold"}))) };
    let fault = convert(&third.id, bad).unwrap_err();
    assert!(
        matches!(&fault, RecordError::Invalid(faults) if faults[0].field == "opportunity.stage"),
        "{fault:?}"
    );
}

#[test]
fn a_type_changes_only_where_its_records_stay_valid() {
    let desk = Desk::new();
    let with = |schema: Value| TypePatch { schema: Some(schema), ..TypePatch::default() };
    desk.change_type("contact", with(json!({"properties": {"seats": {"type": "integer"}}}))).unwrap();
    let ada = desk.make("contact", json!({"name": "Ada", "seats": 7})).unwrap();
    desk.make("contact", json!({"name": "Bob"})).unwrap();
    let strict = |most: i64| with(json!({"properties": {"seats": {"type": "integer", "maximum": most}}}));
    let fault = desk.change_type("contact", strict(5)).unwrap_err();
    assert!(matches!(&fault, RecordError::TypeBreaks(1, first) if *first == ada.id.as_str()), "{fault}");
    desk.change_type("contact", strict(7)).unwrap();
    assert!(matches!(
        desk.change_type("contact", with(json!({"properties": {}}))),
        Err(RecordError::TypeBreaks(1, _))
    ));
    let required = with(json!({"properties": {"seats": {"type": "integer"}}, "required": ["seats"]}));
    assert!(matches!(desk.change_type("contact", required), Err(RecordError::TypeBreaks(1, _))));
    let statuses = |all: &[&str]| TypePatch {
        statuses: Some(all.iter().map(|one| (*one).to_owned()).collect()),
        ..TypePatch::default()
    };
    assert!(matches!(
        desk.change_type("contact", statuses(&["prospect"])),
        Err(RecordError::TypeBreaks(2, _))
    ));
    desk.change_type("contact", statuses(&["fresh", "lead"])).unwrap();
    assert_eq!(desk.make("contact", json!({"name": "Eve"})).unwrap().text("status"), Some("fresh"));
    // The other tenant's contacts are as they were.
    assert!(desk.other().make("contact", json!({"name": "Ada", "seats": 7})).is_err());
}

#[test]
fn types_of_ones_own_come_and_go() {
    let desk = Desk::new();
    let create = |draft: TypeDraft| {
        let who = desk.who();
        block_on(async {
            let mut tx = desk.db.begin().await?;
            kinds::create(&mut tx.scope(&desk.tenant), &who, draft).await?;
            Ok::<_, RecordError>(tx.commit().await?)
        })
    };
    let delete = |kind: &str| {
        let who = desk.who();
        block_on(async {
            let mut tx = desk.db.begin().await?;
            kinds::delete(&mut tx.scope(&desk.tenant), &who, &name(kind), None).await?;
            Ok::<_, RecordError>(tx.commit().await?)
        })
    };
    let project = || TypeDraft {
        name: Some("project".to_owned()),
        module: Some("delivery".to_owned()),
        schema: Some(json!({"properties": {"name": {"type": "string"}, "phase": {"type": "string"}}})),
        status_field: Some("phase".to_owned()),
        statuses: Some(vec!["open".to_owned(), "done".to_owned()]),
        ..TypeDraft::default()
    };
    create(project()).unwrap();
    assert!(matches!(create(project()), Err(RecordError::TypeTaken)));
    let bridge = desk.make("project", json!({"name": "Bridge"})).unwrap();
    assert_eq!(desk.names("project", &[("status", "open"), ("q", "bri")]), ["Bridge"]);
    let change = desk.patch("project", &bridge.id, json!({"phase": "done"})).unwrap();
    let all: Vec<String> = change.happenings().into_iter().map(|one| one.trigger).collect();
    assert_eq!(all, ["project_updated", "project_status_changed"]);
    assert!(matches!(delete("project"), Err(RecordError::TypeInUse(1))));
    assert!(matches!(delete("contact"), Err(RecordError::TypeBuiltIn)));
    let limits = block_on(async {
        let mut lease = desk.db.read().await.unwrap();
        limits(&mut lease.scope(&desk.tenant).unwrap()).await.unwrap()
    });
    assert_eq!((limits.records, limits.own_types), ((1_000_000, 1), (50, 1)));
    assert_eq!(limits.types[3], (name("project"), 1, 2));
    desk.delete("project", &bridge.id).unwrap();
    delete("project").unwrap();
    assert!(matches!(delete("project"), Err(RecordError::TypeUnknown)));
}

#[test]
fn rules_see_a_record_by_either_id() {
    let desk = Desk::new();
    let ada = desk.make("contact", json!({"name": "Ada", "external_id": "x-1"})).unwrap();
    let deal =
        desk.make("opportunity", json!({"name": "Deal", "value": "12500.00", "external_id": "x-1"})).unwrap();
    desk.other().make("contact", json!({"name": "Foreign", "external_id": "x-9"})).unwrap();
    let wanted = [
        (Some("contact"), ada.id.as_str()),
        (Some("opportunity"), "x-1"),
        (None, deal.id.as_str()),
        (None, "x-1"),
        (Some("lead"), "x-1"),
        (Some("contact"), "x-9"),
        (Some("lead"), ada.id.as_str()),
    ];
    let found = block_on(async {
        let mut lease = desk.db.read().await.unwrap();
        let mut scope = lease.scope(&desk.tenant).unwrap();
        assert!(any(&mut scope).await.unwrap());
        facts(&mut scope, &wanted).await.unwrap()
    });
    let names: Vec<Option<&str>> =
        found.iter().map(|one| one.as_ref().and_then(|one| one["name"].as_str())).collect();
    assert_eq!(names, [Some("Ada"), Some("Deal"), Some("Deal"), None, None, None, None]);
    assert_eq!(found[1].as_ref().unwrap()["value"].to_string(), "12500.00");
}

impl Desk {
    fn import(&self, kind: &str, file: &str, meant: (&str, &str, &str)) -> (Tally, Vec<Change>) {
        let meant = Meant::read(Some(meant.0), Some(meant.1), Some(meant.2)).unwrap();
        let shape = self.shape(kind);
        let mut import = Import::read(&shape.kind, file.as_bytes(), meant).unwrap();
        let mut all = Vec::new();
        while !import.is_done() {
            let who = self.who();
            block_on(async {
                let mut tx = self.db.begin().await.unwrap();
                let mut scope = tx.scope(&self.tenant);
                let call = who.put_in(&shape.kind.module, None).unwrap();
                for changes in import.plan(&mut scope, call, &shape).await.unwrap() {
                    keep(&mut scope, call, &changes).await.unwrap();
                    all.extend(changes);
                }
                tx.commit().await.unwrap();
            });
        }
        (import.tally, all)
    }
}

fn said(tally: &Tally) -> (usize, usize, usize, usize, usize, Vec<String>) {
    let faults = tally.faults.iter().map(|(line, fault)| format!("{line} {fault}")).collect();
    (tally.created, tally.updated, tally.unchanged, tally.skipped, tally.failed, faults)
}

#[test]
fn an_import_keeps_what_is_sound_and_names_what_is_not() {
    let desk = Desk::new();
    let file = "external_id,name,email,status\nx-1,Ada,ada@example.com,customer\nx-2,,bob@example.com,\nx-3,Eve,eve,\n\
        x-4,,,\nx-1,Ada again,,\n";
    let (dry, changes) = desk.import("contact", file, ("error", "external_id", "true"));
    let (tally, all) = desk.import("contact", file, ("error", "external_id", "false"));
    assert!(changes.is_empty());
    let faults = &said(&tally).5;
    assert_eq!(
        faults[..2],
        [
            "4 email: must be an e-mail address, such as ada@example.com",
            "5 name: is missing: say what the contact is called"
        ]
    );
    assert!(faults[2].starts_with("6 external_id: is that of rec_"), "{faults:?}");
    assert_eq!((tally.rows, tally.created, tally.failed), (5, 2, 3));
    assert_eq!((dry.created, dry.failed), (2, 3));
    assert_eq!(all.len(), 2);
    assert_eq!(desk.names("contact", &[("sort", "created_at")]), ["Ada", "bob@example.com"]);

    // The same once more makes no second ones.
    let (tally, all) = desk.import("contact", file, ("skip", "external_id", "false"));
    assert_eq!((tally.created, tally.skipped, tally.failed), (0, 3, 2));
    assert!(all.is_empty());
    let (tally, all) = desk.import("contact", file, ("update", "external_id", "false"));
    assert_eq!((tally.created, tally.updated, tally.unchanged, tally.failed), (0, 1, 2, 2));
    assert_eq!(
        all.iter().flat_map(Change::happenings).map(|one| one.trigger).collect::<Vec<_>>(),
        ["contact_updated"]
    );
    let (tally, _) = desk.import(
        "contact",
        "email,phone\nADA@example.com,1\nnew@example.com,2\n",
        ("update", "email", "false"),
    );
    assert_eq!(said(&tally), (1, 1, 0, 0, 0, vec![]));
    let (tally, _) = desk.import(
        "contact",
        "id,phone\nrec_01hf7yat00zzzzzzzzzzzzzzzz,1\nx,2\n",
        ("update", "id", "false"),
    );
    assert_eq!(tally.failed, 2);
    desk.index_holds();
}

#[test]
fn rows_that_name_one_record_follow_each_other_and_a_trial_says_the_same() {
    let file = "external_id,email,name\nx-1,ada@example.com,Ada\nx-1,,Ada L.\nx-1,,Ada Lovelace\nx-2,ADA@example.com,Twin\n";
    for (on_match, by, wanted) in [
        ("update", "external_id", (2, 2, 0)),
        ("skip", "external_id", (2, 0, 2)),
        ("error", "external_id", (2, 0, 0)),
    ] {
        let desk = Desk::new();
        let (dry, nothing) = desk.import("contact", file, (on_match, by, "true"));
        assert!(nothing.is_empty());
        let (tally, _) = desk.import("contact", file, (on_match, by, "false"));
        assert_eq!((tally.created, tally.updated, tally.skipped), wanted, "{on_match}");
        let told =
            |tally: &Tally| (tally.created, tally.updated, tally.unchanged, tally.skipped, tally.failed);
        assert_eq!(told(&dry), told(&tally), "{on_match}");
        desk.index_holds();
    }
    let desk = Desk::new();
    let rows: String = (0..600).map(|number| format!("x-1,Name {number}\n")).collect();
    let (tally, all) =
        desk.import("contact", &format!("external_id,name\n{rows}"), ("update", "external_id", "false"));
    assert_eq!((tally.created, tally.updated, all.len()), (1, 599, 600));
    assert_eq!(desk.names("contact", &[]), ["Name 599"]);
    desk.index_holds();
}

#[test]
fn an_import_of_many_rows_is_many_small_transactions() {
    let desk = Desk::new();
    let ada = desk.make("contact", json!({"name": "Ada"})).unwrap();
    let rows: Vec<String> = (0..1000)
        .map(|number| {
            let contact = if number == 600 { "rec_01hf7yat00zzzzzzzzzzzzzzzz" } else { ada.id.as_str() };
            format!("deal-{number},Deal {number},{number}.50,{contact}")
        })
        .collect();
    let file = format!("external_id,name,value,contact_id\n{}\n", rows.join("\n"));
    let (tally, all) = desk.import("opportunity", &file, ("error", "external_id", "false"));
    assert_eq!((tally.created, tally.failed, all.len()), (999, 1, 999));
    assert_eq!(tally.faults[0].1.to_string(), "contact_id: is no contact here");
    let names = desk.names("opportunity", &[("sort", "created_at")]);
    assert_eq!((names[0].as_str(), names[199].as_str()), ("Deal 0", "Deal 199"));
    assert_eq!(desk.names("opportunity", &[("q", "deal 998")]), ["Deal 998"]);
    assert_eq!(desk.count("SELECT count AS n FROM record_counts WHERE type = 'opportunity'"), 999);
    assert_eq!(desk.count("SELECT COUNT(*) AS n FROM audit_entries WHERE action = 'record.created'"), 1000);
    desk.index_holds();
}

#[test]
fn a_person_is_told_of_and_taken_out() {
    let desk = Desk::new();
    let ada = desk
        .make(
            "contact",
            json!({"name": "ada@example.com", "email": "Ada@example.com", "owner": "ada@example.com"}),
        )
        .unwrap();
    desk.make(
        "lead",
        json!({"name": "Diana", "email": "diana@example.com", "company": "Ask ada@example.com"}),
    )
    .unwrap();
    let person = Person {
        id: "usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
        email: "ada@example.com".to_owned(),
        name: "Ada".to_owned(),
    };
    let held = block_on(async {
        let mut lease = desk.db.read().await.unwrap();
        personal_data(&mut lease.scope(&desk.tenant).unwrap(), &person, "", 10).await.unwrap()
    });
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].0, ada.id.as_str());
    block_on(async {
        let mut tx = desk.db.begin().await.unwrap();
        let mut scope = tx.scope(&desk.tenant);
        for redaction in &REDACTIONS {
            let found = redaction.look(&mut scope, &person, "").await.unwrap();
            assert_eq!(found.rows, 2);
            take_out(&mut scope, redaction, found).await.unwrap();
        }
        tx.commit().await.unwrap();
    });
    desk.index_holds();
    assert_eq!(desk.names("contact", &[("email", "ada@example.com")]), [""; 0]);
    assert_eq!(desk.names("contact", &[("q", "ada")]), [""; 0]);
    assert_eq!(desk.names("contact", &[("owner", &person.pseudonym())]), [person.pseudonym()]);
    assert_eq!(desk.names("lead", &[("q", "diana example")]), ["Diana"]);
    assert_eq!(
        desk.count("SELECT COUNT(*) AS n FROM records WHERE instr(lower(fields || words || email), 'ada@')"),
        0
    );
}
