//! How are identity providers asked? What that needs of the world outside, and who a provider says that somebody is.

use super::connections;
use crate::{
    AuthError, BrowserSecret, Connection, Fetch, OidcSetup, Providers, SamlSetup, Setup, SignOnError, Visit,
    claim::{self, Asserted},
    digest::{self, Digest},
    fetch::Guarded,
    oidc,
    provider::Asking,
    saml::{self, Ourselves},
    store::connection::Stored,
};
use db::Db;
use kernel::{Call, ConnectionId, Instant, Secret, TenantId};
use vault::Vault;

/// What single sign-on needs of the world outside.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// Asks providers.
    pub fetch: &'a dyn Fetch,
    /// Opens client secrets.
    pub vault: &'a Vault,
    /// Remembers providers.
    pub providers: &'a Providers,
    /// Where people reach us.
    pub public_url: &'a str,
    /// Whether private addresses may be asked.
    pub allow_private: bool,
}

/// Where a connection's provider sends people back to. Each connection has an address of its own, so that an answer of
/// one provider cannot be passed off as another's (RFC 9700, section 4.4).
#[must_use]
pub fn callback(public_url: &str, tenant: &TenantId, connection: &Connection) -> String {
    match &connection.setup {
        Setup::Oidc(OidcSetup { shared_callback: true, .. }) => format!("{public_url}/api/v1/callback"),
        Setup::Oidc(_) => format!("{public_url}/api/v1/callback/{}", connection.id),
        Setup::Saml(_) => ourselves(public_url, tenant, &connection.id).consumer,
    }
}

/// We, as a SAML provider knows us.
fn ourselves(public_url: &str, tenant: &TenantId, connection: &ConnectionId) -> Ourselves {
    let place = format!("{public_url}/api/v1/sso/saml/{tenant}/{connection}");
    Ourselves { entity_id: format!("{place}/metadata"), consumer: format!("{place}/acs") }
}

/// Our metadata for the provider of a connection. It holds no secret, so anybody may see it.
///
/// # Errors
/// [`SignOnError::Unknown`] if there is no such connection, or it speaks another language; the database's.
pub async fn saml_metadata(
    db: &Db,
    public_url: &str,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<String, AuthError> {
    let mut lease = db.read().await?;
    let stored = crate::store::connection::get(&mut lease.scope(tenant)?, id).await?;
    match stored.map(|stored| stored.connection.setup) {
        Some(Setup::Saml(_)) => Ok(saml::own_metadata(&ourselves(public_url, tenant, id))),
        Some(Setup::Oidc(_)) | None => Err(SignOnError::Unknown.into()),
    }
}

/// What a provider says.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Here is a code (OpenID Connect).
    Code {
        /// The code.
        code: Secret<String>,
        /// Who says so (RFC 9207).
        issuer: Option<String>,
    },
    /// No (OpenID Connect).
    Refusal {
        /// Its code: `access_denied`.
        error: String,
        /// Its words.
        description: Option<String>,
        /// Who says so.
        issuer: Option<String>,
    },
    /// A response, as XML in base64 (SAML).
    Response(String),
}

/// Somebody whom a provider vouches for.
pub(super) struct Vouched {
    pub(super) asserted: Asserted,
    /// What vouches once only, and until when it could be shown again.
    pub(super) once: Option<(Digest, Instant)>,
}

/// A sign-on whose browser came back.
pub(super) struct Question<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) stored: &'a Stored,
    pub(super) state: &'a Secret<String>,
    pub(super) browser: &'a BrowserSecret,
}

impl Question<'_> {
    fn saml_request(&self) -> String {
        saml::request_id(&self.browser.derive("request", self.state))
    }
}

impl Outside<'_> {
    /// Where a browser is sent.
    ///
    /// # Errors
    /// [`SignOnError::Provider`].
    pub(super) async fn way(&self, question: &Question<'_>, now: Instant) -> Result<String, SignOnError> {
        let connection = &question.stored.connection;
        match &connection.setup {
            Setup::Oidc(setup) => {
                let asking = self.asking(question.tenant, &connection.id, &setup.issuer, now);
                let provider = self.providers.get(asking).await?;
                if let Some(fault) = oidc::faults(&provider, false, self.allow_private).into_iter().next() {
                    return Err(SignOnError::Provider(fault));
                }
                let place = callback(self.public_url, question.tenant, connection);
                let us =
                    oidc::us(&provider, &setup.client_id, None, &place).map_err(SignOnError::Provider)?;
                let nonce = question.browser.derive("nonce", question.state);
                let verifier = question.browser.derive("verifier", question.state);
                Ok(oidc::authorization(&us, &setup.scopes, question.state, &nonce, &verifier))
            }
            Setup::Saml(setup) => {
                let us = ourselves(self.public_url, question.tenant, &connection.id);
                let relay = crate::sign_on::Slip::noise(question.state);
                Ok(saml::redirect(&us, &setup.sso_url, &question.saml_request(), relay, now))
            }
        }
    }

    /// Who the person is, as the provider says.
    ///
    /// # Errors
    /// [`SignOnError::Denied`], [`SignOnError::Doubt`], [`SignOnError::Provider`]; the vault's.
    pub(super) async fn ask(
        &self,
        question: &Question<'_>,
        visit: &Visit,
        reply: &Reply,
    ) -> Result<Vouched, AuthError> {
        match (&question.stored.connection.setup, reply) {
            (Setup::Oidc(setup), Reply::Code { .. } | Reply::Refusal { .. }) => {
                let asserted = self.ask_oidc(question, setup, visit.now, reply).await?;
                Ok(Vouched { asserted, once: None })
            }
            (Setup::Saml(setup), Reply::Response(text)) => Ok(self.hear(question, setup, visit.now, text)?),
            (Setup::Oidc(_), Reply::Response(_))
            | (Setup::Saml(_), Reply::Code { .. } | Reply::Refusal { .. }) => Err(SignOnError::State.into()),
        }
    }

    fn hear(
        &self,
        question: &Question<'_>,
        setup: &SamlSetup,
        now: Instant,
        text: &str,
    ) -> Result<Vouched, SignOnError> {
        let us = ourselves(self.public_url, question.tenant, &question.stored.connection.id);
        let expected = saml::Expected {
            issuer: &setup.entity_id,
            certificates: &setup.certificates,
            us: &us,
            request: &question.saml_request(),
            now,
        };
        let heard = saml::hear(&saml::decode(text)?, expected)?;
        let once = Some((digest::of(&["assertion", &heard.assertion]), heard.expires_at));
        Ok(Vouched { asserted: heard.asserted, once })
    }

    async fn ask_oidc(
        &self,
        question: &Question<'_>,
        setup: &OidcSetup,
        now: Instant,
        reply: &Reply,
    ) -> Result<Asserted, AuthError> {
        let connection = &question.stored.connection;
        let asking = self.asking(question.tenant, &connection.id, &setup.issuer, now);
        let provider = self.providers.get(asking).await?;
        let must_tell = setup.shared_callback || oidc::names_itself(&provider);
        let code = code_of(setup, must_tell, reply)?;
        let secret = connections::open(question.tenant, self.vault, question.stored)?;
        let exchange = oidc::Question {
            client_id: &setup.client_id,
            secret: secret.as_ref(),
            callback: &callback(self.public_url, question.tenant, connection),
            nonce: &question.browser.derive("nonce", question.state),
            verifier: &question.browser.derive("verifier", question.state),
            now,
        };
        let answer = exchange.exchange(&provider, asking.http, code).await?;
        let claims = match exchange.believe(&provider, &answer) {
            Ok(claims) => claims,
            Err(oidc::Doubt::Refused(why)) => return Err(SignOnError::Doubt(why).into()),
            Err(oidc::Doubt::UnknownKey) => {
                let unknown = || SignOnError::Doubt("its signature names no key of the provider".to_owned());
                let turned = self.providers.with_new_keys(asking, &provider).await?.ok_or_else(unknown)?;
                exchange.believe(&turned, &answer).map_err(|doubt| match doubt {
                    oidc::Doubt::UnknownKey => unknown(),
                    oidc::Doubt::Refused(why) => SignOnError::Doubt(why),
                })?
            }
        };
        let mapped = connection.mapping.iter().map(|one| one.claim.as_str());
        let claims = oidc::completed(&provider, asking.http, &answer, claims, mapped).await?;
        Ok(Asserted::of_claims(&claims))
    }

    fn asking<'b>(
        &'b self,
        tenant: &'b TenantId,
        connection: &'b ConnectionId,
        issuer: &'b str,
        now: Instant,
    ) -> Asking<'b> {
        let http = Guarded { fetch: self.fetch, allow_private: self.allow_private };
        Asking { tenant, connection, issuer, http, now }
    }
}

/// The code of a reply, if the reply is this provider's and no refusal.
fn code_of<'r>(
    setup: &OidcSetup,
    must_tell: bool,
    reply: &'r Reply,
) -> Result<&'r Secret<String>, SignOnError> {
    let (Reply::Code { issuer: told, .. } | Reply::Refusal { issuer: told, .. }) = reply else {
        return Err(SignOnError::State);
    };
    if told.as_ref().is_some_and(|told| *told != setup.issuer) || (must_tell && told.is_none()) {
        return Err(SignOnError::Doubt("the answer is not this provider's (iss)".to_owned()));
    }
    match reply {
        Reply::Code { code, .. } => Ok(code),
        Reply::Refusal { error, description, .. } => {
            let words = description.as_ref().map(|words| format!("{error}, {words}"));
            let words = words.as_ref().unwrap_or(error).trim_end_matches('.');
            Err(SignOnError::Denied(claim::presentable(words)))
        }
        Reply::Response(_) => Err(SignOnError::State),
    }
}

/// What a look at a connection's provider showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// What is wrong, each the end of a sentence about the provider; nothing if all is well.
    pub faults: Vec<String>,
    /// What must be registered there.
    pub redirect_uri: String,
}

/// Looks whether a connection's provider can be asked and speaks as it must. Nothing is remembered.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn test_connection(
    db: &Db,
    call: &Call,
    outside: Outside<'_>,
    id: &ConnectionId,
) -> Result<Tested, AuthError> {
    let stored = {
        let mut lease = db.read().await?;
        connections::load(&mut lease.scope(call.tenant())?, id).await?
    };
    let connection = &stored.connection;
    let faults = match &connection.setup {
        Setup::Oidc(setup) => {
            match outside.asking(call.tenant(), id, &setup.issuer, call.now).discover().await {
                Ok(provider) => {
                    let mut faults = oidc::faults(&provider, setup.has_secret, outside.allow_private);
                    if setup.shared_callback && !oidc::names_itself(&provider) {
                        faults.push("it does not name itself in its answers (RFC 9207), so shared_callback must be off".to_owned());
                    }
                    faults
                }
                Err(SignOnError::Provider(fault)) => vec![fault],
                Err(error) => return Err(error.into()),
            }
        }
        Setup::Saml(setup) => saml::faults(&setup.certificates, call.now),
    };
    Ok(Tested { faults, redirect_uri: callback(outside.public_url, call.tenant(), connection) })
}
