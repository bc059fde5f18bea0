//! How is a link made, and how is it used up? A new one ends the older of its kind; a used one never opens again.

use crate::{
    Email, TicketError, TicketPurpose, TicketSecret, store,
    ticket::{Bearer, Ticket, TicketState},
};
use db::{AllTenants, DbError, Scope};
use kernel::{Chance, Instant, InvitationId, Secret, Span, TicketId, UserId};

/// How long the row of a ticket is kept after its time, for whoever looks into a complaint.
const KEPT: Span = Span::days(30);

/// A link, and until when it opens something.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// The whole URL.
    pub(super) url: Secret<String>,
    /// Until when.
    pub(super) until: Instant,
}

fn made(
    scope: &Scope<'_>,
    purpose: TicketPurpose,
    bearer: Bearer,
    email: &Email,
    now: Instant,
    chance: &dyn Chance,
) -> (TicketSecret, Ticket) {
    let id = TicketId::new(now, chance);
    let secret = TicketSecret::new(scope.tenant(), &id, chance);
    let ticket = Ticket {
        id,
        purpose,
        state: TicketState::Open,
        hash: secret.hash(),
        bearer,
        email: email.clone(),
        expires_at: now + purpose.life(),
    };
    (secret, ticket)
}

/// A new link for a user; two statements. For a user who is not there, a link that opens nothing.
pub(super) async fn for_user(
    scope: &mut Scope<'_>,
    purpose: TicketPurpose,
    user: &UserId,
    email: &Email,
    links_url: &str,
    (now, chance): (Instant, &dyn Chance),
) -> Result<Link, DbError> {
    let (secret, ticket) = made(scope, purpose, Bearer::User(user.clone()), email, now, chance);
    store::ticket::replace_of_user(scope, user, &ticket, now).await?;
    Ok(Link { url: secret.link(purpose, links_url), until: ticket.expires_at })
}

/// A new link for an invitation.
pub(super) async fn for_invitation(
    scope: &mut Scope<'_>,
    invitation: &InvitationId,
    email: &Email,
    links_url: &str,
    (now, chance): (Instant, &dyn Chance),
) -> Result<Link, DbError> {
    let purpose = TicketPurpose::Invitation;
    let (secret, ticket) = made(scope, purpose, Bearer::Invited(invitation.clone()), email, now, chance);
    store::ticket::replace_of_invitation(scope, invitation, &ticket, now).await?;
    Ok(Link { url: secret.link(purpose, links_url), until: ticket.expires_at })
}

/// The ticket of a user that opens what `purpose` says, not used up yet.
pub(super) async fn of_user(
    scope: &mut Scope<'_>,
    shown: &TicketSecret,
    purpose: TicketPurpose,
    now: Instant,
) -> Result<(Ticket, UserId), TicketError> {
    let ticket = look(scope, shown, purpose, now).await?;
    match ticket.bearer.clone() {
        Bearer::User(user) => Ok((ticket, user)),
        Bearer::Invited(_) => Err(TicketError::Invalid),
    }
}

/// The ticket of an invitation, not used up yet.
pub(super) async fn of_invitation(
    scope: &mut Scope<'_>,
    shown: &TicketSecret,
    now: Instant,
) -> Result<(Ticket, InvitationId), TicketError> {
    let ticket = look(scope, shown, TicketPurpose::Invitation, now).await?;
    match ticket.bearer.clone() {
        Bearer::Invited(invitation) => Ok((ticket, invitation)),
        Bearer::User(_) => Err(TicketError::Invalid),
    }
}

async fn look(
    scope: &mut Scope<'_>,
    shown: &TicketSecret,
    purpose: TicketPurpose,
    now: Instant,
) -> Result<Ticket, TicketError> {
    let ticket = store::ticket::get(scope, &shown.ticket).await?.ok_or(TicketError::Invalid)?;
    ticket.opens(shown, purpose, now)?;
    Ok(ticket)
}

/// Uses the ticket up, within the transaction of what it opens.
pub(super) async fn use_up(scope: &mut Scope<'_>, ticket: &Ticket, now: Instant) -> Result<(), TicketError> {
    if store::ticket::use_up(scope, &ticket.id, now).await? { Ok(()) } else { Err(TicketError::Invalid) }
}

/// Forgets some tickets whose time was over a month ago.
///
/// # Errors
/// [`DbError`].
pub async fn forget_tickets(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    store::ticket::forget(all, now - KEPT).await
}
