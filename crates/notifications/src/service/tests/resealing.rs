//! Do credentials survive a turn of the key that seals them?

use super::*;
use crate::SEALED;
use vault::{Cursor, Resealed, Vault, VaultError};

fn entry(id: &str, byte: u8) -> String {
    format!("{id}:{}", STANDARD.encode([byte; 32]))
}

fn vault(entries: &[String]) -> Vault {
    Vault::from_keys(&entries.join(",")).unwrap()
}

async fn step(world: &World, vault: &Vault, after: Option<&Cursor>, limit: u16) -> Resealed {
    let mut tx = world.db.begin().await.unwrap();
    let chance = &*world.acme.chance;
    let done = vault::step(&mut tx.all_tenants(), vault, chance, SEALED, after, limit).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn left(world: &World, vault: &Vault) -> i64 {
    let mut lease = world.db.read().await.unwrap();
    let counts = vault::left(&mut lease.all_tenants().unwrap(), vault, SEALED).await.unwrap();
    counts.iter().map(|(_, left)| left).sum()
}

/// Whether every channel's credential opens with these keys: a change opens and seals.
async fn open(world: &World, vault: Vault) -> bool {
    let means = Means { vault: Arc::new(vault), allow_private: false };
    let page = channels::list(&world.db, &world.acme, &PageRequest::default()).await.unwrap();
    let mut all = true;
    for channel in page.items {
        let patch = ChannelPatch { is_active: Some(true), ..ChannelPatch::default() };
        all &= channels::change(&world.db, &world.acme, &means, &channel.id, patch, None).await.is_ok();
    }
    all
}

#[test]
fn steps_can_be_broken_off_and_nothing_stops_opening() {
    let world = world();
    block_on(async {
        for number in 0..7 {
            world.channel(&format!("c{number}"), false).await;
        }
        let both = || vault(&[entry("k2", 9), entry("k1", 7)]);
        assert_eq!(left(&world, &both()).await, 7);
        let first = step(&world, &both(), None, 3).await;
        assert_eq!((first.done, left(&world, &both()).await), (3, 4));
        // Broken off here: half is sealed by either key, and all opens.
        let second = step(&world, &both(), None, 3).await;
        assert_eq!(second.done, 3, "begun again, what is done is not done twice");
        let third = step(&world, &both(), second.next.as_ref(), 3).await;
        assert_eq!((third.done, third.next, left(&world, &both()).await), (1, None, 0));
        assert!(open(&world, vault(&[entry("k2", 9)])).await, "the old key can go");
        assert!(!open(&world, vault(&[entry("k1", 7)])).await);
    });
}

#[test]
fn a_wrong_old_key_is_told_and_changes_nothing() {
    let world = world();
    block_on(async {
        let channel = world.channel("c", false).await;
        let place: Cursor = format!("channels/acme-corp/{}", channel.id).parse().unwrap();
        for (keys, why) in [
            (vault(&[entry("k2", 9), entry("k1", 8)]), VaultError::Tampered),
            (vault(&[entry("k2", 9)]), VaultError::UnknownKey { key_id: "k1".to_owned() }),
        ] {
            let outcome = step(&world, &keys, None, 10).await;
            assert_eq!((outcome.done, outcome.stuck.len()), (0, 1));
            assert_eq!((&outcome.stuck[0].place, &outcome.stuck[0].why), (&place, &why));
            assert_eq!(left(&world, &keys).await, 1, "so the old key stays");
        }
        assert!(open(&world, vault(&[entry("k1", 7)])).await);
    });
}
