//! Lists what lapsed at the caller's grids.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::client::id_of;
use crate::support::{World, filing};

on_both!(a_report_that_lapsed_twice_stands_twice_in_the_list);

async fn a_report_that_lapsed_twice_stands_twice_in_the_list(world: World) {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    world.advance(TimeDelta::days(40));
    world.tick().await;

    let secretary = world.secretary(1).await;
    let listed = secretary.get("/v1/inbox/lapsed").await.ok();
    let items = listed["items"].as_array().expect("items");
    let told: Vec<_> = items
        .iter()
        .map(|item| (&item["report"]["id"], &item["tier"], &item["charged"]))
        .collect();
    let (id, village) = (json!(id), json!("village"));
    let (charged, spared) = (json!(true), json!(false));
    assert_eq!(
        told,
        // The clock came to it so late that the village never had it: it is not charged again.
        [(&id, &village, &spared), (&id, &village, &charged)],
        "undecided, then overdue"
    );
    assert!(items[0]["due_at"].as_str() > items[1]["due_at"].as_str());
    // A page of one each.
    let first = secretary.get("/v1/inbox/lapsed?limit=1").await.ok();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = secretary
        .get(&format!("/v1/inbox/lapsed?limit=1&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(first["items"][0]["due_at"], items[0]["due_at"]);
    assert_eq!(second["items"][0]["due_at"], items[1]["due_at"]);
    assert!(second.get("next_cursor").is_none());
}
