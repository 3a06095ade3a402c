//! Reports about the same matter: which one a report repeats, and who filed it again.
//!
//! Owns the reading of that link. Who makes it, and when, is the caller's.

use std::collections::HashSet;

use diesel::prelude::*;
use gridpatrol_domain::notice::concerns_duplicates;
use gridpatrol_domain::report::{Event, Report};
use uuid::Uuid;

use crate::notices::envelope::OriginalReport;
use crate::notices::outbox::SameMatter;
use crate::record::queries;
use crate::record::rows::ReportRow;
use gridpatrol_store::Conn;
use gridpatrol_store::types::Id;

/// The report that this one is void as a duplicate of.
///
/// # Errors
/// If the database fails.
pub fn original(conn: &mut Conn, row: &ReportRow) -> QueryResult<Option<OriginalReport>> {
    numbered(conn, row.duplicate_of.map(|Id(original)| original))
}

fn numbered(conn: &mut Conn, id: Option<Uuid>) -> QueryResult<Option<OriginalReport>> {
    let mut numbers = queries::numbers_of(conn, id.into_iter().collect())?;
    Ok(id.and_then(|id| {
        let number = numbers.remove(&id)?;
        Some(OriginalReport { id, number })
    }))
}

/// Whom these events of a report concern besides its own people, and which report it repeats.
///
/// # Errors
/// If the database fails.
pub fn same_matter(conn: &mut Conn, report: &Report, events: &[Event]) -> QueryResult<SameMatter> {
    let concerned = events.iter().any(|event| concerns_duplicates(event.kind));
    Ok(SameMatter {
        original: numbered(conn, report.duplicate_of)?,
        filed_again_by: if concerned {
            filed_again_by(conn, report.id)?
        } else {
            Vec::new()
        },
    })
}

/// Who filed what is void as a duplicate of this report, or of such a duplicate.
///
/// # Errors
/// If the database fails.
pub fn filed_again_by(conn: &mut Conn, report: Uuid) -> QueryResult<Vec<Uuid>> {
    let (mut known, mut reporters) = (HashSet::from([report]), Vec::new());
    let mut last = vec![report];
    while !last.is_empty() {
        let mut found = queries::duplicates_of(conn, last)?;
        found.retain(|(id, _)| known.insert(*id));
        reporters.extend(found.iter().map(|(_, reporter)| *reporter));
        last = found.into_iter().map(|(id, _)| id).collect();
    }
    Ok(reporters)
}
