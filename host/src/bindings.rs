//! What do the Spin interfaces look like in Rust?
//!
//! Generated from `host/wit`, which holds the files that come with spin-sdk 7, and the cron world of spin-trigger-cron.

#[allow(clippy::all, clippy::pedantic, clippy::restriction, missing_docs, reason = "generated code")]
mod guest {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "signalbox:host/guest",
        imports: {
            "spin:sqlite/sqlite.[static]connection.open": async | trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid": async | trappable,
            "spin:sqlite/sqlite.[method]connection.changes": async | trappable,
            default: trappable,
        },
        with: {
            "spin:sqlite/sqlite.connection": crate::guest::sqlite::Handle,
            "spin:key-value/key-value.store": crate::guest::key_value::Handle,
        },
    });
}

#[allow(clippy::all, clippy::pedantic, clippy::restriction, missing_docs, reason = "generated code")]
mod cron_world {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "fermyon:spin-cron/spin-cron",
        exports: { default: async },
    });
}

pub(crate) use cron_world::SpinCronPre;
pub(crate) use cron_world::fermyon::spin_cron::cron_types::{Error as CronError, Metadata as CronMetadata};
pub(crate) use guest::fermyon::spin::variables as variables_2;
pub(crate) use guest::spin::key_value::key_value;
pub(crate) use guest::spin::sqlite::sqlite;
pub(crate) use guest::spin::variables::variables;
