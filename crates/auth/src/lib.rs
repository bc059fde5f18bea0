//! Who may do what, and how do they show it? Tenants, users, roles, sessions, tokens and API keys, and the gate that
//! turns a credential into a principal.
//!
//! Nothing here knows HTTP. Argon2 runs as a plain function on the caller's thread, always outside a transaction.

mod api_key;
mod attempt;
mod binding;
mod device;
mod digest;
mod email;
mod erasure;
mod error;
mod factor;
mod gate;
mod hashing;
mod invitation;
mod letter;
mod mail;
mod memory;
mod method;
mod organization;
mod passkey;
mod password;
mod recovery;
mod role;
pub mod service;
mod session;
mod settings;
mod store;
mod tenant;
mod ticket;
mod token;
mod totp;
mod user;
mod visit;
mod waiting;

pub use api_key::{ApiKey, ApiKeyState, KeySecret, NewApiKey};
pub use attempt::network;
pub use binding::Binding;
pub use device::device;
pub use email::{Email, EmailError};
pub use erasure::{Erasure, ErasureError, ErasureState};
pub use error::AuthError;
pub use factor::{Factor, FactorError, Factors, Waiting};
pub use gate::{Checked, Credential, Gate};
pub use hashing::{Busy, Hashing, Permit, Unbounded, hash, verify};
pub use invitation::{By, Invitation, InvitationError, InvitationState, NewInvitation};
pub use letter::{
    Content, Letter, LetterError, LetterState, Notice, Posted, Purpose, UnknownLetterName, Writing,
};
pub use mail::{Mail, MailFault, Outgoing};
pub use method::{Method, Methods};
pub use organization::{
    NewOrganization, OrganizationError, OrganizationFilter, OrganizationPatch, Standing, Turn,
    UnknownStanding,
};
pub use passkey::{Passkey, PasskeyError, RelyingParty};
pub use password::{NewPassword, PasswordPolicy, Verdict, hash_password, verify_password};
pub use role::{BuiltIn, NewRole, Role, RoleError, RolePatch};
pub use session::{Session, SessionSecret, SessionState};
pub use settings::{
    LimitSettings, PasswordSettings, RetentionSettings, SessionSettings, SettingsPatch, SignOnSettings,
    TenantSettings, TwoFactorSettings,
};
pub use tenant::{Tenant, TenantPatch, TenantState};
pub use ticket::{TicketError, TicketPurpose, TicketSecret};
pub use token::{ACCESS_TOKEN_LIFE, AccessClaims, KeysError, TokenFault, TokenKeys, Tokens};
pub use totp::Enrolment;
pub use user::{Member, NewUser, User, UserPatch, UserState};
pub use visit::Visit;
