//! Which rules does a tenant have, compiled? Kept per instance, by tenant and revision.
//!
//! A kept book may be old: whoever decides by it compares its revision inside the transaction that writes the outcome.

use db::{Db, DbError, Tx};
use kernel::TenantId;
use rules::RuleBook;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The most tenants whose books are kept in one instance.
const KEPT: usize = 512;

/// A tenant's compiled rules at a revision.
#[derive(Debug, Clone)]
pub struct Book {
    /// The revision.
    pub revision: i64,
    /// The rules.
    pub rules: Arc<RuleBook>,
}

/// The compiled rules of the tenants that an instance has met.
#[derive(Debug, Default)]
pub struct Books(Mutex<HashMap<TenantId, Book>>);

impl Books {
    /// The tenant's book, from memory or the database.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn get(&self, db: &Db, tenant: &TenantId) -> Result<Book, DbError> {
        if let Some(book) = self.lock().get(tenant) {
            return Ok(book.clone());
        }
        let mut lease = db.read().await?;
        let (revision, rules) = rules::service::load_book(&mut lease.scope(tenant)?).await?;
        Ok(self.keep(tenant, revision, rules))
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
        if kept.is_some() && kept == Some(rules::service::revision(&mut scope).await?) {
            return Ok(());
        }
        let (revision, rules) = rules::service::load_book(&mut scope).await?;
        self.keep(tenant, revision, rules);
        Ok(())
    }

    /// The tenant's book as it is inside a transaction: kept if its revision is still the tenant's.
    ///
    /// # Errors
    /// [`DbError`].
    pub(crate) async fn within(&self, tx: &mut Tx, tenant: &TenantId) -> Result<Book, DbError> {
        let mut scope = tx.scope(tenant);
        let kept = self.lock().get(tenant).cloned();
        if let Some(book) = kept
            && rules::service::revision(&mut scope).await? == book.revision
        {
            return Ok(book);
        }
        let (revision, rules) = rules::service::load_book(&mut scope).await?;
        Ok(self.keep(tenant, revision, rules))
    }

    fn keep(&self, tenant: &TenantId, revision: i64, rules: RuleBook) -> Book {
        let book = Book { revision, rules: Arc::new(rules) };
        let mut books = self.lock();
        if books.len() >= KEPT {
            books.clear();
        }
        books.insert(tenant.clone(), book.clone());
        book
    }

    /// Drops the tenant's book: its rules changed.
    pub fn forget(&self, tenant: &TenantId) {
        self.lock().remove(tenant);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Book>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
