//! How is a fault said in HTTP? One envelope, one table from kinds to statuses; causes go to the log, never to a client.

use crate::{log, oauth};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use kernel::{Fault, FieldFault, Kind, Permission, RequestId, Secret, Span};
use serde_json::json;

/// A fault on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    code: &'static str,
    message: String,
    fields: Vec<FieldFault>,
    retry_after: Option<Span>,
    /// A secret that the caller gets as one more of the details.
    handed: Option<Box<(&'static str, Secret<String>)>>,
    lacks: Option<Permission>,
    /// What the log says beside the message; for faults of ours.
    cause: Option<String>,
    /// Whether it is said as OAuth says it.
    oauth: bool,
}

/// Faults that belong to no area.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unspecific {
    /// Some fields are faulty.
    #[error("The request has fields that cannot be accepted; `details` names each.")]
    Fields(Vec<FieldFault>),
    /// The body is not JSON.
    #[error("The body is not JSON: {0}.")]
    NotJson(String),
    /// The body nests too deeply.
    #[error("The body nests deeper than 64 levels.")]
    Nesting,
    /// The body is larger than so many bytes.
    #[error("The body is larger than {0} bytes, the most that this route reads.")]
    TooLarge(usize),
    /// The content type is not the one that this route reads.
    #[error("This route reads {0}; say so in Content-Type.")]
    ContentType(&'static str),
    /// No such route.
    #[error("There is nothing at this path; /api/v1/openapi.json lists what there is.")]
    NoRoute,
    /// The route knows other methods.
    #[error("This path does not answer to that method; /api/v1/openapi.json lists those that it knows.")]
    Method,
    /// Something of the tenant's that is not there, or not the tenant's.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// No credential.
    #[error(
        "This route needs a credential: send `Authorization: Bearer` with an access token or an API key."
    )]
    NoCredential,
    /// The tenant that was named is not the credential's.
    #[error(
        "The tenant named in the path, in X-Tenant-ID or by the host name is not the tenant of this credential."
    )]
    TenantMismatch,
    /// The credential lacks a permission.
    #[error("This credential lacks the permission {0}.")]
    Permission(Permission),
    /// The credential is good from elsewhere only.
    #[error("This credential is not good from this address; its `networks` say from where.")]
    Address,
    /// A cookie came without its CSRF token.
    #[error("A change made with a session cookie needs the header X-CSRF-Token from /api/v1/auth/csrf.")]
    Csrf,
    /// A limit is used up.
    #[error("Too many requests: the limit is {limit} per {seconds} s. Wait {wait} s.")]
    Limit {
        /// How many are allowed.
        limit: u32,
        /// In how many seconds.
        seconds: i64,
        /// How long until the next window.
        wait: i64,
    },
    /// The resource changed since.
    #[error("The resource is at another version than If-Match says; fetch it again.")]
    Stale,
    /// An idempotency key came again with another request.
    #[error("This Idempotency-Key was used with another request; use a new key for a new request.")]
    IdempotencyMismatch,
    /// The first request with this key still runs.
    #[error(
        "The first request with this Idempotency-Key still runs, or was cut off before its answer was kept: look whether it was carried out."
    )]
    IdempotencyRunning,
    /// The internal token is wrong.
    #[error("This route is for the operator's own calls and needs the internal token.")]
    InternalToken,
    /// Ours.
    #[error("Something failed on our side; the request id names the entry in the log.")]
    Internal,
}

impl Fault for Unspecific {
    fn kind(&self) -> Kind {
        match self {
            Self::Fields(_) | Self::NotJson(_) | Self::Nesting => Kind::Invalid,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::ContentType(_) => Kind::Unsupported,
            Self::NoRoute | Self::NotFound(_) | Self::Method => Kind::NotFound,
            Self::NoCredential | Self::InternalToken => Kind::Unauthenticated,
            Self::TenantMismatch | Self::Permission(_) | Self::Address | Self::Csrf => Kind::Forbidden,
            Self::Limit { .. } => Kind::TooMany,
            Self::Stale => Kind::Stale,
            Self::IdempotencyMismatch => Kind::Unprocessable,
            Self::IdempotencyRunning => Kind::Conflict,
            Self::Internal => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "VALIDATION_ERROR",
            Self::NotJson(_) => "INVALID_JSON",
            Self::Nesting => "NESTING_TOO_DEEP",
            Self::TooLarge(_) => "BODY_TOO_LARGE",
            Self::ContentType(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::NoRoute => "NO_SUCH_ROUTE",
            Self::Method => "METHOD_NOT_ALLOWED",
            Self::NotFound(_) => "NOT_FOUND",
            Self::NoCredential => "UNAUTHENTICATED",
            Self::TenantMismatch => "TENANT_MISMATCH",
            Self::Permission(_) => "FORBIDDEN",
            Self::Address => "ADDRESS_NOT_ALLOWED",
            Self::Csrf => "CSRF_TOKEN_REQUIRED",
            Self::Limit { .. } => "RATE_LIMITED",
            Self::Stale => "PRECONDITION_FAILED",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::IdempotencyRunning => "IDEMPOTENCY_RUNNING",
            Self::InternalToken => "INTERNAL_TOKEN_REQUIRED",
            Self::Internal => "INTERNAL",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        if let Self::Fields(fields) = self { fields } else { &[] }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Limit { wait, .. } => Some(Span::seconds(*wait)),
            Self::IdempotencyRunning => Some(Span::seconds(1)),
            _ => None,
        }
    }

    fn lacks(&self) -> Option<Permission> {
        if let Self::Permission(permission) = self { Some(*permission) } else { None }
    }
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        let kind = fault.kind();
        let ours = kind == Kind::Internal;
        Self {
            kind,
            code: fault.code(),
            message: if ours { Unspecific::Internal.to_string() } else { fault.to_string() },
            fields: fault.fields().to_vec(),
            retry_after: fault.retry_after(),
            handed: fault.handed().map(|(name, secret)| Box::new((name, secret.clone()))),
            lacks: fault.lacks(),
            cause: ours.then(|| fault.to_string()),
            oauth: false,
        }
    }
}

impl Problem {
    /// A fault of some fields.
    #[must_use]
    pub fn fields(fields: Vec<FieldFault>) -> Self {
        Unspecific::Fields(fields).into()
    }

    /// A fault of one field.
    #[must_use]
    pub fn field(field: &str, message: impl std::fmt::Display) -> Self {
        Self::fields(vec![FieldFault::new(field, message)])
    }

    /// The same, said as RFC 6749, section 5.2, says errors.
    #[must_use]
    pub(crate) fn in_oauth(self) -> Self {
        Self { oauth: true, ..self }
    }

    /// What the caller may do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How long to wait, where waiting helps.
    pub(crate) const fn wait(&self) -> Option<Span> {
        self.retry_after
    }

    /// Writes the cause into the log, if it is a fault of ours.
    pub(crate) fn log(&self, request: &RequestId) {
        if let Some(cause) = &self.cause {
            log::fault(request, self.code, cause);
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Whether somebody was kept from something.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        matches!(self.kind, Kind::Unauthenticated | Kind::Forbidden)
    }

    /// The permission that was missing, where it was one.
    #[must_use]
    pub const fn lacks(&self) -> Option<Permission> {
        self.lacks
    }

    /// The whole envelope, as one member of a batch has it too.
    #[must_use]
    pub fn body(&self, request: Option<&RequestId>) -> serde_json::Value {
        let handed =
            self.handed.iter().map(|handed| json!({"field": handed.0, "message": handed.1.expose()}));
        let fields = self.fields.iter();
        let details: Vec<_> = fields
            .map(|fault| json!({"field": fault.field, "message": fault.message}))
            .chain(handed)
            .collect();
        let mut error = json!({"code": self.code, "message": self.message, "details": details});
        if let (Some(request), Some(object)) = (request, error.as_object_mut()) {
            object.insert("request_id".to_owned(), request.as_str().into());
        }
        json!({"error": error})
    }

    fn status(&self) -> StatusCode {
        if self.code == "METHOD_NOT_ALLOWED" {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        status_of(self.kind)
    }

    /// The answer, once the request's id is known. Faults of ours are logged here, once.
    pub(crate) fn respond(&self, request: &RequestId) -> Response {
        self.log(request);
        let body = if self.oauth { oauth::body(self) } else { self.body(Some(request)) };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_seconds_up()));
        }
        if self.kind == Kind::Unauthenticated {
            let challenge = if self.oauth { oauth::challenge(self) } else { r#"Bearer realm="signalbox""# };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// The one table from kinds to statuses.
pub(crate) const fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    /// Leaves the rendering to [`crate::answer`], which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}
