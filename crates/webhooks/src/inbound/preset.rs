//! Which providers are known?

use super::Scheme;
use std::{fmt, str::FromStr};

/// How a source is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preset {
    /// Standard Webhooks 1.0, also under the names that Svix gives its headers.
    StandardWebhooks,
    /// GitHub, and others that sign as it does (`X-Hub-Signature-256`), such as Meta.
    GitHub,
    /// Stripe (`Stripe-Signature`).
    Stripe,
    /// Slack (`X-Slack-Signature`): events, commands and interactions.
    Slack,
    /// Shopify (`X-Shopify-Hmac-SHA256`).
    Shopify,
    /// A signature as the scheme says.
    Hmac(Scheme),
    /// A token in `Authorization: Bearer`.
    Bearer,
    /// A user and a password in `Authorization: Basic`: the secret is `user:password`.
    Basic,
    /// Nothing is verified: anybody who knows the address may send.
    Unverified,
}

/// The text names no preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of standard-webhooks, github, stripe, slack, shopify, hmac, bearer, basic, unverified")]
pub struct UnknownPreset;

impl Preset {
    /// The published name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard-webhooks",
            Self::GitHub => "github",
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::Shopify => "shopify",
            Self::Hmac(_) => "hmac",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Unverified => "unverified",
        }
    }

    /// How the provider signs, for `hmac` alone.
    #[must_use]
    pub const fn scheme(&self) -> Option<&Scheme> {
        if let Self::Hmac(scheme) = self { Some(scheme) } else { None }
    }

    /// Whether a request shows a credential, and not a signature over its body.
    #[must_use]
    pub const fn is_credential(&self) -> bool {
        matches!(self, Self::Bearer | Self::Basic)
    }

    /// Whether a request has to prove that it comes from somebody who knows a secret.
    #[must_use]
    pub const fn verifies(&self) -> bool {
        !matches!(self, Self::Unverified)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;
    /// `hmac` begins with the scheme that most use.
    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        [
            Self::StandardWebhooks,
            Self::GitHub,
            Self::Stripe,
            Self::Slack,
            Self::Shopify,
            Self::Hmac(Scheme::default()),
            Self::Bearer,
            Self::Basic,
            Self::Unverified,
        ]
        .into_iter()
        .find(|preset| preset.as_str() == text)
        .ok_or(UnknownPreset)
    }
}
