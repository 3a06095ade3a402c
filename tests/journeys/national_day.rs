//! Reports filed before a holiday week and before a night: when they are due by a calendar with make-up
//! days, and that the clock moves them then and not a minute earlier.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{id_of, instant};
use crate::support::{World, filing};

on_both!(what_is_filed_on_the_eve_moves_at_the_instants_that_count);

/// An instant in China.
fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00+08:00").parse().expect("an instant")
}

/// Mid-Autumn and National Day of 2026, as announced.
fn table() -> Value {
    let mut days = Vec::new();
    for date in 25..=27 {
        days.push(json!({"name": "中秋节", "date": format!("2026-09-{date}"), "isOffDay": true}));
    }
    for date in 1..=7 {
        days.push(json!({"name": "国庆节", "date": format!("2026-10-0{date}"), "isOffDay": true}));
    }
    for date in ["2026-09-20", "2026-10-10"] {
        days.push(json!({"name": "国庆节补班", "date": date, "isOffDay": false}));
    }
    json!({"year": 2026, "days": days})
}

/// What is filed, and what comes of it if nobody acts.
struct Story {
    filed_at: &'static str,
    category: &'static str,
    severity: &'static str,
    /// The instants of steps, to the minute, and their rules. With `+`: as many seconds later as the
    /// report was received after the minute.
    moves: &'static [(&'static str, &'static str)],
}

const STORIES: [Story; 4] = [
    // Three days: Thursday 8, Friday 9, and Saturday 10, which is worked. Eight hours each.
    Story {
        filed_at: "09-30T16:00",
        category: "living_environment",
        severity: "general",
        moves: &[
            ("10-09T10:36", "undecided"),
            ("10-10T09:48", "step_over"),
            ("10-10T11:00", "due_soon"),
            ("10-10T17:00", "deadline_passed"),
            ("10-10T17:00", "town_late"),
            // Monday to Wednesday: each morning, and on the third evening the next measure.
            ("10-12T09:00", "town_late"),
            ("10-13T09:00", "town_late"),
            ("10-14T09:00", "town_late"),
            ("10-14T17:00", "supervision_due"),
        ],
    },
    // Twenty-four hours: one before the night, fifteen on the holiday, eight on the next.
    Story {
        filed_at: "09-30T21:00",
        category: "straw_burning",
        severity: "general",
        moves: &[
            ("10-01T15:36+", "undecided"),
            ("10-02T07:48+", "step_over"),
            ("10-02T09:00+", "due_soon"),
            ("10-02T15:00+", "deadline_passed"),
            ("10-02T15:00+", "town_late"),
            // Pressing is done in working time.
            ("10-08T09:00", "town_late"),
            ("10-09T09:00", "town_late"),
            ("10-10T09:00", "town_late"),
            ("10-10T17:00", "supervision_due"),
        ],
    },
    // Two hours, half an hour of them before the night.
    Story {
        filed_at: "09-30T21:30",
        category: "straw_burning",
        severity: "serious",
        moves: &[
            ("10-01T07:18+", "undecided"),
            ("10-01T07:54+", "step_over"),
            ("10-01T08:00+", "due_soon"),
            ("10-01T08:30+", "deadline_passed"),
            ("10-01T08:30+", "town_late"),
        ],
    },
    // What is critical knows neither night nor holiday, and is the town's at once.
    Story {
        filed_at: "09-30T21:45",
        category: "drinking_water_source",
        severity: "critical",
        moves: &[
            ("10-01T00:45+", "due_soon"),
            ("10-01T01:45+", "deadline_passed"),
            ("10-01T01:45+", "town_late"),
            ("10-01T03:45+", "town_late"),
            ("10-01T05:45+", "town_late"),
        ],
    },
];

/// A story under way.
struct Filed {
    id: Uuid,
    moves: Vec<(DateTime<Utc>, &'static str)>,
}

async fn what_is_filed_on_the_eve_moves_at_the_instants_that_count(world: World) {
    go_to(&world, at("09-30T15:00"));
    let admin = world.sign_in("admin").await;
    let put = admin
        .request(reqwest::Method::PUT, "/v1/calendar")
        .json(&table());
    admin.send(put.header("If-Match", "*")).await.ok();
    let mut filed = Vec::new();
    for story in STORIES {
        filed.push(file(&world, &story).await);
    }
    let mut instants: Vec<DateTime<Utc>> = filed
        .iter()
        .flat_map(|filed| filed.moves.iter().map(|(at, _)| *at))
        .collect();
    instants.sort_unstable();
    instants.dedup();
    for instant in instants {
        // A minute earlier nothing has happened but what was due before.
        for now in [instant - TimeDelta::minutes(1), instant] {
            go_to(&world, now);
            world.tick().await;
            let town = world.town_leader().await;
            for filed in &filed {
                // Told to the second: the stories are minutes apart.
                let due = filed.moves.iter().filter(|(due, _)| *due <= world.now());
                let record = town.record(filed.id).await;
                let moved = moves(&record);
                // A story that is told to its end goes on being pressed for.
                let moved = &moved[..moved.len().min(filed.moves.len())];
                assert_eq!(moved, due.copied().collect::<Vec<_>>(), "at {now}");
            }
        }
    }
}

/// Files, and compares what is promised then.
async fn file(world: &World, story: &Story) -> Filed {
    go_to(world, at(story.filed_at));
    let leader = world.leader(1, 1).await;
    let body = filing(world.here().group(1, 1))
        .category(story.category)
        .severity(story.severity);
    let report = leader.file(&body).await;
    let id = id_of(&report);
    let late = instant(&report["received_at"]) - at(story.filed_at);
    let moves: Vec<(DateTime<Utc>, &str)> = story
        .moves
        .iter()
        .map(|(when, rule)| match when.strip_suffix('+') {
            Some(when) => (at(when) + late, *rule),
            None => (at(when), *rule),
        })
        .collect();
    let of = |wanted: &[&str], not: bool| {
        let found = moves.iter().find(|(_, rule)| wanted.contains(rule) != not);
        found.expect("such a move").0
    };
    let deadline = of(&["deadline_passed"], false);
    assert_eq!(instant(&report["deadline_at"]), deadline, "{report}");
    // Colours move nothing.
    let next_due = of(&["due_soon", "deadline_passed"], true);
    assert_eq!(instant(&report["next_due_at"]), next_due, "{report}");

    // Reminders are foretold once.
    let mut promised = moves.clone();
    let mut told = false;
    promised.retain(|(_, rule)| *rule != "town_late" || !std::mem::replace(&mut told, true));
    let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
    let foretold: Vec<(DateTime<Utc>, &str)> = forecast["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (instant(&step["at"]), step["rule"].as_str().unwrap()))
        .take(promised.len())
        .collect();
    assert_eq!(foretold, promised, "{} {}", story.category, story.severity);
    Filed { id, moves }
}

/// What the system did: due instant and rule.
fn moves(record: &[Value]) -> Vec<(DateTime<Utc>, &str)> {
    record
        .iter()
        .filter(|event| event.get("actor").is_none())
        .map(|event| {
            let details = &event["details"];
            (
                instant(&details["due_at"]),
                details["rule"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Sets the server's time, which never goes back within a story.
fn go_to(world: &World, at: DateTime<Utc>) {
    let ahead = at - world.now();
    world.advance(ahead);
}
