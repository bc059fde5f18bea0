//! Which JSON stands for the pace of a rule? The shapes for the OpenAPI document; the rules room reads them, and tells what is
//! wrong in words.

use serde_json::Value;
use utoipa::ToSchema;

/// Fires only when the conditions held so often within a span, for each key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct Window {
    /// How often: 2 to 1,000.
    #[schema(example = 3)]
    count: u32,
    /// Within which span: an ISO 8601 duration up to 31 days, or seconds.
    #[schema(example = "PT10M")]
    within: String,
    /// The field, or up to five, whose values are counted apart; all together unless named.
    #[schema(value_type = Option<Object>, example = "contact_id")]
    key: Option<Value>,
    /// `restart`: it counts from nothing again once it fired. `continue`: each further event fires, too.
    #[schema(example = "restart")]
    then: Option<String>,
}

/// Fires only if another event does not come within a span, for each key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct Absence {
    /// The trigger whose event must not come.
    #[schema(example = "contact_updated")]
    trigger_id: String,
    /// Within which span: an ISO 8601 duration up to 366 days, or seconds.
    #[schema(example = "P2D")]
    within: String,
    /// The field, or up to five, that both events share.
    #[schema(value_type = Option<Object>, example = "contact_id")]
    key: Option<Value>,
    /// The same in the other event, if it is called otherwise there.
    #[schema(value_type = Option<Object>)]
    other_key: Option<Value>,
    /// What else must hold for the other event; anything unless given.
    #[schema(value_type = Option<Vec<Object>>)]
    conditions: Option<Value>,
    /// Whether the span begins anew when the rule's own event comes again; not unless this says so.
    restart: Option<bool>,
}

/// Fires so often within a span at most, for each key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct Throttle {
    /// How often: 1 to 1,000.
    #[schema(example = 1)]
    limit: u32,
    /// Within which span: an ISO 8601 duration up to 31 days, or seconds.
    #[schema(example = "PT1H")]
    per: String,
    /// The field, or up to five, whose values are counted apart.
    #[schema(value_type = Option<Object>, example = "contact_id")]
    key: Option<Value>,
}

/// Fires for the last of several events, when no more come for a span, for each key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct Debounce {
    /// For how long none may come: an ISO 8601 duration up to 31 days, or seconds.
    #[schema(example = "PT5M")]
    wait: String,
    /// It fires this long after the first at the latest.
    #[schema(example = "PT1H")]
    max_wait: Option<String>,
    /// The field, or up to five, whose values wait apart.
    #[schema(value_type = Option<Object>, example = "contact_id")]
    key: Option<Value>,
}

/// When a rule may fire.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct ActiveHours {
    /// On which days, `mon` to `sun`; on all unless named.
    #[schema(example = json!(["mon", "tue", "wed", "thu", "fri"]))]
    days: Option<Vec<String>>,
    /// From when; midnight unless named.
    #[schema(example = "09:00")]
    from: Option<String>,
    /// Until when, this not included; midnight unless named. Before `from`: it is on the next day.
    #[schema(example = "17:30")]
    to: Option<String>,
    /// The IANA time zone; the tenant's unless named.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// What happens to a match outside: `skip` it, or let it `wait` until the hours begin. `skip` unless this says otherwise.
    #[schema(example = "wait")]
    outside: Option<String>,
}

/// How many of a rule's jobs run at a time, for each key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the OpenAPI document")]
pub(crate) struct Concurrency {
    /// How many: 1 to 1,000.
    #[schema(example = 1)]
    limit: u32,
    /// The field, or up to five, whose values have a lane of their own.
    #[schema(value_type = Option<Object>, example = "contact_id")]
    key: Option<Value>,
}
