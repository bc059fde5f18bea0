//! Keys: how they move through their places, and what a kill between two files leaves.

use std::fs;

use host::state::keyring::{Keyring, Record, Ring, Role};
use host::state::secrets;
use host::state::turning::{self, Keys};

fn ring(text: &str) -> Ring {
    Ring::read(text).unwrap()
}

fn keyring(text: &str) -> Keyring {
    Keyring::new(ring(text), Record::default(), 0)
}

fn roles(keyring: &Keyring) -> Vec<(String, Role)> {
    keyring.roles().map(|(id, role, _)| (id.to_owned(), role)).collect()
}

#[test]
fn a_key_comes_from_behind_works_and_retires() {
    let published = keyring("k1:one").publish("k2".into(), "two".into(), 1000);
    assert_eq!(published.ring().text(), "k1:one,k2:two");
    assert_eq!(published.next(), Some(("k2", 1000)));
    let promoted = published.promote(2000);
    assert_eq!(promoted.ring().text(), "k2:two,k1:one");
    assert_eq!(roles(&promoted), [("k2".to_owned(), Role::Present), ("k1".to_owned(), Role::Retired)]);
    let (same, gone) = promoted.clone().forget(500, 2499);
    assert_eq!((same.ring().text().as_str(), gone.len()), ("k2:two,k1:one", 0));
    let (less, gone) = promoted.forget(500, 2500);
    assert_eq!((less.ring().text().as_str(), gone), ("k2:two", vec!["k1".to_owned()]));
}

#[test]
fn nothing_that_somebody_put_there_by_hand_is_dropped() {
    let promoted = keyring("k1:one,mine:x").publish("k2".into(), "two".into(), 0).promote(0);
    let (left, gone) = promoted.forget(0, i64::MAX);
    assert_eq!((left.ring().text().as_str(), gone), ("k2:two,mine:x", vec!["k1".to_owned()]));
    assert_eq!(roles(&left), [("k2".to_owned(), Role::Present), ("mine".to_owned(), Role::Kept)]);
}

#[test]
fn a_kill_between_the_two_files_is_made_good() {
    let waiting = |next: &str| Record {
        next: Some(next.to_owned()),
        published_at: Some(5),
        retired: [("k0".to_owned(), 1)].into(),
    };
    // It was said that a key comes, and it did not come.
    let none = Keyring::new(ring("k1:one"), waiting("k2"), 9);
    assert_eq!((none.next(), none.record().retired.len()), (None, 0));
    // It was moved to the front, and that was not said any more.
    let moved = Keyring::new(ring("k2:two,k1:one"), waiting("k2"), 9);
    assert_eq!(moved.next(), None);
    assert_eq!(moved.record().retired, [("k1".to_owned(), 9)].into());
    // Whatever is said, the first key is never dropped.
    let record = Record { retired: [("k1".to_owned(), 1)].into(), ..Record::default() };
    let (kept, gone) = Keyring::new(ring("k1:one"), record, 9).forget(0, i64::MAX);
    assert_eq!((kept.ring().text().as_str(), gone.len()), ("k1:one", 0));
}

#[test]
fn ids_are_new_and_rings_read() {
    assert_eq!(ring("k1:a,k7:b,2026:c").free_id('k'), "k8");
    assert_eq!(ring("main:a").free_id('v'), "v1");
    assert_eq!(ring(" k1:a \n k2:b , ").text(), "k1:a,k2:b");
    for text in ["", " ,", "abc", ":abc", "k1:a,b"] {
        assert_eq!(Ring::read(text), None, "{text:?}");
    }
    assert_eq!(format!("{:?}", ring("k1:secret")), r#"["k1"]"#);
}

#[test]
fn the_files_change_and_everything_else_in_them_stays() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let before = secrets::of(state).unwrap();
    let file = state.join(secrets::FILE);
    let text = format!("{}# mine\n", fs::read_to_string(&file).unwrap());
    fs::write(&file, &text).unwrap();
    let published = turning::publish(state, Keys::Signing).unwrap();
    assert_eq!(published.next().map(|(id, _)| id), Some("k2"));
    // Once more is the same: one key is on its way at a time.
    assert_eq!(turning::publish(state, Keys::Signing).unwrap(), published);
    turning::change(state, Keys::Signing, |keyring| keyring.promote(turning::now())).unwrap();
    let seen = turning::look(state, Keys::Signing).unwrap();
    assert_eq!(roles(&seen), [("k2".to_owned(), Role::Present), ("k1".to_owned(), Role::Retired)]);
    let after = secrets::of(state).unwrap();
    assert_eq!(
        (&after["vault_keys"], &after["internal_token"]),
        (&before["vault_keys"], &before["internal_token"])
    );
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.contains("# mine") && now.starts_with("# Made by"), "{}", now.lines().count());
    auth::TokenKeys::from_variable(&kernel::Secret::new(after["signing_keys"].clone())).unwrap();
    let vault = turning::publish(state, Keys::Vault).unwrap();
    vault::Vault::from_keys(&vault.ring().text()).unwrap();
    let record = fs::read_to_string(state.join(turning::FILE)).unwrap();
    for value in secrets::of(state).unwrap().values().flat_map(|value| value.split(',')) {
        let key = value.split(':').nth(1).unwrap_or(value);
        assert!(!record.contains(key), "keys.toml holds a key");
    }
}

#[test]
fn without_secrets_there_is_nothing_to_turn_and_none_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused = turning::publish(folder.path(), Keys::Signing).unwrap_err();
    assert!(refused.to_string().contains("There is no secrets.toml"), "{refused}");
    assert!(!folder.path().join(secrets::FILE).exists());
}
