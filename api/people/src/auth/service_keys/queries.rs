//! SQL for the use of service keys. Owns statements only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::schema::service_keys as keys;
use gridpatrol_store::types::Id;

/// Records that a key was used.
///
/// # Errors
/// If the database fails.
pub fn touch_key(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(
        keys::table.filter(
            keys::id.eq(Id(id)).and(
                keys::last_used_at
                    .is_null()
                    .or(keys::last_used_at.lt(Some(at))),
            ),
        ),
    )
    .set(keys::last_used_at.eq(Some(at)))
    .execute(conn)?;
    Ok(())
}
