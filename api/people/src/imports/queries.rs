//! SQL of imports: the import itself, its file and its bad lines.
//!
//! Owns statements only. Those for staged lines are in `stage`.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::faults::MOST_NAMED;
use super::{Counts, Faults, ImportKind, ImportState};
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::schema::{import_errors, import_lines, import_pieces, imports};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, on_each, unclaimed};

/// After this time we treat the process that works on an import as dead. Each step renews the
/// lease.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// How often an import may restart after its process died.
pub const MOST_ATTEMPTS: i32 = 5;

/// An import.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = imports)]
#[allow(missing_docs)] // The migration explains the columns.
pub struct ImportRow {
    pub id: Uuid,
    pub kind: Coded<ImportKind>,
    pub state: Coded<ImportState>,
    pub dry_run: bool,
    pub actor_id: Option<Uuid>,
    pub file_name: Option<String>,
    pub size: i64,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub lines: i64,
    pub lines_done: i64,
    pub pass: i32,
    pub last_key: String,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub archived: i64,
    pub errors: i64,
    pub attempts: i32,
}

/// A new import.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// The id.
    pub id: Uuid,
    /// What it holds.
    pub kind: ImportKind,
    /// Whether it is only checked.
    pub dry_run: bool,
    /// Who asks for it.
    pub actor_id: Option<Uuid>,
    /// The name of its file.
    pub file_name: Option<String>,
}

/// Starts to receive an import.
///
/// # Errors
/// If the database fails.
pub fn begin(conn: &mut Conn, new: &NewImport, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(Id(new.id)),
            imports::kind.eq(Coded(new.kind)),
            imports::state.eq(Coded(ImportState::Receiving)),
            imports::dry_run.eq(new.dry_run),
            imports::actor_id.eq(new.actor_id),
            imports::file_name.eq(&new.file_name),
            imports::size.eq(0),
            imports::created_at.eq(At(now)),
            imports::lines.eq(0),
            (
                imports::lines_done.eq(0),
                imports::pass.eq(0),
                imports::last_key.eq(""),
                imports::created.eq(0),
                imports::updated.eq(0),
                imports::unchanged.eq(0),
                imports::archived.eq(0),
                imports::errors.eq(0),
                imports::attempts.eq(0),
            ),
        ))
        .execute(conn)
        .map(drop)
}

/// Adds a piece of the file.
///
/// # Errors
/// If the database fails.
pub fn add_piece(conn: &mut Conn, import: Uuid, position: i32, content: &[u8]) -> QueryResult<()> {
    diesel::insert_into(import_pieces::table)
        .values((
            import_pieces::import_id.eq(Id(import)),
            import_pieces::position.eq(position),
            import_pieces::content.eq(content),
        ))
        .execute(conn)
        .map(drop)
}

/// A piece of the file.
///
/// # Errors
/// If the database fails.
pub fn piece(conn: &mut Conn, import: Uuid, position: i32) -> QueryResult<Option<Vec<u8>>> {
    import_pieces::table
        .find((Id(import), position))
        .select(import_pieces::content)
        .first(conn)
        .optional()
}

/// Marks the file as complete: the import waits to run.
///
/// # Errors
/// If the database fails, or no file is arriving with this id (`NotFound`).
pub fn arrived(conn: &mut Conn, import: Uuid, size: i64) -> QueryResult<ImportRow> {
    diesel::update(imports::table.find(Id(import)))
        .set((
            imports::size.eq(size),
            imports::state.eq(Coded(ImportState::Waiting)),
        ))
        .execute(conn)?;
    find(conn, import)?.ok_or(diesel::result::Error::NotFound)
}

/// The import of this id.
///
/// # Errors
/// If the database fails.
pub fn find(conn: &mut Conn, import: Uuid) -> QueryResult<Option<ImportRow>> {
    imports::table
        .find(Id(import))
        .select(ImportRow::as_select())
        .first(conn)
        .optional()
}

/// Imports whose file has arrived, latest first, of one officer or of all.
///
/// # Errors
/// If the database fails.
pub fn list(
    conn: &mut Conn,
    of: Option<Uuid>,
    before: Option<(DateTime<Utc>, Uuid)>,
    most: i64,
) -> QueryResult<Vec<ImportRow>> {
    let mut query = imports::table
        .filter(imports::state.ne(Coded(ImportState::Receiving)))
        .order((imports::created_at.desc(), imports::id.desc()))
        .limit(most)
        .select(ImportRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(officer) = of {
        query = query.filter(imports::actor_id.eq(Some(officer)));
    }
    if let Some((at, id)) = before {
        query = query
            .filter(imports::created_at.le(At(at)))
            .filter(imports::created_at.lt(At(at)).or(imports::id.lt(Id(id))));
    }
    query.load(conn)
}

/// Whether any import is waiting or running.
///
/// # Errors
/// If the database fails.
pub fn waits(conn: &mut Conn) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        imports::table
            .filter(imports::finished_at.is_null())
            .filter(imports::state.ne(Coded(ImportState::Receiving))),
    ))
    .get_result(conn)
}

/// Takes the oldest import that has not ended, unless a process is working on it. Only one runs at
/// a time, so that two imports never write the same things.
///
/// # Errors
/// If the database fails.
pub fn lease(conn: &mut Conn, runner: Uuid, now: DateTime<Utc>) -> QueryResult<Option<ImportRow>> {
    let oldest: Option<(Uuid, Option<DateTime<Utc>>)> = imports::table
        .filter(imports::finished_at.is_null())
        .filter(imports::state.ne(Coded(ImportState::Receiving)))
        .order((imports::created_at, imports::id))
        .select((imports::id, imports::lease_until))
        .first(conn)
        .optional()?;
    let Some((id, _)) = oldest.filter(|(_, until)| until.is_none_or(|until| until <= now)) else {
        return Ok(None);
    };
    // On PostgreSQL another process may have been quicker.
    let free: Vec<Uuid> = unclaimed!(
        conn,
        imports::table
            .filter(imports::id.eq(Id(id)))
            .filter(
                imports::lease_until
                    .is_null()
                    .or(imports::lease_until.le(Some(now)))
            )
            .select(imports::id)
    )?;
    if free.is_empty() {
        return Ok(None);
    }
    diesel::update(imports::table.find(Id(id)))
        .set((
            imports::runner_id.eq(Some(runner)),
            imports::lease_until.eq(Some(now + LEASE)),
            imports::attempts.eq(imports::attempts + 1),
        ))
        .execute(conn)?;
    find(conn, id)
}

/// The progress of an import after a step.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The state.
    pub state: ImportState,
    /// Lines of the file, as far as known.
    pub lines: i64,
    /// Lines done in this state and pass.
    pub lines_done: i64,
    /// The pass of publishing.
    pub pass: i32,
    /// The last key done.
    pub last_key: String,
    /// What the lines changed or would change.
    pub counts: Counts,
}

/// Saves the progress of an import and renews the lease. False: another process works on it now, so
/// the caller must not write anything.
///
/// # Errors
/// If the database fails.
pub fn advance(
    conn: &mut Conn,
    import: Uuid,
    runner: Uuid,
    progress: &Progress,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let ends = matches!(progress.state, ImportState::Done | ImportState::Failed);
    diesel::update(
        imports::table
            .filter(imports::id.eq(Id(import)))
            .filter(imports::runner_id.eq(Some(runner))),
    )
    .set((
        imports::state.eq(Coded(progress.state)),
        imports::lines.eq(progress.lines),
        imports::lines_done.eq(progress.lines_done),
        imports::pass.eq(progress.pass),
        imports::last_key.eq(&progress.last_key),
        imports::created.eq(progress.counts.created),
        imports::updated.eq(progress.counts.updated),
        imports::unchanged.eq(progress.counts.unchanged),
        imports::archived.eq(progress.counts.archived),
        (
            imports::finished_at.eq(ends.then_some(now)),
            imports::lease_until.eq((!ends).then_some(now + LEASE)),
        ),
    ))
    .execute(conn)
    .map(|updated| updated == 1)
}

/// Gives an import back, so that the next process need not wait for the end of the lease. A pause
/// does not count as a failed attempt.
///
/// # Errors
/// If the database fails.
pub fn give_back(conn: &mut Conn, import: Uuid, runner: Uuid, paused: bool) -> QueryResult<()> {
    diesel::update(
        imports::table
            .filter(imports::id.eq(Id(import)))
            .filter(imports::runner_id.eq(Some(runner))),
    )
    .set((
        imports::runner_id.eq(None::<Uuid>),
        imports::lease_until.eq(None::<DateTime<Utc>>),
        imports::attempts.eq(imports::attempts - i32::from(paused)),
    ))
    .execute(conn)
    .map(drop)
}

#[derive(Insertable)]
#[diesel(table_name = import_errors, treat_none_as_default_value = false)]
struct NewError<'a> {
    import_id: Id,
    position: i64,
    line: i64,
    field: Option<&'a str>,
    code: &'a str,
    detail: &'a str,
}

/// Stores bad lines up to the limit, and counts all of them.
///
/// # Errors
/// If the database fails.
pub fn add_faults(conn: &mut Conn, import: Uuid, faults: &Faults) -> QueryResult<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let known: i64 = imports::table
        .find(Id(import))
        .select(imports::errors)
        .first(conn)?;
    let rows: Vec<NewError<'_>> = faults
        .named
        .iter()
        .zip(known + 1..=MOST_NAMED)
        .map(|(fault, position)| NewError {
            import_id: Id(import),
            position,
            line: fault.line,
            field: fault.column,
            code: fault.code,
            detail: &fault.detail,
        })
        .collect();
    on_each!(conn,
        sqlite c => rows.iter().try_for_each(|row| {
            diesel::insert_into(import_errors::table).values(row).execute(c).map(drop)
        }),
        postgres c => rows.chunks(500).try_for_each(|rows| {
            diesel::insert_into(import_errors::table).values(rows).execute(c).map(drop)
        }),
    )?;
    diesel::update(imports::table.find(Id(import)))
        .set(imports::errors.eq(imports::errors + faults.total))
        .execute(conn)
        .map(drop)
}

/// Deletes the bad lines when an import is read again.
///
/// # Errors
/// If the database fails.
pub fn forget_faults(conn: &mut Conn, import: Uuid) -> QueryResult<()> {
    diesel::delete(import_errors::table.filter(import_errors::import_id.eq(Id(import))))
        .execute(conn)?;
    diesel::update(imports::table.find(Id(import)))
        .set(imports::errors.eq(0))
        .execute(conn)
        .map(drop)
}

/// A stored bad line.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = import_errors)]
#[allow(missing_docs)] // The migration explains the columns.
pub struct ErrorRow {
    pub position: i64,
    pub line: i64,
    pub field: Option<String>,
    pub code: String,
    pub detail: String,
}

/// Bad lines in the order they were found, after a position.
///
/// # Errors
/// If the database fails.
pub fn errors_of(
    conn: &mut Conn,
    import: Uuid,
    after: i64,
    most: i64,
) -> QueryResult<Vec<ErrorRow>> {
    import_errors::table
        .filter(import_errors::import_id.eq(Id(import)))
        .filter(import_errors::position.gt(after))
        .order(import_errors::position)
        .limit(most)
        .select(ErrorRow::as_select())
        .load(conn)
}

/// Finds an import that has ended or never arrived and still has its file and lines.
///
/// # Errors
/// If the database fails.
pub fn unswept(
    conn: &mut Conn,
    never_arrived: DateTime<Utc>,
) -> QueryResult<Option<(Uuid, ImportKind, ImportState)>> {
    let ended: Option<(Uuid, Coded<ImportKind>, Coded<ImportState>)> = imports::table
        .filter(imports::swept_at.is_null())
        .filter(imports::finished_at.is_not_null())
        .order(imports::finished_at)
        .select((imports::id, imports::kind, imports::state))
        .first(conn)
        .optional()?;
    let found = match ended {
        Some(found) => Some(found),
        None => imports::table
            .filter(imports::finished_at.is_null())
            .filter(imports::state.eq(Coded(ImportState::Receiving)))
            .filter(imports::created_at.lt(At(never_arrived)))
            .order(imports::created_at)
            .select((imports::id, imports::kind, imports::state))
            .first(conn)
            .optional()?,
    };
    Ok(found.map(|(id, kind, state)| (id, kind.0, state.0)))
}

/// Removes some of the file and the staged lines of an import. Returns whether that was all.
///
/// # Errors
/// If the database fails.
pub fn sweep(conn: &mut Conn, import: Uuid) -> QueryResult<bool> {
    const PIECES: i64 = 8;
    let pieces: Vec<i32> = import_pieces::table
        .filter(import_pieces::import_id.eq(Id(import)))
        .order(import_pieces::position)
        .limit(PIECES)
        .select(import_pieces::position)
        .load(conn)?;
    if let Some(last) = pieces.last() {
        diesel::delete(
            import_pieces::table
                .filter(import_pieces::import_id.eq(Id(import)))
                .filter(import_pieces::position.le(*last)),
        )
        .execute(conn)?;
        return Ok(false);
    }
    super::stage::forget(conn, import)
}

/// Marks the import as cleaned up. Deletes it if its file never arrived.
///
/// # Errors
/// If the database fails.
pub fn swept(
    conn: &mut Conn,
    import: Uuid,
    state: ImportState,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if state == ImportState::Receiving {
        diesel::delete(imports::table.find(Id(import))).execute(conn)?;
    } else {
        diesel::update(imports::table.find(Id(import)))
            .set(imports::swept_at.eq(Some(now)))
            .execute(conn)?;
    }
    Ok(())
}

/// Whether any line of the import is staged. For tests and audits.
///
/// # Errors
/// If the database fails.
pub fn is_staged(conn: &mut Conn, import: Uuid) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        import_lines::table.filter(import_lines::import_id.eq(Id(import))),
    ))
    .get_result(conn)
}
