//! What must be true of notices and deliveries after every test.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use gridpatrol_store::schema::{events, notices, towns};
use gridpatrol_store::{Conn, Outcome};
use serde_json::{Value, json};
use uuid::Uuid;

/// Checks them all.
pub fn check(conn: &mut Conn) -> Outcome<()> {
    outbox(conn)
}

/// The notices of a town are numbered without gaps, and each event of a report has one.
fn outbox(conn: &mut Conn) -> Outcome<()> {
    let last: BTreeMap<Uuid, i64> = towns::table
        .select((towns::id, towns::notice_seq))
        .load::<(Uuid, i64)>(conn)?
        .into_iter()
        .collect();
    let rows: Vec<(Uuid, i64, String, Uuid, String)> = notices::table
        .order((notices::town_id, notices::seq))
        .select((
            notices::town_id,
            notices::seq,
            notices::kind,
            notices::subject_id,
            notices::envelope,
        ))
        .load(conn)?;
    let mut numbers: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    let mut told: BTreeSet<(Uuid, i64, String, Uuid)> = BTreeSet::new();
    for (town, seq, kind, subject, envelope) in rows {
        numbers.entry(town).or_default().push(seq);
        let envelope: Value = serde_json::from_str(&envelope).expect("JSON");
        assert_eq!(envelope["specversion"], "1.0");
        assert_eq!(envelope["subject"], json!(subject), "{envelope}");
        if kind == "digest" {
            continue;
        }
        assert_eq!(envelope["data"]["seq"], json!(seq));
        let event = envelope["data"]["event_seq"].as_i64().expect("an event");
        assert!(told.insert((town, event, kind, subject)), "{envelope}");
    }
    for (town, numbers) in &numbers {
        let first = numbers[0];
        let expected: Vec<i64> = (first..=last[town]).collect();
        assert_eq!(numbers, &expected, "the notices of {town}");
    }
    for (town, last) in &last {
        assert!(
            *last == 0 || numbers.contains_key(town),
            "{town} has notices"
        );
    }
    // What was swept is the oldest.
    let kept = |town: &Uuid| told.iter().find(|one| one.0 == *town).map(|one| one.1);
    let recorded: BTreeSet<(Uuid, i64, String, Uuid)> = events::table
        .filter(events::subject_kind.eq("report"))
        // What happens to the record, and not to the report, is nobody's to act on.
        .filter(events::kind.ne("data_erased"))
        .select((
            events::town_id,
            events::seq,
            events::kind,
            events::subject_id,
        ))
        .load::<(Uuid, i64, String, Uuid)>(conn)?
        .into_iter()
        .filter(|(town, seq, ..)| kept(town).is_some_and(|first| *seq >= first))
        .collect();
    assert_eq!(told, recorded, "each event of a report has one notice");
    Ok(())
}
