//! The table `tickets`.

use super::{blob, digest};
use crate::ticket::{Bearer, Ticket, TicketState};
use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::{Instant, InvitationId, TicketId, UserId};

const SUPERSEDE_OF_USER: &str = "UPDATE tickets SET state = 'superseded', ended_at = ?4
    WHERE tenant_id = ?1 AND user_id = ?2 AND purpose = ?3 AND state = 'open'";
const END_OF_INVITATION: &str = "UPDATE tickets SET state = ?3, ended_at = ?4
    WHERE tenant_id = ?1 AND invitation_id = ?2 AND state = 'open'";
// For a user who is not there, it inserts nothing: so that who asks for an unknown address costs what a known one costs.
const INSERT_OF_USER: &str = "INSERT INTO tickets
    (tenant_id, ticket_id, purpose, state, hash, user_id, email, created_at, expires_at)
    SELECT tenant_id, ?3, ?4, 'open', ?5, user_id, ?6, ?7, ?8 FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const INSERT_OF_INVITATION: &str = "INSERT INTO tickets
    (tenant_id, ticket_id, purpose, state, hash, invitation_id, email, created_at, expires_at)
    VALUES (?1, ?3, 'invitation', 'open', ?4, ?2, ?5, ?6, ?7)";
const GET: &str =
    "SELECT ticket_id, purpose, state, hash, invitation_id, user_id, email, expires_at FROM tickets
    WHERE tenant_id = ?1 AND ticket_id = ?2";
const USE: &str = "UPDATE tickets SET state = 'used', ended_at = ?3
    WHERE tenant_id = ?1 AND ticket_id = ?2 AND state = 'open' RETURNING ticket_id AS id";
const REVOKE_OF_USER: &str = "UPDATE tickets SET state = 'revoked', ended_at = ?3
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'open'";
const FORGET: &str = "DELETE FROM tickets WHERE (tenant_id, ticket_id) IN
    (SELECT tenant_id, ticket_id FROM tickets WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 500)";

impl Decode for Ticket {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let user: Option<UserId> = row.parse_opt("user_id")?;
        let invitation: Option<InvitationId> = row.parse_opt("invitation_id")?;
        let bearer = match (user, invitation) {
            (Some(user), None) => Bearer::User(user),
            (None, Some(invitation)) => Bearer::Invited(invitation),
            (Some(_), Some(_)) | (None, None) => {
                return Err(row.surprise("user_id", "either a user or an invitation"));
            }
        };
        Ok(Self {
            id: row.parse("ticket_id")?,
            purpose: row.parse("purpose")?,
            state: row.parse("state")?,
            hash: digest(row, "hash")?,
            bearer,
            email: row.parse("email")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Ends the open ticket of a user for this purpose, and keeps a new one.
pub(crate) async fn replace_of_user(
    scope: &mut Scope<'_>,
    user: &UserId,
    ticket: &Ticket,
    now: Instant,
) -> Result<(), DbError> {
    let purpose = ticket.purpose.as_str();
    scope.run_for_effect(SUPERSEDE_OF_USER, [user.into(), purpose.into(), now.into()]).await?;
    let parameters = [
        user.into(),
        (&ticket.id).into(),
        purpose.into(),
        blob(&ticket.hash),
        ticket.email.as_str().into(),
        now.into(),
        ticket.expires_at.into(),
    ];
    scope.run_for_effect(INSERT_OF_USER, parameters).await.map(drop)
}

/// Ends the open ticket of an invitation, and keeps a new one.
pub(crate) async fn replace_of_invitation(
    scope: &mut Scope<'_>,
    invitation: &InvitationId,
    ticket: &Ticket,
    now: Instant,
) -> Result<(), DbError> {
    end_of_invitation(scope, invitation, TicketState::Superseded, now).await?;
    let parameters = [
        invitation.into(),
        (&ticket.id).into(),
        blob(&ticket.hash),
        ticket.email.as_str().into(),
        now.into(),
        ticket.expires_at.into(),
    ];
    scope.run_for_effect(INSERT_OF_INVITATION, parameters).await.map(drop)
}

/// Ends the open ticket of an invitation.
pub(crate) async fn end_of_invitation(
    scope: &mut Scope<'_>,
    invitation: &InvitationId,
    state: TicketState,
    now: Instant,
) -> Result<(), DbError> {
    let parameters = [invitation.into(), state.as_str().into(), now.into()];
    scope.run_for_effect(END_OF_INVITATION, parameters).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &TicketId) -> Result<Option<Ticket>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// Uses an open ticket up; false if it is not open any more.
pub(crate) async fn use_up(scope: &mut Scope<'_>, id: &TicketId, now: Instant) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(USE, [id.into(), now.into()]).await? == 1)
}

/// Ends all open tickets of a user.
pub(crate) async fn revoke_of_user(
    scope: &mut Scope<'_>,
    user: &UserId,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(REVOKE_OF_USER, [user.into(), now.into()]).await.map(drop)
}

/// Forgets some tickets whose time was over before `until`.
pub(crate) async fn forget(all: &mut AllTenants<'_>, until: Instant) -> Result<(), DbError> {
    all.run_for_effect(FORGET, [until.into()]).await.map(drop)
}
