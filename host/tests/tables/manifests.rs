//! What the host reads of spin.toml, and what it refuses by name.

use std::path::Path;

use host::manifest::Manifest;
use host::runtime_config::RuntimeConfig;

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"a\"\n";
const COMPONENT: &str = "[component.c]\nsource = \"c.wasm\"\n";

fn refused(text: &str) -> String {
    Manifest::parse(text, "spin.toml").unwrap_err().to_string()
}

#[test]
fn a_whole_manifest_is_read() {
    let text = r#"
        spin_manifest_version = 2
        [application]
        name = "signalbox"
        version = "0.1.0"
        description = "events"
        authors = ["somebody"]
        [variables]
        token = { required = true, secret = true, description = "of the clock" }
        level = { default = "info" }
        [[trigger.http]]
        id = "one"
        route = "/api/..."
        component = "c"
        [[trigger.http]]
        route = { private = true }
        component = "c"
        [[trigger.cron]]
        component = "c"
        cron_expression = "*/5 * * * * *"
        [component.c]
        source = "c.wasm"
        description = "a component"
        allowed_outbound_hosts = ["https://{{ level }}.example.com"]
        sqlite_databases = ["default"]
        key_value_stores = ["default"]
        environment = { A = "b" }
        [component.c.variables]
        token = "{{ token }}"
        [component.c.build]
        command = "cargo build"
        watch = ["src/**/*.rs"]
    "#;
    let manifest = Manifest::parse(text, "spin.toml").unwrap();
    assert_eq!(manifest.trigger.http.len(), 2);
    assert_eq!(manifest.trigger.cron[0].cron_expression, "*/5 * * * * *");
    assert!(manifest.variables["token"].required && manifest.variables["token"].secret);
    assert!(manifest.component["c"].sqlite_databases.contains("default"));
}

#[test]
fn what_is_not_known_is_refused_by_name_and_line() {
    for (text, named) in [
        (format!("{HEAD}{COMPONENT}ai_models = [\"x\"]\n"), "ai_models"),
        (format!("{HEAD}{COMPONENT}files = [\"x\"]\n"), "files"),
        (format!("{HEAD}{COMPONENT}exclude_files = [\"x\"]\n"), "exclude_files"),
        (format!("{HEAD}{COMPONENT}[component.c.dependencies]\n"), "dependencies"),
        (format!("{HEAD}{COMPONENT}[[trigger.redis]]\ncomponent = \"c\"\n"), "redis"),
        (
            format!(
                "{HEAD}{COMPONENT}[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\nexecutor = \"wagi\"\n"
            ),
            "executor",
        ),
        (format!("{HEAD}targets = [\"x\"]\n"), "targets"),
        (format!("{HEAD}[variables]\nx = {{ defaul = \"y\" }}\n"), "defaul"),
    ] {
        let error = refused(&text);
        assert!(error.contains(named) && error.contains("line "), "{error}");
    }
}

#[test]
fn contradictions_are_refused() {
    for (text, named) in [
        (HEAD.replace('2', "1"), "spin_manifest_version"),
        (format!("{HEAD}[[trigger.http]]\nroute = \"/\"\ncomponent = \"nobody\"\n"), "nobody"),
        (
            format!("{HEAD}[[trigger.cron]]\ncron_expression = \"* * * * * *\"\ncomponent = \"nobody\"\n"),
            "nobody",
        ),
        (
            format!("{HEAD}{COMPONENT}[[trigger.http]]\nroute = {{ private = false }}\ncomponent = \"c\"\n"),
            "private = false",
        ),
        (format!("{HEAD}[component.c]\nsource = {{ url = \"https://x\", digest = \"y\" }}\n"), "source"),
        ("name = ".to_owned(), "line 1"),
    ] {
        let error = refused(&text);
        assert!(error.contains(named), "{named}: {error}");
        assert!(error.contains("Correct or remove"), "says what to do next: {error}");
    }
}

#[test]
fn the_runtime_configuration() {
    let text = "[sqlite_database.default]\ntype = \"spin\"\npath = \"data/a.db\"\n[outbound_networking]\nblock_networks = [\"private\", \"10.0.0.0/8\"]\n";
    let config = RuntimeConfig::parse(text, Path::new("/etc/signalbox/runtime.toml")).unwrap();
    assert_eq!(config.databases["default"].as_deref(), Some(Path::new("/etc/signalbox/data/a.db")));
    assert!(config.blocked.unwrap().blocks_private());
    for (text, named) in [
        ("[sqlite_database.default]\ntype = \"libsql\"\n", "libsql"),
        ("[key_value_store.default]\ntype = \"redis\"\n", "key_value_store"),
        ("[outbound_networking]\nblock_networks = [\"intern\"]\n", "intern"),
        ("[[client_tls]]\ncomponent_ids = []\n", "client_tls"),
    ] {
        let error = RuntimeConfig::parse(text, Path::new("runtime.toml")).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("runtime.toml"), "{error}");
    }
}

#[test]
fn cron_has_six_fields() {
    for (expression, good) in [
        ("*/10 * * * * *", true),
        ("0 0 3 * * MON", true),
        ("* * * * *", false),
        ("61 * * * * *", false),
        ("", false),
    ] {
        assert_eq!(host::cron::parse(expression).is_ok(), good, "{expression}");
    }
    let schedule = host::cron::parse("*/10 * * * * *").unwrap();
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    assert_eq!(host::cron::next(&schedule, at(1_000_000_003)), Some(at(1_000_000_010)));
    assert_eq!(host::cron::next(&schedule, at(1_000_000_010)), Some(at(1_000_000_020)));
}
