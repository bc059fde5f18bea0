//! What does every component say in HTTP? One envelope, one way to show a credential, one set of limits.
//!
//! [`answer`] takes a whole request through the door: request id, tenant and alias paths, size and nesting, the
//! component's router, then headers that stand on every answer. Handlers see extractors ([`Authorized`], [`Json`],
//! [`Paging`], [`IfMatch`]) and give [`Shown`], [`List`] or a [`Problem`].

mod answer;
mod authorized;
mod cors;
mod credentials;
mod denied;
mod etag;
mod hashing;
mod id;
mod idempotency;
mod json;
mod jsonapi;
mod limits;
mod list;
pub mod log;
mod nesting;
mod oauth;
mod openapi;
mod page;
mod paths;
mod problem;
mod shown;
mod store;
mod tenancy;
mod visitor;
mod world;

pub use answer::{answer, body_limit, not_configured};
pub use authorized::{Authorized, Confirmed, Need, Partaking, Reaching, Recognised, Steward, needs};
pub use credentials::{
    csrf_token, portal_cookie, portal_secret, session_cookie, sign_on_cookie, sign_on_secret,
};
pub use denied::named;
pub use etag::IfMatch;
pub use hashing::HashGate;
pub use id::{Id, Name, Numbered, Within};
pub use idempotency::{idempotency_key, idempotent, idempotent_but};
pub use json::{Csv, Json, Query, RawJson, field_of, read as read_json};
pub use limits::{Counted, Limits, Quota, Taken};
pub use list::{List, ListLinks, ListMeta, Paging};
pub use oauth::{Caller, Form, OAuthFaultBody, OAuthFaults, OAuthProblem};
pub use openapi::{FaultBody, FaultDetail, FaultError, Faults, Fragment, fragment};
pub use page::Page;
pub use problem::{Problem, Unspecific};
pub use shown::Shown;
pub use visitor::{Internal, Visitor};
pub use world::{Settings, SettingsError, World};
