//! Reads the holiday tables for a town's snapshot. It must not write them.

use diesel::prelude::*;
use gridpatrol_domain::calendar::{Holidays, Year};

use gridpatrol_store::Conn;
use gridpatrol_store::schema::calendar_years as table;

/// Reads a stored table.
///
/// # Errors
/// If the stored table cannot be read.
pub fn read(body: &str) -> QueryResult<Year> {
    serde_json::from_str(body)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// The tables in force of all years.
///
/// # Errors
/// If the database fails.
pub fn holidays(conn: &mut Conn) -> QueryResult<Holidays> {
    let mut bodies: Vec<(i32, String)> = table::table
        .order((table::year.asc(), table::version.desc()))
        .select((table::year, table::body))
        .load(conn)?;
    // The latest of each year comes first.
    bodies.dedup_by_key(|(year, _)| *year);
    let years = bodies.iter().map(|(_, body)| read(body));
    Ok(Holidays::new(years.collect::<QueryResult<_>>()?))
}
