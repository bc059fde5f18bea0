//! What does a link open? The endpoints of one customer of a tenant's, for a while.

use super::PortalToken;
use crate::{
    EventType, Subscription,
    endpoint::{checked_customer, checked_event_types},
};
use kernel::{Call, FieldFault, Fields, Instant, PortalLinkId, Span};
use language::duration;
use serde_json::Value;
use url::{Host, Url};

/// How many links of one customer can be live at a time.
pub const PORTAL_LINKS_MAX: i64 = 100;
/// How long a link is good for: at least, at most, and unless said otherwise.
const LIFE_LEAST: Span = Span::minutes(5);
const LIFE_MOST: Span = Span::days(7);
const LIFE: Span = Span::hours(1);
/// The longest address to return to, in bytes.
const RETURN_MAX: usize = 2048;

/// A link by which a customer of a tenant's manages endpoints of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct PortalLink {
    /// Its id, which is no secret.
    pub id: PortalLinkId,
    /// Whose endpoints: the tenant's own name for its customer.
    pub customer: String,
    /// What the customer may choose among.
    pub event_types: Vec<EventType>,
    /// What every endpoint carries that is made by it, or that gets other events by it.
    pub filter: Option<Value>,
    /// Where the customer came from.
    pub return_url: Option<String>,
    /// Who made it: an actor of the audit.
    pub created_by: String,
    /// When.
    pub created_at: Instant,
    /// Until when it is good.
    pub expires_at: Instant,
}

/// A link to be made.
#[derive(Debug, Clone, Default)]
pub struct NewPortalLink {
    /// Whose endpoints.
    pub customer: String,
    /// What the customer may choose among: all but events about deliveries, unless named.
    pub event_types: Option<Vec<String>>,
    /// Conditions that every endpoint carries that is made by it.
    pub filter: Option<Value>,
    /// How long it is good for: a duration; an hour unless said.
    pub expires_in: Option<Value>,
    /// Where the customer goes back to.
    pub return_url: Option<String>,
}

impl NewPortalLink {
    /// The link, and its token.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn make(self, call: &Call) -> Result<(PortalLink, PortalToken), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let customer = checked_customer(self.customer, &mut fields);
        if customer.is_none() && fields.is_sound() {
            fields.fault("customer", "must say whose endpoints: your own name for your customer");
        }
        let asked = self.event_types.unwrap_or_else(|| vec!["*".to_owned()]);
        let event_types = checked_event_types(&asked, &mut fields);
        if asked.is_empty() {
            fields.fault("event_types", "must name at least one; leave it out for all");
        }
        if let Some(filter) = &self.filter
            && let Err(faults) = Subscription::filter(filter)
        {
            faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
        }
        let life = self.expires_in.map_or(Some(LIFE), |said| {
            let read = duration::read(&said).ok().filter(|span| (LIFE_LEAST..=LIFE_MOST).contains(span));
            fields.take("expires_in", read.ok_or("must be a duration from PT5M to P7D"))
        });
        let return_url = self.return_url.and_then(|text| fields.take("return_url", back(&text)));
        let made = customer.zip(life).map(|(customer, life)| {
            let id = PortalLinkId::new(call.now, &*call.chance);
            let token = PortalToken::new(call.tenant(), &id, &*call.chance);
            let link = PortalLink {
                id,
                customer,
                event_types,
                // No condition at all is none.
                filter: self.filter.filter(|filter| filter.as_array().is_none_or(|all| !all.is_empty())),
                return_url,
                created_by: call.principal.actor.name().to_owned(),
                created_at: call.now,
                expires_at: call.now + life,
            };
            (link, token)
        });
        fields.give(made)
    }
}

/// Where to go back to: over HTTPS, or to a program on the customer's own machine, which somebody is writing.
fn back(text: &str) -> Result<String, &'static str> {
    const SHAPE: &str =
        "must be an address that begins with https://, of at most 2048 bytes, without a user or password";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_sound = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_bare = url.username().is_empty() && url.password().is_none() && url.has_host();
    if is_sound && is_bare && text.len() <= RETURN_MAX { Ok(url.to_string()) } else { Err(SHAPE) }
}

impl PortalLink {
    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        now < self.expires_at
    }

    /// Whether the customer may choose events of this type.
    #[must_use]
    pub fn offers(&self, kind: &str) -> bool {
        self.event_types.iter().any(|one| one.takes(kind))
    }

    /// Conditions with those of the link beside them, each once.
    pub(crate) fn bounded(&self, filter: Option<&Value>) -> Option<Value> {
        let conditions =
            |filter: Option<&Value>| filter.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut all = conditions(filter);
        for own in conditions(self.filter.as_ref()) {
            if !all.contains(&own) {
                all.push(own);
            }
        }
        if all.is_empty() { None } else { Some(Value::Array(all)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Chance, Principal, RequestId, Trace};
    use serde_json::json;
    use std::sync::Arc;

    struct Fixed;
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn make(new: NewPortalLink) -> Result<PortalLink, Vec<String>> {
        let call = Call {
            principal: Principal::system("acme-corp".parse().unwrap()),
            now: Instant::from_millis(1_700_000_000_000),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: Arc::new(Fixed),
        };
        let made = new.make(&call).map(|(link, _)| link);
        made.map_err(|faults| faults.into_iter().map(|fault| fault.field).collect())
    }

    fn of(customer: &str) -> NewPortalLink {
        NewPortalLink { customer: customer.to_owned(), ..NewPortalLink::default() }
    }

    #[test]
    fn an_hour_and_all_events_unless_said_otherwise() {
        let link = make(of("cus_1")).unwrap();
        assert_eq!(link.expires_at.since(link.created_at), Span::hours(1));
        assert!(link.offers("sales.deal_closed_won") && !link.offers("webhook.delivery.dead"));
        assert!(link.is_live(link.expires_at - Span::millis(1)) && !link.is_live(link.expires_at));
    }

    #[test]
    fn all_faulty_fields_are_told() {
        let new = NewPortalLink {
            customer: " ".to_owned(),
            event_types: Some(vec!["s p".to_owned()]),
            filter: Some(json!([{"type": "equals"}])),
            expires_in: Some(json!("PT4M")),
            return_url: Some("http://example.com/".to_owned()),
        };
        let fields = make(new).unwrap_err();
        for field in ["customer", "event_types[0]", "expires_in", "return_url"] {
            assert!(fields.iter().any(|one| one == field), "{field} in {fields:?}");
        }
        assert!(fields.iter().any(|field| field.starts_with("filter[0]")), "{fields:?}");
    }

    #[test]
    fn it_leads_back_over_https_and_by_no_script() {
        for (text, is_good) in [
            ("https://app.example.com/settings?a=b#c", true),
            ("http://localhost:5173/", true),
            ("http://127.0.0.1:5173/", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("https://user:hush@example.com/", false),
            ("//example.com", false),
        ] {
            assert_eq!(back(text).is_ok(), is_good, "{text}");
        }
    }

    #[test]
    fn conditions_are_added_once() {
        let own = json!({"type": "equals", "field": "customer_id", "value": "cus_1"});
        let other = json!({"type": "exists", "field": "value"});
        let link = make(NewPortalLink { filter: Some(json!([own])), ..of("cus_1") }).unwrap();
        assert_eq!(link.bounded(None), Some(json!([own])));
        assert_eq!(link.bounded(Some(&json!([other]))), Some(json!([other, own])));
        assert_eq!(link.bounded(Some(&json!([own, other]))), Some(json!([own, other])));
        assert_eq!(make(of("cus_1")).unwrap().bounded(None), None);
    }
}
