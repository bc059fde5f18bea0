//! The table `invitations`.

use crate::{By, Email, Invitation, InvitationState};
use db::{DbError, Decode, Row, Scope};
use kernel::{Instant, InvitationId, PageRequest, RoleId, UserId};

const INSERT: &str = "INSERT INTO invitations
    (tenant_id, invitation_id, email, name, role_ids, state, user_id, sent_by, invited_by, created_at,
     expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, ?9, ?10)";
const GET: &str =
    "SELECT invitation_id, email, name, role_ids, state, user_id, sent_by, invited_by, created_at,
    expires_at, ended_at
    FROM invitations WHERE tenant_id = ?1 AND invitation_id = ?2";
const PENDING: &str =
    "SELECT invitation_id, email, name, role_ids, state, user_id, sent_by, invited_by, created_at,
    expires_at, ended_at
    FROM invitations WHERE tenant_id = ?1 AND email = ?2 AND state = 'pending'";
const LIST: &str =
    "SELECT invitation_id, email, name, role_ids, state, user_id, sent_by, invited_by, created_at,
    expires_at, ended_at
    FROM invitations WHERE tenant_id = ?1 AND invitation_id < ?2 AND (?3 IS NULL OR state = ?3)
    ORDER BY invitation_id DESC LIMIT ?4";
const PROLONG: &str =
    "UPDATE invitations SET expires_at = ?3, sent_by = ?4 WHERE tenant_id = ?1 AND invitation_id = ?2";
const END: &str = "UPDATE invitations SET state = ?3, user_id = COALESCE(?4, user_id), ended_at = ?5
    WHERE tenant_id = ?1 AND invitation_id = ?2 AND state = 'pending'";

impl Decode for Invitation {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let roles: String = row.get("role_ids")?;
        let roles: Option<Vec<RoleId>> = serde_json::from_str::<Vec<String>>(&roles)
            .ok()
            .and_then(|ids| ids.iter().map(|id| id.parse().ok()).collect());
        Ok(Self {
            id: row.parse("invitation_id")?,
            email: row.parse("email")?,
            name: row.get("name")?,
            roles: roles.ok_or_else(|| row.surprise("role_ids", "the ids of roles"))?,
            state: row.parse("state")?,
            user: row.parse_opt("user_id")?,
            sent_by: row.parse("sent_by")?,
            invited_by: row.get("invited_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

pub(crate) async fn insert(scope: &mut Scope<'_>, invitation: &Invitation) -> Result<(), DbError> {
    let roles: Vec<&str> = invitation.roles.iter().map(RoleId::as_str).collect();
    let parameters = [
        (&invitation.id).into(),
        invitation.email.as_str().into(),
        invitation.name.as_deref().into(),
        serde_json::Value::from(roles).to_string().into(),
        invitation.user.as_ref().into(),
        invitation.sent_by.as_str().into(),
        invitation.invited_by.as_str().into(),
        invitation.created_at.into(),
        invitation.expires_at.into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &InvitationId) -> Result<Option<Invitation>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// The pending invitation for an address, if there is one.
pub(crate) async fn pending(scope: &mut Scope<'_>, email: &Email) -> Result<Option<Invitation>, DbError> {
    scope.one(PENDING, [email.as_str().into()]).await
}

/// Newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    state: Option<InvitationState>,
    page: &PageRequest,
) -> Result<Vec<Invitation>, DbError> {
    let state = state.map(InvitationState::as_str);
    scope.all(LIST, [page.after_or("inv_~").into(), state.into(), page.probe().into()]).await
}

/// Notes until when the newest link works, and how it was sent.
pub(crate) async fn prolong(
    scope: &mut Scope<'_>,
    id: &InvitationId,
    until: Instant,
    by: By,
) -> Result<(), DbError> {
    scope.run_for_effect(PROLONG, [id.into(), until.into(), by.as_str().into()]).await.map(drop)
}

/// Ends a pending invitation.
pub(crate) async fn end(
    scope: &mut Scope<'_>,
    id: &InvitationId,
    state: InvitationState,
    user: Option<&UserId>,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(END, [id.into(), state.as_str().into(), user.into(), now.into()]).await.map(drop)
}
