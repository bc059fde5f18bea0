//! What a component's statements do.

use crate::world::{World, manifest};

fn world(name: &str) -> World {
    let world = World::start(name, &manifest("[]", ""), &["--state", "state"]);
    let made = world.post(
        "/sql",
        "PRAGMA journal_mode=WAL\nCREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL) STRICT",
    );
    assert_eq!(made.body, "[Value::Text(\"wal\")]\n\n");
    world
}

#[test]
fn a_dropped_connection_rolls_back() {
    let world = world("rollback");
    assert_eq!(world.get("/unfinished").body, "dropped");
    // The write lock is free again, and nothing was kept.
    let after = world.post("/sql", "BEGIN IMMEDIATE\nSELECT count(*) FROM t\nCOMMIT");
    assert_eq!(after.body, "\n[Value::Integer(0)]\n\n");
}

#[test]
fn errors_arrive_with_the_result() {
    let world = world("errors");
    let answer =
        world.post("/sql", "INSERT INTO t (v) VALUES (NULL)\nSELEC 1\nSELECT CAST(x'ff' AS TEXT)\nSELECT 1");
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines[0], "result: Error::Io(\"NOT NULL constraint failed: t.v\")");
    assert!(lines[1].starts_with("result: Error::Io(\"near \\\"SELEC\\\": syntax error"), "{}", lines[1]);
    assert!(lines[2].starts_with("result: Error::Io(\"the text in column 0 is not UTF-8"), "{}", lines[2]);
    assert_eq!(lines[3], "[Value::Integer(1)]");
}

#[test]
fn other_files_stay_out_of_reach() {
    let world = world("attach");
    let answer = world.post(
        "/sql",
        "ATTACH 'x.db' AS x\nVACUUM INTO 'y.db'\nATTACH ':memory:' AS m\nSELECT load_extension('x')",
    );
    let lines: Vec<&str> = answer.body.lines().collect();
    assert!(lines[0].contains("not authorized") && lines[1].contains("denied"), "{lines:?}");
    assert_eq!(lines[2], "");
    assert!(lines[3].contains("not authorized") || lines[3].contains("no such function"), "{lines:?}");
    assert!(!world.directory.join("y.db").exists());
}

#[test]
fn usual_settings_are_spins() {
    let world = world("settings");
    let answer = world
        .post("/sql", "PRAGMA foreign_keys\nPRAGMA busy_timeout=7\nPRAGMA busy_timeout\nPRAGMA synchronous");
    assert_eq!(
        answer.body,
        "[Value::Integer(1)]\n[Value::Integer(7)]\n[Value::Integer(7)]\n[Value::Integer(2)]\n"
    );
}

#[test]
fn writers_wait_for_one_another() {
    let world = world("writers");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(world.get("/insert").body, "stored");
                }
            });
        }
    });
    assert_eq!(world.post("/sql", "SELECT count(*) FROM t").body, "[Value::Integer(320)]\n");
}

#[test]
fn a_component_reaches_only_its_own_databases_and_stores() {
    let world = World::start("denied", &manifest(r#"["http://*.spin.internal"]"#, ""), &["--state", "state"]);
    assert_eq!(world.get("/pairs").body, r#"Ok(Some([49])) Ok(false) Ok(["a"]) Some(Error::AccessDenied)"#);
    let answer = world.post("/fetch", "http://other.spin.internal/sql");
    assert_eq!(answer.body, "200 open: Error::AccessDenied");
}

#[test]
fn without_a_state_directory_each_connection_is_alone() {
    let world = World::start("memory", &manifest("[]", ""), &[]);
    assert_eq!(
        world.post("/sql", "CREATE TABLE t (v)\nSELECT count(*) FROM t").body,
        "\n[Value::Integer(0)]\n"
    );
    assert!(world.post("/sql", "SELECT count(*) FROM t").body.contains("no such table"));
}

#[test]
fn comments_and_second_statements() {
    let world = world("comments");
    let answer = world.post("/sql", "SELECT 1; -- c\nSELECT 1; SELECT 2\n/* name */ SELECT 3");
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines[0], "[Value::Integer(1)]");
    // Spin ignores the second statement without a word; an error is found sooner.
    assert_eq!(lines[1], "result: Error::Io(\"Multiple statements provided\")");
    assert_eq!(lines[2], "[Value::Integer(3)]");
}
