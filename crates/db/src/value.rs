//! What can a column hold? An integer, a real, a text, bytes or nothing.

use kernel::{
    ApiKeyId, AuditId, BacktestId, ChannelId, ClientId, CommentId, ConnectionId, DeliveryId, EndpointId,
    EventId, Instant, InvitationId, JobId, LetterId, MessageId, PasskeyId, PortalLinkId, ReceiptId, RecordId,
    ReplayId, RoleId, RuleId, RunId, ScheduleId, SessionId, SourceId, TaskId, TenantId, TicketId, UserId,
};

/// One value of a column or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A 64-bit integer; also instants (milliseconds) and truth (0, 1).
    Integer(i64),
    /// A double.
    Real(f64),
    /// UTF-8.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// Nothing.
    Null,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl From<Instant> for Value {
    fn from(value: Instant) -> Self {
        Self::Integer(value.millis())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! texts {
    ($($name:ident),+ $(,)?) => {$(
        impl From<&$name> for Value {
            fn from(value: &$name) -> Self {
                Self::Text(value.as_str().to_owned())
            }
        }
    )+};
}

texts!(
    ApiKeyId,
    AuditId,
    BacktestId,
    ChannelId,
    ClientId,
    CommentId,
    ConnectionId,
    DeliveryId,
    EndpointId,
    ReplayId,
    PortalLinkId,
    EventId,
    InvitationId,
    JobId,
    LetterId,
    MessageId,
    PasskeyId,
    RecordId,
    RoleId,
    RuleId,
    RunId,
    ScheduleId,
    SourceId,
    ReceiptId,
    SessionId,
    TaskId,
    TenantId,
    TicketId,
    UserId,
);
