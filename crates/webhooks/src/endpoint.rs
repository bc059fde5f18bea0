//! What is an endpoint? An address of a customer's that takes signed requests, until it is switched off.

use crate::{SigningKey, WebhookError};
use kernel::{Call, EndpointId, FieldFault, Fields, Instant, Target};
use std::{fmt, str::FromStr};

/// How many endpoints a tenant can have.
pub const ENDPOINTS_MAX: i64 = 50;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 500;

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Somebody switched it off.
    Asked,
    /// It answered 410.
    Gone,
}

impl Reason {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
        }
    }
}

/// The text names no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of asked, gone")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        [Self::Asked, Self::Gone].into_iter().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked => "somebody switched it off",
            Self::Gone => "it answered 410, which means that it is gone",
        })
    }
}

/// Since when nothing is sent to an endpoint, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Instant,
    /// Why.
    pub reason: Reason,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id, by which rules name it.
    pub id: EndpointId,
    /// Its address.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is switched off.
    pub disabled: Option<Disabled>,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was set up.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// An endpoint to be set up.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its address.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The key that signs, in writing; one is made unless it is given.
    pub secret: Option<String>,
    /// Whether anything is sent to it.
    pub is_active: bool,
}

/// What is to be changed of an endpoint; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// Another address.
    pub url: Option<String>,
    /// Another description, or none.
    pub description: Option<Option<String>>,
    /// Whether anything is sent to it.
    pub is_active: Option<bool>,
}

impl NewEndpoint {
    /// The endpoint and the key that signs what is sent to it.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn set_up(
        self,
        call: &Call,
        allow_private: bool,
    ) -> Result<(Endpoint, SigningKey), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let url = fields.take("url", checked_url(&self.url, allow_private));
        let description = checked(self.description, &mut fields);
        let key = match self.secret {
            Some(text) => fields.take("secret", text.parse()),
            None => Some(SigningKey::new(&*call.chance)),
        };
        let made = url.zip(key).map(|(url, key)| {
            let endpoint = Endpoint {
                id: EndpointId::new(call.now, &*call.chance),
                url,
                description,
                disabled: (!self.is_active).then_some(Disabled { at: call.now, reason: Reason::Asked }),
                version: 1,
                created_at: call.now,
                updated_at: call.now,
            };
            (endpoint, key)
        });
        fields.give(made)
    }
}

impl Endpoint {
    /// The endpoint as `patch` wants it, one version on.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn change(
        self,
        patch: EndpointPatch,
        now: Instant,
        allow_private: bool,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let url = match patch.url {
            Some(url) => fields.take("url", checked_url(&url, allow_private)),
            None => Some(self.url),
        };
        let description = match patch.description {
            Some(description) => checked(description, &mut fields),
            None => self.description,
        };
        let disabled = match patch.is_active {
            Some(true) => None,
            // One that is off already keeps since when and why.
            Some(false) => self.disabled.or(Some(Disabled { at: now, reason: Reason::Asked })),
            None => self.disabled,
        };
        let version = self.version.saturating_add(1);
        let made = url.map(|url| Self { url, description, disabled, version, updated_at: now, ..self });
        fields.give(made)
    }

    /// The endpoint after it answered 410 to a request that was sent at `sent`; `None` if that says nothing of it any more: it
    /// was changed since, or is switched off.
    pub(crate) fn gone(self, sent: Instant, now: Instant) -> Option<Self> {
        if self.disabled.is_some() || self.updated_at > sent {
            return None;
        }
        let version = self.version.saturating_add(1);
        Some(Self {
            disabled: Some(Disabled { at: now, reason: Reason::Gone }),
            version,
            updated_at: now,
            ..self
        })
    }

    /// Whether something may be sent to it.
    ///
    /// # Errors
    /// [`WebhookError::Disabled`].
    pub fn must_be_active(&self) -> Result<(), WebhookError> {
        self.disabled.map_or(Ok(()), |disabled| Err(WebhookError::Disabled(disabled.reason)))
    }
}

fn checked_url(text: &str, allow_private: bool) -> Result<String, kernel::TargetError> {
    Target::parse(text, allow_private).map(|target| target.expose().to_owned())
}

fn checked(description: Option<String>, fields: &mut Fields) -> Option<String> {
    let text = description.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())?;
    let fault = "must be at most 500 characters, without control characters";
    let sound = text.chars().count() <= DESCRIPTION_MAX && !text.chars().any(char::is_control);
    fields.take("description", sound.then_some(text).ok_or(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    fn endpoint() -> Endpoint {
        Endpoint {
            id: "end_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            url: "https://example.com/in".to_owned(),
            description: Some("Orders".to_owned()),
            disabled: None,
            version: 1,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn at(millis: i64) -> Instant {
        Instant::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let same = endpoint().change(EndpointPatch::default(), at(5), false).unwrap();
        assert_eq!(same, Endpoint { version: 2, updated_at: at(5), ..endpoint() });
        let bare = EndpointPatch { description: Some(None), ..EndpointPatch::default() };
        assert_eq!(endpoint().change(bare, at(5), false).unwrap().description, None);
    }

    #[test]
    fn all_faulty_fields_are_told() {
        let patch = EndpointPatch {
            url: Some("http://127.0.0.1/".to_owned()),
            description: Some(Some("x".repeat(501))),
            is_active: None,
        };
        let faults = endpoint().change(patch, at(5), false).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["url", "description"]);
    }

    #[test]
    fn one_that_is_off_keeps_since_when_and_why() {
        let gone = endpoint().gone(at(1), at(2)).unwrap();
        assert_eq!(gone.disabled, Some(Disabled { at: at(2), reason: Reason::Gone }));
        assert!(matches!(gone.must_be_active(), Err(WebhookError::Disabled(Reason::Gone))));
        let off = EndpointPatch { is_active: Some(false), ..EndpointPatch::default() };
        assert_eq!(gone.clone().change(off, at(3), false).unwrap().disabled, gone.disabled);
        let on = EndpointPatch { is_active: Some(true), ..EndpointPatch::default() };
        assert!(gone.change(on, at(3), false).unwrap().must_be_active().is_ok());
    }

    #[test]
    fn an_answer_to_an_older_request_says_nothing_of_a_changed_endpoint() {
        let moved = endpoint()
            .change(
                EndpointPatch { url: Some("https://example.org/".to_owned()), ..EndpointPatch::default() },
                at(9),
                false,
            )
            .unwrap();
        assert_eq!(moved.clone().gone(at(8), at(10)), None);
        assert!(moved.gone(at(9), at(10)).is_some());
    }
}
