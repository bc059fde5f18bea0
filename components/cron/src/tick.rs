//! How is the jobs component called, and what may go wrong with it?
//!
//! Where the runtime chains services for the cron trigger, the jobs component is `http://jobs.spin.internal`. Spin's own
//! cron trigger is a process beside the HTTP trigger and cannot: there the origin is the address of the application.

use std::fmt;
use wasip2::http::{
    outgoing_handler,
    types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme},
};

/// The jobs component, where the cron trigger chains services.
pub(crate) const CHAINED: &str = "http://jobs.spin.internal";
const PATH: &str = "/internal/jobs/tick";
/// The jobs component ends a tick by itself, long before this; after it the call is given up, in nanoseconds.
const PATIENCE: u64 = 120_000_000_000;

/// Why a tick did not happen.
pub(crate) enum Missed {
    /// The variable cannot be read, or is no origin. Left out, it is [`CHAINED`].
    Origin,
    /// The variable cannot be read, or no header can hold it.
    Token,
    /// The runtime has no answer for us.
    Runtime,
    /// The jobs component could not be reached, or broke off.
    Call(ErrorCode),
    /// The jobs component said no.
    Status(u16),
}

impl Missed {
    /// Stable; for those who watch the log.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Origin => "TICK_ORIGIN",
            Self::Token => "TICK_TOKEN",
            Self::Runtime => "TICK_RUNTIME",
            Self::Call(_) => "TICK_CALL",
            Self::Status(_) => "TICK_STATUS",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("The tick was missed: ")?;
        match self {
            Self::Origin => out.write_str(
                "the variable jobs_origin is unreadable or is no origin; set it to http://jobs.spin.internal or to the \
                 address that the application listens at, such as http://127.0.0.1:3000",
            ),
            Self::Token => out.write_str(
                "the variable internal_token is missing or no header can hold it; give the cron component the same as \
                 the jobs component",
            ),
            Self::Runtime => out.write_str("the runtime did not accept the request; its log may say why"),
            Self::Call(error) => write!(
                out,
                "the jobs component could not be called ({error}); see that jobs_origin is the right address, that \
                 allowed_outbound_hosts of the cron component has it, and that no blocked network holds it"
            ),
            Self::Status(401) => out.write_str(
                "the jobs component refused the token; give both components the same variable internal_token",
            ),
            Self::Status(status) => write!(out, "the jobs component answered {status}; its log says why"),
        }
    }
}

/// Asks the jobs component to run what is due, and waits until it has.
pub(crate) fn tick(origin: &str, token: &str) -> Result<(), Missed> {
    let (scheme, authority) = split(origin).ok_or(Missed::Origin)?;
    let bearer = format!("Bearer {token}").into_bytes();
    let headers = Fields::from_list(&[
        ("authorization".to_owned(), bearer),
        ("content-length".to_owned(), b"0".to_vec()),
    ]);
    let request = OutgoingRequest::new(headers.map_err(|_| Missed::Token)?);
    request.set_scheme(Some(&scheme)).map_err(|()| Missed::Origin)?;
    request.set_authority(Some(authority)).map_err(|()| Missed::Origin)?;
    let accepted = request.set_method(&Method::Post).and_then(|()| request.set_path_with_query(Some(PATH)));
    let body = accepted.and_then(|()| request.body()).map_err(|()| Missed::Runtime)?;

    let options = RequestOptions::new();
    // A runtime that knows no such limit keeps its own.
    let _: Result<(), ()> = options.set_first_byte_timeout(Some(PATIENCE));
    let answer = outgoing_handler::handle(request, Some(options)).map_err(Missed::Call)?;
    OutgoingBody::finish(body, None).map_err(Missed::Call)?;
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) if (200..300).contains(&response.status()) => Ok(()),
        Some(Ok(Ok(response))) => Err(Missed::Status(response.status())),
        Some(Ok(Err(error))) => Err(Missed::Call(error)),
        Some(Err(())) | None => Err(Missed::Runtime),
    }
}

fn split(origin: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = origin.trim().trim_end_matches('/').split_once("://")?;
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    (!rest.is_empty() && !rest.contains('/')).then_some((scheme, rest))
}
