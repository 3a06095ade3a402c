//! `import grids`: towns, villages and groups from a file.

use std::path::Path;

use super::{CommandError, say};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::grids::import::Plan;
use crate::store::Lane;

/// Imports the file whole or not at all, and says what it did.
pub(super) fn import(config: &Config, file: &Path) -> Result<(), CommandError> {
    let read = std::fs::read(file).map_err(|source| CommandError::Unreadable {
        path: file.display().to_string(),
        source,
    })?;
    let plan = Plan::parse(&read).map_err(CommandError::BadLines)?;
    let store = app::open_store(config)?;
    store.migrate()?;
    let now = Clock::system().now();
    let imported = store
        .write_blocking(Lane::Interactive, move |conn| plan.run(conn, None, now))
        .map_err(CommandError::Refused)?
        .map_err(CommandError::BadLines)?;
    say(&format!(
        "{} created, {} unchanged\n",
        imported.created, imported.unchanged
    ))
}
