//! Secrets that the server creates and that all its processes share.
//!
//! Owns the table `secrets`. It must not know what a secret is used for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Conn;
use super::schema::secrets;
use super::types::At;
use crate::on_each;

/// The stored secret of this name. If there is none yet, stores `made`.
///
/// # Errors
/// If the database fails, or the stored secret has another length.
pub fn shared<const N: usize>(
    conn: &mut Conn,
    name: &str,
    made: &[u8; N],
    now: DateTime<Utc>,
) -> QueryResult<[u8; N]> {
    let row = (
        secrets::name.eq(name),
        secrets::value.eq(made.as_slice()),
        secrets::created_at.eq(At(now)),
    );
    on_each!(conn, c => diesel::insert_into(secrets::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    let stored: Vec<u8> = secrets::table
        .find(name)
        .select(secrets::value)
        .first(conn)?;
    stored.try_into().map_err(|stored: Vec<u8>| {
        diesel::result::Error::DeserializationError(
            format!("the secret has {} bytes instead of {N}", stored.len()).into(),
        )
    })
}
