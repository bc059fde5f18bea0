//! Does a link open what it should, for as long as it should, and nothing else?

use super::{NOW, World, code, to};
use crate::{
    Endpoint, EndpointPatch, WebhookError,
    portal::{CUSTOMER_ENDPOINTS_MAX, NewPortalLink, PORTAL_LINKS_MAX, PortalLink, PortalToken},
    service::portal::{create_link, create_own, end_link, forget_links, link, links, open, own},
};
use db::{DbError, Decode, Row};
use futures::executor::block_on;
use kernel::{Call, EndpointId, Instant, PageRequest, Secret, Span};
use serde_json::json;

fn of(customer: &str) -> NewPortalLink {
    NewPortalLink { customer: customer.to_owned(), ..NewPortalLink::default() }
}

impl World {
    fn link(&self, new: NewPortalLink) -> Result<(PortalLink, PortalToken), WebhookError> {
        self.act(&self.acme, async |scope| create_link(scope, &self.acme, new).await)
    }

    fn open(&self, token: &PortalToken, after: Span) -> Result<PortalLink, WebhookError> {
        let now = Instant::from_millis(NOW) + after;
        block_on(async {
            let mut lease = self.db.read().await?;
            open(&mut lease.scope(token.tenant())?, token, now).await
        })
    }

    fn of_customer(&self, customer: &str, url: &str) -> Endpoint {
        let patch = EndpointPatch { customer: Some(Some(customer.to_owned())), ..EndpointPatch::default() };
        self.create(crate::NewEndpoint { patch, ..to(url) }).unwrap().0
    }

    fn own(&self, call: &Call, link: &PortalLink, id: &EndpointId) -> Result<Endpoint, WebhookError> {
        self.act(call, async |scope| own(scope, link, id).await)
    }

    fn make_own(&self, link: &PortalLink, url: &str) -> Result<Endpoint, WebhookError> {
        let patch = EndpointPatch { customer: Some(Some(link.customer.clone())), ..EndpointPatch::default() };
        let new = crate::NewEndpoint { patch, ..to(url) };
        self.act(&self.acme, async |scope| {
            create_own(scope, &self.acme, self.means(), (link, new)).await.map(|made| made.0)
        })
    }
}

/// All that a table says, as one text.
struct Whole(String);
impl Decode for Whole {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("said")?))
    }
}

#[test]
fn a_link_opens_until_it_is_over_or_ended() {
    let world = World::new();
    let (made, token) = world.link(of("cus_1")).unwrap();
    assert_eq!(world.open(&token, Span::default()).unwrap(), made);
    assert!(world.open(&token, Span::millis(3_599_999)).is_ok());
    assert_eq!(code(world.open(&token, Span::hours(1))), "WEBHOOK_PORTAL_LINK_CLOSED");
    // The right link with another's chance opens nothing.
    let (_, other) = world.link(of("cus_1")).unwrap();
    let text = token.text().expose();
    let (place, _) = text.rsplit_once('_').unwrap();
    let noise = other.text().expose().rsplit_once('_').unwrap().1;
    let mixed = PortalToken::read(&Secret::new(format!("{place}_{noise}"))).unwrap();
    assert_eq!(code(world.open(&mixed, Span::default())), "WEBHOOK_PORTAL_LINK_CLOSED");
    // So does one that says it is another tenant's.
    let theirs = text.replace("acme-corp", "globex");
    let theirs = PortalToken::read(&Secret::new(theirs)).unwrap();
    assert_eq!(code(world.open(&theirs, Span::default())), "WEBHOOK_PORTAL_LINK_CLOSED");

    assert_eq!(
        code(world.act(&world.globex, async |scope| end_link(scope, &world.globex, &made.id).await)),
        "NOT_FOUND"
    );
    world.act(&world.acme, async |scope| end_link(scope, &world.acme, &made.id).await).unwrap();
    assert_eq!(code(world.open(&token, Span::default())), "WEBHOOK_PORTAL_LINK_CLOSED");
    assert_eq!(code(block_on(link(&world.db, &world.acme, &made.id))), "NOT_FOUND");
    let actions: Vec<String> = world.audited().into_iter().map(|(action, _)| action).collect();
    assert_eq!(
        actions,
        ["webhook_portal_link.created", "webhook_portal_link.created", "webhook_portal_link.ended"]
    );
}

#[test]
fn nothing_of_the_token_is_kept() {
    let world = World::new();
    let (_, token) = world.link(of("cus_1")).unwrap();
    let noise = token.text().expose().rsplit_once('_').unwrap().1.to_owned();
    let said: Vec<Whole> = block_on(async {
        let mut lease = world.db.read().await.unwrap();
        let sql = "SELECT json_array(link_id, customer, event_types, filter, return_url, created_by) || hex(token_hash) AS said
            FROM webhook_portal_links";
        lease.all_tenants().unwrap().all(sql, []).await.unwrap()
    });
    assert_eq!(said.len(), 1);
    assert!(!said[0].0.to_lowercase().contains(&noise));
    assert!(!format!("{:?} {token:?}", world.audited()).contains(&noise));
}

#[test]
fn a_customer_has_so_many_links_and_those_that_are_over_do_not_count() {
    let world = World::new();
    for _ in 0..PORTAL_LINKS_MAX {
        world.link(of("cus_1")).unwrap();
    }
    assert_eq!(code(world.link(of("cus_1"))), "WEBHOOK_PORTAL_LINK_LIMIT");
    assert!(world.link(of("cus_2")).is_ok());
    let listed = |call: &Call, customer: Option<&str>| {
        let page = PageRequest::new(200, None).unwrap();
        block_on(links(&world.db, call, customer, &page)).unwrap().items.len()
    };
    assert_eq!((listed(&world.acme, Some("cus_2")), listed(&world.globex, None)), (1, 0));
    let later = Call { now: world.acme.now + Span::hours(1), ..world.acme.clone() };
    assert_eq!(listed(&later, None), 0);
    let made = world.act(&later, async |scope| create_link(scope, &later, of("cus_1")).await);
    assert!(made.is_ok());
    // Some went when that one was made, the rest goes in time.
    let gone = world.act(&later, async |scope| Ok(forget_links(scope, later.now, 500).await?));
    assert_eq!(gone.unwrap(), 1);
}

#[test]
fn faulty_wishes_are_told() {
    let world = World::new();
    let new = NewPortalLink { expires_in: Some(json!("P8D")), ..of("") };
    let Err(WebhookError::Invalid(faults)) = world.link(new) else { panic!("is faulty") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["customer", "expires_in"]);
}

#[test]
fn others_endpoints_are_not_there() {
    let world = World::new();
    let (link, _) = world.link(of("cus_1")).unwrap();
    let (mine, theirs) = (
        world.of_customer("cus_1", "https://example.com/1"),
        world.of_customer("cus_2", "https://example.com/2"),
    );
    let nobodys = world.made().0;
    assert_eq!(world.own(&world.acme, &link, &mine.id).unwrap(), mine);
    for id in [&theirs.id, &nobodys.id, &EndpointId::new(world.acme.now, &*world.acme.chance)] {
        assert_eq!(code(world.own(&world.acme, &link, id)), "NOT_FOUND");
    }
    // A customer of the same name is another tenant's.
    assert_eq!(code(world.own(&world.globex, &link, &mine.id)), "NOT_FOUND");
}

#[test]
fn a_customer_has_so_many_endpoints_each_at_its_own_address() {
    let world = World::new();
    let (link, _) = world.link(of("cus_1")).unwrap();
    for number in 0..CUSTOMER_ENDPOINTS_MAX {
        world.make_own(&link, &format!("https://example.com/{number}")).unwrap();
    }
    assert_eq!(code(world.make_own(&link, "https://example.com/more")), "WEBHOOK_ENDPOINT_LIMIT");
    let (other, _) = world.link(of("cus_2")).unwrap();
    world.make_own(&other, "https://example.com").unwrap();
    let Err(WebhookError::Invalid(faults)) = world.make_own(&other, "https://EXAMPLE.com/") else {
        panic!("is there")
    };
    assert_eq!(faults[0].field, "url");
}
