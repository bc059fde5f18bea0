//! How is the audit written and read? Within the transaction of whoever changes something, in two statements.

use crate::{AuditError, Entry, Filter, Recorded, Verified, Verifier, chain, store};
use db::{DbError, Scope};
use kernel::{AuditId, Call, Cursor, FieldFault, Page, PageError, PageRequest};

/// How many rows a verification reads at a time; between two pieces others get their turn.
const PIECE: i64 = 500;

/// Writes one row, within the caller's transaction: what the call did is on record if and only if it was done.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn append(scope: &mut Scope<'_>, call: &Call, entry: &Entry<'_>) -> Result<(), DbError> {
    append_many(scope, call, std::slice::from_ref(entry)).await
}

/// Writes several rows in their order, in two statements however many they are.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn append_many(scope: &mut Scope<'_>, call: &Call, entries: &[Entry<'_>]) -> Result<(), DbError> {
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(());
    }
    let head = store::take(scope, count).await?;
    let mut before = head.hash;
    let rows: Vec<Recorded> = (head.sequence.saturating_add(1)..)
        .zip(entries)
        .map(|(sequence, entry)| {
            let mut row = Recorded {
                tenant: scope.tenant().clone(),
                sequence,
                id: AuditId::new(call.now, &*call.chance),
                at: call.now,
                actor: call.principal.actor.name().to_owned(),
                action: entry.action.to_owned(),
                subject: entry.subject.to_owned(),
                request: call.request.as_str().to_owned(),
                address: call.address.clone(),
                before: entry.before.as_ref().map(ToString::to_string),
                after: entry.after.as_ref().map(ToString::to_string),
                hash: before,
            };
            row.hash = chain::hash(before, &row);
            before = row.hash;
            row
        })
        .collect();
    store::insert(scope, &rows).await
}

/// The rows that `filter` lets through, newest first.
///
/// # Errors
/// [`AuditError::Cursor`] if the page begins nowhere; [`AuditError::Db`].
pub async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Recorded>, AuditError> {
    let below = match &page.after {
        None => i64::MAX,
        Some(cursor) => sequence(cursor)?,
    };
    let rows = store::list(scope, filter, below, page).await?;
    Ok(Page::cut(rows, page, |row| row.sequence.to_string()))
}

fn sequence(cursor: &Cursor) -> Result<i64, AuditError> {
    cursor.key().parse().map_err(|_| AuditError::Cursor(vec![FieldFault::new("cursor", PageError::Cursor)]))
}

/// Walks the tenant's whole chain and names the first place where it does not hold.
///
/// # Errors
/// [`DbError`].
pub async fn verify(scope: &mut Scope<'_>) -> Result<Verified, DbError> {
    let mut verifier = Verifier::default();
    let mut seen = 0;
    loop {
        // The length is read before the rows: when no row follows, everything that it counted was seen, also while
        // others append.
        let length = store::length(scope).await?;
        let rows = store::walk(scope, seen, PIECE).await?;
        let Some(last) = rows.last().map(|row| row.sequence) else {
            return Ok(verifier.done(length));
        };
        if !rows.iter().all(|row| verifier.row(row)) {
            return Ok(verifier.done(length));
        }
        seen = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;
    use db::{Db, native::Native};
    use futures::executor::block_on;
    use kernel::{Chance, Instant, Principal, RequestId, TenantId, Trace};
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
            trace: Trace::new(&*chance),
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
            assert!(matches!(
                list(&mut scope, &Filter::default(), &foreign).await,
                Err(AuditError::Cursor(_))
            ));
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
}
