//! `import grids`: towns, villages and groups from a file.

use std::path::Path;

use super::{CommandError, say};
use crate::app;
use crate::config::Config;
use gridpatrol_people::grids::import::import_file;
use gridpatrol_people::imports::cli_import::ImportFileError;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::clock::Clock;
use std::sync::Arc;

/// Imports the file by the steps of the server, and says what that did.
pub(super) fn import(config: &Config, file: &Path, dry_run: bool) -> Result<(), CommandError> {
    let unreadable = |source| CommandError::Unreadable {
        path: file.display().to_string(),
        source,
    };
    let content = std::fs::File::open(file).map_err(unreadable)?;
    let store = app::open_store(config)?;
    store.migrate()?;
    let (clock, name) = (Clock::system(), file.file_name());
    let name = name.map(|name| name.to_string_lossy().into_owned());
    let ended = import_file(
        &store,
        Arc::new(FollowingReports),
        content,
        name,
        dry_run,
        move || clock.now(),
    )
    .map_err(|error| match error {
        ImportFileError::Io(source) => unreadable(source),
        ImportFileError::Format(detail) => CommandError::Usage(detail),
        ImportFileError::Problem(problem) => CommandError::Refused(problem),
    })?;
    if !ended.done {
        return Err(CommandError::BadLines(ended));
    }
    let would = if dry_run { "would be " } else { "" };
    let counts = ended.counts;
    say(&format!(
        "{would}{} created, {} updated, {} archived, {} unchanged\n",
        counts.created, counts.updated, counts.archived, counts.unchanged
    ))?;
    if ended.errors_total > 0 {
        say(&format!("left out, for it changed meanwhile:\n{ended}"))?;
    }
    Ok(())
}
