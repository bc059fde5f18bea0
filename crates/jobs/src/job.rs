//! What is a job, and which states has it?
//!
//! `queued → leased → done | queued (retry at) | dead`, and `cancelled` from any state that has not ended. A queued job may
//! wait for another one, or for its lane. The CHECKs of migration 0016 repeat all that.

use crate::{
    Patience,
    order::{Lane, OnError, Run, Start, Terms, Waits},
    word::names,
};
use kernel::{EventId, Instant, JobId, RuleId, TenantId};

names! {
    /// What a job does.
    Kind {
        /// Makes a message, its inbox entry and a delivery per channel. No effect outside the database.
        SendNotification = "send_notification",
        /// Carries one delivery of a message to its channel.
        DeliverMessage = "deliver_message",
        /// Calls a URL that a rule names.
        HttpRequest = "http_request",
        /// Sends something to a webhook endpoint, signed.
        SendWebhook = "send_webhook",
        /// Raises another event. No effect outside the database.
        PublishEvent = "publish_event",
        /// Raises the event of a request that came to a webhook source. No effect outside the database.
        ReceiveWebhook = "receive_webhook",
        /// Moves a record to another status. No effect outside the database.
        UpdateStatus = "update_status",
        /// Makes a task. No effect outside the database.
        CreateTask = "create_task",
        /// Does nothing: that it is due is what those behind it wait for. No effect outside the database.
        Wait = "wait",
        /// Removes all that a tenant had. Only in the platform's queue.
        EraseTenant = "erase_tenant",
        /// Hands a letter of ours to the mail service.
        SendLetter = "send_letter",
        /// Removes a tenant's rows whose time is over, step by step.
        Retention = "retention",
        /// Takes a person out of all that is stored, step by step.
        ErasePerson = "erase_person",
        /// Holds a rule against stored events, step by step. No effect but its report.
        Backtest = "backtest",
        /// Gives the queue what was not delivered to a webhook endpoint, step by step.
        ReplayWebhooks = "replay_webhooks",
    }
}

names! {
    /// Where a job is.
    State {
        /// Waits until it is due.
        Queued = "queued",
        /// Somebody works on it, until the lease ends.
        Leased = "leased",
        /// Done.
        Done = "done",
        /// Given up; stays until it is redriven or its retention ends.
        Dead = "dead",
        /// Taken back.
        Cancelled = "cancelled",
    }
}

impl Kind {
    /// Whether the job touches nothing but our own database, so that it and its record are one transaction.
    #[must_use]
    pub const fn is_inside(self) -> bool {
        match self {
            Self::SendNotification
            | Self::PublishEvent
            | Self::ReceiveWebhook
            | Self::UpdateStatus
            | Self::CreateTask
            | Self::Wait => true,
            Self::DeliverMessage
            | Self::HttpRequest
            | Self::SendWebhook
            | Self::SendLetter
            | Self::Retention
            | Self::ErasePerson
            | Self::Backtest
            | Self::ReplayWebhooks
            | Self::EraseTenant => false,
        }
    }

    /// Whether the job is a chore of our own: many small transactions, one after the other, none of which holds the lock
    /// for long.
    #[must_use]
    pub const fn is_chore(self) -> bool {
        match self {
            Self::Retention
            | Self::ErasePerson
            | Self::Backtest
            | Self::ReplayWebhooks
            | Self::EraseTenant => true,
            Self::SendNotification
            | Self::PublishEvent
            | Self::ReceiveWebhook
            | Self::UpdateStatus
            | Self::CreateTask
            | Self::Wait
            | Self::DeliverMessage
            | Self::HttpRequest
            | Self::SendWebhook
            | Self::SendLetter => false,
        }
    }
}

/// A job that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id, made by whoever plans it.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: Kind,
    /// What it needs for that, as JSON text.
    pub payload: String,
    /// The event that it came from.
    pub event: Option<EventId>,
    /// The rule that wanted it, and the place of the action in it.
    pub rule: Option<(RuleId, u32)>,
    /// The job that made it.
    pub parent: Option<JobId>,
    /// When it may run first.
    pub start: Start,
    /// How often it is tried.
    pub patience: Patience,
    /// The trace that it belongs to.
    pub trace: String,
    /// Set where it cannot run at all (a template failed): it is born dead, with the reason.
    pub stillborn: Option<String>,
    /// How it stands to others.
    pub terms: Terms,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: Kind,
    /// Where it is.
    pub state: State,
    /// What it needs, as JSON text.
    pub payload: String,
    /// The event that it came from.
    pub event: Option<EventId>,
    /// The rule that wanted it.
    pub rule: Option<RuleId>,
    /// The place of the action in its rule.
    pub action: Option<u32>,
    /// What the rule calls the action.
    pub action_name: Option<String>,
    /// The job that made it.
    pub parent: Option<JobId>,
    /// When it may run, or ran last; `None` as long as another one holds it.
    pub due: Option<Instant>,
    /// What it waits for besides its time.
    pub waits: Option<Waits>,
    /// What becomes of those behind it when it is given up.
    pub on_error: OnError,
    /// The lane that it runs in.
    pub lane: Option<Lane>,
    /// Whether its payload is rendered only when it is claimed, with the results of those before it.
    pub is_late: bool,
    /// Whether others were laid behind it.
    pub is_followed: bool,
    /// Attempts begun, for ever.
    pub attempts: u32,
    /// Failures since the job was made or redriven.
    pub failures: u32,
    /// How often it is tried.
    pub patience: Patience,
    /// The last failure, in words.
    pub last_error: Option<String>,
    /// Why it was taken back.
    pub reason: Option<String>,
    /// The trace that it belongs to.
    pub trace: String,
    /// When it was made.
    pub created: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
}

impl Job {
    /// The run that it belongs to, if an event and a rule wanted it.
    #[must_use]
    pub fn run(&self) -> Option<Run> {
        Some(Run { event: self.event.clone()?, rule: self.rule.clone()? })
    }
}
