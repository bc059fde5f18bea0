//! What does a customer get who came by a link: their own endpoints, their own events, and nothing of anybody else's?

use super::{DEAL, Yard};
use ::webhooks::{
    Endpoint, EndpointPatch, NewEndpoint, SigningKey,
    portal::{Content, DeliveryState, NewPortalLink, PortalToken, Retry, Sent},
};
use db::{DbError, Decode, Row};
use futures::executor::block_on;
use jobs::State;
use kernel::{Call, EndpointId, Fault, JobId, PageRequest, Principal, Span};
use pipeline::webhooks::{
    self as use_cases,
    portal::{self, Customer},
};
use serde_json::{Value, json};

fn filter() -> Value {
    json!([{"type": "equals", "field": "opportunity_name", "value": "Mine"}])
}

const MINE: &str = r#"{"opportunity_id": "o-2", "opportunity_name": "Mine", "value": 1}"#;

fn sent(text: &str) -> Sent {
    Sent::read(text.as_bytes())
}

fn code<T, F: Fault>(outcome: Result<T, F>) -> &'static str {
    outcome.err().map_or("", |fault| fault.code())
}

struct Entry(String, String);
impl Decode for Entry {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("actor")?, row.get("action")?))
    }
}

impl Yard {
    fn link(&self, customer: &str) -> PortalToken {
        let new = NewPortalLink {
            customer: customer.to_owned(),
            event_types: Some(vec!["sales.*".to_owned()]),
            filter: Some(filter()),
            ..NewPortalLink::default()
        };
        block_on(portal::create_link(&self.db, &self.call(), new)).unwrap().1
    }

    fn customer(&self, token: &PortalToken) -> Customer {
        let (link, _) = block_on(portal::enter(&self.db, token, self.call().now)).unwrap();
        let principal = Principal::customer("acme-corp".parse().unwrap(), link.id.clone());
        Customer { call: Call { principal, ..self.call() }, link }
    }

    fn made(&self, who: &Customer, form: &str) -> (Endpoint, SigningKey) {
        block_on(portal::create(&self.db, who, self.hook_means(), &sent(form))).unwrap()
    }

    fn of_other(&self) -> Endpoint {
        let patch = EndpointPatch {
            customer: Some(Some("cus_2".to_owned())),
            event_types: Some(vec!["sales.*".to_owned()]),
            ..EndpointPatch::default()
        };
        let url = "https://other.example/in".to_owned();
        let new = NewEndpoint { url, patch, ..NewEndpoint::default() };
        block_on(use_cases::create(&self.db, &self.call(), self.hook_means(), new)).unwrap().0
    }

    /// Who did what, oldest first.
    fn audited(&self) -> Vec<(String, String)> {
        let sql = "SELECT actor, action FROM audit_entries ORDER BY sequence";
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let rows: Vec<Entry> = lease.all_tenants().unwrap().all(sql, []).await.unwrap();
            rows.into_iter().map(|row| (row.0, row.1)).collect()
        })
    }
}

const ALL: &str = "url=https%3A%2F%2Fcustomer.example%2Fin&which=all";

#[test]
fn a_customer_gets_events_that_meet_the_links_conditions_and_sees_what_came_of_them() {
    let yard = Yard::new();
    let who = yard.customer(&yard.link("cus_1"));
    let (endpoint, key) = yard.made(&who, ALL);
    assert_eq!((&endpoint.customer, &endpoint.filter), (&Some("cus_1".to_owned()), &Some(filter())));
    yard.happen(DEAL);
    yard.happen(MINE);
    yard.drain();
    let [parcel] = &yard.carried()[..] else { panic!("one request") };
    let body = String::from_utf8(parcel.body.clone()).unwrap();
    assert!(body.contains("\"Mine\"") && super::header(parcel, "webhook-signature").starts_with("v1,"));

    let page = PageRequest::default();
    let lines = block_on(portal::deliveries(&yard.db, &who, &endpoint.id, &page)).unwrap().items;
    let [line] = &lines[..] else { panic!("one delivery") };
    assert_eq!((line.state, line.status, line.attempts), (DeliveryState::Arrived, Some(204), 1));
    let sight = block_on(portal::delivery(&yard.db, &who, &line.id)).unwrap();
    assert_eq!((sight.content, sight.retry), (Content::Body(body), Retry::Open));
    assert_eq!(sight.attempts[0].reached, Some(None));

    block_on(portal::again(&yard.db, &who, &line.id)).unwrap();
    yard.drain();
    assert_eq!(yard.carried().len(), 1);
    assert!(!key.text().expose().is_empty());
    let link = who.link.id.to_string();
    let audited = yard.audited();
    for action in ["webhook_endpoint.created", "job.retried"] {
        assert!(audited.contains(&(link.clone(), action.to_owned())), "{action} in {audited:?}");
    }
}

#[test]
fn what_is_not_the_customers_is_not_there() {
    let yard = Yard::new();
    let who = yard.customer(&yard.link("cus_1"));
    let other = yard.of_other();
    yard.happen(MINE);
    yard.drain();
    let theirs = yard.jobs()[0].id.clone();
    let nobodys = EndpointId::new(yard.call().now, &*yard.call().chance);
    let (db, means, page) = (&yard.db, yard.hook_means(), PageRequest::default());
    assert!(block_on(portal::endpoints(db, &who, means, &page)).unwrap().items.is_empty());
    let form = sent("url=https%3A%2F%2Fcustomer.example%2Fin&which=all&version=1");
    for id in [&other.id, &nobodys] {
        assert_eq!(code(block_on(portal::endpoint(db, &who, means, id))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::change(db, &who, means, (id, &form)))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::switch(db, &who, means, id, (false, 1)))), "NOT_FOUND");
        let rotation = sent("overlap=PT24H").rotation().unwrap();
        assert_eq!(code(block_on(portal::rotate(db, &who, means, id, (rotation, 1)))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::delete(db, &who, id, 1))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::test(db, &who, id, None))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::deliveries(db, &who, id, &page))), "NOT_FOUND");
    }
    let nobodys = JobId::new(yard.call().now, &*yard.call().chance);
    for id in [&theirs, &nobodys] {
        assert_eq!(code(block_on(portal::delivery(db, &who, id))), "NOT_FOUND");
        assert_eq!(code(block_on(portal::again(db, &who, id))), "NOT_FOUND");
    }
    assert_eq!(yard.look(&other), other);
    assert_eq!(yard.jobs()[0].state, State::Done);
}

#[test]
fn an_endpoint_that_the_tenant_bounded_by_its_types_is_not_opened_by_choosing_more() {
    let yard = Yard::new();
    let token = yard.link("cus_2");
    let who = yard.customer(&token);
    let narrow = EndpointPatch {
        event_types: Some(vec!["sales.deal_closed_won".to_owned()]),
        ..EndpointPatch::default()
    };
    let made = yard.of_other();
    let made = yard.change(&made, narrow);
    let url = "url=https%3A%2F%2Fother.example%2Fin";
    let (db, means) = (&yard.db, yard.hook_means());
    let same = sent(&format!("{url}&which=some&type=sales.deal_closed_won&version={}", made.version));
    block_on(portal::change(db, &who, means, (&made.id, &same))).unwrap();
    let same = yard.look(&made);
    assert_eq!((&same.filter, &same.event_types), (&None, &made.event_types));
    let stale = sent(&format!("{url}&which=all&version={}", made.version));
    assert_eq!(code(block_on(portal::change(db, &who, means, (&made.id, &stale)))), "PRECONDITION_FAILED");
    let more = sent(&format!("{url}&which=all&version={}", same.version));
    block_on(portal::change(db, &who, means, (&made.id, &more))).unwrap();
    assert_eq!(yard.look(&made).filter, Some(filter()));
    yard.happen(DEAL);
    assert!(yard.jobs().is_empty(), "somebody else's event goes nowhere");
    yard.happen(MINE);
    assert_eq!(yard.jobs().len(), 1);
}

#[test]
fn a_test_is_of_a_type_that_is_offered_and_reaches_only_one_that_is_on() {
    let yard = Yard::new();
    let who = yard.customer(&yard.link("cus_1"));
    let (endpoint, _) = yard.made(&who, ALL);
    let (db, means) = (&yard.db, yard.hook_means());
    let test = |kind: Option<&str>| block_on(portal::test(db, &who, &endpoint.id, kind.map(str::to_owned)));
    assert_eq!(code(test(Some("crm.contact_created"))), "VALIDATION_ERROR");
    assert_eq!(code(test(Some("sales.nothing"))), "VALIDATION_ERROR");
    let job = test(Some("sales.deal_closed_won")).unwrap();
    yard.drain();
    let sight = block_on(portal::delivery(db, &who, &job)).unwrap();
    assert_eq!(sight.line.kind.as_deref(), Some("sales.deal_closed_won"));
    let Content::Body(body) = sight.content else { panic!("there is a body") };
    assert_eq!(body.into_bytes(), yard.carried()[0].body);
    block_on(portal::switch(db, &who, means, &endpoint.id, (false, endpoint.version))).unwrap();
    assert_eq!(code(test(None)), "WEBHOOK_ENDPOINT_DISABLED");
    assert_eq!(block_on(portal::delivery(db, &who, &job)).unwrap().retry, Retry::Off);
    assert_eq!(code(block_on(portal::again(db, &who, &job))), "WEBHOOK_ENDPOINT_DISABLED");
    block_on(portal::delete(db, &who, &endpoint.id, endpoint.version + 1)).unwrap();
    assert_eq!(code(block_on(portal::delivery(db, &who, &job))), "NOT_FOUND");
}

#[test]
fn a_link_is_over_when_its_time_is_its_tenant_is_suspended_or_somebody_ends_it() {
    let yard = Yard::new();
    let (first, second) = (yard.link("cus_1"), yard.link("cus_1"));
    let enter =
        |token: &PortalToken, after| block_on(portal::enter(&yard.db, token, yard.call().now + after));
    assert_eq!(enter(&first, Span::default()).unwrap().1, "x");
    assert_eq!(code(enter(&first, Span::hours(1))), "WEBHOOK_PORTAL_LINK_CLOSED");
    let id = enter(&first, Span::default()).unwrap().0.id;
    block_on(portal::end_link(&yard.db, &yard.call(), &id)).unwrap();
    assert_eq!(code(enter(&first, Span::default())), "WEBHOOK_PORTAL_LINK_CLOSED");
    assert!(enter(&second, Span::default()).is_ok());
    block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        let sql =
            "UPDATE tenants SET state = 'suspended', suspended_reason = 'x' WHERE tenant_id = 'acme-corp'";
        tx.all_tenants().run_for_effect(sql, []).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(code(enter(&second, Span::default())), "WEBHOOK_PORTAL_LINK_CLOSED");
}
