//! Where may a component send requests?
//!
//! Spin's grammar of `allowed_outbound_hosts`: `<scheme>://<host>[:<port>]`, each of which may be `*`; the host may be a
//! name, `*.name`, an address, a network such as `10.0.0.0/8`, or `self`; the port may be a range such as `8000..9000`.

use std::net::IpAddr;

use http::Uri;
use url::Host;

use super::network::Network;

/// The domain of calls from component to component.
const CHAINED: &str = ".spin.internal";

/// A component's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// `None` for any.
    scheme: Option<String>,
    host: HostRule,
    ports: Ports,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    Any,
    Itself,
    /// Ends with this, which begins with a dot.
    Below(String),
    Exactly(Host),
    Within(Network),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ports {
    Any,
    /// From the first up to, not including, the second.
    Range(u32, u32),
}

impl AllowList {
    /// Parses the entries; templates must have been filled before. `*.spin.internal` stands for the given components.
    ///
    /// # Errors
    /// The entry that is wrong, and why.
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = &'a str>,
        components: &[String],
    ) -> Result<Self, String> {
        let mut list = Vec::new();
        for text in entries {
            let entry = Entry::parse(text).map_err(|why| format!("'{text}' {why}"))?;
            if entry.host == HostRule::Below(CHAINED.into()) {
                list.extend(components.iter().map(|component| Entry {
                    host: HostRule::Exactly(Host::Domain(format!("{component}{CHAINED}"))),
                    ..entry.clone()
                }));
            } else {
                list.push(entry);
            }
        }
        Ok(Self(list))
    }

    /// Whether a request to this absolute URI is allowed.
    pub fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        let Ok(host) = Host::parse(authority.host()) else { return false };
        let port = authority.port_u16().or_else(|| well_known(scheme));
        self.0.iter().any(|entry| {
            entry.scheme.as_deref().is_none_or(|allowed| allowed == scheme)
                && entry.host.allows(&host)
                && entry.ports.allow(port)
        })
    }

    /// Whether requests to the application itself are allowed.
    pub fn allows_itself(&self) -> bool {
        self.0.iter().any(|entry| {
            let scheme = entry.scheme.as_deref();
            matches!(scheme, None | Some("http" | "https"))
                && matches!(entry.host, HostRule::Any | HostRule::Itself)
        })
    }
}

/// The component that a URI such as `http://jobs.spin.internal/tick` names.
pub(super) fn chained_component(uri: &Uri) -> Option<&str> {
    let host = uri.authority()?.host();
    let component = host.strip_suffix(CHAINED)?;
    (!component.is_empty() && !component.contains('.')).then_some(component)
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("has no scheme; write for example https://example.com or *://*:*".into());
        };
        let (host, port) = split_port(rest)?;
        if scheme.is_empty() || (scheme != "*" && !scheme.chars().all(|c| c.is_ascii_alphabetic())) {
            return Err(format!("has the scheme '{scheme}'; only letters or * are allowed"));
        }
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostRule::parse(host)?,
            ports: Ports::parse(port, scheme)?,
        })
    }
}

fn split_port(rest: &str) -> Result<(&str, &str), String> {
    let Some((host, tail)) = rest.rsplit_once(':') else { return Ok((rest, "")) };
    if tail.is_empty() {
        return Ok((host, ""));
    }
    if HostRule::parse(rest).is_ok() {
        return Ok((rest, "")); // an IPv6 address or network
    }
    match tail.split_once('/') {
        Some((_, path)) if !path.is_empty() => Err("has a path".into()),
        Some((port, _)) => Ok((host, port)),
        None => Ok((host, tail)),
    }
}

impl HostRule {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if text.starts_with('{') {
            return Err("has a list of hosts, which Spin does not support".into());
        }
        if let Ok(network) = text.parse() {
            return Ok(Self::Within(network));
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.contains('/') {
            return Err("has a path".into());
        }
        if let Some(domain) = text.strip_prefix("*.") {
            return match Host::parse(domain) {
                Ok(Host::Domain(domain)) if !domain.contains('*') => Ok(Self::Below(format!(".{domain}"))),
                Ok(_) | Err(_) => Err("has a wildcard that is not followed by a domain".into()),
            };
        }
        if text.contains('*') {
            return Err("has a wildcard that is not the whole first label".into());
        }
        Host::parse(text).map(Self::Exactly).map_err(|e| format!("has the host '{text}': {e}"))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Exactly(exact), host) => exact == host,
            (Self::Within(network), Host::Ipv4(ip)) => network.contains(IpAddr::V4(*ip)),
            (Self::Within(network), Host::Ipv6(ip)) => network.contains(IpAddr::V6(*ip)),
            (Self::Below(_), Host::Ipv4(_) | Host::Ipv6(_))
            | (Self::Within(_), Host::Domain(_))
            | (Self::Itself, _) => false,
        }
    }
}

impl Ports {
    fn parse(text: &str, scheme: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u16>().map_err(|_| format!("has the port '{text}', which is no number"))
        };
        match text {
            "*" => Ok(Self::Any),
            "" => match well_known(scheme) {
                Some(port) => Ok(Self::one(port)),
                None => Err(format!("has no port, and the scheme '{scheme}' has none of its own")),
            },
            _ => match text.split_once("..") {
                Some((from, to)) => Ok(Self::Range(number(from)?.into(), number(to)?.into())),
                None => Ok(Self::one(number(text)?)),
            },
        }
    }

    fn one(port: u16) -> Self {
        Self::Range(port.into(), u32::from(port).saturating_add(1))
    }

    fn allow(self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Range(from, to), Some(port)) => (from..to).contains(&u32::from(port)),
            (Self::Range(..), None) => false,
        }
    }
}

fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}
