//! What is a record? Flat fields under an id, each checked by its type, at a version that grows with each change.

use crate::{
    Amount, RecordType, TypeName,
    built_in::{LOST, OPPORTUNITY, WON},
    custom,
    field::Kind,
};
use kernel::{FieldFault, Fields, Instant, RecordId};
use schema::Schema;
use serde_json::{Map, Value};

/// The most records of a tenant.
pub const MOST_RECORDS: i64 = 1_000_000;
/// The largest record, in bytes of JSON.
const LARGEST: usize = 64 * 1024;
/// The longest id of somebody else's, in characters.
const LONGEST_EXTERNAL_ID: usize = 200;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The most names that are listed to whoever names a field that is not there.
const MOST_NAMED: usize = 40;
/// What a record says of itself and nobody writes.
const OWN: &[&str] = &["id", "tenant_id", "type", "version", "created_at", "updated_at", "created_by"];

/// A record of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its type.
    pub kind: TypeName,
    /// The id that it has elsewhere, unique within its type.
    pub external_id: Option<String>,
    /// Its fields by name; what is empty is not there.
    pub fields: Map<String, Value>,
    /// When its value first reached the tenant's threshold.
    pub high_value_at: Option<Instant>,
    /// 1 when it is made; one more with each change.
    pub version: u32,
    /// Who made it: the id of a user, a key or a client, or `system`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

/// Fields as somebody wrote them, all or some of a record's: nothing is checked yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The id elsewhere; `Some(None)` takes it away.
    pub external_id: Option<Option<String>>,
    /// The fields; null takes one away.
    pub fields: Map<String, Value>,
}

impl Draft {
    /// Reads a JSON object of fields.
    ///
    /// # Errors
    /// A fault for each name that nobody writes, and for an external id that is none.
    pub fn read(mut object: Map<String, Value>) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        for name in OWN {
            if object.remove(*name).is_some() {
                fields.fault(*name, "is set by Signalbox and cannot be written");
            }
        }
        let external_id = match object.remove("external_id") {
            None => None,
            Some(value) => fields.take("external_id", external_id(&value)),
        };
        fields.done().map(|()| Self { external_id, fields: object })
    }
}

fn external_id(value: &Value) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err("must be text".to_owned()),
    };
    if text.chars().count() > LONGEST_EXTERNAL_ID || text.chars().any(char::is_control) {
        return Err(format!("must be at most {LONGEST_EXTERNAL_ID} characters, without line breaks"));
    }
    if text.parse::<RecordId>().is_ok() {
        return Err("must not look like an id of ours".to_owned());
    }
    Ok(Some(text))
}

/// A type that is ready to look at fields.
#[derive(Debug)]
pub struct Shape {
    /// The type.
    pub kind: RecordType,
    own: Schema,
}

impl Shape {
    /// Compiles the type's schema.
    ///
    /// # Errors
    /// What is wrong with it: only for one that an earlier program accepted and this one does not.
    pub fn new(kind: RecordType) -> Result<Self, Vec<FieldFault>> {
        let own = Schema::compile(&kind.schema, "schema").map_err(|fault| vec![fault])?;
        Ok(Self { kind, own })
    }

    /// A new record.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn make(
        &self,
        id: RecordId,
        draft: Draft,
        now: Instant,
        by: &str,
    ) -> Result<Record, Vec<FieldFault>> {
        let fields = self.sound(draft.fields, &Map::new())?;
        let record = Record {
            id,
            kind: self.kind.name.clone(),
            external_id: draft.external_id.flatten(),
            high_value_at: None,
            fields,
            version: 1,
            created_by: by.to_owned(),
            created_at: now,
            updated_at: now,
        };
        self.settled(None, record, now)
    }

    /// A record with other fields: what is left out is as for a new one.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn replace(&self, was: &Record, draft: Draft, now: Instant) -> Result<Record, Vec<FieldFault>> {
        let mut given = draft.fields;
        // What is ours stays.
        for (name, value) in was.fields.iter().filter(|(name, _)| self.is_ours(name)) {
            given.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let fields = self.sound(given, &was.fields)?;
        self.next(was, fields, draft.external_id.flatten(), now)
    }

    /// A record with some fields changed.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn patch(&self, was: &Record, patch: Draft, now: Instant) -> Result<Record, Vec<FieldFault>> {
        let mut given = was.fields.clone();
        given.extend(patch.fields);
        let fields = self.sound(given, &was.fields)?;
        let external_id = patch.external_id.unwrap_or_else(|| was.external_id.clone());
        self.next(was, fields, external_id, now)
    }

    /// A record with fields that only we write.
    pub(crate) fn patch_ours(
        &self,
        was: &Record,
        patch: Draft,
        ours: Map<String, Value>,
        now: Instant,
    ) -> Result<Record, Vec<FieldFault>> {
        let mut next = self.patch(was, patch, now)?;
        next.fields.extend(ours);
        if next.version == was.version && next.fields != was.fields {
            next.version = was.version.saturating_add(1);
            next.updated_at = now;
        }
        Ok(next)
    }

    fn next(
        &self,
        was: &Record,
        fields: Map<String, Value>,
        external_id: Option<String>,
        now: Instant,
    ) -> Result<Record, Vec<FieldFault>> {
        let next = self.settled(Some(was), Record { fields, external_id, ..was.clone() }, now)?;
        if next == *was {
            return Ok(next);
        }
        Ok(Record { version: was.version.saturating_add(1), updated_at: now, ..next })
    }

    fn is_ours(&self, name: &str) -> bool {
        self.kind.field(name).is_some_and(|field| field.kind == Kind::Ours)
    }

    /// The fields in the form in which they are kept, with what stands in for those that are left out.
    fn sound(
        &self,
        given: Map<String, Value>,
        was: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let mut kept = Map::new();
        let mut own = Map::new();
        for (name, value) in given {
            if let Some(field) = self.kind.field(&name) {
                if field.kind == Kind::Ours && was.get(&name) == Some(&value) {
                    kept.insert(name, value);
                    continue;
                }
                if let Some(Some(value)) = fields.take(&name, field.kind.read(&value)) {
                    // 12500.00 for 12500 is no change.
                    let same =
                        was.get(&name).filter(|was| field.kind == Kind::Amount && is_as_much(was, &value));
                    kept.insert(name, same.cloned().unwrap_or(value));
                }
            } else if custom::property(&self.kind.schema, &name).is_none() {
                self.unknown(&name, &mut fields);
            } else if !value.is_null() {
                own.insert(name, value);
            }
        }
        if let Some(field) = &self.kind.status_field {
            let place = if self.kind.is_own() { &mut own } else { &mut kept };
            self.status(field, place, &mut fields);
        }
        if self.kind.is_own() {
            name_of_own(&self.kind.name_field, &own, &mut fields);
        } else {
            self.name_of_built_in(&mut kept, &mut fields);
        }
        let own = Value::Object(own);
        for fault in self.own.faults(&own) {
            fields.fault(fault.field, fault.message);
        }
        if let Value::Object(own) = own {
            kept.extend(own);
        }
        let size = Value::Object(kept.clone()).to_string().len();
        if size > LARGEST {
            fields.fault("body", format!("takes {size} bytes; a record has at most {LARGEST}"));
        }
        fields.done().map(|()| kept)
    }

    fn unknown(&self, name: &str, fields: &mut Fields) {
        let names: Vec<&str> = self.kind.field_names().take(MOST_NAMED).collect();
        let shown: String = name.chars().take(100).collect();
        fields.fault(shown, format!("is not a field of {}; it has {}", self.kind.name, names.join(", ")));
    }

    fn status(&self, field: &str, kept: &mut Map<String, Value>, fields: &mut Fields) {
        match kept.get(field) {
            None => {
                if let Some(first) = self.kind.statuses.first() {
                    kept.insert(field.to_owned(), first.as_str().into());
                }
            }
            Some(Value::String(status)) if self.kind.statuses.contains(status) => {}
            Some(_) => fields.fault(field, format!("must be one of {}", self.kind.statuses.join(", "))),
        }
    }

    /// A person without a name is called as their address; whatever else must have one.
    fn name_of_built_in(&self, kept: &mut Map<String, Value>, fields: &mut Fields) {
        if kept.contains_key("name") || !fields.is_sound() {
            return;
        }
        match kept.get("email").cloned() {
            Some(email) => {
                kept.insert("name".to_owned(), email);
            }
            None => fields.fault("name", format!("is missing: say what the {} is called", self.kind.name)),
        }
    }

    /// What follows from a change beside what was asked: how a deal is closed, and when it became one of high value.
    fn settled(
        &self,
        was: Option<&Record>,
        mut record: Record,
        now: Instant,
    ) -> Result<Record, Vec<FieldFault>> {
        if self.kind.name.as_str() != OPPORTUNITY {
            return Ok(record);
        }
        let stage_before = was.and_then(|was| was.text("stage"));
        let stage = record.text("stage").unwrap_or_default().to_owned();
        if stage_before != Some(&stage) {
            let reason_stands = was.and_then(|was| was.fields.get("lost_reason"));
            // A deal that is open again was not lost; why it was is on record elsewhere.
            if stage_before == Some(LOST) && record.fields.get("lost_reason") == reason_stands {
                record.fields.remove("lost_reason");
            }
            let missing = |name: &str, wish: &str| vec![FieldFault::new(name, format!("is missing: {wish}"))];
            if stage == LOST && !record.fields.contains_key("lost_reason") {
                return Err(missing("lost_reason", "say why the deal is lost"));
            }
            if stage == WON && !record.fields.contains_key("value") {
                return Err(missing("value", "say what the deal that is won is worth"));
            }
        }
        if record.high_value_at.is_none() && self.is_high(&record) {
            record.high_value_at = Some(now);
        }
        Ok(record)
    }

    fn is_high(&self, record: &Record) -> bool {
        record.value().zip(self.kind.high_value).is_some_and(|(value, threshold)| value >= threshold)
    }

    /// Whether the type's schema allows a record's own fields.
    pub(crate) fn allows(&self, record: &Record) -> bool {
        let mut own = record.fields.clone();
        own.retain(|name, _| self.kind.field(name).is_none());
        let all_known = own.keys().all(|name| custom::property(&self.kind.schema, name).is_some());
        all_known && self.own.allows(&Value::Object(own))
    }
}

/// Whether two amounts are the same, however they are written.
fn is_as_much(one: &Value, other: &Value) -> bool {
    matches!((Amount::read(one), Amount::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// A record of a tenant's own type is called by a text.
fn name_of_own(field: &str, own: &Map<String, Value>, fields: &mut Fields) {
    match own.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME => {}
        Some(_) => fields
            .fault(field, format!("must be text of 1 to {LONGEST_NAME} characters: it names the record")),
        None => fields.fault(field, "is missing: it names the record"),
    }
}

impl Record {
    /// The text in a field, if there is one.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// What it is worth, where that is said.
    #[must_use]
    pub fn value(&self) -> Option<Amount> {
        self.fields.get("value").and_then(|value| Amount::read(value).ok())
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self, kind: &RecordType) -> &str {
        self.text(&kind.name_field).unwrap_or_default()
    }

    /// Where it stands, if its type says so.
    #[must_use]
    pub fn status(&self, kind: &RecordType) -> Option<&str> {
        self.text(kind.status_field.as_deref()?)
    }

    /// As rules see it (`record.status`): flat, amounts exact, nothing that is empty.
    #[must_use]
    pub fn seen(&self) -> Value {
        let mut all = self.fields.clone();
        let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
        put("id", self.id.as_str().into());
        put("type", self.kind.as_str().into());
        if let Some(external_id) = &self.external_id {
            put("external_id", external_id.as_str().into());
        }
        put("version", self.version.into());
        put("created_by", self.created_by.as_str().into());
        put("created_at", self.created_at.to_string().into());
        put("updated_at", self.updated_at.to_string().into());
        Value::Object(all)
    }
}

#[cfg(test)]
pub(crate) mod stage {
    use super::*;
    use crate::built_in;

    /// A type as it is before the tenant says anything.
    pub(crate) fn shape(name: &str) -> Shape {
        Shape::new(RecordType::untouched(built_in::find(name).unwrap())).unwrap()
    }

    pub(crate) fn at(second: i64) -> Instant {
        Instant::from_millis(1_800_000_000_000 + second * 1000)
    }

    pub(crate) fn draft(value: Value) -> Draft {
        Draft::read(value.as_object().unwrap().clone()).unwrap()
    }

    pub(crate) fn made(shape: &Shape, value: Value) -> Record {
        let id = "rec_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        shape.make(id, draft(value), at(0), "usr_1").unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::{stage::*, *};
    use crate::TypePatch;
    use serde_json::json;

    fn said(outcome: Result<Record, Vec<FieldFault>>) -> Vec<String> {
        outcome.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    fn faults(kind: &str, value: Value) -> Vec<String> {
        let id = "rec_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        said(shape(kind).make(id, draft(value), at(0), "usr_1"))
    }

    #[test]
    fn a_contact_has_a_name_and_a_status() {
        let contact = shape("contact");
        let made = made(&contact, json!({"email": "ada@example.com", "phone": "", "external_id": 17}));
        assert_eq!(
            Value::Object(made.fields.clone()),
            json!({"name": "ada@example.com", "email": "ada@example.com", "status": "lead"})
        );
        assert_eq!(made.external_id.as_deref(), Some("17"));
        assert_eq!(faults("contact", json!({})), ["name: is missing: say what the contact is called"]);
        assert_eq!(
            faults("contact", json!({"email": "ada", "status": "new", "nmae": "Ada", "labels": "vip"})),
            [
                "email: must be an e-mail address, such as ada@example.com",
                "labels: must be a list of texts",
                "nmae: is not a field of contact; it has name, email, phone, company, title, status, owner, labels",
                "status: must be one of lead, prospect, customer, inactive",
            ]
        );
        let refused = Draft::read(json!({"id": "x", "version": 3}).as_object().unwrap().clone()).unwrap_err();
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn a_change_counts_only_if_it_changes_something() {
        let contact = shape("contact");
        let was = made(&contact, json!({"name": "Ada", "email": "ada@example.com"}));
        let same = contact
            .patch(&was, draft(json!({"name": " Ada", "phone": null, "status": "lead"})), at(9))
            .unwrap();
        assert_eq!(same, was);
        let next = contact.patch(&was, draft(json!({"email": null, "labels": ["vip"]})), at(9)).unwrap();
        assert_eq!((next.version, next.updated_at, next.text("email")), (2, at(9), None));
        // As for a new one: the status begins anew.
        let moved = contact.patch(&was, draft(json!({"status": "customer"})), at(9)).unwrap();
        let whole = contact.replace(&moved, draft(json!({"name": "Ada"})), at(10)).unwrap();
        assert_eq!((whole.status(&contact.kind), whole.version), (Some("lead"), 3));
    }

    #[test]
    fn a_deal_is_closed_with_what_is_known_of_it() {
        let deal = shape("opportunity");
        let was = made(&deal, json!({"name": "Big deal"}));
        let close = |was: &Record, value: Value| deal.patch(was, draft(value), at(1));
        assert_eq!(
            said(close(&was, json!({"stage": "closed_won"}))),
            ["value: is missing: say what the deal that is won is worth"]
        );
        assert_eq!(
            said(close(&was, json!({"stage": "closed_lost"}))),
            ["lost_reason: is missing: say why the deal is lost"]
        );
        let lost = close(&was, json!({"stage": "closed_lost", "lost_reason": "price"})).unwrap();
        let open = close(&lost, json!({"stage": "negotiation"})).unwrap();
        assert_eq!(open.text("lost_reason"), None);
        assert!(close(&open, json!({"stage": "closed_lost"})).is_err(), "it is asked for again");
    }

    #[test]
    fn a_deal_becomes_one_of_high_value_once() {
        let deal = shape("opportunity");
        let was = made(&deal, json!({"name": "Deal", "value": "9999.99"}));
        let worth = |was: &Record, value: &str, second: i64| {
            deal.patch(was, draft(json!({"value": value})), at(second)).unwrap()
        };
        assert_eq!(was.high_value_at, None);
        let high = worth(&was, "10000", 5);
        assert!(high.high_value_at.is_some());
        let again = worth(&worth(&high, "1", 6), "20000", 7);
        assert_eq!(again.high_value_at, high.high_value_at);
        assert_eq!(high.high_value_at, Some(at(5)));
        assert!(made(&deal, json!({"name": "Deal", "value": 10000.00})).high_value_at.is_some());
        assert_eq!(worth(&high, "10000.00", 9), high, "it is as much as before");
    }

    #[test]
    fn a_tenants_own_fields_stand_beside_the_others() {
        let schema = json!({"properties": {"industry": {"enum": ["steel", "glass"]}, "seats": {"type": "integer"}},
            "required": ["industry"]});
        let patch = TypePatch { schema: Some(schema), ..TypePatch::default() };
        let contact = Shape::new(shape("contact").kind.patched(patch, at(0)).unwrap()).unwrap();
        let id: RecordId = "rec_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        let make = |value: Value| contact.make(id.clone(), draft(value), at(0), "usr_1");
        let ada = make(json!({"name": "Ada", "industry": "steel", "seats": 3})).unwrap();
        assert_eq!(ada.seen()["industry"], "steel");
        assert!(contact.allows(&ada) && !shape("contact").allows(&ada));
        let told = said(make(json!({"name": "Ada", "industry": "wood", "seats": "3"})));
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(said(make(json!({"name": "Ada"}))), ["industry: is missing"]);
    }

    #[test]
    fn a_type_of_ones_own() {
        let draft_of = crate::TypeDraft {
            name: Some("project".to_owned()),
            module: Some("delivery".to_owned()),
            schema: Some(
                json!({"properties": {"name": {"type": "string"}, "phase": {"type": "string"}, "value": {"type": "number"}}}),
            ),
            status_field: Some("phase".to_owned()),
            statuses: Some(vec!["open".to_owned(), "done".to_owned()]),
            ..crate::TypeDraft::default()
        };
        let project = Shape::new(RecordType::own(draft_of, at(0)).unwrap()).unwrap();
        let made = made(&project, json!({"name": "Bridge", "value": 10.50}));
        assert_eq!((made.status(&project.kind), made.value()), (Some("open"), "10.50".parse().ok()));
        let id: RecordId = "rec_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        let told = said(project.make(id, draft(json!({"phase": "begun", "stage": "x"})), at(0), "usr_1"));
        assert_eq!(told.len(), 3, "{told:?}");
    }
}
