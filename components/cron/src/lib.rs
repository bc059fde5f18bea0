//! What does a tick of the clock do? It calls the jobs component, which then runs what is due.
//!
//! The cron trigger calls a synchronous export in a process of its own that knows WASI 0.2 only, so this component is
//! made with wit-bindgen and not with the Spin SDK. Ticks may overlap or be missed: the jobs component's leases make a
//! double tick harmless, and the next tick finds what a missed one left.

mod tick;

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]
mod world {
    wit_bindgen::generate!({ world: "signalbox:clock/clock", path: "../../wit", generate_all, pub_export_macro: true });
}

use tick::Missed;
use world::{Error, Guest, Metadata, fermyon::spin::variables};

struct Clock;

fn tick_once() -> Result<(), Missed> {
    let origin = match variables::get("jobs_origin") {
        Ok(origin) => origin,
        Err(variables::Error::Undefined(_)) => tick::CHAINED.to_owned(),
        Err(_) => return Err(Missed::Origin),
    };
    let token = variables::get("internal_token").map_err(|_| Missed::Token)?;
    tick::tick(&origin, &token)
}

impl Guest for Clock {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        tick_once().map_err(|missed| {
            let message = missed.to_string();
            eprintln!("{}", serde_json::json!({"level": "error", "message": message, "code": missed.code()}));
            Error::Other(message)
        })
    }
}

#[allow(unsafe_code, unreachable_pub, reason = "generated code")]
mod entry {
    use super::{Clock, world};

    world::export!(Clock with_types_in world);
}
