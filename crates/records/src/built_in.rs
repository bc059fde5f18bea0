//! Which types has every tenant? Contacts and leads of the module crm, opportunities of sales.

use crate::field::{Field, Kind};

/// A built-in type as it is before the tenant says anything.
#[derive(Debug, PartialEq)]
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    pub(crate) module: &'static str,
    pub(crate) title: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) status_field: &'static str,
    /// The first is what a new record has.
    pub(crate) statuses: &'static [&'static str],
    /// What the program itself sets or asks for, so that no tenant can leave it out.
    pub(crate) kept_statuses: &'static [&'static str],
}

/// What an opportunity is worth to be called one of high value, unless the tenant says otherwise.
pub(crate) const HIGH_VALUE: &str = "10000";

/// The names of the built-in types.
pub const CONTACT: &str = "contact";
/// A lead.
pub const LEAD: &str = "lead";
/// An opportunity.
pub const OPPORTUNITY: &str = "opportunity";

/// The status of a lead that became a contact.
pub(crate) const CONVERTED: &str = "converted";
/// The stage of a deal that was won.
pub(crate) const WON: &str = "closed_won";
/// The stage of a deal that was lost.
pub(crate) const LOST: &str = "closed_lost";

const fn field(name: &'static str, kind: Kind, description: &'static str, sample: &'static str) -> Field {
    Field { name, kind, description, sample }
}

const EMAIL: Field = field("email", Kind::Email, "The e-mail address.", "\"ada@example.com\"");
const PHONE: Field = field("phone", Kind::Text(50), "The telephone number.", "\"+44 20 7946 0000\"");
const COMPANY: Field = field("company", Kind::Text(200), "The company.", "\"Analytical Engines\"");
const OWNER: Field =
    field("owner", Kind::Text(254), "Who takes care of it: a user's id or address.", "\"sales@example.com\"");
const LABELS: Field = field("labels", Kind::Labels, "Words to find it by.", "[\"vip\"]");
const VALUE: Field = field("value", Kind::Amount, "What it is worth, exact.", "12500");
const CURRENCY: Field =
    field("currency", Kind::Currency, "The currency of the value, as of ISO 4217.", "\"EUR\"");

/// All of them, in the order in which they are shown.
pub(crate) const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn {
        name: CONTACT,
        module: "crm",
        title: "Contact",
        fields: &[
            field(
                "name",
                Kind::Text(200),
                "The person's name; the e-mail address where it is left out.",
                "\"Ada Lovelace\"",
            ),
            EMAIL,
            PHONE,
            COMPANY,
            field("title", Kind::Text(200), "What the person is in the company.", "\"Countess\""),
            field("status", Kind::Status, "Where the person stands.", "\"lead\""),
            OWNER,
            LABELS,
        ],
        status_field: "status",
        statuses: &["lead", "prospect", "customer", "inactive"],
        kept_statuses: &[],
    },
    BuiltIn {
        name: LEAD,
        module: "crm",
        title: "Lead",
        fields: &[
            field(
                "name",
                Kind::Text(200),
                "The person's name; the e-mail address where it is left out.",
                "\"Ada Lovelace\"",
            ),
            EMAIL,
            PHONE,
            COMPANY,
            field("source", Kind::Text(200), "Where the lead came from.", "\"web\""),
            field("status", Kind::Status, "How far the lead is.", "\"new\""),
            OWNER,
            VALUE,
            CURRENCY,
            LABELS,
            field(
                "contact_id",
                Kind::Ours,
                "The contact that the lead became.",
                "\"rec_01hf7yat00zzzzzzzzzzzzzzzz\"",
            ),
            field(
                "opportunity_id",
                Kind::Ours,
                "The opportunity that the lead became.",
                "\"rec_01hf7yat01zzzzzzzzzzzzzzzz\"",
            ),
            field(
                "converted_at",
                Kind::Ours,
                "When the lead became a contact.",
                "\"2026-01-31T09:30:00.000Z\"",
            ),
        ],
        status_field: "status",
        statuses: &["new", "contacted", "qualified", "unqualified", CONVERTED],
        kept_statuses: &[CONVERTED],
    },
    BuiltIn {
        name: OPPORTUNITY,
        module: "sales",
        title: "Opportunity",
        fields: &[
            field("name", Kind::Text(200), "What the deal is called.", "\"Big deal\""),
            field(
                "contact_id",
                Kind::Link(CONTACT),
                "The contact that the deal is made with.",
                "\"rec_01hf7yat00zzzzzzzzzzzzzzzz\"",
            ),
            VALUE,
            CURRENCY,
            field("stage", Kind::Status, "How far the deal is.", "\"proposal\""),
            field("close_date", Kind::Date, "When the deal is expected to be closed.", "\"2026-03-31\""),
            field("lost_reason", Kind::Text(500), "Why the deal was lost.", "\"price\""),
            OWNER,
            LABELS,
        ],
        status_field: "stage",
        statuses: &["prospecting", "qualification", "proposal", "negotiation", WON, LOST],
        kept_statuses: &[WON, LOST],
    },
];

/// The built-in type of that name.
pub(crate) fn find(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|one| one.name == name)
}
