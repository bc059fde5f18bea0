//! How do the OAuth endpoints read and say things? Forms, client credentials and errors as RFC 6749, 6750 and 7521 have
//! them, not as the rest of our interface does: libraries that know nothing of us speak to these routes.

use crate::{Problem, Unspecific, Visitor};
use auth::{ClientProof, Shown};
use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header};
use kernel::{Fault, Kind, Secret};
use serde_json::json;
use std::collections::BTreeMap;

/// The one kind of assertion that shows who a client is (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The codes of RFC 6749, 6750 and 7009 that a fault may have of itself, in capitals.
const OWN_CODES: [(&str, &str); 7] = [
    ("INVALID_REQUEST", "invalid_request"),
    ("INVALID_CLIENT", "invalid_client"),
    ("UNAUTHORIZED_CLIENT", "unauthorized_client"),
    ("UNSUPPORTED_GRANT_TYPE", "unsupported_grant_type"),
    ("INVALID_SCOPE", "invalid_scope"),
    ("UNSUPPORTED_TOKEN_TYPE", "unsupported_token_type"),
    ("FORBIDDEN", "insufficient_scope"),
];

/// A fault on its way to an OAuth client.
#[derive(Debug)]
pub struct OAuthProblem(Problem);

impl<F: Fault> From<F> for OAuthProblem {
    fn from(fault: F) -> Self {
        Self(Problem::from(fault).in_oauth())
    }
}

impl From<Problem> for OAuthProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.in_oauth())
    }
}

impl IntoResponse for OAuthProblem {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The name that the RFCs have for a fault.
fn name(problem: &Problem) -> &'static str {
    let own = OWN_CODES.iter().find(|(code, _)| *code == problem.code()).map(|(_, name)| *name);
    own.unwrap_or(match problem.kind() {
        Kind::Unauthenticated => "invalid_token",
        Kind::Forbidden => "access_denied",
        Kind::TooMany | Kind::Unavailable => "temporarily_unavailable",
        Kind::Internal => "server_error",
        Kind::Invalid
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Stale
        | Kind::TooLarge
        | Kind::Unsupported
        | Kind::Unprocessable => "invalid_request",
    })
}

/// RFC 6749, section 5.2. The description may hold neither quotes nor backslashes.
pub(crate) fn body(problem: &Problem) -> serde_json::Value {
    let words: String = problem.message().chars().filter(|sign| !matches!(sign, '"' | '\\')).collect();
    json!({"error": name(problem), "error_description": words})
}

/// What to show next time (RFC 6749, section 5.2; RFC 6750, section 3).
pub(crate) fn challenge(problem: &Problem) -> &'static str {
    match name(problem) {
        "invalid_client" => r#"Basic realm="signalbox", charset="UTF-8""#,
        _ => r#"Bearer realm="signalbox", error="invalid_token""#,
    }
}

fn malformed(words: &'static str) -> OAuthProblem {
    auth::GrantError::Request(words).into()
}

/// A body of `application/x-www-form-urlencoded`, each name once. A name without a value counts as left out (RFC 6749,
/// section 3.2), and names that a route does not know are of no account.
#[derive(Debug)]
pub struct Form(BTreeMap<String, Secret<String>>);

impl Form {
    /// Takes a value out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.secret(name).map(|value| value.expose().clone())
    }

    /// Takes a value out that nobody may see.
    pub fn secret(&mut self, name: &str) -> Option<Secret<String>> {
        self.0.remove(name)
    }

    fn read(bytes: &[u8]) -> Result<Self, OAuthProblem> {
        let mut all = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if !seen.insert(name.clone().into_owned()) {
                return Err(malformed("A parameter stands in the body twice."));
            }
            if !value.is_empty() {
                all.insert(name.into_owned(), Secret::new(value.into_owned()));
            }
        }
        Ok(Self(all))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = OAuthProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthProblem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(malformed(
                "The body must be application/x-www-form-urlencoded; say so in Content-Type.",
            ));
        }
        if request.uri().query().is_some() {
            // Queries end in logs.
            return Err(malformed("Parameters stand in the body, never in the query."));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Unspecific::Internal)?;
        Self::read(&bytes)
    }
}

/// Who calls an OAuth endpoint, by what it shows.
#[derive(Debug)]
pub enum Caller {
    /// A client, by its secret or signature; not checked yet.
    Client(ClientProof),
    /// Whoever bears the credential of the request.
    Bearer,
    /// Nobody shows anything.
    Nobody,
}

impl Caller {
    /// Finds the one credential that the request shows: by `Authorization`, or in the body.
    ///
    /// # Errors
    /// `invalid_request` if it shows two, or half of one; `invalid_client` if it cannot be anybody's.
    pub fn of(headers: &HeaderMap, visitor: &Visitor, form: &mut Form) -> Result<Self, OAuthProblem> {
        let basic = basic(headers)?;
        let named = form.take("client_id");
        let secret = form.secret("client_secret");
        let assertion = form.secret("client_assertion");
        let kind = form.take("client_assertion_type");
        let bearer = basic.is_none() && visitor.credential().is_some();
        let shown = [basic.is_some(), secret.is_some(), assertion.is_some(), bearer];
        if shown.into_iter().filter(|one| *one).count() > 1 {
            return Err(malformed("A client shows who it is in one way, not in two."));
        }
        let nobodys = || OAuthProblem::from(auth::GrantError::Client);
        let named_in_body = named.map(|text| text.parse()).transpose().map_err(|_| nobodys())?;
        if let Some((client, secret)) = basic {
            let client = client.parse().map_err(|_| nobodys())?;
            if named_in_body.is_some_and(|named| named != client) {
                return Err(malformed("client_id in the body names another client than Authorization."));
            }
            return Ok(Self::Client(ClientProof { client, shown: Shown::Secret(secret) }));
        }
        if let Some(assertion) = assertion {
            if kind.as_deref() != Some(JWT_BEARER) {
                return Err(malformed("client_assertion_type must name the JWT bearer of RFC 7523."));
            }
            let proof = ClientProof::by_assertion(named_in_body, assertion);
            return proof.map(Self::Client).ok_or_else(nobodys);
        }
        match (named_in_body, secret) {
            (Some(client), Some(secret)) => {
                Ok(Self::Client(ClientProof { client, shown: Shown::Secret(secret) }))
            }
            (None, Some(_)) => Err(malformed("client_secret stands there without client_id.")),
            (_, None) if bearer => Ok(Self::Bearer),
            (_, None) => Ok(Self::Nobody),
        }
    }
}

/// The id and the secret of `Authorization: Basic`, both form-encoded inside (RFC 6749, section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret<String>)>, OAuthProblem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (all.next(), all.next());
    if second.is_some() {
        return Err(malformed("Authorization stands there twice."));
    }
    let text = first.and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(' '));
    let Some((_, encoded)) = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else {
        return Ok(None);
    };
    let nobodys = || OAuthProblem::from(auth::GrantError::Client);
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| nobodys())?;
    let text = String::from_utf8(bytes).map_err(|_| nobodys())?;
    let (id, secret) = text.split_once(':').ok_or_else(nobodys)?;
    Ok(Some((decoded(id), Secret::new(decoded(secret)))))
}

fn decoded(text: &str) -> String {
    // An `&` or `=` cannot stand in a value that was encoded, and is kept as it is if it does.
    let plus = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plus.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// An error of RFC 6749, section 5.2.
#[derive(utoipa::ToSchema, serde::Serialize)]
pub struct OAuthFaultBody {
    /// `invalid_client`, `invalid_request`, `invalid_scope`, `unsupported_grant_type` and others.
    pub error: String,
    /// For people.
    pub error_description: String,
}

/// The answers that an OAuth route may give when it refuses.
#[derive(utoipa::IntoResponses)]
pub enum OAuthFaults {
    /// The request cannot be read, or asks for what it may not have.
    #[response(status = 400)]
    Invalid(OAuthFaultBody),
    /// The client, or the bearer, is not known.
    #[response(status = 401)]
    Unauthenticated(OAuthFaultBody),
    /// The credential lacks the permission, or is another tenant's.
    #[response(status = 403)]
    Forbidden(OAuthFaultBody),
    /// Wait for `Retry-After` seconds.
    #[response(status = 429)]
    TooMany(OAuthFaultBody),
    /// Something failed on our side.
    #[response(status = 500)]
    Internal(OAuthFaultBody),
    /// The system is busy; wait for `Retry-After` seconds.
    #[response(status = 503)]
    Unavailable(OAuthFaultBody),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(problem: OAuthProblem) -> String {
        body(&problem.0).to_string()
    }

    fn headers(basic: &str) -> HeaderMap {
        [(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)).parse().unwrap())]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_form_has_each_name_once_and_empty_is_left_out() {
        let mut form = Form::read(b"a=1&b=&c=x+y%2Bz&odd").unwrap();
        assert_eq!((form.take("a").as_deref(), form.take("b"), form.take("odd")), (Some("1"), None, None));
        assert_eq!(form.take("c").as_deref(), Some("x y+z"));
        for text in ["a=1&a=1", "a=1&a=", "a=&a="] {
            assert!(said(Form::read(text.as_bytes()).unwrap_err()).contains("invalid_request"), "{text}");
        }
    }

    #[test]
    fn basic_credentials_are_form_encoded_inside() {
        let (id, secret) = basic(&headers("cli%5Fx:a%20b+c%3A&d=")).unwrap().unwrap();
        assert_eq!((id.as_str(), secret.expose().as_str()), ("cli_x", "a b c:&d="));
        assert!(basic(&HeaderMap::new()).unwrap().is_none());
        assert!(said(basic(&headers("nothing")).unwrap_err()).contains("invalid_client"));
        let mut twice = headers("a:b");
        twice.append(header::AUTHORIZATION, "Bearer x".parse().unwrap());
        assert!(said(basic(&twice).unwrap_err()).contains("invalid_request"));
    }

    #[test]
    fn every_fault_has_a_name_of_the_rfcs() {
        for (problem, wanted) in [
            (OAuthProblem::from(auth::GrantError::Scope), "invalid_scope"),
            (auth::GrantError::Grant.into(), "unsupported_grant_type"),
            (auth::GrantError::Suspended.into(), "unauthorized_client"),
            (auth::AuthError::CredentialInvalid.into(), "invalid_token"),
            (Unspecific::Permission(kernel::Permission::TokensIntrospect).into(), "insufficient_scope"),
            (Unspecific::Limit { limit: 1, seconds: 1, wait: 1 }.into(), "temporarily_unavailable"),
            (Unspecific::Internal.into(), "server_error"),
            (Unspecific::TenantMismatch.into(), "access_denied"),
        ] {
            assert!(said(problem).contains(&format!(r#""error":"{wanted}""#)), "{wanted}");
        }
    }
}
