//! Can channels be set up, changed and taken down, and is it on record?

use super::*;

#[test]
fn a_channel_is_set_up_changed_and_taken_down_on_record() {
    let world = world();
    let (db, call, means) = (&world.db, &world.acme, &world.means);
    run(async {
        let made = world.channel("Ops", true).await;
        assert_eq!(channels::get(db, call, &made.id).await.unwrap(), made);

        let patch = ChannelPatch {
            name: Some("OPS".to_owned()),
            method: Some("PUT".to_owned()),
            ..ChannelPatch::default()
        };
        let stale = channels::change(db, call, means, &made.id, patch.clone(), Some(7)).await;
        assert_eq!(code(stale), "PRECONDITION_FAILED");
        let changed = channels::change(db, call, means, &made.id, patch, Some(1)).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.version), ("OPS", 2));
        assert_eq!(channels::get(db, call, &made.id).await.unwrap(), changed);

        assert_eq!(code(channels::delete(db, call, &made.id, Some(1)).await), "PRECONDITION_FAILED");
        channels::delete(db, call, &made.id, Some(2)).await.unwrap();
        assert_eq!(code(channels::get(db, call, &made.id).await), "NOT_FOUND");
        assert_eq!(world.actions().await, ["channel.deleted", "channel.changed", "channel.created"]);
    });
}

#[test]
fn a_name_is_taken_in_any_mix_of_cases() {
    let world = world();
    let (db, call, means) = (&world.db, &world.acme, &world.means);
    run(async {
        world.channel("Ops", true).await;
        let other = world.channel("Sales", true).await;
        let again = channels::create(db, call, means, new_channel("oPS", false)).await;
        assert_eq!(code(again), "CHANNEL_NAME_TAKEN");
        let patch = ChannelPatch { name: Some("ops".to_owned()), ..ChannelPatch::default() };
        let renamed = channels::change(db, call, means, &other.id, patch, None).await;
        assert_eq!(code(renamed), "CHANNEL_NAME_TAKEN");
        let elsewhere = channels::create(db, &world.globex, means, new_channel("Ops", false)).await;
        assert!(elsewhere.is_ok());
    });
}

#[test]
fn a_tenant_has_at_most_a_hundred_channels() {
    let world = world();
    run(async {
        for place in 0..100 {
            world.channel(&format!("c{place}"), false).await;
        }
        let more = channels::create(&world.db, &world.acme, &world.means, new_channel("x", false)).await;
        assert_eq!(code(more), "CHANNEL_LIMIT_REACHED");
    });
}

#[test]
fn channels_come_in_pages() {
    let world = world();
    run(async {
        for name in ["a", "b", "c"] {
            world.channel(name, false).await;
        }
        let first = PageRequest::new(2, None).unwrap();
        let first = channels::list(&world.db, &world.acme, &first).await.unwrap();
        let rest = PageRequest::new(2, first.next.clone()).unwrap();
        let rest = channels::list(&world.db, &world.acme, &rest).await.unwrap();
        let names = |page: &kernel::Page<Channel>| -> String {
            page.items.iter().map(|channel| channel.name.as_str()).collect()
        };
        assert_eq!((names(&first), names(&rest), rest.next), ("ab".into(), "c".into(), None));
    });
}
