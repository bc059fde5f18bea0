//! By what means did somebody prove who they are?

use std::{fmt, str::FromStr};

/// One means of proof. The names are those of RFC 8176, section 2, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A password (`pwd`).
    Password,
    /// A one-time code of an authenticator (`otp`).
    OneTimeCode,
    /// A recovery code (`rec`, a name of ours).
    RecoveryCode,
    /// A passkey, whose private key stays in an authenticator (`pop`).
    Passkey,
    /// The tenant's own identity provider (`sso`, a name of ours).
    SingleSignOn,
    /// A link that was sent to the person's address (`link`, a name of ours).
    Link,
}

impl Method {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Password,
        Self::OneTimeCode,
        Self::RecoveryCode,
        Self::Passkey,
        Self::SingleSignOn,
        Self::Link,
    ];

    /// The name, as in the claim `amr` of RFC 9068.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OneTimeCode => "otp",
            Self::RecoveryCode => "rec",
            Self::Passkey => "pop",
            Self::SingleSignOn => "sso",
            Self::Link => "link",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Password => 1,
            Self::OneTimeCode => 2,
            Self::RecoveryCode => 4,
            Self::Passkey => 8,
            Self::SingleSignOn => 16,
            Self::Link => 32,
        }
    }
}

/// The means by which a session was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Methods(u8);

impl Methods {
    /// One means.
    #[must_use]
    pub const fn only(method: Method) -> Self {
        Self(method.bit())
    }

    /// One more.
    #[must_use]
    pub const fn with(self, method: Method) -> Self {
        Self(self.0 | method.bit())
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, method: Method) -> Self {
        Self(self.0 & !method.bit())
    }

    /// Whether `method` is among them.
    #[must_use]
    pub const fn has(self, method: Method) -> bool {
        self.0 & method.bit() != 0
    }

    /// Whether two factors were shown: something known and something had. A passkey is both, for the authenticator asks
    /// its owner; a provider answers for its own factors.
    #[must_use]
    pub const fn two_factors(self) -> bool {
        self.has(Method::OneTimeCode)
            || self.has(Method::RecoveryCode)
            || self.has(Method::Passkey)
            || self.has(Method::SingleSignOn)
    }

    /// The means in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL.iter().copied().filter(move |method| self.has(*method))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Method::as_str).collect();
        out.write_str(&names.join(" "))
    }
}

impl FromStr for Methods {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        text.split_ascii_whitespace().try_fold(Self::default(), |all, name| {
            Method::ALL
                .iter()
                .find(|method| method.as_str() == name)
                .map(|method| all.with(*method))
                .ok_or(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_as_they_are_written() {
        let all = Method::ALL.iter().fold(Methods::default(), |all, one| all.with(*one));
        assert_eq!(all.to_string(), "pwd otp rec pop sso link");
        assert_eq!(all.to_string().parse(), Ok(all));
        assert_eq!("".parse(), Ok(Methods::default()));
        assert_eq!("pwd sms".parse::<Methods>(), Err(()));
    }

    #[test]
    fn a_password_alone_is_one_factor() {
        assert!(!Methods::only(Method::Password).with(Method::Link).two_factors());
        assert!(Methods::only(Method::Password).with(Method::OneTimeCode).two_factors());
    }
}
