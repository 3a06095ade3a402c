//! Role × action × status × tier: what `allowed_actions` names succeeds with what it `requires`, and
//! everything else is refused and changes nothing. The whole table is in `tests/snapshots`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stations::{ACTIONS, Crew, Station, body};
use crate::support::client::id_of;
use crate::support::{Client, World, audit, filing, snapshot};

/// Everybody who may try.
const CAST: [&str; 13] = [
    "admin",
    "auditor",
    "town_leader",
    "town_officer",
    "secretary_1",
    "village_officer_1",
    "group_1_1",
    "group_1_2",
    "secretary_2",
    "village_officer_2",
    "group_2_1",
    "b_secretary_1",
    "b_town_leader",
];

on_both!(each_allowed_action_succeeds_and_each_other_is_refused,);

async fn each_allowed_action_succeeds_and_each_other_is_refused(world: World) {
    let crew = Crew::of(&world).await;
    let cast = join_all(CAST.map(|username| world.sign_in(username))).await;
    let original = id_of(&crew.leader.file(&filing(world.here().group(1, 1))).await);
    let mut table = String::new();
    for station in Station::ALL {
        let id = crew.bring(station).await;
        let before = audit::moved(&world, id).await;
        let rows = join_all(
            cast.iter()
                .map(|officer| row(&world, &crew, station, id, original, officer)),
        )
        .await;
        assert_eq!(
            audit::moved(&world, id).await,
            before,
            "a refusal changed the report {station:?}"
        );
        writeln!(table, "{station:?}").unwrap();
        for (officer, cells) in cast.iter().zip(rows) {
            writeln!(table, "  {:18}{}", officer.username, written(&cells)).unwrap();
        }
    }
    snapshot::settings().bind(|| insta::assert_snapshot!("permissions", table));
}

/// A row of the table, in short where every action gets the same.
fn written(cells: &[String]) -> String {
    let codes: BTreeSet<&str> = cells
        .iter()
        .map(|cell| cell.split_once(' ').map_or("", |(_, code)| code))
        .collect();
    match codes.iter().collect::<Vec<_>>().as_slice() {
        [code] if !code.is_empty() => format!("everything {code}"),
        _ => cells.join(", "),
    }
}

/// What an officer gets who tries every action on a report there.
async fn row(
    world: &World,
    crew: &Crew,
    station: Station,
    id: Uuid,
    original: Uuid,
    officer: &Client,
) -> Vec<String> {
    let seen = officer.get(&format!("/v1/reports/{id}")).await;
    let none = Vec::new();
    let report = if seen.status == 404 {
        Value::Null
    } else {
        seen.ok()
    };
    let allowed = report["allowed_actions"].as_array().unwrap_or(&none);
    let (status, tier) = station.expected();
    let mut cells = Vec::new();
    for action in ACTIONS {
        let whole = body(world, action, tier, original);
        let entry = allowed.iter().find(|entry| entry["action"] == action);
        let Some(entry) = entry else {
            let answer = attempt(officer, id, action, &whole).await;
            let code = answer.code().unwrap_or_default();
            assert!(
                matches!(answer.status, 403 | 404 | 409),
                "{} {action} {station:?}: {} {}",
                officer.username,
                answer.status,
                answer.text()
            );
            let hidden = report.is_null();
            assert_eq!(
                answer.status == 404,
                hidden,
                "404 means that it is not seen"
            );
            if answer.status == 409 {
                let named = answer.json()["allowed_actions"].clone();
                let expected: Vec<&Value> = allowed.iter().map(|entry| &entry["action"]).collect();
                assert_eq!(named, json!(expected), "{}", answer.text());
            }
            cells.push(format!("{action} {code}"));
            continue;
        };
        // On a copy of its own, with the members that are named to suffice.
        let mut least = json!({});
        for member in entry["requires"].as_array().expect("requires") {
            let member = member.as_str().expect("a member");
            least[member] = whole[member].clone();
        }
        // Where there is a choice, what is required is the first of it.
        if let Some(alternatives) = entry["requires_one_of"].as_array() {
            assert!(alternatives.len() > 1, "{action}");
            assert_eq!(alternatives[0], entry["requires"], "{action}");
        }
        if action == "close" {
            least["outcome"] = entry["outcomes"][0].clone();
        }
        if action == "amend" {
            least = whole;
        }
        assert!(!entry["label"].as_str().unwrap_or_default().is_empty());
        let copy = crew.bring(station).await;
        let before = audit::moved(world, copy).await;
        let after = attempt(officer, copy, action, &least).await.ok();
        let moved = audit::moved(world, copy).await;
        assert!(moved.1 > before.1, "{action} is in the record");
        assert_eq!(
            moved.0 > before.0,
            action != "comment",
            "{action} {station:?}"
        );
        assert_eq!(after["version"], moved.0);
        let outcomes = entry["outcomes"].as_array().map_or(0, Vec::len);
        let mut cell = action.to_uppercase();
        if action == "close" && outcomes < 3 {
            write!(cell, "({outcomes} of 3)").unwrap();
        }
        if action == "return" && status == "open" {
            assert!(after.get("handler").is_none(), "the work is given back");
        }
        cells.push(cell);
    }
    cells
}

async fn attempt(officer: &Client, id: Uuid, action: &str, body: &Value) -> crate::support::Answer {
    if action == "amend" {
        officer.patch(&format!("/v1/reports/{id}"), "*", body).await
    } else {
        officer.act(id, action, body.clone()).await
    }
}
