//! Goes on with imports, and removes what those that have ended leave behind.
//!
//! Owns when; what an import is stands in `imports`.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::grids::import::GridImporter;
use crate::imports::run::{Round, Runner};
use crate::officers::import::OfficerImporter;
use crate::problem::Problem;

/// Brings the next import to its end, or removes some of what earlier ones left. Returns how much
/// was done.
///
/// # Errors
/// When the database fails.
pub async fn run_once(app: &Arc<App>, _: DateTime<Utc>) -> Result<usize, Problem> {
    let runner = runner(app);
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
fn runner(app: &Arc<App>) -> Runner {
    let (clock, desk) = (app.clock.clone(), app.imports.clone());
    Runner::new(
        app.store.clone(),
        vec![
            Arc::new(GridImporter::new(app.directory.clone())),
            Arc::new(OfficerImporter),
        ],
        move || clock.now(),
        move || desk.is_stopping(),
    )
}
