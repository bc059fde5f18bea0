//! How does a component read its variables?
//!
//! `spin:variables@3.0.0`, and for WASI 0.2 components `fermyon:spin/variables@2.0.0`.

use wasmtime::component::{Accessor, HasSelf};

use super::Guest;
use crate::bindings::{variables, variables_2};
use crate::variables::Missing;

impl Guest {
    fn variable(&self, name: &str) -> Result<String, Missing> {
        self.capabilities.variables.get(self.component(), name)
    }
}

impl variables::Host for Guest {}

impl<T: Send> variables::HostWithStore<T> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables::Error>> {
        let value = accessor.with(|mut access| access.get().variable(&name));
        Ok(value.map_err(|missing| match missing {
            Missing::Invalid(text) => variables::Error::InvalidName(text),
            Missing::Undefined(text) => variables::Error::Undefined(text),
        }))
    }
}

impl variables_2::Host for Guest {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables_2::Error>> {
        Ok(self.variable(&name).map_err(|missing| match missing {
            Missing::Invalid(text) => variables_2::Error::InvalidName(text),
            Missing::Undefined(text) => variables_2::Error::Undefined(text),
        }))
    }
}
