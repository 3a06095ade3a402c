//! What an inbox shows of each report: enough to decide, and what happens if nobody does.

use chrono::TimeDelta;
use gridpatrol_domain::officer::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Client, World, filing, pictures};

on_both!(
    an_item_carries_what_a_decision_needs,
    it_tells_by_what_it_is_whose_turn,
    who_works_in_a_team_or_beside_has_it_in_person,
    who_has_two_posts_at_a_grid_is_there_by_the_own_one,
);

/// The item of this report.
async fn item(client: &Client, id: Uuid) -> Value {
    let inbox = client.inbox().await;
    let items = inbox["items"].as_array().expect("items");
    let found = items.iter().find(|item| id_of(item) == id);
    found
        .unwrap_or_else(|| panic!("{}: {inbox}", client.username))
        .clone()
}

async fn an_item_carries_what_a_decision_needs(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let (late, photo) = (Uuid::now_v7(), Uuid::now_v7());
    let filing = filing(world.here().group(1, 1))
        .with("place_text", "二组水渠北侧")
        .photo(late, "before")
        .photo(photo, "before");
    let id = id_of(&leader.file(&filing).await);
    let before = item(&secretary, id).await;
    assert!(before.get("thumbnail_url").is_none(), "{before}");
    leader
        .put_photo(photo, &pictures::snapshot())
        .await
        .created();

    let shown = item(&secretary, id).await;
    let thumbnail = shown["thumbnail_url"].as_str().expect("a thumbnail");
    assert!(thumbnail.contains(&photo.to_string()));
    assert_eq!(shown["grid_name"], "1村1组");
    assert_eq!(shown["place_text"], "二组水渠北侧");
    assert_eq!(shown["reporter"]["name"], "组长1之1");
    // It is the report as it is read elsewhere, and more.
    let report = secretary.report(id).await;
    for (member, value) in report.as_object().unwrap() {
        if !member.ends_with("_time_s") {
            assert_eq!(&shown[member], value, "{member}");
        }
    }

    // What is foretold is what the forecast says first, and what then happens.
    let target = format!("/v1/reports/{id}/forecast");
    let forecast = secretary.get(&target).await.ok();
    assert_eq!(shown["if_nobody_acts"], forecast["steps"][0]);
    assert_eq!(shown["if_nobody_acts"]["at"], report["next_due_at"]);
    assert_eq!(shown["if_nobody_acts"]["rule"], "undecided");
    assert_eq!(shown["if_nobody_acts"]["label"], "审核超时自动上报");
    assert_eq!(shown["if_nobody_acts"]["to"]["grid_name"], "示范1村");
    // A colour is no step: at the town it is due soon before anything moves.
    secretary
        .act(id, "approve", json!({"further": true}))
        .await
        .ok();
    let office = world.town_officer().await;
    let shown = item(&office, id).await;
    let forecast = office.get(&target).await.ok();
    let steps = forecast["steps"].as_array().unwrap();
    assert_eq!(steps[0]["rule"], "due_soon");
    let first = steps
        .iter()
        .find(|step| step["rule"] == "town_late")
        .unwrap();
    assert_eq!(&shown["if_nobody_acts"], first);
    // The step after that, once it has come to it.
    world.advance(TimeDelta::days(20));
    world.tick().await;
    let office = world.town_officer().await;
    let shown = item(&office, id).await;
    assert_eq!(shown["if_nobody_acts"]["at"], shown["next_due_at"]);
}

async fn it_tells_by_what_it_is_whose_turn(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let group = world.here().group(1, 1);
    let id = id_of(&leader.file(&filing(group)).await);
    let shown = item(&secretary, id).await;
    assert_eq!(shown["by"], "posting");
    assert!(shown.get("on_behalf_of").is_none(), "{shown}");

    // A deputy sees as whose.
    world.stand_in("secretary_2", "secretary_1").await;
    let deputy = world.secretary(2).await;
    let shown = item(&deputy, id).await;
    assert_eq!(shown["by"], "deputy");
    assert_eq!(
        shown["on_behalf_of"],
        json!({"id": secretary.officer, "name": "书记1"})
    );
    let own = id_of(
        &world
            .leader(2, 1)
            .await
            .file(&filing(world.here().group(2, 1)))
            .await,
    );
    let shown = item(&deputy, own).await;
    assert_eq!(shown["by"], "posting");
    assert!(shown.get("on_behalf_of").is_none(), "{shown}");
    // Who is posted there as well acts as such.
    world
        .post(
            "secretary_2",
            Role::VillageSecretary,
            world.here().village(1),
        )
        .await;
    let shown = item(&world.secretary(2).await, id).await;
    assert_eq!(shown["by"], "posting");

    // Nobody is there: the one above, and the town for a vacant secretary.
    world.dismiss("group_1_2").await;
    let kept = id_of(
        &world
            .village_officer(1)
            .await
            .file(&filing(world.here().group(1, 2)))
            .await,
    );
    let office = world.town_officer().await;
    office.act(kept, "take", json!({})).await.ok();
    office
        .act(kept, "assign", json!({"grid_id": world.here().group(1, 2)}))
        .await
        .ok();
    let shown = item(&world.village_officer(1).await, kept).await;
    assert_eq!(shown["by"], "superior");
    world.dismiss("secretary_3").await;
    let orphan = filing(world.here().group(3, 1));
    let orphan = id_of(&world.leader(3, 1).await.file(&orphan).await);
    let shown = item(&office, orphan).await;
    assert_eq!(shown["by"], "town_officer");

    // What was given in person is done by that one, or by who stands in.
    let officer = world.village_officer(1).await;
    let assign = json!({"officer_id": officer.officer});
    let given = id_of(&office.file(&filing(world.here().village(1))).await);
    office.act(given, "assign", assign).await.ok();
    let shown = item(&officer, given).await;
    assert_eq!(shown["by"], "assigned");
    world
        .stand_in("village_officer_2", "village_officer_1")
        .await;
    let shown = item(&world.village_officer(2).await, given).await;
    assert_eq!(shown["by"], "deputy");
    assert_eq!(shown["on_behalf_of"]["id"], officer.officer.to_string());
}

/// How many wait for somebody by an own turn, and how many only as a deputy: as the items say it.
async fn own_and_deputised(client: &Client) -> (usize, usize) {
    let inbox = client.inbox().await;
    let items = inbox["items"].as_array().expect("items");
    let deputised = |item: &&Value| item.get("on_behalf_of").is_some();
    let deputy = items.iter().filter(deputised).count();
    let told = (items.len() - deputy, deputy);
    let counts = client.get("/v1/inbox/counts").await.ok();
    assert_eq!(
        (&counts["own"], &counts["deputy"]),
        (&json!(told.0), &json!(told.1)),
        "{}",
        client.username
    );
    told
}

async fn who_works_in_a_team_or_beside_has_it_in_person(world: World) {
    let office = world.town_officer().await;
    let members = [world.officer("village_officer_3")];
    let team = json!({
        "town_id": world.here().id(), "name": "东片检查组", "kind": "inspection",
        "lead_id": world.officer("village_officer_2"), "member_ids": members, "grid_ids": [],
    });
    let team = world.town_leader().await.post("/v1/teams", &team).await;
    let team = id_of(&team.created());
    let given = id_of(&office.file(&filing(world.here().village(1))).await);
    let helper = world.officer("village_officer_1");
    let assign = json!({"team_id": team, "co_handlers": [helper]});
    office.act(given, "assign", assign).await.ok();
    for village in [1, 2, 3] {
        let one = world.village_officer(village).await;
        let shown = item(&one, given).await;
        assert_eq!(shown["by"], "assigned", "{village}");
        assert_eq!(own_and_deputised(&one).await, (1, 0));
    }
    // Who helps and stands in for the lead has it in person; who only stands in, as a deputy.
    let lead = world.officer("village_officer_2").to_string();
    world
        .stand_in("village_officer_1", "village_officer_2")
        .await;
    let helper = world.village_officer(1).await;
    let shown = item(&helper, given).await;
    assert_eq!(shown["by"], "assigned");
    assert!(shown.get("on_behalf_of").is_none(), "{shown}");
    assert_eq!(own_and_deputised(&helper).await, (1, 0));
    world.stand_in("group_2_2", "village_officer_2").await;
    let deputy = world.leader(2, 2).await;
    let shown = item(&deputy, given).await;
    assert_eq!(shown["by"], "deputy");
    assert_eq!(shown["on_behalf_of"]["id"], lead);
    assert_eq!(own_and_deputised(&deputy).await, (0, 1));
}

async fn who_has_two_posts_at_a_grid_is_there_by_the_own_one(world: World) {
    let office = world.town_officer().await;
    let given = id_of(&office.file(&filing(world.here().village(1))).await);
    let assign = json!({"grid_id": world.here().village(1)});
    office.act(given, "assign", assign).await.ok();
    for (deputy, absent) in [
        ("village_officer_1", "secretary_1"),
        ("secretary_1", "village_officer_1"),
    ] {
        world.stand_in(deputy, absent).await;
    }
    for client in [world.village_officer(1).await, world.secretary(1).await] {
        let shown = item(&client, given).await;
        assert!(shown.get("on_behalf_of").is_none(), "{shown}");
        assert_eq!(own_and_deputised(&client).await, (1, 0));
    }
}
