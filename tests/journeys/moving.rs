//! A group leader is transferred while a filing is still on the phone. It is not lost or refused: the
//! posting at the time of discovery counts, and the new posting gives no extra access.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::json;
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Filing, World, filing, pictures};

on_both!(
    to_another_village_with_a_filing_on_the_phone,
    to_another_town_with_a_filing_on_the_phone,
    after_a_dismissal_what_was_seen_before_arrives,
);

fn seen_at(world: &World, filing: Filing, ago: TimeDelta) -> Filing {
    filing.with("observed_at", json!(world.now() - ago))
}

async fn to_another_village_with_a_filing_on_the_phone(world: World) {
    let here = world.here();
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    world.advance(TimeDelta::minutes(10));
    let transfer = format!("/v1/officers/{}/transfer", leader.officer);
    let to = json!({"role": "group_leader", "grid_id": here.group(2, 1)});
    world.town_leader().await.post(&transfer, &to).await.ok();
    world.advance(TimeDelta::minutes(3));

    let (id, photo) = (Uuid::now_v7(), Uuid::now_v7());
    let kept = filing(here.group(1, 1))
        .disposition("keep")
        .photo(photo, "before");
    let late = seen_at(&world, kept, TimeDelta::minutes(10));
    let report = leader.put_report(id, &late).await.created();
    // As the leader of the former group: kept there, as asked.
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("group"))
    );
    assert_eq!(report["filing_tier"], "group");
    leader
        .put_photo(photo, &pictures::snapshot())
        .await
        .created();
    assert_eq!(leader.put_report(id, &late).await.ok()["complete"], true);
    let record = secretary.record(id).await;
    let as_of = &record[0]["details"]["as_of"];
    assert_eq!(as_of["grid_id"], json!(here.group(1, 1)));
    assert_eq!(as_of["role"], "group_leader");
    // Whose it is now: the village's, for the group has nobody.
    assert_eq!(report["desk"]["officers"], json!(["书记1", "村干部1"]));
    // The reporter takes part, and acts there no more.
    assert_eq!(leader.all("/v1/reports?view=grid").await.len(), 0);
    assert_eq!(leader.all("/v1/reports?view=mine").await.len(), 1);
    leader
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .refused(Code::NotPermitted);

    // Put right on the spot back then: somebody who serves there verifies.
    let solved = seen_at(
        &world,
        filing(here.group(1, 1))
            .severity("minor")
            .disposition("resolved"),
        TimeDelta::minutes(10),
    );
    assert_eq!(leader.file(&solved).await["status"], "resolved");

    // What was seen afterwards, or too long ago, is a filing for another grid of the town.
    for ago in [TimeDelta::minutes(1), TimeDelta::days(31)] {
        let other = seen_at(&world, filing(here.group(1, 1)).disposition("keep"), ago);
        let report = leader.file(&other).await;
        assert_eq!(report["status"], "escalating");
        let record = secretary.record(id_of(&report)).await;
        assert!(record[0]["details"].get("as_of").is_none());
    }
    // The new post is what it is.
    let own = leader
        .file(&filing(here.group(2, 1)).disposition("keep"))
        .await;
    assert_eq!(own["status"], "open");
}

async fn to_another_town_with_a_filing_on_the_phone(world: World) {
    let here = world.here();
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    world.advance(TimeDelta::minutes(5));
    let admin = world.sign_in("admin").await;
    let transfer = format!("/v1/officers/{}/transfer", leader.officer);
    let to = json!({"role": "group_leader", "grid_id": world.beside().group(1, 1)});
    admin.post(&transfer, &to).await.ok();
    world.advance(TimeDelta::minutes(2));

    let (id, photo) = (Uuid::now_v7(), Uuid::now_v7());
    let late = seen_at(
        &world,
        filing(here.group(1, 1)).photo(photo, "before"),
        TimeDelta::minutes(4),
    );
    let report = leader.put_report(id, &late).await.created();
    assert_eq!(report["status"], "escalating");
    assert_eq!(
        report["allowed_actions"],
        json!([]),
        "nothing from another town"
    );
    // The lost answer again, and the photo that follows.
    assert_eq!(id_of(&leader.put_report(id, &late).await.ok()), id);
    leader
        .put_photo(photo, &pictures::snapshot())
        .await
        .created();
    assert_eq!(secretary.report(id).await["complete"], true);
    assert_eq!(secretary.inbox().await["counts"]["decide"], 1);
    // And no more: not to be read, not in lists, no other grid of the town.
    leader
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    assert!(leader.all("/v1/reports?view=mine").await.is_empty());
    let sibling = seen_at(&world, filing(here.group(1, 2)), TimeDelta::minutes(4));
    leader
        .put_report(Uuid::now_v7(), &sibling)
        .await
        .refused(Code::NotFound);
    let today = filing(here.group(1, 1));
    leader
        .put_report(Uuid::now_v7(), &today)
        .await
        .refused(Code::NotFound);
    // Not without end either.
    world.advance(TimeDelta::days(31));
    let leader = world.leader(1, 1).await;
    leader.put_report(id, &late).await.refused(Code::NotFound);
}

async fn after_a_dismissal_what_was_seen_before_arrives(world: World) {
    let (leader, group) = (world.leader(3, 1).await, world.here().group(3, 1));
    world.advance(TimeDelta::minutes(5));
    world.dismiss("group_3_1").await;
    world.advance(TimeDelta::minutes(1));
    let late = seen_at(&world, filing(group), TimeDelta::minutes(3));
    let id = Uuid::now_v7();
    leader.put_report(id, &late).await.created();
    leader.put_report(id, &late).await.ok();
    let inbox = world.secretary(3).await.inbox().await;
    assert_eq!(inbox["counts"]["decide"], 1);
    leader
        .put_report(Uuid::now_v7(), &filing(group))
        .await
        .refused(Code::NotFound);
}
