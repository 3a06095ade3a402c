//! Compares lines with the existing grids and plans the changes. Owns this comparison. It is pure:
//! it must not read or write the database.

use std::collections::HashSet;

use gridpatrol_domain::division::DivisionCode;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::grid_management;

use super::surroundings::Surroundings;
use super::{Entry, MOST_GRIDS_OF_TOWN};
use crate::imports::{Counts, Faults};
use crate::towns::snapshot::Grid;

/// What happens to a grid.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// It is new.
    Create(&'a Entry),
    /// Its name or contact changes.
    Update(&'a Grid, &'a Entry),
    /// It ends, and the grid with this code takes over.
    Archive(&'a Grid, &'a str),
}

/// The changes from the lines of one town, higher grids first. Bad lines go to the faults.
pub(super) fn changes<'a>(
    entries: &'a [Entry],
    there: &'a Surroundings,
    faults: &mut Faults,
) -> Vec<Change<'a>> {
    let town = there.town_of(entries);
    let (Some(first), true) = (entries.first(), there.may_change(town)) else {
        for entry in entries {
            let detail = "You may not change the grids of this town.";
            faults.add(entry.line, "code", "not_permitted", detail);
        }
        return Vec::new();
    };
    let size = entries.len() + town.map_or(0, |town| there.size_of(town));
    if size > MOST_GRIDS_OF_TOWN
        && entries
            .iter()
            .any(|one| there.grid(one.code.as_str()).is_none())
    {
        let detail = format!("A town has at most {MOST_GRIDS_OF_TOWN} grids.");
        faults.add(first.line, "code", "too_long", detail);
        return Vec::new();
    }
    let mut made: HashSet<&str> = HashSet::new();
    let mut changes = Vec::new();
    for entry in entries {
        let code = entry.code.as_str();
        match there.grid(code) {
            None => {
                if is_new(entry, there, &made, faults) {
                    made.insert(code);
                    changes.push(Change::Create(entry));
                }
            }
            Some(grid) => changes.extend(changed(entry, grid, entries, there, faults)),
        }
    }
    changes
}

fn is_new(entry: &Entry, there: &Surroundings, made: &HashSet<&str>, faults: &mut Faults) -> bool {
    let (line, code) = (entry.line, entry.code.as_str());
    if there.was_given(code) {
        let detail = format!("{code} is the former code of another grid. Codes are never reused.");
        faults.add(line, "code", "code_taken", detail);
        return false;
    }
    if entry.said.successor.is_some() {
        let detail = format!("{code} does not exist, so it cannot end.");
        faults.add(line, "successor_code", "not_found", detail);
        return false;
    }
    let Some(above) = entry.code.parent() else {
        return true;
    };
    match there.grid(above.as_str()) {
        Some(grid) if grid.is_archived() => {
            let detail = format!("{above} has ended.");
            faults.add(line, "parent_code", "grid_archived", detail);
            false
        }
        Some(_) => true,
        None if made.contains(above.as_str()) => true,
        None => {
            let detail = format!("{above} is not in the file and does not exist yet.");
            faults.add(line, "parent_code", "not_found", detail);
            false
        }
    }
}

fn changed<'a>(
    entry: &'a Entry,
    grid: &'a Grid,
    entries: &[Entry],
    there: &Surroundings,
    faults: &mut Faults,
) -> Option<Change<'a>> {
    let (line, code) = (entry.line, entry.code.as_str());
    if let Some(successor) = &entry.said.successor {
        let known = there.grid(successor);
        if grid.is_archived() && known.map(|known| known.id) == grid.successor_id {
            return None;
        }
        // A grid that the file creates can take over too.
        let made = || {
            let found = entries.iter().find(|one| one.code.as_str() == successor)?;
            let parent = found.code.parent()?;
            Some((found.code.tier(), parent))
        };
        let refused = match (known, made()) {
            (Some(known), _) => {
                grid_management::may_end(grid.standing(), Some(known.standing()), true).err()
            }
            (None, Some((tier, parent))) => {
                let above = DivisionCode::parse(code)
                    .ok()
                    .and_then(|code| code.parent());
                let fits =
                    tier == grid.tier() && tier != Tier::Town || above.as_ref() == Some(&parent);
                (!fits || grid.is_archived()).then_some(grid_management::NO_SUCCESSOR)
            }
            (None, None) => {
                let detail = format!("{successor} is not in the file and does not exist yet.");
                faults.add(line, "successor_code", "not_found", detail);
                return None;
            }
        };
        if let Some(refusal) = refused {
            faults.add(line, "successor_code", refusal.code.code(), refusal.detail);
            return None;
        }
        let ends_too = entries
            .iter()
            .any(|one| one.code.as_str() == successor && one.said.successor.is_some());
        if ends_too {
            let detail = format!("{successor} ends too. Name the grid that remains.");
            faults.add(line, "successor_code", "successor_invalid", detail);
            return None;
        }
        return Some(Change::Archive(grid, successor));
    }
    if grid.is_archived() {
        let detail = format!("{code} has ended. Codes are never reused.");
        faults.add(line, "code", "grid_archived", detail);
        return None;
    }
    let same_contact = entry
        .said
        .contact
        .as_ref()
        .is_none_or(|contact| grid.contact.as_ref() == Some(contact));
    (grid.name != entry.said.name || !same_contact).then_some(Change::Update(grid, entry))
}

/// Counts the changes of these lines.
pub(super) fn counts(entries: &[Entry], changes: &[Change<'_>]) -> Counts {
    let mut counts = Counts::default();
    for change in changes {
        match change {
            Change::Create(_) => counts.created += 1,
            Change::Update(..) => counts.updated += 1,
            Change::Archive(..) => counts.archived += 1,
        }
    }
    let all = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    counts.unchanged = all(entries.len()) - all(changes.len());
    counts
}
