//! Who may do what, and how do they show it? Tenants, users, roles, sessions, tokens and API keys, and the gate that
//! turns a credential into a principal.
//!
//! Nothing here knows HTTP. Argon2 runs as a plain function on the caller's thread, always outside a transaction.

mod api_key;
mod assertion;
mod attempt;
mod binding;
mod claim;
mod client;
mod connection;
mod denial;
mod device;
mod digest;
mod email;
mod erasure;
mod error;
mod factor;
mod fetch;
mod gate;
mod grant;
mod hashing;
mod invitation;
mod letter;
mod mail;
mod memory;
mod method;
mod network;
mod oidc;
mod organization;
mod passkey;
mod password;
mod provider;
mod recovery;
mod role;
mod saml;
pub mod service;
mod session;
mod settings;
mod sign_on;
mod store;
mod switching;
mod tenant;
mod ticket;
mod token;
mod totp;
mod user;
mod visit;
mod waiting;

pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeyState, KeySecret, NewApiKey};
pub use assertion::{ASSERTION_ALGORITHMS, AssertionKey, AssertionKeyError};
pub use attempt::network;
pub use binding::Binding;
pub use claim::Mapping;
pub use client::{Client, ClientPatch, ClientSecret, ClientState, NewClient, Wish, overlap};
pub use connection::{
    CONNECTIONS_MAX, Connection, ConnectionKind, ConnectionPatch, OidcSetup, SamlSetup, Setup,
};
pub use denial::Denial;
pub use device::device;
pub use email::{Email, EmailError};
pub use erasure::{Erasure, ErasureError, ErasureState};
pub use error::AuthError;
pub use factor::{Factor, FactorError, Factors, Waiting};
pub use fetch::{FETCH_LIMIT, FETCH_TIMEOUT, Fetch, Unfetched};
pub use gate::{Checked, Credential, Gate};
pub use grant::{ClientProof, GrantError, Shown};
pub use hashing::{Busy, Hashing, Permit, Unbounded, hash, verify};
pub use invitation::{By, Invitation, InvitationError, InvitationState, NewInvitation};
pub use letter::{
    Content, Letter, LetterError, LetterState, Notice, Posted, Purpose, UnknownLetterName, Writing,
};
pub use mail::{Mail, MailFault, Outgoing};
pub use method::{Method, Methods};
pub use network::Networks;
pub use organization::{
    NewOrganization, OrganizationError, OrganizationFilter, OrganizationPatch, Standing, Turn,
    UnknownStanding,
};
pub use passkey::{Passkey, PasskeyError, RelyingParty};
pub use password::{NewPassword, PasswordPolicy, Verdict, hash_password, verify_password};
pub use provider::Providers;
pub use role::{BuiltIn, NewRole, Role, RoleError, RolePatch};
pub use saml::form as saml_form;
pub use session::{Session, SessionSecret, SessionState};
pub use settings::{
    LimitSettings, PasswordSettings, RetentionSettings, SessionSettings, SettingsPatch, SignOnSettings,
    TenantSettings, TwoFactorSettings,
};
pub use sign_on::{ATTEMPT_LIFE, Answer, BrowserSecret, ReturnTo, SignOnError};
pub use switching::{Membership, SwitchError};
pub use tenant::{Tenant, TenantPatch, TenantState};
pub use ticket::{TicketError, TicketPurpose, TicketSecret};
pub use token::{
    ACCESS_TOKEN_LIFE, AccessClaims, Bearer, KeysError, TOKEN_ALGORITHM, TokenFault, TokenKeys, Tokens,
};
pub use totp::Enrolment;
pub use user::{Member, NewUser, User, UserPatch, UserState};
pub use visit::Visit;

/// What of this area is sealed: each noun that keeps a sealed secret has its column here.
pub const SEALED: &[vault::Column] = &[store::letter::SEALED, store::totp::SEALED, store::connection::SEALED];
