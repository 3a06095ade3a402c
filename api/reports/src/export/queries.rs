//! SQL for packages: the events of a report as links of its town's chain.
//!
//! Owns statements only.

use std::collections::HashMap;

use diesel::prelude::*;
use gridpatrol_domain::audit::GENESIS;

use crate::record::queries::{EventRow, Found};
use gridpatrol_store::Conn;
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::events;
use gridpatrol_store::types::Id;

/// An event with everything that its hash is computed from.
pub struct LinkRow {
    /// The part that the record shows.
    pub event: EventRow,
    /// The salt of the commitment.
    pub salt: Option<Vec<u8>>,
    /// The commitment, which binds the chain to the payload.
    pub commitment: Vec<u8>,
    /// The hash of the event before it in the chain.
    pub previous: Vec<u8>,
}

/// The next events of a report, oldest first, up to `last`. The caller was checked before.
///
/// # Errors
/// If the database fails, or the chain has a gap.
pub fn links(
    conn: &mut Conn,
    found: &Found,
    after: i64,
    last: i64,
    most: i64,
) -> QueryResult<Vec<LinkRow>> {
    let town = || events::town_id.eq(Id(found.row.town_id));
    let rows: Vec<(EventRow, Option<Vec<u8>>, Vec<u8>)> = events::table
        .filter(events::subject_id.eq(Id(found.row.id)))
        .filter(town())
        .filter(events::seq.gt(after))
        .filter(events::seq.le(last))
        .order(events::seq)
        .limit(most)
        .select((EventRow::as_select(), events::salt, events::commitment))
        .load(conn)?;
    let before = padded(rows.iter().map(|(event, _, _)| event.seq - 1));
    let hashes = events::table
        .filter(town())
        .filter(events::seq.eq_any(before))
        .select((events::seq, events::hash));
    let mut hashes: HashMap<i64, Vec<u8>> = PreparedByText(hashes)
        .load::<(i64, Vec<u8>)>(conn)?
        .into_iter()
        .collect();
    hashes.insert(0, GENESIS.to_vec());
    rows.into_iter()
        .map(|(event, salt, commitment)| {
            let previous = hashes
                .get(&(event.seq - 1))
                .cloned()
                .ok_or(diesel::result::Error::NotFound)?;
            Ok(LinkRow {
                event,
                salt,
                commitment,
                previous,
            })
        })
        .collect()
}
