//! How is a page for people said? HTML under a policy that lets nothing else in; faults are pages, too. No search engine keeps one.

use crate::{Problem, Unspecific, problem};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use kernel::{Kind, RequestId, Span};

/// A page on its way out.
#[derive(Debug)]
pub struct Page {
    html: String,
    policy: String,
    status: StatusCode,
    wait: Option<Span>,
    cookie: Option<String>,
}

impl Page {
    /// A page, and the `Content-Security-Policy` under which it is shown.
    #[must_use]
    pub fn new(html: String, policy: &str) -> Self {
        Self { html, policy: policy.to_owned(), status: StatusCode::OK, wait: None, cookie: None }
    }

    /// A page that tells of a fault, made by `render` of what the caller may do about it and of the words for it. A cause of ours goes
    /// to the log, under the request's id.
    #[must_use]
    pub fn of(
        problem: &Problem,
        request: &RequestId,
        policy: &str,
        render: impl FnOnce(Kind, &str) -> String,
    ) -> Self {
        problem.log(request);
        Self {
            status: problem::status_of(problem.kind()),
            wait: problem.wait(),
            ..Self::new(render(problem.kind(), problem.message()), policy)
        }
    }

    /// The same, with a `Set-Cookie`.
    #[must_use]
    pub fn with_cookie(self, cookie: String) -> Self {
        Self { cookie: Some(cookie), ..self }
    }

    /// Sends the browser on to another page, by GET: what was posted is not posted again when that page is loaded again.
    ///
    /// # Errors
    /// Ours: the place or the cookie is no header.
    pub fn elsewhere(path: &str, cookie: Option<String>) -> Result<Response, Problem> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let place = HeaderValue::from_str(path).map_err(|_| Unspecific::Internal)?;
        response.headers_mut().insert(header::LOCATION, place);
        decorated(response, cookie)
    }
}

fn decorated(mut response: Response, cookie: Option<String>) -> Result<Response, Problem> {
    let headers = response.headers_mut();
    if let Some(cookie) = cookie {
        let value = HeaderValue::from_str(&cookie).map_err(|_| Unspecific::Internal)?;
        headers.append(header::SET_COOKIE, value);
    }
    for (name, value) in [
        ("x-robots-tag", "noindex, nofollow"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.html));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // Without a policy of its own a page gets the one that stands on every answer, which allows nothing.
        if let Ok(policy) = HeaderValue::from_str(&self.policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if let Some(wait) = self.wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_seconds_up()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(r#"Bearer realm="webhook portal""#);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        decorated(response, self.cookie).unwrap_or_else(Problem::into_response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_page_with_its_status() {
        let request = RequestId::given("req_1").unwrap();
        let problem = Problem::from(Unspecific::Limit { limit: 1, seconds: 60, wait: 9 });
        let page =
            Page::of(&problem, &request, "default-src 'none'", |kind, words| format!("{kind:?} {words}"));
        let response = page.with_cookie("a=b".to_owned()).into_response();
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            [header("retry-after"), header("set-cookie"), header("x-robots-tag"), header("content-type")],
            ["9", "a=b", "noindex, nofollow", "text/html; charset=utf-8"]
        );
    }

    #[test]
    fn what_is_no_header_is_our_fault() {
        assert!(Page::elsewhere("/a\nb", None).is_err());
        assert_eq!(Page::elsewhere("/a", None).unwrap().status(), StatusCode::SEE_OTHER);
    }
}
