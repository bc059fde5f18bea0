//! How does somebody join a tenant? They are invited, by a letter or by a link that is handed over, with roles that the
//! inviter could give them; whoever has the link chooses a name and a password, once.

use super::{
    Post,
    addresses::ask_to_confirm,
    finish, letters,
    logins::{Entrance, LoggedIn, start},
    tickets,
};
use crate::{
    AuthError, By, Content, Hashing, Invitation, InvitationError, InvitationState, Letter, Member, Method,
    Methods, NewInvitation, NewPassword, PasswordPolicy, Role, RoleError, TicketError, TicketSecret, Tokens,
    UserState, Visit, hashing, store,
    tenant::sound_name,
    ticket::{Ticket, TicketState},
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{
    Actor, Call, FieldFault, Fields, InvitationId, Page, PageRequest, Principal, Reach, RoleId, Secret,
    UserId,
};
use serde_json::{Value, json};

/// An invitation, and its link if the inviter hands it over.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// The link; shown once.
    pub link: Option<Secret<String>>,
}

fn seen(invitation: &Invitation) -> Value {
    let roles: Vec<&str> = invitation.roles.iter().map(RoleId::as_str).collect();
    json!({"email": invitation.email.as_str(), "name": invitation.name, "roles": roles})
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    invitation: &Invitation,
) -> Result<(), AuthError> {
    let entry =
        Entry { action, subject: invitation.id.as_str(), before: None, after: Some(seen(invitation)) };
    Ok(audit::append(scope, call, &entry).await?)
}

/// Invites somebody with these roles. A pending invitation for the same address is revoked: the newer counts.
///
/// # Errors
/// [`AuthError::EmailTaken`] if the tenant has a user with the address; [`AuthError::Fields`] if a role is not there;
/// [`AuthError::Beyond`] if a role may do more than the caller; [`AuthError::Letter`]; the database's.
pub async fn invite(
    db: &Db,
    call: &Call,
    post: Post<'_>,
    new: NewInvitation,
    by: By,
) -> Result<Invited, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if store::user::find(&mut scope, &new.email).await?.is_some() {
            return Err(AuthError::EmailTaken);
        }
        let roles = roles_of(&mut scope, &new.roles).await?;
        let roles = roles.map_err(AuthError::Fields)?;
        if !roles.iter().all(|role| call.principal.covers(role.permissions, &Reach::Everything)) {
            return Err(AuthError::Beyond);
        }
        make(&mut scope, call, post, new, None, by).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Invites a user who was made without a password, so that they choose one.
///
/// # Errors
/// [`InvitationError::NotNeeded`] if they have one; [`AuthError::Beyond`] if they may do more than the caller;
/// [`AuthError::NotFound`]; [`AuthError::Letter`]; the database's.
pub async fn invite_user(
    db: &Db,
    call: &Call,
    post: Post<'_>,
    id: &UserId,
    by: By,
) -> Result<Invited, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let member = store::user::get(&mut scope, id).await?.ok_or(AuthError::NotFound("user"))?;
        member.changeable_by(&call.principal)?;
        if member.user.has_password {
            return Err(InvitationError::NotNeeded.into());
        }
        let new = NewInvitation { email: member.user.email, name: Some(member.user.name), roles: Vec::new() };
        make(&mut scope, call, post, new, Some(id.clone()), by).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The roles of these ids, or which of them are not there.
async fn roles_of(
    scope: &mut Scope<'_>,
    ids: &[RoleId],
) -> Result<Result<Vec<Role>, Vec<FieldFault>>, AuthError> {
    let mut fields = Fields::new();
    let mut roles = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        match store::role::get(scope, id).await? {
            Some(role) => roles.push(role),
            None => fields.fault(format!("role_ids[{place}]"), "is no role of this organization"),
        }
    }
    Ok(fields.done().map(|()| roles))
}

async fn make(
    scope: &mut Scope<'_>,
    call: &Call,
    post: Post<'_>,
    new: NewInvitation,
    user: Option<UserId>,
    by: By,
) -> Result<Invited, AuthError> {
    if let Some(older) = store::invitation::pending(scope, &new.email).await? {
        revoke(scope, call, &older).await?;
    }
    let mut invitation = Invitation {
        id: InvitationId::new(call.now, &*call.chance),
        email: new.email,
        name: new.name,
        roles: new.roles,
        state: InvitationState::Pending,
        user,
        sent_by: by,
        invited_by: call.principal.actor.name().to_owned(),
        created_at: call.now,
        expires_at: call.now,
        ended_at: None,
    };
    store::invitation::insert(scope, &invitation).await?;
    let link = deliver(scope, call, post, &mut invitation, by).await?;
    note(scope, call, "invitation.created", &invitation).await?;
    Ok(Invited { invitation, link })
}

/// Makes a link that ends the older one, and sends it or gives it.
async fn deliver(
    scope: &mut Scope<'_>,
    call: &Call,
    post: Post<'_>,
    invitation: &mut Invitation,
    by: By,
) -> Result<Option<Secret<String>>, AuthError> {
    let moment = (call.now, &*call.chance);
    let (id, email) = (&invitation.id, &invitation.email);
    let link = tickets::for_invitation(scope, id, email, post.links_url, moment).await?;
    store::invitation::prolong(scope, id, link.until, by).await?;
    invitation.expires_at = link.until;
    invitation.sent_by = by;
    match by {
        By::Link => Ok(Some(link.url)),
        By::Mail => {
            let inviter = inviter(scope, call).await?;
            let content = Content::Invitation { inviter, link: link.url, until: link.until };
            let letter = Letter { to: email.clone(), user: invitation.user.clone(), content };
            letters::write(scope, call, post.vault, letter).await?;
            Ok(None)
        }
    }
}

/// What the inviter is called, if it is a person.
async fn inviter(scope: &mut Scope<'_>, call: &Call) -> Result<Option<String>, AuthError> {
    match &call.principal.actor {
        Actor::User(id, _) => Ok(store::user::get(scope, id).await?.map(|member| member.user.name)),
        _ => Ok(None),
    }
}

/// The tenant's invitations, newest first.
///
/// # Errors
/// The database's.
pub async fn invitations(
    db: &Db,
    call: &Call,
    state: Option<InvitationState>,
    page: &PageRequest,
) -> Result<Page<Invitation>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::invitation::list(&mut lease.scope(call.tenant())?, state, page).await?;
    Ok(Page::cut(rows, page, |invitation| invitation.id.to_string()))
}

/// One invitation.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn invitation(db: &Db, call: &Call, id: &InvitationId) -> Result<Invitation, AuthError> {
    let mut lease = db.read().await?;
    let found = store::invitation::get(&mut lease.scope(call.tenant())?, id).await?;
    found.ok_or(AuthError::NotFound("invitation"))
}

async fn pending(scope: &mut Scope<'_>, id: &InvitationId) -> Result<Invitation, AuthError> {
    let found = store::invitation::get(scope, id).await?.ok_or(AuthError::NotFound("invitation"))?;
    match found.state {
        InvitationState::Pending => Ok(found),
        ended @ (InvitationState::Accepted | InvitationState::Revoked) => {
            Err(InvitationError::Ended(ended.as_str()).into())
        }
    }
}

/// Sends a pending invitation again, by a new link; the older one ends.
///
/// # Errors
/// [`InvitationError::Ended`]; [`AuthError::Beyond`] if its roles may do more than the caller; [`AuthError::NotFound`]; the
/// database's.
pub async fn resend_invitation(
    db: &Db,
    call: &Call,
    post: Post<'_>,
    id: &InvitationId,
    by: By,
) -> Result<Invited, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let mut invitation = pending(&mut scope, id).await?;
        // Whoever gets the link by hand could accept it in another's place.
        for role in &invitation.roles {
            let role = store::role::get(&mut scope, role).await?.ok_or(InvitationError::RoleGone)?;
            if !call.principal.covers(role.permissions, &Reach::Everything) {
                return Err(AuthError::Beyond);
            }
        }
        if let Some(user) = &invitation.user {
            let member = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
            member.changeable_by(&call.principal)?;
        }
        let link = deliver(&mut scope, call, post, &mut invitation, by).await?;
        note(&mut scope, call, "invitation.sent_again", &invitation).await?;
        Ok(Invited { invitation, link })
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Takes a pending invitation back: its link opens nothing any more.
///
/// # Errors
/// [`InvitationError::Ended`]; [`AuthError::NotFound`]; the database's.
pub async fn revoke_invitation(db: &Db, call: &Call, id: &InvitationId) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let invitation = pending(&mut scope, id).await?;
        revoke(&mut scope, call, &invitation).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn revoke(scope: &mut Scope<'_>, call: &Call, invitation: &Invitation) -> Result<(), AuthError> {
    let state = InvitationState::Revoked;
    store::invitation::end(scope, &invitation.id, state, None, call.now).await?;
    store::ticket::end_of_invitation(scope, &invitation.id, TicketState::Revoked, call.now).await?;
    note(scope, call, "invitation.revoked", invitation).await
}

/// What somebody says who accepts an invitation.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// What they are called.
    pub name: String,
    /// The password that they chose.
    pub password: Secret<String>,
    /// Whether a session cookie is wanted beside the tokens.
    pub cookie: bool,
}

/// Accepts an invitation: makes the user with its roles, and begins their session. If the link came by a letter, the address is
/// theirs; if it was handed over, a letter asks them to confirm it.
///
/// # Errors
/// [`TicketError::Invalid`]; [`AuthError::Fields`] if the name or the password will not do, and the link goes on;
/// [`InvitationError::RoleGone`]; [`AuthError::EmailTaken`]; [`AuthError::TenantSuspended`]; [`AuthError::Busy`]; the
/// database's.
pub async fn accept_invitation(
    db: &Db,
    tokens: &Tokens,
    hashing: &dyn Hashing,
    post: Post<'_>,
    visit: &Visit,
    shown: &TicketSecret,
    said: &Acceptance,
) -> Result<LoggedIn, AuthError> {
    let (name, password) = {
        let mut lease = db.read().await?;
        consider(&mut lease.scope(&shown.tenant)?, visit, shown, said).await?
    };
    let hash = hashing::hash(hashing, password.secret(), &*visit.chance).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&shown.tenant);
        let (ticket, id) = tickets::of_invitation(&mut scope, shown, visit.now).await?;
        tickets::use_up(&mut scope, &ticket, visit.now).await?;
        let invitation = store::invitation::get(&mut scope, &id).await?.ok_or(TicketError::Invalid)?;
        let member = join(&mut scope, visit, &invitation, &name, &hash).await?;
        let call = visit.call(Principal::system(shown.tenant.clone()));
        if invitation.sent_by == By::Link {
            ask_to_confirm(&mut scope, &call, post, &member.user.id, &invitation.email).await?;
        }
        let state = InvitationState::Accepted;
        let user = member.user.id.clone();
        store::invitation::end(&mut scope, &id, state, Some(&user), visit.now).await?;
        let entry = Entry {
            action: "invitation.accepted",
            subject: id.as_str(),
            before: None,
            after: Some(json!({"user": user.as_str(), "roles": named(&member)})),
        };
        audit::append(&mut scope, &call, &entry).await?;
        let methods = Methods::only(Method::Password).with(Method::Link);
        start(&mut scope, tokens, visit, member, Entrance { cookie: said.cookie, methods }).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

fn named(member: &Member) -> Vec<&str> {
    member.roles.iter().map(|(_, name)| name.as_str()).collect()
}

/// The name and the password, if they will do; the link is looked at and not used up.
async fn consider(
    scope: &mut Scope<'_>,
    visit: &Visit,
    shown: &TicketSecret,
    said: &Acceptance,
) -> Result<(String, NewPassword), AuthError> {
    let (ticket, _): (Ticket, InvitationId) = tickets::of_invitation(scope, shown, visit.now).await?;
    let kept = store::settings::get(scope).await?.ok_or(TicketError::Invalid)?;
    let tenant = scope.tenant().to_string();
    let policy = PasswordPolicy::new(kept.settings.password, Some(&ticket.email), &[&tenant, &kept.name]);
    let mut fields = Fields::new();
    let name = fields.take("name", sound_name(&said.name));
    let password = fields.take("password", NewPassword::new(said.password.expose(), &policy));
    Ok(fields.give(name.zip(password))?)
}

/// Makes the user, or gives the one that was made for the invitation a password.
async fn join(
    scope: &mut Scope<'_>,
    visit: &Visit,
    invitation: &Invitation,
    name: &str,
    hash: &str,
) -> Result<Member, AuthError> {
    let now = visit.now;
    let revision = store::tenant::revision(scope).await?.ok_or(TicketError::Invalid)?;
    if revision.state == crate::TenantState::Suspended {
        return Err(AuthError::suspended(revision.suspended_reason));
    }
    let user = match &invitation.user {
        Some(user) => {
            let member = store::user::get(scope, user).await?.ok_or(TicketError::Invalid)?;
            // Somebody set a password or changed the address meanwhile: this link is not theirs any more.
            if member.user.has_password || member.user.email != invitation.email {
                return Err(TicketError::Invalid.into());
            }
            if member.user.state == UserState::Disabled {
                return Err(AuthError::UserDisabled);
            }
            store::user::set_password(scope, user, hash, now).await?;
            user.clone()
        }
        None => {
            let user = UserId::new(now, &*visit.chance);
            let hash = Some(hash.to_owned());
            if !store::user::insert(scope, &user, &invitation.email, name, hash, now).await? {
                return Err(AuthError::EmailTaken);
            }
            user
        }
    };
    for role in &invitation.roles {
        store::role::get(scope, role).await?.ok_or(InvitationError::RoleGone)?;
        if !store::binding::has_room(scope, &user).await? {
            return Err(RoleError::TooManyBindings.into());
        }
        store::binding::bind(scope, &user, role, &Reach::Everything, now).await?;
    }
    // A link that the inviter handed over says nothing about whose address it is.
    if invitation.sent_by == By::Mail {
        store::user::verify_email(scope, &user, &invitation.email, now).await?;
        store::switching::prove(scope, &user, &invitation.email, now).await?;
    }
    store::tenant::bump_access(scope).await?;
    store::user::get(scope, &user).await?.ok_or(AuthError::NotFound("user"))
}

#[cfg(test)]
mod tests;
