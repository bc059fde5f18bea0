//! What becomes of the rows of an import? Each for itself: a record is made, changed, passed over, or the row is faulty. Some
//! hundred rows are planned together and kept in one transaction.

use crate::{
    Change, Draft, Record, RecordError, RecordType, Shape, TypeName,
    field::Kind,
    record::MOST_RECORDS,
    sheet::{self, Row, Said},
    store::record::{self as store, Key},
};
use db::Scope;
use kernel::{Call, FieldFault, RecordId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How many rows are kept together.
const TOGETHER: usize = 250;

/// What is done with a row whose record is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMatch {
    /// The row is faulty.
    #[default]
    Error,
    /// The row is passed over.
    Skip,
    /// The record is changed.
    Update,
}

/// How an import is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    pub(crate) on_match: OnMatch,
    pub(crate) key: Key,
    /// Whether nothing is kept.
    pub dry_run: bool,
}

impl Meant {
    /// Reads how an import is meant.
    ///
    /// # Errors
    /// Every part that does not read.
    pub fn read(
        on_match: Option<&str>,
        by: Option<&str>,
        dry_run: Option<&str>,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = kernel::Fields::new();
        let on_match = match on_match {
            None | Some("error") => OnMatch::Error,
            Some("skip") => OnMatch::Skip,
            Some("update") => OnMatch::Update,
            Some(_) => {
                fields.fault("on_match", "must be skip, update or error");
                OnMatch::Error
            }
        };
        let key = match by {
            None | Some("external_id") => Key::ExternalId,
            Some("email") => Key::Email,
            Some("id") => Key::Id,
            Some(_) => {
                fields.fault("match", "must be external_id, email or id");
                Key::ExternalId
            }
        };
        let dry_run = match dry_run {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                fields.fault("dry_run", "must be true or false");
                false
            }
        };
        fields.done().map(|()| Self { on_match, key, dry_run })
    }
}

/// What became of the rows so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that were looked at.
    pub rows: usize,
    /// Records that were made.
    pub created: usize,
    /// Records that were changed.
    pub updated: usize,
    /// Rows whose record was as the row says already.
    pub unchanged: usize,
    /// Rows that were passed over, because their record is there.
    pub skipped: usize,
    /// Rows that are faulty.
    pub failed: usize,
    /// Each fault: the line of the file, and what is wrong there.
    pub faults: Vec<(u64, FieldFault)>,
}

impl Tally {
    fn fault(&mut self, line: u64, faults: Vec<FieldFault>) {
        self.failed = self.failed.saturating_add(1);
        self.faults.extend(faults.into_iter().map(|fault| (line, fault)));
    }
}

/// A file that is being imported.
#[derive(Debug)]
pub struct Import {
    rows: Vec<Row>,
    done: usize,
    meant: Meant,
    /// What a dry run would have made or changed so far, by key.
    imagined: HashMap<String, Record>,
    /// Whose the external ids of these would be.
    imagined_ids: HashMap<String, RecordId>,
    /// What became of the rows so far.
    pub tally: Tally,
}

/// What is known of the records that the rows of one chunk name.
struct Known {
    by_key: HashMap<String, Record>,
    by_external_id: HashMap<String, RecordId>,
    linked: HashSet<String>,
    room: i64,
}

impl Import {
    /// Reads a file for records of a type.
    ///
    /// # Errors
    /// [`RecordError::File`].
    pub fn read(kind: &RecordType, file: &[u8], meant: Meant) -> Result<Self, RecordError> {
        let rows = sheet::read(kind, file)?;
        Ok(Self {
            rows,
            done: 0,
            meant,
            imagined: HashMap::new(),
            imagined_ids: HashMap::new(),
            tally: Tally::default(),
        })
    }

    /// Whether every row was looked at.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done >= self.rows.len()
    }

    /// Plans what becomes of the next rows, within the caller's transaction, which keeps it: one list after the other, for a row may
    /// name a record that a row before it makes or changes.
    ///
    /// # Errors
    /// The database's; what is wrong with rows is in the tally.
    pub async fn plan(
        &mut self,
        scope: &mut Scope<'_>,
        call: &Call,
        shape: &Shape,
    ) -> Result<Vec<Vec<Change>>, RecordError> {
        let chunk: Vec<Row> = self.rows.iter().skip(self.done).take(TOGETHER).cloned().collect();
        let mut known = self.look(scope, shape, &chunk).await?;
        let kind = Arc::new(shape.kind.clone());
        // Ids of one instant sort by chance; what stands first in the file is to be listed first.
        let mut ids: Vec<RecordId> = chunk.iter().map(|_| RecordId::new(call.now, &*call.chance)).collect();
        ids.sort();
        // How many rows of the chunk changed a record before, by its key.
        let mut touched: HashMap<String, usize> = HashMap::new();
        let mut lists: Vec<Vec<Change>> = Vec::new();
        for (row, id) in chunk.into_iter().zip(ids) {
            let key = row.said.as_ref().ok().and_then(|said| key_of(self.meant.key, said));
            self.done = self.done.saturating_add(1);
            self.tally.rows = self.tally.rows.saturating_add(1);
            let outcome = match row.said {
                Ok(said) => self.one(shape, call, said, key.as_deref(), id, &known),
                Err(faults) => Err(faults),
            };
            match outcome {
                Err(faults) => self.tally.fault(row.line, faults),
                Ok(None) => {}
                Ok(Some((before, after))) => {
                    let change = Change::new(Arc::clone(&kind), before, Some(after.clone()));
                    self.count(&change);
                    known.learn(&change, &after, key.as_deref());
                    if self.meant.dry_run {
                        self.imagine(after, key);
                        continue;
                    }
                    let place = key.map_or(0, |key| {
                        let times = touched.entry(key).or_default();
                        *times = times.saturating_add(1);
                        times.saturating_sub(1)
                    });
                    if lists.len() <= place {
                        lists.push(Vec::new());
                    }
                    if let Some(list) = lists.get_mut(place) {
                        list.push(change);
                    }
                }
            }
        }
        Ok(lists)
    }

    /// Remembers what a dry run does not keep.
    fn imagine(&mut self, after: Record, key: Option<String>) {
        if let Some(external_id) = &after.external_id {
            self.imagined_ids.insert(external_id.clone(), after.id.clone());
        }
        self.imagined.extend(key.map(|key| (key, after)));
    }

    fn count(&mut self, change: &Change) {
        let count = match (&change.before, change.is_nothing()) {
            (None, _) => &mut self.tally.created,
            (Some(_), true) => &mut self.tally.unchanged,
            (Some(_), false) => &mut self.tally.updated,
        };
        *count = count.saturating_add(1);
    }

    /// Looks up all that the rows of a chunk name: four statements at most.
    async fn look(&self, scope: &mut Scope<'_>, shape: &Shape, chunk: &[Row]) -> Result<Known, RecordError> {
        let said = || chunk.iter().filter_map(|row| row.said.as_ref().ok());
        let keys: HashSet<String> = said().filter_map(|said| key_of(self.meant.key, said)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut by_key = store::by_keys(scope, &shape.kind.name, self.meant.key, &keys).await?;
        by_key.extend(self.imagined.iter().map(|(key, record)| (key.clone(), record.clone())));
        let named: Vec<&str> =
            said().filter_map(|said| said.draft.external_id.as_ref()?.as_deref()).map(str::trim).collect();
        let held = store::by_keys(scope, &shape.kind.name, Key::ExternalId, &named).await?;
        let held = held.into_iter().map(|(key, record)| (key, record.id));
        let by_external_id = held.chain(self.imagined_ids.clone()).collect();
        let mut linked = HashSet::new();
        for field in shape.kind.fields() {
            let Kind::Link(kind) = field.kind else { continue };
            let wanted: Vec<&str> =
                said().filter_map(|said| said.draft.fields.get(field.name)?.as_str()).collect();
            let found = store::by_keys(scope, &TypeName::built_in(kind), Key::Id, &wanted).await?;
            linked.extend(found.into_keys());
        }
        let imagined =
            if self.meant.dry_run { i64::try_from(self.tally.created).unwrap_or(i64::MAX) } else { 0 };
        let room = MOST_RECORDS.saturating_sub(store::in_use(scope).await?).saturating_sub(imagined);
        Ok(Known { by_key, by_external_id, linked, room })
    }

    /// What becomes of one row: a record before and after, or nothing where it is passed over.
    fn one(
        &mut self,
        shape: &Shape,
        call: &Call,
        said: Said,
        key: Option<&str>,
        id: RecordId,
        known: &Known,
    ) -> Result<Option<(Option<Record>, Record)>, Vec<FieldFault>> {
        let there = key.and_then(|key| known.by_key.get(key));
        if self.meant.key == Key::Id && key.is_some() && there.is_none() {
            return Err(vec![FieldFault::new("id", format!("is no {} here", shape.kind.name))]);
        }
        let draft = Draft { external_id: said.draft.external_id.clone(), fields: said.draft.fields };
        let after = match (there, self.meant.on_match) {
            (Some(_), OnMatch::Skip) => {
                self.tally.skipped = self.tally.skipped.saturating_add(1);
                return Ok(None);
            }
            (Some(was), OnMatch::Error) => {
                return Err(vec![FieldFault::new(self.meant.key.name(), format!("is that of {}", was.id))]);
            }
            (Some(was), OnMatch::Update) => shape.patch(was, draft, call.now)?,
            (None, _) if known.room <= 0 => {
                let message =
                    format!("does not fit: the tenant has {MOST_RECORDS} records, the most that it may have");
                return Err(vec![FieldFault::new("row", message)]);
            }
            (None, _) => shape.make(id, draft, call.now, call.principal.actor.name())?,
        };
        known.holds(shape, there, &after)?;
        Ok(Some((there.cloned(), after)))
    }
}

impl Known {
    /// Whether what a record says of others holds.
    fn holds(&self, shape: &Shape, before: Option<&Record>, after: &Record) -> Result<(), Vec<FieldFault>> {
        let mut faults = Vec::new();
        let owner = after.external_id.as_deref().and_then(|external_id| self.by_external_id.get(external_id));
        if let Some(owner) = owner.filter(|owner| **owner != after.id) {
            faults.push(FieldFault::new("external_id", format!("is that of {owner}")));
        }
        for field in shape.kind.fields() {
            let Kind::Link(kind) = field.kind else { continue };
            let Some(named) = after.text(field.name) else { continue };
            let before = before.and_then(|before| before.text(field.name));
            if before != Some(named) && !self.linked.contains(named) {
                faults.push(FieldFault::new(field.name, format!("is no {kind} here")));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Remembers what a row made, for the rows after it.
    fn learn(&mut self, change: &Change, after: &Record, key: Option<&str>) {
        self.by_key.extend(key.map(|key| (key.to_owned(), after.clone())));
        if change.before.is_none() {
            self.room = self.room.saturating_sub(1);
        }
        if let Some(external_id) = &after.external_id {
            self.by_external_id.insert(external_id.clone(), after.id.clone());
        }
    }
}

/// The key by which a row finds its record, if it has one.
fn key_of(key: Key, said: &Said) -> Option<String> {
    let text = match key {
        Key::Id => said.id.as_ref().map(RecordId::as_str),
        Key::ExternalId => said.draft.external_id.as_ref().and_then(|id| id.as_deref()),
        Key::Email => said.draft.fields.get("email").and_then(serde_json::Value::as_str),
    };
    text.map(|text| key.read(text)).filter(|text| !text.is_empty())
}
