//! What happened to a record, and what is to be told of it? From a record before and after follow the events that rules can be
//! bound to, and the row of the audit.

use crate::{
    Record, RecordType,
    built_in::{CONTACT, LEAD, LOST, OPPORTUNITY, WON},
};
use audit::Entry;
use kernel::RecordId;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// A record before and after: made if there is none before, deleted if there is none after.
#[derive(Debug, Clone)]
pub struct Change {
    pub(crate) kind: Arc<RecordType>,
    pub(crate) before: Option<Record>,
    pub(crate) after: Option<Record>,
    /// Whether a lead became a contact by it.
    pub(crate) converts: bool,
}

/// Something that rules can be bound to.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The trigger: `contact_created`.
    pub trigger: String,
    /// The record that it is about.
    pub record: RecordId,
    /// The data: a JSON object.
    pub data: Value,
}

/// A field that is not as it was: its name, what stood there, what stands there.
type Moved = (String, Option<Value>, Option<Value>);

impl Change {
    pub(crate) const fn new(kind: Arc<RecordType>, before: Option<Record>, after: Option<Record>) -> Self {
        Self { kind, before, after, converts: false }
    }

    /// The record's type.
    #[must_use]
    pub fn kind(&self) -> &RecordType {
        &self.kind
    }

    /// The record as it stands afterwards; of one that was deleted, as it stood.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// Whether the record is new by it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.before.is_none() && self.after.is_some()
    }

    /// Whether everything is as it was.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.before == self.after
    }

    /// The fields that are not as they were.
    fn moved(&self) -> Vec<Moved> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let names: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
        let mut moved: Vec<Moved> = names
            .into_iter()
            .filter(|name| before.fields.get(*name) != after.fields.get(*name))
            .map(|name| (name.clone(), before.fields.get(name).cloned(), after.fields.get(name).cloned()))
            .collect();
        if before.external_id != after.external_id {
            let said = |id: &Option<String>| id.as_deref().map(Value::from);
            moved.push(("external_id".to_owned(), said(&before.external_id), said(&after.external_id)));
        }
        moved
    }

    /// Everything that rules can be bound to, in the order in which it happened.
    #[must_use]
    pub fn happenings(&self) -> Vec<Happening> {
        let Some(record) = self.record() else { return Vec::new() };
        if self.is_nothing() {
            return Vec::new();
        }
        let kind = self.kind.name.as_str();
        let happened = |trigger: String, data: Map<String, Value>| Happening {
            trigger,
            record: record.id.clone(),
            data: Value::Object(data),
        };
        let plain = || data(&self.kind, record);
        let mut all = Vec::new();
        match (&self.before, &self.after) {
            (None, _) => all.push(happened(format!("{kind}_created"), plain())),
            (Some(_), None) => all.push(happened(format!("{kind}_deleted"), plain())),
            (Some(before), Some(after)) => {
                let moved = self.moved();
                let whole = || with_changes(plain(), &moved);
                // It may be that a deal only became one of high value: what it says is as it was.
                if !moved.is_empty() {
                    all.push(happened(format!("{kind}_updated"), whole()));
                }
                if before.status(&self.kind) != after.status(&self.kind) {
                    let what = if kind == OPPORTUNITY { "stage" } else { "status" };
                    all.push(happened(format!("{kind}_{what}_changed"), whole()));
                }
                if self.converts {
                    all.push(happened(format!("{kind}_converted"), whole()));
                }
            }
        }
        if kind == OPPORTUNITY {
            all.extend(self.of_the_deal().into_iter().map(|(trigger, more)| {
                let mut data = with_changes(plain(), &self.moved());
                data.extend(more);
                happened(trigger.to_owned(), data)
            }));
        }
        all
    }

    /// What only deals do: they are won, lost, and become worth much.
    fn of_the_deal(&self) -> Vec<(&'static str, Map<String, Value>)> {
        let Some(after) = &self.after else { return Vec::new() };
        let mut all = Vec::new();
        let came_to = |stage: &str| {
            after.text("stage") == Some(stage)
                && self.before.as_ref().and_then(|was| was.text("stage")) != Some(stage)
        };
        if after.high_value_at.is_some() && self.before.as_ref().is_none_or(|was| was.high_value_at.is_none())
        {
            all.push(("high_value_opportunity", Map::new()));
        }
        if came_to(WON) {
            all.push(("deal_closed_won", Map::new()));
        }
        if came_to(LOST) {
            let reason = after.fields.get("lost_reason").cloned().unwrap_or_default();
            all.push(("deal_closed_lost", Map::from_iter([("reason".to_owned(), reason)])));
        }
        all
    }

    /// The row that the audit keeps of it: what is not as it was, or the whole where there is only one side.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        let record = self.record()?;
        let side = |record: &Record| {
            let mut said = record.fields.clone();
            said.insert("type".to_owned(), record.kind.as_str().into());
            if let Some(external_id) = &record.external_id {
                said.insert("external_id".to_owned(), external_id.as_str().into());
            }
            Value::Object(said)
        };
        let (action, before, after) = match (&self.before, &self.after) {
            (None, None) => return None,
            (None, Some(after)) => ("record.created", None, Some(side(after))),
            (Some(before), None) => ("record.deleted", Some(side(before)), None),
            (Some(_), Some(_)) => {
                let moved = self.moved();
                let one_side = |which: fn(&Moved) -> &Option<Value>| -> Value {
                    let pairs =
                        moved.iter().map(|one| (one.0.clone(), which(one).clone().unwrap_or_default()));
                    Value::Object(pairs.collect())
                };
                ("record.changed", Some(one_side(|one| &one.1)), Some(one_side(|one| &one.2)))
            }
        };
        Some(Entry { action, subject: record.id.as_str(), before, after })
    }
}

/// A record's fields under the names that its triggers have for them.
fn data(kind: &RecordType, record: &Record) -> Map<String, Value> {
    let name = kind.name.as_str();
    let mut data = record.fields.clone();
    let called = data.remove(&kind.name_field).unwrap_or_default();
    if kind.is_own() {
        data.insert(kind.name_field.clone(), called.clone());
    }
    // The lead's person will be a contact: the seeds name them so already.
    if name == LEAD {
        data.insert(format!("{CONTACT}_name"), called.clone());
    }
    data.insert(format!("{name}_name"), called);
    data.insert(format!("{name}_id"), record.id.as_str().into());
    if let Some(external_id) = &record.external_id {
        data.insert("external_id".to_owned(), external_id.as_str().into());
    }
    data
}

/// The data with `old_…` and `new_…` of every field that changed, and all of it once more under `changes`. What was or is
/// nothing is null there.
fn with_changes(mut data: Map<String, Value>, moved: &[Moved]) -> Map<String, Value> {
    if moved.is_empty() {
        return data;
    }
    let mut changes = Map::new();
    for (name, old, new) in moved {
        let (old, new) = (old.clone().unwrap_or_default(), new.clone().unwrap_or_default());
        changes.insert(name.clone(), json!({"old": old, "new": new}));
        data.insert(format!("old_{name}"), old);
        data.insert(format!("new_{name}"), new);
    }
    data.insert("changes".to_owned(), Value::Object(changes));
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Shape, stage::*};

    fn change(shape: &Shape, before: Option<Record>, after: Option<Record>) -> Change {
        Change::new(Arc::new(shape.kind.clone()), before, after)
    }

    fn triggers(change: &Change) -> Vec<String> {
        change.happenings().into_iter().map(|one| one.trigger).collect()
    }

    #[test]
    fn a_contact_is_made_changed_and_deleted() {
        let contact = shape("contact");
        let ada = made(&contact, json!({"name": "Ada", "email": "ada@example.com", "external_id": "x-1"}));
        let all = change(&contact, None, Some(ada.clone())).happenings();
        assert_eq!(
            (all[0].trigger.as_str(), &all[0].data),
            (
                "contact_created",
                &json!({"contact_id": ada.id.as_str(), "contact_name": "Ada", "email": "ada@example.com", "status": "lead",
                    "external_id": "x-1"})
            )
        );
        let patch = json!({"status": "customer", "email": null, "phone": "1"});
        let next = contact.patch(&ada, draft(patch), at(1)).unwrap();
        let moved = change(&contact, Some(ada.clone()), Some(next));
        assert_eq!(triggers(&moved), ["contact_updated", "contact_status_changed"]);
        let data = &moved.happenings()[1].data;
        assert_eq!((&data["old_status"], &data["new_status"]), (&json!("lead"), &json!("customer")));
        assert_eq!(
            data["changes"],
            json!({"status": {"old": "lead", "new": "customer"}, "email": {"old": "ada@example.com", "new": null},
                "phone": {"old": null, "new": "1"}})
        );
        let entry = moved.entry().unwrap();
        assert_eq!(entry.before, Some(json!({"email": "ada@example.com", "phone": null, "status": "lead"})));
        assert_eq!(triggers(&change(&contact, Some(ada.clone()), None)), ["contact_deleted"]);
        assert!(change(&contact, Some(ada.clone()), Some(ada)).happenings().is_empty());
    }

    #[test]
    fn a_deal_goes_its_way() {
        let deal = shape("opportunity");
        let first = made(&deal, json!({"name": "Big deal", "value": "12500.00"}));
        let all = change(&deal, None, Some(first.clone())).happenings();
        assert_eq!(
            all.iter().map(|one| one.trigger.as_str()).collect::<Vec<_>>(),
            ["opportunity_created", "high_value_opportunity"]
        );
        assert_eq!(all[1].data["value"].to_string(), "12500.00");
        assert_eq!(all[1].data["opportunity_name"], "Big deal");
        let lost = deal
            .patch(&first, draft(json!({"stage": "closed_lost", "lost_reason": "price"})), at(1))
            .unwrap();
        let moved = change(&deal, Some(first), Some(lost.clone()));
        assert_eq!(
            triggers(&moved),
            ["opportunity_updated", "opportunity_stage_changed", "deal_closed_lost"]
        );
        assert_eq!(moved.happenings()[2].data["reason"], "price");
        let won = deal.patch(&lost, draft(json!({"stage": "closed_won"})), at(2)).unwrap();
        let moved = change(&deal, Some(lost), Some(won));
        assert_eq!(triggers(&moved), ["opportunity_updated", "opportunity_stage_changed", "deal_closed_won"]);
        assert_eq!(moved.happenings()[2].data["new_stage"], "closed_won");
    }

    #[test]
    fn a_leads_person_has_both_names() {
        let lead = shape("lead");
        let data = &change(&lead, None, Some(made(&lead, json!({"name": "Ada", "source": "web"}))))
            .happenings()[0]
            .data;
        assert_eq!(
            (&data["lead_name"], &data["contact_name"], &data["source"]),
            (&json!("Ada"), &json!("Ada"), &json!("web"))
        );
    }
}
