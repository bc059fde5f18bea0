//! Who may do what, and how do they show it? Tenants, users, roles, sessions, tokens and API keys, and the gate that
//! turns a credential into a principal.
//!
//! Nothing here knows HTTP. Argon2 runs as a plain function on the caller's thread, always outside a transaction.

mod api_key;
mod attempt;
mod claim;
mod connection;
mod digest;
mod email;
mod error;
mod fetch;
mod gate;
mod memory;
mod method;
mod oidc;
mod password;
mod provider;
mod role;
mod saml;
pub mod service;
mod session;
mod settings;
mod sign_on;
mod store;
mod tenant;
mod token;
mod user;
mod visit;

pub use api_key::{ApiKey, ApiKeyState, KeySecret, NewApiKey};
pub use claim::Mapping;
pub use connection::{
    CONNECTIONS_MAX, Connection, ConnectionKind, ConnectionPatch, OidcSetup, SamlSetup, Setup,
};
pub use email::{Email, EmailError};
pub use error::AuthError;
pub use fetch::{FETCH_LIMIT, FETCH_TIMEOUT, Fetch, Unfetched};
pub use gate::{Checked, Credential, Gate};
pub use method::{Method, Methods};
pub use password::{NewPassword, Verdict, hash_password, verify_password};
pub use provider::Providers;
pub use role::{BuiltIn, Role};
pub use saml::form as saml_form;
pub use session::{Session, SessionSecret, SessionState};
pub use settings::{
    LimitSettings, PasswordSettings, RetentionSettings, SessionSettings, SettingsPatch, SignOnSettings,
    TenantSettings, TwoFactorSettings,
};
pub use sign_on::{ATTEMPT_LIFE, Answer, BrowserSecret, ReturnTo, SignOnError};
pub use tenant::{Tenant, TenantPatch, TenantState};
pub use token::{ACCESS_TOKEN_LIFE, AccessClaims, KeysError, TokenFault, TokenKeys, Tokens};
pub use user::{Member, NewUser, User, UserPatch, UserState};
pub use visit::Visit;
