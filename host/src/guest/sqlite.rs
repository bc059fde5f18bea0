//! How does a component reach its databases?
//!
//! `spin:sqlite@3.1.0`. All rows of a result are handed over at once: the stream and the future that the interface
//! asks for are ready when the call returns, so that reading them costs no round trip through the event loop.

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::{Guest, MOST_HANDLES};
use crate::bindings::sqlite::{self, Error, QueryResult, RowResult, Value};
use crate::sqlite::{Connection, Job};

/// A component's handle to a connection.
#[derive(Debug)]
pub struct Handle(Arc<Connection>);

type Streamed = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl Guest {
    fn open_connection(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Handle>, Error>> {
        let Some(database) = self.capabilities.databases.get(label) else {
            return Ok(Err(Error::AccessDenied));
        };
        if self.connections >= MOST_HANDLES {
            return Ok(Err(Error::Io("too many connections opened".into())));
        }
        let handle = self.table.push(Handle(Connection::new(Arc::clone(database))))?;
        self.connections = self.connections.saturating_add(1);
        Ok(Ok(handle))
    }

    fn connection(&self, handle: &Resource<Handle>) -> Option<Arc<Connection>> {
        self.table.get(handle).ok().map(|handle| Arc::clone(&handle.0))
    }
}

impl sqlite::Host for Guest {}

impl sqlite::HostConnection for Guest {
    async fn open(&mut self, database: String) -> wasmtime::Result<Result<Resource<Handle>, Error>> {
        self.open_connection(&database)
    }

    async fn execute(
        &mut self,
        handle: Resource<Handle>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let Some(connection) = self.connection(&handle) else { return Ok(Err(Error::InvalidConnection)) };
        let answer = connection.execute(Job::new(statement, parameters)).await;
        Ok(answer.result.map(|()| QueryResult { columns: answer.columns, rows: answer.rows }))
    }

    async fn last_insert_rowid(&mut self, handle: Resource<Handle>) -> wasmtime::Result<i64> {
        match self.connection(&handle) {
            Some(connection) => Ok(connection.last_insert_rowid().await),
            None => Ok(0),
        }
    }

    async fn changes(&mut self, handle: Resource<Handle>) -> wasmtime::Result<u64> {
        match self.connection(&handle) {
            Some(connection) => Ok(connection.changes().await),
            None => Ok(0),
        }
    }

    fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.connections = self.connections.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> sqlite::HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Handle>, Error>> {
        accessor.with(|mut access| access.get().open_connection(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let Some(connection) = accessor.with(|mut access| access.get().connection(&handle)) else {
            return Ok(Err(Error::InvalidConnection));
        };
        let answer = connection.execute(Job::new(statement, parameters)).await;
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, answer.rows)?;
            let result = answer.result;
            let result = FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?;
            Ok(Ok((answer.columns, rows, result)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut access| access.get().connection(&handle));
        match connection {
            Some(connection) => Ok(connection.last_insert_rowid().await),
            None => Ok(0),
        }
    }

    async fn changes_async(accessor: &Accessor<T, Self>, handle: Resource<Handle>) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut access| access.get().connection(&handle));
        match connection {
            Some(connection) => Ok(connection.changes().await),
            None => Ok(0),
        }
    }
}
