//! How instances are used again, and what happens when one breaks.

use crate::world::{World, manifest};

#[test]
fn one_instance_serves_many_requests() {
    let world = World::start(
        "reuse",
        &manifest("[]", ""),
        &["--max-instance-reuse-count", "3", "--idle-instance-timeout", "60s"],
    );
    let counts: Vec<String> = (0..5).map(|_| world.get("/count").body).collect();
    assert_eq!(counts, ["1", "2", "3", "1", "2"]);
}

#[test]
fn a_panic_is_an_empty_500_and_the_next_request_is_fine() {
    let world = World::start("panic", &manifest("[]", ""), &["--log-format", "json"]);
    assert_eq!(world.get("/count").body, "1");
    let broken = world.get("/panic");
    assert_eq!((broken.status, broken.body.as_str()), (500, ""));
    assert_eq!(world.get("/count").body, "1");
    let log = world.logged("asked to");
    let line = log.lines().find(|line| line.contains("asked to")).unwrap();
    assert!(line.contains(r#""component":"probe""#), "{line}");
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let world = World::start("timeout", &manifest("[]", ""), &["--request-timeout", "200ms"]);
    assert_eq!(world.get("/spin?5000").status, 504);
    assert_eq!(world.get("/count").body, "1");
}

#[test]
fn headers_of_the_host_come_last() {
    let world = World::start("headers", &manifest("[]", ""), &[]);
    let request = format!(
        "GET /headers HTTP/1.1\r\nhost: {}\r\nspin-client-addr: 6.6.6.6:6\r\nconnection: close\r\nx-odd: caf\u{e9}\r\n\r\n",
        world.address
    );
    let seen = world.send(&request).body;
    let addresses: Vec<&str> =
        seen.lines().filter_map(|line| line.strip_prefix("spin-client-addr: ")).collect();
    assert_eq!(addresses.len(), 2, "{seen}");
    assert_eq!(addresses[0], "6.6.6.6:6");
    assert!(addresses[1].starts_with("127.0.0.1:"));
    for line in [
        "spin-path-info: /headers",
        "spin-base-path: /",
        "spin-matched-route: /...",
        "spin-component-route: ",
    ] {
        assert!(seen.contains(line), "{line}\n{seen}");
    }
    assert!(seen.contains(&format!("spin-full-url: http://{}/headers", world.address)), "{seen}");
}

#[test]
fn lines_of_a_component_become_log_lines() {
    let world = World::start("lines", &manifest("[]", ""), &["--log-format", "json"]);
    world.post("/say", r#"{"level":"error","message":"hello","tenant":"acme","component":"forged"}"#);
    let log = world.logged("hello");
    let line = log.lines().find(|line| line.contains("hello")).unwrap();
    for part in [r#""level":"error""#, r#""tenant":"acme""#, r#""component":"probe""#] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("forged"));
}

#[test]
fn large_bodies_pass() {
    let world = World::start("bodies", &manifest("[]", ""), &[]);
    assert_eq!(world.post("/length", &"x".repeat(3_000_000)).body, "3000000");
}

#[test]
fn what_belongs_to_the_host() {
    let world = World::start("known", &manifest("[]", ""), &[]);
    assert_eq!(world.get("/.well-known/spin/health").body, "OK");
    assert!(world.get("/.well-known/spin/info").body.contains("\"version\": \"1.2.3\""));
    assert_eq!(world.get("/.well-known/spin/other").status, 404);
    let nameless = world.send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert_eq!((nameless.status, nameless.body.as_str()), (400, ""));
}
