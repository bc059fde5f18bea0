//! How does a component reach its key-value stores?
//!
//! `spin:key-value@3.0.0`.

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::{Guest, MOST_HANDLES};
use crate::bindings::key_value::{self, Error};
use crate::key_value::Pairs;

/// A component's handle to a store.
#[derive(Debug, Clone)]
pub struct Handle {
    label: Arc<str>,
    pairs: Arc<Pairs>,
}

fn find<T>(accessor: &Accessor<T, HasSelf<Guest>>, handle: &Resource<Handle>) -> wasmtime::Result<Handle> {
    accessor.with(|mut access| Ok(access.get().table.get(handle)?.clone()))
}

impl key_value::Host for Guest {}

impl key_value::HostStore for Guest {
    fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.stores = self.stores.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> key_value::HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Handle>, Error>> {
        accessor.with(|mut access| {
            let guest = access.get();
            if !guest.capabilities.stores.contains(&label) {
                return Ok(Err(Error::AccessDenied));
            }
            if guest.stores >= MOST_HANDLES {
                return Ok(Err(Error::StoreTableFull));
            }
            let pairs = Arc::clone(&guest.capabilities.key_value);
            let handle = guest.table.push(Handle { label: label.into(), pairs })?;
            guest.stores = guest.stores.saturating_add(1);
            Ok(Ok(handle))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let Handle { label, pairs } = find(accessor, &handle)?;
        Ok(pairs.get(label, key).await.map_err(Error::Other))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let Handle { label, pairs } = find(accessor, &handle)?;
        Ok(pairs.set(label, key, value).await.map_err(Error::Other))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let Handle { label, pairs } = find(accessor, &handle)?;
        Ok(pairs.delete(label, key).await.map_err(Error::Other))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let Handle { label, pairs } = find(accessor, &handle)?;
        Ok(pairs.get(label, key).await.map(|value| value.is_some()).map_err(Error::Other))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        handle: Resource<Handle>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let Handle { label, pairs } = find(accessor, &handle)?;
        let (keys, result) = match pairs.keys(label).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(Error::Other(error))),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            Ok((keys, FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?))
        })
    }
}
