//! Reports about the same matter: close in place, time and category, showing only what the caller may
//! see.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{Client, id_of};
use crate::support::{Filing, World, filing};

on_both!(
    what_is_near_is_suggested_and_nothing_else,
    other_grids_are_counted_and_not_told,
);

/// A filing so many metres north of a place.
fn north(grid: Uuid, metres: f64) -> Filing {
    let lat = 26.69 + metres / 111_195.0;
    filing(grid).with(
        "location",
        json!({"lat": lat, "lon": 101.85, "crs": "wgs84"}),
    )
}

async fn suggested(client: &Client, target: &str) -> Vec<(Uuid, u64)> {
    let similar = client.get(target).await.ok();
    let one = |item: &Value| (id_of(item), item["distance_m"].as_u64().expect("metres"));
    let items = similar["items"].as_array().expect("items");
    items.iter().map(one).collect()
}

async fn what_is_near_is_suggested_and_nothing_else(world: World) {
    let group = world.here().group(1, 1);
    let leader = world.leader(1, 1).await;
    let file = async |filing: &Filing| id_of(&leader.file(filing).await);
    let old = file(&north(group, 5.0)).await;
    world.advance(TimeDelta::days(8));
    let leader = world.leader(1, 1).await;
    let file = async |filing: &Filing| id_of(&leader.file(filing).await);
    let here = file(&north(group, 0.0)).await;
    let near = file(&north(group, 150.0)).await;
    let nearer = file(&north(group, 20.0)).await;
    file(&north(group, 230.0)).await;
    file(&north(group, 10.0).category("straw_burning")).await;
    file(&filing(group)).await;
    let void = file(&north(group, 1.0)).await;
    leader
        .act(void, "void", json!({"reason": "误报"}))
        .await
        .ok();
    let of_here = format!("/v1/reports/{here}/similar");
    assert_eq!(
        suggested(&leader, &of_here).await,
        [(nearer, 20), (near, 150)]
    );
    // From the old one, nothing is near in time.
    let of_old = format!("/v1/reports/{old}/similar");
    assert!(suggested(&leader, &of_old).await.is_empty());
    // What has ended is the same matter still.
    let secretary = world.secretary(1).await;
    secretary.act(nearer, "approve", json!({})).await.ok();
    let close = json!({"outcome": "handled", "result": "已清运"});
    secretary.act(nearer, "close", close).await.ok();
    let similar = secretary.get(&of_here).await.ok();
    assert_eq!(similar["items"][0]["status"], "closed");
    assert_eq!(similar["items"][1]["reporter"]["name"], "组长1之1");
    assert_eq!(similar["within_m"], 200);
    assert_eq!(similar["within_days"], 7);
    assert_eq!(similar["hidden"], 0);
    // Before filing, in the phone's system.
    let place = "category=living_environment&lat=26.69&lon=101.85";
    let matter = format!("{place}&crs=wgs84");
    let before = format!("/v1/reports/similar?{matter}");
    assert_eq!(
        suggested(&leader, &before).await,
        [(here, 0), (nearer, 20), (near, 150)]
    );
    let shifted = format!("/v1/reports/similar?{place}&crs=gcj02");
    assert!(suggested(&leader, &shifted).await.is_empty());
    // Which system it is, is never guessed: half a kilometre off, nothing is near.
    let unsaid = format!("/v1/reports/similar?{place}");
    leader
        .get(&unsaid)
        .await
        .wrong_at(&[("query/crs", "required")]);
    leader
        .get("/v1/reports/similar?category=fire&lat=0&lon=0&crs=wgs84")
        .await
        .wrong_at(&[
            ("query/category", "not_allowed"),
            ("query/lat", "out_of_range"),
        ]);
    // The town decides what near is.
    let town_leader = world.town_leader().await;
    let settings = town_leader.get("/v1/settings").await;
    let tag = settings.header("etag").to_owned();
    let change = json!({"settings": {"similar": {"metres": 100, "days": 30}}});
    let request = town_leader
        .request(reqwest::Method::PUT, "/v1/settings")
        .header("If-Match", tag)
        .json(&change);
    town_leader.send(request).await.ok();
    world.advance(TimeDelta::minutes(2));
    assert_eq!(suggested(&leader, &of_here).await, [(old, 5), (nearer, 20)]);
}

async fn other_grids_are_counted_and_not_told(world: World) {
    let (one, other) = (world.leader(1, 1).await, world.leader(2, 1).await);
    let here = id_of(&one.file(&north(world.here().group(1, 1), 0.0)).await);
    let there = id_of(&other.file(&north(world.here().group(2, 1), 50.0)).await);
    let of_here = format!("/v1/reports/{here}/similar");
    let similar = one.get(&of_here).await.ok();
    assert_eq!(similar["items"], json!([]));
    assert_eq!(similar["hidden"], 1);
    let office = world.town_officer().await;
    assert_eq!(suggested(&office, &of_here).await, [(there, 50)]);
    other.get(&of_here).await.refused(Code::NotFound);
    // Another town's lie beyond any hint.
    let beside = world.sign_in("b_group_1_1").await;
    beside.file(&north(world.beside().group(1, 1), 0.0)).await;
    let matter = "category=living_environment&lat=26.69&lon=101.85&crs=wgs84";
    let similar = beside
        .get(&format!("/v1/reports/similar?{matter}"))
        .await
        .ok();
    assert_eq!(similar["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(similar["hidden"], 0);
    let foreign = format!("/v1/reports/similar?{matter}&town={}", world.here().id());
    beside.get(&foreign).await.refused(Code::NotFound);
}
