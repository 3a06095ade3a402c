//! Creates and changes a grid, one transaction each.
//!
//! Owns the order of the checks: can the caller see it (404), may they change it (403), is the
//! version right (412), do the rules allow it (409). It must not move or end grids: `restructure`
//! does.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::Connection as _;
use diesel::result::{DatabaseErrorKind, Error};
use gridpatrol_domain::division::DivisionCode;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::geo::boundary::Boundary;
use gridpatrol_domain::grid_management;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::boundaries::{self, Drawn};
use super::import::{MOST_GRIDS_OF_TOWN, write};
use super::{queries, record};
use crate::towns::directory::{Directory, Town};
use crate::towns::queries as towns;
use crate::towns::snapshot::Grid;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Conn, Outcome, events, town};

/// The officer who asks for a change, and when.
#[derive(Clone)]
pub struct Manager {
    /// The towns.
    pub directory: Directory,
    /// Who.
    pub actor: Actor,
    /// When.
    pub now: DateTime<Utc>,
}

/// A new grid.
#[derive(Debug, Clone)]
pub struct NewGrid {
    /// The id.
    pub id: Uuid,
    /// The grid above. None: a new town.
    pub parent_id: Option<Uuid>,
    /// The code.
    pub code: DivisionCode,
    /// The name.
    pub name: String,
    /// How it is reached.
    pub contact: Option<String>,
    /// From when it is valid.
    pub valid_from: Option<DateTime<Utc>>,
}

/// The changes to a grid. Absent fields stay as they are.
#[derive(Debug, Clone)]
pub struct Amendment {
    /// Another name.
    pub name: Option<String>,
    /// The new contact. Empty: remove it.
    pub contact: Option<String>,
    /// The new code.
    pub code: Option<DivisionCode>,
    /// From when the new code is valid.
    pub code_from: Option<DateTime<Utc>>,
}

impl Manager {
    /// A grid that the actor can see, with its town. Administrators can see the grids of all towns.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn seen(&self, conn: &mut Conn, id: Uuid) -> Outcome<(Arc<Town>, Grid)> {
        seen(conn, &self.directory, &self.actor, id)
    }

    /// Like [`Manager::seen`], but only if the actor may change the grid.
    ///
    /// # Errors
    /// `not_found`, `not_permitted`, `version_mismatch`, `precondition_required` if the version is
    /// `required`; otherwise if the database fails.
    pub fn managed(
        &self,
        conn: &mut Conn,
        id: Uuid,
        if_match: Option<&IfMatch>,
        required: bool,
    ) -> Outcome<(Arc<Town>, Grid)> {
        let (town, grid) = self.seen(conn, id)?;
        self.check_right(Some(town.id))?;
        if required {
            etag::require(if_match, grid.version)?;
        } else {
            etag::check(if_match, grid.version)?;
        }
        Ok((town, grid))
    }

    fn check_right(&self, town: Option<Uuid>) -> Result<(), Problem> {
        let may = match town {
            Some(town) => grid_management::may_manage(&self.actor, town),
            None => grid_management::administers(&self.actor),
        };
        if may {
            Ok(())
        } else {
            Err(Problem::new(Code::NotPermitted).detail(match town {
                Some(_) => "Only administrators and managers of the town can change grids.",
                None => "Only administrators can create towns.",
            }))
        }
    }

    /// Makes a grid.
    ///
    /// # Errors
    /// `not_found` (the grid above), `not_permitted`, `validation_failed`, `parent_invalid`,
    /// `code_taken`, `id_conflict`; otherwise if the database fails.
    pub fn create(&self, conn: &mut Conn, new: &NewGrid) -> Outcome<Grid> {
        let parent = new
            .parent_id
            .map(|parent| self.seen(conn, parent))
            .transpose()?;
        self.check_right(parent.as_ref().map(|(town, _)| town.id))?;
        let above = parent.as_ref().map(|(_, grid)| grid);
        let path = grid_management::path_below(new.id, above.map(Grid::standing))
            .map_err(Problem::from)?;
        check_code(&new.code, path.tier(), above)?;
        if let Some((town, _)) = &parent
            && town.all_grids().count() >= MOST_GRIDS_OF_TOWN
        {
            return Err(Problem::new(Code::ParentInvalid)
                .detail(format!("A town has at most {MOST_GRIDS_OF_TOWN} grids."))
                .into());
        }
        if queries::id_exists(conn, new.id)? {
            return Err(Problem::new(Code::IdConflict)
                .detail("Another grid has this id. Choose a new one.")
                .into());
        }
        check_free(conn, new.code.as_str(), None)?;
        let valid_from = new.valid_from.unwrap_or(self.now);
        let grid = Grid {
            id: new.id,
            code: new.code.as_str().to_owned(),
            name: new.name.trim().to_owned(),
            path,
            parent_id: new.parent_id,
            contact: new.contact.clone(),
            version: 1,
            valid_from,
            valid_to: None,
            successor_id: None,
            code_from: valid_from,
        };
        let (actor, now) = (Some(self.actor.officer_id), self.now);
        unique(conn, |conn| {
            if let Some((town, _)) = &parent {
                // The grid above must not have ended since we looked it up.
                town::advance(conn, town.id)?.unchanged_since(town.version())?;
            }
            write(conn, std::slice::from_ref(&grid), actor, now)
        })?;
        Ok(grid)
    }

    /// Changes name, contact or code of a grid.
    ///
    /// # Errors
    /// As [`Manager::managed`], `grid_archived`, `validation_failed`, `code_taken`; otherwise if the
    /// database fails.
    pub fn amend(
        &self,
        conn: &mut Conn,
        id: Uuid,
        amendment: &Amendment,
        if_match: Option<&IfMatch>,
    ) -> Outcome<Grid> {
        let (town, before) = self.managed(conn, id, if_match, true)?;
        grid_management::check_lives(before.standing()).map_err(Problem::from)?;
        let mut after = before.clone();
        if let Some(name) = &amendment.name {
            name.trim().clone_into(&mut after.name);
        }
        if let Some(contact) = &amendment.contact {
            after.contact = Some(contact.trim().to_owned()).filter(|contact| !contact.is_empty());
        }
        let above = before.parent_id.and_then(|parent| town.grid(parent));
        if let Some(code) = &amendment.code {
            check_code(code, before.tier(), above)?;
        }
        let mut head = town::advance(conn, town.id)?;
        head.unchanged_since(town.version())?;
        if let Some(code) = &amendment.code
            && code.as_str() != before.code
        {
            let from = amendment.code_from.unwrap_or(self.now);
            if from <= before.code_from || from > self.now {
                return Err(Problem::invalid(vec![FieldError::new(
                    "/code_from",
                    "out_of_range",
                    "A new code is valid from after the present one until now at the latest.",
                )])
                .into());
            }
            give_code(conn, &mut after, code.as_str(), from)?;
        }
        if after == before {
            return Ok(before);
        }
        after.version += 1;
        unique(conn, |conn| Ok(queries::update(conn, &after)?))?;
        let record = record::updated(&before, &after, Some(self.actor.officer_id), self.now);
        events::append(conn, &mut head, vec![record])?;
        town::touch_directory(conn, town.id)?;
        Ok(after)
    }

    /// Sets or removes the boundary of a grid.
    ///
    /// # Errors
    /// As [`Manager::managed`], `grid_archived`; otherwise if the database fails.
    pub fn bound(
        &self,
        conn: &mut Conn,
        id: Uuid,
        boundary: Option<&(Boundary, String, Crs)>,
        if_match: Option<&IfMatch>,
    ) -> Outcome<(Grid, Option<Drawn>)> {
        let (town, before) = self.managed(conn, id, if_match, false)?;
        grid_management::check_lives(before.standing()).map_err(Problem::from)?;
        let mut head = town::advance(conn, town.id)?;
        head.unchanged_since(town.version())?;
        let known = boundaries::find(conn, id)?;
        let drawn = boundary.map(|(boundary, sent, crs)| Drawn {
            grid_id: id,
            boundary: boundary.clone(),
            sent: sent.clone(),
            sent_crs: *crs,
            changed_at: self.now,
        });
        let same = match (&known, &drawn) {
            (None, None) => true,
            (Some(one), Some(other)) => one.sent == other.sent && one.sent_crs == other.sent_crs,
            _ => false,
        };
        if same {
            return Ok((before, known));
        }
        boundaries::save(conn, town.id, id, drawn.as_ref())?;
        let after = Grid {
            version: before.version + 1,
            ..before
        };
        queries::update(conn, &after)?;
        let record = record::bounded(
            &after,
            known.as_ref().map(Drawn::summary),
            drawn.as_ref().map(Drawn::summary),
            Some(self.actor.officer_id),
            self.now,
        );
        events::append(conn, &mut head, vec![record])?;
        town::touch_directory(conn, town.id)?;
        Ok((after, drawn))
    }
}

/// A grid that an actor can see, with its town.
///
/// # Errors
/// `not_found`; otherwise if the database fails.
pub fn seen(
    conn: &mut Conn,
    directory: &Directory,
    actor: &Actor,
    id: Uuid,
) -> Outcome<(Arc<Town>, Grid)> {
    let scope = Scope::of(actor);
    let mut found = directory
        .find(conn, scope.towns(), id)?
        .map(|(town, _)| town);
    if found.is_none() && grid_management::administers(actor) {
        found = towns::grid_by_id(conn, id)?
            .map(|grid| directory.town(conn, grid.path.town_id()))
            .transpose()?;
    }
    found
        .and_then(|town| {
            let grid = town.grid(id)?.clone();
            Some((town, grid))
        })
        .ok_or_else(|| Problem::new(Code::NotFound).into())
}

/// Gives a grid another code and stores the old one. The caller must write the grid.
///
/// # Errors
/// `code_taken`; otherwise if the database fails.
pub fn give_code(conn: &mut Conn, grid: &mut Grid, code: &str, from: DateTime<Utc>) -> Outcome<()> {
    check_free(conn, code, Some(grid.id))?;
    queries::keep_code(conn, grid, from)?;
    code.clone_into(&mut grid.code);
    grid.code_from = from;
    Ok(())
}

/// We never use a code twice.
fn check_free(conn: &mut Conn, code: &str, except: Option<Uuid>) -> Outcome<()> {
    let taken = queries::code_exists(conn, code)?
        || queries::former_codes(conn, &[code])?
            .get(code)
            .is_some_and(|grid| Some(*grid) != except);
    if taken {
        return Err(code_taken().into());
    }
    Ok(())
}

fn code_taken() -> Problem {
    Problem::new(Code::CodeTaken).detail("Another grid has this code or had it before.")
}

/// Runs a write in a savepoint. If another transaction took the code first, it refuses.
fn unique<T>(conn: &mut Conn, write: impl FnOnce(&mut Conn) -> Outcome<T>) -> Outcome<T> {
    let mut refused = None;
    let written = conn.transaction::<T, Error, _>(|conn| {
        write(conn).map_err(|interrupt| match interrupt {
            gridpatrol_store::Interrupt::Database(error) => error,
            gridpatrol_store::Interrupt::Refused(problem) => {
                refused = Some(problem);
                Error::RollbackTransaction
            }
        })
    });
    match (written, refused) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(problem)) => Err(problem.into()),
        (Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)), None) => {
            Err(code_taken().into())
        }
        (Err(error), None) => Err(error.into()),
    }
}

/// Checks that a code fits the place of its grid.
///
/// # Errors
/// `validation_failed`.
pub fn check_code(
    code: &DivisionCode,
    tier: gridpatrol_domain::grid::Tier,
    above: Option<&Grid>,
) -> Result<(), Problem> {
    let parent = above.and_then(|above| DivisionCode::parse(&above.code).ok());
    grid_management::code_fits(code, tier, parent.as_ref())
        .map_err(|detail| Problem::invalid(vec![FieldError::new("/code", "not_allowed", detail)]))
}
