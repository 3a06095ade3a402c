//! Adds, changes and ends postings of an officer, and transfers officers.
//!
//! Owns these transactions. It must not change the past: a posting begins or ends now or later.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use serde_json::json;
use uuid::Uuid;

use super::accounts::{Wanted, admin_remains, may_give};
use super::chains::Chains;
use super::commands::{begin, no_overlap, posted, wanted};
use super::queries::{self, PostingRow};
use super::subject::{Manager, Subject};
use crate::towns::directory::Directory;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Conn, Outcome};

/// Client clocks may be slow: a time that is at most this long ago means now.
const LAG: TimeDelta = TimeDelta::minutes(10);

/// Reads when something should begin or end. Absent or just past means now.
///
/// # Errors
/// `validation_failed` at the pointer if the time is further in the past.
pub fn from_now_on(
    pointer: &str,
    given: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Problem> {
    match given {
        Some(given) if given < now - LAG => Err(Problem::invalid(vec![FieldError::new(
            pointer,
            "in_the_past",
            "Give a time that is not in the past. Past postings do not change.",
        )])),
        given => Ok(given.unwrap_or(now).max(now)),
    }
}

/// Adds a posting to an officer.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`, `posting_overlap`.
pub fn add(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    id: Uuid,
    new: &Wanted,
) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    may_give(conn, directory, manager, new)?;
    let posting = wanted(conn, new.posting, new.manages)?;
    no_overlap(&subject.postings, &posting)?;
    let mut chains = Chains::lock(conn, [posting.grid.town_id()])?;
    let actor = Some(manager.actor.officer_id);
    begin(conn, &mut chains, id, &posting, actor, manager.now)?;
    queries::touch_officer(conn, id)?;
    chains.save(conn)?;
    Ok(())
}

/// The changes to a posting.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change {
    /// A new start, only for a posting that has not begun.
    pub from: Option<DateTime<Utc>>,
    /// Another end.
    pub to: Option<DateTime<Utc>>,
    /// With or without the managing right.
    pub manages: Option<bool>,
}

/// Changes the dates or the managing right of a posting.
///
/// # Errors
/// `not_found`, `not_permitted`, `version_mismatch`, `precondition_required`, `validation_failed`,
/// `posting_over`, `posting_overlap`, `last_admin`.
pub fn change(
    conn: &mut Conn,
    manager: &Manager,
    (id, posting): (Uuid, Uuid),
    change: &Change,
    if_match: Option<&IfMatch>,
) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    let before = posting_of(&subject, posting)?;
    etag::require(if_match, subject.row.version)?;
    let now = manager.now;
    lasting(before, now)?;
    let mut after = *before;
    if let Some(from) = change.from.filter(|from| *from != before.from) {
        if before.from <= now {
            return Err(wrong("/from", "not_allowed", "The posting has already begun.").into());
        }
        after.from = from_now_on("/from", Some(from), now)?;
    }
    if let Some(to) = change.to.filter(|to| Some(*to) != before.to) {
        after.to = Some(from_now_on("/to", Some(to), now)?);
    }
    if after.to.is_some_and(|to| to <= after.from) && after.to != before.to {
        return Err(wrong("/to", "out_of_range", "It must end after it begins.").into());
    }
    if let Some(manages) = change.manages {
        after.manages = manages;
        if manages && !gridpatrol_domain::officer::managing::may_have_right(after.role) {
            let detail = "Only a town_officer can be given the managing right.";
            return Err(wrong("/manages", "not_allowed", detail).into());
        }
    }
    manager.grants(after.held())?;
    if after == *before {
        return Ok(());
    }
    no_overlap(&subject.postings, &after)?;
    let town = after.grid.town_id();
    let mut chains = Chains::lock(conn, [town])?;
    queries::update_posting(conn, &after)?;
    if let Some(to) = after
        .to
        .filter(|_| after.role == Role::Admin && after.to != before.to)
    {
        admin_remains(conn, to)?;
    }
    queries::touch_officer(conn, id)?;
    let actor = Some(manager.actor.officer_id);
    chains.add(
        town,
        posted(id, "officer_posting_changed", &after, actor, now),
    );
    chains.save(conn)?;
    Ok(())
}

/// Ends a posting. A posting that has not begun never begins.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`, `posting_over`, `last_admin`.
pub fn end(
    conn: &mut Conn,
    manager: &Manager,
    (id, posting): (Uuid, Uuid),
    at: Option<DateTime<Utc>>,
) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    let posting = posting_of(&subject, posting)?;
    let at = from_now_on("/at", at, manager.now)?;
    lasting(posting, manager.now)?;
    let mut chains = Chains::lock(conn, [posting.grid.town_id()])?;
    ended(conn, &mut chains, manager, id, posting, at)?;
    queries::touch_officer(conn, id)?;
    chains.save(conn)?;
    Ok(())
}

/// A transfer: which postings end, and which one begins at the same instant.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// The postings that end. If none are given: all in `from_town`.
    pub end: Option<Vec<Uuid>>,
    /// The town whose postings end. Absent: the only town where the officer is posted.
    pub from_town: Option<Uuid>,
    /// The posting that begins.
    pub new: Wanted,
}

/// Transfers an officer in one step.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`, `posting_over`, `posting_overlap`,
/// `last_admin`.
pub fn transfer(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    id: Uuid,
    transfer: &Transfer,
) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    may_give(conn, directory, manager, &transfer.new)?;
    let new = wanted(conn, transfer.new.posting, transfer.new.manages)?;
    let ending = ending(&subject, transfer, &new, manager.now)?;
    let rest: Vec<PostingRow> = subject
        .postings
        .iter()
        .filter(|posting| !ending.iter().any(|one| one.id == posting.id))
        .copied()
        .collect();
    no_overlap(&rest, &new)?;
    let towns = ending.iter().map(|posting| posting.grid.town_id());
    let mut chains = Chains::lock(conn, towns.chain([new.grid.town_id()]))?;
    for posting in &ending {
        ended(conn, &mut chains, manager, id, posting, new.from)?;
    }
    let actor = Some(manager.actor.officer_id);
    begin(conn, &mut chains, id, &new, actor, manager.now)?;
    queries::touch_officer(conn, id)?;
    chains.save(conn)?;
    Ok(())
}

/// The postings that a transfer ends.
fn ending(
    subject: &Subject,
    transfer: &Transfer,
    new: &PostingRow,
    now: DateTime<Utc>,
) -> Result<Vec<PostingRow>, Problem> {
    if let Some(ids) = &transfer.end {
        let mut ending = Vec::new();
        let mut errors = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            match subject.postings.iter().find(|posting| posting.id == *id) {
                Some(posting) => {
                    lasting(posting, now)?;
                    if !ending.contains(posting) {
                        ending.push(*posting);
                    }
                }
                None => errors.push(FieldError::new(
                    format!("/end/{index}"),
                    "not_found",
                    "The officer has no such posting.",
                )),
            }
        }
        return if errors.is_empty() {
            Ok(ending)
        } else {
            Err(Problem::invalid(errors))
        };
    }
    let mut towns: Vec<Uuid> = subject
        .lasting(now)
        .map(|posting| posting.grid.town_id())
        .collect();
    towns.sort_unstable();
    towns.dedup();
    let town = match (transfer.from_town, towns.as_slice()) {
        (Some(town), _) => town,
        (None, [only]) => *only,
        (None, []) => return Ok(Vec::new()),
        (None, _) => {
            return Err(wrong(
                "/from_town",
                "required",
                "The officer is posted in several towns. Name the town whose postings end.",
            ));
        }
    };
    // Do not end a posting that equals the requested one, so a repeated transfer is an overlap.
    Ok(subject
        .lasting(now)
        .filter(|posting| posting.grid.town_id() == town)
        .filter(|posting| (posting.role, posting.grid) != (new.role, new.grid))
        .copied()
        .collect())
}

/// Ends a posting in a locked town and records it.
fn ended(
    conn: &mut Conn,
    chains: &mut Chains,
    manager: &Manager,
    officer: Uuid,
    posting: &PostingRow,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let at = at.max(posting.from);
    if posting.to.is_some_and(|to| to <= at) {
        return Ok(());
    }
    let after = PostingRow {
        to: Some(at),
        ..*posting
    };
    queries::update_posting(conn, &after)?;
    let town = posting.grid.town_id();
    if posting.role == Role::Admin {
        admin_remains(conn, at)?;
    }
    let facts = json!({
        "posting_id": posting.id, "grid_id": posting.grid.id(), "role": posting.role, "to": at,
    });
    chains.add(
        town,
        manager.event(officer, "officer_posting_ended", facts, None),
    );
    Ok(())
}

fn posting_of(subject: &Subject, id: Uuid) -> Result<&PostingRow, Problem> {
    subject
        .postings
        .iter()
        .find(|posting| posting.id == id)
        .ok_or_else(|| Problem::new(Code::NotFound).detail("The officer has no such posting."))
}

/// Answers 409 for a posting that is over, because the record of the past does not change.
fn lasting(posting: &PostingRow, now: DateTime<Utc>) -> Result<(), Problem> {
    if posting.lasts(now) {
        Ok(())
    } else {
        Err(Problem::new(Code::PostingOver)
            .detail("The posting is over and cannot change. Add a new one."))
    }
}

fn wrong(pointer: &str, code: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(pointer, code, detail)])
}
