//! What is found about rules when they are held against each other? For one, for a page of them, and for one that was just saved.

use super::{Checked, grounds, seen_by, triggers};
use crate::{
    Catalogue, Finding, Rule, RuleError, RuleFilter,
    analysis::{Company, raises},
    store::{self, peer},
};
use db::{Db, DbError, Scope};
use kernel::{Bounded, Page, PageRequest, RuleId, TenantId};
use std::collections::BTreeSet;

/// A rule, and what is found about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysed {
    /// The rule.
    pub rule: Rule,
    /// What is found.
    pub findings: Vec<Finding>,
    /// What its conditions cost at most; `None` if it cannot be read any more.
    pub cost: Option<u64>,
}

/// What is found about a rule.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn one(scope: &mut Scope<'_>, who: &Bounded, id: &RuleId) -> Result<Analysed, RuleError> {
    let rule = seen_by(scope, who, id).await?;
    let mut all = analysed(scope, vec![rule]).await?;
    all.pop().ok_or(RuleError::Unknown)
}

/// What is found about rules, in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn page(
    scope: &mut Scope<'_>,
    who: &Bounded,
    filter: &RuleFilter,
    page: &PageRequest,
) -> Result<Page<Analysed>, RuleError> {
    let rows = store::list(scope, who.bounds(), filter, page).await?;
    let rules = Page::cut(rows, page, |rule| rule.id.to_string());
    let items = analysed(scope, rules.items).await?;
    Ok(Page { items, next: rules.next })
}

async fn analysed(scope: &mut Scope<'_>, rules: Vec<Rule>) -> Result<Vec<Analysed>, DbError> {
    let catalogue = triggers::load(scope).await?;
    let zone = grounds(scope).await?.zone;
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.definition.trigger_id.as_str()).collect();
    let mut peers = Vec::new();
    for name in names {
        peers.extend(peer::of_trigger(scope, name).await?);
    }
    let raisers = raisers(scope, &rules).await?;
    let company = Company::new(&peers, &raisers, &catalogue, zone);
    let found = rules.iter().map(|rule| (company.findings(rule), rule.definition.cost(&catalogue)));
    let found: Vec<(Vec<Finding>, Option<u64>)> = found.collect();
    let all = rules.into_iter().zip(found);
    Ok(all.map(|(rule, (findings, cost))| Analysed { rule, findings, cost }).collect())
}

/// The rules that raise events, if one of these does: else none of them is on a loop.
async fn raisers(scope: &mut Scope<'_>, rules: &[Rule]) -> Result<Vec<Rule>, DbError> {
    if rules.iter().any(|rule| raises(&rule.definition)) {
        peer::raising(scope).await
    } else {
        Ok(Vec::new())
    }
}

/// A rule that was saved, with what is found about it among the warnings. It stands already: what cannot be found out is left
/// out.
pub(super) async fn with_findings(db: &Db, tenant: &TenantId, checked: Checked) -> Checked {
    let found = async {
        let mut lease = db.read().await?;
        let mut scope = lease.scope(tenant)?;
        let catalogue: Catalogue = triggers::load(&mut scope).await?;
        let zone = grounds(&mut scope).await?.zone;
        let peers = peer::like(&mut scope, &checked.rule).await?;
        let raisers = raisers(&mut scope, std::slice::from_ref(&checked.rule)).await?;
        let company = Company::new(&peers, &raisers, &catalogue, zone);
        Ok::<_, DbError>(company.findings(&checked.rule))
    };
    let findings = found.await.unwrap_or_default();
    let told = findings.iter().filter(|finding| finding.warns()).map(Finding::warning);
    let mut warnings = checked.warnings;
    warnings.extend(told);
    Checked { warnings, ..checked }
}
