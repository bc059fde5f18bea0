//! Which attempts were denied? Every 401 and 403 to somebody whose tenant is known becomes a row of its audit, bounded so that
//! a flood of them does not fill it: what one actor is denied by one route for one reason is written once a minute, with how
//! often it was denied in the minute before, and a tenant gets so many rows a minute in all.
//!
//! It is written after the answer is decided, and never changes it.

use crate::{Problem, Visitor, World, log};
use auth::{Denial, service};
use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{Next, from_fn},
};
use http::Method;
use kernel::{Actor, Principal, Span, TenantId};

/// How long equal denials are one.
const WINDOW: Span = Span::minutes(1);
/// The most rows of denials that a tenant's audit gets in that time.
const MOST_ROWS: u32 = 120;

/// The route that a request met, as it stands in the interface's document.
#[derive(Debug, Clone)]
struct Route(MatchedPath);

/// The same routes, each telling its name to [`crate::answer`]. Nothing may stand around it.
pub fn named(router: Router) -> Router {
    router.layer(from_fn(|matched: Option<MatchedPath>, request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        if let Some(matched) = matched {
            response.extensions_mut().insert(Route(matched));
        }
        response
    }))
}

/// Takes the name of the route that a request met out of its answer; the empty text if it met none.
pub(crate) fn route_of(response: &mut axum::response::Response) -> String {
    response.extensions_mut().remove::<Route>().map(|route| route.0.as_str().to_owned()).unwrap_or_default()
}

/// Writes a denial into the audit of whoever was denied, if it is one and their tenant is known.
pub(crate) async fn note(world: &World, visitor: &Visitor, method: &Method, route: &str, problem: &Problem) {
    if !problem.is_denial() {
        return;
    }
    let Some((tenant, actor)) = whose(world, visitor).await else { return };
    let Some(repeated) = fresh(world, &tenant, &actor, &format!("{method} {route} {}", problem.code())).await
    else {
        return;
    };
    let call = visitor.call_by(world, Principal { actor, ..Principal::system(tenant) });
    let denial = Denial {
        method: method.as_str(),
        route,
        code: problem.code(),
        permission: problem.lacks(),
        repeated,
    };
    if let Err(error) = service::note_denial(&world.db, &call, &denial).await {
        log::warning(&format!("a denied attempt could not be written into the audit: {error}"));
    }
}

async fn whose(world: &World, visitor: &Visitor) -> Option<(TenantId, Actor)> {
    if let Some(known) = visitor.known() {
        return Some(known);
    }
    world.gate.whose(visitor.credential()?).await
}

/// How often the same was denied in the minute before, if this is the first of its minute and the tenant has room for a row.
async fn fresh(world: &World, tenant: &TenantId, actor: &Actor, what: &str) -> Option<u32> {
    let now = world.clock.now();
    let key = format!("denied:{tenant} {} {what}", actor.name());
    let counted = world.limits.count(&key, WINDOW, now).await?;
    if counted.this > 1 {
        return None;
    }
    let rows = world.limits.count(&format!("denials:{tenant}"), WINDOW, now).await?;
    (rows.this <= MOST_ROWS).then(|| counted.before.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Authorized, Limits, Settings, answer, needs};
    use auth::{Gate, NewApiKey, TokenKeys, Visit};
    use axum::routing::{get, patch};
    use bytes::Bytes;
    use db::{Db, native::Native};
    use futures::executor::block_on;
    use http::request::Parts;
    use kernel::{Call, Chance, Clock, Instant, PageRequest, RequestId, Trace};
    use std::sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    };

    #[derive(Default)]
    struct Counting(AtomicU64);
    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for piece in bytes.chunks_mut(8) {
                let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                piece.copy_from_slice(&next.to_be_bytes()[..piece.len()]);
            }
        }
    }

    struct Hand(AtomicI64);
    impl Clock for Hand {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    /// A component with two routes, in a world with one tenant.
    struct Door {
        world: Arc<World>,
        clock: Arc<Hand>,
        router: Router,
        owner: String,
        reader: String,
        reader_id: String,
    }

    impl Door {
        fn new() -> Self {
            let (db, chance) = (Native::memory().unwrap(), Arc::new(Counting::default()));
            let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000_000)));
            let keys = TokenKeys::from_variable(&TokenKeys::generate(&*chance)).unwrap();
            let value = |name: &'static str| match name {
                "internal_token" => "x".repeat(32),
                "tenant_domain" => "example.com".to_owned(),
                _ => String::new(),
            };
            let hashing = crate::HashGate::new(Native::memory().unwrap(), 1, clock.clone(), chance.clone());
            let world = World {
                hashing,
                gate: Gate::new(db.clone(), keys, "http://signalbox.test".to_owned()),
                db,
                limits: Limits::new(Native::memory().unwrap()),
                clock: clock.clone(),
                chance: chance.clone(),
                settings: Settings::read(value).unwrap(),
            };
            let visit = Visit {
                now: clock.now(),
                request: RequestId::new(&*chance),
                trace: Trace::new(&*chance),
                address: None,
                agent: None,
                chance,
            };
            let asked =
                service::SetUp::new("acme", "Acme", "ana@acme.test", "correct horse battery").unwrap();
            let done = block_on(service::setup(&world.db, &visit, asked)).unwrap();
            let call: Call = visit.call(Principal::system("acme".parse().unwrap()));
            let new = NewApiKey::new("reader", &["rules:read".into()], None, None, clock.now()).unwrap();
            let (reader, secret) = block_on(service::create_api_key(&world.db, &call, new)).unwrap();
            let routes = Router::new()
                .route("/api/v1/rules/{id}", patch(|_: Authorized<needs::RulesWrite>| async { "done" }))
                .route("/api/v1/rules", get(|_: Authorized<needs::RulesRead>| async { "done" }));
            Self {
                world: Arc::new(world),
                clock,
                router: named(crate::idempotent(routes)),
                owner: done.api_key.expose().clone(),
                reader: secret.text().expose().clone(),
                reader_id: reader.id.to_string(),
            }
        }

        fn db(&self) -> &Db {
            &self.world.db
        }

        fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
            let mut request = http::Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let parts: Parts = request.body(()).unwrap().into_parts().0;
            block_on(answer(&self.world, &self.router, parts, Some(Bytes::new()))).status().as_u16()
        }

        fn reader(&self, path: &str) -> u16 {
            self.ask("PATCH", path, &[("authorization", &format!("Bearer {}", self.reader))])
        }

        fn meddle(&self, sql: &str) {
            block_on(async {
                let mut tx = self.db().begin().await.unwrap();
                tx.all_tenants().run_for_effect(sql, []).await.unwrap();
                tx.commit().await.unwrap();
            });
        }

        /// What the audit tells of denials, oldest first: the actor and what stands after it.
        fn denials(&self) -> Vec<(String, serde_json::Value)> {
            let tenant = "acme".parse().unwrap();
            block_on(async {
                let mut lease = self.db().read().await.unwrap();
                let mut scope = lease.scope(&tenant).unwrap();
                let filter =
                    audit::Filter { action: Some("access.denied".into()), ..audit::Filter::default() };
                let page = PageRequest::new(200, None).unwrap();
                let rows = audit::list(&mut scope, &filter, &page).await.unwrap().items;
                let told = rows.into_iter().rev().map(|row| {
                    let after = row.after.text().unwrap_or_default().to_owned();
                    (row.actor, serde_json::from_str(&after).unwrap())
                });
                told.collect()
            })
        }
    }

    #[test]
    fn a_missing_permission_is_told_with_the_route_and_without_the_id() {
        let door = Door::new();
        assert_eq!(door.reader("/acme/api/rules/rul_1"), 403);
        let wanted = serde_json::json!({
            "method": "PATCH", "route": "/api/v1/rules/{id}", "code": "FORBIDDEN", "permission": "rules:write",
            "repeated": 0,
        });
        assert_eq!(door.denials(), [(door.reader_id.clone(), wanted)]);
    }

    #[test]
    fn a_flood_is_one_row_a_minute_and_says_how_many_there_were() {
        let door = Door::new();
        let minute = 60_000;
        for number in 0..50 {
            assert_eq!(door.reader(&format!("/api/v1/rules/rul_{number}")), 403);
        }
        assert_eq!(door.denials().len(), 1);
        door.clock.0.fetch_add(minute, Ordering::Relaxed);
        assert_eq!(door.reader("/api/v1/rules/rul_1"), 403);
        let denials = door.denials();
        assert_eq!((denials.len(), &denials[1].1["repeated"]), (2, &49.into()));
        // Another reason is another row.
        let key = format!("Bearer {}", door.reader);
        let headers = [("authorization", key.as_str()), ("x-tenant-id", "globex")];
        assert_eq!(door.ask("PATCH", "/api/v1/rules/rul_1", &headers), 403);
        assert_eq!(door.denials()[2].1["code"], "TENANT_MISMATCH");
    }

    #[test]
    fn a_tenant_gets_so_many_rows_a_minute_and_no_more() {
        let door = Door::new();
        let key = format!("Bearer {}", door.reader);
        for number in 0..150 {
            // Each time somebody else: equal denials would be one row anyway.
            door.meddle(&format!("UPDATE api_keys SET api_key_id = 'key_01hf7yat0000000000000{number:05}' WHERE name = 'reader'"));
            door.meddle("UPDATE tenants SET access_revision = access_revision + 1");
            assert_eq!(door.ask("PATCH", "/api/v1/rules/rul_1", &[("authorization", key.as_str())]), 403);
        }
        assert_eq!(door.denials().len(), 120);
    }

    #[test]
    fn who_was_of_the_tenant_is_known_also_when_refused_at_the_gate() {
        let door = Door::new();
        let bearer = format!("Bearer {}", door.owner);
        let get = |door: &Door| door.ask("GET", "/api/v1/rules", &[("authorization", bearer.as_str())]);
        assert_eq!(get(&door), 200);
        door.meddle("UPDATE api_keys SET state = 'revoked', revoked_at = 1");
        door.meddle("UPDATE tenants SET access_revision = access_revision + 1");
        assert_eq!(get(&door), 401);
        door.meddle("UPDATE api_keys SET state = 'active', revoked_at = NULL");
        door.meddle("UPDATE tenants SET state = 'suspended', suspended_reason = 'x'");
        assert_eq!(get(&door), 403);
        let codes: Vec<_> = door.denials().iter().map(|(_, after)| after["code"].clone()).collect();
        assert_eq!(codes, ["CREDENTIAL_INVALID", "TENANT_SUSPENDED"]);
        // Before its route an idempotency key is looked at: that is a denial by the route all the same.
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        assert_eq!(door.ask("POST", "/api/v1/rules", &headers), 403);
    }

    #[test]
    fn strangers_leave_no_trace_in_anybodys_audit() {
        let door = Door::new();
        assert_eq!(door.ask("GET", "/api/v1/rules", &[]), 401);
        for text in ["x", "sbx_000000000000_0", "e30.e30.e30"] {
            let bearer = format!("Bearer {text}");
            let headers = [("authorization", bearer.as_str()), ("x-tenant-id", "acme")];
            assert_eq!(door.ask("GET", "/api/v1/rules", &headers), 401);
        }
        // Nor does what is simply not there.
        assert_eq!(
            door.ask("GET", "/api/v1/nothing", &[("authorization", &format!("Bearer {}", door.owner))]),
            404
        );
        assert_eq!(door.denials(), []);
    }

    #[test]
    fn a_host_name_of_another_tenant_is_refused() {
        let door = Door::new();
        let bearer = format!("Bearer {}", door.owner);
        for (host, wanted) in [("acme.example.com", 200), ("globex.example.com", 403), ("example.com", 200)] {
            let path = format!("http://{host}/api/v1/rules");
            assert_eq!(door.ask("GET", &path, &[("authorization", bearer.as_str())]), wanted, "{host}");
        }
    }
}
