//! Absences and dated deputies.
//!
//! Owns these transactions. An absence with a deputy adds one deputy row per posting, so that no
//! code needs to read absences to know who deputises. A posting that begins during the absence gets
//! its own row (`commands::begin`). A deputy takes over only duties on reports and must not manage
//! accounts or grids.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::{Covers, Role};
use serde_json::json;
use uuid::Uuid;

use super::chains::Chains;
use super::commands::deputised;
use super::postings::from_now_on;
use super::queries::{self, AbsenceRow, DeputyRow, PostingRow};
use super::subject::{Manager, Subject};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Conn, Outcome};

/// The longest absence, and the longest time for a deputy.
pub const LONGEST: TimeDelta = TimeDelta::days(400);
/// The most deputies of one officer at a time, current and future.
pub const MOST_DEPUTIES: usize = 50;

/// The deputy for a posting during an absence, if the two overlap from now on.
pub(super) fn deputy_of(
    absence: &AbsenceRow,
    posting: &PostingRow,
    now: DateTime<Utc>,
) -> Option<DeputyRow> {
    let from = absence.valid_from.max(posting.from).max(now);
    let to = posting
        .to
        .map_or(absence.valid_to, |to| to.min(absence.valid_to));
    (posting.role.acts() && from < to).then_some(DeputyRow {
        id: Uuid::now_v7(),
        posting_id: posting.id,
        deputy_id: absence.deputy_id?,
        from,
        to,
        covers: Covers::All,
        absence_id: Some(absence.id),
    })
}

/// Whether an officer serves in this town at an instant: enabled, with an active posting of their
/// own.
pub(super) fn serves_in(
    conn: &mut Conn,
    officer: Uuid,
    town: Uuid,
    at: DateTime<Utc>,
) -> Outcome<bool> {
    let enabled = queries::officer(conn, officer)?.is_some_and(|row| row.disabled_at.is_none());
    Ok(enabled
        && queries::postings(conn, officer)?.iter().any(|posting| {
            posting.role.acts()
                && posting.grid.town_id() == town
                && posting.to.is_none_or(|to| at < to)
        }))
}

/// A new absence.
#[derive(Debug, Clone, Copy)]
pub struct Away {
    /// From when; what lies in the past counts as now.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Who deputises for everything. None: the grid above.
    pub deputy_id: Option<Uuid>,
}

/// Sets the absence of an officer and replaces the current or future one.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`.
pub fn set(conn: &mut Conn, manager: &Manager, id: Uuid, away: &Away) -> Outcome<AbsenceRow> {
    let subject = Subject::own_or_managed(conn, manager, id)?;
    let now = manager.now;
    let absence = AbsenceRow {
        id: Uuid::now_v7(),
        officer_id: id,
        deputy_id: away.deputy_id,
        valid_from: away.from.max(now),
        valid_to: away.to,
    };
    period((absence.valid_from, away.to))?;
    let known = queries::absence(conn, id, now)?;
    if let Some(known) = known {
        let begun = known.valid_from <= now && away.from <= now;
        if (begun || known.valid_from == away.from)
            && known.valid_to == away.to
            && known.deputy_id == away.deputy_id
        {
            return Ok(known);
        }
    }
    let deputies = following(conn, &subject, &absence, now)?;
    let mut chains = Chains::lock(conn, subject.towns())?;
    if let Some(known) = known {
        over(conn, &known, now)?;
    }
    queries::add_absence(conn, &absence, now)?;
    let facts = json!({
        "absence_id": absence.id, "from": absence.valid_from, "to": absence.valid_to,
        "deputy_id": absence.deputy_id, "replaces": known.map(|known| known.id),
    });
    chains.add_everywhere(&manager.event(id, "officer_absent", facts, None));
    let actor = Some(manager.actor.officer_id);
    for (town, deputy) in deputies {
        queries::add_deputy(conn, &deputy, now)?;
        chains.add(town, deputised(id, &deputy, actor, now));
    }
    chains.save(conn)?;
    Ok(absence)
}

/// The deputies for a new absence, each with its town.
fn following(
    conn: &mut Conn,
    subject: &Subject,
    absence: &AbsenceRow,
    now: DateTime<Utc>,
) -> Outcome<Vec<(Uuid, DeputyRow)>> {
    let Some(deputy_id) = absence.deputy_id else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if deputy_id != absence.officer_id {
        for posting in subject.lasting(now) {
            let Some(deputy) = deputy_of(absence, posting, now) else {
                continue;
            };
            let town = posting.grid.town_id();
            if serves_in(conn, deputy_id, town, deputy.from)? {
                found.push((town, deputy));
            }
        }
    }
    if found.is_empty() {
        return Err(no_deputy().into());
    }
    Ok(found)
}

/// Ends the absence of an officer now. A future absence never begins. If there is none, nothing
/// changes.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn back(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<()> {
    let subject = Subject::own_or_managed(conn, manager, id)?;
    let now = manager.now;
    let Some(known) = queries::absence(conn, id, now)? else {
        return Ok(());
    };
    let mut chains = Chains::lock(conn, subject.towns())?;
    over(conn, &known, now)?;
    let facts = json!({"absence_id": known.id});
    chains.add_everywhere(&manager.event(id, "officer_back", facts, None));
    chains.save(conn)?;
    Ok(())
}

/// Ends an absence and its deputies.
fn over(conn: &mut Conn, absence: &AbsenceRow, now: DateTime<Utc>) -> Outcome<()> {
    queries::end_absence(conn, absence, now)?;
    for deputy in queries::deputies_for(conn, absence.officer_id, now)? {
        if deputy.absence_id == Some(absence.id) {
            queries::end_deputy(conn, &deputy, now)?;
        }
    }
    Ok(())
}

/// A new deputy.
#[derive(Debug, Clone, Copy)]
pub struct StandIn {
    /// The posting. None: every active posting.
    pub posting_id: Option<Uuid>,
    /// Who.
    pub deputy_id: Uuid,
    /// From when; absent: now.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Which duties.
    pub covers: Covers,
}

/// Adds a deputy for an officer.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`.
pub fn add(conn: &mut Conn, manager: &Manager, id: Uuid, new: &StandIn) -> Outcome<()> {
    let subject = Subject::own_or_managed(conn, manager, id)?;
    let now = manager.now;
    let from = from_now_on("/from", new.from, now)?;
    period((from, new.to))?;
    let asked = |posting: &&PostingRow| new.posting_id.is_none_or(|id| id == posting.id);
    let decides =
        |role: Role| role.decides() || role.tier() == Some(gridpatrol_domain::grid::Tier::Town);
    let postings: Vec<&PostingRow> = subject
        .lasting(now)
        .filter(asked)
        .filter(|posting| posting.role.acts() && posting.meets(from, Some(new.to)))
        .filter(|posting| new.covers == Covers::All || decides(posting.role))
        .collect();
    if postings.is_empty() {
        let detail = match new.covers {
            Covers::All => "The officer has no such posting that acts on reports at that time.",
            Covers::Decisions => {
                "The officer has no such posting that decides on escalations at that time."
            }
        };
        return Err(invalid("/posting_id", "not_allowed", detail).into());
    }
    if queries::deputies_for(conn, id, now)?.len() + postings.len() > MOST_DEPUTIES {
        let detail = format!("At most {MOST_DEPUTIES} current and future deputies. End one first.");
        return Err(invalid("", "too_long", &detail).into());
    }
    let mut deputies = Vec::new();
    for posting in postings {
        let deputy = DeputyRow {
            id: Uuid::now_v7(),
            posting_id: posting.id,
            deputy_id: new.deputy_id,
            from: from.max(posting.from),
            to: posting.to.map_or(new.to, |to| to.min(new.to)),
            covers: new.covers,
            absence_id: None,
        };
        let town = posting.grid.town_id();
        if new.deputy_id != id && serves_in(conn, new.deputy_id, town, deputy.from)? {
            deputies.push((town, deputy));
        }
    }
    if deputies.is_empty() {
        return Err(no_deputy().into());
    }
    let mut chains = Chains::lock(conn, deputies.iter().map(|(town, _)| *town))?;
    for (town, deputy) in deputies {
        queries::add_deputy(conn, &deputy, now)?;
        let actor = Some(manager.actor.officer_id);
        chains.add(town, deputised(id, &deputy, actor, now));
    }
    chains.save(conn)?;
    Ok(())
}

/// Ends a deputy now. A repeated call answers `not_found`, which is fine.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn end(conn: &mut Conn, manager: &Manager, id: Uuid, deputy: Uuid) -> Outcome<()> {
    let subject = Subject::own_or_managed(conn, manager, id)?;
    let now = manager.now;
    let known = queries::deputies_for(conn, id, now)?
        .into_iter()
        .find(|known| known.id == deputy)
        .ok_or_else(|| {
            Problem::new(Code::NotFound)
                .detail("There is no current or future deputy with this id.")
        })?;
    let town = subject
        .postings
        .iter()
        .find(|posting| posting.id == known.posting_id)
        .map(|posting| posting.grid.town_id());
    let mut chains = Chains::lock(conn, town)?;
    queries::end_deputy(conn, &known, now)?;
    let facts = json!({"posting_id": known.posting_id, "deputy_id": known.deputy_id});
    chains.add_everywhere(&manager.event(id, "officer_deputy_ended", facts, None));
    chains.save(conn)?;
    Ok(())
}

fn period((from, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<(), Problem> {
    if to <= from {
        Err(invalid(
            "/to",
            "out_of_range",
            "It must end after it begins, and after now.",
        ))
    } else if to - from > LONGEST {
        let detail = format!("At most {} days.", LONGEST.num_days());
        Err(invalid("/to", "out_of_range", &detail))
    } else {
        Ok(())
    }
}

fn no_deputy() -> Problem {
    invalid(
        "/deputy_id",
        "not_allowed",
        "Name another officer who serves in the same town at that time.",
    )
}

fn invalid(pointer: &str, code: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(pointer, code, detail)])
}
