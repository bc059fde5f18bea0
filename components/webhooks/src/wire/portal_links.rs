//! Which JSON stands for links by which customers manage endpoints of their own?

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use webhooks::portal::{NewPortalLink, PortalLink, PortalToken};

/// A link to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortalLinkIn {
    /// Whose endpoints: your own name for your customer, as endpoints have it in `customer`; at most 200 characters.
    #[schema(example = "cus_42")]
    customer: String,
    /// What the customer may choose among: types of events, `module.trigger`, with stars. Unless named, all but those of `webhook`.
    #[schema(example = json!(["sales.*"]))]
    event_types: Option<Vec<String>>,
    /// Conditions, as rules write them, that every endpoint carries which is made by this link, so that your customer gets nobody else's events.
    /// Your customer neither sees nor changes them.
    #[schema(value_type = Option<Vec<Object>>, example = json!([{"type": "equals", "field": "customer_id", "value": "cus_42"}]))]
    filter: Option<Value>,
    /// How long it is good for: a duration from `PT5M` to `P7D`; `PT1H` unless named.
    #[schema(value_type = Option<String>, example = "PT1H")]
    expires_in: Option<Value>,
    /// Where the pages lead back to: an address of yours, over https.
    #[schema(example = "https://app.example.com/settings")]
    return_url: Option<String>,
}

impl From<PortalLinkIn> for NewPortalLink {
    fn from(sent: PortalLinkIn) -> Self {
        let PortalLinkIn { customer, event_types, filter, expires_in, return_url } = sent;
        Self { customer, event_types, filter, expires_in, return_url }
    }
}

/// A link that was made just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortalLinkMadeOut {
    /// Its id, by which it is ended.
    #[schema(example = "ptl_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Where to send your customer's browser, shown this once: whoever has it manages the customer's endpoints.
    url: String,
    /// Whose endpoints.
    customer: String,
    /// Until when it is good.
    expires_at: String,
}

impl PortalLinkMadeOut {
    pub(crate) fn of(link: &PortalLink, token: &PortalToken, public_url: &str) -> Self {
        Self {
            id: link.id.to_string(),
            url: token.url(public_url).expose().clone(),
            customer: link.customer.clone(),
            expires_at: link.expires_at.to_string(),
        }
    }
}

/// A link that is good, without its address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortalLinkOut {
    #[schema(example = "ptl_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose endpoints.
    customer: String,
    /// What the customer may choose among.
    event_types: Vec<String>,
    /// Conditions that every endpoint carries which is made by it.
    #[schema(value_type = Option<Vec<Object>>)]
    filter: Option<Value>,
    /// Where its pages lead back to.
    return_url: Option<String>,
    /// Who made it: the id of a user, a key or a client.
    created_by: String,
    /// When.
    created_at: String,
    /// Until when it is good.
    expires_at: String,
}

impl From<PortalLink> for PortalLinkOut {
    fn from(link: PortalLink) -> Self {
        Self {
            id: link.id.to_string(),
            customer: link.customer,
            event_types: link.event_types.iter().map(ToString::to_string).collect(),
            filter: link.filter,
            return_url: link.return_url,
            created_by: link.created_by,
            created_at: link.created_at.to_string(),
            expires_at: link.expires_at.to_string(),
        }
    }
}

/// Which links to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PortalLinksQuery {
    /// Only this customer's.
    pub(crate) customer: Option<String>,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}
