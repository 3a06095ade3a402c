//! Creating an officer, posting one, and letting one stand in for another.
//!
//! Owns the checks that a new account or posting must pass, and its record in the town's chain.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use gridpatrol_domain::password;
use gridpatrol_domain::slug::Slug as _;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::auth::queries as accounts;
use crate::grids::queries as grids;
use crate::problem::{FieldError, Problem};
use crate::store::events::{self, EventRecord};
use crate::store::schema::{deputies, officers, postings};
use crate::store::types::{At, Coded, Id};
use crate::store::{Conn, Outcome, town};

/// Most characters of a person's name.
pub const MOST_NAME_CHARS: usize = 40;
/// Most characters of a phone number.
pub const MOST_PHONE_CHARS: usize = 32;

/// An officer to be.
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
    /// The hash of the first password, which kept to the rules.
    pub password_hash: String,
    /// Whether the password must be changed at the first sign-in.
    pub must_change_password: bool,
}

/// A posting to be.
#[derive(Debug, Clone, Copy)]
pub struct NewPosting {
    /// As what.
    pub role: Role,
    /// Where.
    pub grid_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; none: without end.
    pub to: Option<DateTime<Utc>>,
}

/// Creates an officer with a first posting.
///
/// # Errors
/// `validation_failed` naming what is wrong; otherwise if the database fails.
pub fn create(
    conn: &mut Conn,
    officer: &NewOfficer,
    posting: NewPosting,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, code: &str, detail: &str| {
        errors.push(FieldError::new(pointer, code, detail));
    };
    let username = password::username(&officer.username);
    if username.is_none() {
        wrong(
            "/username",
            "bad_format",
            "2 to 32 letters a to z, digits, '.', '_', '-'; the first a letter or digit.",
        );
    }
    let name = officer.name.trim();
    if name.is_empty() {
        wrong("/name", "too_short", "Must not be blank.");
    } else if name.chars().count() > MOST_NAME_CHARS {
        wrong("/name", "too_long", "At most 40 characters.");
    } else if name.chars().any(char::is_control) {
        wrong("/name", "not_allowed", "No control characters.");
    }
    let too_long = |phone: &String| phone.chars().count() > MOST_PHONE_CHARS;
    if officer.phone.as_ref().is_some_and(too_long) {
        wrong("/phone", "too_long", "At most 32 characters.");
    }
    let Some(username) = username.filter(|_| errors.is_empty()) else {
        return Err(Problem::invalid(errors).into());
    };
    if accounts::account_named(conn, &username)?.is_some() {
        return Err(Problem::invalid(vec![FieldError::new(
            "/username",
            "taken",
            "Another officer has this name.",
        )])
        .into());
    }
    diesel::insert_into(officers::table)
        .values((
            officers::id.eq(Id(officer.id)),
            officers::username.eq(&username),
            officers::name.eq(name),
            officers::phone.eq(&officer.phone),
            officers::password_hash.eq(&officer.password_hash),
            officers::must_change_password.eq(officer.must_change_password),
            officers::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    accounts::remember_hash(conn, officer.id, &officer.password_hash, now, 1)?;
    let created = EventRecord {
        subject_kind: "officer",
        subject_id: officer.id,
        kind: "officer_created",
        at: now,
        actor_id: actor,
        facts: Map::new(),
        payload: Some(json!({
            "username": username,
            "name": name,
            "phone": officer.phone,
        })),
    };
    post(conn, officer.id, posting, vec![created], actor, now)?;
    Ok(officer.id)
}

/// Posts an officer.
///
/// # Errors
/// `validation_failed` naming what is wrong; otherwise if the database fails.
pub fn add_posting(
    conn: &mut Conn,
    officer_id: Uuid,
    posting: NewPosting,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    post(conn, officer_id, posting, Vec::new(), actor, now)
}

/// Lets an officer stand in for a posting, from one instant to another.
///
/// # Errors
/// `validation_failed` naming what is wrong, `not_found`; otherwise if the database fails.
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
    let id = Uuid::now_v7();
    let mut head = town::advance(conn, town_id)?;
    diesel::insert_into(deputies::table)
        .values((
            deputies::id.eq(Id(id)),
            deputies::posting_id.eq(Id(posting_id)),
            deputies::deputy_id.eq(Id(deputy_id)),
            deputies::valid_from.eq(At(from)),
            deputies::valid_to.eq(At(to)),
            deputies::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    let mut facts = Map::new();
    facts.insert("posting_id".to_owned(), posting_id.to_string().into());
    facts.insert("deputy_id".to_owned(), deputy_id.to_string().into());
    facts.insert("from".to_owned(), json!(from));
    facts.insert("to".to_owned(), json!(to));
    let record = EventRecord {
        subject_kind: "officer",
        subject_id: holder,
        kind: "officer_deputised",
        at: now,
        actor_id: actor,
        facts,
        payload: None,
    };
    events::append(conn, &mut head, vec![record])?;
    town::touch_directory(conn, town_id)?;
    Ok(id)
}

/// Adds a posting and records it after what came before.
fn post(
    conn: &mut Conn,
    officer_id: Uuid,
    posting: NewPosting,
    mut records: Vec<EventRecord>,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<Uuid> {
    let invalid = |pointer: &str, code: &str, detail: String| {
        Problem::invalid(vec![FieldError::new(pointer, code, detail)])
    };
    let grid = grids::grid_by_id(conn, posting.grid_id)?
        .ok_or_else(|| Problem::new(Code::NotFound).detail("There is no such grid."))?;
    if grid.is_archived() {
        let detail = "This grid has ended; its successor_id names who took over.".to_owned();
        return Err(invalid("/grid_id", "not_allowed", detail).into());
    }
    if let Some(tier) = posting.role.tier().filter(|tier| *tier != grid.tier()) {
        let detail = format!(
            "A {} is posted at a {tier}; {} is a {}.",
            posting.role,
            grid.code,
            grid.tier()
        );
        return Err(invalid("/role", "not_allowed", detail).into());
    }
    if posting.to.is_some_and(|to| to <= posting.from) {
        let detail = "It must end after it begins.".to_owned();
        return Err(invalid("/to", "out_of_range", detail).into());
    }
    let id = Uuid::now_v7();
    let town_id = grid.path.town_id();
    let mut head = town::advance(conn, town_id)?;
    diesel::insert_into(postings::table)
        .values((
            postings::id.eq(Id(id)),
            postings::officer_id.eq(Id(officer_id)),
            postings::grid_id.eq(Id(grid.id)),
            postings::town_id.eq(Id(town_id)),
            postings::role.eq(Coded(posting.role)),
            postings::valid_from.eq(At(posting.from)),
            postings::valid_to.eq(posting.to),
            postings::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    let mut facts = Map::new();
    facts.insert("posting_id".to_owned(), id.to_string().into());
    facts.insert("grid_id".to_owned(), grid.id.to_string().into());
    facts.insert("role".to_owned(), posting.role.slug().into());
    facts.insert("from".to_owned(), json!(posting.from));
    if let Some(to) = posting.to {
        facts.insert("to".to_owned(), json!(to));
    }
    records.push(EventRecord {
        subject_kind: "officer",
        subject_id: officer_id,
        kind: "officer_posted",
        at: now,
        actor_id: actor,
        facts,
        payload: None,
    });
    events::append(conn, &mut head, records)?;
    town::touch_directory(conn, town_id)?;
    Ok(id)
}
