//! Start and stop of the host.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::world::{World, command, manifest, read_answer};

fn refused(name: &str, manifest_text: &str, arguments: &[&str]) -> String {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("refused-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("spin.toml"), manifest_text).unwrap();
    let output = command(&directory, arguments).output().unwrap();
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing is ready");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_required_variable_without_a_value_refuses_the_start() {
    let text = manifest(
        "[]",
        "[variables]\ntoken = { required = true }\nother = { default = \"secret-default\" }\n",
    );
    let error = refused("variable", &text, &[]);
    assert!(error.contains("token") && error.contains("SPIN_VARIABLE_TOKEN"), "{error}");
    assert!(!error.contains("secret-default"), "{error}");
}

#[test]
fn two_hosts_cannot_share_a_state_directory() {
    let world = World::start("shared", &manifest("[]", ""), &["--state", "state"]);
    let output = command(&world.directory, &["--state", "state"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("Another Signalbox uses the state directory"), "{error}");
    assert!(error.contains(&format!("process {}", world.child.id())), "{error}");
}

#[test]
fn sigterm_lets_open_requests_end() {
    let mut world = World::start("drain", &manifest("[]", ""), &[]);
    let mut open = TcpStream::connect(&world.address).unwrap();
    let head = format!("POST /length HTTP/1.1\r\nhost: {}\r\ncontent-length: 4\r\n\r\nab", world.address);
    open.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    let status = Command::new("kill").args(["-TERM", &world.child.id().to_string()]).status().unwrap();
    assert!(status.success());
    world.logged("Stopping");
    open.write_all(b"cd").unwrap();
    let answer = read_answer(open);
    assert_eq!((answer.status, answer.body.as_str()), (200, "4"));
    assert!(world.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_kept_is_there_after_a_restart() {
    let world = World::start("kept", &manifest("[]", ""), &["--state", "state"]);
    world.post("/sql", "CREATE TABLE t (v)\nINSERT INTO t VALUES (1)");
    let directory = world.directory.clone();
    drop(world); // killed
    let world = World::again(directory, &["--state", "state"]);
    assert_eq!(world.post("/sql", "SELECT v FROM t").body, "[Value::Integer(1)]\n");
}
