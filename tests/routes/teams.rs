//! Teams of a town: making, reading, finding, changing and archiving them, by those who may.

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Client, World};

on_both!(
    a_team_is_made_read_changed_and_archived,
    teams_are_found_by_area_and_field_page_by_page,
    what_does_not_fit_the_town_is_named,
    the_town_keeps_its_teams_and_everybody_there_sees_them,
);

/// A team of the first town, led by this officer.
fn team(world: &World, name: &str, lead: &str) -> Value {
    json!({
        "town_id": world.here().id(), "name": name, "kind": "inspection",
        "lead_id": world.officer(lead),
    })
}

fn names(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|team| team["name"].as_str().expect("a name"))
        .collect()
}

async fn a_team_is_made_read_changed_and_archived(world: World) {
    let leader = world.town_leader().await;
    let mut asked = team(&world, " 东片检查组 ", "town_officer");
    asked["member_ids"] = json!([world.officer("secretary_1"), world.officer("town_officer")]);
    asked["grid_ids"] = json!([world.here().village(1)]);
    asked["categories"] = json!(["straw_burning", "straw_burning"]);
    let made = leader.post("/v1/teams", &asked).await.created();
    assert_eq!(made["name"], "东片检查组");
    assert_eq!(made["lead"]["officer_id"], asked["lead_id"]);
    let members: Vec<&Value> = made["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|member| &member["name"])
        .collect();
    assert_eq!(members, ["王环保", "书记1"], "the lead first, each once");
    assert_eq!(made["members"][1]["active"], true);
    assert_eq!(made["area"][0]["name"], "示范1村");
    assert_eq!(made["categories"], json!(["straw_burning"]));

    let target = format!("/v1/teams/{}", id_of(&made));
    let read = leader.get(&target).await;
    assert_eq!(read.ok(), made);
    let etag = read.header("etag").to_owned();
    let again = leader.request(reqwest::Method::GET, &target);
    let again = leader.send(again.header("If-None-Match", &etag)).await;
    assert_eq!(again.status, 304);

    let change = json!({"name": "东片组", "member_ids": [world.officer("secretary_2")]});
    let request = leader
        .request(reqwest::Method::PATCH, &target)
        .json(&change);
    leader
        .send(request)
        .await
        .refused(Code::PreconditionRequired);
    let changed = leader.patch(&target, &etag, &change).await.ok();
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["members"].as_array().expect("members").len(), 2);
    assert_eq!(changed["members"][1]["name"], "书记2");
    leader
        .patch(&target, &etag, &change)
        .await
        .refused(Code::VersionMismatch);
    leader
        .patch(&target, "*", &json!({}))
        .await
        .wrong_at(&[("", "required")]);

    let archive = format!("{target}/archive");
    let why = json!({"reason": "机构调整"});
    let archived = leader.post(&archive, &why).await.ok();
    assert!(archived["archived_at"].is_string());
    assert_eq!(leader.post(&archive, &why).await.ok(), archived);
    leader
        .patch(&target, "*", &change)
        .await
        .refused(Code::AlreadyEnded);
    assert_eq!(leader.get(&target).await.ok(), archived);
    // Its name is free again, and the list leaves it out.
    let next = team(&world, "东片组", "town_officer");
    let next = leader.post("/v1/teams", &next).await.created();
    assert_eq!(leader.all("/v1/teams?limit=200").await, [next]);
    let all = leader.all("/v1/teams?archived=true").await;
    assert_eq!(all.len(), 2);

    let record = leader.get("/v1/audit?subject_kind=team").await;
    let kinds: Vec<Value> = record.ok()["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    for kind in ["team_created", "team_changed", "team_archived"] {
        assert!(kinds.contains(&json!(kind)), "{kinds:?}");
    }
}

async fn teams_are_found_by_area_and_field_page_by_page(world: World) {
    let leader = world.town_leader().await;
    let here = world.here();
    for (name, grids, categories) in [
        ("东片", json!([here.village(1)]), json!([])),
        ("秸秆", json!([]), json!(["straw_burning"])),
        (
            "西片",
            json!([here.village(2), here.group(3, 1)]),
            json!([]),
        ),
    ] {
        let mut asked = team(&world, name, "town_officer");
        asked["grid_ids"] = grids;
        asked["categories"] = categories;
        leader.post("/v1/teams", &asked).await.created();
    }
    let group = world.leader(1, 1).await;
    let found = |query: String| {
        let group = group.clone();
        async move { group.all(&format!("/v1/teams?{query}")).await }
    };
    assert_eq!(
        names(&found("limit=2".into()).await),
        ["东片", "秸秆", "西片"]
    );
    let at = |grid: Uuid| format!("grid={grid}");
    assert_eq!(names(&found(at(here.group(1, 2))).await), ["东片", "秸秆"]);
    assert_eq!(names(&found(at(here.group(3, 1))).await), ["秸秆", "西片"]);
    assert_eq!(names(&found(at(here.village(3))).await), ["秸秆"]);
    assert!(found(at(world.beside().village(1))).await.is_empty());
    let field = "category=living_environment".to_owned();
    assert_eq!(names(&found(field).await), ["东片", "西片"]);
    let both = format!("category=straw_burning&{}", at(here.village(2)));
    assert_eq!(names(&found(both).await), ["秸秆", "西片"]);
    // A grid that ends is followed by who takes it over.
    let archive = format!("/v1/grids/{}/archive", here.village(1));
    leader
        .post(&archive, &json!({"successor_id": here.village(3)}))
        .await
        .ok();
    assert_eq!(names(&found(at(here.village(3))).await), ["东片", "秸秆"]);
    group
        .get("/v1/teams?category=nothing")
        .await
        .wrong_at(&[("query/category", "not_allowed")]);
}

async fn what_does_not_fit_the_town_is_named(world: World) {
    let leader = world.town_leader().await;
    let known = team(&world, "东片", "town_officer");
    leader.post("/v1/teams", &known).await.created();
    let mut wrong = team(&world, "东片", "b_town_officer");
    wrong["member_ids"] = json!([
        world.officer("secretary_1"),
        world.officer("b_secretary_1"),
        world.officer("auditor"),
    ]);
    wrong["grid_ids"] = json!([world.here().village(1), world.beside().village(1)]);
    leader.post("/v1/teams", &wrong).await.wrong_at(&[
        ("/name", "taken"),
        ("/lead_id", "not_allowed"),
        ("/member_ids/1", "not_allowed"),
        ("/member_ids/2", "not_allowed"),
        ("/grid_ids/1", "not_allowed"),
    ]);
    let mut wrong = team(&world, " ", "town_officer");
    wrong["kind"] = json!("gang");
    wrong["member_ids"] = json!([world.officer("secretary_1"), world.officer("secretary_1")]);
    wrong["categories"] = json!(["straw_burning", "nothing"]);
    let told = leader.post("/v1/teams", &wrong).await.wrong();
    let pointers: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/categories/1", "/kind", "/member_ids", "/name"]);
    // Who has left may stay on the list, and does not come in.
    let mut asked = team(&world, "西片", "town_officer");
    asked["member_ids"] = json!([world.officer("secretary_1")]);
    let made = leader.post("/v1/teams", &asked).await.created();
    world.dismiss("secretary_1").await;
    world.dismiss("secretary_2").await;
    let target = format!("/v1/teams/{}", id_of(&made));
    let change =
        json!({"member_ids": [world.officer("secretary_1"), world.officer("secretary_2")]});
    leader
        .patch(&target, "*", &change)
        .await
        .wrong_at(&[("/member_ids/1", "not_allowed")]);
    let change = json!({"member_ids": [world.officer("secretary_1")], "name": "西片二"});
    let changed = leader.patch(&target, "*", &change).await.ok();
    assert_eq!(changed["members"][1]["active"], false);
}

async fn the_town_keeps_its_teams_and_everybody_there_sees_them(world: World) {
    let leader = world.town_leader().await;
    let asked = team(&world, "东片", "town_officer");
    let made = leader.post("/v1/teams", &asked).await.created();
    let target = format!("/v1/teams/{}", id_of(&made));
    let archive = format!("{target}/archive");
    let change = json!({"name": "别名"});
    let refused = async |client: &Client, code: Code| {
        client.post("/v1/teams", &asked).await.refused(code);
        client.patch(&target, "*", &change).await.refused(code);
        client.post(&archive, &json!({})).await.refused(code);
    };
    for username in ["town_officer", "secretary_1", "group_1_1", "auditor"] {
        let client = world.sign_in(username).await;
        assert_eq!(client.get(&target).await.ok()["name"], "东片");
        assert_eq!(client.all("/v1/teams?limit=5").await.len(), 1);
        refused(&client, Code::NotPermitted).await;
    }
    let stranger = world.sign_in("b_town_leader").await;
    stranger.get(&target).await.refused(Code::NotFound);
    refused(&stranger, Code::NotFound).await;
    assert!(stranger.all("/v1/teams?limit=5").await.is_empty());
    stranger
        .get(&format!("/v1/teams?town={}", world.here().id()))
        .await
        .refused(Code::NotFound);
    // An administrator's authority ends at no town.
    let admin = world.sign_in("b_admin").await;
    assert_eq!(
        admin.patch(&target, "*", &change).await.ok()["name"],
        "别名"
    );
    let own = world.town_officer().await.get("/v1/bootstrap").await.ok();
    assert_eq!(own["teams"][0]["name"], "别名");
    assert_eq!(own["teams"][0]["leads"], true);
    assert!(
        own["features"]
            .as_array()
            .expect("features")
            .contains(&json!("teams"))
    );
}
