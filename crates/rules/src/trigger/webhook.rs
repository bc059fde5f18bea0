//! What can happen to webhooks themselves?

use super::{BuiltIn, Field, Shape, field, optional};

const ENDPOINT: Field =
    field("endpoint_id", Shape::Text, "The webhook endpoint's id.", "\"end_01hf7yat00zzzzzzzzzzzzzzzz\"");
const DESCRIPTION: Field =
    optional(field("description", Shape::Text, "What the endpoint is for.", "\"Acme orders\""));
const CUSTOMER: Field =
    optional(field("customer", Shape::Text, "Whose endpoint it is, if a customer's.", "\"acme\""));
const SINCE: Field = field(
    "failing_since",
    Shape::Text,
    "The first failure after the last success (RFC 3339).",
    "\"2030-01-31T23:00:00.000Z\"",
);

/// The triggers of the module `webhook`.
pub(crate) const WEBHOOK: &[BuiltIn] = &[
    BuiltIn {
        trigger_id: "delivery.dead",
        module_type: "webhook",
        description: "When a webhook is given up: after its last attempt, or because nothing will help",
        fields: &[
            ENDPOINT,
            field(
                "delivery_id",
                Shape::Text,
                "The delivery: the id of its job.",
                "\"job_01hf7yat00zzzzzzzzzzzzzzzz\"",
            ),
            field("attempts", Shape::Amount, "How often it was tried.", "10"),
            optional(field("failure", Shape::Text, "What went wrong at last, in a word.", "\"http_500\"")),
            optional(field("status", Shape::Amount, "What the endpoint answered at last.", "500")),
            optional(field(
                "event_id",
                Shape::Text,
                "The event that was to be sent.",
                "\"evt_01hf7yat00zzzzzzzzzzzzzzzz\"",
            )),
            optional(field(
                "rule_id",
                Shape::Text,
                "The rule that wanted it sent.",
                "\"rul_01hf7yat00zzzzzzzzzzzzzzzz\"",
            )),
        ],
    },
    BuiltIn {
        trigger_id: "endpoint.failing",
        module_type: "webhook",
        description: "When nothing has arrived at a webhook endpoint for 50, 70 or 90 % of the time after which it is switched off",
        fields: &[
            ENDPOINT,
            DESCRIPTION,
            CUSTOMER,
            SINCE,
            field("percent", Shape::Amount, "How much of its time is over, in percent.", "50"),
        ],
    },
    BuiltIn {
        trigger_id: "endpoint.disabled",
        module_type: "webhook",
        description: "When a webhook endpoint is switched off because it is gone, or failed for too long",
        fields: &[
            ENDPOINT,
            DESCRIPTION,
            CUSTOMER,
            field(
                "reason",
                Shape::Text,
                "`gone` (it answered 410) or `failing` (for five days).",
                "\"failing\"",
            ),
            optional(SINCE),
        ],
    },
];
