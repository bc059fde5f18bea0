//! Where may a program call from? A short list of networks, or anywhere.

use ipnet::IpNet;
use kernel::{FieldFault, Fields};
use std::{net::IpAddr, sync::Arc};

/// The most networks that one credential can name.
const MOST: usize = 20;

/// The networks that a credential is good from; none named means anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// Reads networks of CIDR notation (RFC 4632, RFC 4291), such as `192.0.2.0/24`; an address alone names itself.
    ///
    /// # Errors
    /// Every faulty one, as `field[place]`.
    pub fn new(field: &str, texts: &[String]) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        if texts.len() > MOST {
            fields.fault(field, format!("must name at most {MOST} networks"));
        }
        let networks: Vec<IpNet> = texts
            .iter()
            .enumerate()
            .filter_map(|(place, text)| {
                let network = read(text).ok_or("is not a network such as 192.0.2.0/24 or 2001:db8::/32");
                fields.take(&format!("{field}[{place}]"), network)
            })
            .collect();
        fields.done()?;
        Ok(Self(networks.into()))
    }

    /// Networks as they were written down; `None` if one does not read.
    pub(crate) fn stored(texts: &[String]) -> Option<Self> {
        let networks: Option<Vec<IpNet>> = texts.iter().map(|text| read(text)).collect();
        networks.map(|networks| Self(networks.into()))
    }

    /// The networks as text; empty for anywhere.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    /// Whether they say anything at all.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody at `address` is let in. Who calls from nowhere that is known is let in only if anybody is.
    #[must_use]
    pub fn admit(&self, address: Option<&str>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let address: Option<IpAddr> = address.and_then(|text| text.parse().ok());
        // ::ffff:192.0.2.1 is 192.0.2.1, whichever way the host listens.
        let address = address.map(|address| address.to_canonical());
        address.is_some_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }
}

fn read(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network: IpNet = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new("networks", &texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_list_lets_in_what_it_names() {
        let some = networks(&["192.0.2.7/24", "2001:db8::/32", "198.51.100.9"]);
        assert_eq!(
            some.texts().collect::<Vec<_>>(),
            ["192.0.2.0/24", "2001:db8::/32", "198.51.100.9/32"],
            "what stands behind the mask means nothing"
        );
        for (address, admitted) in [
            (Some("192.0.2.255"), true),
            (Some("::ffff:192.0.2.255"), true),
            (Some("192.0.3.1"), false),
            (Some("2001:db8:1::1"), true),
            (Some("198.51.100.9"), true),
            (Some("198.51.100.8"), false),
            (Some("somewhere"), false),
            (None, false),
        ] {
            assert_eq!(some.admit(address), admitted, "{address:?}");
        }
        assert!(Networks::default().admit(None) && networks(&[]).is_anywhere());
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let texts: Vec<String> = ["192.0.2.0/33", "10.0.0.0/8", "x"].map(str::to_owned).into();
        let faults = Networks::new("networks", &texts).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["networks[0]", "networks[2]"]);
        assert!(Networks::new("networks", &vec!["10.0.0.1".to_owned(); 21]).is_err());
    }
}
