//! By what may a tenant's people come in that is not ours? A [`Connection`] to the tenant's own identity provider.
//!
//! Whoever sets one up decides who its provider's word is taken for, so only who may do everything in the tenant sets
//! one up or changes it.

use crate::{
    Email,
    claim::Mapping,
    saml::{IdentityProvider, sound_certificate},
    tenant::sound_name,
};
use kernel::{ConnectionId, FieldFault, Fields, Instant, RoleId, Secret, Target};
use std::{fmt, str::FromStr};

/// The most connections that a tenant may have.
pub const CONNECTIONS_MAX: i64 = 50;
const DOMAINS_MAX: usize = 50;
const SCOPES_MAX: usize = 20;
const MAPPINGS_MAX: usize = 100;
const ROLES_MAX: usize = 20;
const CERTIFICATES_MAX: usize = 10;

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

impl ConnectionKind {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }
}

impl FromStr for ConnectionKind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Oidc, Self::Saml].into_iter().find(|kind| kind.as_str() == text).ok_or("must be oidc or saml")
    }
}

/// What an OpenID Connect provider knows us by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OidcSetup {
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Whether there is a client secret; it stands sealed beside this.
    pub has_secret: bool,
    /// What is asked for; `openid` among it.
    pub scopes: Vec<String>,
    /// Whether the provider sends people back to the address that all connections share. Only for providers that name
    /// themselves in the answer (RFC 9207), because otherwise one provider could pass off its answer as another's.
    pub shared_callback: bool,
}

/// What we know of a SAML identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SamlSetup {
    /// The provider's entity id.
    pub entity_id: String,
    /// Where people are sent: its single sign-on service by redirect.
    pub sso_url: String,
    /// What it signs with, as base64 of X.509 certificates; several while it turns its keys.
    pub certificates: Vec<String>,
}

/// What is particular to a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    /// OpenID Connect.
    Oidc(OidcSetup),
    /// SAML 2.0.
    Saml(SamlSetup),
}

/// A tenant's own identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// What people call it; one of each name in a tenant.
    pub name: String,
    /// What it speaks.
    pub setup: Setup,
    /// The e-mail domains whose addresses it may vouch for.
    pub domains: Vec<String>,
    /// Whether anybody may come in by it.
    pub is_active: bool,
    /// Whether people whom we do not know yet get a user of their own.
    pub create_users: bool,
    /// Whether its addresses count as verified although it does not say so.
    pub trust_email: bool,
    /// What a user gets who is made at a first login.
    pub default_roles: Vec<RoleId>,
    /// What the provider's claims give and take at each login.
    pub mapping: Vec<Mapping>,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What is asked for; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionPatch {
    /// What people call it.
    pub name: Option<String>,
    /// The e-mail domains whose addresses it may vouch for.
    pub domains: Option<Vec<String>>,
    /// Whether anybody may come in by it.
    pub is_active: Option<bool>,
    /// Whether people whom we do not know yet get a user.
    pub create_users: Option<bool>,
    /// Whether its addresses count as verified.
    pub trust_email: Option<bool>,
    /// What a new user gets.
    pub default_roles: Option<Vec<String>>,
    /// Claim, value, role id.
    pub mapping: Option<Vec<(String, String, String)>>,
    /// The issuer.
    pub issuer: Option<String>,
    /// Our client id.
    pub client_id: Option<String>,
    /// Our client secret; empty takes it away.
    pub client_secret: Option<Secret<String>>,
    /// What is asked for.
    pub scopes: Option<Vec<String>>,
    /// Whether the address that all connections share is used.
    pub shared_callback: Option<bool>,
    /// The provider's metadata, which tells the three that follow.
    pub metadata: Option<String>,
    /// The provider's entity id.
    pub entity_id: Option<String>,
    /// Where people are sent.
    pub sso_url: Option<String>,
    /// What it signs with: PEM, or base64 alone.
    pub certificates: Option<Vec<String>>,
}

impl Connection {
    /// A new connection of `kind` with what `patch` asks for.
    ///
    /// # Errors
    /// Every faulty or missing field.
    pub fn new(
        kind: ConnectionKind,
        id: ConnectionId,
        patch: ConnectionPatch,
        now: Instant,
        allow_private: bool,
    ) -> Result<Self, Vec<FieldFault>> {
        let setup = match kind {
            ConnectionKind::Oidc => Setup::Oidc(OidcSetup {
                scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
                ..OidcSetup::default()
            }),
            ConnectionKind::Saml => Setup::Saml(SamlSetup::default()),
        };
        let blank = Self {
            id,
            name: String::new(),
            setup,
            domains: Vec::new(),
            is_active: true,
            create_users: false,
            trust_email: false,
            default_roles: Vec::new(),
            mapping: Vec::new(),
            version: 0,
            created_at: now,
            updated_at: now,
        };
        blank.change(patch, now, allow_private)
    }

    /// The connection with `patch` applied at `now`; private addresses only where the operator allows them.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(
        self,
        patch: ConnectionPatch,
        now: Instant,
        allow_private: bool,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", sound_name(&patch.name.clone().unwrap_or(self.name)));
        let domains = patch.domains.as_deref().map_or(self.domains, |texts| domains(&mut fields, texts));
        let default_roles =
            patch.default_roles.as_deref().map_or(self.default_roles, |texts| roles(&mut fields, texts));
        let mapping = patch.mapping.as_deref().map_or(self.mapping, |rows| mapping(&mut fields, rows));
        let setup = match self.setup {
            Setup::Oidc(oidc) => Setup::Oidc(oidc.change(&mut fields, &patch, allow_private)),
            Setup::Saml(saml) => Setup::Saml(saml.change(&mut fields, &patch, allow_private)),
        };
        Ok(Self {
            name: fields.give(name)?,
            setup,
            domains,
            is_active: patch.is_active.unwrap_or(self.is_active),
            create_users: patch.create_users.unwrap_or(self.create_users),
            trust_email: patch.trust_email.unwrap_or(self.trust_email),
            default_roles,
            mapping,
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self
        })
    }

    /// What it speaks.
    #[must_use]
    pub const fn kind(&self) -> ConnectionKind {
        match self.setup {
            Setup::Oidc(_) => ConnectionKind::Oidc,
            Setup::Saml(_) => ConnectionKind::Saml,
        }
    }

    /// Whether it may vouch for an address.
    #[must_use]
    pub fn vouches_for(&self, email: &Email) -> bool {
        let domain = email.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
        self.domains.iter().any(|own| own == domain)
    }

    /// Every role that it may give.
    pub fn roles(&self) -> impl Iterator<Item = &RoleId> {
        self.default_roles.iter().chain(self.mapping.iter().map(|one| &one.role))
    }
}

impl OidcSetup {
    fn change(self, fields: &mut Fields, patch: &ConnectionPatch, allow_private: bool) -> Self {
        foreign(
            fields,
            "oidc",
            &[
                ("metadata", patch.metadata.is_some()),
                ("entity_id", patch.entity_id.is_some()),
                ("sso_url", patch.sso_url.is_some()),
                ("certificates", patch.certificates.is_some()),
            ],
        );
        let issuer = patch.issuer.clone().unwrap_or(self.issuer);
        fields.take("issuer", sound_issuer(&issuer, allow_private));
        let client_id = patch.client_id.clone().unwrap_or(self.client_id);
        if !is_printable(&client_id, 255) {
            fields.fault("client_id", "must be 1 to 255 printable ASCII characters");
        }
        if patch
            .client_secret
            .as_ref()
            .is_some_and(|secret| !secret.expose().is_empty() && !is_printable(secret.expose(), 1024))
        {
            fields.fault("client_secret", "must be at most 1024 printable ASCII characters");
        }
        let scopes = patch.scopes.as_deref().map_or(self.scopes, |texts| scopes(fields, texts));
        Self {
            issuer,
            client_id,
            has_secret: patch
                .client_secret
                .as_ref()
                .map_or(self.has_secret, |secret| !secret.expose().is_empty()),
            scopes,
            shared_callback: patch.shared_callback.unwrap_or(self.shared_callback),
        }
    }
}

impl SamlSetup {
    fn change(self, fields: &mut Fields, patch: &ConnectionPatch, allow_private: bool) -> Self {
        foreign(
            fields,
            "saml",
            &[
                ("issuer", patch.issuer.is_some()),
                ("client_id", patch.client_id.is_some()),
                ("client_secret", patch.client_secret.is_some()),
                ("scopes", patch.scopes.is_some()),
                ("shared_callback", patch.shared_callback.is_some()),
            ],
        );
        let told =
            patch.metadata.as_deref().and_then(|text| fields.take("metadata", IdentityProvider::read(text)));
        let before = told.map_or(self, |told| Self {
            entity_id: told.entity_id,
            sso_url: told.sso_url,
            certificates: told.certificates,
        });
        let entity_id = patch.entity_id.clone().unwrap_or(before.entity_id);
        if !is_printable(&entity_id, 1024) {
            fields.fault("entity_id", "must be 1 to 1024 printable ASCII characters; metadata tells it too");
        }
        let sso_url = patch.sso_url.clone().unwrap_or(before.sso_url);
        fields.take("sso_url", sound_address(&sso_url, allow_private));
        let certificates =
            patch.certificates.as_deref().map_or(before.certificates, |texts| certificates(fields, texts));
        if !(1..=CERTIFICATES_MAX).contains(&certificates.len()) {
            fields.fault("certificates", format!("must be 1 to {CERTIFICATES_MAX}; metadata tells them too"));
        }
        Self { entity_id, sso_url, certificates }
    }
}

fn certificates(fields: &mut Fields, texts: &[String]) -> Vec<String> {
    let places = texts.iter().take(CERTIFICATES_MAX.saturating_add(1)).enumerate();
    places
        .filter_map(|(place, text)| fields.take(&format!("certificates[{place}]"), sound_certificate(text)))
        .collect()
}

/// Fields that belong to the other kind.
fn foreign(fields: &mut Fields, kind: &str, given: &[(&str, bool)]) {
    for (name, _) in given.iter().filter(|(_, is_given)| *is_given) {
        fields.fault(*name, format!("is no field of the kind {kind}"));
    }
}

/// An address of a provider that we may go to, or send people to: HTTPS, and plain HTTP only where private ones are
/// allowed too.
///
/// # Errors
/// The end of a sentence that begins with the field.
pub(crate) fn sound_address(text: &str, allow_private: bool) -> Result<(), String> {
    let target = Target::parse(text, allow_private).map_err(|error| error.to_string())?;
    if target.expose().starts_with("https://") || allow_private {
        Ok(())
    } else {
        Err("must begin with https://".to_owned())
    }
}

/// An issuer is an address without a query (OpenID Connect Discovery 1.0, section 3).
fn sound_issuer(text: &str, allow_private: bool) -> Result<(), String> {
    sound_address(text, allow_private)?;
    if text.contains('?') { Err("must not have a query (?…)".to_owned()) } else { Ok(()) }
}

pub(crate) fn is_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn domains(fields: &mut Fields, texts: &[String]) -> Vec<String> {
    if texts.len() > DOMAINS_MAX {
        fields.fault("domains", format!("must be at most {DOMAINS_MAX}"));
    }
    let mut all = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let domain = text.trim().trim_start_matches('@').to_lowercase();
        // Whatever can stand behind the @ of an address, with a dot in it.
        let sound = domain.contains('.') && format!("x@{domain}").parse::<Email>().is_ok();
        if !sound {
            fields.fault(format!("domains[{place}]"), "is not a domain such as example.com");
        } else if !all.contains(&domain) {
            all.push(domain);
        }
    }
    all
}

fn scopes(fields: &mut Fields, texts: &[String]) -> Vec<String> {
    if texts.len() > SCOPES_MAX {
        fields.fault("scopes", format!("must be at most {SCOPES_MAX}"));
    }
    let mut all = vec!["openid".to_owned()];
    for (place, text) in texts.iter().enumerate() {
        // RFC 6749, section 3.3.
        let sound = is_printable(text, 255) && !text.contains([' ', '"', '\\']);
        if !sound {
            fields.fault(
                format!("scopes[{place}]"),
                "is not a scope: printable, without space, quote and backslash",
            );
        } else if !all.contains(text) {
            all.push(text.clone());
        }
    }
    all
}

fn roles(fields: &mut Fields, texts: &[String]) -> Vec<RoleId> {
    if texts.len() > ROLES_MAX {
        fields.fault("default_role_ids", format!("must be at most {ROLES_MAX}"));
    }
    let places = texts.iter().enumerate();
    places
        .filter_map(|(place, text)| fields.take(&format!("default_role_ids[{place}]"), text.parse()))
        .collect()
}

fn mapping(fields: &mut Fields, rows: &[(String, String, String)]) -> Vec<Mapping> {
    if rows.len() > MAPPINGS_MAX {
        fields.fault("role_mapping", format!("must be at most {MAPPINGS_MAX}"));
    }
    let mut all = Vec::new();
    for (place, (claim, value, role)) in rows.iter().enumerate() {
        for (name, text) in [("claim", claim), ("value", value)] {
            if text.is_empty() || text.chars().count() > 512 {
                fields.fault(format!("role_mapping[{place}].{name}"), "must be 1 to 512 characters");
            }
        }
        if let Some(role) = fields.take(&format!("role_mapping[{place}].role_id"), role.parse()) {
            all.push(Mapping { claim: claim.clone(), value: value.clone(), role });
        }
    }
    all
}

impl fmt::Display for ConnectionKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1);

    fn made(patch: ConnectionPatch) -> Result<Connection, Vec<FieldFault>> {
        let id = "con_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        Connection::new(ConnectionKind::Oidc, id, patch, NOW, false)
    }

    fn sound() -> ConnectionPatch {
        ConnectionPatch {
            name: Some("Acme's own".to_owned()),
            issuer: Some("https://login.example.com/acme".to_owned()),
            client_id: Some("signalbox".to_owned()),
            domains: Some(vec!["@Example.com".to_owned(), "example.com".to_owned()]),
            ..ConnectionPatch::default()
        }
    }

    #[test]
    fn what_is_left_out_has_a_safe_default() {
        let made = made(sound()).unwrap();
        assert_eq!(
            (made.is_active, made.create_users, made.trust_email, made.version),
            (true, false, false, 1)
        );
        assert_eq!(made.domains, ["example.com"]);
        assert!(made.vouches_for(&"ana@example.com".parse().unwrap()));
        assert!(!made.vouches_for(&"ana@sub.example.com".parse().unwrap()));
        assert!(!made.vouches_for(&"ana@evilexample.com".parse().unwrap()));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let patch = ConnectionPatch {
            issuer: Some("http://login.example.com?x".to_owned()),
            client_id: Some(String::new()),
            domains: Some(vec!["localhost".to_owned()]),
            scopes: Some(vec!["a b".to_owned()]),
            default_roles: Some(vec!["owner".to_owned()]),
            mapping: Some(vec![(String::new(), "x".to_owned(), "rol_".to_owned())]),
            ..ConnectionPatch::default()
        };
        let faults = made(patch).unwrap_err();
        let mut fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "client_id",
                "default_role_ids[0]",
                "domains[0]",
                "issuer",
                "name",
                "role_mapping[0].claim",
                "role_mapping[0].role_id",
                "scopes[0]"
            ]
        );
    }

    #[test]
    fn private_issuers_are_the_operators_to_allow() {
        for issuer in
            ["https://127.0.0.1/", "https://10.0.0.1/x", "https://jobs.spin.internal/", "https://localhost"]
        {
            let patch = ConnectionPatch { issuer: Some(issuer.to_owned()), ..sound() };
            assert_eq!(made(patch).unwrap_err()[0].field, "issuer", "{issuer}");
        }
    }
}
