//! The clock: many reports due at once, compared with writing the results directly to the storage; and
//! a few due reports among more and more open ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol::app::{App, Clock};
use gridpatrol::config::Config;
use gridpatrol::workers::Next;
use gridpatrol::workers::clock::{Failed, run_once};
use gridpatrol_domain::calendar::Calendar;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::report::lapse::{self, Step};
use gridpatrol_domain::report::{Context, Policy, Report};
use gridpatrol_reports::notices::outbox::{self, ReportChange, SameMatter};
use gridpatrol_reports::record::queries;
use gridpatrol_reports::record::rows::ReportRow;
use gridpatrol_store::counters::Shifts;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::schema::{report_lapses, reports};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Lane, Outcome, Store, prepared, town};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::figures::{Beside, Line, Measured, Table};
use crate::place::{Place, close};
use crate::reports::{Stage, prepare, write};
use crate::town::{Seeded, seed};
use crate::{Fallible, Settings};

/// Reports in one commit while the database is filled. With more, SQLite spends its time on what it may
/// have to undo: each statement walks through a list of all that the command has changed.
const FILLED_TOGETHER: u64 = 100;
/// Steps in one commit of the storage limit, as many as the server's writer takes at most.
const TOGETHER: usize = 64;
/// The most that are prepared for it at a time.
const PREPARED: i64 = 20_000;
/// Due in a small sweep.
const FEW: usize = 10;
/// Small sweeps.
const SWEEPS: usize = 200;

/// The minutes of a month.
const MINUTES: u64 = 30 * 24 * 60;

/// The line of a small sweep.
pub const SMALL: &str = "sweep of ten";

/// Measures all three.
pub fn measure(
    settings: &Settings,
    due: u64,
    place: &mut dyn FnMut() -> Fallible<Place>,
    table: &mut Table,
) -> Fallible<()> {
    let limit = {
        let place = place()?;
        let store = place.store()?;
        let seeded = seed(&store)?;
        let many = due.min(u64::try_from(PREPARED)?);
        let now = Utc::now();
        fill(&store, &seeded, 0..many, |_| now)?;
        place.settle()?;
        let measured = storage(&store, &seeded, now)?;
        close(store)?;
        measured
    };
    let per_second = limit.per_second;
    table.add(Line {
        work: format!("steps, storage alone, {TOGETHER} a commit"),
        connections: None,
        measured: limit,
        beside: None,
    });

    {
        let place = place()?;
        let store = place.store()?;
        let seeded = seed(&store)?;
        let now = Utc::now();
        fill(&store, &seeded, 0..due, |_| now)?;
        close(store)?;
        place.settle()?;
        let measured = sweep(&place, due)?;
        table.add(Line {
            work: format!("sweep of {due} due at once, rounds of 512"),
            connections: None,
            measured,
            beside: Some(Beside {
                what: "storage alone",
                per_second,
            }),
        });
    }
    flat(settings, &place()?, table)
}

/// Adds open reports, each with something due at an instant of its own.
fn fill(
    store: &Store,
    seeded: &Seeded,
    numbers: std::ops::Range<u64>,
    due: impl Fn(u64) -> DateTime<Utc>,
) -> Fallible<()> {
    let received_at = Utc::now() - TimeDelta::minutes(10);
    let mut next = numbers.start;
    while next < numbers.end {
        let mut batch = Vec::new();
        for number in next..numbers.end.min(next + FILLED_TOGETHER) {
            let prepared = prepare(seeded, number, received_at, Stage::Filed)?;
            batch.push(prepared.due_at(due(number)));
        }
        store.write_blocking(Lane::Interactive, move |conn| {
            batch.iter().try_for_each(|prepared| write(conn, prepared))
        })?;
        next += FILLED_TOGETHER;
    }
    Ok(())
}

/// A step, decided before it is written.
#[derive(Clone)]
struct Decided {
    row: ReportRow,
    before: Report,
    step: Step,
}

/// Writes steps as fast as the storage takes them: the rows that the clock writes, by the statements of
/// the product, without finding what is due and without deciding.
fn storage(store: &Store, seeded: &Seeded, now: DateTime<Utc>) -> Fallible<Measured> {
    let rows: Vec<ReportRow> = store.read_blocking(|conn| {
        Ok(reports::table
            .filter(reports::next_due_at.le(Some(At(now))))
            .limit(PREPARED)
            .select(ReportRow::as_select())
            .load(conn)?)
    })?;
    let policy = Policy::default();
    let context = Context {
        staffing: &seeded.staffing,
        policy: &policy,
        calendar: Calendar::default(),
        evidence: false,
        now,
    };
    let mut decided = Vec::with_capacity(rows.len());
    for row in rows {
        let before = row.state(|grid| seeded.town.path(grid));
        let step = lapse::step(&before, &context).ok_or("nothing is due")?;
        decided.push(Decided { row, before, step });
    }
    let (count, mut took) = (decided.len(), Vec::new());
    let begun = Instant::now();
    for together in decided.chunks(TOGETHER) {
        let since = Instant::now();
        let (together, town, staffing) = (
            together.to_vec(),
            Arc::clone(&seeded.town),
            Arc::clone(&seeded.staffing),
        );
        store.write_blocking(Lane::Background, move |conn| {
            let mut head = town::advance(conn, town.id)?;
            let (mut records, mut notices) = (Vec::new(), Vec::new());
            let mut shifts = Shifts::default();
            for Decided { row, before, step } in &together {
                let after = &step.decision.report;
                let happened = ReportChange {
                    town: &town,
                    staffing: &staffing,
                    before: Some(before),
                    after,
                    number: &row.number,
                    same: &SameMatter::default(),
                    actor_id: None,
                    at: now,
                };
                let seq = head.last_event() + i64::try_from(records.len()).unwrap_or(0) + 1;
                notices.extend(happened.notices(&mut head, seq, &step.decision.events)?);
                records.extend(recorded(step, now));
                save(conn, &mut shifts, row, step, (head.change_seq, now))?;
            }
            shifts.write(conn)?;
            outbox::insert(conn, &notices)?;
            Ok(events::append(conn, &mut head, records)?)
        })?;
        took.push(since.elapsed());
    }
    let elapsed = begun.elapsed();
    Ok(Measured {
        per_second: count as f64 / elapsed.as_secs_f64(),
        ..Measured::of(took, elapsed)
    })
}

fn save(
    conn: &mut Conn,
    shifts: &mut Shifts,
    row: &ReportRow,
    step: &Step,
    (change_seq, now): (i64, DateTime<Utc>),
) -> Outcome<()> {
    let mut after = row.clone();
    after.take_over(&step.decision.report);
    after.change_seq = change_seq;
    queries::update(conn, row, &after)?;
    for (row, by) in [(row, -1), (&after, 1)] {
        shifts.add(row.place(), row.counted(), by);
    }
    if let Some(attribution) = step.attribution {
        let lapsed = diesel::insert_into(report_lapses::table).values((
            report_lapses::town_id.eq(Id(row.town_id)),
            report_lapses::report_id.eq(Id(row.id)),
            report_lapses::due_at.eq(At(step.due_at)),
            report_lapses::rule.eq(Coded(step.rule)),
            report_lapses::grid_id.eq(Id(attribution.grid_id)),
            report_lapses::tier.eq(Coded(attribution.tier)),
            report_lapses::charged.eq(attribution.charged),
            report_lapses::lapsed_at.eq(At(now)),
        ));
        prepared!(conn, lapsed, execute)?;
    }
    Ok(())
}

fn recorded(step: &Step, now: DateTime<Utc>) -> Vec<EventRecord> {
    let report = &step.decision.report;
    let mut facts = Map::new();
    facts.insert("status".to_owned(), json!(report.status));
    facts.insert("holder_id".to_owned(), json!(report.holder().id()));
    facts.insert("version".to_owned(), json!(report.version));
    facts.insert("rule".to_owned(), json!(step.rule));
    facts.insert("due_at".to_owned(), json!(step.due_at));
    let events = step.decision.events.iter();
    events
        .map(|event| EventRecord {
            subject_kind: "report",
            subject_id: report.id,
            kind: event.kind.code(),
            at: now,
            actor_id: None,
            facts: facts.clone(),
            payload: Some(Value::Object(event.payload.clone())),
        })
        .collect()
}

/// The program on the database of a place, without its clock.
fn opened(runtime: &tokio::runtime::Runtime, place: &Place) -> Fallible<Arc<App>> {
    let mut config = Config {
        data_dir: place.folder.clone(),
        database_url: Some(place.url.parse()?),
        ..Config::default()
    };
    config.clock.enabled = false;
    Ok(Arc::new(
        runtime.block_on(App::open(config, Clock::system()))?,
    ))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Lets the clock take what is due: how many in a second, and how long its rounds take.
fn sweep(place: &Place, due: u64) -> Fallible<Measured> {
    let runtime = runtime()?;
    let app = opened(&runtime, place)?;
    let (parts, failed) = (app.clock_parts(), Failed::default());
    let mut rounds = Vec::new();
    let begun = Instant::now();
    loop {
        let since = Instant::now();
        let next = runtime.block_on(run_once(&parts, &failed, Utc::now()))?;
        if next != Next::Again {
            break;
        }
        rounds.push(since.elapsed());
    }
    let elapsed = begun.elapsed();
    let moved: i64 = app
        .store
        .read_blocking(|conn| Ok(report_lapses::table.count().get_result(conn)?))?;
    runtime.block_on(app.store.close());
    if moved != i64::try_from(due)? {
        return Err(format!("{moved} of {due} moved").into());
    }
    Ok(Measured {
        per_second: due as f64 / elapsed.as_secs_f64(),
        ..Measured::of(rounds, elapsed)
    })
}

/// Lets ten at a time become due, at growing numbers of open ones; and looks where nothing is due.
fn flat(settings: &Settings, place: &Place, table: &mut Table) -> Fallible<()> {
    let store = place.store()?;
    let seeded = seed(&store)?;
    let soon = Utc::now() + TimeDelta::days(1);
    let (mut filled, mut smallest) = (0, None);
    for size in &settings.sizes {
        // All over a month, however many.
        let spread = |number: u64| {
            let minute = number.wrapping_mul(7919) % MINUTES;
            soon + TimeDelta::minutes(i64::try_from(minute).unwrap_or(0))
        };
        fill(&store, &seeded, filled..*size, spread)?;
        filled = *size;
        place.settle()?;
        let (sweeps, idle) = small(place)?;
        table.fact(
            format!("a look where nothing of {size} open is due"),
            format!(
                "p50 {:.2} ms, p99 {:.2} ms",
                idle.median.as_secs_f64() * 1000.0,
                idle.slow.as_secs_f64() * 1000.0
            ),
        );
        let median = sweeps.median.as_secs_f64();
        let first = *smallest.get_or_insert(median);
        let typical = |median: f64| 1.0 / median.max(f64::MIN_POSITIVE);
        table.add(Line {
            work: format!("{SMALL}, {size} open"),
            connections: None,
            measured: Measured {
                // By the median: a second of a shared machine has seconds in which nothing is done.
                per_second: typical(median),
                ..sweeps
            },
            beside: Some(Beside {
                what: "of the fewest",
                per_second: typical(first),
            }),
        });
    }
    close(store)
}

/// How long sweeps of ten take, and rounds without anything to do.
fn small(place: &Place) -> Fallible<(Measured, Measured)> {
    let runtime = runtime()?;
    let app = opened(&runtime, place)?;
    let (parts, failed) = (app.clock_parts(), Failed::default());
    let (mut sweeps, mut idle) = (Vec::new(), Vec::new());
    let run = |took: &mut Vec<Duration>, expected: Next| -> Fallible<()> {
        let since = Instant::now();
        let next = runtime.block_on(run_once(&parts, &failed, Utc::now()))?;
        took.push(since.elapsed());
        match (expected, next) {
            (Next::Again, Next::Again) | (Next::Usual, Next::After(_)) => Ok(()),
            _ => Err(format!("a round ended with {next:?}").into()),
        }
    };
    for number in 0..SWEEPS {
        make_due(&app, number)?;
        run(&mut sweeps, Next::Again)?;
        run(&mut idle, Next::Usual)?;
    }
    runtime.block_on(app.store.close());
    let all = |took: Vec<Duration>| {
        let within = took.iter().sum();
        Measured::of(took, within)
    };
    Ok((all(sweeps), all(idle)))
}

/// Makes ten reports due that were not, here and there among all.
fn make_due(app: &App, number: usize) -> Fallible<()> {
    let now = Utc::now();
    let from = now + TimeDelta::days(1) + TimeDelta::hours(i64::try_from(number * 3)?);
    app.store.write_blocking(Lane::Background, move |conn| {
        let ids: Vec<Uuid> = reports::table
            .filter(reports::next_due_at.ge(Some(At(from))))
            .order((reports::next_due_at, reports::id))
            .limit(i64::try_from(FEW).unwrap_or_default())
            .select(reports::id)
            .load(conn)?;
        diesel::update(reports::table.filter(reports::id.eq_any(ids.into_iter().map(Id))))
            .set(reports::next_due_at.eq(Some(At(now))))
            .execute(conn)?;
        Ok(())
    })?;
    Ok(())
}
