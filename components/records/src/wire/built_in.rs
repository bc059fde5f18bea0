//! How do the built-in types look in the OpenAPI document? Bodies are read by the records room, which knows the tenant's own
//! fields too; they stand beside these.

use utoipa::{IntoParams, ToSchema};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $kind:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, ToSchema)]
        #[expect(dead_code, reason = "the shape for the OpenAPI document; what stands in a body depends on the tenant")]
        pub(crate) struct $name { $($(#[$inner])* $field: $kind,)+ }
    )+};
}

fields! {
    /// A contact; fields that the tenant defined stand beside these.
    ContactIn {
        /// The person's name; the e-mail address where it is left out.
        #[schema(example = "Ada Lovelace")]
        name: Option<String>,
        /// The e-mail address.
        #[schema(example = "ada@example.com")]
        email: Option<String>,
        /// The telephone number.
        phone: Option<String>,
        /// The company.
        company: Option<String>,
        /// What the person is in the company.
        title: Option<String>,
        /// One of the statuses of the type: `lead`, `prospect`, `customer`, `inactive` unless the tenant says otherwise; the
        /// first where it is left out.
        status: Option<String>,
        /// Who takes care of it: a user's id or address.
        owner: Option<String>,
        /// At most 20 words to find it by.
        labels: Option<Vec<String>>,
        /// The id that it has elsewhere; unique among contacts.
        external_id: Option<String>,
    }
    /// A lead; fields that the tenant defined stand beside these.
    LeadIn {
        /// The person's name; the e-mail address where it is left out.
        #[schema(example = "Ada Lovelace")]
        name: Option<String>,
        /// The e-mail address.
        #[schema(example = "ada@example.com")]
        email: Option<String>,
        /// The telephone number.
        phone: Option<String>,
        /// The company.
        company: Option<String>,
        /// Where the lead came from.
        #[schema(example = "web")]
        source: Option<String>,
        /// `new`, `contacted`, `qualified`, `unqualified`, `converted` unless the tenant says otherwise.
        status: Option<String>,
        /// Who takes care of it: a user's id or address.
        owner: Option<String>,
        /// What it may be worth: a number, or a decimal as text; every digit is kept.
        #[schema(value_type = Option<f64>)]
        value: Option<String>,
        /// The currency of the value, as of ISO 4217.
        currency: Option<String>,
        /// At most 20 words to find it by.
        labels: Option<Vec<String>>,
        /// The id that it has elsewhere; unique among leads.
        external_id: Option<String>,
    }
    /// An opportunity; fields that the tenant defined stand beside these.
    OpportunityIn {
        /// What the deal is called.
        #[schema(example = "Big deal")]
        name: String,
        /// The id of the contact that it is made with.
        contact_id: Option<String>,
        /// What it is worth: a number, or a decimal as text; every digit is kept. Needed to close it as won.
        #[schema(value_type = Option<f64>, example = 12500)]
        value: Option<String>,
        /// The currency of the value, as of ISO 4217.
        #[schema(example = "EUR")]
        currency: Option<String>,
        /// `prospecting`, `qualification`, `proposal`, `negotiation`, `closed_won`, `closed_lost` unless the tenant says otherwise.
        stage: Option<String>,
        /// When it is expected to be closed: `2026-03-31`.
        close_date: Option<String>,
        /// Why it was lost. Needed to close it as lost.
        lost_reason: Option<String>,
        /// Who takes care of it: a user's id or address.
        owner: Option<String>,
        /// At most 20 words to find it by.
        labels: Option<Vec<String>>,
        /// The id that it has elsewhere; unique among opportunities.
        external_id: Option<String>,
    }
    /// A contact, with every field that it has; null where it is empty.
    ContactOut {
        /// `rec_…`
        id: String,
        /// Whose it is.
        tenant_id: String,
        /// `contact`
        r#type: String,
        external_id: Option<String>,
        name: String,
        email: Option<String>,
        phone: Option<String>,
        company: Option<String>,
        title: Option<String>,
        status: String,
        owner: Option<String>,
        labels: Option<Vec<String>>,
        /// Grows with each change; also the `ETag`.
        version: u32,
        /// The id of a user, an API key or a client, or `system`.
        created_by: String,
        created_at: String,
        updated_at: String,
    }
    /// A lead, with every field that it has; null where it is empty.
    LeadOut {
        /// `rec_…`
        id: String,
        /// Whose it is.
        tenant_id: String,
        /// `lead`
        r#type: String,
        external_id: Option<String>,
        name: String,
        email: Option<String>,
        phone: Option<String>,
        company: Option<String>,
        source: Option<String>,
        status: String,
        owner: Option<String>,
        /// Exact.
        value: Option<f64>,
        currency: Option<String>,
        labels: Option<Vec<String>>,
        /// The contact that it became.
        contact_id: Option<String>,
        /// The opportunity that it became.
        opportunity_id: Option<String>,
        converted_at: Option<String>,
        /// Grows with each change; also the `ETag`.
        version: u32,
        /// The id of a user, an API key or a client, or `system`.
        created_by: String,
        created_at: String,
        updated_at: String,
    }
    /// An opportunity, with every field that it has; null where it is empty.
    OpportunityOut {
        /// `rec_…`
        id: String,
        /// Whose it is.
        tenant_id: String,
        /// `opportunity`
        r#type: String,
        external_id: Option<String>,
        name: String,
        contact_id: Option<String>,
        /// Exact.
        value: Option<f64>,
        currency: Option<String>,
        stage: String,
        close_date: Option<String>,
        lost_reason: Option<String>,
        owner: Option<String>,
        labels: Option<Vec<String>>,
        /// Grows with each change; also the `ETag`.
        version: u32,
        /// The id of a user, an API key or a client, or `system`.
        created_by: String,
        created_at: String,
        updated_at: String,
    }
    /// A record of any type: its fields beside what every record says of itself.
    RecordOut {
        /// `rec_…`
        id: String,
        /// Whose it is.
        tenant_id: String,
        /// Its type.
        r#type: String,
        external_id: Option<String>,
        /// Grows with each change; also the `ETag`.
        version: u32,
        /// The id of a user, an API key or a client, or `system`.
        created_by: String,
        created_at: String,
        updated_at: String,
    }
}

/// Which records are listed: all filters that are given must fit. Fields of any kind are filtered by `field.<name>=value`, exactly.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the shape for the OpenAPI document; queries are read by the records room")]
pub(crate) struct RecordsQuery {
    /// Only those with a word that begins so, for each word. Counts as a search: 30 a minute for the tenant unless its
    /// settings say otherwise.
    q: Option<String>,
    /// Only those at this status (of opportunities `stage`), or at one of some, with commas.
    status: Option<String>,
    /// Only those that this user takes care of.
    owner: Option<String>,
    /// Only those with this e-mail address.
    email: Option<String>,
    /// Only the one that has this id elsewhere.
    external_id: Option<String>,
    /// Only those with this label; may be given several times.
    label: Option<String>,
    /// Only those worth at least so much.
    value_min: Option<String>,
    /// Only those worth at most so much.
    value_max: Option<String>,
    /// Only those made at or after this instant (RFC 3339).
    created_since: Option<String>,
    /// Only those changed at or after this instant (RFC 3339).
    updated_since: Option<String>,
    /// `name`, `updated_at`, `created_at` or `value`; `-` before it for the greatest first. `-created_at` unless named.
    sort: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}
