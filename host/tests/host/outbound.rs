//! Where a component's requests go.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::world::{World, manifest};

const ALLOWED: &str =
    r#"["http://other.spin.internal", "http://127.0.0.1:*", "http://localhost:*", "http://self"]"#;

/// A server on this machine that counts its connections and answers each request with the count.
fn receiver() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
                    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}").unwrap();
                }
            });
        }
    });
    port
}

#[test]
fn a_component_calls_another_inside_the_process() {
    let world = World::start("chained", &manifest(ALLOWED, ""), &[]);
    assert_eq!(world.post("/fetch", "http://other.spin.internal/count").body, "200 1");
    let seen = world.post("/fetch", "http://other.spin.internal/headers").body;
    assert!(
        seen.contains("spin-client-addr: 0.0.0.0:0") && seen.contains("spin-path-info: /headers"),
        "{seen}"
    );
    assert_eq!(world.post("/fetch", "http://other.spin.internal/panic").body, "500 ");
    // The component has no route of its own.
    assert_eq!(world.get("/other").status, 404);
    assert_eq!(world.post("/fetch", "http://self.alt/count").body, "200 1");
}

#[test]
fn what_is_not_listed_is_denied() {
    let world = World::start("denied-host", &manifest(ALLOWED, ""), &[]);
    for url in [
        "http://example.com/",
        "https://other.spin.internal/",
        "http://nobody.spin.internal/",
        "http://10.0.0.1/",
    ] {
        assert_eq!(world.post("/fetch", url).body, "error ErrorCode::HttpRequestDenied", "{url}");
    }
}

#[test]
fn this_machine_is_blocked_unless_the_operator_says_otherwise() {
    let port = receiver();
    let world = World::start("blocked", &manifest(ALLOWED, ""), &[]);
    for host in ["127.0.0.1", "localhost"] {
        let answer = world.post("/fetch", &format!("http://{host}:{port}/"));
        assert_eq!(answer.body, "error ErrorCode::DestinationIpProhibited");
    }
    let world = World::start("open", &manifest(ALLOWED, ""), &["--allow-private-outbound"]);
    world.logged("Components may reach private addresses");
    // Connections are kept: the receiver, which counts them, sees fewer than requests. Not always one, for the next request may come
    // before the connection is back.
    let seen: BTreeSet<String> =
        (0..20).map(|_| world.post("/fetch", &format!("http://127.0.0.1:{port}/")).body).collect();
    assert!(seen.len() < 20 && seen.iter().all(|body| body.starts_with("200 ")), "{seen:?}");
    let config = "[outbound_networking]\nblock_networks = [\"127.0.0.1/32\"]\n";
    std::fs::write(world.directory.join("runtime.toml"), config).unwrap();
    let directory = world.directory.clone();
    drop(world);
    let world =
        World::again(directory, &["--runtime-config-file", "runtime.toml", "--allow-private-outbound"]);
    assert_eq!(
        world.post("/fetch", &format!("http://127.0.0.1:{port}/")).body,
        "error ErrorCode::DestinationIpProhibited"
    );
}

#[test]
fn errors_of_the_network_have_codes() {
    let world = World::start("codes", &manifest(r#"["*://*:*"]"#, ""), &["--allow-private-outbound"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(
        world.post("/fetch", &format!("http://127.0.0.1:{free}/")).body,
        "error ErrorCode::ConnectionRefused"
    );
    assert!(
        world.post("/fetch", "http://no-such-host.invalid/").body.starts_with("error ErrorCode::DnsError")
    );
    assert_eq!(
        world.post("/fetch", "http://nobody.spin.internal/").body,
        "error ErrorCode::DestinationNotFound"
    );
}
