//! kill -9 in the middle of 200 events: nothing that got its 202 is lost, nothing is half done.

use crate::stage::OPTIONS;
use tests::{Signalbox, crash_round};

#[test]
fn a_kill_loses_nothing_that_was_promised() {
    let mut host = Signalbox::start(OPTIONS).unwrap();
    for round in 0..3 {
        let (again, seen) = crash_round(host, OPTIONS, &format!("crash{round}")).unwrap();
        eprintln!("round {round}: {seen:?}");
        assert!(seen.accepted > 0 && seen.stored >= seen.accepted);
        host = again;
    }
}
