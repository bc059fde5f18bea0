//! Which JSON stands for what is found about rules?

use super::rule::CostOut;
use rules::{Finding, Named, service::analysis::Analysed};
use serde::Serialize;
use utoipa::ToSchema;

/// What is found about a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisOut {
    /// The rule.
    rule_id: String,
    /// What people call it.
    name: String,
    /// The version that was looked at.
    version: u32,
    /// Whether it is switched on.
    is_active: bool,
    /// What is found; empty if nothing is.
    findings: Vec<FindingOut>,
    /// What its conditions cost at most; null if it cannot be read any more.
    cost: Option<CostOut>,
}

/// Something that is found about a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingOut {
    /// What it is: `broken`, `never_matches`, `always_matches`, `shadowed`, `duplicate`, `loop`, `dear` or `idle`.
    code: &'static str,
    /// The part of the rule that it is about.
    field: &'static str,
    /// What it means and what to do.
    message: String,
    /// The paths of the conditions that suffice for it.
    clauses: Vec<String>,
    /// The other rules that take part.
    rules: Vec<NamedOut>,
}

/// A rule, named.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedOut {
    /// Its id.
    rule_id: String,
    /// What people call it.
    name: String,
}

impl From<&Named> for NamedOut {
    fn from(named: &Named) -> Self {
        Self { rule_id: named.rule_id.to_string(), name: named.name.clone() }
    }
}

impl From<&Finding> for FindingOut {
    fn from(finding: &Finding) -> Self {
        let (clauses, rules): (&[String], &[Named]) = match finding {
            Finding::NeverMatches { clauses, .. } => (clauses, &[]),
            Finding::ShadowedBy(rule) => (&[], std::slice::from_ref(rule)),
            Finding::SameAs(rules) | Finding::Loop(rules) => (&[], rules),
            Finding::Broken(_) | Finding::AlwaysMatches { .. } | Finding::Dear(_) | Finding::Idle { .. } => {
                (&[], &[])
            }
        };
        Self {
            code: finding.code(),
            field: finding.field(),
            message: finding.message(),
            clauses: clauses.to_vec(),
            rules: rules.iter().map(NamedOut::from).collect(),
        }
    }
}

impl From<Analysed> for AnalysisOut {
    fn from(analysed: Analysed) -> Self {
        Self {
            rule_id: analysed.rule.id.to_string(),
            name: analysed.rule.definition.name,
            version: analysed.rule.version,
            is_active: analysed.rule.definition.is_active,
            findings: analysed.findings.iter().map(FindingOut::from).collect(),
            cost: analysed.cost.map(CostOut::of),
        }
    }
}
