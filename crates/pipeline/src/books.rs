//! What does a tenant's every event meet? Its rules, compiled, its triggers and its time zone: kept per instance, by tenant and
//! revision.
//!
//! A kept book may be old: whoever decides by it compares its revision inside the transaction that writes the outcome.

use chrono_tz::Tz;
use db::{Db, DbError, Scope, Tx};
use kernel::TenantId;
use rules::{Catalogue, RuleBook};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use webhooks::Subscription;

/// The most tenants whose books are kept in one instance.
const KEPT: usize = 512;

/// What a tenant's events meet, at a revision.
#[derive(Debug)]
pub struct Book {
    /// The revision.
    pub revision: i64,
    /// The rules.
    pub rules: RuleBook,
    /// The triggers.
    pub catalogue: Catalogue,
    /// The endpoints that take events.
    pub endpoints: Vec<Subscription>,
    /// The time zone.
    pub zone: Tz,
}

/// The books of the tenants that an instance has met.
#[derive(Debug, Default)]
pub struct Books(Mutex<HashMap<TenantId, Arc<Book>>>);

impl Books {
    /// The tenant's book, from memory or the database.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn get(&self, db: &Db, tenant: &TenantId) -> Result<Arc<Book>, DbError> {
        if let Some(book) = self.lock().get(tenant) {
            return Ok(Arc::clone(book));
        }
        let mut lease = db.read().await?;
        self.load(&mut lease.scope(tenant)?).await
    }

    /// Makes the tenant's book ready before a transaction begins that will want it: so that rules are not compiled while
    /// everybody waits for the lock.
    ///
    /// # Errors
    /// [`DbError`].
    pub(crate) async fn warm(&self, db: &Db, tenant: &TenantId) -> Result<(), DbError> {
        let mut lease = db.read().await?;
        let mut scope = lease.scope(tenant)?;
        let kept = self.lock().get(tenant).map(|book| book.revision);
        if kept.is_some() && kept == Some(rules::service::grounds(&mut scope).await?.revision) {
            return Ok(());
        }
        self.load(&mut scope).await.map(drop)
    }

    /// The tenant's book as it is inside a transaction: kept if its revision is still the tenant's.
    ///
    /// # Errors
    /// [`DbError`].
    pub(crate) async fn within(&self, tx: &mut Tx, tenant: &TenantId) -> Result<Arc<Book>, DbError> {
        let mut scope = tx.scope(tenant);
        let kept = self.lock().get(tenant).cloned();
        if let Some(book) = kept
            && rules::service::grounds(&mut scope).await?.revision == book.revision
        {
            return Ok(book);
        }
        self.load(&mut scope).await
    }

    async fn load(&self, scope: &mut Scope<'_>) -> Result<Arc<Book>, DbError> {
        let tenant = scope.tenant().clone();
        let (grounds, rules, catalogue) = rules::service::load_book(scope).await?;
        let endpoints = webhooks::service::subscriptions(scope).await?;
        let book =
            Arc::new(Book { revision: grounds.revision, rules, catalogue, endpoints, zone: grounds.zone });
        let mut books = self.lock();
        if books.len() >= KEPT {
            books.clear();
        }
        books.insert(tenant, Arc::clone(&book));
        Ok(book)
    }

    /// Drops the tenant's book: its rules changed.
    pub fn forget(&self, tenant: &TenantId) {
        self.lock().remove(tenant);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Arc<Book>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
