//! How many statements does something cost? A database that counts them, for tests: each is a trip to the host.

use crate::{Connection, Db, DbError, Pool, Rows, Value};
use futures::future::BoxFuture;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Counts the statements that went through a [`Db`].
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    /// Begins to count anew.
    pub fn restart(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// How many statements there were since this was asked last.
    #[must_use]
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

struct Counting {
    pool: Arc<dyn Pool>,
    counter: Counter,
}

struct Counted {
    connection: Box<dyn Connection>,
    counter: Counter,
}

impl Db {
    /// The same database, with its statements counted.
    #[must_use]
    pub fn counted(&self) -> (Self, Counter) {
        let counter = Counter::default();
        (Self::new(Counting { pool: self.pool(), counter: counter.clone() }), counter)
    }
}

impl Pool for Counting {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, DbError>> {
        Box::pin(async move {
            let connection = self.pool.acquire().await?;
            let counted: Box<dyn Connection> =
                Box::new(Counted { connection, counter: self.counter.clone() });
            Ok(counted)
        })
    }

    // What is dropped goes home by itself: the counted are lent from a pool in memory or opened anew.
    fn release(&self, connection: Box<dyn Connection>) {
        drop(connection);
    }

    fn nap(&self, length: Duration) -> BoxFuture<'_, ()> {
        self.pool.nap(length)
    }
}

impl Connection for Counted {
    fn run<'a>(&'a mut self, sql: &'a str, parameters: Vec<Value>) -> BoxFuture<'a, Result<Rows, DbError>> {
        self.counter.0.fetch_add(1, Ordering::Relaxed);
        self.connection.run(sql, parameters)
    }
}
