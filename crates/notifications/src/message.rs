//! What is somebody told, and how far is each way that it takes?

use crate::{ChannelKind, NotListed, NotificationError};
use kernel::{ChannelId, DeliveryId, EventId, FieldFault, Fields, Instant, JobId, MessageId};
use std::{fmt, str::FromStr};

/// The longest address of a recipient: what RFC 5321 allows for an e-mail address.
const RECIPIENT_MAX: usize = 320;
/// The longest title, in characters.
const TITLE_MAX: usize = 200;
/// The longest body, in characters.
const BODY_MAX: usize = 10_000;

/// Who is told: an address, such as a user's e-mail, as it was given and as it is looked up.
#[derive(Debug, Clone)]
pub struct Recipient {
    given: String,
    key: String,
}

impl Recipient {
    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The address in lower case: by it inboxes are found.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Recipient {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = text.trim();
        let length = given.chars().count();
        if !(1..=RECIPIENT_MAX).contains(&length) || given.chars().any(char::is_control) {
            return Err("must be an address of 1 to 320 characters, such as an e-mail address");
        }
        Ok(Self { given: given.to_owned(), key: given.to_lowercase() })
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Recipient {}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.given)
    }
}

/// A message to be written.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Whom to tell.
    pub recipient: String,
    /// What about, in a line.
    pub title: Option<String>,
    /// What.
    pub body: String,
    /// The name or id of the one channel to leave by, or `in_app` for the inbox alone; else by all active default ones.
    pub channel: Option<String>,
    /// The event that it came of.
    pub event_id: Option<EventId>,
    /// The job that makes it; the same job makes it once.
    pub job_id: Option<JobId>,
}

/// The checked text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Whom to tell.
    pub(crate) recipient: Recipient,
    /// What about, in a line.
    pub(crate) title: Option<String>,
    /// What.
    pub(crate) body: String,
}

impl NewMessage {
    /// Checks recipient, title and body. Control characters, which some ways out refuse, become spaces in the title
    /// and are dropped from the body, but for its tabs and ends of line.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn draft(&self) -> Result<Draft, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let recipient = fields.take("recipient", self.recipient.parse::<Recipient>());
        let title: Option<String> = self
            .title
            .as_ref()
            .map(|text| text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect());
        let title = title.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if title.as_ref().is_some_and(|text| text.chars().count() > TITLE_MAX) {
            fields.fault("title", "must be at most 200 characters");
        }
        let body: String = self
            .body
            .chars()
            .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'))
            .collect();
        if body.trim().is_empty() || body.chars().count() > BODY_MAX {
            fields.fault("message", "must be 1 to 10000 characters");
        }
        fields.give(recipient.map(|recipient| Draft { recipient, title, body }))
    }
}

/// Something that somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who is told.
    pub recipient: Recipient,
    /// What about, in a line.
    pub title: Option<String>,
    /// What.
    pub body: String,
    /// The event that it came of.
    pub event_id: Option<EventId>,
    /// The job that made it.
    pub job_id: Option<JobId>,
    /// When it was written.
    pub created_at: Instant,
    /// The ways that it takes, in the order in which they were laid.
    pub deliveries: Vec<Delivery>,
}

/// A message as its reader finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// The message's id.
    pub message_id: MessageId,
    /// What about, in a line.
    pub title: Option<String>,
    /// What.
    pub body: String,
    /// The event that it came of.
    pub event_id: Option<EventId>,
    /// When it came.
    pub created_at: Instant,
    /// Since when it is read.
    pub read_at: Option<Instant>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// Not tried yet.
    Queued,
    /// Tried in vain; will be tried again.
    Deferred,
    /// Taken by a provider that tells later what became of it.
    Sent,
    /// Arrived. The end.
    Delivered,
    /// Given up; a redriven job tries again.
    Failed,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Deferred, Self::Sent, Self::Delivered, Self::Failed];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Whether a delivery may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued | Self::Deferred | Self::Failed => !matches!(next, Self::Queued),
            Self::Sent => matches!(next, Self::Delivered | Self::Failed),
            Self::Delivered => false,
        }
    }
}

impl FromStr for DeliveryState {
    type Err = NotListed;
    fn from_str(text: &str) -> Result<Self, NotListed> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(NotListed("queued, deferred, sent, delivered, failed"))
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What became of an attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A provider took it and tells later what became of it.
    Sent,
    /// It arrived.
    Delivered,
    /// It will be tried again.
    Retrying {
        /// What went wrong, for people.
        words: String,
    },
    /// It was given up.
    Failed {
        /// What went wrong, for people.
        words: String,
    },
}

impl Outcome {
    /// The state that it leads to.
    #[must_use]
    pub const fn state(&self) -> DeliveryState {
        match self {
            Self::Sent => DeliveryState::Sent,
            Self::Delivered => DeliveryState::Delivered,
            Self::Retrying { .. } => DeliveryState::Deferred,
            Self::Failed { .. } => DeliveryState::Failed,
        }
    }
}

/// One way that a message takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; the idempotency key of what we send.
    pub id: DeliveryId,
    /// The message.
    pub message_id: MessageId,
    /// The kind of way.
    pub kind: ChannelKind,
    /// The channel, unless it is in-app.
    pub channel: Option<DeliveryChannel>,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong at the last attempt, if it did.
    pub last_error: Option<String>,
    /// The status that the other end gave at the last attempt, if it gave one.
    pub provider_status: Option<u16>,
    /// When it was laid.
    pub created_at: Instant,
    /// When its state changed last.
    pub updated_at: Instant,
}

/// The channel of a delivery, as it was called when the way was laid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryChannel {
    /// Its id; the channel may be gone.
    pub id: ChannelId,
    /// Its name at the time.
    pub name: String,
}

impl Delivery {
    /// The delivery after an attempt.
    ///
    /// # Errors
    /// [`NotificationError::Transition`] if its state does not lead there, as from delivered to failed.
    pub(crate) fn after(
        self,
        outcome: &Outcome,
        provider_status: Option<u16>,
        now: Instant,
    ) -> Result<Self, NotificationError> {
        let (from, to) = (self.state, outcome.state());
        if !from.may_become(to) {
            return Err(NotificationError::Transition { from, to });
        }
        let last_error = match outcome {
            Outcome::Sent | Outcome::Delivered => None,
            Outcome::Retrying { words } | Outcome::Failed { words } => Some(words.clone()),
        };
        Ok(Self {
            state: to,
            attempts: self.attempts.saturating_add(1),
            last_error,
            provider_status,
            updated_at: now,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    fn new(recipient: &str, title: Option<&str>, body: &str) -> NewMessage {
        NewMessage {
            recipient: recipient.to_owned(),
            title: title.map(str::to_owned),
            body: body.to_owned(),
            channel: None,
            event_id: None,
            job_id: None,
        }
    }

    fn delivery(state: DeliveryState) -> Delivery {
        Delivery {
            id: "dlv_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            message_id: "msg_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            kind: ChannelKind::Webhook,
            channel: Some(DeliveryChannel {
                id: "chn_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
                name: "Ops".to_owned(),
            }),
            state,
            attempts: 1,
            last_error: Some("was not reached".to_owned()),
            provider_status: Some(503),
            created_at: Instant::default(),
            updated_at: Instant::default(),
        }
    }

    #[test]
    fn a_recipient_is_the_same_in_any_case() {
        let one: Recipient = " Zoë@Example.com ".parse().unwrap();
        assert_eq!((one.as_str(), one.key()), ("Zoë@Example.com", "zoë@example.com"));
        assert_eq!(one, "ZOË@EXAMPLE.COM".parse().unwrap());
        for text in ["", "  ", "a\nb", &"x".repeat(321)] {
            assert!(text.parse::<Recipient>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_draft_tells_all_faults_at_once() {
        let long = new("", Some(&"t".repeat(201)), &"b".repeat(10_001));
        let faults = long.draft().unwrap_err();
        let faulty: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(faulty, ["recipient", "title", "message"]);
        assert!(new("a@example.com", None, " \u{0}\n").draft().is_err());
    }

    #[test]
    fn a_draft_is_free_of_control_characters() {
        let draft = new("a@example.com", Some("one\r\ntwo\u{1b}"), "a\u{0}b\r\n\tc").draft().unwrap();
        assert_eq!(draft.title.as_deref(), Some("one  two"));
        assert_eq!(draft.body, "ab\n\tc");
        assert_eq!(new("a@example.com", Some(" "), "b").draft().unwrap().title, None);
    }

    #[test]
    fn states_read_back() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("lost".parse::<DeliveryState>().is_err());
    }

    #[test]
    fn which_state_may_follow_which() {
        use DeliveryState::{Deferred, Delivered, Failed, Queued, Sent};
        for (from, wanted) in [
            (Queued, vec![Deferred, Sent, Delivered, Failed]),
            (Deferred, vec![Deferred, Sent, Delivered, Failed]),
            (Sent, vec![Delivered, Failed]),
            (Delivered, vec![]),
            (Failed, vec![Deferred, Sent, Delivered, Failed]),
        ] {
            let next: Vec<DeliveryState> =
                DeliveryState::ALL.into_iter().filter(|next| from.may_become(*next)).collect();
            assert_eq!(next, wanted, "{from}");
        }
    }

    #[test]
    fn an_attempt_changes_a_delivery() {
        let words = "answered 503".to_owned();
        let after = delivery(DeliveryState::Queued)
            .after(&Outcome::Retrying { words: words.clone() }, Some(503), NOW)
            .unwrap();
        assert_eq!(
            (after.state, after.attempts, after.last_error.clone(), after.updated_at),
            (DeliveryState::Deferred, 2, Some(words), NOW)
        );
        let done = after.after(&Outcome::Delivered, Some(200), NOW).unwrap();
        assert_eq!(
            (done.state, done.attempts, &done.last_error, done.provider_status),
            (DeliveryState::Delivered, 3, &None, Some(200))
        );
        assert!(matches!(done.after(&Outcome::Sent, None, NOW), Err(NotificationError::Transition { .. })));
    }
}
