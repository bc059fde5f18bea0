//! Against a database in memory.

use super::*;
use crate::{
    AuditError, Content, Cover, Expected, FileFault, FileVerifier, Filter, Format, Line, Part, Reason,
    Recorded, Verified,
};
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{
    Chance, Cursor, Instant, PageRequest, Person, Principal, RequestId, TenantId, Trace as W3cTrace,
};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

#[derive(Default)]
struct Counting(AtomicU8);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn call(tenant: &TenantId, now: i64) -> Call {
    let chance: Arc<dyn Chance> = Arc::new(Counting::default());
    Call {
        principal: Principal::system(tenant.clone()),
        now: Instant::from_millis(now),
        request: RequestId::new(&*chance),
        trace: W3cTrace::new(&*chance),
        address: Some("192.0.2.1".to_owned()),
        chance,
    }
}

async fn write(db: &Db, tenant: &TenantId, now: i64, actions: &[&str]) {
    let entries: Vec<Entry<'_>> = actions
        .iter()
        .map(|action| Entry {
            action,
            subject: "rul_1",
            before: None,
            after: Some(json!({"text": "Zoë \u{0} \"quoted\"", "n": 1})),
        })
        .collect();
    let mut tx = db.begin().await.unwrap();
    append_many(&mut tx.scope(tenant), &call(tenant, now), &entries).await.unwrap();
    tx.commit().await.unwrap();
}

async fn verified(db: &Db, tenant: &TenantId) -> Verified {
    let mut lease = db.read().await.unwrap();
    verify(&mut lease.scope(tenant).unwrap()).await.unwrap()
}

async fn meddle(db: &Db, sql: &str) {
    let mut tx = db.begin().await.unwrap();
    tx.all_tenants().run_for_effect(sql, []).await.unwrap();
    tx.commit().await.unwrap();
}

fn two() -> (Db, TenantId, TenantId) {
    (Native::memory().unwrap(), "acme-corp".parse().unwrap(), "globex".parse().unwrap())
}

#[test]
fn what_is_written_reads_back_and_holds() {
    let (db, acme, globex) = two();
    block_on(async {
        write(&db, &acme, 1, &["rule.created"]).await;
        write(&db, &globex, 2, &["rule.created"]).await;
        write(&db, &acme, 3, &["rule.changed", "rule.paused"]).await;
        write(&db, &acme, 4, &[]).await;
        let found = verified(&db, &acme).await;
        assert_eq!((found.rows, found.broken), (3, None));
        assert_eq!(verified(&db, &globex).await.rows, 1);
        assert_eq!(verified(&db, &"initech".parse().unwrap()).await.rows, 0);

        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&acme).unwrap();
        let page = PageRequest::new(2, None).unwrap();
        let first = list(&mut scope, &Filter::default(), &page).await.unwrap();
        let actions: Vec<&str> = first.items.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["rule.paused", "rule.changed"]);
        assert_eq!(first.items[0].hash, found.head);
        let rest = PageRequest::new(2, first.next).unwrap();
        let rest = list(&mut scope, &Filter::default(), &rest).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
        let foreign = PageRequest::new(2, Some(Cursor::after("x"))).unwrap();
        assert!(matches!(list(&mut scope, &Filter::default(), &foreign).await, Err(AuditError::Cursor(_))));
    });
}

#[test]
fn a_filter_narrows() {
    let (db, acme, _) = two();
    block_on(async {
        write(&db, &acme, 1000, &["rule.created"]).await;
        write(&db, &acme, 2000, &["rule.changed"]).await;
        write(&db, &acme, 3000, &["rule.changed"]).await;
        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&acme).unwrap();
        for (filter, wanted) in [
            (Filter { action: Some("rule.changed".into()), ..Filter::default() }, 2),
            (Filter { actor: Some("system".into()), ..Filter::default() }, 3),
            (Filter { actor: Some("usr_1".into()), ..Filter::default() }, 0),
            (Filter { subject: Some("rul_1".into()), ..Filter::default() }, 3),
            (Filter { since: Some(Instant::from_millis(2000)), ..Filter::default() }, 2),
            (Filter { until: Some(Instant::from_millis(2000)), ..Filter::default() }, 1),
            (Filter { action: Some("rule.*".into()), ..Filter::default() }, 3),
            (Filter { action: Some("rule.c*".into()), ..Filter::default() }, 3),
            (Filter { action: Some("job.*".into()), ..Filter::default() }, 0),
            (Filter { address: Some("192.0.2.1".into()), ..Filter::default() }, 3),
            (Filter { address: Some("192.0.2.2".into()), ..Filter::default() }, 0),
            (Filter { request: Some("req_x".into()), ..Filter::default() }, 0),
            (Filter { text: Some("ZOË".into()), ..Filter::default() }, 0),
            (Filter { text: Some("QUOTED".into()), ..Filter::default() }, 3),
        ] {
            let page = list(&mut scope, &filter, &PageRequest::default()).await.unwrap();
            assert_eq!(page.items.len(), wanted, "{filter:?}");
        }
    });
}

#[test]
fn meddling_with_the_tables_is_named() {
    for (sql, sequence, reason) in [
        ("UPDATE audit_entries SET actor = 'usr_1' WHERE sequence = 2", 2, Reason::Changed),
        ("UPDATE audit_entries SET after = '{}' WHERE sequence = 1", 1, Reason::Changed),
        ("DELETE FROM audit_entries WHERE sequence = 2", 2, Reason::Missing),
        ("DELETE FROM audit_entries WHERE sequence = 3", 3, Reason::Missing),
        ("DELETE FROM audit_entries", 1, Reason::Missing),
        ("UPDATE audit_entries SET tenant_id = 'globex'", 1, Reason::Missing),
        ("UPDATE audit_chains SET length = 2", 3, Reason::Surplus),
    ] {
        let (db, acme, _) = two();
        block_on(async {
            write(&db, &acme, 1, &["a", "b", "c"]).await;
            meddle(&db, sql).await;
            let broken = verified(&db, &acme).await.broken.unwrap();
            assert_eq!((broken.sequence, broken.reason), (sequence, reason), "{sql}");
        });
    }
}

#[test]
fn a_removed_end_does_not_stop_the_work_and_stays_visible() {
    let (db, acme, _) = two();
    block_on(async {
        write(&db, &acme, 1, &["a", "b"]).await;
        meddle(&db, "DELETE FROM audit_entries WHERE sequence = 2").await;
        write(&db, &acme, 2, &["c"]).await;
        let broken = verified(&db, &acme).await.broken.unwrap();
        assert_eq!((broken.sequence, broken.reason), (2, Reason::Missing));
    });
}

#[test]
fn nothing_stays_of_a_transaction_that_is_given_up() {
    let (db, acme, _) = two();
    block_on(async {
        let mut tx = db.begin().await.unwrap();
        let entry = Entry { action: "a", subject: "b", ..Entry::default() };
        append(&mut tx.scope(&acme), &call(&acme, 1), &entry).await.unwrap();
        tx.rollback().await.unwrap();
        let found = verified(&db, &acme).await;
        assert_eq!((found.rows, found.broken), (0, None));
    });
}

#[test]
fn a_long_chain_is_walked_in_pieces() {
    let (db, acme, _) = two();
    block_on(async {
        let many = vec!["a"; 1201];
        write(&db, &acme, 1, &many).await;
        assert_eq!(verified(&db, &acme).await.rows, 1201);
    });
}

#[allow(dead_code, reason = "checks at compile time that the futures may cross threads")]
fn futures_are_send(mut scope: Scope<'_>, call: &Call) {
    fn send<T: Send>(_: T) {}
    send(append(&mut scope, call, &Entry::default()));
    send(verify(&mut scope));
}

fn ana() -> Person {
    Person {
        id: "usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
        email: "ana@example.com".to_owned(),
        name: "Ana Li".to_owned(),
    }
}

/// Four rows: one about Ana, one by her, one that names her, and one that has nothing to do with her.
async fn write_of_ana(db: &Db, tenant: &TenantId) {
    let ours = call(tenant, 1);
    let mut hers = call(tenant, 2);
    let session = "ses_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
    hers.principal.actor = kernel::Actor::User(ana().id, session);
    let entry =
        |action: &'static str, subject: &'static str, after| Entry { action, subject, before: None, after };
    let mut key = ours.clone();
    key.principal.actor = kernel::Actor::ApiKey("key_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap());
    let entries = [
        (
            &key,
            entry(
                "user.created",
                "usr_01hf7yat00zzzzzzzzzzzzzzzz",
                Some(json!({"email": "ana@example.com"})),
            ),
        ),
        (&hers, entry("rule.created", "rul_1", Some(json!({"name": "Big deals"})))),
        (&key, entry("rule.changed", "rul_1", Some(json!({"to": "Ana@Example.com", "n": 1})))),
        (&key, entry("rule.changed", "rul_1", Some(json!({"name": "Analysis"})))),
    ];
    let mut tx = db.begin().await.unwrap();
    append_for(&mut tx.scope(tenant), &entries).await.unwrap();
    tx.commit().await.unwrap();
}

async fn forget_ana(db: &Db, tenant: &TenantId) -> usize {
    let mut tx = db.begin().await.unwrap();
    let mut scope = tx.scope(tenant);
    let (found, next) = traces(&mut scope, &ana(), 0).await.unwrap();
    assert_eq!(next, None);
    let count = erase(&mut scope, &call(tenant, 9), ana().id.as_str(), &found).await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn all(db: &Db, tenant: &TenantId) -> Vec<Line> {
    let mut lease = db.read().await.unwrap();
    let (mut previous, rows) =
        export(&mut lease.scope(tenant).unwrap(), (1, i64::MAX), 10_000).await.unwrap();
    let line = |row: Recorded| {
        let line = Line { previous, row };
        previous = line.row.hash;
        line
    };
    rows.into_iter().map(line).collect()
}

/// Downgrades what stands there to the format of before.
async fn age(db: &Db, tenant: &TenantId) {
    let lines = all(db, tenant).await;
    let mut previous = crate::GENESIS;
    for line in lines {
        let mut row = line.row;
        row.format = Format::One;
        let hash = crate::hash(previous, &row).unwrap();
        previous = hash;
        let sql = format!(
            "UPDATE audit_entries SET format = 1, address_salt = NULL, before_salt = NULL, after_salt = NULL,
             hash = x'{hash}' WHERE sequence = {}",
            row.sequence
        );
        meddle(db, &sql).await;
    }
}

#[test]
fn a_person_is_erased_and_the_chain_holds() {
    for old in [false, true] {
        let (db, acme, _) = two();
        block_on(async {
            write_of_ana(&db, &acme).await;
            if old {
                age(&db, &acme).await;
            }
            assert_eq!(verified(&db, &acme).await.broken, None);
            assert_eq!(forget_ana(&db, &acme).await, 3);
            let found = verified(&db, &acme).await;
            assert_eq!((found.rows, found.broken), (5, None), "old: {old}");
            let lines = all(&db, &acme).await;
            let whole: String = lines.iter().map(|line| line.to_string() + "\n").collect();
            assert!(!whole.to_lowercase().contains("ana@example") && whole.contains("Analysis"), "{whole}");
            assert!(whole.contains("Big deals"), "what she did to a rule is the tenant's: {whole}");
            assert!(lines[1].row.address.is_erased() && !lines[0].row.address.is_erased());
            assert_eq!(forget_ana(&db, &acme).await, 0, "once is enough");
            assert!(matches!(Cover::of(&lines[4].row), Some(Cover::Erasure(rows)) if rows.len() == 3));
            // A second erasure of the same row says all that is gone by then.
            let more = [Trace { sequence: 2, parts: vec![Part::After] }];
            let mut tx = db.begin().await.unwrap();
            erase(&mut tx.scope(&acme), &call(&acme, 9), "usr_2", &more).await.unwrap();
            // What says so cannot be erased.
            let cover = [Trace { sequence: 5, parts: vec![Part::After] }];
            assert_eq!(erase(&mut tx.scope(&acme), &call(&acme, 9), "usr_2", &cover).await.unwrap(), 0);
            tx.commit().await.unwrap();
            assert_eq!(verified(&db, &acme).await.broken, None);
            // What anybody else takes out is found.
            meddle(
                &db,
                "UPDATE audit_entries SET after_erased = zeroblob(32), after = NULL, after_salt = NULL,
                erased_by = 5 WHERE sequence = 4",
            )
            .await;
            let broken = verified(&db, &acme).await.broken.unwrap();
            assert_eq!(
                (broken.sequence, broken.reason == Reason::Changed || broken.reason == Reason::Erased),
                (4, true)
            );
        });
    }
}

#[test]
fn an_old_row_that_was_erased_in_part_cannot_be_edited() {
    let (db, acme, _) = two();
    block_on(async {
        write_of_ana(&db, &acme).await;
        age(&db, &acme).await;
        forget_ana(&db, &acme).await;
        meddle(&db, "UPDATE audit_entries SET action = 'rule.deleted' WHERE sequence = 2").await;
        let broken = verified(&db, &acme).await.broken.unwrap();
        assert_eq!((broken.sequence, broken.reason), (2, Reason::Changed));
    });
}

#[test]
fn a_cut_chain_holds_from_its_new_beginning() {
    let (db, acme, _) = two();
    block_on(async {
        for at in 1..=6 {
            write(&db, &acme, at * 1000, &["rule.created"]).await;
        }
        let mut tx = db.begin().await.unwrap();
        let mut scope = tx.scope(&acme);
        let limit = Instant::from_millis(4000);
        assert_eq!(due(&mut scope, Instant::from_millis(1000)).await.unwrap(), None);
        assert_eq!(due(&mut scope, limit).await.unwrap(), Some(3));
        assert!(cut(&mut scope, &call(&acme, 7000), 3, limit).await.unwrap());
        assert!(!cut(&mut scope, &call(&acme, 7000), 3, limit).await.unwrap(), "once is enough");
        tx.commit().await.unwrap();
        // Between the cut and the removal, too.
        assert_eq!(verified(&db, &acme).await.broken, None);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(sweep(&mut tx.scope(&acme), 2).await.unwrap(), 2);
        assert_eq!(sweep(&mut tx.scope(&acme), 2).await.unwrap(), 1);
        assert_eq!(sweep(&mut tx.scope(&acme), 2).await.unwrap(), 0);
        tx.commit().await.unwrap();
        let found = verified(&db, &acme).await;
        assert_eq!((found.rows, found.last, found.broken), (4, 7, None));
        let lines = all(&db, &acme).await;
        assert_eq!(file(&lines, Expected::default()), Ok(4));
        write(&db, &acme, 8000, &["rule.created"]).await;
        assert_eq!(verified(&db, &acme).await.broken, None);
        // Nobody else cuts it.
        meddle(&db, "UPDATE audit_chains SET first = 5, cut_hash = (SELECT hash FROM audit_entries WHERE sequence = 4)").await;
        meddle(&db, "DELETE FROM audit_entries WHERE sequence < 5").await;
        let broken = verified(&db, &acme).await.broken.unwrap();
        assert_eq!((broken.sequence, broken.reason), (4, Reason::Missing));
    });
}

/// Verifies lines as an exported file; how many rows hold, or the line and what is wrong with it.
fn file(lines: &[Line], expected: Expected) -> Result<i64, (usize, FileFault)> {
    let mut verifier = FileVerifier::new(expected);
    lines.iter().for_each(|line| verifier.note(line));
    for (number, line) in (1..).zip(lines) {
        verifier.look(line).map_err(|fault| (number, fault))?;
    }
    verifier.done().map(|sound| sound.rows).map_err(|fault| (lines.len(), fault))
}

#[test]
fn every_meddling_with_a_file_is_named_by_its_line() {
    let (db, acme, _) = two();
    block_on(async {
        write_of_ana(&db, &acme).await;
        forget_ana(&db, &acme).await;
        write(&db, &acme, 10, &["rule.created", "rule.changed"]).await;
        let lines = all(&db, &acme).await;
        let head = Expected { head: Some(lines[6].row.hash), after: None };
        assert_eq!(file(&lines, head), Ok(7));
        assert_eq!(file(&[], Expected::default()), Ok(0));

        let with = |change: &dyn Fn(&mut Vec<Line>)| {
            let mut changed = lines.clone();
            change(&mut changed);
            file(&changed, head)
        };
        let changed = |line| Err((line, FileFault::Changed));
        assert_eq!(with(&|lines| lines[2].row.actor = "usr_x".to_owned()), changed(3));
        assert_eq!(with(&|lines| lines[3].row.after = Content::Nothing), changed(4));
        assert_eq!(with(&|lines| lines[3].row.at = Instant::from_millis(5)), changed(4));
        assert_eq!(with(&|lines| lines[3].previous = crate::GENESIS), changed(4));
        assert_eq!(
            with(&|lines| drop(lines.remove(2))),
            Err((3, FileFault::Missing { wanted: 3, found: 4 }))
        );
        assert_eq!(with(&|lines| lines.swap(2, 3)), Err((3, FileFault::Missing { wanted: 3, found: 4 })));
        assert_eq!(with(&|lines| lines.insert(3, lines[2].clone())), changed(4));
        assert_eq!(with(&|lines| lines.truncate(6)), Err((6, FileFault::Head)));
        assert_eq!(with(&|lines| drop(lines.remove(0))), Err((1, FileFault::Beginning(2))));
        assert_eq!(with(&|lines| drop(lines.remove(4))), Err((1, FileFault::Erased)));
        // Renumbered and hashed anew from there on, as who can compute would: the head gives it away.
        let forged = with(&|lines| {
            lines.remove(5);
            let before = lines[4].row.hash;
            lines[5].previous = before;
            lines[5].row.sequence = 6;
            lines[5].row.hash = crate::hash(before, &lines[5].row).unwrap();
        });
        assert_eq!(forged, Err((6, FileFault::Head)));
        // A part of a chain holds for who knows the hash before it.
        let after = Expected { head: None, after: Some(lines[4].row.hash) };
        assert_eq!(file(&lines[5..], after), Ok(2));
    });
}

#[test]
fn a_verification_goes_on_from_an_anchor() {
    let (db, acme, _) = two();
    block_on(async {
        write(&db, &acme, 1, &["a", "b", "c"]).await;
        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&acme).unwrap();
        let anchor = head(&mut scope).await.unwrap();
        assert_eq!(anchor.sequence, 3);
        drop(lease);
        write(&db, &acme, 2, &["d", "e"]).await;
        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&acme).unwrap();
        let (found, next) = verify_from(&mut scope, Some(anchor)).await.unwrap();
        assert_eq!((found.rows, found.last, found.broken, next), (2, 5, None, None));
        let other = Anchor { hash: crate::GENESIS, ..anchor };
        assert!(verify_from(&mut scope, Some(other)).await.unwrap().0.broken.is_some());
        let beyond = Anchor { sequence: 9, ..anchor };
        assert!(verify_from(&mut scope, Some(beyond)).await.unwrap().0.broken.is_some());
    });
}

#[test]
fn a_search_that_finds_little_says_where_it_goes_on() {
    let (db, acme, _) = two();
    block_on(async {
        write(&db, &acme, 1, &["first"]).await;
        for _ in 0..3 {
            write(&db, &acme, 2, &vec!["a"; 10_000]).await;
        }
        let mut lease = db.read().await.unwrap();
        let mut scope = lease.scope(&acme).unwrap();
        let filter = Filter { action: Some("first".to_owned()), ..Filter::default() };
        let page = list(&mut scope, &filter, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 0);
        let page = PageRequest::new(50, page.next).unwrap();
        let page = list(&mut scope, &filter, &page).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
    });
}
