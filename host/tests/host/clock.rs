//! Time: the cron trigger and the clock of tests.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::world::{World, manifest, probe};

#[test]
fn the_clock_calls_a_component() {
    let wasm = probe("cron_probe", "cron-guest");
    let more = format!(
        "[variables]\ntoken = {{ required = true, secret = true }}\n\
         [[trigger.cron]]\ncomponent = \"clock\"\ncron_expression = \"* * * * * *\"\n\
         [component.clock]\nsource = \"{}\"\nallowed_outbound_hosts = [\"http://other.spin.internal\"]\n\
         [component.clock.variables]\ntoken = \"{{{{ token }}}}\"\n",
        wasm.display()
    );
    let world = World::start(
        "cron",
        &manifest("[]", &more),
        &["--variable", "token=let-me-in", "--log-format", "json"],
    );
    let log = world.logged(" true\"");
    let tick = log.lines().find(|line| line.contains("\"message\":\"tick\"")).unwrap();
    assert!(tick.contains("\"component\":\"other\""), "{tick}");
    assert!(!log.contains("let-me-in"), "{log}");
}

#[test]
fn a_test_moves_the_wall_clock() {
    let world = World::start("moved", &manifest("[]", ""), &["--test-clock", "offset"]);
    let seen = || world.get("/now").body.parse::<i64>().unwrap();
    let real = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    assert!((seen() - real()).abs() < 5_000);
    for offset in [86_400_000, -3_600_000] {
        std::fs::write(world.directory.join("offset"), offset.to_string()).unwrap();
        assert!((seen() - real() - offset).abs() < 5_000);
    }
}
