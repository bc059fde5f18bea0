//! Which words does everybody here say? Ids, instants, pages, secrets, principals and the kinds of fault.
//!
//! Nothing in this crate does I/O, reads a clock or draws a random number: time and chance arrive as arguments.

mod call;
mod fault;
mod id;
mod page;
mod permission;
mod person;
mod reach;
mod secret;
mod target;
mod tenant;
mod time;
mod zone;

pub use call::{Actor, Assurance, CONFIRMED_FOR, Call, Chance, Clock, Principal, RequestId, Trace};
pub use fault::{Fault, FieldFault, Fields, Kind};
pub use id::{
    ApiKeyId, AuditId, BacktestId, ChannelId, ClientId, CommentId, ConnectionId, DeliveryId, EndpointId,
    EventId, IdError, Identifier, InvitationId, JobId, LetterId, MessageId, PasskeyId, PortalLinkId,
    ReceiptId, RecordId, ReplayId, RoleId, RuleId, RunId, ScheduleId, SessionId, SourceId, TaskId, TicketId,
    UserId,
};
pub use page::{Cursor, Page, PageError, PageRequest};
pub use permission::{Permission, Permissions, UnknownPermission};
pub use person::Person;
pub use reach::{Bounded, Bounds, Grant, OutOfReach, Parts, Reach, ReachError};
pub use secret::Secret;
pub use target::{Target, TargetError, permitted};
pub use tenant::{TenantId, TenantIdError};
pub use time::{Instant, Span, TimeError};
pub use zone::{Meaning, Zone, ZoneError};
