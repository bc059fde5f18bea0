//! What does an expression ask? A clause `{"type": "expression", "value": "<CEL>"}`, read from its JSON.

use crate::{
    cel::Program,
    condition::Reader,
    cost::{Meter, Spent},
    path::View,
    verdict::{Seen, Shown},
};
use kernel::FieldFault;
use serde_json::{Map, Value};

/// The type of such clauses.
pub(crate) const EXPRESSION: &str = "expression";

/// An expression that must be true.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    program: Program,
    /// Its text, for explanations.
    pub(crate) wanted: Shown,
}

impl Expression {
    /// What asking costs at most.
    pub(crate) const fn cost(&self) -> u64 {
        self.program.cost()
    }

    pub(crate) const fn looks_at_record(&self) -> bool {
        self.program.names_record()
    }

    /// Whether it is true. What comes to nothing is not.
    pub(crate) fn answer<'a>(&'a self, view: View<'a>, meter: &mut Meter) -> Result<(bool, Seen<'a>), Spent> {
        let answer = self.program.evaluate(view, meter)?;
        let named = self.program.named(view);
        Ok(match answer {
            Ok(truth) => (truth, Seen::Computed { value: Some(truth), fault: None, named }),
            Err(fault) => (false, Seen::Computed { value: None, fault: Some(fault), named }),
        })
    }
}

impl Reader<'_> {
    pub(crate) fn expression(&mut self, object: &Map<String, Value>, path: &str) -> Option<Expression> {
        self.only(object, path, &["type", "value"]);
        let place = format!("{path}.value");
        let Some(Value::String(text)) = object.get("value") else {
            let message =
                "must be an expression as text, such as \"value > 10000 && record.status == 'open'\"";
            self.fields.fault(place, message);
            return None;
        };
        let read = Program::read(text, self.vocabulary, self.item());
        let program = self.fields.take(&place, read)?;
        let warnings = program.warnings().iter().map(|warning| FieldFault::new(&*place, warning));
        self.warnings.extend(warnings);
        Some(Expression { program, wanted: Shown::of(&Value::from(text.as_str())) })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Conditions, Facts, Look, Vocabulary, words};
    use serde_json::{Value, json};

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "value": {"type": "number"}, "stage": {"type": "string", "maxLength": 20},
            "items": {"type": "array", "maxItems": 9, "items": {"type": "object", "additionalProperties": false, "properties": {
                "price": {"type": "number"}, "count": {"type": "number"}}}}}})
    }

    fn read(conditions: &Value) -> Result<Conditions, Vec<kernel::FieldFault>> {
        Conditions::read(conditions, &Vocabulary::new(&schema(), Some(&json!({"type": "object"}))))
    }

    fn faults(clause: Value) -> Vec<String> {
        let faults = read(&json!([clause])).unwrap_err();
        faults.into_iter().map(|fault| fault.to_string()).collect()
    }

    fn because(conditions: &Value, data: &Value) -> String {
        let read = read(conditions).unwrap();
        let facts = Facts::of(data);
        let verdict = read.evaluate(&facts, Look::Quick);
        let told = words::told(&Value::Object(verdict.to_json()), verdict.holds());
        told["because"].as_str().unwrap().to_owned()
    }

    #[test]
    fn an_expression_is_a_condition_like_others() {
        let conditions = json!([{"type": "expression", "value": "value > 10000 && stage != 'lost'"}]);
        for (data, wanted) in [
            (
                json!({"value": 12500, "stage": "won"}),
                "matched: the expression is true, where value is 12500 and stage is \"won\"; wanted this to be true: \"value > 10000 && stage != 'lost'\"",
            ),
            (
                json!({"value": 500, "stage": "won"}),
                "not matched: the expression is false, where value is 500 and stage is \"won\"; wanted this to be true: \"value > 10000 && stage != 'lost'\"",
            ),
            (
                json!({"stage": "won"}),
                "not matched: the expression came to nothing: value is not there, where stage is \"won\"; wanted this to be true: \
                 \"value > 10000 && stage != 'lost'\"",
            ),
        ] {
            assert_eq!(because(&conditions, &data), wanted, "{data}");
        }
    }

    #[test]
    fn within_a_group_it_asks_of_the_item() {
        let conditions = json!([{"type": "any_item", "field": "items", "conditions": [
            {"type": "expression", "value": "item.price * item.count > value"}]}]);
        let data = json!({"value": 10, "items": [{"price": 1, "count": 9}, {"price": 2.5, "count": 5}]});
        assert_eq!(because(&conditions, &data), "matched: items[1], one of 2, meets the conditions");
        let wrong = json!([{"type": "any_item", "field": "items", "conditions": [
            {"type": "expression", "value": "item.pricee > value"}]}]);
        let said = read(&wrong).unwrap_err();
        assert_eq!(
            said[0].to_string(),
            "conditions[0].conditions[0].value: is not an expression: item.pricee cannot be there by the schema of the trigger: is \
             price meant? (column 1)"
        );
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        assert_eq!(
            faults(json!({"type": "expression"})),
            [
                "conditions[0].value: must be an expression as text, such as \"value > 10000 && record.status == 'open'\""
            ]
        );
        assert_eq!(
            faults(json!({"type": "expression", "field": "value", "value": "value >"})),
            [
                "conditions[0].field: is not a field of this condition; it takes type, value",
                "conditions[0].value: is not an expression: a value is missing before the end (column 8)"
            ]
        );
        let dear = "items.map(i, items.map(j, items.map(k, items.map(l, items.map(m, i))))).size() > 1";
        assert!(faults(json!({"type": "expression", "value": dear}))[0].contains("a rule may cost 100000"));
    }

    #[test]
    fn it_says_what_it_looks_at() {
        let of = |text: &str| read(&json!([{"type": "expression", "value": text}])).unwrap();
        assert!(of("value > record.limit").look_at_record());
        assert!(!of("value > 3 && data.record == 1").look_at_record());
        assert_eq!(
            of("country == 'DE'").warnings()[0].to_string(),
            "conditions[0].value: names country, which is not in the schema of the trigger"
        );
        // A cheap clause is looked at before a dear expression.
        let both = read(&json!([
            {"type": "expression", "value": "items.all(i, i.price > 0)"},
            {"type": "equals", "field": "stage", "value": "won"}]));
        let (data, both) = (json!({"stage": "lost", "items": []}), both.unwrap());
        let facts = Facts::of(&data);
        assert_eq!(both.evaluate(&facts, Look::Quick).decided_by(), Some("conditions[1]"));
    }
}
