//! Imports a file from the command line: stores the file and waits for the steps.
//!
//! Owns that order. It must not have steps of its own: it uses those of [`run`](super::run), like a
//! server.

use std::io::Read;

use gridpatrol_domain::error::Code;

use super::file::PIECE;
use super::queries::{self, NewImport};
use super::run::{Round, Runner, counts};
use super::{Counts, ImportState, faults, sheet};
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// How an import from the command line ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What it changed or would change.
    pub counts: Counts,
    /// Its bad lines.
    pub errors: Vec<queries::ErrorRow>,
    /// How many there are in all.
    pub errors_total: i64,
    /// Whether it was published, or checked if only a check was asked for.
    pub done: bool,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for error in &self.errors {
            write!(formatter, "line {}", error.line)?;
            if let Some(column) = &error.field {
                write!(formatter, ", {column}")?;
            }
            writeln!(formatter, ": {}", error.detail)?;
        }
        let named = i64::try_from(self.errors.len()).unwrap_or(i64::MAX);
        if self.errors_total > named {
            writeln!(formatter, "… and {} more", self.errors_total - named)?;
        }
        Ok(())
    }
}

/// Imports a file with the same steps as a server and waits for the end. It blocks.
///
/// # Errors
/// If the file or the database fails.
pub fn run(
    runner: &Runner,
    new: &NewImport,
    mut file: impl Read,
) -> Result<Ended, ImportFileError> {
    let (id, now) = (new.id, runner.now());
    let beginning = {
        let new = new.clone();
        runner
            .store()
            .write_blocking(Lane::Background, move |conn| {
                Ok(queries::begin(conn, &new, now)?)
            })
    };
    beginning?;
    let (mut size, mut position) = (0_usize, 0_i32);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            break;
        }
        if position == 0 {
            sheet::sniff(&piece).map_err(ImportFileError::Format)?;
        }
        size += piece.len();
        runner
            .store()
            .write_blocking(Lane::Background, move |conn| {
                Ok(queries::add_piece(conn, id, position, &piece)?)
            })?;
        position += 1;
    }
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    runner
        .store()
        .write_blocking(Lane::Background, move |conn| {
            queries::arrived(conn, id, size)?;
            Ok(())
        })?;
    loop {
        let round = runner.round()?;
        let import = runner
            .store()
            .read_blocking(|conn| Ok(queries::find(conn, id)?))?
            .ok_or_else(|| Problem::new(Code::NotFound))?;
        if import.finished_at.is_some() {
            while runner.sweep()? > 0 {}
            let errors = runner
                .store()
                .read_blocking(|conn| Ok(queries::errors_of(conn, id, 0, faults::MOST_NAMED)?))?;
            return Ok(Ended {
                counts: counts(&import),
                errors,
                errors_total: import.errors,
                done: import.state.0 == ImportState::Done,
            });
        }
        if round == Round::Idle {
            // A server is working on it or on an earlier import.
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportFileError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not a file of this kind.
    #[error("{0}")]
    Format(&'static str),
    /// The database.
    #[error(transparent)]
    Problem(#[from] Problem),
}
