//! What does a lead become? A contact with what is known of the person, and an opportunity with what it may be worth.

use crate::{Draft, Record, RecordType, Shape, built_in::CONVERTED};
use kernel::{FieldFault, Instant, RecordId};
use serde_json::{Map, Value};

/// What somebody wants a lead to become.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// The contact that it is; found by the lead's address, or made, where none is named.
    pub contact_id: Option<RecordId>,
    /// What a new contact is to hold beside what the lead says.
    pub contact: Option<Draft>,
    /// What the opportunity is to hold beside what the lead says; `None` for no opportunity.
    pub opportunity: Option<Draft>,
}

/// What only a lead says of itself.
const OF_THE_LEAD: &[&str] =
    &["status", "source", "value", "currency", "contact_id", "opportunity_id", "converted_at"];

/// The contact that a lead becomes: all that both have a field for, unless `given` says more.
pub(crate) fn contact_of(lead: &Record, contacts: &RecordType, given: Draft) -> Draft {
    let mut fields = lead.fields.clone();
    fields.retain(|name, _| contacts.has_field(name) && !OF_THE_LEAD.contains(&name.as_str()));
    fields.extend(given.fields);
    Draft { external_id: given.external_id, fields }
}

/// The opportunity that a lead becomes: called as its company or its person, worth what the lead is, unless `given` says more.
pub(crate) fn opportunity_of(lead: &Record, given: Draft, contact: &RecordId) -> Draft {
    let mut fields = Map::new();
    let called = lead.fields.get("company").or_else(|| lead.fields.get("name"));
    fields.extend(called.map(|called| ("name".to_owned(), called.clone())));
    for name in ["value", "currency", "owner"] {
        fields.extend(lead.fields.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    fields.extend(given.fields);
    fields.insert("contact_id".to_owned(), contact.as_str().into());
    Draft { external_id: given.external_id, fields }
}

/// Faults of what a lead becomes, as whoever wants the conversion has named it.
pub(crate) fn inside(what: &str, faults: Vec<FieldFault>) -> Vec<FieldFault> {
    let inside = |fault: FieldFault| FieldFault { field: format!("{what}.{}", fault.field), ..fault };
    faults.into_iter().map(inside).collect()
}

/// The lead after it: where it went is on it.
pub(crate) fn converted(
    shape: &Shape,
    lead: &Record,
    contact: &RecordId,
    opportunity: Option<&RecordId>,
    now: Instant,
) -> Result<Record, Vec<FieldFault>> {
    let mut ours = Map::from_iter([
        ("contact_id".to_owned(), Value::from(contact.as_str())),
        ("converted_at".to_owned(), now.to_string().into()),
    ]);
    ours.extend(opportunity.map(|id| ("opportunity_id".to_owned(), Value::from(id.as_str()))));
    let status = Map::from_iter([("status".to_owned(), Value::from(CONVERTED))]);
    shape.patch_ours(lead, Draft { external_id: None, fields: status }, ours, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::stage::*;
    use serde_json::json;

    #[test]
    fn what_is_known_of_a_lead_goes_on() {
        let lead = shape("lead");
        let was = made(
            &lead,
            json!({"name": "Ada", "email": "ada@example.com", "company": "Engines", "source": "web", "value": 500, "labels": ["vip"]}),
        );
        let contact = contact_of(&was, &shape("contact").kind, draft(json!({"phone": "1"})));
        assert_eq!(
            Value::Object(contact.fields),
            json!({"name": "Ada", "email": "ada@example.com", "company": "Engines", "labels": ["vip"], "phone": "1"})
        );
        let id: RecordId = "rec_01hf7yat00zzzzzzzzzzzzzzz0".parse().unwrap();
        let deal = opportunity_of(&was, draft(json!({"stage": "proposal", "contact_id": "x"})), &id);
        assert_eq!(
            Value::Object(deal.fields),
            json!({"name": "Engines", "value": 500, "stage": "proposal", "contact_id": id.as_str()})
        );
        let next = converted(&lead, &was, &id, None, at(5)).unwrap();
        assert_eq!(
            (next.text("status"), next.text("contact_id"), next.version),
            (Some("converted"), Some(id.as_str()), 2)
        );
        // What we set nobody else writes, nor takes away.
        assert!(lead.patch(&next, draft(json!({"contact_id": null})), at(6)).is_err());
        assert_eq!(
            lead.replace(&next, draft(json!({"name": "Ada L"})), at(6)).unwrap().text("contact_id"),
            Some(id.as_str())
        );
    }
}
