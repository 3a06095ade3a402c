//! Finds the endpoints for which there is something to do, and has them served.
//!
//! Owns when; how an endpoint is served stands in `webhooks::delivery_worker`. A slow one delays no other: each is
//! served apart.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::webhooks::delivery_worker::DeliveryWorker;
use crate::webhooks::queries;
use gridpatrol_problem::Problem;
use gridpatrol_store::Store;

/// Endpoints looked at in one round.
const AT_ONCE: i64 = 256;

/// Begins to serve endpoints that wait. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn run_once(
    store: &Store,
    delivery_worker: &Arc<DeliveryWorker>,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let waiting = store
        .read(move |conn| Ok(queries::waiting(conn, now, AT_ONCE)?))
        .await?;
    Ok(delivery_worker.begin(&waiting))
}
