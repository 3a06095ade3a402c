//! `import grids`: towns, villages and groups from a file.

use std::path::Path;

use super::{CommandError, say};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::grids::import::whole;
use crate::imports::whole::WholeError;
use crate::reports::relocation::FollowingReports;
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
    let ended = whole(
        &store,
        Arc::new(FollowingReports),
        content,
        name,
        dry_run,
        move || clock.now(),
    )
    .map_err(|error| match error {
        WholeError::Io(source) => unreadable(source),
        WholeError::Format(detail) => CommandError::Usage(detail),
        WholeError::Problem(problem) => CommandError::Refused(problem),
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
