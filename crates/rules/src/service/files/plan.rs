//! What will be done for a file? Everything in it is checked before anything is written: first triggers and modules, then the rules
//! that stand on them.

use super::{Became, Import, Mode, Told};
use crate::{
    Catalogue, Change, Definition, Difference, MOST_TRIGGERS, Module, Origin, Parts, Rule, RuleError,
    RuleFile, Trigger,
    file::placed,
    record::seen,
    service::{triggers, within},
    store,
};
use audit::Entry;
use db::Scope;
use kernel::{Bounded, Call, FieldFault, RuleId};
use std::collections::{HashMap, HashSet};

/// What rules stand on, as it will be.
pub(super) struct Beside {
    modules: Vec<(Module, Became)>,
    triggers: Vec<(Parts, Became)>,
    /// The triggers as they were.
    before: Catalogue,
    /// The triggers as they will be.
    pub(super) catalogue: Catalogue,
}

impl Beside {
    pub(super) fn plan(file: &RuleFile, before: Catalogue, who: &Bounded) -> Result<Self, RuleError> {
        let mut faults = Vec::new();
        let mut beside =
            Self { modules: Vec::new(), triggers: Vec::new(), catalogue: before.clone(), before };
        for (index, said) in file.modules.iter().enumerate() {
            match Module::check(said.module_type.clone(), said.name.clone(), who.asked_at()) {
                Ok(module) => beside.module(module, who)?,
                Err(more) => faults.extend(placed(&format!("modules[{index}]"), more)),
            }
        }
        for (index, draft) in file.triggers.iter().enumerate() {
            let place = format!("triggers[{index}]");
            match draft.clone().check(&beside.catalogue) {
                Ok(parts) => beside.trigger(parts, who, &place, &mut faults)?,
                Err(more) => faults.extend(placed(&place, more)),
            }
        }
        if !faults.is_empty() {
            return Err(RuleError::Invalid(faults));
        }
        let is_more = beside.catalogue.count(Origin::Own) > beside.before.count(Origin::Own);
        if is_more && beside.catalogue.count(Origin::Own) > MOST_TRIGGERS {
            return Err(RuleError::TooMany(MOST_TRIGGERS, "triggers of its own"));
        }
        Ok(beside)
    }

    fn module(&mut self, module: Module, who: &Bounded) -> Result<(), RuleError> {
        let is_there = self.catalogue.modules().contains(&module.module_type.as_str());
        if !is_there {
            // Modules are the whole tenant's: who may change a part of it makes none.
            who.everywhere()?;
            self.catalogue = self.catalogue.clone().with_module(&module.module_type);
        }
        self.modules.push((module, if is_there { Became::Unchanged } else { Became::Created }));
        Ok(())
    }

    fn trigger(
        &mut self,
        parts: Parts,
        who: &Bounded,
        place: &str,
        faults: &mut Vec<FieldFault>,
    ) -> Result<(), RuleError> {
        let mut fault = |said: &str| faults.push(FieldFault::new(format!("{place}.trigger_id"), said));
        if self.triggers.iter().any(|(other, _)| other.trigger_id == parts.trigger_id) {
            fault("is that of a trigger before it in the file");
            return Ok(());
        }
        let was = self.before.find(&parts.trigger_id).ok();
        let became = match was {
            Some(was) if was.origin != Origin::Own => {
                fault("belongs to a type of records, and changes with it: leave it out");
                return Ok(());
            }
            Some(was) if was.parts() == parts => Became::Unchanged,
            Some(_) => Became::Changed,
            None => Became::Created,
        };
        if became != Became::Unchanged {
            who.put_in(&parts.module_type, was.map(|was| &*was.trigger_id))?;
            let version = was.map_or(1, |was| was.version.saturating_add(1));
            let trigger = Trigger::new(parts.clone(), Origin::Own, version);
            self.catalogue = self.catalogue.clone().with(trigger);
        }
        self.triggers.push((parts, became));
        Ok(())
    }

    /// Writes what is new.
    pub(super) async fn keep(
        &self,
        scope: &mut Scope<'_>,
        who: &Bounded,
        note: Option<&str>,
    ) -> Result<(), RuleError> {
        for (module, became) in &self.modules {
            if *became == Became::Created {
                triggers::create_module_in(scope, who.everywhere()?, module.clone()).await?;
            }
        }
        for (parts, became) in &self.triggers {
            if *became != Became::Unchanged {
                let was = self.before.find(&parts.trigger_id).ok();
                let call = who.put_in(&parts.module_type, Some(&parts.trigger_id))?;
                triggers::keep(scope, call, parts.clone(), Origin::Own, was.map(|was| &**was), note).await?;
            }
        }
        Ok(())
    }

    /// Refuses triggers by which rules that are switched on would no longer hold: those of the file, too, as they stand now.
    pub(super) async fn must_not_break(&self, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        for (parts, became) in &self.triggers {
            if *became == Became::Changed
                && let Ok(trigger) = self.catalogue.find(&parts.trigger_id)
            {
                triggers::must_not_break(scope, trigger).await?;
            }
        }
        Ok(())
    }

    pub(super) fn modules_told(&self) -> Vec<(String, Became)> {
        self.modules.iter().map(|(module, became)| (module.module_type.clone(), *became)).collect()
    }

    pub(super) fn triggers_told(&self) -> Vec<(String, Became)> {
        self.triggers.iter().map(|(parts, became)| (parts.trigger_id.to_string(), *became)).collect()
    }
}

/// What will be done with rules.
pub(super) struct Planned<'a> {
    /// The call, had by naming each of them; `None` if nothing is written.
    call: Option<&'a Call>,
    pub(super) created: Vec<Rule>,
    /// As they were and as they will be.
    changed: Vec<(Rule, Rule)>,
    unchanged: Vec<Rule>,
    pub(super) deleted: Vec<Rule>,
    /// The keys in the order of the file.
    order: Vec<String>,
}

impl<'a> Planned<'a> {
    pub(super) async fn plan(
        scope: &mut Scope<'_>,
        who: &'a Bounded,
        file: &RuleFile,
        beside: &Beside,
        how: &Import,
    ) -> Result<Self, RuleError> {
        let definitions = definitions(file, &beside.catalogue)?;
        let keys: Vec<&str> = definitions.iter().map(|definition| definition.key.as_str()).collect();
        let there = store::by_keys(scope, &keys).await?;
        let mut there: HashMap<String, Rule> =
            there.into_iter().map(|rule| (rule.definition.key.clone(), rule)).collect();
        let mut planned = Self {
            call: None,
            created: Vec::new(),
            changed: Vec::new(),
            unchanged: Vec::new(),
            deleted: Vec::new(),
            order: definitions.iter().map(|definition| definition.key.clone()).collect(),
        };
        let mut faults = Vec::new();
        for (index, definition) in definitions.into_iter().enumerate() {
            match there.remove(&definition.key) {
                None => {
                    let call = who.put_in(&definition.module_type, None)?;
                    let id = RuleId::new(call.now, &*call.chance);
                    planned.call = Some(call);
                    planned.created.push(Rule::new(id, definition, call.now));
                }
                Some(_) if how.mode == Mode::CreateOnly => {
                    let said = "is that of a rule that is there already; mode=upsert would change it";
                    faults.push(FieldFault::new(format!("rules[{index}].key"), said));
                }
                Some(was) => planned.change(was, definition, who)?,
            }
        }
        if !faults.is_empty() {
            return Err(RuleError::Invalid(faults));
        }
        if how.mode == Mode::ReplaceAll {
            let rules = store::many::by_key(scope, who.bounds(), &how.within, None, i64::MAX).await?;
            let kept: HashSet<&str> = planned.order.iter().map(String::as_str).collect();
            let gone = rules.into_iter().filter(|rule| !kept.contains(rule.definition.key.as_str()));
            planned.deleted = gone.collect();
            for rule in &planned.deleted {
                planned.call = Some(within(who, rule)?);
            }
        }
        Ok(planned)
    }

    fn change(&mut self, was: Rule, definition: Definition, who: &'a Bounded) -> Result<(), RuleError> {
        // A key that another rule has, which the caller does not see, is taken all the same.
        let call = within(who, &was).map_err(|fault| match fault {
            RuleError::Unknown => RuleError::OutOfReach(who.permission()),
            other => other,
        })?;
        if was.definition == definition {
            self.unchanged.push(was);
            return Ok(());
        }
        who.put_in(&definition.module_type, Some(was.id.as_str()))?;
        let rule = was.clone().redefined(definition, call.now);
        self.call = Some(call);
        self.changed.push((was, rule));
        Ok(())
    }

    /// Writes all of it: a statement for each kind of change, two for the audit.
    pub(super) async fn keep(&self, scope: &mut Scope<'_>, note: Option<&str>) -> Result<(), RuleError> {
        let Some(call) = self.call else { return Ok(()) };
        let changed: Vec<Rule> = self.changed.iter().map(|(_, rule)| rule.clone()).collect();
        let gone: Vec<Rule> =
            self.deleted.iter().map(|was| was.clone().redefined(was.definition.clone(), call.now)).collect();
        let ids: Vec<&RuleId> = self.deleted.iter().map(|rule| &rule.id).collect();
        store::many::delete(scope, &ids).await?;
        store::many::update(scope, &changed).await?;
        store::many::insert(scope, &self.created).await?;
        let imported = self.created.iter().chain(&changed).map(|rule| (rule, Change::Imported));
        let versions: Vec<(&Rule, Change)> =
            imported.chain(gone.iter().map(|rule| (rule, Change::Deleted))).collect();
        store::many::note_versions(scope, &versions, note, call.principal.actor.name()).await?;
        store::bump(scope).await?;
        let made = self.created.iter().map(|rule| entry("rule.imported", None, Some(rule), rule));
        let changed =
            self.changed.iter().map(|(was, rule)| entry("rule.imported", Some(was), Some(rule), rule));
        let gone = self.deleted.iter().map(|was| entry("rule.deleted", Some(was), None, was));
        let entries: Vec<Entry<'_>> = made.chain(changed).chain(gone).collect();
        Ok(audit::append_many(scope, call, &entries).await?)
    }

    /// What became of each, in the order of the file.
    pub(super) fn told(self, catalogue: &Catalogue, dry_run: bool) -> Vec<Told> {
        let told = |rule: &Rule, became: Became| Told {
            key: rule.definition.key.clone(),
            id: (!dry_run || became != Became::Created).then(|| rule.id.clone()),
            version: rule.version,
            became,
            lines: Vec::new(),
            warnings: if became == Became::Deleted {
                Vec::new()
            } else {
                rule.definition.warnings(catalogue)
            },
        };
        let mut all: HashMap<&str, Told> = HashMap::new();
        for (rules, became) in [(&self.created, Became::Created), (&self.unchanged, Became::Unchanged)] {
            all.extend(rules.iter().map(|rule| (rule.definition.key.as_str(), told(rule, became))));
        }
        for (was, rule) in &self.changed {
            let lines = Difference::lines(&was.definition, &rule.definition);
            all.insert(&rule.definition.key, Told { lines, ..told(rule, Became::Changed) });
        }
        let in_file = self.order.iter().filter_map(|key| all.remove(key.as_str()));
        let in_file: Vec<Told> = in_file.collect();
        in_file.into_iter().chain(self.deleted.iter().map(|rule| told(rule, Became::Deleted))).collect()
    }
}

fn entry<'a>(action: &'a str, was: Option<&Rule>, is: Option<&Rule>, subject: &'a Rule) -> Entry<'a> {
    Entry { action, subject: subject.id.as_str(), before: was.map(seen), after: is.map(seen) }
}

/// The rules of a file, checked against the triggers as they will be.
fn definitions(file: &RuleFile, catalogue: &Catalogue) -> Result<Vec<Definition>, RuleError> {
    let mut faults = Vec::new();
    let mut keys: HashMap<&str, usize> = HashMap::new();
    let mut definitions = Vec::with_capacity(file.rules.len());
    for (index, draft) in file.rules.iter().enumerate() {
        let place = format!("rules[{index}]");
        if let Some(first) = draft.key.as_deref().and_then(|key| keys.insert(key, index)) {
            faults.push(FieldFault::new(format!("{place}.key"), format!("is that of rules[{first}], too")));
        }
        match Definition::check(draft.clone(), catalogue) {
            Ok(definition) => definitions.push(definition),
            Err(more) => faults.extend(placed(&place, more)),
        }
    }
    if faults.is_empty() { Ok(definitions) } else { Err(RuleError::Invalid(faults)) }
}
