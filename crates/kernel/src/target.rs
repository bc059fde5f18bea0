//! May a request be sent to this address? Only to a public host over HTTP, unless the operator allows private ones.
//!
//! The URL is read as browsers read it (<https://url.spec.whatwg.org/>), so that `0x7f.1`, `2130706433` and
//! `127.0.0.1` are one host here as they are for whoever sends it. What a name resolves to is checked by the runtime's
//! block of networks, at the time of sending; here are the addresses that need no resolving.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};
use url::{Host, Url};

/// The longest address, in bytes.
const LENGTH_MAX: usize = 2048;

/// Why nothing may be sent to an address; the end of a sentence that begins with the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No URL at all.
    #[error("is not a URL; write it in full, such as https://example.com/hook")]
    NotUrl,
    /// Too long.
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// Another scheme.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// `user:password@`.
    #[error("must not carry a user or password; put credentials into a header")]
    UserInfo,
    /// `#…`, which is never sent.
    #[error("must not have a fragment (#…), which is never sent")]
    Fragment,
    /// A name by which components reach each other.
    #[error("names a host inside this installation, where nothing may be sent")]
    Inside,
    /// A host or address that is not on the public internet.
    #[error(
        "names a private host or address; use a public one, or ask the operator to set allow_private_outbound"
    )]
    Private,
}

/// An address that may be sent to. It can carry tokens: shown only masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Whether a request may go to `url` at all, as far as the text of the address tells.
///
/// # Errors
/// [`TargetError`] says why not.
pub fn permitted(url: &str, allow_private: bool) -> Result<(), TargetError> {
    Target::parse(url, allow_private).map(drop)
}

impl Target {
    /// Reads and checks an address; with `allow_private` (the operator's `allow_private_outbound`) also private ones.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, TargetError> {
        if text.len() > LENGTH_MAX {
            return Err(TargetError::TooLong);
        }
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '\\') {
            return Err(TargetError::NotUrl);
        }
        let url = Url::parse(text).map_err(|_| TargetError::NotUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let public = match url.host().ok_or(TargetError::NotUrl)? {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                if is_inside(name) {
                    return Err(TargetError::Inside);
                }
                is_public_name(name)
            }
            Host::Ipv4(address) => is_public_v4(address),
            Host::Ipv6(address) => is_public_v6(address),
        };
        if public || allow_private { Ok(Self(url)) } else { Err(TargetError::Private) }
    }

    /// The whole address, tokens and all.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// What may be shown: `https://hooks.slack.com/…`.
    #[must_use]
    pub fn masked(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}/…", self.0.scheme())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked())
    }
}

fn is_or_below(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The names by which Spin chains components.
fn is_inside(name: &str) -> bool {
    name == "self" || is_or_below(name, "spin.internal")
}

/// Zones that never lead to the public internet (RFC 6761, RFC 8375, ICANN's `internal`), and names without a dot.
fn is_public_name(name: &str) -> bool {
    const PRIVATE: [&str; 7] =
        ["localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa"];
    name.contains('.') && !PRIVATE.iter().any(|zone| is_or_below(name, zone))
}

/// Outside of IANA's special-purpose registry (<https://www.iana.org/assignments/iana-ipv4-special-registry>).
fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 31, 196, 0], 24),
        ([192, 52, 193, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 3),
    ];
    let bits = address.to_bits();
    !SPECIAL.iter().any(|(network, length)| same_prefix_v4(bits, u32::from_be_bytes(*network), *length))
}

const fn same_prefix_v4(one: u32, other: u32, length: u32) -> bool {
    (one ^ other).leading_zeros() >= length
}

/// Global unicast (2000::/3) outside of IANA's special-purpose registry. All that embed an IPv4 address are refused:
/// mapped and compatible ones, NAT64, 6to4 and Teredo.
fn is_public_v6(address: Ipv6Addr) -> bool {
    const GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    const SPECIAL: [(Ipv6Addr, u32); 4] = [
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    let within = |(network, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= *length
    };
    within(&GLOBAL) && !SPECIAL.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Result<&str, TargetError>) {
        let got = Target::parse(text, false).map(|target| target.masked());
        assert_eq!(got, wanted.map(str::to_owned), "{text}");
    }

    #[test]
    fn public_addresses_are_allowed_and_shown_masked() {
        for (text, shown) in [
            ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/…"),
            ("HTTP://Example.COM:8080/a?token=1", "http://example.com:8080/…"),
            ("https://example.com:443", "https://example.com/…"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/…"),
            ("https://selfie.example/", "https://selfie.example/…"),
            ("https://notlocalhost.example/", "https://notlocalhost.example/…"),
            ("https://8.8.8.8/", "https://8.8.8.8/…"),
            ("https://172.15.255.255/", "https://172.15.255.255/…"),
            ("https://172.32.0.1/", "https://172.32.0.1/…"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/…"),
            ("https://[2001:4860:4860::8888]/", "https://[2001:4860:4860::8888]/…"),
        ] {
            check(text, Ok(shown));
        }
    }

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        for text in [
            // loopback
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://127.255.255.254/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7F.1/",
            "http://0x7f.0x0.0x0.0x1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://0177.0x0.1/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
            "http://①②⑦.⓪.⓪.①/",
            "http://127。0。0。1/",
            "http://[::1]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[0000::0001]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001::1]/",
            // "this host"
            "http://0/",
            "http://0.0.0.0/",
            "http://0x0/",
            "http://[::]/",
            // private networks
            "http://10.0.0.1/",
            "http://167772161/",
            "http://012.0.0.1/",
            "http://0xa.1/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://0xC0A80101/",
            "http://3232235777/",
            "http://100.64.0.1/",
            "http://[fc00::1]/",
            "http://[fd12:3456::1]/",
            // link-local, with the cloud's metadata
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[fe80::1]/",
            "http://[::ffff:a9fe:a9fe]/",
            // multicast, reserved, documentation, benchmarks
            "http://224.0.0.1/",
            "http://239.255.255.250/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://198.18.0.1/",
            "http://192.0.2.1/",
            "http://198.51.100.7/",
            "http://203.0.113.9/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
            "http://[::ffff:8.8.8.8]/",
            // names
            "http://localhost/",
            "http://LOCALHOST:3000/",
            "http://localhost./",
            "http://loc%61lhost/",
            "http://app.localhost/",
            "http://localhost.localdomain/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://router.home.arpa/",
            "http://intranet/",
        ] {
            check(text, Err(TargetError::Private));
            assert!(Target::parse(text, true).is_ok(), "{text} with private ones allowed");
        }
    }

    #[test]
    fn the_inside_is_refused_even_where_private_ones_are_allowed() {
        for text in [
            "http://self/",
            "http://SELF/x",
            "http://self./",
            "http://jobs.spin.internal/internal/jobs/tick",
            "http://jobs.Spin.Internal./",
            "http://spin.internal/",
            "http://jobs.spin%2einternal/",
        ] {
            check(text, Err(TargetError::Inside));
            assert_eq!(Target::parse(text, true), Err(TargetError::Inside), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, wanted) in [
            ("", TargetError::NotUrl),
            ("example.com/hook", TargetError::NotUrl),
            ("https://", TargetError::NotUrl),
            ("https:// example.com", TargetError::NotUrl),
            (" https://example.com", TargetError::NotUrl),
            ("https://exam\nple.com", TargetError::NotUrl),
            ("https:\\\\example.com", TargetError::NotUrl),
            ("https://1.2.3.4.5/", TargetError::NotUrl),
            ("https://[fe80::1%25eth0]/", TargetError::NotUrl),
            ("https://example.com:99999/", TargetError::NotUrl),
            ("ftp://example.com/", TargetError::Scheme),
            ("file:///etc/passwd", TargetError::Scheme),
            ("javascript:alert(1)", TargetError::Scheme),
            ("https://user@example.com/", TargetError::UserInfo),
            ("https://:secret@example.com/", TargetError::UserInfo),
            ("https://example.com@127.0.0.1/", TargetError::UserInfo),
            ("https://example.com/#x", TargetError::Fragment),
        ] {
            check(text, Err(wanted));
        }
        let long = format!("https://example.com/{}", "x".repeat(2048));
        check(&long, Err(TargetError::TooLong));
    }

    #[test]
    fn a_token_is_not_printed() {
        let target = Target::parse("https://example.com/secret?token=1", false).unwrap();
        assert_eq!(format!("{target:?}"), "https://example.com/…");
    }
}
