//! Which tenant is meant? The credential decides; the path, `X-Tenant-ID`, the host name and a login's body may each name a
//! tenant too, and all that do must name the same.
//!
//! Names are compared as text and never looked up, so a tenant that exists and one that does not give the same answer. None of
//! them lets anybody in: without a credential they say only where a login is meant to lead.

use crate::{Problem, Unspecific};
use http::{HeaderMap, Uri, header, uri::Authority};
use kernel::TenantId;

/// The tenants that a request names beside its credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// What a request names by the slug in its path, by its headers and by the host that it was sent to. Tenants' host names
    /// are those right below `domain`; an empty domain means that there are none.
    pub(crate) fn of(slug: Option<String>, headers: &HeaderMap, uri: &Uri, domain: &str) -> Self {
        // An X-Tenant-ID that is not even text names nobody's tenant.
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or("\u{0}").to_owned();
        let header = headers.get_all("x-tenant-id").iter().map(text);
        Self(slug.into_iter().chain(header).chain(by_host(headers, uri, domain)).collect())
    }
}

/// The tenant that the host name names, as the host told it: in the URI (`wasi:http` carries `Host` there), else in the header.
fn by_host(headers: &HeaderMap, uri: &Uri, domain: &str) -> Option<String> {
    if domain.is_empty() {
        return None;
    }
    let header = || headers.get(header::HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let authority = uri.authority().cloned().or_else(header)?;
    tenant_of(authority.host(), domain)
}

/// The slug in a host name right below `domain`: `acme-corp.example.com` below `example.com`. The domain itself, a name that
/// the product keeps for itself (`www`, `api`) and every other host name nobody.
fn tenant_of(host: &str, domain: &str) -> Option<String> {
    let plain = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let (host, domain) = (plain(host), plain(domain));
    let label = host.strip_suffix(&domain)?.strip_suffix('.')?;
    let kept =
        label.parse::<TenantId>().is_ok_and(|slug| !slug.is_platform() && TenantId::claim(label).is_err());
    (!kept && !label.is_empty()).then(|| label.to_owned())
}

/// The tenant that a request is about: the credential's, or without one the tenant that is named; `body` is the name in a
/// login's body. `None` if there is no credential and nothing names one.
///
/// # Errors
/// [`Unspecific::TenantMismatch`] if two of them differ.
pub(crate) fn resolve<'a>(
    names: &'a Names,
    body: Option<&'a str>,
    credential: Option<&'a TenantId>,
) -> Result<Option<&'a str>, Unspecific> {
    let named = names.0.iter().map(String::as_str).chain(body);
    let mut all = credential.map(TenantId::as_str).into_iter().chain(named);
    let first = all.next();
    if all.all(|name| Some(name) == first) { Ok(first) } else { Err(Unspecific::TenantMismatch) }
}

/// The same for a request without a credential, as a slug that can be looked up.
///
/// # Errors
/// `TENANT_MISMATCH`; a fault of `tenant` if the name is no slug.
pub(crate) fn meant(names: &Names, body: Option<&str>) -> Result<Option<TenantId>, Problem> {
    let named = resolve(names, body, None)?;
    named.map(|slug| slug.parse().map_err(|error| Problem::field("tenant", error))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const DOMAIN: &str = "example.com";
    const NOBODY: &str = "-";

    fn names(path: &str, header: &str, host: &str) -> Names {
        let given = |text: &str| (text != NOBODY).then(|| text.to_owned());
        let mut headers = HeaderMap::new();
        if let Some(value) = given(header) {
            headers.insert("x-tenant-id", value.parse().unwrap());
        }
        let host = given(host).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
        Names::of(given(path), &headers, &format!("http://{host}/").parse().unwrap(), DOMAIN)
    }

    #[test]
    fn every_combination_of_names() {
        let mut table = format!(
            "{:<10} {:<10} {:<10} {:<22} {:<10} outcome\n",
            "credential", "path", "header", "host", "body"
        );
        for credential in [NOBODY, "acme"] {
            for path in [NOBODY, "acme", "globex"] {
                for header in [NOBODY, "acme", "globex"] {
                    for host in [NOBODY, "acme.example.com", "globex.example.com", "www.example.com"] {
                        // A body names a tenant only where there is no credential yet.
                        for body in if credential == NOBODY { &[NOBODY, "acme"][..] } else { &[NOBODY] } {
                            let names = names(path, header, host);
                            let whose: Option<TenantId> = credential.parse().ok();
                            let body_name = (*body != NOBODY).then_some(*body);
                            let outcome = match resolve(&names, body_name, whose.as_ref()) {
                                Ok(Some(tenant)) => tenant.to_owned(),
                                Ok(None) => "nobody".to_owned(),
                                Err(error) => kernel::Fault::code(&error).to_owned(),
                            };
                            writeln!(
                                table,
                                "{credential:<10} {path:<10} {header:<10} {host:<22} {body:<10} {outcome}"
                            )
                            .unwrap();
                        }
                    }
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn every_spelling_of_a_host() {
        let mut table = String::new();
        for host in [
            "acme-corp.example.com",
            "ACME-corp.Example.COM",
            "acme-corp.example.com.",
            "acme-corp.example.com:8443",
            "acme-corp.example.com.:8443",
            "user@acme-corp.example.com",
            "platform.example.com",
            "example.com",
            "example.com.",
            "www.example.com",
            "api.example.com",
            "a.b.example.com",
            "-.example.com",
            "badexample.com",
            "acme-corp.example.com.evil.test",
            "acme-corp.example.org",
            "127.0.0.1:3000",
            "[::1]:3000",
            "auth.spin.internal",
        ] {
            let uri: Uri = format!("http://{host}/").parse().unwrap();
            let named = by_host(&HeaderMap::new(), &uri, DOMAIN);
            // The header says the same where the host put the name there.
            let headers: HeaderMap = [(header::HOST, host.parse().unwrap())].into_iter().collect();
            assert_eq!(by_host(&headers, &Uri::from_static("/"), DOMAIN), named, "{host}");
            assert_eq!(by_host(&headers, &uri, ""), None, "switched off");
            writeln!(table, "{host:<34} {}", named.as_deref().unwrap_or("nobody")).unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn two_headers_must_agree() {
        let mut headers = HeaderMap::new();
        headers.append("x-tenant-id", "acme".parse().unwrap());
        headers.append("x-tenant-id", "globex".parse().unwrap());
        let names = Names::of(None, &headers, &Uri::from_static("/"), "");
        let acme: TenantId = "acme".parse().unwrap();
        assert_eq!(resolve(&names, None, Some(&acme)), Err(Unspecific::TenantMismatch));
        let mut headers = HeaderMap::new();
        headers.append("x-tenant-id", http::HeaderValue::from_bytes(b"acme\xff").unwrap());
        let names = Names::of(None, &headers, &Uri::from_static("/"), "");
        assert_eq!(resolve(&names, None, Some(&acme)), Err(Unspecific::TenantMismatch));
    }

    #[test]
    fn what_a_login_names_must_be_a_slug() {
        assert_eq!(meant(&names("acme", NOBODY, NOBODY), Some("acme")).unwrap().unwrap().as_str(), "acme");
        assert!(meant(&names(NOBODY, NOBODY, NOBODY), None).unwrap().is_none());
        assert_eq!(meant(&names(NOBODY, "Acme", NOBODY), None).unwrap_err().code(), "VALIDATION_ERROR");
        assert_eq!(
            meant(&names("acme", NOBODY, NOBODY), Some("globex")).unwrap_err().code(),
            "TENANT_MISMATCH"
        );
    }
}
