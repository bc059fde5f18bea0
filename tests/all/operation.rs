//! How does the program start and stop? Once made ready, quick the second time, and never with half an answer.

use crate::stage::{OPTIONS, Stage, event_for, fresh, get, id, post};
use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, time::Duration};
use tests::Signalbox;

#[test]
fn a_second_start_finds_everything_and_is_quick() {
    let stage = Stage::own();
    let event = id(&post(&stage.client(), "/api/v1/events", &event_for(&fresh("o"), "Kept"), 202));
    let before = stage.host.credentials().unwrap();
    let Stage { host, .. } = stage;
    let state = host.kill();
    let again = Stage::of_host(Signalbox::start_on(state, OPTIONS).unwrap());
    assert!(again.host.started_in < Duration::from_secs(2), "took {:?}", again.host.started_in);
    let after = again.host.credentials().unwrap();
    assert_eq!((before.password, before.api_key), (after.password, after.api_key));
    assert_eq!(get(&again.client(), &format!("/api/v1/events/{event}"))["id"], event.as_str());
    let rules = get(&again.client(), "/api/v1/automation/rules?trigger_id=high_value_opportunity");
    assert_eq!(crate::stage::data(&rules).len(), 1, "the seeds come once: {rules}");
}

#[test]
fn the_doctor_finds_a_sound_installation_sound_and_a_careless_one_not() {
    let Stage { host, .. } = Stage::own();
    let state = host.kill();
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let examine = || {
        let mut doctor = Command::new(format!("{root}/target/release/signalbox"));
        doctor.current_dir(root).arg("doctor").arg("--state").arg(state.path()).output().unwrap()
    };
    let sound = examine();
    let said = String::from_utf8(sound.stdout).unwrap();
    assert!(sound.status.success(), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 6, "{said}");
    let secrets = state.path().join("secrets.toml");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    let careless = examine();
    let said = String::from_utf8(careless.stdout).unwrap();
    assert!(!careless.status.success() && said.contains("chmod 600"), "{said}");
}

#[test]
fn it_stops_cleanly_when_it_is_told_to() {
    let Stage { host, .. } = Stage::own();
    let (ended_well, _) = host.terminate(Duration::from_secs(20)).unwrap();
    assert!(ended_well);
}

#[test]
fn secrets_are_for_their_owner_only() {
    let stage = Stage::own();
    let state = stage.host.state();
    let mut looked_at = 0;
    for entry in fs::read_dir(state.path()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let about = entry.metadata().unwrap();
        // The log is ours, not the program's.
        if about.is_file() && name != "test.log" {
            assert_eq!(about.permissions().mode() & 0o077, 0, "{name} can be read by others");
            looked_at += 1;
        }
    }
    assert!(looked_at > 1);
    let log = stage.host.log();
    let owner = stage.host.credentials().unwrap();
    assert!(
        !log.contains(&owner.password) && !log.contains(&owner.api_key),
        "the log holds a secret:\n{log}"
    );
}

#[test]
fn a_state_directory_has_one_program() {
    let stage = Stage::own();
    let refused = Signalbox::start_on(stage.host.state(), OPTIONS).err().expect("the directory is taken");
    assert!(refused.to_string().contains("state directory"), "{refused}");
    assert_eq!(stage.host.client().get("/health/live").unwrap().status, 200);
}

#[test]
fn a_first_start_that_was_broken_off_is_taken_up() {
    let Stage { host, .. } = Stage::own();
    let before = host.credentials().unwrap();
    let (password, (_, platform)) = (before.password, before.platform);
    let state = host.kill();
    // As a kill between the tenant's commit and the writing of the credentials leaves it.
    fs::remove_file(state.path().join("credentials.json")).unwrap();
    fs::write(state.path().join("credentials.begun"), &password).unwrap();
    fs::write(state.path().join("platform.begun"), &platform).unwrap();
    let again = Stage::of_host(Signalbox::start_on(state, OPTIONS).unwrap());
    assert_eq!(again.host.credentials().unwrap().password, password);
    let rules = get(&again.client(), "/api/v1/automation/rules");
    assert_eq!(crate::stage::data(&rules).len(), 1, "{rules}");
}
