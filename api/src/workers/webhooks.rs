//! Finds endpoints with work to do and starts serving them.
//!
//! Owns when this happens. Each endpoint is served separately, so that a slow one delays no other. It must
//! not send anything itself: `webhooks::delivery_worker` does.

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
