//! Does what leaves carry the right things, and is it settled?

use super::*;

#[test]
fn a_delivery_is_prepared_sent_and_settled() {
    let world = world();
    run(async {
        world.channel("Ops", true).await;
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let id = &expanded.deliveries[0].0;
        let Prepared::Send(request) = world.prepare(id).await.unwrap() else {
            panic!("a queued delivery is to be sent");
        };
        assert_eq!(request.url.expose(), "https://example.com/hook?token=t");
        let header = |wanted: &str| {
            let found = request.headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.expose().as_str())
        };
        assert_eq!(header("Idempotency-Key"), Some(id.as_str()));
        assert_eq!(header("X-Team"), Some("red"));

        let words = "The other end answered 503, which may pass.".to_owned();
        world.settle(id, Outcome::Retrying { words }, 503).await.unwrap();
        assert!(matches!(world.prepare(id).await, Ok(Prepared::Send(again)) if again == request));
        world.settle(id, Outcome::Delivered, 200).await.unwrap();
        assert_eq!(world.prepare(id).await.unwrap(), Prepared::Done);
        let words = "late".to_owned();
        let late = world.settle(id, Outcome::Failed { words }, 500).await;
        assert_eq!(code(late), "DELIVERY_SETTLED");

        let message = messages::get(&world.db, &world.acme, &expanded.message_id).await.unwrap();
        let way = &message.deliveries[1];
        assert_eq!(
            (way.state, way.attempts, &way.last_error, way.provider_status),
            (DeliveryState::Delivered, 2, &None, Some(200))
        );
        assert_eq!(way.updated_at, Instant::from_millis(NOW + 5));
    });
}

#[test]
fn a_failed_delivery_can_be_redriven() {
    let world = world();
    run(async {
        world.channel("Ops", true).await;
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let id = &expanded.deliveries[0].0;
        let words = "gone".to_owned();
        world.settle(id, Outcome::Failed { words }, 410).await.unwrap();
        assert!(matches!(world.prepare(id).await, Ok(Prepared::Send(_))));
        world.settle(id, Outcome::Delivered, 200).await.unwrap();
    });
}

#[test]
fn what_cannot_leave_says_why() {
    let world = world();
    let (db, call, means) = (&world.db, &world.acme, &world.means);
    run(async {
        let private = &Means { allow_private: true, ..means.clone() };
        let mut new = new_channel("Local", true);
        new.url = "http://127.0.0.1:9000/hook".to_owned();
        let refused = channels::create(db, call, means, new.clone()).await.unwrap_err();
        assert_eq!(refused.fields()[0].field, "url");
        let local = channels::create(db, call, private, new).await.unwrap();
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let id = &expanded.deliveries[0].0;
        assert_eq!(
            world.prepare(id).await.unwrap_err().to_string(),
            "The address of the channel \"Local\" names a private host or address; use a public one, or ask the \
             operator to set allow_private_outbound."
        );

        let off = ChannelPatch { is_active: Some(false), ..ChannelPatch::default() };
        channels::change(db, call, private, &local.id, off, None).await.unwrap();
        assert_eq!(code(world.prepare(id).await), "MESSAGE_CHANNEL_INACTIVE");
        channels::delete(db, call, &local.id, None).await.unwrap();
        assert_eq!(code(world.prepare(id).await), "DELIVERY_CHANNEL_DELETED");
        let nobody = DeliveryId::new(call.now, &*call.chance);
        assert_eq!(code(world.prepare(&nobody).await), "DELIVERY_UNKNOWN");
    });
}

#[test]
fn a_credential_does_not_open_in_another_row() {
    let world = world();
    run(async {
        world.channel("One", true).await;
        world.channel("Two", false).await;
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let mut tx = world.db.begin().await.unwrap();
        let swap = "UPDATE channels SET secret = (SELECT secret FROM channels WHERE name = 'Two')
            WHERE name = 'One'";
        tx.all_tenants().run_for_effect(swap, []).await.unwrap();
        tx.commit().await.unwrap();
        let prepared = world.prepare(&expanded.deliveries[0].0).await;
        assert_eq!(code(prepared), "VAULT_SECRET_TAMPERED");
    });
}
