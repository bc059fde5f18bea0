//! Spin's grammar of `allowed_outbound_hosts`.

use host::outbound::AllowList;

fn allows(entry: &str, url: &str) -> bool {
    let components = ["jobs".to_owned(), "auth".to_owned()];
    AllowList::parse([entry], &components).unwrap().allows(&url.parse().unwrap())
}

#[test]
fn what_is_allowed() {
    for (entry, url, expected) in [
        ("https://example.com", "https://example.com/a?b", true),
        ("https://example.com", "https://example.com:443/", true),
        ("https://example.com", "https://EXAMPLE.com/", true),
        ("https://example.com/", "https://example.com/", true),
        ("https://example.com", "http://example.com/", false),
        ("https://example.com", "https://example.com:8443/", false),
        ("https://example.com", "https://sub.example.com/", false),
        ("https://example.com", "https://example.com.evil.org/", false),
        ("https://example.com", "https://example.com@evil.org/", false),
        ("https://*.example.com", "https://a.example.com/", true),
        ("https://*.example.com", "https://a.b.example.com/", true),
        ("https://*.example.com", "https://example.com/", false),
        ("https://*.example.com", "https://badexample.com/", false),
        ("*://*:*", "http://anything.org:81/", true),
        ("*://*:*", "http://jobs.spin.internal/", true),
        ("*://example.com:*", "http://example.com:9/", true),
        ("http://*:8080", "http://x.org:8080/", true),
        ("http://*:8080", "http://x.org/", false),
        ("http://*", "http://x.org/", true),
        ("http://x.org:8000..8002", "http://x.org:8001/", true),
        ("http://x.org:8000..8002", "http://x.org:8002/", false),
        ("http://127.0.0.1:*", "http://127.0.0.1:3000/", true),
        ("http://127.0.0.1", "http://127.0.0.2/", false),
        ("http://127.0.0.1:80", "http://2130706433/", true), // the same address, as the URL standard reads it
        ("http://10.0.0.0/8:*", "http://10.1.2.3:99/", true),
        ("http://10.0.0.0/8", "http://10.1.2.3/", true),
        ("http://10.0.0.0/8", "http://11.1.2.3/", false),
        ("http://[::1]:3000", "http://[::1]:3000/", true),
        ("http://[::1]", "http://[::2]/", false),
        ("http://jobs.spin.internal", "http://jobs.spin.internal/tick", true),
        ("http://*.spin.internal", "http://auth.spin.internal/", true),
        ("http://*.spin.internal", "http://stranger.spin.internal/", false),
        ("http://*.spin.internal", "https://auth.spin.internal/", false),
        ("http://self", "http://example.com/", false),
    ] {
        assert_eq!(allows(entry, url), expected, "{entry} {url}");
    }
}

#[test]
fn the_application_itself() {
    for (entry, expected) in [
        ("http://self", true),
        ("*://*:*", true),
        ("http://self.alt", true),
        ("redis://self:1", false),
        ("http://example.com", false),
    ] {
        assert_eq!(AllowList::parse([entry], &[]).unwrap().allows_itself(), expected, "{entry}");
    }
}

#[test]
fn what_is_no_entry() {
    for entry in [
        "",
        "*",
        "example.com",
        "https://",
        "ht tp://x.org",
        "{http,https}://x.org",
        "https://x.org/path",
        "https://x.org:99/path",
        "https://a*b.org",
        "https://*.*.org",
        "https://x.org:port",
        "ftp://x.org",
        "https://*.1.2.3.4",
        "://x.org",
        "https://{a,b}",
    ] {
        let error = AllowList::parse([entry], &[]).expect_err(entry);
        assert!(error.starts_with(&format!("'{entry}'")), "{error}");
    }
}
