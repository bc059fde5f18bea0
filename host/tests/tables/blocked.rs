//! Which addresses are blocked.

use host::outbound::{Blocked, Network};

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

const PRIVATE: &[&str] = &[
    "0.0.0.0",
    "10.10.10.10",
    "100.64.1.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::f00d",
    "fdff::1",
    "fe80::1",
    "fec0::1",
    "2001:db8::1",
    "ff02::1",
    "ff05::2",
    "::ffff:10.10.10.10",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
];
const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "123.123.123.123",
    "172.32.0.1",
    "192.0.0.9",
    "192.0.0.10",
    "192.1.0.1",
    "100.128.0.1",
    "198.20.0.1",
    "2600::beef",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
];
const BESIDE: &[&str] = &[
    "224.0.0.1",
    "239.255.255.250",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "2002:7f00:1::",
    "2001::1",
    "2001:0:1::1",
    "ff0e::1",
    "::ffff:224.0.0.1",
];

#[test]
fn private_is_what_spin_calls_private() {
    let blocked = Blocked::parse(["private"]).unwrap();
    for address in PRIVATE {
        assert!(blocked.blocks(ip(address)), "{address}");
    }
    for address in PUBLIC.iter().chain(BESIDE) {
        assert!(!blocked.blocks(ip(address)), "{address}");
    }
}

#[test]
fn the_standard_blocks_what_leads_around_it() {
    let blocked = Blocked::standard();
    for address in PRIVATE.iter().chain(BESIDE) {
        assert!(blocked.blocks(ip(address)), "{address}");
    }
    for address in PUBLIC {
        assert!(!blocked.blocks(ip(address)), "{address}");
    }
}

#[test]
fn named_networks() {
    let blocked = Blocked::parse(["123.123.0.0/16", "2600:f00d::/32", "9.9.9.9"]).unwrap();
    for address in ["123.123.123.123", "::ffff:123.123.123.123", "2600:f00d::4", "9.9.9.9"] {
        assert!(blocked.blocks(ip(address)), "{address}");
    }
    for address in ["123.100.100.100", "2600:beef::1", "127.0.0.1", "9.9.9.8"] {
        assert!(!blocked.blocks(ip(address)), "{address}");
    }
    assert!(!Blocked::default().blocks(ip("127.0.0.1")));
    assert!(Blocked::parse(["0.0.0.0/0", "::/0"]).unwrap().blocks(ip("8.8.8.8")));
}

#[test]
fn allowing_private_ones_keeps_what_the_operator_named() {
    let blocked = Blocked::parse(["private", "10.9.0.0/16", "ff00::/8"]).unwrap().without_private();
    assert!(blocked.blocks(ip("10.9.1.1")));
    assert!(!blocked.blocks(ip("10.8.1.1")) && !blocked.blocks(ip("127.0.0.1")));
    assert!(!Blocked::standard().without_private().blocks(ip("224.0.0.1")));
}

#[test]
fn what_is_no_network() {
    for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/-1", "10.0.0.0/x"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
        assert!(Blocked::parse([text]).is_err(), "{text}");
    }
}
