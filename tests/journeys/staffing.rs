//! Somebody is always responsible: a village with one officer, a grid with none, deputies.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::json;
use uuid::Uuid;

use crate::support::client::{allowed, id_of};
use crate::support::{Client, World, filing, pictures};

/// A serious report held by the second village, with an arrived photo of afterwards.
async fn serious_at_village(leader: &Client, secretary: &Client, grid: Uuid) -> Uuid {
    let photo = Uuid::now_v7();
    let filing = filing(grid).severity("serious").photo(photo, "after");
    let id = id_of(&leader.file(&filing).await);
    leader
        .put_photo(photo, &pictures::snapshot())
        .await
        .created();
    secretary.act(id, "approve", json!({})).await.ok();
    id
}

on_both!(
    in_a_village_with_one_officer_somebody_above_verifies,
    where_a_grid_has_nobody_the_one_above_acts,
    without_a_secretary_the_village_officer_does_not_decide,
    a_deputy_acts_in_the_name_of_another_for_as_long_as_it_lasts,
);

async fn in_a_village_with_one_officer_somebody_above_verifies(world: World) {
    let (leader, secretary) = (world.leader(2, 1).await, world.secretary(2).await);
    let group = world.here().group(2, 1);
    let handled = json!({"outcome": "handled", "result": "已清运"});

    // With a colleague, the colleague closes it.
    let id = serious_at_village(&leader, &secretary, group).await;
    secretary
        .act(id, "close", handled.clone())
        .await
        .refused(Code::OtherPersonCloses);
    let report = secretary
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    assert_eq!(
        (&report["tier"], &report["status"]),
        (&json!("village"), &json!("resolved"))
    );
    secretary
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .refused(Code::OtherPersonCloses);
    let report = world
        .village_officer(2)
        .await
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .ok();
    assert!(report.get("self_verified").is_none());

    // Alone in the village: the town.
    world.dismiss("village_officer_2").await;
    let id = serious_at_village(&leader, &secretary, group).await;
    secretary
        .act(id, "close", handled.clone())
        .await
        .refused(Code::OtherPersonCloses);
    let report = secretary
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    assert_eq!(
        (&report["tier"], &report["status"]),
        (&json!("town"), &json!("resolved"))
    );
    let town = world.town_officer().await;
    assert_eq!(town.inbox().await["counts"]["verify"], 1);
    let report = town
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .ok();
    assert!(report.get("self_verified").is_none());

    // Alone on the whole path: the same person, and the record says so.
    world.dismiss("town_leader").await;
    world.dismiss("town_officer").await;
    let id = serious_at_village(&leader, &secretary, group).await;
    let report = secretary
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    assert_eq!(report["tier"], "village");
    assert_eq!(secretary.inbox().await["counts"]["verify"], 1);
    let report = secretary
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["self_verified"]),
        (&json!("closed"), &json!(true))
    );
    let id = serious_at_village(&leader, &secretary, group).await;
    let report = secretary.act(id, "close", handled).await.ok();
    assert_eq!(report["self_verified"], true);
}

async fn where_a_grid_has_nobody_the_one_above_acts(world: World) {
    let leader = world.leader(3, 1).await;
    let (secretary, officer) = (world.secretary(3).await, world.village_officer(3).await);
    let town = world.town_officer().await;
    let kept = filing(world.here().group(3, 1)).disposition("keep");
    let id = id_of(&leader.file(&kept).await);
    assert_eq!(officer.inbox().await["counts"]["handle"], 0);
    officer
        .act(id, "resolve", json!({"result": "x"}))
        .await
        .refused(Code::NotHolder);

    world.dismiss("group_3_1").await;
    // Who holds no post sees nothing and does nothing, at once.
    leader
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    leader
        .put_report(Uuid::now_v7(), &kept)
        .await
        .refused(Code::NotFound);
    assert!(leader.all("/v1/reports?view=mine").await.is_empty());
    assert_eq!(leader.get("/v1/me").await.ok()["postings"], json!([]));

    let report = officer.report(id).await;
    assert_eq!(report["tier"], "group", "the desk stays where it is");
    assert_eq!(report["desk"]["officers"], json!(["书记3", "村干部3"]));
    for colleague in [&secretary, &officer] {
        let inbox = colleague.inbox().await;
        assert_eq!(inbox["counts"]["handle"], 1, "{}", colleague.username);
        assert_eq!(id_of(&inbox["items"][0]), id);
    }
    assert_eq!(town.inbox().await["counts"]["handle"], 0);

    // Nobody in the village either: the town.
    world.dismiss("secretary_3").await;
    world.dismiss("village_officer_3").await;
    let inbox = town.inbox().await;
    assert_eq!(inbox["counts"]["handle"], 1);
    assert!(allowed(&inbox["items"][0]).contains(&"close".to_owned()));
    let report = town
        .act(
            id,
            "close",
            json!({"outcome": "handled", "result": "镇里清运"}),
        )
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("closed"), &json!("group"))
    );

    // An escalation of a village without a secretary waits for the town.
    let neighbour = world.leader(3, 2).await;
    let id = id_of(&neighbour.file(&filing(world.here().group(3, 2))).await);
    let inbox = town.inbox().await;
    assert_eq!(inbox["counts"]["decide"], 1);
    assert_eq!(
        inbox["items"][0]["desk"]["officers"],
        json!(["李镇长", "王环保"])
    );
    town.act(id, "approve", json!({})).await.ok();
}

async fn without_a_secretary_the_village_officer_does_not_decide(world: World) {
    let (leader, officer) = (world.leader(1, 1).await, world.village_officer(1).await);
    let town = world.town_leader().await;
    world.dismiss("secretary_1").await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    assert_eq!(officer.inbox().await["counts"]["decide"], 0);
    officer
        .act(id, "approve", json!({}))
        .await
        .refused(Code::NotPermitted);
    assert_eq!(town.inbox().await["counts"]["decide"], 1);
    town.act(id, "return", json!({"reason": "请补拍"}))
        .await
        .ok();
}

async fn a_deputy_acts_in_the_name_of_another_for_as_long_as_it_lasts(world: World) {
    let leader = world.leader(1, 1).await;
    let officer = world.village_officer(1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    officer
        .act(id, "approve", json!({}))
        .await
        .refused(Code::NotPermitted);

    world.stand_in("village_officer_1", "secretary_1").await;
    assert_eq!(officer.inbox().await["counts"]["decide"], 1);
    let postings = officer.get("/v1/me").await.ok()["postings"].clone();
    assert_eq!(postings.as_array().unwrap().len(), 2);
    officer.act(id, "approve", json!({})).await.ok();
    let record = leader.record(id).await;
    let approved = record
        .iter()
        .find(|event| event["kind"] == "approved")
        .expect("an approval");
    assert_eq!(approved["actor"]["name"], "村干部1");
    assert_eq!(approved["on_behalf_of"]["name"], "书记1");

    // A neighbour stands in for a group leader, sees the group and works for it.
    let (sibling, hidden) = (
        world.leader(1, 2).await,
        filing(world.here().group(1, 1)).disposition("keep"),
    );
    let kept = id_of(&leader.file(&hidden).await);
    sibling
        .get(&format!("/v1/reports/{kept}"))
        .await
        .refused(Code::NotFound);
    world.stand_in("group_1_2", "group_1_1").await;
    assert_eq!(sibling.inbox().await["counts"]["handle"], 1);
    sibling
        .act(kept, "resolve", json!({"result": "代为清运"}))
        .await
        .ok();

    // A day later it is over.
    let late = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    world.advance(TimeDelta::hours(25));
    let officer = world.village_officer(1).await;
    officer
        .act(late, "approve", json!({}))
        .await
        .refused(Code::NotPermitted);
    let sibling = world.leader(1, 2).await;
    sibling
        .get(&format!("/v1/reports/{late}"))
        .await
        .refused(Code::NotFound);
}
