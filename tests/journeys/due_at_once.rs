//! Thousands of reports are due at one instant, and a process is killed half-way: each report moves
//! once, the chain is valid, and no report is forgotten.
//!
//! `GRIDPATROL_DUE_REPORTS` sets the number of reports; the default is small and quick.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol::workers::clock::NAP;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::scope::Scope;
use gridpatrol_people::auth::authenticate::active_postings;
use gridpatrol_problem::language::Language;
use gridpatrol_reports::filing::commands;
use gridpatrol_reports::filing::request::ReportFiling;
use gridpatrol_reports::view::present::Viewer;
use gridpatrol_store::schema::{events, report_lapses, reports};
use gridpatrol_store::types::At;
use serde_json::Value;
use uuid::Uuid;

use crate::support::program::{self, Program};
use crate::support::world::Folder;
use crate::support::{Kind, World, filing, run};

/// As many as are quickly done.
const USUALLY: usize = 2_000;
/// Filed in one transaction.
const TOGETHER: usize = 250;
/// How long the processes may take.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn two_processes_share_them_and_one_is_killed() {
    run(Kind::Postgres, |world| moved_once(world, 2));
}

#[test]
fn one_process_is_killed_and_started_again() {
    run(Kind::Sqlite, |world| moved_once(world, 1));
}

async fn moved_once(world: World, processes: usize) {
    let many = std::env::var("GRIDPATROL_DUE_REPORTS")
        .map_or(USUALLY, |many| many.parse().expect("a number of reports"));
    file(&world, many).await;
    let folders: Vec<Folder> = (0..=processes).map(|_| Folder::new()).collect();
    let start = |at: usize| Program::start(world.database(), &folders[at]);
    let mut running: Vec<Program> = (0..processes).map(start).collect();
    // All that run wake up for it.
    let due = world.now() + TimeDelta::from_std(NAP).unwrap() + TimeDelta::seconds(1);
    let changed = world
        .change(move |conn| {
            Ok(diesel::update(reports::table)
                .set(reports::next_due_at.eq(Some(At(due))))
                .execute(conn)?)
        })
        .await;
    assert_eq!(changed, many);

    let begun = Instant::now();
    let half = many / 2;
    until(&begun, async || moved(&world).await >= half).await;
    running[0].kill();
    let at_the_kill = moved(&world).await;
    assert!(at_the_kill < many, "it was killed too late");
    if processes == 1 {
        running.push(start(1));
    }
    until(&begun, async || still_due(&world, due).await == 0).await;
    let took = Utc::now() - due;
    eprintln!(
        "{many} reports due at once, {processes} processes, one killed after {at_the_kill}: moved \
         in {:.1} s",
        took.as_seconds_f64()
    );

    moved_exactly_once(&world, many, due).await;
    let verified = program::run(world.database(), &folders[processes], &["verify-audit"]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{said}");
    assert_eq!(said.matches("events hold").count(), 2, "{said}");
}

/// One step each, to the village, and nothing lies still.
async fn moved_exactly_once(world: &World, many: usize, due: DateTime<Utc>) {
    let (steps, lapsed, standing) = world
        .look(|conn| {
            let steps: Vec<(Uuid, String, String)> = events::table
                .filter(events::subject_kind.eq("report"))
                .filter(events::actor_id.is_null())
                .select((events::subject_id, events::kind, events::header))
                .load(conn)?;
            let lapsed: Vec<(Uuid, DateTime<Utc>, String, String)> = report_lapses::table
                .select((
                    report_lapses::report_id,
                    report_lapses::due_at,
                    report_lapses::rule,
                    report_lapses::tier,
                ))
                .load(conn)?;
            type Standing = (Uuid, Option<DateTime<Utc>>, String, i64);
            let standing: Vec<Standing> = reports::table
                .select((
                    reports::id,
                    reports::next_due_at,
                    reports::holder_tier,
                    reports::version,
                ))
                .load(conn)?;
            Ok((steps, lapsed, standing))
        })
        .await;
    let mut of_each: HashMap<Uuid, usize> = HashMap::new();
    for (report, kind, header) in &steps {
        *of_each.entry(*report).or_default() += 1;
        let header: Value = serde_json::from_str(header).unwrap();
        assert_eq!(kind, "lapsed", "{header}");
        assert_eq!(header["facts"]["rule"], "undecided", "{header}");
    }
    assert!(of_each.values().all(|steps| *steps == 1), "moved twice");
    assert_eq!(of_each.len(), many, "each moved");

    assert_eq!(lapsed.len(), many);
    let distinct: HashSet<Uuid> = lapsed.iter().map(|(report, ..)| *report).collect();
    assert_eq!(distinct.len(), many);
    for (report, due_at, rule, tier) in lapsed {
        let told = (due_at, rule.as_str(), tier.as_str());
        assert_eq!(told, (due, "undecided", "village"), "{report}");
    }
    assert_eq!(standing.len(), many);
    for (report, next_due_at, tier, version) in standing {
        assert!(next_due_at.is_some_and(|next| next > due), "{report}");
        assert_eq!((tier.as_str(), version), ("village", 2), "{report}");
    }
}

/// Files so many reports in all groups of both towns, by the command that the server files with.
async fn file(world: &World, many: usize) {
    let mut leaders = Vec::new();
    for (prefix, town) in [("", world.here()), ("b_", world.beside())] {
        for (village, group) in
            (1..=3).flat_map(|village| (1..=3).map(move |group| (village, group)))
        {
            let officer = world.officer(&format!("{prefix}group_{village}_{group}"));
            let body: ReportFiling =
                serde_json::from_value(filing(town.group(village, group)).0).expect("a filing");
            leaders.push((officer, body));
        }
    }
    let now = world.now();
    for begin in (0..many).step_by(TOGETHER) {
        let (app, leaders) = (world.app().clone(), leaders.clone());
        world
            .change(move |conn| {
                for number in begin..many.min(begin + TOGETHER) {
                    let (officer_id, body) = &leaders[number % leaders.len()];
                    let actor = Actor {
                        officer_id: *officer_id,
                        postings: active_postings(conn, *officer_id, now)?,
                        service: None,
                    };
                    let viewer = Viewer {
                        scope: Scope::of(&actor),
                        actor,
                        language: Language::Chinese,
                        now,
                        crs: None,
                    };
                    commands::file(conn, &app.reports, &viewer, Uuid::now_v7(), body, [0; 32])?;
                }
                Ok(())
            })
            .await;
    }
}

async fn moved(world: &World) -> usize {
    let moved: i64 = world
        .look(|conn| Ok(report_lapses::table.count().get_result(conn)?))
        .await;
    usize::try_from(moved).unwrap()
}

async fn still_due(world: &World, due: DateTime<Utc>) -> i64 {
    world
        .look(move |conn| {
            Ok(reports::table
                .filter(reports::next_due_at.le(Some(At(due))))
                .count()
                .get_result(conn)?)
        })
        .await
}

async fn until(begun: &Instant, mut so: impl AsyncFnMut() -> bool) {
    while !so().await {
        assert!(begun.elapsed() < PATIENCE, "the clock does not come to it");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
