//! How does Spin give things to us? Requests, the database, outbound HTTP, variables, the clock and chance, each behind
//! the port of the room that needs it. The only crate, beside the components' entries, that names `spin_sdk`.
//!
//! A component's entry is one line: `guest::component!(crate::routes::router);`.

mod bells;
mod courier;
mod database;
mod fetch;
mod guard;
mod inward;
mod nature;
mod nudge;
mod serve;
mod standing;

pub use bells::SpinBells;
pub use courier::SpinCourier;
pub use database::{Durability, SpinPool};
pub use fetch::SpinFetch;
pub use guard::is_guarded;
pub use inward::{Inward, call};
pub use nature::{SystemChance, SystemClock, nap, spawn};
pub use nudge::nudge;
pub use serve::serve;
pub use spin_sdk;
pub use standing::Standing;

/// Makes a component of a function `fn(&Arc<World>) -> axum::Router`.
#[macro_export]
macro_rules! component {
    ($routes:path) => {
        mod entry {
            use $crate::spin_sdk::wasip3::{exports::http::handler::Guest, http::types};

            struct Entry;
            $crate::spin_sdk::wasip3::http::service::export!(Entry with_types_in $crate::spin_sdk::wasip3);

            impl Guest for Entry {
                async fn handle(request: types::Request) -> Result<types::Response, types::ErrorCode> {
                    $crate::serve(request, $routes).await
                }
            }
        }
    };
}
