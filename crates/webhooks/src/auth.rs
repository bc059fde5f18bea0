//! What lets us in at an endpoint, besides the signature?

use kernel::{Fields, Secret, Target};
use serde_json::{Value, json};

/// The longest credential, in bytes.
const CREDENTIAL_MAX: usize = 4_000;
/// The longest name of a user, a header or a client.
const NAME_MAX: usize = 500;
/// How many scopes a client can ask for.
const SCOPES_MAX: usize = 20;

/// How we say who we are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// By the signature alone.
    #[default]
    None,
    /// A token in `Authorization: Bearer`.
    Bearer,
    /// A user and a password in `Authorization: Basic`.
    Basic {
        /// The user.
        user: String,
    },
    /// A header of the receiver's own, such as `X-API-Key`.
    Header {
        /// Its name, in small letters.
        name: String,
    },
    /// A token that a provider gives us (RFC 6749, section 4.4: client credentials).
    OAuth2 {
        /// Where the provider gives tokens.
        token_url: String,
        /// Who we are there.
        client_id: String,
        /// What we ask for.
        scopes: Vec<String>,
    },
}

/// What somebody wants of [`Auth`]: the fields of all kinds.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the one of the same name in the kind that has it")]
pub struct AuthWish {
    pub kind: String,
    pub user: Option<String>,
    pub name: Option<String>,
    pub token_url: Option<String>,
    pub client_id: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// The token, the password, the value or the client's secret, each by its name; without any the one that is there stays.
    pub credentials: Vec<(&'static str, Secret<String>)>,
}

impl Auth {
    /// The published name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Basic { .. } => "basic",
            Self::Header { .. } => "header",
            Self::OAuth2 { .. } => "oauth2",
        }
    }

    /// What the credential is called.
    const fn credential(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bearer => Some("token"),
            Self::Basic { .. } => Some("password"),
            Self::Header { .. } => Some("value"),
            Self::OAuth2 { .. } => Some("client_secret"),
        }
    }

    /// All but the credential, as JSON.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::None | Self::Bearer => json!({"type": self.kind()}),
            Self::Basic { user } => json!({"type": self.kind(), "user": user}),
            Self::Header { name } => json!({"type": self.kind(), "name": name}),
            Self::OAuth2 { token_url, client_id, scopes } => {
                json!({"type": self.kind(), "token_url": token_url, "client_id": client_id, "scopes": scopes})
            }
        }
    }

    /// Reads what [`Auth::shown`] wrote.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let said = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(match value.get("type")?.as_str()? {
            "none" => Self::None,
            "bearer" => Self::Bearer,
            "basic" => Self::Basic { user: said("user")? },
            "header" => Self::Header { name: said("name")? },
            "oauth2" => Self::OAuth2 {
                token_url: said("token_url")?,
                client_id: said("client_id")?,
                scopes: value
                    .get("scopes")?
                    .as_array()?
                    .iter()
                    .map(|one| one.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
            },
            _ => return None,
        })
    }

    /// What somebody wants, with its credential; `kept` is the one that is there and stays if the kind does.
    pub(crate) fn wanted(
        wish: AuthWish,
        before: &Self,
        kept: Option<Secret<String>>,
        allow_private: bool,
        fields: &mut Fields,
    ) -> Option<(Self, Option<Secret<String>>)> {
        let auth = Self::read(&wish, allow_private, fields)?;
        let wanted = auth.credential();
        let (own, foreign): (Vec<_>, Vec<_>) =
            wish.credentials.into_iter().partition(|(name, _)| Some(*name) == wanted);
        for (name, _) in &foreign {
            fields.fault(format!("auth.{name}"), format!("does not belong to the type {}", auth.kind()));
        }
        if !foreign.is_empty() {
            return None;
        }
        let Some(name) = wanted else { return Some((auth, None)) };
        let kept = kept.filter(|_| before.kind() == auth.kind());
        let given = own.into_iter().next().map(|(_, secret)| secret).or(kept);
        let sound = |text: &str| {
            (1..=CREDENTIAL_MAX).contains(&text.len())
                && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        };
        match given {
            Some(secret) if sound(secret.expose()) => Some((auth, Some(secret))),
            Some(_) => {
                fields.fault(format!("auth.{name}"), "must be 1 to 4000 visible characters of ASCII");
                None
            }
            None => {
                fields.fault(format!("auth.{name}"), "is missing");
                None
            }
        }
    }

    fn read(wish: &AuthWish, allow_private: bool, fields: &mut Fields) -> Option<Self> {
        let foreign = [
            ("user", wish.user.is_some(), "basic"),
            ("name", wish.name.is_some(), "header"),
            ("token_url", wish.token_url.is_some(), "oauth2"),
            ("client_id", wish.client_id.is_some(), "oauth2"),
            ("scopes", wish.scopes.is_some(), "oauth2"),
        ];
        for (field, is_there, kind) in foreign {
            if is_there && wish.kind != kind {
                fields.fault(format!("auth.{field}"), format!("belongs to the type {kind}"));
            }
        }
        match wish.kind.as_str() {
            "none" => Some(Self::None),
            "bearer" => Some(Self::Bearer),
            "basic" => Some(Self::Basic {
                user: named(wish.user.as_ref(), "user", |user| !user.contains(':'), fields)?,
            }),
            "header" => {
                let name = named(wish.name.as_ref(), "name", is_free, fields)?;
                Some(Self::Header { name: name.to_ascii_lowercase() })
            }
            "oauth2" => {
                let address = Target::parse(wish.token_url.as_deref().unwrap_or_default(), allow_private);
                let token_url =
                    fields.take("auth.token_url", address.map(|target| target.expose().to_owned()));
                let client_id = named(wish.client_id.as_ref(), "client_id", |_| true, fields);
                let scopes = wish.scopes.clone().unwrap_or_default();
                let word = |scope: &String| {
                    (1..=NAME_MAX).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_graphic())
                };
                if scopes.len() > SCOPES_MAX || !scopes.iter().all(word) {
                    fields.fault("auth.scopes", "must be at most 20 words");
                    return None;
                }
                Some(Self::OAuth2 { token_url: token_url?, client_id: client_id?, scopes })
            }
            _ => {
                fields.fault("auth.type", "must be one of none, bearer, basic, header, oauth2");
                None
            }
        }
    }
}

/// Whether a header may be set by an endpoint: none that we set ourselves, and none of the connection.
fn is_free(name: &str) -> bool {
    crate::header::may_be_set(name) || name.eq_ignore_ascii_case("authorization")
}

fn named(text: Option<&String>, field: &str, also: fn(&str) -> bool, fields: &mut Fields) -> Option<String> {
    let sound = |text: &&String| {
        (1..=NAME_MAX).contains(&text.len())
            && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
            && also(text)
    };
    let found = text.filter(sound).cloned();
    if found.is_none() {
        fields.fault(format!("auth.{field}"), "is missing or holds what it must not");
    }
    found
}
