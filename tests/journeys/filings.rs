//! What a filing leads to, depending on who files it, about what, where, and with which request.

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of, instant};
use crate::support::{World, filing, pictures};

/// Status, tier of the holder, tier that filed it.
fn stands(report: &Value) -> (&str, &str, &str) {
    let text = |member: &str| report[member].as_str().expect("a text");
    (text("status"), text("tier"), text("filing_tier"))
}

on_both!(
    kept_by_the_group_it_stays_there,
    put_right_on_the_spot_it_is_closed_if_the_rule_allows,
    a_critical_report_goes_straight_to_the_town,
    what_becomes_critical_moves_to_the_town,
    for_another_grid_of_the_town_it_goes_up_there_and_the_filer_keeps_sight,
    filed_by_the_village_and_by_the_town,
    a_void_report_is_out_and_can_be_taken_back,
);

async fn kept_by_the_group_it_stays_there(world: World) {
    let leader = world.leader(1, 1).await;
    let kept = filing(world.here().group(1, 1)).disposition("keep");
    let report = leader.file(&kept).await;
    let id = id_of(&report);
    assert_eq!(stands(&report), ("open", "group", "group"));
    assert_eq!(report["desk"]["duty"], "handle");
    leader
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .refused(Code::ResultRequired);
    let report = leader
        .act(
            id,
            "close",
            json!({"outcome": "handled", "result": "已清扫"}),
        )
        .await
        .ok();
    assert_eq!(report["status"], "closed");
    assert_eq!(report["result"], "已清扫");
    assert_eq!(report["resolved_by"]["name"], "组长1之1");

    // What the group may not close by itself.
    for (severity, category, source) in [
        ("serious", "living_environment", "patrol"),
        ("minor", "petition_case", "patrol"),
        ("minor", "living_environment", "petition"),
        ("minor", "living_environment", "superior_list"),
    ] {
        let filing = kept
            .clone()
            .severity(severity)
            .category(category)
            .with("source", source);
        let id = id_of(&leader.file(&filing).await);
        assert!(!allowed(&leader.report(id).await).contains(&"close".to_owned()));
        leader
            .act(id, "close", json!({"outcome": "unfounded"}))
            .await
            .refused(Code::HigherTierCloses);
        let report = leader
            .act(id, "resolve", json!({"result": "已处理"}))
            .await
            .ok();
        let verifier = if severity == "serious" {
            "village"
        } else {
            "town"
        };
        assert_eq!(
            stands(&report),
            ("resolved", verifier, "group"),
            "{severity} {category} {source}"
        );
    }
}

async fn put_right_on_the_spot_it_is_closed_if_the_rule_allows(world: World) {
    let leader = world.leader(1, 1).await;
    let settled = filing(world.here().group(1, 1))
        .disposition("resolved")
        .with("on_site_action", "当场清扫");
    for severity in ["minor", "general"] {
        let report = leader.file(&settled.clone().severity(severity)).await;
        assert_eq!(stands(&report), ("closed", "group", "group"));
        assert_eq!(
            (&report["outcome"], &report["result"]),
            (&json!("handled"), &json!("当场清扫"))
        );
        assert!(report.get("self_verified").is_none());
    }
    // Serious: somebody else looks at it, and wants to see a picture.
    let photo = Uuid::now_v7();
    let serious = settled.clone().severity("serious").photo(photo, "after");
    let report = leader.file(&serious).await;
    let id = id_of(&report);
    assert_eq!(stands(&report), ("resolved", "village", "group"));
    let secretary = world.secretary(1).await;
    secretary
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .refused(Code::AfterPhotoRequired);
    leader
        .put_photo(photo, &pictures::snapshot())
        .await
        .created();
    secretary
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .ok();
    // A petition: the town.
    let report = leader.file(&settled.category("petition_case")).await;
    assert_eq!(stands(&report), ("resolved", "town", "group"));
}

async fn a_critical_report_goes_straight_to_the_town(world: World) {
    let leader = world.leader(1, 1).await;
    let town = world.town_officer().await;
    for disposition in ["escalate", "keep", "resolved"] {
        let critical = filing(world.here().group(1, 1))
            .severity("critical")
            .disposition(disposition);
        let report = leader.file(&critical).await;
        let id = id_of(&report);
        let status = if disposition == "resolved" {
            "resolved"
        } else {
            "open"
        };
        assert_eq!(stands(&report), (status, "town", "group"));
        assert_eq!(report["desk"]["grid_id"], json!(world.here().id()));
        let record = town.record(id).await;
        assert!(
            record
                .iter()
                .any(|event| event["kind"] == "village_notified"),
            "{record:?}"
        );
    }
    // The filer may still put it right, until it is somebody's work.
    let critical = filing(world.here().group(1, 1)).severity("critical");
    let (first, second) = (
        id_of(&leader.file(&critical).await),
        id_of(&leader.file(&critical).await),
    );
    assert!(allowed(&leader.report(first).await).contains(&"resolve".to_owned()));
    let report = leader
        .act(first, "resolve", json!({"result": "明火已扑灭"}))
        .await
        .ok();
    assert_eq!(stands(&report), ("resolved", "town", "group"));
    town.act(
        second,
        "assign",
        json!({"grid_id": world.here().village(1)}),
    )
    .await
    .ok();
    assert!(!allowed(&leader.report(second).await).contains(&"resolve".to_owned()));
    leader
        .act(second, "resolve", json!({"result": "x"}))
        .await
        .refused(Code::NotHolder);
}

async fn what_becomes_critical_moves_to_the_town(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let kept = filing(world.here().group(1, 1)).disposition("keep");
    let report = leader.file(&kept).await;
    let id = id_of(&report);
    let raised = leader
        .act(id, "reclassify", json!({"severity": "critical"}))
        .await
        .ok();
    assert_eq!(stands(&raised), ("open", "town", "group"));
    assert!(instant(&raised["deadline_at"]) < instant(&report["deadline_at"]));
    assert!(instant(&raised["next_due_at"]) <= instant(&raised["deadline_at"]));
    // Below the town nobody moves the deadline back.
    let town = world.town_officer().await;
    town.act(id, "assign", json!({"grid_id": world.here().village(1)}))
        .await
        .ok();
    let milder = secretary
        .act(id, "reclassify", json!({"severity": "minor"}))
        .await
        .ok();
    assert_eq!(milder["deadline_at"], raised["deadline_at"]);
    let milder = town
        .act(
            id,
            "reclassify",
            json!({"severity": "minor", "category": "petition_case"}),
        )
        .await
        .ok();
    assert!(instant(&milder["deadline_at"]) > instant(&raised["deadline_at"]));
}

async fn for_another_grid_of_the_town_it_goes_up_there_and_the_filer_keeps_sight(world: World) {
    let leader = world.leader(1, 1).await;
    let elsewhere = filing(world.here().group(2, 3)).disposition("keep");
    let report = leader.file(&elsewhere).await;
    let id = id_of(&report);
    assert_eq!(stands(&report).0, "escalating");
    assert_eq!(report["desk"]["grid_id"], json!(world.here().village(2)));
    assert_eq!(
        allowed(&leader.report(id).await),
        ["void", "urge", "comment"]
    );
    let mine: Vec<_> = leader
        .all("/v1/reports?view=mine")
        .await
        .iter()
        .map(id_of)
        .collect();
    assert_eq!(mine, [id]);
    assert!(leader.all("/v1/reports?view=grid").await.is_empty());
    // Those who live there see it, those beside the filer do not.
    world.leader(2, 3).await.report(id).await;
    world
        .secretary(2)
        .await
        .act(id, "approve", json!({}))
        .await
        .ok();
    world
        .secretary(1)
        .await
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    // Somebody has acted: the filer can no longer take it back.
    leader
        .act(id, "void", json!({"reason": "看错了"}))
        .await
        .refused(Code::WrongStatus);

    // Not in another town.
    leader
        .put_report(Uuid::now_v7(), &filing(world.beside().group(1, 1)))
        .await
        .refused(Code::NotFound);
}

async fn filed_by_the_village_and_by_the_town(world: World) {
    let (secretary, officer) = (world.secretary(1).await, world.village_officer(1).await);
    let group = world.here().group(1, 1);
    let report = officer.file(&filing(group)).await;
    assert_eq!(stands(&report), ("escalating", "village", "village"));
    assert_eq!(report["desk"]["officers"], json!(["书记1"]));
    // The secretary decides by sending it.
    let report = secretary.file(&filing(group)).await;
    assert_eq!(stands(&report), ("open", "town", "village"));
    let report = secretary.file(&filing(group).disposition("keep")).await;
    assert_eq!(stands(&report), ("open", "village", "village"));
    let id = id_of(&report);
    let report = secretary.act(id, "escalate", json!({})).await.ok();
    assert_eq!(stands(&report), ("open", "town", "village"));
    for username in ["town_officer", "town_leader"] {
        for disposition in ["escalate", "keep"] {
            let filing = filing(group).disposition(disposition);
            let report = world.sign_in(username).await.file(&filing).await;
            assert_eq!(stands(&report), ("open", "town", "town"));
        }
    }
    let admin = world.sign_in("admin").await;
    admin
        .put_report(Uuid::now_v7(), &filing(group))
        .await
        .refused(Code::NotPermitted);
}

async fn a_void_report_is_out_and_can_be_taken_back(world: World) {
    let leader = world.leader(1, 1).await;
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    let group = world.here().group(1, 1);
    // The reporter, before anybody acted.
    let id = id_of(&leader.file(&filing(group)).await);
    let report = leader.act(id, "void", json!({"reason": "误报"})).await.ok();
    assert_eq!(report["status"], "void");
    assert!(report.get("desk").is_none());
    leader
        .act(id, "restore", json!({}))
        .await
        .refused(Code::NotPermitted);
    let report = town
        .act(id, "restore", json!({"reason": "确有其事"}))
        .await
        .ok();
    assert_eq!(stands(&report), ("escalating", "group", "group"));
    assert!(report["next_due_at"].is_string());

    // The secretary only what is a duplicate, of a report that there is.
    let original = id_of(&leader.file(&filing(group)).await);
    secretary
        .act(id, "void", json!({"reason": "重复"}))
        .await
        .wrong_at(&[("/duplicate_of", "not_allowed")]);
    for nowhere in [Uuid::now_v7(), elsewhere(&world).await] {
        let body = json!({"reason": "重复", "duplicate_of": nowhere});
        assert_eq!(
            secretary.act(id, "void", body).await.wrong()[0].0,
            "/duplicate_of"
        );
    }
    let itself = json!({"reason": "重复", "duplicate_of": id});
    assert_eq!(
        secretary.act(id, "void", itself).await.wrong()[0].0,
        "/duplicate_of"
    );
    let body = json!({"reason": "重复", "duplicate_of": original});
    secretary.act(id, "void", body).await.ok();
}

/// A report of the town beside.
async fn elsewhere(world: &World) -> Uuid {
    let neighbour = world.sign_in("b_group_1_1").await;
    id_of(&neighbour.file(&filing(world.beside().group(1, 1))).await)
}
