//! The queue: the tick that works it off, and what people may do with it.

mod reseal;
mod routes;
mod wire;

guest::component!(crate::routes::router);
