//! Who may see a page? Whoever brings the cookie of a link that is good; and whoever posts a form brings its token, too. Handlers ask by type:
//! [`Inside`] is a customer who may look, [`Posted`] one who may do.

use axum::{
    Extension,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    response::{IntoResponse, Response},
};
use edge::{Page, Problem, Quota, Unspecific, Visitor, World};
use http::request::Parts;
use kernel::{Kind, RequestId, Secret, Span};
use pipeline::webhooks::portal::{self as use_cases, Customer};
use serde::Deserialize;
use std::sync::Arc;
use vault::Vault;
use webhooks::{
    Means, WebhookError,
    portal::{Frame, HOME, PortalLink, PortalToken, Sent, left_page, policy, refused_page},
};

/// Links that are opened, and cookies that open nothing, a minute from one address: a whole office may sit behind it.
const TRIES: u32 = 60;
/// Requests a minute by one link.
const REQUESTS: u32 = 240;

/// A page in place of the one that was asked for.
#[derive(Debug)]
pub(crate) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Somebody who stands at the door; nothing is known of them.
pub(crate) struct Guest {
    pub(super) world: Arc<World>,
    pub(super) visitor: Arc<Visitor>,
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ours = |_| Problem::from(Unspecific::Internal);
        let Extension(world) = Extension::from_request_parts(parts, state).await.map_err(ours)?;
        let Extension(visitor) = Extension::from_request_parts(parts, state).await.map_err(ours)?;
        Ok(Self { world, visitor })
    }
}

impl Guest {
    fn is_https(&self) -> bool {
        self.world.settings.public_url.starts_with("https://")
    }

    /// The page that tells what kept them out.
    pub(super) fn refused(&self, fault: impl Into<Problem>) -> Refused {
        refuse(&fault.into(), &self.visitor.request, None)
    }

    /// The link of a token. Whoever shows one that opens nothing pays for it from what everybody at their address shares.
    async fn enter(self, token: PortalToken) -> Result<Inside, Refused> {
        let now = self.world.clock.now();
        let entered = match self.visitor.agrees_on(token.tenant()) {
            Ok(()) => use_cases::enter(&self.world.db, &token, now).await,
            // At another tenant's host name the link opens nothing.
            Err(_) => Err(WebhookError::LinkClosed),
        };
        match entered {
            Ok((link, tenant)) => {
                let call =
                    self.visitor.call_of_customer(&self.world, token.tenant().clone(), link.id.clone());
                let inside = Inside { guest: self, token, tenant, who: Customer { call, link } };
                inside.spend().await
            }
            Err(fault) => Err(self.turned_away(fault).await),
        }
    }

    async fn turned_away(&self, fault: WebhookError) -> Refused {
        match self.visitor.spend_by_address(&self.world, "portal", TRIES).await {
            Ok(()) => self.refused(fault),
            Err(limit) => self.refused(limit),
        }
    }
}

fn refuse(problem: &Problem, request: &RequestId, frame: Option<&Frame<'_>>) -> Refused {
    let render = |kind: Kind, words: &str| refused_page(frame, kind, words, request.as_str());
    Refused(Box::new(Page::of(problem, request, policy(), render).into_response()))
}

/// A customer whose link is good.
pub(crate) struct Inside {
    guest: Guest,
    token: PortalToken,
    tenant: String,
    pub(super) who: Customer,
}

impl Inside {
    async fn spend(self) -> Result<Self, Refused> {
        let quota = Quota {
            key: format!("portal_link:{}", self.who.link.id),
            limit: REQUESTS,
            per: Span::minutes(1),
        };
        match self.guest.visitor.spend(&self.guest.world, &quota).await {
            Ok(()) => Ok(self),
            Err(limit) => Err(self.refused(limit)),
        }
    }

    /// What stands around every page of theirs.
    pub(super) fn frame(&self) -> Frame<'_> {
        let Self { tenant, token, who, .. } = self;
        Frame { tenant, link: &who.link, token, now: who.call.now }
    }

    pub(super) fn world(&self) -> &World {
        &self.guest.world
    }

    pub(super) fn vault(&self) -> Result<Vault, Refused> {
        self.guest.world.vault().map_err(|fault| self.refused(fault))
    }

    pub(super) fn means<'a>(&self, vault: &'a Vault) -> Means<'a> {
        Means { vault, allow_private: self.guest.world.settings.allow_private_outbound }
    }

    /// A page of theirs.
    pub(super) fn page(html: String) -> Response {
        Page::new(html, policy()).into_response()
    }

    /// The page that tells why something was not done.
    pub(super) fn refused(&self, fault: impl Into<Problem>) -> Refused {
        refuse(&fault.into(), &self.guest.visitor.request, Some(&self.frame()))
    }

    /// The form that was sent, once more, with what is wrong with it.
    pub(super) fn faulty(&self, fault: impl Into<Problem>, form: String) -> Refused {
        let request = &self.guest.visitor.request;
        let page = Page::of(&fault.into(), request, policy(), |_, _| form);
        Refused(Box::new(page.into_response()))
    }

    /// On to a page below [`HOME`].
    pub(super) fn go(&self, path: &str) -> Result<Response, Refused> {
        Page::elsewhere(&format!("{HOME}{path}"), None).map_err(|fault| self.refused(fault))
    }
}

#[derive(Deserialize)]
struct Brought {
    token: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Inside {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let guest = match Guest::from_request_parts(parts, state).await {
            Ok(guest) => guest,
            Err(problem) => return Err(Refused(Box::new(problem.into_response()))),
        };
        let shown = edge::portal_secret(&parts.headers, guest.is_https());
        match shown.and_then(|text| PortalToken::read(&text).ok()) {
            Some(token) => guest.enter(token).await,
            None => Err(guest.refused(WebhookError::LinkClosed)),
        }
    }
}

/// The same, by a form that one of our pages made for this link.
pub(crate) struct Posted {
    pub(super) inside: Inside,
    pub(super) sent: Sent,
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let inside = Inside::from_request_parts(&mut parts, state).await?;
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let sent = Sent::read(&body.map_err(|_| inside.refused(Unspecific::Internal))?);
        if inside.token.made(&sent.form_token()) {
            Ok(Self { inside, sent })
        } else {
            Err(inside.refused(WebhookError::ForeignForm))
        }
    }
}

/// The token that a link brings in its query. It is put into a cookie, and the browser sent on without it: so it stands in no address bar,
/// in no history, and in no `Referer`.
pub(super) async fn arrive(parts: &mut Parts) -> Result<Option<Response>, Refused> {
    let brought = Query::<Brought>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.token);
    let Some(text) = brought.map(Secret::new) else { return Ok(None) };
    let guest = match Guest::from_request_parts(parts, &()).await {
        Ok(guest) => guest,
        Err(problem) => return Err(Refused(Box::new(problem.into_response()))),
    };
    // Before anything is looked up: whoever tries tokens is slow.
    if let Err(limit) = guest.visitor.spend_by_address(&guest.world, "portal_open", TRIES).await {
        return Err(guest.refused(limit));
    }
    let is_https = guest.is_https();
    let token = PortalToken::read(&text).map_err(|fault| guest.refused(fault))?;
    let inside = guest.enter(token).await?;
    let PortalLink { expires_at, .. } = &inside.who.link;
    let age = expires_at.since(inside.who.call.now).as_seconds_up();
    let cookie = edge::portal_cookie(Some((inside.token.text(), age)), is_https);
    let response = Page::elsewhere(HOME, Some(cookie)).map_err(|fault| inside.refused(fault))?;
    Ok(Some(response))
}

/// Takes the cookie away. The link stays good: whoever gave it ends it.
pub(super) async fn leave(Posted { inside, .. }: Posted) -> Response {
    let cookie = edge::portal_cookie(None, inside.guest.is_https());
    Page::new(left_page(), policy()).with_cookie(cookie).into_response()
}
