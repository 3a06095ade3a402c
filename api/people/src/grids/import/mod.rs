//! Imports grids: what the lines of a file of divisions mean.
//!
//! Owns the columns, the rule "upsert by code", and how new towns are written hidden and published
//! in one statement. Each existing town changes in one transaction. This module must not read files
//! or run steps: `imports` does.

mod plan;
mod surroundings;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::division::{DivisionCode, DivisionFault};
use gridpatrol_domain::grid::Tier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::open_reports::OpenReports;
use crate::imports::cli_import::{self, Ended, ImportFileError};
use crate::imports::queries::NewImport;
use crate::imports::run::Runner;
use crate::imports::sheet::Row;
use crate::imports::{Column, Counts, Faults, ImportKind, Importer, Job, Line, Staged};
use crate::towns::directory::Directory;
use gridpatrol_store::{Conn, Outcome, Store, town};
use surroundings::Surroundings;
pub use write::write;

/// Most characters of a name.
pub const MOST_NAME_CHARS: usize = 60;
/// Most characters of a contact.
pub const MOST_CONTACT_CHARS: usize = 100;
/// The most grids of a town. We hold all grids of a town in memory.
pub const MOST_GRIDS_OF_TOWN: usize = 20_000;

/// The first pass writes new towns, the second changes existing ones.
const NEW_TOWNS: i32 = 0;

const COLUMNS: &[Column] = &[
    Column {
        name: "code",
        also: &["代码", "区划代码", "统计用区划代码", "网格代码"],
        required: true,
    },
    Column {
        name: "name",
        also: &["名称", "网格名称"],
        required: true,
    },
    Column {
        name: "tier",
        also: &["层级", "级别"],
        required: false,
    },
    Column {
        name: "parent_code",
        also: &["上级代码", "上级区划代码"],
        required: false,
    },
    Column {
        name: "contact",
        also: &["联系方式", "联系电话"],
        required: false,
    },
    Column {
        name: "successor_code",
        also: &["并入代码"],
        required: false,
    },
];

/// What a line says about a grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    contact: Option<String>,
    /// The grid ends, and this one takes over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    successor: Option<String>,
}

/// A line in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    line: i64,
    code: DivisionCode,
    said: Said,
}

/// Imports grids.
pub struct GridImporter {
    directory: Directory,
    open_reports: Arc<dyn OpenReports>,
}

impl GridImporter {
    /// Makes an importer. When it archives a grid, open reports move to the successor.
    #[must_use]
    pub const fn new(directory: Directory, open_reports: Arc<dyn OpenReports>) -> Self {
        Self {
            directory,
            open_reports,
        }
    }
}

impl Importer for GridImporter {
    fn kind(&self) -> ImportKind {
        ImportKind::Grids
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn read(&self, row: &Row<'_>, faults: &mut Faults) -> Option<Staged> {
        let (line, before) = (row.line, faults.total);
        let name = row.get("name");
        if name.is_empty() {
            faults.add(line, "name", "required", "A grid has a name.");
        }
        text(line, "name", name, MOST_NAME_CHARS, faults);
        let contact = row.get("contact");
        text(line, "contact", contact, MOST_CONTACT_CHARS, faults);
        let code = parsed(line, "code", row.get("code"), faults);
        let tier = tier(row.get("tier"));
        if row.has("tier") && tier.is_none() {
            let detail = "A tier is town, village or group.";
            faults.add(line, "tier", "not_allowed", detail);
        }
        if let Some(code) = &code {
            if tier.is_some_and(|tier| tier != code.tier()) {
                let detail = format!("{code} is the code of a {}.", code.tier());
                faults.add(line, "tier", "not_allowed", detail);
            }
            if let Some(detail) = row
                .has("parent_code")
                .then(|| wrong_parent(code, row.get("parent_code")))
                .flatten()
            {
                faults.add(line, "parent_code", "not_allowed", detail);
            }
        }
        let successor = match row.get("successor_code") {
            "" => None,
            given => parsed(line, "successor_code", given, faults),
        };
        if faults.total > before {
            return None;
        }
        let said = Said {
            name: name.to_owned(),
            contact: (!contact.is_empty()).then(|| contact.to_owned()),
            successor: successor.map(|code| code.as_str().to_owned()),
        };
        Some(Staged {
            key: code?.as_str().to_owned(),
            content: serde_json::to_string(&said).ok()?,
        })
    }

    fn together(&self, one: &str, next: &str) -> bool {
        const TOWN_DIGITS: usize = 9;
        one.get(..TOWN_DIGITS) == next.get(..TOWN_DIGITS)
    }

    fn check(
        &self,
        conn: &mut Conn,
        job: &Job,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts> {
        let entries = entries(lines);
        let surroundings = Surroundings::read(conn, job, &entries)?;
        let mut counts = Counts::default();
        for town in by_town(&entries) {
            let changes = plan::changes(town, &surroundings, faults);
            counts += plan::counts(town, &changes);
        }
        Ok(counts)
    }

    fn passes(&self) -> i32 {
        2
    }

    fn publish(
        &self,
        conn: &mut Conn,
        job: &Job,
        pass: i32,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts> {
        let entries = entries(lines);
        let surroundings = Surroundings::read(conn, job, &entries)?;
        let mut counts = Counts::default();
        let mut new = Vec::new();
        let mut changed = Vec::new();
        for town in by_town(&entries) {
            let known = surroundings.town_of(town);
            if (pass == NEW_TOWNS) != known.is_none() {
                continue;
            }
            let before = faults.total;
            let changes = plan::changes(town, &surroundings, faults);
            // We write a town completely or not at all.
            if faults.total > before {
                continue;
            }
            counts += Counts {
                unchanged: 0,
                ..plan::counts(town, &changes)
            };
            match known {
                None => new.push(write::new_town(&changes, job)),
                Some(id) if !changes.is_empty() => changed.push((id, changes)),
                Some(_) => {}
            }
        }
        if !faults.is_empty() && pass == NEW_TOWNS {
            return Ok(counts);
        }
        write::new_towns(conn, &new, job)?;
        // By id: all code locks the towns' rows in this order.
        changed.sort_by_key(|(id, _)| *id);
        for (id, changes) in changed {
            write::change_town(conn, self, id, &changes, &surroundings, job)?;
        }
        Ok(counts)
    }

    fn end_pass(&self, conn: &mut Conn, job: &Job, pass: i32) -> Outcome<()> {
        if pass == NEW_TOWNS {
            let towns = town::publish(conn, job.id)?;
            tracing::info!(import = %job.id, towns, "new towns are published");
        }
        Ok(())
    }

    fn abandon(&self, conn: &mut Conn, import: Uuid) -> Outcome<bool> {
        Ok(write::abandon(conn, import)?)
    }
}

/// Imports a file with the same steps as the server, without a sender, and waits for the end. It
/// blocks.
///
/// # Errors
/// If the file or the database fails.
pub fn import_file(
    store: &Store,
    open_reports: Arc<dyn OpenReports>,
    file: impl std::io::Read,
    file_name: Option<String>,
    dry_run: bool,
    now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
) -> Result<Ended, ImportFileError> {
    let importer = GridImporter::new(Directory::default(), open_reports);
    let runner = Runner::new(store.clone(), vec![Arc::new(importer)], now, || false);
    let new = NewImport {
        id: Uuid::now_v7(),
        kind: ImportKind::Grids,
        dry_run,
        actor_id: None,
        file_name,
    };
    cli_import::run(&runner, &new, file)
}

fn entries(lines: &[Line]) -> Vec<Entry> {
    lines
        .iter()
        .filter_map(|line| {
            // `read` wrote it.
            let said = serde_json::from_str(&line.content);
            if let Err(error) = &said {
                tracing::error!(%error, line = line.line, "a staged line cannot be read");
            }
            Some(Entry {
                line: line.line,
                code: DivisionCode::parse(&line.key).ok()?,
                said: said.ok()?,
            })
        })
        .collect()
}

fn by_town(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    entries.chunk_by(|one, next| one.code.town_digits() == next.code.town_digits())
}

fn text(line: i64, column: &'static str, value: &str, most: usize, faults: &mut Faults) {
    if value.chars().count() > most {
        let detail = format!("At most {most} characters.");
        faults.add(line, column, "too_long", detail);
    } else if value.chars().any(char::is_control) {
        faults.add(line, column, "not_allowed", "No control characters.");
    }
}

fn parsed(
    line: i64,
    column: &'static str,
    value: &str,
    faults: &mut Faults,
) -> Option<DivisionCode> {
    DivisionCode::parse(value)
        .inspect_err(|fault: &DivisionFault| {
            let mut detail = fault.to_string();
            if let Some(first) = detail.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            faults.add(line, column, "bad_format", detail + ".");
        })
        .ok()
}

/// Reads a tier from its slug or its common name.
fn tier(text: &str) -> Option<Tier> {
    match text {
        "镇" | "乡" | "街道" | "乡镇" => Some(Tier::Town),
        "居" | "社区" | "村居" => Some(Tier::Village),
        "组" | "小组" => Some(Tier::Group),
        other => Tier::from_code(&other.to_lowercase()).or_else(|| {
            Tier::ALL
                .iter()
                .copied()
                .find(|tier| tier.label_zh() == other)
        }),
    }
}

/// Checks the parent that a line names: it must be the start of the code.
fn wrong_parent(code: &DivisionCode, parent: &str) -> Option<String> {
    match code.parent() {
        None => (!parent.is_empty()).then(|| "A town has no parent.".to_owned()),
        Some(expected) => (DivisionCode::parse(parent).as_ref() != Ok(&expected))
            .then(|| format!("The parent of {code} is {expected}.")),
    }
}
