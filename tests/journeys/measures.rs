//! Measures about a report that do not move it: those who may take them can, all others are refused.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::calendar::Calendar;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::{Category, Policy, Severity};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of, instant};
use crate::support::{Client, World, filing};

on_both!(
    work_is_accepted_or_declined_once,
    a_superior_takes_and_hands_over,
    more_time_is_asked_for_once_and_decided_one_tier_up,
    silence_refuses_more_time,
    what_is_suspended_rests_until_its_review,
    the_county_s_time_is_not_the_town_s_own,
    the_town_urges_and_supervises,
    what_comes_back_begins_a_new_round,
    both_reporters_of_a_matter_learn_how_it_ends,
);

async fn at_village(world: &World) -> (Uuid, Client, Client) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    secretary.act(id, "approve", json!({})).await.ok();
    (id, leader, secretary)
}

fn kinds(record: &[Value]) -> Vec<&str> {
    record
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect()
}

#[track_caller]
fn told<'a>(record: &'a [Value], kind: &str) -> &'a Value {
    let mut found = record.iter().filter(|event| event["kind"] == kind);
    found.next().expect("the event")
}

/// How much of the time that counts is left until the deadline, to the second.
fn left(now: DateTime<Utc>, report: &Value) -> i64 {
    counted(now, report, "deadline_at")
}

/// The same until another instant of the report.
fn counted(now: DateTime<Utc>, report: &Value, until: &str) -> i64 {
    let text = |field: &str| report[field].as_str().unwrap().to_owned();
    let category = Category::from_code(&text("category")).unwrap();
    let severity = Severity::from_code(&text("severity")).unwrap();
    let pace = Policy::default().pace(category, severity);
    let left = Calendar::default().measure(pace, now, instant(&report[until]));
    (left.num_milliseconds() + 500) / 1000
}

async fn work_is_accepted_or_declined_once(world: World) {
    let (id, leader, secretary) = at_village(&world).await;
    let report = secretary.act(id, "accept", json!({})).await.ok();
    assert!(report["accepted_at"].is_string());
    secretary
        .act(id, "accept", json!({}))
        .await
        .refused(Code::AlreadyAccepted);
    leader
        .act(id, "accept", json!({}))
        .await
        .refused(Code::NotAtDesk);

    let group = world.here().group(1, 1);
    let assign = json!({"grid_id": group, "instruction": "今日清运"});
    let report = secretary.act(id, "assign", assign.clone()).await.ok();
    assert!(report.get("accepted_at").is_none(), "another desk");
    secretary
        .act(id, "decline", json!({"reason": "不在本组"}))
        .await
        .refused(Code::NotAtDesk);
    let report = leader
        .act(id, "decline", json!({"reason": "不在本组"}))
        .await
        .ok();
    assert!(report.get("handler").is_none());
    let deadline = report["deadline_at"].clone();
    let report = secretary.act(id, "assign", assign).await.ok();
    assert_eq!(report["deadline_at"], deadline, "the total clock runs");
    leader
        .act(id, "decline", json!({"reason": "还是不在"}))
        .await
        .refused(Code::DeclineOver);
    // Any first act accepts.
    let etag = leader.get(&format!("/v1/reports/{id}")).await;
    assert!(etag.ok().get("accepted_at").is_none());
    let report = leader
        .act(
            id,
            "extend",
            json!({"until": instant(&deadline) + TimeDelta::hours(5), "reason": "等车"}),
        )
        .await
        .ok();
    assert_eq!(report["desk"]["duty"], "grant");
}

async fn a_superior_takes_and_hands_over(world: World) {
    let leader = world.leader(1, 1).await;
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    leader
        .act(id, "take", json!({}))
        .await
        .refused(Code::NotPermitted);
    let report = secretary
        .act(id, "take", json!({"reason": "村里直接处置"}))
        .await
        .ok();
    assert_eq!(
        (&report["tier"], &report["status"]),
        (&json!("village"), &json!("open"))
    );
    secretary
        .act(id, "take", json!({}))
        .await
        .refused(Code::NotHolder);
    let report = town.act(id, "take", json!({})).await.ok();
    assert_eq!(report["tier"], "town");
    secretary
        .act(
            id,
            "transfer",
            json!({"grid_id": world.here().group(1, 2), "reason": "二组地界"}),
        )
        .await
        .refused(Code::NotHolder);
    for (grid, code) in [
        (world.beside().village(1), Code::TargetInvalid),
        (world.here().id(), Code::TargetInvalid),
    ] {
        town.act(id, "transfer", json!({"grid_id": grid, "reason": "x"}))
            .await
            .refused(code);
    }
    let to = json!({"grid_id": world.here().group(2, 2), "reason": "位于二村"});
    let before = town.report(id).await["deadline_at"].clone();
    let report = town.act(id, "transfer", to).await.ok();
    assert_eq!(report["desk"]["officers"], json!(["组长2之2"]));
    assert_eq!(report["deadline_at"], before);
    // Who filed it keeps sight; the former village does not.
    leader.report(id).await;
    secretary
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    assert_eq!(
        kinds(&town.record(id).await),
        ["filed", "escalated", "taken", "taken", "transferred"]
    );
}

async fn more_time_is_asked_for_once_and_decided_one_tier_up(world: World) {
    let (id, _, secretary) = at_village(&world).await;
    let report = secretary.report(id).await;
    let deadline = instant(&report["deadline_at"]);
    let before = report.clone();
    let ask = |until| json!({"until": until, "reason": "设备需调运"});
    for wrong in [deadline, deadline + TimeDelta::days(400)] {
        let answer = secretary.act(id, "extend", ask(wrong)).await;
        assert_eq!(
            answer.refused(Code::ValidationFailed)["errors"][0]["pointer"],
            "/until"
        );
    }
    let until = deadline + TimeDelta::days(2);
    let report = secretary.act(id, "extend", ask(until)).await.ok();
    assert_eq!(
        (&report["desk"]["duty"], &report["desk"]["grid_id"]),
        (&json!("grant"), &json!(world.here().id()))
    );
    assert_eq!(instant(&report["extension"]["until"]), until);
    let town = world.town_leader().await;
    assert_eq!(town.inbox().await["counts"]["grant"], 1);
    secretary
        .act(id, "grant", json!({}))
        .await
        .refused(Code::NotAtDesk);
    let too_much = json!({"until": until + TimeDelta::days(1)});
    town.act(id, "grant", too_much)
        .await
        .refused(Code::ValidationFailed);
    world.advance(TimeDelta::minutes(10));
    let report = town.act(id, "refuse", json!({"reason": "抓紧"})).await.ok();
    assert!(report.get("extension").is_none());
    assert_eq!(instant(&report["deadline_at"]), deadline);
    // The step stood still meanwhile.
    let record = town.record(id).await;
    let [asked, answered] =
        ["extension_asked", "extension_refused"].map(|kind| instant(&told(&record, kind)["at"]));
    assert_eq!(
        counted(answered, &report, "next_due_at"),
        counted(asked, &before, "next_due_at")
    );
    secretary
        .act(id, "extend", ask(until))
        .await
        .refused(Code::ExtensionOver);
    town.act(id, "grant", json!({}))
        .await
        .refused(Code::NothingAsked);

    let (id, _, secretary) = at_village(&world).await;
    let deadline = instant(&secretary.report(id).await["deadline_at"]);
    let until = deadline + TimeDelta::days(2);
    secretary.act(id, "extend", ask(until)).await.ok();
    let report = town.act(id, "grant", json!({"comment": "同意"})).await.ok();
    assert_eq!(instant(&report["deadline_at"]), until);
    assert_eq!(report["desk"]["duty"], "handle");
}

async fn silence_refuses_more_time(world: World) {
    let (id, _, secretary) = at_village(&world).await;
    let deadline = instant(&secretary.report(id).await["deadline_at"]);
    let ask = json!({"until": deadline + TimeDelta::days(1), "reason": "设备需调运"});
    let report = secretary.act(id, "extend", ask).await.ok();
    let answer_due = instant(&report["extension"]["answer_due_at"]);
    assert!(answer_due <= deadline);
    world.advance(answer_due - world.now() + TimeDelta::milliseconds(5));
    world.tick().await;
    let town = world.town_leader().await;
    let report = town.report(id).await;
    assert!(report.get("extension").is_none());
    assert_eq!(instant(&report["deadline_at"]), deadline);
    let record = town.record(id).await;
    let refused = record
        .iter()
        .find(|event| event["kind"] == "extension_refused")
        .unwrap();
    assert!(refused.get("actor").is_none());
    assert_eq!(refused["details"]["rule"], "silence");
}

async fn what_is_suspended_rests_until_its_review(world: World) {
    let (id, ..) = at_village(&world).await;
    let (leader, officer) = (world.town_leader().await, world.town_officer().await);
    let before = leader.report(id).await;
    let review = world.now() + TimeDelta::days(40);
    let milestone = world.now() + TimeDelta::days(10);
    let order = json!({"reason": "整改需跨季", "review_at": review,
        "milestones": [{"due_at": milestone, "title": "完成清淤"}]});
    officer
        .act(id, "suspend", order.clone())
        .await
        .refused(Code::NotPermitted);
    let report = leader.act(id, "suspend", order).await.ok();
    assert_eq!(report["status"], "suspended");
    assert!(report.get("desk").is_none());
    assert_eq!(instant(&report["next_due_at"]), instant(&json!(milestone)));
    assert!(allowed(&report).contains(&"resume".to_owned()));
    world.advance(TimeDelta::days(11));
    world.tick().await;
    let leader = world.town_leader().await;
    let report = leader.report(id).await;
    assert_eq!(report["status"], "suspended");
    assert_eq!(instant(&report["next_due_at"]), instant(&json!(review)));
    world.advance(TimeDelta::days(30));
    world.tick().await;
    let leader = world.town_leader().await;
    let report = leader.report(id).await;
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("town"))
    );
    let record = leader.record(id).await;
    let since = instant(&told(&record, "suspended")["at"]);
    assert_eq!(left(review, &report), left(since, &before));
    let kinds = kinds(&record);
    assert!(
        kinds.contains(&"milestone_due") && kinds.contains(&"resumed"),
        "{kinds:?}"
    );
}

async fn the_county_s_time_is_not_the_town_s_own(world: World) {
    let (id, _, secretary) = at_village(&world).await;
    let town = world.town_officer().await;
    let refer =
        json!({"agency": "县生态环境局", "reference": "镇环移〔2026〕8号", "reason": "涉嫌偷排"});
    town.act(id, "refer", refer.clone())
        .await
        .refused(Code::NotHolder);
    secretary
        .act(id, "refer", refer.clone())
        .await
        .refused(Code::NotPermitted);
    town.act(id, "take", json!({})).await.ok();
    let before = town.report(id).await;
    town.act(id, "reply", json!({"reply": "x"}))
        .await
        .refused(Code::NothingAsked);
    let report = town.act(id, "refer", refer.clone()).await.ok();
    assert_eq!(report["referral"]["agency"], "县生态环境局");
    assert!(instant(&report["next_due_at"]) > instant(&report["deadline_at"]));
    town.act(id, "refer", refer)
        .await
        .refused(Code::AlreadyReferred);
    let report = town
        .act(id, "acknowledge", json!({"reference": "县环受41号"}))
        .await
        .ok();
    assert_eq!(report["referral"]["reference"], "县环受41号");
    world.advance(TimeDelta::days(9));
    world.tick().await;
    let town = world.town_officer().await;
    let report = town.report(id).await;
    assert_eq!(report["overdue"], false, "the clock stands still");
    let report = town.act(id, "reply", json!({"reply": "已立案"})).await.ok();
    let record = town.record(id).await;
    let [since, until] =
        ["referred", "referral_replied"].map(|kind| instant(&told(&record, kind)["at"]));
    assert_eq!(left(until, &report), left(since, &before));
    let (gross, own) = (
        report["gross_time_s"].as_i64().unwrap(),
        report["own_time_s"].as_i64().unwrap(),
    );
    assert!(gross >= 9 * 86_400 && own < 600, "{gross} {own}");
}

async fn the_town_urges_and_supervises(world: World) {
    let (id, leader, _) = at_village(&world).await;
    let town = world.town_officer().await;
    let version = town.report(id).await["version"].clone();
    let report = town
        .act(id, "urge", json!({"comment": "请尽快"}))
        .await
        .ok();
    assert_eq!(report["version"], version);
    leader
        .act(id, "urge", json!({}))
        .await
        .refused(Code::UrgedLately);
    world
        .leader(1, 2)
        .await
        .act(id, "urge", json!({}))
        .await
        .refused(Code::NotFound);
    world.advance(TimeDelta::minutes(61));
    let leader = world.leader(1, 1).await;
    leader.act(id, "urge", json!({})).await.ok();

    let town = world.town_officer().await;
    let reply_by = world.now() + TimeDelta::hours(6);
    let order = json!({"demand": "限期整改并回复", "reply_by": reply_by});
    world
        .secretary(1)
        .await
        .act(id, "supervise", order.clone())
        .await
        .refused(Code::NotPermitted);
    let report = town.act(id, "supervise", order).await.ok();
    assert_eq!(report["tier"], "town");
    assert_eq!(report["handler"]["grid_id"], json!(world.here().village(1)));
    assert_eq!(report["supervision"]["tier"], "village");
    assert!(
        report["supervision"]["number"]
            .as_str()
            .unwrap()
            .ends_with("-1")
    );
    // Nobody answers: it is the town's again.
    world.advance(TimeDelta::hours(7));
    world.tick().await;
    let town = world.town_officer().await;
    let report = town.report(id).await;
    assert!(report.get("supervision").is_none() && report.get("handler").is_none());
    let record = town.record(id).await;
    assert!(kinds(&record).contains(&"handler_lapsed"));
}

async fn what_comes_back_begins_a_new_round(world: World) {
    let (id, leader, secretary) = at_village(&world).await;
    secretary
        .act(id, "reopen", json!({"reason": "反弹"}))
        .await
        .refused(Code::WrongStatus);
    let close = json!({"outcome": "handled", "result": "已清运"});
    let closed = secretary.act(id, "close", close).await.ok();
    assert_eq!(closed["status"], "closed", "{closed}");
    leader
        .act(id, "reopen", json!({"reason": "反弹"}))
        .await
        .refused(Code::NotHolder);
    world.advance(TimeDelta::days(30));
    let secretary = world.secretary(1).await;
    let report = secretary
        .act(id, "reopen", json!({"reason": "回头看发现反弹"}))
        .await
        .ok();
    assert_eq!(
        (&report["round"], &report["rebounds"], &report["status"]),
        (&json!(2), &json!(1), &json!("open"))
    );
    assert_eq!(report["received_at"], closed["received_at"]);
    assert!(instant(&report["deadline_at"]) > world.now());
    assert_eq!(report["colour"], "green");
    assert!(report.get("closed_at").is_none() && report.get("resolved_by").is_none());
    let close = json!({"outcome": "handled", "result": "再次清运"});
    secretary.act(id, "close", close).await.ok();
    world.advance(TimeDelta::days(91));
    world
        .secretary(1)
        .await
        .act(id, "reopen", json!({"reason": "太晚了"}))
        .await
        .refused(Code::ReopenOver);
}

async fn both_reporters_of_a_matter_learn_how_it_ends(world: World) {
    let (first, second) = (world.leader(1, 1).await, world.leader(2, 1).await);
    let town = world.town_officer().await;
    let original = id_of(&first.file(&filing(world.here().group(1, 1))).await);
    let again = id_of(&second.file(&filing(world.here().group(2, 1))).await);
    second
        .get(&format!("/v1/reports/{original}"))
        .await
        .refused(Code::NotFound);
    let before = first.report(original).await["version"].clone();
    let void = json!({"reason": "重复上报", "duplicate_of": original});
    town.act(again, "void", void.clone()).await.ok();
    // Who reported it second sees the first report from now on, and what comes of it.
    let report = second.report(original).await;
    assert_eq!(report["version"], before, "the original does not change");
    assert!(allowed(&report).contains(&"comment".to_owned()));
    let record = first.record(original).await;
    assert_eq!(kinds(&record), ["filed", "escalated", "duplicate_linked"]);
    assert_eq!(record[2]["details"]["duplicate_id"], json!(again));
    // What is void is nobody's original.
    let third = id_of(&first.file(&filing(world.here().group(1, 1))).await);
    let void = json!({"reason": "重复上报", "duplicate_of": again});
    let refused = town
        .act(third, "void", void)
        .await
        .refused(Code::ValidationFailed);
    assert_eq!(refused["errors"][0]["pointer"], "/duplicate_of");
}
