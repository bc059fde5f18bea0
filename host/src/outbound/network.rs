//! Which addresses may nobody reach?
//!
//! Networks in CIDR form, and Spin's word "private": every address that is not routable in the global internet. An IPv6
//! address that carries an IPv4 address is judged by both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Networks that "private" does not cover and that lead to private ones all the same: multicast, NAT64, 6to4, Teredo.
pub const BESIDE_PRIVATE: [&str; 5] = ["224.0.0.0/4", "64:ff9b::/96", "2002::/16", "2001::/32", "ff00::/8"];

const PRIVATE_4: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
];
const PRIVATE_6: [&str; 6] = ["::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "2001:db8::/32"];
/// The two addresses of 192.0.0.0/24 that are routed.
const ROUTED: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 9), Ipv4Addr::new(192, 0, 0, 10)];

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies in it; the two families never mix here.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32_u32.saturating_sub(self.bits.into());
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128_u32.saturating_sub(self.bits.into());
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr =
            address.parse().map_err(|_| format!("'{text}' is no network such as 10.0.0.0/8"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => match bits.parse() {
                Ok(bits) if bits <= most => bits,
                Ok(_) | Err(_) => return Err(format!("'{text}' has no prefix between 0 and {most}")),
            },
        };
        Ok(Self { address, bits })
    }
}

/// The networks that no component reaches, whatever its allow list says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocked {
    networks: Vec<Network>,
    private: bool,
}

impl Blocked {
    /// From the words of `block_networks`.
    ///
    /// # Errors
    /// The word that is neither a network nor "private".
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut blocked = Self::default();
        for word in words {
            if word == "private" {
                blocked.private = true;
            } else {
                blocked.networks.push(word.parse()?);
            }
        }
        Ok(blocked)
    }

    /// Private networks and those beside them: what `signalbox up` blocks unless it is told otherwise.
    pub fn standard() -> Self {
        Self { networks: BESIDE_PRIVATE.iter().filter_map(|text| text.parse().ok()).collect(), private: true }
    }

    /// The same without private networks.
    #[must_use]
    pub fn without_private(mut self) -> Self {
        self.networks.retain(|network| !BESIDE_PRIVATE.iter().any(|text| text.parse() == Ok(*network)));
        self.private = false;
        self
    }

    /// Whether private networks are blocked.
    pub fn blocks_private(&self) -> bool {
        self.private
    }

    /// Whether this address is blocked.
    pub fn blocks(&self, address: IpAddr) -> bool {
        if self.networks.iter().any(|network| network.contains(address))
            || (self.private && is_private(address))
        {
            return true;
        }
        match address {
            IpAddr::V4(_) => false,
            // Both the mapped (::ffff:10.0.0.1) and the compatible (::10.0.0.1) form.
            IpAddr::V6(address) => address.to_ipv4().is_some_and(|inner| self.blocks(IpAddr::V4(inner))),
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    let within = |table: &[&str]| {
        table.iter().filter_map(|text| text.parse::<Network>().ok()).any(|network| network.contains(address))
    };
    match address {
        IpAddr::V4(address) => !ROUTED.contains(&address) && within(&PRIVATE_4),
        IpAddr::V6(address) => within(&PRIVATE_6) || is_narrow_multicast(address),
    }
}

/// Whether it is a multicast address of less than global scope (RFC 4291, section 2.7).
fn is_narrow_multicast(address: Ipv6Addr) -> bool {
    let first = address.to_bits() >> 112;
    (first >> 8) == 0xff && (first & 0xf) != 0xe
}
