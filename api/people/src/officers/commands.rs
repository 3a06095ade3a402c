//! Creates officers, postings and deputies, with the checks that apply to every caller, including
//! the command line and the demonstration.
//!
//! Owns the checks of a new account or posting, and its record in the town's chain. It must not
//! decide whether the caller is allowed: `accounts`, `postings` and `absences` do.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::{Covers, Role};
use gridpatrol_domain::password;
use serde_json::json;
use uuid::Uuid;

use super::chains::Chains;
use super::queries::{self, DeputyRow, PostingRow};
use super::subject::record;
use crate::auth::queries as accounts;
use crate::towns::queries as grids;
use gridpatrol_http::validate::Errors;
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::events::EventRecord;
use gridpatrol_store::schema::{officers, postings};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, Outcome};

/// Most characters of a person's name.
pub const MOST_NAME_CHARS: usize = 40;
/// Most characters of a phone number.
pub const MOST_PHONE_CHARS: usize = 32;

/// A new officer.
#[derive(Debug, Clone)]
pub struct NewOfficer {
    /// The id.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// A phone number.
    pub phone: Option<String>,
    /// The hash of the first password, which already passed the rules. Empty: no password; the
    /// officer gets an invitation.
    pub password_hash: String,
    /// Whether the password must be changed at the first sign-in.
    pub must_change_password: bool,
}

/// A new posting.
#[derive(Debug, Clone, Copy)]
pub struct NewPosting {
    /// As what.
    pub role: Role,
    /// Where.
    pub grid_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// When it ends. None: no end.
    pub to: Option<DateTime<Utc>>,
}

/// Checks a username and returns it in the form that we store.
pub(super) fn check_username(errors: &mut Errors, username: &str) -> Option<String> {
    let stored = password::username(username);
    if stored.is_none() {
        errors.add(
            "username",
            "bad_format",
            "2 to 32 letters a to z, digits, '.', '_', '-'; the first a letter or digit.",
        );
    }
    stored
}

/// The name of a person.
pub(super) fn check_name(errors: &mut Errors, name: &str) {
    errors.filled("name", &name.trim(), MOST_NAME_CHARS);
    if name.chars().any(char::is_control) {
        errors.add("name", "not_allowed", "No control characters.");
    }
}

/// Checks a phone number as people write it.
pub(super) fn check_phone(errors: &mut Errors, phone: Option<&str>) {
    let phone = phone.unwrap_or_default().trim();
    errors.text("phone", &phone, MOST_PHONE_CHARS);
    let written = |each: char| each.is_ascii_digit() || "+-() #*,;x/".contains(each);
    if !phone.chars().all(written) {
        errors.add(
            "phone",
            "bad_format",
            "Give digits, with '+', '-', '(', ')', '#' and spaces between them.",
        );
    }
}

/// Creates an officer with a first posting.
///
/// # Errors
/// `validation_failed` with what is wrong; otherwise if the database fails.
pub fn create(
    conn: &mut Conn,
    officer: &NewOfficer,
    posting: NewPosting,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    create_managing(conn, officer, posting, false, actor, now)
}

/// Like [`create`], but the posting may have the managing right.
pub(super) fn create_managing(
    conn: &mut Conn,
    officer: &NewOfficer,
    posting: NewPosting,
    manages: bool,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    let mut errors = Errors::body();
    let username = check_username(&mut errors, &officer.username);
    check_name(&mut errors, &officer.name);
    check_phone(&mut errors, officer.phone.as_deref());
    errors.into_result()?;
    let username = username.unwrap_or_default();
    if accounts::account_named(conn, &username)?.is_some() {
        return Err(Problem::invalid(vec![FieldError::new(
            "/username",
            "taken",
            "Another officer has this name.",
        )])
        .into());
    }
    let name = officer.name.trim();
    let phone = officer
        .phone
        .as_deref()
        .map(str::trim)
        .filter(|phone| !phone.is_empty());
    diesel::insert_into(officers::table)
        .values((
            officers::id.eq(Id(officer.id)),
            officers::username.eq(&username),
            officers::name.eq(name),
            officers::phone.eq(phone),
            officers::password_hash.eq(&officer.password_hash),
            officers::must_change_password.eq(officer.must_change_password),
            officers::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    if !officer.password_hash.is_empty() {
        accounts::remember_hash(conn, officer.id, &officer.password_hash, now, 1)?;
    }
    let created = record(
        officer.id,
        "officer_created",
        actor,
        now,
        json!({}),
        Some(json!({"username": username, "name": name, "phone": phone})),
    );
    post(
        conn,
        officer.id,
        posting,
        manages,
        vec![created],
        actor,
        now,
    )?;
    Ok(officer.id)
}

/// Posts an officer.
///
/// # Errors
/// `validation_failed` with what is wrong, `posting_overlap`; otherwise if the database fails.
pub fn add_posting(
    conn: &mut Conn,
    officer_id: Uuid,
    posting: NewPosting,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    post(conn, officer_id, posting, false, Vec::new(), actor, now)
}

/// Makes an officer the deputy for a posting, from one instant to another.
///
/// # Errors
/// `validation_failed` with what is wrong, `not_found`; otherwise if the database fails.
pub fn add_deputy(
    conn: &mut Conn,
    posting_id: Uuid,
    deputy_id: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    let posting: Option<(Uuid, Uuid)> = postings::table
        .find(Id(posting_id))
        .select((postings::officer_id, postings::town_id))
        .first(conn)
        .optional()?;
    let (holder, town_id) =
        posting.ok_or_else(|| Problem::new(Code::NotFound).detail("There is no such posting."))?;
    let mut errors = Vec::new();
    if to <= from {
        let detail = "It must end after it begins.";
        errors.push(FieldError::new("/to", "out_of_range", detail));
    }
    if deputy_id == holder || accounts::account(conn, deputy_id)?.is_none() {
        let detail = "Name another officer who exists.";
        errors.push(FieldError::new("/deputy_id", "not_allowed", detail));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors).into());
    }
    let deputy = DeputyRow {
        id: Uuid::now_v7(),
        posting_id,
        deputy_id,
        from,
        to,
        covers: Covers::All,
        absence_id: None,
    };
    let mut chains = Chains::lock(conn, [town_id])?;
    queries::add_deputy(conn, &deputy, now)?;
    chains.add(town_id, deputised(holder, &deputy, actor, now));
    chains.save(conn)?;
    Ok(deputy.id)
}

/// The record of a deputy.
pub(super) fn deputised(
    holder: Uuid,
    deputy: &DeputyRow,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> EventRecord {
    let facts = json!({
        "posting_id": deputy.posting_id, "deputy_id": deputy.deputy_id, "covers": deputy.covers,
        "from": deputy.from, "to": deputy.to, "absence_id": deputy.absence_id,
    });
    record(holder, "officer_deputised", actor, now, facts, None)
}

/// The record of a posting.
pub(super) fn posted(
    officer: Uuid,
    kind: &'static str,
    posting: &PostingRow,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> EventRecord {
    let facts = json!({
        "posting_id": posting.id, "grid_id": posting.grid.id(), "role": posting.role,
        "from": posting.from, "to": posting.to,
        "manages": posting.manages.then_some(true),
    });
    record(officer, kind, actor, now, facts, None)
}

/// Checks a requested posting alone: role and tier, dates, the managing right.
pub(super) fn wanted(conn: &mut Conn, posting: NewPosting, manages: bool) -> Outcome<PostingRow> {
    let invalid = |pointer: &str, code: &str, detail: String| {
        Problem::invalid(vec![FieldError::new(pointer, code, detail)])
    };
    let grid = grids::grid_by_id(conn, posting.grid_id)?
        .ok_or_else(|| Problem::new(Code::NotFound).detail("There is no such grid."))?;
    if grid.is_archived() {
        let detail =
            "This grid has ended. Its successor_id names the grid that took over.".to_owned();
        return Err(invalid("/grid_id", "not_allowed", detail).into());
    }
    if grid.is_archived() {
        return Err(Problem::new(Code::GridArchived)
            .detail("The grid has ended. Post the officer at the grid that took over.")
            .into());
    }
    if let Some(tier) = posting.role.tier().filter(|tier| *tier != grid.tier()) {
        let detail = format!(
            "A {} must be posted at a {tier}, but {} is a {}.",
            posting.role,
            grid.code,
            grid.tier()
        );
        return Err(invalid("/role", "not_allowed", detail).into());
    }
    if manages && !gridpatrol_domain::officer::managing::may_have_right(posting.role) {
        let detail =
            "Only a town_officer can be given the managing right. Leaders and admins have it.";
        return Err(invalid("/manages", "not_allowed", detail.to_owned()).into());
    }
    if posting.to.is_some_and(|to| to <= posting.from) {
        let detail = "It must end after it begins.".to_owned();
        return Err(invalid("/to", "out_of_range", detail).into());
    }
    Ok(PostingRow {
        id: Uuid::now_v7(),
        role: posting.role,
        grid: grid.path,
        from: posting.from,
        to: posting.to,
        manages,
    })
}

/// Answers 409 if one of these postings is for the same role at the same grid at the same time.
pub(super) fn no_overlap(known: &[PostingRow], new: &PostingRow) -> Result<(), Problem> {
    let same = known.iter().any(|posting| {
        posting.id != new.id
            && posting.role == new.role
            && posting.grid == new.grid
            && posting.meets(new.from, new.to)
    });
    if same {
        return Err(Problem::new(Code::PostingOverlap)
            .detail("The officer already has this role at this grid for part of that time."));
    }
    Ok(())
}

/// Adds a posting and records it after the earlier events.
fn post(
    conn: &mut Conn,
    officer_id: Uuid,
    posting: NewPosting,
    manages: bool,
    before: Vec<EventRecord>,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    let posting = wanted(conn, posting, manages)?;
    no_overlap(&queries::postings(conn, officer_id)?, &posting)?;
    let town_id = posting.grid.town_id();
    let mut chains = Chains::lock(conn, [town_id])?;
    for record in before {
        chains.add(town_id, record);
    }
    begin(conn, &mut chains, officer_id, &posting, actor, now)?;
    chains.save(conn)?;
    Ok(posting.id)
}

/// Writes a posting that passed all checks. The towns are already locked. The deputy of an absence
/// deputises for it too.
pub(super) fn begin(
    conn: &mut Conn,
    chains: &mut Chains,
    officer_id: Uuid,
    posting: &PostingRow,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    queries::add_posting(conn, officer_id, posting, now)?;
    let town = posting.grid.town_id();
    chains.add(
        town,
        posted(officer_id, "officer_posted", posting, actor, now),
    );
    if let Some(absence) = queries::absence(conn, officer_id, now)?
        && let Some(deputy) = super::absences::deputy_of(&absence, posting, now)
        && super::absences::serves_in(conn, deputy.deputy_id, town, deputy.from)?
    {
        queries::add_deputy(conn, &deputy, now)?;
        chains.add(town, deputised(officer_id, &deputy, actor, now));
    }
    Ok(())
}
