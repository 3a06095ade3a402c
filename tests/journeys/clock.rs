//! Nobody acts: the clock moves the report as announced, and the record names nobody as approver.

use chrono::TimeDelta;
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::{Category, Severity};
use serde_json::{Value, json};

use crate::support::client::{allowed, id_of, instant};
use crate::support::{World, filing};

on_both!(
    a_report_left_alone_goes_where_it_was_foretold_to_go,
    whatever_is_left_alone_moves_to_the_second_as_was_foretold,
    whatever_is_filed_reaches_the_town_and_is_pressed_for,
    a_secretary_recalls_what_lapsed_once,
    behind_however_many_reminders_the_rest_is_foretold,
    after_a_standstill_everything_has_its_place,
    steps_taken_twice_at_once_are_taken_once,
    what_is_filed_or_decided_sets_the_wake_timer,
);

/// The events of a record that the system caused: kind, rule, due instant.
fn by_itself(record: &[Value]) -> Vec<(String, String, String)> {
    record
        .iter()
        .filter(|event| event.get("actor").is_none())
        .map(|event| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&event["kind"]),
                text(&event["details"]["rule"]),
                text(&event["details"]["due_at"]),
            )
        })
        .collect()
}

fn same_instant(one: &str, other: &Value) -> bool {
    instant(&json!(one)) == instant(other)
}

/// The clock comes at each instant, and a little later.
async fn come_at_each(world: &World, steps: &[Value]) {
    let mut instants: Vec<_> = steps.iter().map(|step| instant(&step["at"])).collect();
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
        let ahead = at - world.now();
        world.advance(ahead.max(TimeDelta::zero()) + TimeDelta::milliseconds(20));
        world.tick().await;
    }
}

/// What happened by itself is what was foretold, each step when it was due. What comes again and again
/// was told once.
#[track_caller]
fn as_foretold(record: &[Value], steps: &[Value]) {
    let repeated = |rule: &str| {
        steps
            .iter()
            .any(|step| step["rule"] == rule && step["repeats"] == true)
    };
    let mut firsts: Vec<(String, String, String)> = Vec::new();
    for event in by_itself(record) {
        let again = repeated(&event.1) && firsts.iter().any(|one| one.1 == event.1);
        if !again {
            firsts.push(event);
        }
    }
    assert_eq!(firsts.len(), steps.len(), "{firsts:?}\n{steps:?}");
    for ((kind, rule, due), step) in firsts.iter().zip(steps) {
        assert_eq!((&json!(kind), &json!(rule)), (&step["kind"], &step["rule"]));
        assert!(same_instant(due, &step["at"]), "{rule}: {due} {step}");
    }
    for event in record.iter().filter(|event| event.get("actor").is_none()) {
        let late = instant(&event["at"]) - instant(&event["details"]["due_at"]);
        assert!(late >= TimeDelta::zero(), "{event}");
        let rule = event["details"]["rule"].as_str().unwrap();
        assert!(repeated(rule) || late < TimeDelta::minutes(1), "{event}");
    }
}

async fn a_report_left_alone_goes_where_it_was_foretold_to_go(world: World) {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
    let steps = forecast["steps"].as_array().unwrap().clone();
    let rules: Vec<&str> = steps
        .iter()
        .map(|step| step["rule"].as_str().unwrap())
        .collect();
    // A report in days: undecided, then the village's step, then the town, and pressing.
    assert_eq!(rules.first(), Some(&"undecided"), "{rules:?}");
    assert!(rules.contains(&"step_over") && rules.contains(&"deadline_passed"));
    assert_eq!(steps[0]["to"]["grid_name"], "示范1村");
    assert!(
        !steps[0]["to"]["officers"].as_array().unwrap().is_empty(),
        "by name"
    );
    let last = steps.iter().find(|step| step["repeats"] == true).unwrap();
    assert_eq!(last["to"]["tier"], "town");

    come_at_each(&world, &steps).await;
    let town = world.town_leader().await;
    as_foretold(&town.record(id).await, &steps);
    let report = town.report(id).await;
    assert_eq!(
        (&report["tier"], &report["colour"]),
        (&json!("town"), &json!("red"))
    );
    let kinds: Vec<Value> = town
        .record(id)
        .await
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert!(!kinds.contains(&json!("approved")), "{kinds:?}");
}

async fn whatever_is_left_alone_moves_to_the_second_as_was_foretold(world: World) {
    let leader = world.leader(3, 2).await;
    let mut filed = Vec::new();
    for category in Category::ALL {
        for severity in Severity::ALL {
            let body = filing(world.here().group(3, 2))
                .category(category.code())
                .severity(severity.code());
            let report = leader.file(&body).await;
            let id = id_of(&report);
            let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
            let steps = forecast["steps"].as_array().unwrap().clone();
            let last = steps.last().expect("steps");
            assert!(instant(&last["at"]) > instant(&report["deadline_at"]));
            filed.push((id, steps));
        }
    }
    let all: Vec<Value> = filed.iter().flat_map(|(_, steps)| steps.clone()).collect();
    come_at_each(&world, &all).await;
    let town = world.town_leader().await;
    for (id, steps) in filed {
        as_foretold(&town.record(id).await, &steps);
    }
}

async fn whatever_is_filed_reaches_the_town_and_is_pressed_for(world: World) {
    let leader = world.leader(2, 1).await;
    let mut filed = Vec::new();
    for category in Category::ALL {
        for severity in Severity::ALL {
            let body = filing(world.here().group(2, 1))
                .category(category.code())
                .severity(severity.code());
            let report = leader.file(&body).await;
            let id = id_of(&report);
            let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
            filed.push((id, instant(&report["deadline_at"]), forecast));
        }
    }
    // Longer than the longest limit, at one go.
    world.advance(TimeDelta::days(60));
    world.tick().await;
    let town = world.town_officer().await;
    for (id, deadline, forecast) in filed {
        let report = town.report(id).await;
        assert_eq!(report["tier"], "town", "{report}");
        assert_eq!(report["colour"], "red");
        assert_eq!(instant(&report["deadline_at"]), deadline);
        assert!(instant(&report["next_due_at"]) > world.now());
        // What came late came where it would have been.
        let happened = by_itself(&town.record(id).await);
        for step in forecast["steps"].as_array().unwrap() {
            assert!(
                happened
                    .iter()
                    .any(|(_, rule, due)| step["rule"] == json!(rule)
                        && same_instant(due, &step["at"])),
                "{step} of {happened:?}"
            );
        }
    }
}

async fn a_secretary_recalls_what_lapsed_once(world: World) {
    let leader = world.leader(1, 1).await;
    let body = filing(world.here().group(1, 1)).disposition("keep");
    let id = id_of(&leader.file(&body).await);
    // The group's step, then the village's.
    let until_town = async || {
        for _ in 0..8 {
            let report = world.town_leader().await.report(id).await;
            if report["tier"] == "town" {
                return report;
            }
            let due = instant(&report["next_due_at"]) - world.now();
            world.advance(due.max(TimeDelta::zero()) + TimeDelta::milliseconds(5));
            world.tick().await;
        }
        panic!("it stays below");
    };
    let report = until_town().await;
    assert_eq!(report["lapse"]["tier"], "village");
    let secretary = world.secretary(1).await;
    let lapsed = secretary.get("/v1/inbox/lapsed").await.ok();
    assert_eq!(lapsed["items"][0]["report"]["id"], json!(id));
    assert_eq!(lapsed["items"][0]["rule"], "step_over");
    assert_eq!(lapsed["items"][0]["charged"], true);
    assert!(instant(&lapsed["items"][0]["recall_until"]) > world.now());
    assert!(allowed(&secretary.report(id).await).contains(&"recall".to_owned()));
    // Not the officer beside the secretary, and nobody of another village.
    world
        .village_officer(1)
        .await
        .act(id, "recall", json!({}))
        .await
        .refused(Code::NotPermitted);
    world
        .secretary(2)
        .await
        .act(id, "recall", json!({}))
        .await
        .refused(Code::NotFound);
    let report = secretary
        .act(id, "recall", json!({"reason": "已返回，自行处置"}))
        .await
        .ok();
    assert_eq!(
        (&report["tier"], &report["status"]),
        (&json!("village"), &json!("open"))
    );
    assert!(report.get("lapse").is_none());
    // It lapses again, and is not recalled again.
    until_town().await;
    let secretary = world.secretary(1).await;
    secretary
        .act(id, "recall", json!({}))
        .await
        .refused(Code::RecallOver);
    let lapsed = secretary.get("/v1/inbox/lapsed?limit=1").await.ok();
    assert!(lapsed["items"][0].get("recall_until").is_none());
    assert_eq!(secretary.all("/v1/inbox/lapsed?limit=1").await.len(), 2);
    let group = world.leader(1, 1).await;
    assert_eq!(group.all("/v1/inbox/lapsed?limit=1").await.len(), 1);
}

async fn after_a_standstill_everything_has_its_place(world: World) {
    let leader = world.leader(1, 2).await;
    let body = filing(world.here().group(1, 2)).disposition("keep");
    let id = id_of(&leader.file(&body).await);
    let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
    world.advance(TimeDelta::days(20));
    world.tick().await;
    let town = world.town_leader().await;
    let record = town.record(id).await;
    let due: Vec<_> = by_itself(&record)
        .iter()
        .map(|(_, _, due)| instant(&json!(due)))
        .collect();
    assert!(due.is_sorted(), "{due:?}");
    for step in forecast["steps"].as_array().unwrap() {
        assert!(due.contains(&instant(&step["at"])), "{step}");
    }
    // The village had no chance: it is not charged.
    let lapsed = world.secretary(1).await.get("/v1/inbox/lapsed").await.ok();
    assert_eq!(lapsed["items"][0]["charged"], false, "{lapsed}");
    let before = record.len();
    world.tick().await;
    assert_eq!(town.record(id).await.len(), before, "nothing twice");
}

async fn steps_taken_twice_at_once_are_taken_once(world: World) {
    let leader = world.leader(3, 1).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(id_of(&leader.file(&filing(world.here().group(3, 1))).await));
    }
    world.advance(TimeDelta::days(30));
    tokio::join!(world.tick(), world.tick(), world.tick());
    let town = world.town_leader().await;
    for id in ids {
        let happened = by_itself(&town.record(id).await);
        let mut distinct = happened.clone();
        distinct.dedup();
        assert_eq!(happened, distinct);
        let lapses = happened.iter().filter(|one| one.0 == "lapsed").count();
        assert_eq!(lapses, 2, "{happened:?}");
    }
}

/// The clock of a server that rests for a year would be woken for what is due next.
async fn what_is_filed_or_decided_sets_the_wake_timer(world: World) {
    let timer = &world.app().reports.wake_timer;
    let rest = || timer.look(world.now() + TimeDelta::days(365));
    rest();
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let next = async || {
        let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
        Some(instant(&forecast["steps"][0]["at"]))
    };
    assert_eq!(rest(), next().await, "filed");
    assert_eq!(rest(), None, "reading sets nothing");
    secretary.act(id, "approve", json!({})).await.ok();
    assert_eq!(rest(), next().await, "decided");
    let refused = leader.act(id, "approve", json!({})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(rest(), None, "refused");
}

async fn behind_however_many_reminders_the_rest_is_foretold(world: World) {
    let chief = world.town_leader().await;
    let tag = chief.get("/v1/settings").await.header("etag").to_owned();
    let often = json!({"reports": {"pressing": {"critical_reminder_minutes": 15}}});
    let request = chief
        .request(reqwest::Method::PUT, "/v1/settings")
        .header("If-Match", tag)
        .json(&json!({"settings": often}));
    chief.send(request).await.ok();
    world.advance(TimeDelta::minutes(2));
    let leader = world.leader(1, 1).await;
    let critical = filing(world.here().group(1, 1)).severity("critical");
    let id = id_of(&leader.file(&critical).await);
    let forecast = leader.get(&format!("/v1/reports/{id}/forecast")).await.ok();
    let steps = forecast["steps"].as_array().unwrap();
    let rules: Vec<&str> = steps
        .iter()
        .map(|step| step["rule"].as_str().unwrap())
        .collect();
    let expected = [
        "due_soon",
        "deadline_passed",
        "town_late",
        "supervision_due",
        "circular_due",
    ];
    assert_eq!(rules, expected);
    // It happens at that instant, with a reminder due at the one that was foretold.
    for step in &steps[3..] {
        world.advance(instant(&step["at"]) - world.now());
        world.tick().await;
        let town = world.town_leader().await;
        let happened = by_itself(&town.record(id).await);
        let rule = step["rule"].as_str().unwrap();
        let one = happened.iter().find(|one| one.1 == rule);
        let (.., due) = one.unwrap_or_else(|| panic!("no {rule}: {happened:?}"));
        assert!(same_instant(due, &step["at"]), "{due} {step}");
    }
}
