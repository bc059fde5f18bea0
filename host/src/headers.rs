//! Which headers does a component see?
//!
//! The client's own come first, then Spin's are appended, so that of two headers with one name the last is the host's.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::route::Match;

/// Takes out what means something to the server only.
pub fn strip(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    let chained = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        host.split_once('.').is_some_and(|(_, rest)| rest == "spin.internal")
    });
    if chained {
        headers.remove(HOST);
    }
}

/// Appends Spin's headers.
pub fn append(headers: &mut HeaderMap, uri: &Uri, found: &Match, client: SocketAddr) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http"));
    let based = match found.route.strip_suffix('/') {
        Some(based) => based,
        None => &found.route,
    };
    let own = [
        ("spin-path-info", found.rest.as_str()),
        ("spin-full-url", &url),
        ("spin-matched-route", based),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", &found.route),
        ("spin-component-route", found.prefix()),
        ("spin-client-addr", &client.to_string()),
    ];
    let mut all = Vec::with_capacity(own.len());
    for (name, value) in own {
        all.push((HeaderName::from_static(name), value.to_owned()));
    }
    for (name, value) in &found.named {
        let name = format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase());
        if let Ok(name) = HeaderName::try_from(name) {
            all.push((name, value.clone()));
        }
    }
    for (name, value) in all {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
}
