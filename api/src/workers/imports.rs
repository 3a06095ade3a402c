//! Goes on with imports, and removes what those that have ended leave behind.
//!
//! Owns when; what an import is stands in `imports`.

use std::sync::Arc;

use crate::clock::Clock;
use crate::grids::import::GridImporter;
use crate::imports::ImportQueue;
use crate::imports::run::{Round, Runner};
use crate::officers::import::OfficerImporter;
use crate::problem::Problem;
use crate::reports::relocation::FollowingReports;
use crate::store::Store;
use crate::towns::directory::Directory;

/// Brings the next import to its end, or removes some of what earlier ones left. Returns how much
/// was done.
///
/// # Errors
/// When the database fails.
pub async fn run_once(runner: Runner) -> Result<usize, Problem> {
    tokio::task::spawn_blocking(move || match runner.round()? {
        Round::Ended(import) => {
            tracing::info!(%import, "an import has ended");
            Ok(1)
        }
        Round::Paused => Ok(0),
        Round::Idle => runner.sweep(),
    })
    .await
    .unwrap_or_else(|error| {
        tracing::error!(%error, "an import was interrupted");
        Err(crate::store::unavailable())
    })
}

/// What runs the imports of this server.
#[must_use]
pub fn runner(
    clock: &Clock,
    imports: &ImportQueue,
    store: &Store,
    directory: &Directory,
) -> Runner {
    let (clock, desk) = (clock.clone(), imports.clone());
    Runner::new(
        store.clone(),
        vec![
            Arc::new(GridImporter::new(
                directory.clone(),
                Arc::new(FollowingReports),
            )),
            Arc::new(OfficerImporter),
        ],
        move || clock.now(),
        move || desk.is_stopping(),
    )
}
