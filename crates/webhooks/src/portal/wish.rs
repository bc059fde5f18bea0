//! What does a customer ask for by a form? What they may set becomes an endpoint's; what they may not stays as the tenant has it.

use super::{PortalLink, Sent, choice::Chosen, choice::Offer};
use crate::{Endpoint, EndpointPatch, NewEndpoint, Rotation};
use kernel::{FieldFault, Fields, Target, TargetError};
use serde_json::json;

/// How long a replaced secret can go on signing, with words for it.
pub const OVERLAPS: [(&str, &str); 3] =
    [("PT24H", "24 hours"), ("P7D", "7 days"), ("PT0S", "not at all: it stops now")];

/// What a form for an endpoint says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    pub(crate) url: String,
    pub(crate) description: String,
    /// Nothing while neither all nor some was picked.
    pub(crate) chosen: Option<Chosen>,
}

impl Wishes {
    /// What was sent. Types that are not offered are of no account.
    #[must_use]
    pub fn read(sent: &Sent, offer: &Offer) -> Self {
        let kinds = sent.all("type").filter(|kind| offer.has(kind)).map(str::to_owned).collect();
        let chosen = match sent.one("which") {
            "all" => Some(Chosen { all: true, kinds }),
            "some" => Some(Chosen { all: false, kinds }),
            _ => None,
        };
        let text = |name: &str| sent.one(name).trim().to_owned();
        Self { url: text("url"), description: text("description"), chosen }
    }

    /// An endpoint as it stands.
    #[must_use]
    pub fn of(endpoint: &Endpoint, offer: &Offer) -> Self {
        Self {
            url: endpoint.url.clone(),
            description: endpoint.description.clone().unwrap_or_default(),
            chosen: Some(offer.chosen(endpoint)),
        }
    }

    /// What a new endpoint is asked with, before anything is filled in.
    #[must_use]
    pub fn blank() -> Self {
        Self { chosen: Some(Chosen { all: true, ..Chosen::default() }), ..Self::default() }
    }

    /// An endpoint of the link's customer.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn create(
        self,
        link: &PortalLink,
        offer: &Offer,
        allow_private: bool,
    ) -> Result<NewEndpoint, Vec<FieldFault>> {
        let mut fields = Fields::new();
        self.check(&mut fields, allow_private);
        let chosen = self.picked(&mut fields, None);
        fields.done()?;
        let patch = EndpointPatch {
            description: Some(Some(self.description)),
            customer: Some(Some(link.customer.clone())),
            event_types: Some(offer.types(&chosen.unwrap_or_default(), None)),
            filter: Some(link.filter.clone()),
            ..EndpointPatch::default()
        };
        Ok(NewEndpoint { url: self.url, patch, ..NewEndpoint::default() })
    }

    /// What is to be changed. An endpoint that gets other events by this link meets the link's conditions from then on: the tenant may have
    /// set it up for less than the link offers.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn change(
        self,
        before: &Endpoint,
        link: &PortalLink,
        offer: &Offer,
        allow_private: bool,
    ) -> Result<EndpointPatch, Vec<FieldFault>> {
        let mut fields = Fields::new();
        // An address that stays is none of this form's business.
        if self.url != before.url {
            self.check(&mut fields, allow_private);
        }
        let stood = offer.chosen(before);
        let chosen = self.picked(&mut fields, Some(&stood));
        fields.done()?;
        let moved =
            chosen.filter(|chosen| chosen.all != stood.all || (!chosen.all && chosen.kinds != stood.kinds));
        let filter = moved.is_some().then(|| link.bounded(before.filter.as_ref()));
        Ok(EndpointPatch {
            url: Some(self.url),
            description: Some(Some(self.description)),
            event_types: moved.map(|chosen| offer.types(&chosen, Some(before))),
            filter,
            ..EndpointPatch::default()
        })
    }

    fn check(&self, fields: &mut Fields, allow_private: bool) {
        let message = match Target::parse(&self.url, allow_private) {
            Ok(_) => return,
            // What the operator could do about it is nothing that a customer can.
            Err(TargetError::Private | TargetError::Inside) => {
                "leads to a private network; use one that can be reached from the internet".to_owned()
            }
            Err(_) if self.url.is_empty() => {
                "is missing; write it in full, such as https://example.com/hook".to_owned()
            }
            Err(TargetError::UserInfo) => "must not carry a user or password".to_owned(),
            Err(error) => error.to_string(),
        };
        fields.fault("url", message);
    }

    /// What was picked: something, unless nothing was before.
    fn picked(&self, fields: &mut Fields, stood: Option<&Chosen>) -> Option<Chosen> {
        match &self.chosen {
            Some(chosen) if chosen.all || !chosen.kinds.is_empty() || Some(chosen) == stood => {
                Some(chosen.clone())
            }
            Some(_) => {
                fields.fault("event_types", "must be at least one: tick what you want, or choose all");
                None
            }
            None => {
                fields.fault("event_types", "must be all or some: choose one of both");
                None
            }
        }
    }
}

impl Sent {
    /// The secret that a form wants replaced, and how long the present one goes on signing.
    ///
    /// # Errors
    /// The fault of the field.
    pub fn rotation(&self) -> Result<Rotation, Vec<FieldFault>> {
        let asked = self.one("overlap");
        match OVERLAPS.iter().find(|(known, _)| *known == asked) {
            Some((overlap, _)) => Ok(Rotation { overlap: Some(json!(overlap)), ..Rotation::default() }),
            None => Err(vec![FieldFault::new("overlap", "must be one of those that are offered")]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::{Choice, tests::stage};

    fn sent(text: &str) -> Sent {
        Sent::read(text.as_bytes())
    }

    fn faulty(wishes: Wishes) -> Vec<String> {
        let (link, offer) = (stage::link(), stage::offer());
        let faults = wishes.create(&link, &offer, false).unwrap_err();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn an_endpoint_is_the_customers_and_carries_the_links_filter() {
        let (link, offer) = (stage::link(), stage::offer());
        let sent = sent(
            "url=https%3A%2F%2Fexample.com%2Fin&which=some&type=sales.deal_closed_won&type=hr.fired&customer=other&filter=x",
        );
        let new = Wishes::read(&sent, &offer).create(&link, &offer, false).unwrap();
        assert_eq!(new.patch.customer, Some(Some("cus_42".to_owned())));
        assert_eq!(new.patch.event_types, Some(vec!["sales.deal_closed_won".to_owned()]));
        assert_eq!(new.patch.filter, Some(link.filter.clone()));
        assert!(new.secret.is_none() && new.patch.headers.is_none() && new.patch.auth.is_none());
        let all = Wishes { url: "https://example.com/".to_owned(), ..Wishes::blank() };
        assert_eq!(
            all.create(&link, &offer, false).unwrap().patch.event_types,
            Some(vec!["sales.*".to_owned()])
        );
    }

    #[test]
    fn all_faulty_fields_are_told_and_in_words_for_a_customer() {
        let offer = stage::offer();
        assert_eq!(faulty(Wishes::read(&sent("which=some&type=hr.fired"), &offer)), ["url", "event_types"]);
        assert_eq!(faulty(Wishes::read(&sent("url=http://127.0.0.1/"), &offer)), ["url", "event_types"]);
        let private = Wishes { url: "http://10.0.0.1/".to_owned(), ..Wishes::blank() };
        let faults = private.create(&stage::link(), &offer, false).unwrap_err();
        assert!(!faults[0].message.contains("operator"), "{faults:?}");
    }

    #[test]
    fn what_is_not_offered_stays_and_other_events_meet_the_links_conditions() {
        let (link, offer) = (stage::link(), stage::offer());
        let before = stage::endpoint(&["hr.*", "sales.deal_closed_won"]);
        let same = Wishes::of(&before, &offer).change(&before, &link, &offer, false).unwrap();
        assert_eq!((same.event_types, same.filter, same.is_active), (None, None, None));
        let more = Wishes {
            chosen: Some(Chosen { all: false, kinds: ["sales.deal_closed_lost".to_owned()].into() }),
            ..Wishes::of(&before, &offer)
        };
        let patch = more.change(&before, &link, &offer, false).unwrap();
        assert_eq!(patch.event_types, Some(vec!["hr.*".to_owned(), "sales.deal_closed_lost".to_owned()]));
        assert_eq!(patch.filter, Some(link.filter.clone()));
        // One that gets nothing of itself may stay so.
        let none = stage::endpoint(&[]);
        assert!(Wishes::of(&none, &offer).change(&none, &link, &offer, false).is_ok());
    }

    #[test]
    fn an_endpoint_that_has_all_has_all() {
        let offer = stage::offer();
        assert!(offer.chosen(&stage::endpoint(&["*"])).all);
        let some = offer.chosen(&stage::endpoint(&["*.deal_closed_won"]));
        assert!(!some.all && some.kinds == ["sales.deal_closed_won".to_owned()].into());
        let hr = Choice { module: "hr".to_owned(), kind: "hr.fired".to_owned(), description: String::new() };
        assert!(!Offer::new(&stage::link(), [hr]).has("hr.fired"));
    }

    #[test]
    fn a_secret_overlaps_as_long_as_is_offered() {
        assert_eq!(sent("overlap=P7D").rotation().unwrap().overlap, Some(json!("P7D")));
        assert!(sent("overlap=P8D").rotation().is_err() && sent("").rotation().is_err());
    }
}
