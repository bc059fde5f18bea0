//! What names a thing? A prefixed id that sorts by time: `rul_01jd3v…`, each kind its own type.
//!
//! The text is the prefix, an underscore and a ULID in lower case: 48 bits of milliseconds and 80 bits of chance in
//! Crockford's base 32 (<https://github.com/ulid/spec>). `FromStr` is the only way in from outside.

use crate::{Chance, Instant};
use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an id that begins with {prefix}_")]
pub struct IdError {
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
}

fn render(prefix: &str, at: Instant, chance: &dyn Chance) -> Box<str> {
    let mut noise = [0_u8; 16];
    chance.fill(&mut noise);
    let low = u128::from_be_bytes(noise) & ((1 << 80) - 1);
    let millis = u128::from(at.millis().max(0).unsigned_abs()) & ((1 << 48) - 1);
    let bits = (millis << 80) | low;
    let mut text = String::with_capacity(prefix.len() + 27);
    text.push_str(prefix);
    text.push('_');
    for place in (0..26).rev() {
        let five = usize::try_from((bits >> (place * 5)) & 31).unwrap_or_default();
        text.push(char::from(ALPHABET.get(five).copied().unwrap_or(b'0')));
    }
    text.into_boxed_str()
}

/// The chance of the first id of an instant.
struct NoChance;

impl Chance for NoChance {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn check(prefix: &'static str, text: &str) -> Result<Box<str>, IdError> {
    let body = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    let sound = body.is_some_and(|body| {
        body.len() == 26
            && body.bytes().all(|byte| ALPHABET.contains(&byte))
            && body.as_bytes().first().is_some_and(|first| *first <= b'7')
    });
    if sound { Ok(text.into()) } else { Err(IdError { prefix }) }
}

/// An id, and what it names: for whoever must say that there is no such thing.
pub trait Identifier: std::str::FromStr {
    /// The noun in people's words.
    const NOUN: &'static str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)+) => {$(
        impl Identifier for $name {
            const NOUN: &'static str = $noun;
        }

        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The prefix of this kind of id, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, made at `at`; later ids sort after earlier ones.
            #[must_use]
            pub fn new(at: Instant, chance: &dyn Chance) -> Self {
                Self(render($prefix, at, chance))
            }

            /// The first id that can be made at `at`: all of before sort below it.
            #[must_use]
            pub fn first(at: Instant) -> Self {
                Self(render($prefix, at, &NoChance))
            }

            /// The whole text, prefix and all.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check($prefix, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A person in a tenant.
    UserId = "usr", "user";
    /// A role of a tenant.
    RoleId = "rol", "role";
    /// One login on one device.
    SessionId = "ses", "session";
    /// A passkey (not its secret, which never leaves its authenticator).
    PasskeyId = "psk", "passkey";
    /// An API key (not the key itself).
    ApiKeyId = "key", "API key";
    /// A program that gets access tokens by OAuth 2.0.
    ClientId = "cli", "client";
    /// A row of the audit.
    AuditId = "aud", "audit entry";
    /// Something that happened.
    EventId = "evt", "event";
    /// A rule.
    RuleId = "rul", "rule";
    /// A rule held against stored events.
    BacktestId = "bkt", "backtest";
    /// Something that a tenant keeps: a contact, a lead, an opportunity, or one of a type of its own.
    RecordId = "rec", "record";
    /// A piece of work in the queue.
    JobId = "job", "job";
    /// A channel that notifications leave by.
    ChannelId = "chn", "channel";
    /// A message to somebody.
    MessageId = "msg", "message";
    /// A way to come in through a tenant's own identity provider.
    ConnectionId = "con", "connection";
    /// One way that a message took.
    DeliveryId = "dlv", "delivery";
    /// A letter of ours to a person.
    LetterId = "ltr", "letter";
    /// An invitation to join a tenant.
    InvitationId = "inv", "invitation";
    /// A link that opens something once (not its secret).
    TicketId = "tkt", "link";
    /// Something that somebody has to do.
    TaskId = "tsk", "task";
    /// What somebody said about a task.
    CommentId = "cmt", "comment";
    /// A plan by which events are raised.
    ScheduleId = "sch", "schedule";
    /// One time that a schedule came to, or was passed over.
    RunId = "run", "run";
    /// Where a tenant's events go outside.
    EndpointId = "end", "webhook endpoint";
    /// Where a provider's requests come in.
    SourceId = "src", "webhook source";
    /// A request that came in there.
    ReceiptId = "rcv", "webhook request";
    /// What was not delivered to an endpoint, sent there.
    ReplayId = "rpl", "webhook replay";
    /// A link by which a tenant's customer manages endpoints of their own (not its token).
    PortalLinkId = "ptl", "portal link";
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let early = RuleId::new(Instant::from_millis(1_700_000_000_000), &Fixed(255));
        let late = RuleId::new(Instant::from_millis(1_700_000_000_001), &Fixed(0));
        assert!(early < late);
        assert_eq!(early.as_str().parse::<RuleId>().unwrap(), early);
        assert_eq!(early.to_string(), "rul_01hf7yat00zzzzzzzzzzzzzzzz");
        let first = RuleId::first(Instant::from_millis(1_700_000_000_001));
        assert!(early < first && first <= late);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "rul_",
            "evt_01hf7yat00zzzzzzzzzzzzzzzz",
            "rul_01HF7YAT00ZZZZZZZZZZZZZZZZ",
            "rul_01hf7yat00zzzzzzzzzzzzzzz",
            "rul_81hf7yat00zzzzzzzzzzzzzzzz",
            "rul_01hf7yat00zzzzzzzzzzzzzzzu",
        ] {
            assert_eq!(text.parse::<RuleId>(), Err(IdError { prefix: "rul" }), "{text}");
        }
    }
}
