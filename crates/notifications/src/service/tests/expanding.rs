//! Does a job make its messages once?

use super::*;

#[test]
fn a_message_stands_in_the_inbox_and_is_queued_for_its_channels() {
    let world = world();
    run(async {
        let ops = world.channel("Ops", true).await;
        let night = world.channel("Night", true).await;
        world.channel("Quiet", false).await;
        let expanded = world.expand(new_message(Some(1), None)).await.unwrap();
        let through: Vec<_> = expanded.deliveries.iter().map(|(_, channel)| channel).collect();
        assert_eq!(through, [&ops.id, &night.id]);

        let message = messages::get(&world.db, &world.acme, &expanded.message_id).await.unwrap();
        let ways: Vec<_> = message
            .deliveries
            .iter()
            .map(|way| (way.kind, way.state, way.channel.as_ref().map(|by| by.name.as_str())))
            .collect();
        assert_eq!(
            ways,
            [
                (ChannelKind::InApp, DeliveryState::Delivered, None),
                (ChannelKind::Webhook, DeliveryState::Queued, Some("Ops")),
                (ChannelKind::Webhook, DeliveryState::Queued, Some("Night")),
            ]
        );
        assert_eq!(message.recipient.as_str(), "Sales@example.com");
        assert_eq!(inbox::unread(&world.db, &world.acme, &sales()).await.unwrap(), 1);
    });
}

#[test]
fn a_message_can_ask_for_one_channel_or_none() {
    let world = world();
    run(async {
        world.channel("Ops", true).await;
        let quiet = world.channel("Quiet", false).await;
        for asked in ["quiet", quiet.id.as_str()] {
            let expanded = world.expand(new_message(None, Some(asked))).await.unwrap();
            let through: Vec<_> = expanded.deliveries.iter().map(|(_, channel)| channel).collect();
            assert_eq!(through, [&quiet.id]);
        }
        let alone = world.expand(new_message(None, Some("in_app"))).await.unwrap();
        assert!(alone.deliveries.is_empty());

        let unknown = world.expand(new_message(None, Some("nowhere"))).await.unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "There is no channel called \"nowhere\". Correct the channel in the rule, or set one up by that name."
        );
        let off = ChannelPatch { is_active: Some(false), ..ChannelPatch::default() };
        channels::change(&world.db, &world.acme, &world.means, &quiet.id, off, None).await.unwrap();
        let inactive = world.expand(new_message(None, Some("Quiet"))).await;
        assert_eq!(code(inactive), "MESSAGE_CHANNEL_INACTIVE");
        assert_eq!(inbox::unread(&world.db, &world.acme, &sales()).await.unwrap(), 3);
    });
}

#[test]
fn a_job_makes_its_message_once() {
    let world = world();
    run(async {
        let ops = world.channel("Ops", true).await;
        let first = world.expand(new_message(Some(1), None)).await.unwrap();
        assert!(first.is_new);
        // What the job asks for may meanwhile be gone: it still gets what it made.
        channels::delete(&world.db, &world.acme, &ops.id, None).await.unwrap();
        for asked in [None, Some("Ops")] {
            let again = world.expand(new_message(Some(1), asked)).await.unwrap();
            assert_eq!(again, Expanded { is_new: false, ..first.clone() });
        }
        assert_eq!(inbox::unread(&world.db, &world.acme, &sales()).await.unwrap(), 1);
    });
}

#[test]
fn many_messages_are_written_together() {
    let world = world();
    run(async {
        world.channel("Ops", true).await;
        let before = world.expand(new_message(Some(1), None)).await.unwrap();
        let mut faulty = new_message(Some(4), None);
        faulty.recipient = String::new();
        let new = vec![
            new_message(Some(1), None),
            new_message(Some(2), None),
            new_message(Some(3), Some("nowhere")),
            faulty,
            new_message(None, Some("in_app")),
            new_message(Some(2), None),
        ];
        let mut tx = world.db.begin().await.unwrap();
        let all = expand_many(&mut tx.scope(world.acme.tenant()), &world.acme, new).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(all.len(), 6);
        let expanded = |place: usize| all[place].as_ref().unwrap();
        assert_eq!(expanded(0).message_id, before.message_id);
        assert!(expanded(1).is_new && !expanded(0).is_new && !expanded(5).is_new);
        assert_eq!(expanded(1).deliveries, expanded(5).deliveries);
        assert_eq!(all[2].as_ref().unwrap_err().code(), "MESSAGE_CHANNEL_UNKNOWN");
        let faulty = all[3].as_ref().unwrap_err();
        assert_eq!(faulty.fields()[0].field, "recipient");
        assert_eq!(
            faulty.to_string(),
            "Some fields cannot be accepted: recipient must be an address of 1 to 320 characters, such as an e-mail \
             address."
        );
        assert!(expanded(4).deliveries.is_empty());
        assert_eq!(inbox::unread(&world.db, &world.acme, &sales()).await.unwrap(), 3);
    });
}
