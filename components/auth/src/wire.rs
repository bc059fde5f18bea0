//! How are users, roles, sessions, keys and the audit said in JSON?

mod api_keys;
mod audit;
mod clients;
mod connections;
mod factors;
mod invitations;
mod letters;
mod oauth;
mod organizations;
mod passkeys;
mod privacy;
mod recovery;
mod roles;
mod settings;
mod sign_on;
mod switching;

pub(crate) use api_keys::{ApiKeyFilter, ApiKeyIn, ApiKeyMadeOut, ApiKeyOut, ApiKeyPatch, RotateIn};
pub(crate) use audit::{
    AnchorOut, AuditFilter, AuditOut, ExportFormat, ExportQuery, VerifiedOut, VerifyQuery,
};
pub(crate) use clients::{ClientIn, ClientMadeOut, ClientOut, ClientPatch};
pub(crate) use connections::{ConnectionIn, ConnectionOut, ConnectionPatchIn, TestedOut};
pub(crate) use factors::{CodesOut, ConfirmedOut, EnrolmentOut, FactorsOut, OtpIn, ProofIn, VerifyIn};
pub(crate) use invitations::{AcceptIn, InvitationFilter, InvitationIn, InvitationOut, InviteIn, InvitedOut};
pub(crate) use letters::{LetterFilter, LetterOut, LettersOut};
pub(crate) use oauth::{GivenOut, GrantIn, InspectedOut, MetadataOut, TokenIn};
pub(crate) use organizations::{OrganizationFilter, OrganizationIn, OrganizationOut, OrganizationPatch};
pub(crate) use passkeys::{
    PasskeyIn, PasskeyLoginIn, PasskeyMadeOut, PasskeyOptionsOut, PasskeyOut, PasskeyPatch, WaitingIn,
};
pub(crate) use privacy::{EraseIn, ErasureOut, HoldingsOut, HoldingsQuery};
pub(crate) use recovery::{EmailIn, ForgotIn, LinkIn, ResetIn};
pub(crate) use roles::{
    BindingFilter, BindingIn, BindingOut, BindingQuery, BoundOut, GrantOut, PermissionOut, RoleIn, RoleOut,
    RolePatch,
};
pub(crate) use settings::{SettingsIn, SettingsShown};
pub(crate) use sign_on::{CallbackQuery, HandoffIn, SignOnQuery};
pub(crate) use switching::{MembershipOut, SwitchIn};

use auth::{
    Member, Session, SessionSettings, UserState,
    service::{LoggedIn, SetUpDone},
};
use kernel::{Actor, Permissions, Reach, TenantId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who wants to come in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginIn {
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    #[schema(format = Password)]
    pub(crate) password: String,
    /// Needed only if the address belongs to several tenants.
    #[schema(example = "acme-corp")]
    pub(crate) tenant: Option<String>,
    /// A one-time code or a recovery code, if a second factor is asked for.
    #[schema(example = "287082")]
    pub(crate) otp: Option<String>,
    /// Whether a session cookie is wanted too, for a browser.
    #[serde(default)]
    pub(crate) cookie: bool,
}

/// A refresh token that is to be turned.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshIn {
    pub(crate) refresh_token: String,
}

/// Somebody who wants a tenant of their own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterIn {
    /// The slug.
    #[schema(example = "acme-corp")]
    pub(crate) tenant: String,
    /// What people call it.
    #[schema(example = "Acme Corp")]
    pub(crate) organization: String,
    /// The owner's address.
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    /// 12 to 256 characters.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub(crate) password: String,
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensOut {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// For the next tokens; good once, for 30 days.
    refresh_token: String,
    session_id: String,
    user: MeOut,
    /// Only with a cookie: what changes made with it need as `X-CSRF-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Only if so: the tenant wants a second factor, and this session can do nothing but enrol one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    must_enrol: bool,
}

impl TokensOut {
    pub(crate) fn new(logged_in: &LoggedIn, csrf_token: Option<String>) -> Self {
        Self {
            access_token: logged_in.access_token.expose().clone(),
            token_type: "Bearer",
            expires_in: logged_in.expires_in.as_seconds_up(),
            refresh_token: logged_in.refresh_token.expose().clone(),
            session_id: logged_in.session.to_string(),
            user: MeOut::new(&logged_in.member, &logged_in.tenant),
            csrf_token,
            must_enrol: logged_in.must_enrol,
        }
    }
}

fn names(permissions: Permissions) -> Vec<&'static str> {
    permissions.iter().map(kernel::Permission::as_str).collect()
}

/// The user behind a credential.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeOut {
    id: String,
    tenant_id: String,
    email: String,
    name: String,
    /// The names of the roles that the user has for the whole tenant.
    roles: Vec<String>,
    /// What these roles allow together.
    permissions: Vec<&'static str>,
    /// What further roles allow in parts of the tenant.
    grants: Vec<GrantOut>,
}

impl MeOut {
    pub(crate) fn new(member: &Member, tenant: &TenantId) -> Self {
        Self {
            id: member.user.id.to_string(),
            tenant_id: tenant.to_string(),
            email: member.user.email.to_string(),
            name: member.user.name.clone(),
            roles: member.roles.iter().map(|(_, name)| name.clone()).collect(),
            permissions: names(member.permissions),
            grants: member.grants.iter().map(GrantOut::new).collect(),
        }
    }
}

/// What changes made with a session cookie need.
#[derive(Serialize, ToSchema)]
pub(crate) struct CsrfOut {
    /// For the header `X-CSRF-Token`.
    pub(crate) csrf_token: String,
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordIn {
    #[schema(format = Password)]
    pub(crate) current_password: String,
    /// 12 to 256 characters.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub(crate) new_password: String,
}

/// One login on one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionOut {
    id: String,
    /// Whether this request was made in it.
    current: bool,
    /// The address that logged in.
    address: Option<String>,
    /// In a few words: `Firefox on Linux`.
    device: Option<String>,
    /// What the program that logged in calls itself.
    user_agent: Option<String>,
    /// By what means it was begun, and confirmed since: `pwd`, `otp`, `pop`, `sso`, `link` … (RFC 8176).
    methods: Vec<&'static str>,
    created_at: String,
    /// Within a minute.
    last_used_at: String,
    /// When it ends if nobody uses it again.
    ends_at: String,
}

impl SessionOut {
    pub(crate) fn new(session: Session, actor: &Actor, limits: &SessionSettings) -> Self {
        Self {
            id: session.id.to_string(),
            current: matches!(actor, Actor::User(_, current) if *current == session.id),
            created_at: session.created_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            ends_at: session.ends(limits).to_string(),
            device: session.agent.as_deref().and_then(auth::device),
            methods: session.methods.iter().map(auth::Method::as_str).collect(),
            address: session.address,
            user_agent: session.agent,
        }
    }
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndedOut {
    pub(crate) ended: usize,
}

/// A tenant to be set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUpIn {
    /// The slug.
    #[schema(example = "acme-corp")]
    pub(crate) tenant: String,
    #[schema(example = "Acme Corp")]
    pub(crate) name: String,
    /// The owner's address.
    pub(crate) email: String,
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub(crate) password: String,
}

/// What was set up.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetUpOut {
    tenant: String,
    /// The owner's id.
    user_id: String,
    /// An API key with all permissions; shown this once. The platform's own tenant gets none.
    api_key: Option<String>,
}

impl SetUpOut {
    /// The platform's own tenant.
    pub(crate) fn platform(user: &UserId) -> Self {
        Self { tenant: TenantId::platform().to_string(), user_id: user.to_string(), api_key: None }
    }
}

impl From<SetUpDone> for SetUpOut {
    fn from(done: SetUpDone) -> Self {
        Self {
            tenant: done.tenant.to_string(),
            user_id: done.user.to_string(),
            api_key: Some(done.api_key.expose().clone()),
        }
    }
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserIn {
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    #[schema(example = "Ana Li")]
    pub(crate) name: String,
}

/// Whether a user may come in.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateIn {
    Active,
    Disabled,
}

/// What is to be changed of a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPatch {
    name: Option<String>,
    state: Option<StateIn>,
}

impl From<UserPatch> for auth::UserPatch {
    fn from(patch: UserPatch) -> Self {
        let state = patch.state.map(|state| match state {
            StateIn::Active => UserState::Active,
            StateIn::Disabled => UserState::Disabled,
        });
        Self { name: patch.name, state }
    }
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserOut {
    id: String,
    email: String,
    name: String,
    /// `active` or `disabled`.
    state: &'static str,
    /// Whether the user can log in by password.
    has_password: bool,
    /// When they showed that the address is theirs.
    email_verified_at: Option<String>,
    roles: Vec<BoundOut>,
    created_at: String,
    updated_at: String,
}

impl From<Member> for UserOut {
    fn from(member: Member) -> Self {
        let whole = member.roles.into_iter().map(|(id, name)| (id, name, Reach::Everything));
        let roles =
            whole.chain(member.scoped_roles).map(|(id, name, reach)| BoundOut::new(&id, name, &reach));
        Self {
            id: member.user.id.to_string(),
            email: member.user.email.to_string(),
            name: member.user.name,
            state: member.user.state.as_str(),
            has_password: member.user.has_password,
            email_verified_at: member.user.email_verified_at.map(|at| at.to_string()),
            roles: roles.collect(),
            created_at: member.user.created_at.to_string(),
            updated_at: member.user.updated_at.to_string(),
        }
    }
}
