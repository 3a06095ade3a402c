//! What must be true of every database after a test.
//!
//! It counts the rows again, with other statements than the program's own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_store;
use gridpatrol_store::on_each;
use gridpatrol_store::schema::{
    calendar_years, duty_shifts, events, invitations, officers, photos, postings, report_counts,
    report_hands, report_participants, report_texts, reports, service_accounts, service_keys,
    town_settings, towns,
};
use gridpatrol_store::{Conn, Outcome};
use uuid::Uuid;

use super::World;

/// Every table, as the migrations make them.
fn tables() -> Vec<String> {
    let steps = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");
    let mut tables = Vec::new();
    for step in std::fs::read_dir(steps).expect("the steps") {
        let file = step.expect("a step").path().join("up.sql");
        let sql = std::fs::read_to_string(file).expect("a step");
        tables.extend(
            sql.lines()
                .filter_map(|line| line.strip_prefix("CREATE TABLE "))
                .filter_map(|rest| rest.split_whitespace().next())
                .map(str::to_owned),
        );
    }
    tables
}

/// Tables that a refusal may write to: the security log and the failed sign-ins.
const NOT_BUSINESS: [&str; 3] = [
    // Kept by the server on its own clock, whoever asks for what.
    "town_digests",
    "security_log",
    "login_failures",
];

/// How many rows each table of the business has, and how far each town's changes are.
pub async fn rows(world: &World) -> BTreeMap<String, i64> {
    world
        .look(|conn| {
            let mut rows = BTreeMap::new();
            for table in tables() {
                if !NOT_BUSINESS.contains(&table.as_str()) {
                    rows.insert(table.clone(), count(conn, &table)?);
                }
            }
            for (id, changes) in towns::table
                .select((towns::id, towns::change_seq))
                .load::<(Uuid, i64)>(conn)?
            {
                rows.insert(format!("changes of {id}"), changes);
            }
            Ok(rows)
        })
        .await
}

fn count(conn: &mut Conn, table: &str) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let query = format!("SELECT count(*) AS rows FROM {table}");
    on_each!(conn, c => diesel::sql_query(query).get_result::<Count>(c)).map(|count| count.rows)
}

/// The version of a report and how many events its record has.
pub async fn moved(world: &World, report: Uuid) -> (i64, i64) {
    world
        .look(move |conn| {
            let version = reports::table
                .filter(reports::id.eq(gridpatrol_store::types::Id(report)))
                .select(reports::version)
                .first(conn)?;
            let events = events::table
                .filter(events::subject_id.eq(gridpatrol_store::types::Id(report)))
                .count()
                .get_result(conn)?;
            Ok((version, events))
        })
        .await
}

/// Checks the whole database.
pub async fn check(world: &World) {
    world.look(whole).await;
}

/// Checks the whole database behind a connection.
pub fn whole(conn: &mut Conn) -> Outcome<()> {
    chains(conn)?;
    super::audit_grids::check(conn)?;
    super::audit_notices::check(conn)?;
    counters(conn)?;
    desks(conn)?;
    hands(conn)?;
    arrivals(conn)?;
    keys(conn)?;
    settings(conn)?;
    calendar(conn)?;
    numbers(conn)?;
    people(conn)
}

/// No role twice at a grid at a time, nobody on duty twice, one good invitation an officer.
fn people(conn: &mut Conn) -> Outcome<()> {
    type Span = (DateTime<Utc>, Option<DateTime<Utc>>);
    fn apart<K: PartialEq + std::fmt::Debug>(what: &str, spans: &[(K, Span)]) {
        for (at, (key, (from, to))) in spans.iter().enumerate() {
            for (other, (other_from, other_to)) in spans.iter().skip(at + 1) {
                let meet = to.is_none_or(|to| from < &to && other_from < &to)
                    && other_to.is_none_or(|to| other_from < &to && from < &to);
                assert!(key != other || !meet, "{what} twice at a time: {key:?}");
            }
        }
    }
    let posted: Vec<((Uuid, Uuid, String), Span)> = postings::table
        .select((
            (postings::officer_id, postings::grid_id, postings::role),
            (postings::valid_from, postings::valid_to),
        ))
        .load(conn)?;
    apart("posted", &posted);
    let duties: Vec<(Uuid, DateTime<Utc>, DateTime<Utc>)> = duty_shifts::table
        .select((
            duty_shifts::town_id,
            duty_shifts::valid_from,
            duty_shifts::valid_to,
        ))
        .load(conn)?;
    let duties: Vec<(Uuid, Span)> = duties
        .into_iter()
        .map(|(town, from, to)| (town, (from, Some(to))))
        .collect();
    apart("on duty", &duties);
    let mut good: Vec<Uuid> = invitations::table
        .filter(invitations::ended_at.is_null())
        .select(invitations::officer_id)
        .load(conn)?;
    let invited = good.len();
    good.sort_unstable();
    good.dedup();
    assert_eq!(good.len(), invited, "an officer has two good invitations");
    Ok(())
}

/// The versions of a town's settings are 1, 2, 3 …, each ahead of when it was set.
fn settings(conn: &mut Conn) -> Outcome<()> {
    let rows = town_settings::table
        .order((town_settings::town_id, town_settings::version))
        .select((
            town_settings::town_id,
            town_settings::version,
            town_settings::effective_from,
            town_settings::created_at,
        ))
        .load::<(Uuid, i64, DateTime<Utc>, DateTime<Utc>)>(conn)?;
    let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (town, version, from, set) in rows {
        let before = last.insert(town, version).unwrap_or(0);
        assert_eq!(version, before + 1, "the settings of {town}");
        assert!(from > set, "version {version} of {town} lay ahead");
    }
    Ok(())
}

/// The versions of a year's table are 1, 2, 3 ….
fn calendar(conn: &mut Conn) -> Outcome<()> {
    let rows: Vec<(i32, i64)> = calendar_years::table
        .order((calendar_years::year, calendar_years::version))
        .select((calendar_years::year, calendar_years::version))
        .load(conn)?;
    let mut last: BTreeMap<i32, i64> = BTreeMap::new();
    for (year, version) in rows {
        let before = last.insert(year, version).unwrap_or(0);
        assert_eq!(version, before + 1, "the calendar of {year}");
    }
    Ok(())
}

/// A service account is a principal without a posting; at most two of its keys are good, none once it
/// has ended.
fn keys(conn: &mut Conn) -> Outcome<()> {
    let accounts: Vec<(Uuid, bool, bool)> = service_accounts::table
        .inner_join(officers::table)
        .select((
            service_accounts::id,
            service_accounts::ended_at.is_not_null(),
            officers::disabled_at.is_not_null(),
        ))
        .load(conn)?;
    for (id, ended, disabled) in accounts {
        assert_eq!(ended, disabled, "{id} and its principal");
        let posted: i64 = postings::table
            .filter(postings::officer_id.eq(gridpatrol_store::types::Id(id)))
            .count()
            .get_result(conn)?;
        assert_eq!(posted, 0, "{id} has no posting");
        let endless: i64 = service_keys::table
            .filter(service_keys::account_id.eq(gridpatrol_store::types::Id(id)))
            .filter(service_keys::valid_until.is_null())
            .count()
            .get_result(conn)?;
        let most = i64::from(!ended);
        assert!(endless <= most, "{id} has {endless} keys without an end");
    }
    Ok(())
}

fn chains(conn: &mut Conn) -> Outcome<()> {
    for town in towns::table.select(towns::id).load::<Uuid>(conn)? {
        let verified = gridpatrol_store::events::verify(conn, town)?;
        assert!(verified.is_ok(), "the chain of {town}: {verified:?}");
    }
    Ok(())
}

type Cell = (Uuid, String, String, String, String);

fn counters(conn: &mut Conn) -> Outcome<()> {
    type Row = (
        Uuid,
        Option<Uuid>,
        Option<Uuid>,
        String,
        String,
        String,
        String,
    );
    let mut recount: BTreeMap<Cell, i64> = BTreeMap::new();
    let rows: Vec<Row> = reports::table
        .select((
            reports::town_id,
            reports::village_id,
            reports::group_id,
            reports::status,
            reports::category,
            reports::severity,
            reports::colour,
        ))
        .load(conn)?;
    for (town, village, group, status, category, severity, colour) in rows {
        for grid in [Some(town), village, group].into_iter().flatten() {
            let cell = (
                grid,
                status.clone(),
                category.clone(),
                severity.clone(),
                colour.clone(),
            );
            *recount.entry(cell).or_default() += 1;
        }
    }
    let kept: BTreeMap<Cell, i64> = report_counts::table
        .filter(report_counts::reports.ne(0))
        .select((
            report_counts::grid_id,
            report_counts::status,
            report_counts::category,
            report_counts::severity,
            report_counts::colour,
            report_counts::reports,
        ))
        .load::<(Uuid, String, String, String, String, i64)>(conn)?
        .into_iter()
        .map(|(grid, status, category, severity, colour, reports)| {
            ((grid, status, category, severity, colour), reports)
        })
        .collect();
    assert_eq!(kept, recount, "report_counts equals a recount");
    Ok(())
}

/// A report that somebody must act on has a desk and a due instant, a suspended one the latter, any
/// other has neither.
fn desks(conn: &mut Conn) -> Outcome<()> {
    let rows = reports::table
        .select((
            reports::id,
            reports::status,
            reports::desk_grid_id.is_not_null(),
            reports::desk_duty.is_not_null(),
            reports::next_due_at.is_not_null(),
            reports::closed_at.is_not_null(),
        ))
        .load::<(Uuid, String, bool, bool, bool, bool)>(conn)?;
    for (id, status, desk, duty, due, closed) in rows {
        let moves = ["open", "escalating", "resolved"].contains(&status.as_str());
        let waits = moves || status == "suspended";
        assert_eq!((desk, duty, due), (moves, moves, waits), "{id} is {status}");
        assert_eq!(closed, status == "closed", "{id} is {status}");
    }
    Ok(())
}

/// The index of who works on what names the officer or the team and the co-handlers of what is to be handled now, and
/// nobody else.
fn hands(conn: &mut Conn) -> Outcome<()> {
    type Row = (
        Uuid,
        Option<String>,
        Option<Uuid>,
        Option<Uuid>,
        Option<String>,
    );
    let rows: Vec<Row> = reports::table
        .select((
            reports::id,
            reports::desk_duty,
            reports::handler_officer_id,
            reports::handler_team_id,
            reports::co_handlers,
        ))
        .load(conn)?;
    let mut expected: Vec<(Uuid, Uuid)> = Vec::new();
    for (id, duty, officer, team, beside) in rows {
        if duty.as_deref() != Some("handle") {
            continue;
        }
        let beside: Vec<Uuid> = beside.map_or_else(Vec::new, |beside| {
            serde_json::from_str(&beside).expect("officers")
        });
        let named = officer.or(team).into_iter();
        expected.extend(named.chain(beside).map(|hand| (hand, id)));
    }
    expected.sort_unstable();
    let mut kept: Vec<(Uuid, Uuid)> = report_hands::table
        .select((report_hands::hand_id, report_hands::report_id))
        .load(conn)?;
    kept.sort_unstable();
    assert_eq!(kept, expected, "report_hands equals a recount");
    Ok(())
}

/// Each report's counts of photos are those of its photos, and it has texts and a participant.
fn arrivals(conn: &mut Conn) -> Outcome<()> {
    let mut photographed: BTreeMap<Uuid, (i32, i32)> = BTreeMap::new();
    for (report, state) in photos::table
        .filter(photos::report_id.is_not_null())
        .select((photos::report_id.assume_not_null(), photos::state))
        .load::<(Uuid, String)>(conn)?
    {
        let counts = photographed.entry(report).or_default();
        counts.0 += 1;
        counts.1 += i32::from(state == "ready");
    }
    let texts: Vec<Uuid> = report_texts::table
        .select(report_texts::report_id)
        .load(conn)?;
    let participants: Vec<(Uuid, Uuid)> = report_participants::table
        .select((
            report_participants::report_id,
            report_participants::participant_id,
        ))
        .load(conn)?;
    let rows: Vec<(Uuid, Uuid, i32, i32)> = reports::table
        .select((
            reports::id,
            reports::reporter_id,
            reports::photos_declared,
            reports::photos_ready,
        ))
        .load(conn)?;
    for (id, reporter, declared, ready) in &rows {
        let counted = photographed.remove(id).unwrap_or_default();
        assert_eq!((*declared, *ready), counted, "the photos of {id}");
        assert!(texts.contains(id), "{id} has texts");
        assert!(
            participants.contains(&(*id, *reporter)),
            "{id} has its reporter"
        );
    }
    assert_eq!(texts.len(), rows.len(), "no texts without a report");
    assert!(
        photographed.is_empty(),
        "no photo of a report that is not there: {photographed:?}"
    );
    Ok(())
}

/// The numbers of a town's reports in one year are 1, 2, 3 … without gaps, and so are its changes.
fn numbers(conn: &mut Conn) -> Outcome<()> {
    let mut by_year: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for number in reports::table
        .select(reports::number)
        .load::<String>(conn)?
    {
        let (year, sequence) = number.rsplit_once('-').expect("a number");
        by_year
            .entry(year.to_owned())
            .or_default()
            .push(sequence.parse().expect("a sequence"));
    }
    for (year, mut sequences) in by_year {
        sequences.sort_unstable();
        let expected: Vec<u32> = (1..).take(sequences.len()).collect();
        assert_eq!(sequences, expected, "the numbers of {year}");
    }
    Ok(())
}
