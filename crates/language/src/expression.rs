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
        Ok(match self.program.evaluate(view, meter)? {
            Ok(truth) => (truth, Seen::Computed { value: Some(Value::Bool(truth)), fault: None }),
            Err(fault) => (false, Seen::Computed { value: None, fault: Some(fault) }),
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
