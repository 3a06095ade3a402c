//! Importing grids from a CSV file: `code,name,tier,parent_code`.
//!
//! Owns the form of the file and the rule "all or nothing": every bad line is named with its number,
//! and nothing is imported while there is one. What is there already, alike, is left alone, so that
//! an import may be repeated. It never renames nor moves a grid.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use gridpatrol_domain::division::DivisionCode;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::slug::Slug as _;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::directory::Grid;
use super::queries;
use crate::store::events::{self, EventRecord};
use crate::store::{Conn, Outcome, town};

/// Largest file.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Most lines.
pub const MOST_LINES: usize = 200_000;
/// Most characters of a name.
pub const MOST_NAME_CHARS: usize = 60;
/// Bad lines named at most; how many more there are is told.
const MOST_FAULTS: usize = 200;
/// Events written at a time.
const EVENTS_AT_ONCE: usize = 500;
/// The columns, each once, in any order.
const COLUMNS: [&str; 4] = ["code", "name", "tier", "parent_code"];

/// A bad line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// Its number in the file, from 1; the header is line 1.
    pub line: u64,
    /// Which column, where one is to blame.
    pub column: Option<&'static str>,
    /// What is wrong and what to do about it.
    pub detail: String,
}

impl std::fmt::Display for LineFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(formatter, ", {column}")?;
        }
        write!(formatter, ": {}", self.detail)
    }
}

/// Every bad line of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Those named.
    pub named: Vec<LineFault>,
    /// How many more there are.
    pub more: usize,
}

impl Faults {
    fn add(
        &mut self,
        line: u64,
        column: impl Into<Option<&'static str>>,
        detail: impl Into<String>,
    ) {
        if self.named.len() < MOST_FAULTS {
            self.named.push(LineFault {
                line,
                column: column.into(),
                detail: detail.into(),
            });
        } else {
            self.more += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for fault in &self.named {
            writeln!(formatter, "{fault}")?;
        }
        if self.more > 0 {
            writeln!(formatter, "… and {} more", self.more)?;
        }
        Ok(())
    }
}

/// A line that is well-formed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: u64,
    code: DivisionCode,
    name: String,
}

/// A file that is well-formed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    lines: Vec<Line>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Grids that are new.
    pub created: usize,
    /// Grids that were there already, alike.
    pub unchanged: usize,
}

impl Plan {
    /// Reads a file.
    ///
    /// # Errors
    /// Every bad line.
    pub fn parse(file: &[u8]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if file.len() > MOST_BYTES {
            faults.add(
                1,
                None,
                format!("the file is larger than {MOST_BYTES} bytes"),
            );
            return Err(faults);
        }
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file));
        let mut records = reader.byte_records();
        let columns = match records.next() {
            Some(Ok(header)) => Columns::of(&header, &mut faults),
            Some(Err(error)) => {
                faults.add(1, None, error.to_string());
                None
            }
            None => {
                faults.add(
                    1,
                    None,
                    "the file is empty; its first line is code,name,tier,parent_code",
                );
                None
            }
        };
        let Some(columns) = columns else {
            return Err(faults);
        };
        let mut lines: Vec<Line> = Vec::new();
        let mut first_seen: HashMap<DivisionCode, u64> = HashMap::new();
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    faults.add(line, None, error.to_string());
                    break;
                }
            };
            let number = record.position().map_or(0, csv::Position::line);
            if lines.len() >= MOST_LINES {
                faults.add(
                    number,
                    None,
                    format!("a file has at most {MOST_LINES} grids"),
                );
                break;
            }
            let Some(line) = columns.line(number, &record, &mut faults) else {
                continue;
            };
            if let Some(first) = first_seen.get(&line.code) {
                faults.add(
                    number,
                    "code",
                    format!("the code stands in line {first} already"),
                );
                continue;
            }
            first_seen.insert(line.code.clone(), number);
            lines.push(line);
        }
        if faults.is_empty() {
            Ok(Self { lines })
        } else {
            Err(faults)
        }
    }

    /// Imports what is new, in the transaction at hand.
    ///
    /// # Errors
    /// If the database fails. Inside: every line that contradicts what is there; then nothing was
    /// written.
    pub fn run(
        &self,
        conn: &mut Conn,
        actor: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Outcome<Result<Imported, Faults>> {
        let mut wanted: Vec<String> = Vec::new();
        for line in &self.lines {
            wanted.push(line.code.as_str().to_owned());
            wanted.extend(line.code.parent().map(|parent| parent.as_str().to_owned()));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let mut known = queries::grids_coded(conn, &wanted)?;
        let mut faults = Faults::default();
        let mut new: Vec<Grid> = Vec::new();
        let mut unchanged = 0;
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        // From the town down, so that the grid above is known when its turn comes.
        lines.sort_by_key(|line| std::cmp::Reverse(line.code.tier()));
        for line in lines {
            if let Some(there) = known.get(line.code.as_str()) {
                if there.name == line.name {
                    unchanged += 1;
                } else {
                    let detail = format!(
                        "{} is there already, named {}; an import does not rename",
                        line.code, there.name
                    );
                    faults.add(line.number, "name", detail);
                }
                continue;
            }
            let above = match line.code.parent() {
                Some(code) => match known.get(code.as_str()) {
                    Some(above) => Some(above),
                    None => {
                        let detail = format!("{code} is neither in the file nor there already");
                        faults.add(line.number, "parent_code", detail);
                        continue;
                    }
                },
                None => None,
            };
            let grid = grid_below(above, line);
            known.insert(grid.code.clone(), grid.clone());
            new.push(grid);
        }
        if !faults.is_empty() {
            faults.named.sort_by_key(|fault| fault.line);
            return Ok(Err(faults));
        }
        write(conn, &new, actor, now)?;
        Ok(Ok(Imported {
            created: new.len(),
            unchanged,
        }))
    }
}

/// A new grid below the one above; a town has none above.
fn grid_below(above: Option<&Grid>, line: &Line) -> Grid {
    let id = Uuid::now_v7();
    let path = match above.map(|above| above.path) {
        None => GridPath::town(id),
        Some(above) => match above.village_id() {
            None => GridPath::village(above.town_id(), id),
            Some(village) => GridPath::group(above.town_id(), village, id),
        },
    };
    Grid {
        id,
        code: line.code.as_str().to_owned(),
        name: line.name.clone(),
        path,
        parent_id: above.map(|above| above.id),
        contact: None,
        version: 1,
    }
}

/// Writes new grids, each after the one above it, and records them in the chains of their towns.
///
/// # Errors
/// If the database fails.
pub fn write(
    conn: &mut Conn,
    new: &[Grid],
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    queries::add_grids(conn, new, now)?;
    // By id, the order in which the towns' rows are locked everywhere.
    let mut by_town: BTreeMap<Uuid, Vec<&Grid>> = BTreeMap::new();
    for grid in new {
        by_town.entry(grid.path.town_id()).or_default().push(grid);
        if grid.tier() == Tier::Town {
            town::found(conn, grid.id)?;
        }
    }
    for (town_id, grids) in by_town {
        let mut head = town::advance(conn, town_id)?;
        for grids in grids.chunks(EVENTS_AT_ONCE) {
            let records = grids.iter().map(|grid| created(grid, actor, now)).collect();
            events::append(conn, &mut head, records)?;
        }
        town::touch_directory(conn, town_id)?;
    }
    Ok(())
}

fn created(grid: &Grid, actor_id: Option<Uuid>, at: DateTime<Utc>) -> EventRecord {
    let mut facts = Map::new();
    facts.insert("code".to_owned(), grid.code.clone().into());
    facts.insert("name".to_owned(), grid.name.clone().into());
    facts.insert("tier".to_owned(), grid.tier().slug().into());
    if let Some(parent) = grid.parent_id {
        facts.insert("parent_id".to_owned(), parent.to_string().into());
    }
    EventRecord {
        subject_kind: "grid",
        subject_id: grid.id,
        kind: "grid_created",
        at,
        actor_id,
        facts,
        payload: grid
            .contact
            .as_ref()
            .map(|contact| serde_json::json!({ "contact": contact }))
            .filter(|payload| *payload != Value::Null),
    }
}

/// Where each column stands.
struct Columns {
    code: usize,
    name: usize,
    tier: usize,
    parent_code: usize,
    all: usize,
}

impl Columns {
    fn of(header: &csv::ByteRecord, faults: &mut Faults) -> Option<Self> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
            .collect();
        for name in &names {
            if !COLUMNS.contains(&name.as_str()) {
                faults.add(
                    1,
                    None,
                    format!("unknown column {name:?}; the columns are {COLUMNS:?}"),
                );
            }
        }
        let mut place = |column: &'static str| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == column);
            let first = places.next();
            match (first, places.next()) {
                (Some((at, _)), None) => Some(at),
                (None, _) => {
                    faults.add(1, column, "the column is missing");
                    None
                }
                (Some(_), Some(_)) => {
                    faults.add(1, column, "the column stands twice");
                    None
                }
            }
        };
        let [code, name, tier, parent_code] = COLUMNS.map(&mut place);
        let columns = Self {
            code: code?,
            name: name?,
            tier: tier?,
            parent_code: parent_code?,
            all: names.len(),
        };
        faults.is_empty().then_some(columns)
    }

    /// Reads one line. None: `faults` says why.
    fn line(&self, number: u64, record: &csv::ByteRecord, faults: &mut Faults) -> Option<Line> {
        if record.len() != self.all {
            let detail = format!("{} values where {} are expected", record.len(), self.all);
            faults.add(number, None, detail);
            return None;
        }
        let Ok(record) = csv::StringRecord::from_byte_record(record.clone()) else {
            faults.add(number, None, "not UTF-8; save the file as \"CSV UTF-8\"");
            return None;
        };
        let value = |at: usize| record.get(at).unwrap_or_default().trim();
        let name = value(self.name);
        let before = faults.named.len() + faults.more;
        if name.is_empty() {
            faults.add(number, "name", "a grid has a name");
        } else if name.chars().count() > MOST_NAME_CHARS {
            let detail = format!("a name has at most {MOST_NAME_CHARS} characters");
            faults.add(number, "name", detail);
        } else if name.chars().any(char::is_control) {
            faults.add(number, "name", "a name has no control characters");
        }
        let tier = Tier::from_slug(value(self.tier));
        if tier.is_none() {
            faults.add(number, "tier", "a tier is town, village or group");
        }
        let code = match DivisionCode::parse(value(self.code)) {
            Ok(code) => Some(code),
            Err(fault) => {
                faults.add(number, "code", fault.to_string());
                None
            }
        };
        if let Some(code) = &code {
            if let Some(tier) = tier.filter(|tier| *tier != code.tier()) {
                let detail = format!("{code} is the code of a {}, not of a {tier}", code.tier());
                faults.add(number, "tier", detail);
            }
            if let Some(detail) = wrong_parent(code, value(self.parent_code)) {
                faults.add(number, "parent_code", detail);
            }
        }
        (faults.named.len() + faults.more == before)
            .then_some(code)?
            .map(|code| Line {
                number,
                code,
                name: name.to_owned(),
            })
    }
}

/// What is wrong with the parent that a line names: it must be what remains of the code.
fn wrong_parent(code: &DivisionCode, parent: &str) -> Option<String> {
    match code.parent() {
        None => (!parent.is_empty()).then(|| "a town has no parent".to_owned()),
        Some(expected) => (DivisionCode::parse(parent).as_ref() != Ok(&expected))
            .then(|| format!("the parent of {code} is {expected}")),
    }
}
