//! Whose account may somebody enter on another provider's word? The rules, without which a provider, or whoever fools
//! one, could take over accounts:
//!
//! 1. Who was here before is known by the provider's subject alone. Addresses change hands; subjects do not.
//! 2. An address counts only if the provider says that it checked it, or the tenant trusts the provider's addresses.
//! 3. A user who exists is linked at the first login only if the address is of a domain that the connection may vouch
//!    for, and the user has no other subject at this connection.
//! 4. A new user is made only where the connection makes users, and of its domains, if it has any.
//! 5. Everything is bound to the browser that began, to the connection that it began with, and good once.

use crate::{Connection, Email, claim::Asserted, digest, digest::Digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Chance, Fault, FieldFault, Kind, Secret, Span, TenantId, UserId};
use std::fmt;

/// How long somebody may take at the provider.
pub const ATTEMPT_LIFE: Span = Span::minutes(10);
/// How long a frontend may take to fetch the tokens.
pub(crate) const HANDOFF_LIFE: Span = Span::minutes(1);

/// Why somebody did not come in by single sign-on. No message holds a token, a code or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignOnError {
    /// Nothing to sign on by.
    #[error(
        "There is no such way to sign on. Check the tenant and the connection, or ask the tenant's owner."
    )]
    Unknown,
    /// Several connections would do.
    #[error(
        "The tenant has several connections. Name the one that is meant as `connection`, or an address as `email`."
    )]
    Choice,
    /// The state is unknown, old, used, or another browser's.
    #[error(
        "This sign-on was not begun in this browser with this connection, is older than ten minutes, or was finished before. Begin again."
    )]
    State,
    /// The provider did not let the person in.
    #[error("The identity provider did not confirm the sign-on: {0}.")]
    Denied(String),
    /// The provider cannot be reached, or does not speak as it must.
    #[error("The identity provider could not be asked: {0}.")]
    Provider(String),
    /// What the provider said does not hold.
    #[error("What the identity provider sent does not hold: {0}.")]
    Doubt(String),
    /// No address.
    #[error("The identity provider tells no e-mail address. Let it send the claim `email`.")]
    EmailMissing,
    /// An address that nobody checked.
    #[error(
        "The identity provider does not say that it verified the e-mail address. Verify it there, or let an owner set trust_email."
    )]
    EmailUnverified,
    /// No user, and none is made.
    #[error(
        "There is no user for this person here, and this connection makes none for them. Ask an owner to invite them."
    )]
    NoAccount,
    /// The user with this address is another person at the provider.
    #[error(
        "The user with this e-mail address belongs to another account of this identity provider. Ask an owner."
    )]
    LinkedElsewhere,
    /// The code for the frontend opens nothing.
    #[error(
        "The sign-on code is not valid (any more): it is good once, for a minute, with its code_verifier. Begin again."
    )]
    Handoff,
    /// The tenant wants its people to come by their provider.
    #[error("This tenant's people log in by single sign-on, not by password.")]
    PasswordOff,
    /// Another connection has this name.
    #[error("A connection of this name exists already in this tenant. Choose another name.")]
    NameTaken,
    /// No more connections fit.
    #[error("There are {0} connections already, which is the limit. Delete one that is not needed.")]
    TooMany(i64),
}

impl Fault for SignOnError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Choice => Kind::Invalid,
            Self::State | Self::Doubt(_) | Self::Handoff => Kind::Unauthenticated,
            Self::Denied(_)
            | Self::EmailMissing
            | Self::EmailUnverified
            | Self::NoAccount
            | Self::LinkedElsewhere
            | Self::PasswordOff => Kind::Forbidden,
            Self::Provider(_) | Self::TooMany(_) => Kind::Unprocessable,
            Self::NameTaken => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "SIGN_ON_UNKNOWN",
            Self::Choice => "SIGN_ON_CONNECTION_NEEDED",
            Self::State => "SIGN_ON_STATE_INVALID",
            Self::Denied(_) => "SIGN_ON_DENIED",
            Self::Provider(_) => "SIGN_ON_PROVIDER_FAILED",
            Self::Doubt(_) => "SIGN_ON_NOT_PROVEN",
            Self::EmailMissing => "SIGN_ON_EMAIL_MISSING",
            Self::EmailUnverified => "SIGN_ON_EMAIL_UNVERIFIED",
            Self::NoAccount => "SIGN_ON_NO_ACCOUNT",
            Self::LinkedElsewhere => "SIGN_ON_LINKED_ELSEWHERE",
            Self::Handoff => "SIGN_ON_CODE_INVALID",
            Self::PasswordOff => "PASSWORD_LOGIN_OFF",
            Self::NameTaken => "CONNECTION_NAME_TAKEN",
            Self::TooMany(_) => "CONNECTION_LIMIT_REACHED",
        }
    }
}

/// Who is already linked, or could be, when somebody comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acquainted {
    /// The user of this subject.
    pub(crate) known: Option<UserId>,
    /// The user with the same address, and whether another subject of this connection is theirs.
    pub(crate) by_email: Option<(UserId, bool)>,
}

/// What becomes of somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// They were here before.
    Known(UserId),
    /// They are this user, from now on.
    Link(UserId),
    /// They become a user.
    Create(Email),
}

/// Whom the person is here: the rules at the top of this file.
///
/// # Errors
/// [`SignOnError`] says which rule kept them out.
pub(crate) fn admit(
    connection: &Connection,
    asserted: &Asserted,
    acquainted: &Acquainted,
) -> Result<Admission, SignOnError> {
    if let Some(user) = &acquainted.known {
        return Ok(Admission::Known(user.clone()));
    }
    let email = asserted.email.as_ref().ok_or(SignOnError::EmailMissing)?;
    if !asserted.is_verified && !connection.trust_email {
        return Err(SignOnError::EmailUnverified);
    }
    let vouched = connection.vouches_for(email);
    match &acquainted.by_email {
        Some((_, true)) => Err(SignOnError::LinkedElsewhere),
        Some((user, false)) if vouched => Ok(Admission::Link(user.clone())),
        Some((_, false)) => Err(SignOnError::NoAccount),
        None if connection.create_users && (vouched || connection.domains.is_empty()) => {
            Ok(Admission::Create(email.clone()))
        }
        None => Err(SignOnError::NoAccount),
    }
}

/// How the outcome of a sign-on is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A session cookie, and the browser is sent there.
    Cookie(ReturnTo),
    /// The browser is sent there with a code, for which the frontend gets tokens. The second is SHA-256 of what the
    /// frontend must show with it.
    Code(ReturnTo, Secret<[u8; 32]>),
    /// Tokens, as the answer itself.
    Json,
}

impl Answer {
    /// What is wished for: `cookie` (which holds with a place to go to), `code` or `json` (which holds without).
    ///
    /// # Errors
    /// The field that does not fit the others.
    pub fn parse(
        wanted: Option<&str>,
        place: Option<ReturnTo>,
        challenge: Option<&str>,
    ) -> Result<Self, FieldFault> {
        let fault = FieldFault::new;
        if challenge.is_some() && wanted != Some("code") {
            return Err(fault("code_challenge", "belongs to response=code only"));
        }
        match (wanted, place) {
            (None | Some("cookie"), Some(place)) => Ok(Self::Cookie(place)),
            (None | Some("json"), None) => Ok(Self::Json),
            (Some("code"), Some(place)) => {
                let hash = challenge.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
                let hash: Option<[u8; 32]> = hash.and_then(|bytes| bytes.try_into().ok());
                let hash = hash.ok_or_else(|| {
                    fault("code_challenge", "must be a SHA-256 in base64url (RFC 7636, S256): 43 characters")
                })?;
                Ok(Self::Code(place, Secret::new(hash)))
            }
            (Some("cookie" | "code"), None) => Err(fault("redirect_to", "is needed with this response")),
            (Some("json"), Some(_)) => Err(fault("redirect_to", "leads nowhere with response=json")),
            (Some(_), _) => Err(fault("response", "must be cookie, code or json")),
        }
    }

    /// As it stands in the table.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Cookie(_) => "cookie",
            Self::Code(..) => "code",
            Self::Json => "json",
        }
    }

    /// Where the browser is sent.
    pub(crate) const fn return_to(&self) -> Option<&ReturnTo> {
        match self {
            Self::Cookie(place) | Self::Code(place, _) => Some(place),
            Self::Json => None,
        }
    }
}

/// Where a browser may be sent when all is done: a path here, or a page of an origin that the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Checks a wish. `origins` is the operator's list (`cors_origins`); `*` in it allows nothing here.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field.
    pub fn parse(text: &str, origins: &[String]) -> Result<Self, &'static str> {
        const REFUSED: &str = "must be a path here such as /start, or a page of an origin that the operator allows (cors_origins)";
        let plain =
            text.len() <= 2048 && text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
        if !plain {
            return Err(REFUSED);
        }
        // `//host` and `/\host` are other hosts to a browser.
        if text.starts_with('/') {
            return if text.starts_with("//") { Err(REFUSED) } else { Ok(Self(text.to_owned())) };
        }
        let url = url::Url::parse(text).map_err(|_| REFUSED)?;
        let web =
            matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let origin = url.origin().ascii_serialization();
        let known = origins.iter().any(|one| one.trim_end_matches('/') == origin);
        if web && known { Ok(Self(url.into())) } else { Err(REFUSED) }
    }

    /// What was stored, which was checked before.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with one more parameter, before its fragment.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let (page, fragment) =
            self.0.split_once('#').map_or((self.0.as_str(), None), |(page, rest)| (page, Some(rest)));
        let joint = if page.contains('?') { '&' } else { '?' };
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let tail = fragment.map(|rest| format!("#{rest}")).unwrap_or_default();
        format!("{page}{joint}{name}={value}{tail}")
    }
}

/// What a secret of a sign-on is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Goes to the provider and comes back: `sbo_…`.
    State,
    /// Goes to the frontend: `sbh_…`.
    Handoff,
}

impl Slip {
    const fn prefix(self) -> &'static str {
        match self {
            Self::State => "sbo",
            Self::Handoff => "sbh",
        }
    }

    /// A new one: it names its tenant, so that one look at a primary key finds it, and ends in 256 bits of chance.
    pub(crate) fn make(self, tenant: &TenantId, chance: &dyn Chance) -> Secret<String> {
        Secret::new(format!("{}_{tenant}_{}", self.prefix(), digest::noise::<32>(chance)))
    }

    /// The part of a text that no other has: what goes where little fits.
    pub(crate) fn noise(text: &Secret<String>) -> &str {
        text.expose().rsplit('_').next().unwrap_or_default()
    }

    /// The text of a tenant's slip whose last part came back.
    pub(crate) fn whole(self, tenant: &TenantId, noise: &str) -> Secret<String> {
        Secret::new(format!("{}_{tenant}_{noise}", self.prefix()))
    }

    /// The tenant that a text names, if it is one of ours.
    pub(crate) fn tenant(self, text: &Secret<String>) -> Option<TenantId> {
        let rest = text.expose().strip_prefix(self.prefix())?.strip_prefix('_')?;
        let (tenant, noise) = rest.split_once('_')?;
        if digest::is_hex(noise, 64) { tenant.parse().ok() } else { None }
    }
}

/// What a browser keeps while its person is at the provider: 256 bits of chance. The PKCE verifier and the nonce are
/// derived from it, so that the database alone lets nobody finish a sign-on.
#[derive(Debug, Clone)]
pub struct BrowserSecret(Secret<String>);

impl BrowserSecret {
    pub(crate) fn make(chance: &dyn Chance) -> Self {
        Self(Secret::new(digest::noise::<32>(chance)))
    }

    /// The text of a cookie, if it can be one of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        digest::is_hex(text, 64).then(|| Self(Secret::new(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.0
    }

    pub(crate) fn hash(&self) -> Digest {
        digest::of(&["browser", self.0.expose()])
    }

    /// 256 bits for one purpose in one sign-on.
    pub(crate) fn derive(&self, purpose: &str, state: &Secret<String>) -> Digest {
        digest::of(&["derive", purpose, state.expose(), self.0.expose()])
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectionKind, ConnectionPatch};
    use kernel::Instant;

    fn user(letter: char) -> UserId {
        format!("usr_01hf7yat00zzzzzzzzzzzzzzz{letter}").parse().unwrap()
    }

    fn connection(create_users: bool, trust_email: bool, domains: &[&str]) -> Connection {
        let patch = ConnectionPatch {
            name: Some("Own".to_owned()),
            issuer: Some("https://login.example.com".to_owned()),
            client_id: Some("us".to_owned()),
            domains: Some(domains.iter().map(|one| (*one).to_owned()).collect()),
            create_users: Some(create_users),
            trust_email: Some(trust_email),
            ..ConnectionPatch::default()
        };
        let id = "con_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        Connection::new(ConnectionKind::Oidc, id, patch, Instant::from_millis(0), false).unwrap()
    }

    fn said(email: Option<&str>, is_verified: bool) -> Asserted {
        Asserted {
            subject: "s".to_owned(),
            email: email.map(|email| email.parse().unwrap()),
            is_verified,
            ..Asserted::default()
        }
    }

    /// Rows of the table: who comes, what the connection may, whom we know, what becomes of it.
    #[test]
    fn the_rules_of_admission() {
        const OWN: &str = "ana@example.com";
        const ALIEN: &str = "ana@elsewhere.example";
        let nobody = || Acquainted::default();
        let known = || Acquainted { known: Some(user('a')), by_email: None };
        let free = || Acquainted { known: None, by_email: Some((user('b'), false)) };
        let taken = || Acquainted { known: None, by_email: Some((user('b'), true)) };
        let both = || Acquainted { known: Some(user('a')), by_email: Some((user('b'), false)) };
        let strict = || connection(true, false, &["example.com"]);
        let email: Email = OWN.parse().unwrap();
        for (place, (connection, said, acquainted, wanted)) in [
            // The subject decides, whatever the address says by now.
            (strict(), said(None, false), known(), Ok(Admission::Known(user('a')))),
            (strict(), said(Some(ALIEN), false), known(), Ok(Admission::Known(user('a')))),
            (strict(), said(Some(OWN), true), both(), Ok(Admission::Known(user('a')))),
            (strict(), said(None, true), nobody(), Err(SignOnError::EmailMissing)),
            // Unverified addresses are nobody's.
            (strict(), said(Some(OWN), false), nobody(), Err(SignOnError::EmailUnverified)),
            (strict(), said(Some(OWN), false), free(), Err(SignOnError::EmailUnverified)),
            (
                connection(true, true, &["example.com"]),
                said(Some(OWN), false),
                free(),
                Ok(Admission::Link(user('b'))),
            ),
            // A user is linked only within the connection's domains, and only once.
            (strict(), said(Some(OWN), true), free(), Ok(Admission::Link(user('b')))),
            (strict(), said(Some(ALIEN), true), free(), Err(SignOnError::NoAccount)),
            (connection(true, true, &[]), said(Some(OWN), true), free(), Err(SignOnError::NoAccount)),
            (strict(), said(Some(OWN), true), taken(), Err(SignOnError::LinkedElsewhere)),
            // New users.
            (strict(), said(Some(OWN), true), nobody(), Ok(Admission::Create(email.clone()))),
            (strict(), said(Some(ALIEN), true), nobody(), Err(SignOnError::NoAccount)),
            (connection(true, false, &[]), said(Some(OWN), true), nobody(), Ok(Admission::Create(email))),
            (
                connection(false, false, &["example.com"]),
                said(Some(OWN), true),
                nobody(),
                Err(SignOnError::NoAccount),
            ),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(admit(&connection, &said, &acquainted), wanted, "row {place}");
        }
    }

    #[test]
    fn browsers_are_sent_only_where_the_operator_allows() {
        let origins = ["https://app.example.com".to_owned(), "*".to_owned()];
        for text in ["/", "/start?x=1#y", "https://app.example.com/start", "https://app.example.com"] {
            assert!(ReturnTo::parse(text, &origins).is_ok(), "{text}");
        }
        for text in [
            "",
            "start",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\tx",
            "/a b",
            "https://evil.example/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://x@app.example.com/",
            "https://app.example.com:8443/",
            "http://app.example.com/",
            "javascript:alert(1)",
            "https:app.example.com",
            "*",
        ] {
            let outcome = ReturnTo::parse(text, &origins);
            let harmless = outcome.as_ref().is_ok_and(|place| place.as_str() == "https://app.example.com/");
            assert!(outcome.is_err() || harmless, "{text:?}: {outcome:?}");
        }
    }

    #[test]
    fn a_parameter_goes_before_the_fragment() {
        let place = |text: &str| ReturnTo::parse(text, &[]).unwrap().with("code", "a b&c");
        assert_eq!(place("/x"), "/x?code=a+b%26c");
        assert_eq!(place("/x?y=1#/z"), "/x?y=1&code=a+b%26c#/z");
    }

    #[test]
    fn a_slip_names_its_tenant_and_nothing_else_reads() {
        let noise = crate::service::stage::Noise::new(1);
        let tenant: TenantId = "acme-corp".parse().unwrap();
        let slip = Slip::State.make(&tenant, &noise);
        assert_eq!(Slip::State.tenant(&slip), Some(tenant));
        assert_eq!(Slip::Handoff.tenant(&slip), None);
        for text in ["", "sbo_acme-corp", "sbo_acme-corp_00", "sbo__"] {
            assert_eq!(Slip::State.tenant(&Secret::new(text.to_owned())), None, "{text}");
        }
    }
}
