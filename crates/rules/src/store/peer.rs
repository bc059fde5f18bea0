//! Which other rules have a say in what is found about one? Active rules of its trigger, and those that raise events.

use crate::{MOST_PEERS, Rule, document::document};
use db::{DbError, Scope};

const OF_TRIGGER: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND is_active = 1
    ORDER BY document ->> 'priority' DESC, created_at, rule_id LIMIT ?3";
// Of as many rules of the trigger, those that stop the matching and those that say the same.
const LIKE: &str = "SELECT rule_id, document, version, created_at, updated_at FROM
    (SELECT rule_id, document, version, created_at, updated_at FROM rules
        WHERE tenant_id = ?1 AND trigger_id = ?2 AND is_active = 1 LIMIT ?3)
    WHERE document ->> 'stop_on_match' = 1 OR (document ->> 'conditions' = ?4 AND document ->> 'actions' = ?5)";
const RAISING: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND is_active = 1
        AND (instr(document, '\"publish_event\"') OR instr(document, '\"create_task\"')) LIMIT ?2";

/// The active rules of a trigger, in the order in which they are asked.
pub(crate) async fn of_trigger(scope: &mut Scope<'_>, trigger_id: &str) -> Result<Vec<Rule>, DbError> {
    scope.all(OF_TRIGGER, [trigger_id.into(), MOST_PEERS.into()]).await
}

/// Of the active rules of the rule's trigger, those that stop the matching, and those that say what it says.
pub(crate) async fn like(scope: &mut Scope<'_>, rule: &Rule) -> Result<Vec<Rule>, DbError> {
    let said = document(&rule.definition);
    let part = |name: &str| said.get(name).map(ToString::to_string);
    let parameters = [
        (&rule.definition.trigger_id).into(),
        MOST_PEERS.into(),
        part("conditions").into(),
        part("actions").into(),
    ];
    scope.all(LIKE, parameters).await
}

/// The active rules whose actions raise events.
pub(crate) async fn raising(scope: &mut Scope<'_>) -> Result<Vec<Rule>, DbError> {
    scope.all(RAISING, [MOST_PEERS.into()]).await
}
