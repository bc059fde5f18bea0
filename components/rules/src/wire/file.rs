//! Which JSON stands around files of rules: what is asked of them, and what became of one?

use super::{difference::LineOut, rule::FaultOut};
use edge::Problem;
use kernel::{Fields, RuleId};
use rules::{
    Format, RuleFilter,
    service::files::{Became, Import, Imported, Mode, Told},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which rules are wanted, and how they are to be written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `yaml` or `json`; YAML unless named.
    format: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// Only those of this module.
    module_type: Option<String>,
    /// Only those with these ids, with commas between.
    ids: Option<String>,
}

/// Which rules are wanted, read.
pub(crate) struct Exported {
    pub(crate) format: Format,
    pub(crate) filter: RuleFilter,
    pub(crate) ids: Option<Vec<RuleId>>,
}

impl ExportQuery {
    pub(crate) fn wanted(self) -> Result<Exported, Problem> {
        let mut fields = Fields::new();
        let format = match self.format.as_deref() {
            None => Some(Format::default()),
            Some(format) => fields.take("format", format.parse()),
        };
        let ids = self.ids.as_deref().map(|ids| {
            let ids: Result<Vec<RuleId>, _> = ids.split(',').map(str::parse).collect();
            fields.take("ids", ids.map_err(|_| "must be ids of rules with commas between"))
        });
        let filter = RuleFilter { module_type: self.module_type, label: self.label, ..RuleFilter::default() };
        let wanted = format.map(|format| Exported { format, filter, ids: ids.flatten() });
        fields.give(wanted).map_err(Problem::fields)
    }
}

/// How a file is to be brought in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `true`: tells what would be done, and changes nothing.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// `upsert` makes and changes rules; `create_only` refuses rules that are there; `replace_all` also deletes those that are
    /// not in the file. `upsert` unless named.
    mode: Option<String>,
    /// With `replace_all`: deletes only rules with this label.
    label: Option<String>,
    /// With `replace_all`: deletes only rules of this module.
    module_type: Option<String>,
    /// Why; stands in the versions. At most 500 characters.
    note: Option<String>,
}

impl ImportQuery {
    pub(crate) fn wanted(self) -> Result<Import, Problem> {
        let mut fields = Fields::new();
        let dry_run = match self.dry_run.as_deref() {
            None => Some(false),
            Some(text) => fields.take("dry_run", text.parse().map_err(|_| "must be true or false")),
        };
        let mode = match self.mode.as_deref() {
            None => Some(Mode::default()),
            Some(mode) => fields.take("mode", mode.parse()),
        };
        if mode.is_some_and(|mode| mode != Mode::ReplaceAll) {
            for (name, said) in [("label", &self.label), ("module_type", &self.module_type)] {
                if said.is_some() {
                    fields.fault(name, "says which rules are deleted: only with mode=replace_all");
                }
            }
        }
        let note = match rules::note(self.note) {
            Ok(note) => note,
            Err(faults) => {
                faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
                None
            }
        };
        let within = RuleFilter { module_type: self.module_type, label: self.label, ..RuleFilter::default() };
        let import = dry_run.zip(mode).map(|(dry_run, mode)| Import { mode, dry_run, within, note });
        fields.give(import).map_err(Problem::fields)
    }
}

/// What became of a module or trigger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BesideOut {
    /// Its name.
    name: String,
    /// `created`, `changed` or `unchanged`.
    became: &'static str,
}

/// What became of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedRuleOut {
    /// What it is called in the file.
    key: String,
    /// Its id; null for one that a trial would make.
    id: Option<String>,
    /// The version that it has now, or would have.
    version: u32,
    /// `created`, `changed`, `unchanged` or `deleted`.
    became: &'static str,
    /// A line for each change.
    changes: Vec<LineOut>,
    /// What may be a mistake and is no fault.
    warnings: Vec<FaultOut>,
}

impl From<Told> for ImportedRuleOut {
    fn from(told: Told) -> Self {
        Self {
            key: told.key,
            id: told.id.map(|id| id.to_string()),
            version: told.version,
            became: told.became.as_str(),
            changes: told.lines.into_iter().map(LineOut::from).collect(),
            warnings: told.warnings.into_iter().map(FaultOut::from).collect(),
        }
    }
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportOut {
    /// Whether nothing was changed: it only tells.
    dry_run: bool,
    /// `upsert`, `create_only` or `replace_all`.
    mode: &'static str,
    /// How many rules were made.
    created: usize,
    /// How many were changed.
    changed: usize,
    /// How many are as the file says.
    unchanged: usize,
    /// How many were deleted.
    deleted: usize,
    /// The modules of the file.
    modules: Vec<BesideOut>,
    /// The triggers of the file.
    triggers: Vec<BesideOut>,
    /// The rules in the order of the file; behind them those that were deleted.
    rules: Vec<ImportedRuleOut>,
    /// What else to look at.
    warnings: Vec<FaultOut>,
}

impl ImportOut {
    pub(crate) fn of(imported: Imported, how: &Import) -> Self {
        let count = |what: Became| imported.rules.iter().filter(|rule| rule.became == what).count();
        let beside = |(name, became): (String, Became)| BesideOut { name, became: became.as_str() };
        Self {
            dry_run: how.dry_run,
            mode: how.mode.as_str(),
            created: count(Became::Created),
            changed: count(Became::Changed),
            unchanged: count(Became::Unchanged),
            deleted: count(Became::Deleted),
            modules: imported.modules.into_iter().map(beside).collect(),
            triggers: imported.triggers.into_iter().map(beside).collect(),
            rules: imported.rules.into_iter().map(ImportedRuleOut::from).collect(),
            warnings: imported.warnings.into_iter().map(FaultOut::from).collect(),
        }
    }
}
