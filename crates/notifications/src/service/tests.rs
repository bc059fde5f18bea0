//! Do the use cases hold on a database? Each has a world of its own, in memory.

mod delivering;
mod expanding;
mod reading;
mod resealing;
mod setting_up;

use super::end;
use crate::{
    Channel, ChannelKind, ChannelPatch, DeliveryState, Expanded, Means, NewChannel, NewMessage,
    NotificationError, Outcome, Prepared, Recipient, Settlement, channels, expand, expand_many, inbox,
    messages, prepare, settle,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{
    Call, Chance, DeliveryId, Fault as _, Instant, JobId, PageRequest, Principal, RequestId, Secret, Trace,
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
