//! How are invitations said in JSON?

use auth::{By, Invitation, service::Invited};
use kernel::RoleId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How the link gets to whom it is for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SendIn {
    /// By a letter of ours.
    Mail,
    /// The answer shows it, this once: you hand it over.
    Link,
}

impl From<SendIn> for By {
    fn from(send: SendIn) -> Self {
        match send {
            SendIn::Mail => Self::Mail,
            SendIn::Link => Self::Link,
        }
    }
}

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationIn {
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    #[schema(example = "Ana Li")]
    pub(crate) name: Option<String>,
    /// The roles that they get: `rol_…`, 20 at most.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub(crate) role_ids: Vec<String>,
    #[schema(example = "mail")]
    pub(crate) send: SendIn,
}

/// How a link is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteIn {
    #[schema(example = "mail")]
    pub(crate) send: SendIn,
}

/// Which invitations are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InvitationFilter {
    /// Only those in this state: `pending`, `accepted`, `revoked`.
    pub(crate) state: Option<String>,
}

/// An invitation, without its link.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationOut {
    id: String,
    email: String,
    name: Option<String>,
    /// The roles that the invited one gets.
    role_ids: Vec<String>,
    /// `pending`, `accepted`, `revoked`.
    state: &'static str,
    /// The user that it became, or that it is for.
    user_id: Option<String>,
    /// How its newest link was sent: `mail` or `link`.
    sent_by: &'static str,
    /// The id of a user or of an API key.
    invited_by: String,
    created_at: String,
    /// When its link stops working; it can be sent again.
    expires_at: String,
    ended_at: Option<String>,
}

impl From<Invitation> for InvitationOut {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.to_string(),
            name: invitation.name,
            role_ids: invitation.roles.iter().map(RoleId::to_string).collect(),
            state: invitation.state.as_str(),
            user_id: invitation.user.map(|user| user.to_string()),
            sent_by: invitation.sent_by.as_str(),
            invited_by: invitation.invited_by,
            created_at: invitation.created_at.to_string(),
            expires_at: invitation.expires_at.to_string(),
            ended_at: invitation.ended_at.map(|at| at.to_string()),
        }
    }
}

/// An invitation that was made or sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedOut {
    id: String,
    invitation: InvitationOut,
    /// Only with `send: "link"`, and this once: whoever opens it can accept.
    link: Option<String>,
}

impl From<Invited> for InvitedOut {
    fn from(invited: Invited) -> Self {
        Self {
            id: invited.invitation.id.to_string(),
            link: invited.link.map(|link| link.expose().clone()),
            invitation: invited.invitation.into(),
        }
    }
}

/// Who accepts an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptIn {
    /// What stands in the link behind `#token=`.
    pub(crate) token: String,
    #[schema(example = "Ana Li")]
    pub(crate) name: String,
    /// As the organization's policy wants it; 256 characters at most.
    #[schema(format = Password, max_length = 256)]
    pub(crate) password: String,
    /// Whether a session cookie is wanted too, for a browser.
    #[serde(default)]
    pub(crate) cookie: bool,
}
