//! Who sees which messages, and what is read?

use super::*;

#[test]
fn another_tenants_things_are_not_there() {
    let world = world();
    let (db, globex, means) = (&world.db, &world.globex, &world.means);
    run(async {
        let channel = world.channel("Ops", true).await;
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let delivery = &expanded.deliveries[0].0;
        let unknown = "NOT_FOUND";
        assert_eq!(code(channels::get(db, globex, &channel.id).await), unknown);
        assert_eq!(code(channels::delete(db, globex, &channel.id, None).await), unknown);
        let patch = ChannelPatch::default();
        let changed = channels::change(db, globex, means, &channel.id, patch, None).await;
        assert_eq!(code(changed), unknown);
        let page = PageRequest::default();
        assert!(channels::list(db, globex, &page).await.unwrap().items.is_empty());
        let filter = messages::Filter::default();
        assert!(messages::list(db, globex, &filter, &page).await.unwrap().items.is_empty());
        let message = messages::get(db, globex, &expanded.message_id).await;
        assert_eq!(code(message), "NOT_FOUND");
        assert!(inbox::list(db, globex, &sales(), false, &page).await.unwrap().items.is_empty());
        assert_eq!(inbox::unread(db, globex, &sales()).await.unwrap(), 0);
        assert_eq!(inbox::read_all(db, globex, &sales()).await.unwrap(), 0);
        let read = inbox::read(db, globex, &sales(), &expanded.message_id).await;
        assert_eq!(code(read), "NOT_FOUND");
        assert_eq!(inbox::unread(db, &world.acme, &sales()).await.unwrap(), 1);

        let mut tx = db.begin().await.unwrap();
        let mut scope = tx.scope(globex.tenant());
        let prepared = prepare(&mut scope, globex, means, std::slice::from_ref(delivery)).await.unwrap();
        assert!(matches!(prepared[0], Err(NotificationError::DeliveryUnknown)));
        let settlement =
            Settlement { delivery: delivery.clone(), outcome: Outcome::Delivered, provider_status: None };
        let settled = settle(&mut scope, globex, &[settlement]).await.unwrap();
        assert!(matches!(settled[0], Err(NotificationError::DeliveryUnknown)));
    });
}

#[test]
fn messages_are_listed_by_recipient_state_and_event() {
    let world = world();
    run(async {
        world.channel("Ops", false).await;
        let first = world.expand(new_message(None, Some("Ops"))).await.unwrap();
        let mut other = new_message(None, None);
        other.recipient = "other@example.com".to_owned();
        other.event_id = None;
        let second = world.expand(other).await.unwrap();
        let third = world.expand(new_message(None, None)).await.unwrap();
        let (first, second, third) = (first.message_id, second.message_id, third.message_id);

        let event = new_message(None, None).event_id;
        let delivered = Some(DeliveryState::Delivered);
        let queued = Some(DeliveryState::Queued);
        for (recipient, state, event, wanted) in [
            (None, None, None, vec![&third, &second, &first]),
            (Some(sales()), None, None, vec![&third, &first]),
            (None, queued, None, vec![&first]),
            (None, delivered, None, vec![&third, &second, &first]),
            (None, Some(DeliveryState::Failed), None, vec![]),
            (None, None, event.clone(), vec![&third, &first]),
            (Some(sales()), queued, event.clone(), vec![&first]),
            (Some("other@example.com".parse().unwrap()), None, event.clone(), vec![]),
            (Some(sales()), delivered, None, vec![&third, &first]),
            (Some("other@example.com".parse().unwrap()), queued, None, vec![]),
        ] {
            let filter = messages::Filter { recipient, state, event };
            let mut ids = Vec::new();
            let mut next = None;
            loop {
                let page = PageRequest::new(1, next).unwrap();
                let page = messages::list(&world.db, &world.acme, &filter, &page).await.unwrap();
                ids.extend(page.items.into_iter().map(|message| {
                    assert!(!message.deliveries.is_empty());
                    message.id
                }));
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(ids.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
        }

        let mut lease = world.db.read().await.unwrap();
        let mut scope = lease.scope(world.acme.tenant()).unwrap();
        let of_event = messages::of_event(&mut scope, &event.unwrap()).await.unwrap();
        let ids: Vec<_> = of_event.iter().map(|message| &message.id).collect();
        assert_eq!(ids, [&first, &third]);
        assert_eq!(of_event[0].deliveries.len(), 2);
    });
}

#[test]
fn an_inbox_is_read_one_by_one_or_all_at_once() {
    let world = world();
    let (db, call) = (&world.db, &world.acme);
    run(async {
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(world.expand(new_message(None, None)).await.unwrap().message_id);
        }
        let list = async |unread_only, limit, after| {
            let page = PageRequest::new(limit, after).unwrap();
            inbox::list(db, call, &sales(), unread_only, &page).await.unwrap()
        };
        let first = list(false, 2, None).await;
        let rest = list(false, 2, first.next.clone()).await;
        let seen: Vec<_> = first.items.iter().chain(&rest.items).map(|entry| &entry.message_id).collect();
        assert_eq!(seen, [&ids[2], &ids[1], &ids[0]]);

        let read = inbox::read(db, &world.later(1), &sales(), &ids[1]).await.unwrap();
        let again = inbox::read(db, &world.later(2), &sales(), &ids[1]).await.unwrap();
        assert_eq!((read.read_at, again), (Some(Instant::from_millis(NOW + 1)), read));
        let unread: Vec<_> =
            list(true, 50, None).await.items.into_iter().map(|entry| entry.message_id).collect();
        assert_eq!(unread, [ids[2].clone(), ids[0].clone()]);
        assert_eq!(inbox::unread(db, call, &sales()).await.unwrap(), 2);

        assert_eq!(inbox::read_all(db, &world.later(3), &sales()).await.unwrap(), 2);
        assert_eq!(inbox::read_all(db, &world.later(4), &sales()).await.unwrap(), 0);
        assert_eq!(inbox::unread(db, call, &sales()).await.unwrap(), 0);
        let stranger = "stranger@example.com".parse().unwrap();
        assert_eq!(code(inbox::read(db, call, &stranger, &ids[0]).await), "NOT_FOUND");
    });
}
