//! SQL of the use of service keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::store::Conn;
use crate::store::schema::service_keys as keys;
use crate::store::types::Id;

/// Notes that a key was used.
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
