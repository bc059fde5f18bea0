//! Which rule, and which payloads? Those of cases.json, in which every engine finds its own.

use anyhow::{Context as _, Result};
use kernel::{Chance, Instant, RuleId};
use rules::{Catalogue, Definition, Draft, Rule, payload};
use serde_json::{Value, json};

/// The trigger to which all rules are bound.
pub(crate) const TRIGGER: &str = "high_value_opportunity";

/// The shared rule and payloads.
pub(crate) struct Cases {
    /// The clauses.
    pub(crate) clauses: Value,
    /// The same as one expression.
    pub(crate) expression: Value,
    /// The payloads, as they are sent.
    pub(crate) texts: Vec<String>,
    /// The payloads, read.
    pub(crate) payloads: Vec<Value>,
}

pub(crate) fn read() -> Result<Cases> {
    let all: Value = serde_json::from_str(include_str!("../cases.json"))?;
    let texts: Vec<String> =
        all["payloads"].as_array().context("payloads")?.iter().map(Value::to_string).collect();
    let payloads = texts.iter().map(|text| payload::read(text)).collect::<Result<_, _>>()?;
    let expression = json!([{"type": "expression", "value": all["cel"]}]);
    Ok(Cases { clauses: all["signalbox"].clone(), expression, texts, payloads })
}

struct Numbered(i64);
impl Chance for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.to_be_bytes();
        for (byte, digit) in bytes.iter_mut().zip(number.iter().cycle()) {
            *byte = *digit;
        }
    }
}

/// A rule with these conditions and one message.
pub(crate) fn rule(number: i64, conditions: &Value) -> Rule {
    let at = Instant::from_millis(number);
    let draft = Draft {
        name: Some(format!("Rule {number}")),
        module_type: Some("sales".to_owned()),
        trigger_id: Some(TRIGGER.to_owned()),
        conditions: Some(conditions.clone()),
        actions: Some(json!([{"type": "send_notification", "parameters": {
            "recipient": "sales-manager@example.com",
            "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}",
        }}])),
        ..Draft::default()
    };
    let definition =
        Definition::check(draft, &Catalogue::default()).expect("the rule of the measurement holds");
    Rule::new(RuleId::new(at, &Numbered(number)), definition, at)
}
