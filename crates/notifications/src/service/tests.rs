//! Do the use cases hold on a database?

use super::end;
use crate::{
    Channel, ChannelKind, ChannelPatch, DeliveryState, Expanded, Means, NewChannel, NewMessage,
    NotificationError, Outcome, Prepared, Recipient, Settlement, channels, expand, expand_many, inbox,
    messages, prepare, settle, store,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use db::{Db, DbError, Decode, Row, Value, native::Native};
use futures::executor::block_on;
use kernel::{
    Call, Chance, DeliveryId, Fault as _, Instant, JobId, PageRequest, Principal, RequestId, Secret,
    TenantId, Trace,
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const NOW: i64 = 1_700_000_000_000;

/// Counts up, so that ids sort in the order in which they are made.
#[derive(Default)]
struct Counting(AtomicU64);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        let length = bytes.len();
        bytes[length.saturating_sub(8)..].copy_from_slice(&number[8_usize.saturating_sub(length)..]);
    }
}

struct World {
    db: Db,
    means: Means,
    acme: Call,
    globex: Call,
}

fn call(tenant: &str, chance: Arc<dyn Chance>) -> Call {
    Call {
        principal: Principal::system(tenant.parse().unwrap()),
        now: Instant::from_millis(NOW),
        request: RequestId::given("req_test").unwrap(),
        trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
        address: None,
        chance,
    }
}

fn world() -> World {
    let chance: Arc<dyn Chance> = Arc::new(Counting::default());
    World {
        db: Native::memory().unwrap(),
        means: Means::new(&Secret::new(format!("k1:{}", STANDARD.encode([7; 32]))), false).unwrap(),
        acme: call("acme-corp", Arc::clone(&chance)),
        globex: call("globex", chance),
    }
}

impl World {
    fn later(&self, millis: i64) -> Call {
        Call { now: Instant::from_millis(NOW + millis), ..self.acme.clone() }
    }

    async fn channel(&self, name: &str, is_default: bool) -> Channel {
        channels::create(&self.db, &self.acme, &self.means, new_channel(name, is_default)).await.unwrap()
    }

    async fn expand(&self, new: NewMessage) -> Result<Expanded, NotificationError> {
        let mut tx = self.db.begin().await?;
        let expanded = expand(&mut tx.scope(self.acme.tenant()), &self.acme, new).await;
        end(tx, expanded).await
    }

    async fn prepare(&self, id: &DeliveryId) -> Result<Prepared, NotificationError> {
        let mut lease = self.db.read().await?;
        let mut scope = lease.scope(self.acme.tenant())?;
        let ids = std::slice::from_ref(id);
        let all = prepare(&mut scope, &self.acme, &self.means, ids).await?;
        all.into_iter().next().unwrap()
    }

    async fn settle(&self, id: &DeliveryId, outcome: Outcome, status: u16) -> Result<(), NotificationError> {
        let mut tx = self.db.begin().await?;
        let settlement = Settlement { delivery: id.clone(), outcome, provider_status: Some(status) };
        let call = self.later(5);
        let all = settle(&mut tx.scope(call.tenant()), &call, &[settlement]).await?;
        tx.commit().await?;
        all.into_iter().next().unwrap().map(drop)
    }

    async fn actions(&self) -> Vec<String> {
        let mut lease = self.db.read().await.unwrap();
        let mut scope = lease.scope(self.acme.tenant()).unwrap();
        let rows = audit::list(&mut scope, &audit::Filter::default(), &PageRequest::default()).await.unwrap();
        rows.items.into_iter().map(|row| row.action).collect()
    }
}

fn new_channel(name: &str, is_default: bool) -> NewChannel {
    NewChannel {
        name: name.to_owned(),
        kind: "webhook".to_owned(),
        url: "https://example.com/hook?token=t".to_owned(),
        method: None,
        headers: Some(vec![("X-Team".to_owned(), "red".to_owned())]),
        is_active: true,
        is_default,
    }
}

fn new_message(job: Option<u8>, channel: Option<&str>) -> NewMessage {
    NewMessage {
        recipient: "Sales@example.com".to_owned(),
        title: None,
        body: "Big deal".to_owned(),
        channel: channel.map(str::to_owned),
        event_id: Some("evt_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()),
        job_id: job.map(job_id),
    }
}

fn job_id(place: u8) -> JobId {
    format!("job_01hf7yat00zzzzzzzzzzzzzzz{place}").parse().unwrap()
}

fn sales() -> Recipient {
    "SALES@example.com".parse().unwrap()
}

fn code<T: std::fmt::Debug>(outcome: Result<T, NotificationError>) -> &'static str {
    outcome.unwrap_err().code()
}

fn run(future: impl Future<Output = ()>) {
    block_on(future);
}

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
        assert_eq!(code(stale), "CHANNEL_STALE");
        let changed = channels::change(db, call, means, &made.id, patch, Some(1)).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.version), ("OPS", 2));
        assert_eq!(channels::get(db, call, &made.id).await.unwrap(), changed);

        assert_eq!(code(channels::delete(db, call, &made.id, Some(1)).await), "CHANNEL_STALE");
        channels::delete(db, call, &made.id, Some(2)).await.unwrap();
        assert_eq!(code(channels::get(db, call, &made.id).await), "CHANNEL_UNKNOWN");
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

#[test]
fn another_tenants_things_are_not_there() {
    let world = world();
    let (db, globex, means) = (&world.db, &world.globex, &world.means);
    run(async {
        let channel = world.channel("Ops", true).await;
        let expanded = world.expand(new_message(None, None)).await.unwrap();
        let delivery = &expanded.deliveries[0].0;
        let unknown = "CHANNEL_UNKNOWN";
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
        assert_eq!(code(message), "MESSAGE_UNKNOWN");
        assert!(inbox::list(db, globex, &sales(), false, &page).await.unwrap().items.is_empty());
        assert_eq!(inbox::unread(db, globex, &sales()).await.unwrap(), 0);
        assert_eq!(inbox::read_all(db, globex, &sales()).await.unwrap(), 0);
        let read = inbox::read(db, globex, &sales(), &expanded.message_id).await;
        assert_eq!(code(read), "MESSAGE_UNKNOWN");
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
        assert_eq!(all[3].as_ref().unwrap_err().fields()[0].field, "recipient");
        assert!(expanded(4).deliveries.is_empty());
        assert_eq!(inbox::unread(&world.db, &world.acme, &sales()).await.unwrap(), 3);
    });
}

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
        assert_eq!(refused.fields()[0].field, "config.url");
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
        assert_eq!(code(inbox::read(db, call, &stranger, &ids[0]).await), "MESSAGE_UNKNOWN");
    });
}

struct Detail(String);
impl Decode for Detail {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("detail").map(Self)
    }
}

/// No statement walks through a whole table, and none sorts beyond what it was handed in JSON or one message's ways.
#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let db = Native::memory().unwrap();
    let tenant: TenantId = "acme-corp".parse().unwrap();
    let statements = store::channel::STATEMENTS
        .iter()
        .chain(&store::message::STATEMENTS)
        .chain(&store::delivery::STATEMENTS)
        .chain(&store::inbox::STATEMENTS);
    run(async {
        let mut lease = db.read().await.unwrap();
        for sql in statements {
            let parameters = (2..=11).filter(|place| sql.contains(&format!("?{place}"))).count();
            let mut scope = lease.scope(&tenant).unwrap();
            let plan: Vec<Detail> =
                scope.all(&format!("EXPLAIN QUERY PLAN {sql}"), vec![Value::Null; parameters]).await.unwrap();
            for Detail(step) in plan {
                let ours = ["SCAN c", "SCAN d", "SCAN m", "SCAN i", "SCAN other"]
                    .iter()
                    .any(|scan| step.starts_with(scan));
                assert!(!ours || step.contains("VIRTUAL TABLE"), "{step}\n{sql}");
                let sorts = step.contains("TEMP B-TREE");
                assert!(!sorts || sql.contains("json_each") || sql.contains("DISTINCT"), "{step}\n{sql}");
            }
        }
    });
}
