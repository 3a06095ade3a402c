//! The duty roster of a town: who is named first when the town acts for a lower grid.
//!
//! Owns its transaction. It replaces a whole window of the roster. It must not change the past.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::grid::GridPath;
use serde_json::{Map, json};
use uuid::Uuid;

use super::chains::Chains;
use super::queries::{self, ShiftRow};
use super::subject::{Manager, not_permitted};
use crate::towns::directory::{Directory, Town};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::events::EventRecord;
use gridpatrol_store::{Conn, Outcome};

/// The longest window.
pub const LONGEST: TimeDelta = TimeDelta::days(400);
/// Most shifts of one window.
pub const MOST_SHIFTS: usize = 500;

/// A new shift.
#[derive(Debug, Clone, Copy)]
pub struct NewShift {
    /// The officer.
    pub officer_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// The new content of a window of the roster.
#[derive(Debug, Clone)]
pub struct Window {
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// The shifts, in any order.
    pub shifts: Vec<NewShift>,
}

/// Finds every wrong shift of a window: its dates, and overlaps.
#[must_use]
pub fn faults(window: &Window) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if window.to <= window.from || window.to - window.from > LONGEST {
        faults.push(FieldError::new(
            "/to",
            "out_of_range",
            format!(
                "It must end after it begins, at most {} days later.",
                LONGEST.num_days()
            ),
        ));
    }
    let mut order: Vec<(usize, &NewShift)> = window.shifts.iter().enumerate().collect();
    order.sort_by_key(|(_, shift)| (shift.from, shift.to));
    for (index, shift) in &order {
        if shift.to <= shift.from {
            let pointer = format!("/shifts/{index}/to");
            let detail = "It must end after it begins.";
            faults.push(FieldError::new(pointer, "out_of_range", detail));
        } else if shift.from < window.from || window.to < shift.to {
            let pointer = format!("/shifts/{index}");
            let detail = "It must lie within the window.";
            faults.push(FieldError::new(pointer, "out_of_range", detail));
        }
    }
    for (one, next) in order.iter().zip(order.iter().skip(1)) {
        if next.1.from < one.1.to {
            let detail = format!(
                "It overlaps with /shifts/{}. Only one officer can be on duty at a time.",
                one.0
            );
            let pointer = format!("/shifts/{}", next.0);
            faults.push(FieldError::new(pointer, "overlaps", detail));
        }
    }
    faults
}

/// Replaces a window of the roster from now on.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`.
pub fn put(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    town_id: Uuid,
    window: &Window,
) -> Outcome<()> {
    if !manager.actor.manages_town(GridPath::town(town_id)) {
        return Err(not_permitted("Only managers of the town can change the roster.").into());
    }
    // If the town does not exist, answer 404 before we read its row.
    directory.town(conn, town_id)?;
    let mut chains = Chains::lock(conn, [town_id])?;
    let town = directory.town(conn, town_id)?;
    let now = manager.now;
    let strangers: Vec<FieldError> = window
        .shifts
        .iter()
        .enumerate()
        .filter(|(_, shift)| shift.to > now && !of_the_town(&town, shift, now))
        .map(|(index, _)| {
            FieldError::new(
                format!("/shifts/{index}/officer_id"),
                "not_allowed",
                "Name an officer who is posted at the town when the shift begins.",
            )
        })
        .collect();
    if !strangers.is_empty() {
        return Err(Problem::invalid(strangers).into());
    }
    let from = window.from.max(now);
    if from < window.to {
        for known in queries::shifts(conn, town_id, from, window.to)? {
            queries::cut_shift(conn, &known, from)?;
            if known.valid_to > window.to {
                let rest = ShiftRow {
                    id: Uuid::now_v7(),
                    valid_from: window.to,
                    ..known
                };
                queries::add_shift(conn, town_id, &rest, now)?;
            }
        }
        for shift in window.shifts.iter().filter(|shift| shift.to > from) {
            let shift = ShiftRow {
                id: Uuid::now_v7(),
                officer_id: shift.officer_id,
                valid_from: shift.from.max(from),
                valid_to: shift.to,
            };
            queries::add_shift(conn, town_id, &shift, now)?;
        }
    }
    let shifts: Vec<_> = window
        .shifts
        .iter()
        .map(|shift| json!({"officer_id": shift.officer_id, "from": shift.from, "to": shift.to}))
        .collect();
    let mut facts = Map::new();
    facts.insert("from".to_owned(), json!(from));
    facts.insert("to".to_owned(), json!(window.to));
    chains.add(
        town_id,
        EventRecord {
            subject_kind: "town",
            subject_id: town_id,
            kind: "duty_roster_set",
            at: now,
            actor_id: Some(manager.actor.officer_id),
            facts,
            payload: Some(json!({"shifts": shifts})),
        },
    );
    chains.save(conn)?;
    Ok(())
}

/// Whether an officer has an active posting of their own at the town itself when the shift begins.
fn of_the_town(town: &Town, shift: &NewShift, now: DateTime<Utc>) -> bool {
    town.person(shift.officer_id)
        .is_some_and(|person| !person.disabled)
        && town.postings_of(shift.officer_id).any(|posting| {
            posting.grid_id == town.id && posting.role.acts() && posting.active(shift.from.max(now))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + hours * 3600, 0).unwrap()
    }

    fn shift(from: i64, to: i64) -> NewShift {
        NewShift {
            officer_id: Uuid::nil(),
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn every_wrong_shift_is_named() {
        let window = |shifts| Window {
            from: at(0),
            to: at(24),
            shifts,
        };
        let found = |shifts| -> Vec<String> {
            faults(&window(shifts))
                .into_iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code))
                .collect()
        };
        assert!(found(vec![shift(12, 24), shift(0, 12)]).is_empty());
        assert_eq!(
            found(vec![shift(6, 8), shift(0, 12), shift(23, 25), shift(9, 9)]),
            [
                "/shifts/3/to out_of_range",
                "/shifts/2 out_of_range",
                "/shifts/0 overlaps"
            ]
        );
        let backwards = Window {
            from: at(1),
            to: at(1),
            shifts: Vec::new(),
        };
        assert_eq!(faults(&backwards)[0].pointer, "/to");
    }
}
