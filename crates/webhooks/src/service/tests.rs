//! Do the use cases hold on a database? Each has a world of its own, in memory.

use super::*;
use crate::{Dispatch, Reason, SEALED};
use db::{Decode, Row, native::Native};
use futures::executor::block_on;
use kernel::{Chance, Fault as _, Instant, JobId, Principal, RequestId, Trace};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const NOW: i64 = 1_700_000_000_000;
const OLD: &str = "k1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const NEW: &str = "k2:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

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
    vault: Vault,
    acme: Call,
    globex: Call,
}

impl World {
    fn new() -> Self {
        let chance: Arc<dyn Chance> = Arc::new(Counting::default());
        let call = |tenant: &str| Call {
            principal: Principal::system(tenant.parse().unwrap()),
            now: Instant::from_millis(NOW),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: Arc::clone(&chance),
        };
        let world = Self {
            db: Native::memory().unwrap(),
            vault: Vault::from_keys(OLD).unwrap(),
            acme: call("acme-corp"),
            globex: call("globex"),
        };
        block_on(async {
            let mut tx = world.db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
                VALUES ('acme-corp', 'x', 'active', 0, 0), ('globex', 'x', 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
        world
    }

    fn means(&self) -> Means<'_> {
        Means { vault: &self.vault, allow_private: false }
    }

    fn create(&self, new: NewEndpoint) -> Result<(Endpoint, SigningKey), WebhookError> {
        block_on(create(&self.db, &self.acme, self.means(), new))
    }

    fn made(&self) -> (Endpoint, SigningKey) {
        self.create(to("https://example.com/in?token=hush")).unwrap()
    }

    fn change(
        &self,
        id: &EndpointId,
        patch: EndpointPatch,
        expected: Option<i64>,
    ) -> Result<Endpoint, WebhookError> {
        block_on(change(&self.db, &self.acme, self.means(), id, patch, expected))
    }

    fn requests(&self, call: &Call, endpoints: &[&EndpointId]) -> Vec<Result<crate::Outbound, WebhookError>> {
        let dispatches: Vec<Dispatch> = endpoints
            .iter()
            .map(|id| Dispatch {
                endpoint: (*id).clone(),
                job: JobId::new(call.now, &*call.chance),
                kind: "sales.opportunity_created".to_owned(),
                happened: call.now,
                data: r#"{"value": 1.50}"#.to_owned(),
                trace: call.trace.as_str().to_owned(),
            })
            .collect();
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let mut scope = lease.scope(call.tenant()).unwrap();
            prepare(&mut scope, call, self.means(), &dispatches).await.unwrap()
        })
    }

    fn gone(&self, id: &EndpointId, sent: i64) -> bool {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let sent = Instant::from_millis(NOW + sent);
            let done = gone(&mut tx.scope(self.acme.tenant()), &self.acme, id, sent).await.unwrap();
            tx.commit().await.unwrap();
            done
        })
    }

    /// What the audit holds, oldest first: action, and before and after as one text.
    fn audited(&self) -> Vec<(String, String)> {
        let sql = "SELECT action, coalesce(before, '') || coalesce(after, '') AS said FROM audit_entries ORDER BY sequence";
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let rows: Vec<Line> = lease.all_tenants().unwrap().all(sql, []).await.unwrap();
            rows.into_iter().map(|line| (line.0, line.1)).collect()
        })
    }
}

struct Line(String, String);
impl Decode for Line {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("action")?, row.get("said")?))
    }
}

fn to(url: &str) -> NewEndpoint {
    NewEndpoint { url: url.to_owned(), description: None, secret: None, is_active: true }
}

fn code<T>(outcome: Result<T, WebhookError>) -> &'static str {
    outcome.err().map_or("", |fault| fault.code())
}

#[test]
fn an_endpoint_is_set_up_changed_and_taken_down_on_record() {
    let world = World::new();
    let (made, key) = world.made();
    let (other, _) = world.create(to("https://example.org/")).unwrap();
    let page = block_on(list(&world.db, &world.acme, &PageRequest::default())).unwrap();
    assert_eq!(page.items, [made.clone(), other]);
    assert_eq!(block_on(get(&world.db, &world.acme, &made.id)).unwrap(), made);
    assert_eq!(code(block_on(get(&world.db, &world.globex, &made.id))), "NOT_FOUND");

    let patch = EndpointPatch { description: Some(Some(" Orders ".to_owned())), ..EndpointPatch::default() };
    assert_eq!(code(world.change(&made.id, patch.clone(), Some(7))), "PRECONDITION_FAILED");
    let changed = world.change(&made.id, patch, Some(1)).unwrap();
    assert_eq!((changed.description.as_deref(), changed.version), (Some("Orders"), 2));
    assert_eq!(code(block_on(delete(&world.db, &world.globex, &made.id, None))), "NOT_FOUND");
    assert_eq!(code(block_on(delete(&world.db, &world.acme, &made.id, Some(1)))), "PRECONDITION_FAILED");
    block_on(delete(&world.db, &world.acme, &made.id, Some(2))).unwrap();
    assert_eq!(code(block_on(get(&world.db, &world.acme, &made.id))), "NOT_FOUND");

    let audited = world.audited();
    let actions: Vec<&str> = audited.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "webhook_endpoint.created",
            "webhook_endpoint.created",
            "webhook_endpoint.changed",
            "webhook_endpoint.deleted"
        ]
    );
    let all = format!("{audited:?}");
    assert!(!all.contains("hush") && !all.contains(key.text().expose()), "{all}");
}

#[test]
fn all_faulty_fields_are_told_and_there_is_an_end() {
    let world = World::new();
    let faulty = NewEndpoint { secret: Some("whsec_short".to_owned()), ..to("http://10.0.0.1/") };
    let Err(WebhookError::Invalid(faults)) = world.create(faulty) else { panic!("is faulty") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["url", "secret"]);
    for _ in 0..crate::ENDPOINTS_MAX {
        world.made();
    }
    assert_eq!(code(world.create(to("https://example.com/"))), "WEBHOOK_ENDPOINT_LIMIT");
    assert!(block_on(create(&world.db, &world.globex, world.means(), to("https://example.com/"))).is_ok());
}

#[test]
fn what_is_sent_is_signed_with_the_endpoints_own_key() {
    let world = World::new();
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (one, key) =
        world.create(NewEndpoint { secret: Some(given.to_owned()), ..to("https://example.com/in") }).unwrap();
    assert_eq!(key.text().expose(), given);
    let (two, _) = world.made();
    let off = world.create(NewEndpoint { is_active: false, ..to("https://example.com/off") }).unwrap().0;
    let nobodys = EndpointId::new(world.acme.now, &*world.acme.chance);
    let requests = world.requests(&world.acme, &[&two.id, &nobodys, &off.id, &one.id]);
    assert_eq!(requests[0].as_ref().unwrap().url.expose(), "https://example.com/in?token=hush");
    assert!(matches!(requests[1], Err(WebhookError::Unknown)));
    assert!(matches!(requests[2], Err(WebhookError::Disabled(Reason::Asked))));
    let sent = requests[3].as_ref().unwrap();
    let header = |name: &str| sent.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(header("webhook-timestamp"), "1700000000");
    assert_eq!(header("webhook-signature"), key.sign(&header("webhook-id"), world.acme.now, &sent.body));
    // Another tenant's endpoint is none.
    assert!(matches!(world.requests(&world.globex, &[&one.id])[0], Err(WebhookError::Unknown)));
}

#[test]
fn one_that_is_gone_is_switched_off_once_and_stays_off_until_somebody_switches_it_on() {
    let world = World::new();
    let (made, _) = world.made();
    assert!(!world.gone(&made.id, -1), "it was changed after that request");
    assert!(world.gone(&made.id, 1));
    assert!(!world.gone(&made.id, 1), "it is off already");
    let off = block_on(get(&world.db, &world.acme, &made.id)).unwrap();
    assert_eq!((off.disabled.map(|disabled| disabled.reason), off.version), (Some(Reason::Gone), 2));
    assert_eq!(code(world.requests(&world.acme, &[&made.id]).remove(0)), "WEBHOOK_ENDPOINT_DISABLED");
    assert_eq!(world.audited()[1].0, "webhook_endpoint.disabled");
    let on = EndpointPatch { is_active: Some(true), ..EndpointPatch::default() };
    world.change(&made.id, on, None).unwrap();
    assert!(world.requests(&world.acme, &[&made.id])[0].is_ok());
}

#[test]
fn a_key_survives_a_turn_of_the_key_that_seals_it() {
    let world = World::new();
    let (made, _) = world.made();
    let both = Vault::from_keys(&format!("{NEW},{OLD}")).unwrap();
    let chance = &*world.acme.chance;
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let done = vault::step(&mut tx.all_tenants(), &both, chance, SEALED, None, 10).await.unwrap();
        assert_eq!((done.done, done.stuck.len()), (1, 0));
        assert_eq!(
            vault::left(&mut tx.all_tenants(), &both, SEALED).await.unwrap(),
            [("webhook_endpoints", 0), ("webhook_sources", 0)]
        );
        tx.commit().await.unwrap();
    });
    let turned = World { vault: Vault::from_keys(NEW).unwrap(), ..world };
    assert!(turned.requests(&turned.acme, &[&made.id])[0].is_ok());
    let old = World { vault: Vault::from_keys(OLD).unwrap(), ..turned };
    assert!(matches!(old.requests(&old.acme, &[&made.id])[0], Err(WebhookError::Vault(_))));
}
