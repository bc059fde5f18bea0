//! Is the past read as it was stored: any text in it, in order, of several triggers, and not too much at once?

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

use db::{Db, Value, native::Native};
use events::past::{Circumstances, Past, Piece, Stretch, count, next};
use futures::executor::block_on;
use kernel::{EventId, Instant};

/// The ids of events, in order, and one that is after all of them.
const FIRST: &str = "evt_00000000000000000000000001";
const SECOND: &str = "evt_00000000000000000000000002";
const THIRD: &str = "evt_00000000000000000000000003";
const END: &str = "evt_0000000000000000000000000z";

/// What no sender is kept from: quotes, line ends, signs that cannot be seen, letters of several bytes.
const ODD: &str = "https://shop.example/\"a\"\\\n\u{1e}\u{1f}\u{7f}ü";

/// An event as it lies in the table.
struct Stored<'a> {
    tenant: &'a str,
    id: &'a str,
    trigger: &'a str,
    source: &'a str,
    subject: Option<&'a str>,
    data: &'a str,
    record: Option<&'a str>,
}

const PLAIN: Stored<'_> = Stored {
    tenant: "acme-corp",
    id: FIRST,
    trigger: "contact_created",
    source: "plain",
    subject: None,
    data: "{}",
    record: None,
};

fn database(events: &[Stored<'_>]) -> Db {
    let db = Native::memory().unwrap();
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    block_on(async {
        let mut tx = db.begin().await.unwrap();
        for tenant in ["acme-corp", "other"] {
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, [tenant.into()]).await.unwrap();
        }
        for event in events {
            let sql = "INSERT INTO events (tenant_id, event_id, trigger_id, module_type, source, subject, occurred_at,
                    received_at, data, actor, request_id, trace, depth, matched, verdicts, record)
                VALUES (?1, ?2, ?3, 'crm', ?4, ?5, 7, 8, ?6, ?4, 'req_1', 'trace', 2, '[]', '[]', ?7)";
            let Stored { tenant, id, trigger, source, subject, data, record } = *event;
            let parameters = [
                tenant.into(),
                id.into(),
                trigger.into(),
                source.into(),
                text(subject),
                data.into(),
                text(record),
            ];
            tx.all_tenants().run_for_effect(sql, parameters).await.unwrap();
        }
        tx.commit().await.unwrap();
    });
    db
}

fn read(db: &Db, triggers: &[&str], circumstances: bool, after: &str, most: i64) -> Piece {
    read_until(db, triggers, circumstances, after, most, END).0
}

/// The next events before `until`, and how many there are after `after`.
fn read_until(
    db: &Db,
    triggers: &[&str],
    circumstances: bool,
    after: &str,
    most: i64,
    until: &str,
) -> (Piece, i64) {
    let until: EventId = until.parse().unwrap();
    let tenant = "acme-corp".parse().unwrap();
    block_on(async {
        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&tenant).unwrap();
        let stretch = Stretch { triggers, until: &until, circumstances };
        let page = next(&mut scope, &stretch, after, most).await.unwrap();
        let left = count(&mut scope, &stretch, after, 100).await.unwrap();
        (page, left)
    })
}

#[test]
fn any_text_comes_back_as_it_was_stored() {
    let data = r#"{"note":"a \u001e\u001f \"quoted\" line\nand another","sum":1e3}"#;
    let record = "{\"id\":\"ü\"}";
    let db = database(&[
        Stored { source: ODD, subject: Some(ODD), data, record: Some(record), ..PLAIN },
        Stored { id: SECOND, ..PLAIN },
        Stored { id: THIRD, tenant: "other", ..PLAIN },
    ]);
    let page = read(&db, &["contact_created"], true, "", 10);
    let events = page.events().unwrap();
    let wanted = Past {
        id: FIRST,
        trigger: 0,
        received: Instant::from_millis(8),
        data,
        record: Some(record),
        circumstances: Some(Circumstances {
            source: ODD.to_owned(),
            subject: Some(ODD.to_owned()),
            actor: ODD.to_owned(),
            occurred: Instant::from_millis(7),
            depth: 2,
        }),
    };
    assert_eq!(events.first(), Some(&wanted));
    let other = events.get(1).unwrap();
    assert_eq!((other.id, other.record), (SECOND, None));
    assert_eq!(other.circumstances.as_ref().unwrap().subject, None);
    assert_eq!(events.len(), 2, "another tenant's event was read");
    let bare: Vec<Past<'_>> = events.into_iter().map(|event| Past { circumstances: None, ..event }).collect();
    assert_eq!(read(&db, &["contact_created"], false, "", 10).events().unwrap(), bare);
}

#[test]
fn several_triggers_come_in_the_order_of_their_events() {
    let db = database(&[
        Stored { trigger: "contact_updated", ..PLAIN },
        Stored { id: SECOND, ..PLAIN },
        Stored { id: THIRD, trigger: "contact_updated", ..PLAIN },
    ]);
    let page = |after: &str, most: i64| -> Vec<(String, usize)> {
        let page = read(&db, &["contact_created", "contact_updated"], false, after, most);
        page.events().unwrap().into_iter().map(|event| (event.id.to_owned(), event.trigger)).collect()
    };
    let of = |id: &str, trigger| (id.to_owned(), trigger);
    assert_eq!(page("", 10), [of(FIRST, 1), of(SECOND, 0), of(THIRD, 1)]);
    assert_eq!(page("", 2), [of(FIRST, 1), of(SECOND, 0)]);
    assert_eq!(page(SECOND, 10), [of(THIRD, 1)]);
    assert_eq!(page(THIRD, 10), []);
}

#[test]
fn what_is_at_the_end_of_a_stretch_or_of_another_tenant_is_not_counted() {
    let db = database(&[
        PLAIN,
        Stored { id: SECOND, ..PLAIN },
        Stored { id: THIRD, ..PLAIN },
        Stored { tenant: "other", ..PLAIN },
        Stored { id: SECOND, tenant: "other", ..PLAIN },
    ]);
    let seen = |after: &str, until: &str| {
        let (page, left) = read_until(&db, &["contact_created"], false, after, 10, until);
        (page.events().unwrap().len(), left)
    };
    assert_eq!(seen("", END), (3, 3));
    assert_eq!(seen("", THIRD), (2, 2));
    assert_eq!(seen(FIRST, THIRD), (1, 1));
    assert_eq!(seen(SECOND, THIRD), (0, 0));
    assert_eq!(seen(THIRD, END), (0, 0));
}

#[test]
fn a_page_takes_some_megabytes_at_most_and_one_event_at_least() {
    let long = |megabytes: usize| format!("{{\"note\":\"{}\"}}", "x".repeat(megabytes << 20));
    let (five, nine) = (long(5), long(9));
    let db = database(&[
        Stored { data: &five, ..PLAIN },
        Stored { id: SECOND, data: &five, ..PLAIN },
        Stored { id: THIRD, data: &nine, ..PLAIN },
    ]);
    let page = |after: &str| -> Vec<String> {
        let page = read(&db, &["contact_created"], false, after, 10);
        page.events().unwrap().into_iter().map(|event| event.id.to_owned()).collect()
    };
    assert_eq!(page(""), [FIRST]);
    assert_eq!(page(FIRST), [SECOND]);
    assert_eq!(page(SECOND), [THIRD]);
}
