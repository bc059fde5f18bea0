//! Which JSON says what a lead is to become?

use super::FieldsIn;
use edge::Problem;
use kernel::Fields;
use records::{Conversion, Draft};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a lead is to become; an empty object will do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversionIn {
    /// The contact that it is. Where none is named, a contact with the lead's e-mail address; where there is none, a new one.
    contact_id: Option<String>,
    /// What a new contact is to hold beside what the lead says: a field that the tenant's contacts must have, for one.
    #[schema(value_type = Option<Object>, example = json!({"industry": "Rail"}))]
    contact: Option<Map<String, Value>>,
    /// What the opportunity is to hold beside the lead's company, value, currency and owner. Null for no opportunity.
    #[serde(default = "empty")]
    #[schema(value_type = Option<Object>, required = false, example = json!({"name": "Big deal", "stage": "qualification"}))]
    opportunity: Option<Map<String, Value>>,
}

#[expect(clippy::unnecessary_wraps, reason = "what stands in for a field has the field's type")]
fn empty() -> Option<Map<String, Value>> {
    Some(Map::new())
}

impl TryFrom<ConversionIn> for Conversion {
    type Error = Problem;
    fn try_from(sent: ConversionIn) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        let contact_id = sent.contact_id.and_then(|text| fields.take("contact_id", text.parse()));
        fields.done().map_err(Problem::fields)?;
        let opportunity: Option<Draft> =
            sent.opportunity.map(|given| FieldsIn::of(given).draft()).transpose()?;
        let contact = sent.contact.map(|given| FieldsIn::of(given).draft()).transpose()?;
        Ok(Self { contact_id, contact, opportunity })
    }
}
