//! Who gives us connections, and how does a transaction begin and end?
//!
//! A transaction is `BEGIN IMMEDIATE` on a connection of its own: whoever has it is the only writer. Others wait by
//! short naps of the pool's, never in SQLite's busy handler, which sleeps up to 100 ms while the lock is free.

use crate::{AllTenants, DbError, Rows, Scope, Value};
use futures::future::BoxFuture;
use kernel::TenantId;
use std::{sync::Arc, time::Duration};

/// How long a writer waits for the lock before it gives up with [`DbError::Locked`].
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it naps between two tries.
const NAP: Duration = Duration::from_micros(500);

/// How a transaction begins: with the write lock, or not at all.
pub const BEGIN: &str = "BEGIN IMMEDIATE";

/// One connection, used by one request at a time.
pub trait Connection: Send {
    /// Runs the one statement in `sql` to its end and gives all its rows.
    fn run<'a>(&'a mut self, sql: &'a str, parameters: Vec<Value>) -> BoxFuture<'a, Result<Rows, DbError>>;
}

/// Where connections come from and go back to.
pub trait Pool: Send + Sync {
    /// A connection, ready for use: migrated, its PRAGMAs set.
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, DbError>>;
    /// Takes a connection back that is outside any transaction.
    fn release(&self, connection: Box<dyn Connection>);
    /// Sleeps.
    fn nap(&self, length: Duration) -> BoxFuture<'_, ()>;
}

/// The database: hands out transactions and leases.
#[derive(Clone)]
pub struct Db(Arc<dyn Pool>);

impl Db {
    /// A database that is reached through `pool`.
    pub fn new(pool: impl Pool + 'static) -> Self {
        Self(Arc::new(pool))
    }

    /// A connection to read with, outside any transaction.
    ///
    /// # Errors
    /// [`DbError`] when no connection is to be had.
    pub async fn read(&self) -> Result<Lease, DbError> {
        Ok(Lease { pool: Arc::clone(&self.0), connection: Some(self.0.acquire().await?) })
    }

    /// A transaction that holds the write lock.
    ///
    /// # Errors
    /// [`DbError::Locked`] after ten seconds of waiting for the lock.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(tx) = self.try_begin().await? {
                return Ok(tx);
            }
            if waited > PATIENCE {
                return Err(DbError::Locked);
            }
            self.0.nap(NAP).await;
            waited += NAP;
        }
    }

    /// A transaction if the write lock is free at this moment.
    ///
    /// # Errors
    /// [`DbError`] for anything but the lock.
    pub async fn try_begin(&self) -> Result<Option<Tx>, DbError> {
        let mut connection = self.0.acquire().await?;
        match connection.run(BEGIN, Vec::new()).await {
            Ok(_) => Ok(Some(Tx { pool: Arc::clone(&self.0), connection })),
            Err(DbError::Locked) => {
                self.0.release(connection);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(feature = "rusqlite")]
    pub(crate) fn pool(&self) -> Arc<dyn Pool> {
        Arc::clone(&self.0)
    }

    /// Holds this database's adapter to [`crate::contract`]: for a database that may hold a table more for a moment.
    ///
    /// # Errors
    /// The broken promise, in words.
    pub async fn check_contract(&self) -> Result<(), String> {
        crate::contract::check(&*self.0).await
    }

    /// Sleeps: for those who wait for the lock in their own way.
    pub async fn nap(&self, length: Duration) {
        self.0.nap(length).await;
    }
}

/// A connection to read with; goes back to the pool when dropped.
pub struct Lease {
    pool: Arc<dyn Pool>,
    connection: Option<Box<dyn Connection>>,
}

impl Lease {
    fn connection(&mut self) -> Result<&mut dyn Connection, DbError> {
        match self.connection.as_mut() {
            Some(connection) => Ok(connection.as_mut()),
            None => Err(DbError::Engine("the connection was given back already".to_owned())),
        }
    }

    /// What this tenant's rows say.
    ///
    /// # Errors
    /// Never in practice: only if the lease was given back.
    pub fn scope<'a>(&'a mut self, tenant: &'a TenantId) -> Result<Scope<'a>, DbError> {
        Ok(Scope::new(self.connection()?, tenant))
    }

    /// What the rows of all tenants say.
    ///
    /// # Errors
    /// Never in practice: only if the lease was given back.
    pub fn all_tenants(&mut self) -> Result<AllTenants<'_>, DbError> {
        Ok(AllTenants::new(self.connection()?))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.release(connection);
        }
    }
}

/// A transaction that holds the write lock. Dropped without [`Tx::commit`], nothing of it stays.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    pool: Arc<dyn Pool>,
    connection: Box<dyn Connection>,
}

impl Tx {
    /// This tenant's rows.
    pub fn scope<'a>(&'a mut self, tenant: &'a TenantId) -> Scope<'a> {
        Scope::new(self.connection.as_mut(), tenant)
    }

    /// The rows of all tenants: leases, retention, sign-in by e-mail.
    pub fn all_tenants(&mut self) -> AllTenants<'_> {
        AllTenants::new(self.connection.as_mut())
    }

    /// Makes all of it stay.
    ///
    /// # Errors
    /// [`DbError`]; then nothing of it stays.
    pub async fn commit(mut self) -> Result<(), DbError> {
        self.connection.run("COMMIT", Vec::new()).await?;
        self.pool.release(self.connection);
        Ok(())
    }

    /// Takes all of it back and keeps the connection for the next.
    ///
    /// # Errors
    /// [`DbError`]; nothing of it stays in any case.
    pub async fn rollback(mut self) -> Result<(), DbError> {
        self.connection.run("ROLLBACK", Vec::new()).await?;
        self.pool.release(self.connection);
        Ok(())
    }
}
