//! Finds the endpoints for which there is something to do, and has them served.
//!
//! Owns when; how an endpoint is served stands in `webhooks::courier`. A slow one delays no other: each is
//! served apart.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::problem::Problem;
use crate::webhooks::queries;

/// Endpoints looked at in one round.
const AT_ONCE: i64 = 256;

/// Begins to serve endpoints that wait. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn run_once(app: &Arc<App>, now: DateTime<Utc>) -> Result<usize, Problem> {
    let waiting = app
        .store
        .read(move |conn| Ok(queries::waiting(conn, now, AT_ONCE)?))
        .await?;
    Ok(app.courier.begin(app, &waiting))
}
