//! Continues imports, and deletes what finished ones leave behind.
//!
//! Owns when this happens. It must not know what an import does: `imports` does.

use std::sync::Arc;

use gridpatrol_people::grids::import::GridImporter;
use gridpatrol_people::imports::ImportQueue;
use gridpatrol_people::imports::run::{Round, Runner};
use gridpatrol_people::officers::import::OfficerImporter;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::Store;
use gridpatrol_store::clock::Clock;

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
        Err(gridpatrol_store::unavailable())
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
