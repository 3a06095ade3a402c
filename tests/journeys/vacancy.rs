//! Officers and grids move while a report is open, and somebody always handles it.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of};
use crate::support::{Client, World, filing, pictures};

on_both!(
    work_given_by_name_waits_for_who_moved_to_another_village,
    work_of_an_empty_group_elsewhere_opens_to_its_village,
    what_is_reopened_after_a_merger_waits_at_the_successor,
    a_deputy_for_the_decisions_of_the_town_has_them_in_the_inbox,
    where_all_of_the_town_are_away_they_are_called,
    what_was_shown_of_an_earlier_round_shows_nothing_of_the_next,
);

/// A report of the first group that the town holds.
async fn at_town(world: &World) -> Uuid {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let town = world.town_officer().await;
    town.act(id, "take", json!({})).await.ok();
    id
}

async fn waits_for(client: &Client, id: Uuid) -> bool {
    let waiting = client.all("/v1/inbox?limit=50").await;
    let found = waiting.iter().filter(|item| id_of(item) == id).count();
    assert!(found < 2, "told twice");
    let counts = client.get("/v1/inbox/counts").await.ok();
    assert_eq!(counts["total"], waiting.len(), "{counts}");
    found == 1
}

async fn work_given_by_name_waits_for_who_moved_to_another_village(world: World) {
    let id = at_town(&world).await;
    let town = world.town_officer().await;
    let assign = json!({"officer_id": world.officer("village_officer_1")});
    town.act(id, "assign", assign).await.ok();
    let colleague = world.secretary(1).await;
    let assignee = world.village_officer(1).await;
    assert!(waits_for(&assignee, id).await);
    assert!(!waits_for(&colleague, id).await);

    world.dismiss("village_officer_1").await;
    world
        .post(
            "village_officer_1",
            Role::VillageOfficer,
            world.here().village(2),
        )
        .await;
    assert!(waits_for(&assignee, id).await, "the same officer has it");
    let report = assignee.report(id).await;
    assert_eq!(report["desk"]["officers"], json!(["村干部1"]));
    let done = json!({"result": "已清运"});
    assignee.act(id, "resolve", done).await.ok();
    assert!(!waits_for(&assignee, id).await);
}

async fn work_of_an_empty_group_elsewhere_opens_to_its_village(world: World) {
    let id = at_town(&world).await;
    let town = world.town_officer().await;
    let neighbour = world.secretary(2).await;
    neighbour
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    let assign = json!({"grid_id": world.here().group(2, 1)});
    town.act(id, "assign", assign).await.ok();
    world.dismiss("group_2_1").await;
    assert!(waits_for(&neighbour, id).await);
    let report = neighbour.report(id).await;
    assert!(allowed(&report).contains(&"resolve".to_owned()));
    let done = json!({"result": "已清运"});
    neighbour.act(id, "resolve", done).await.ok();
}

async fn what_is_reopened_after_a_merger_waits_at_the_successor(world: World) {
    let here = world.here();
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let id = id_of(&leader.file(&filing(here.group(1, 1))).await);
    secretary.act(id, "approve", json!({})).await.ok();
    let handled = json!({"outcome": "handled", "result": "已清运"});
    secretary.act(id, "close", handled).await.ok();
    let town = world.town_leader().await;
    let merger = json!({"successor_id": here.village(2), "reason": "两村合并"});
    town.post(&format!("/v1/grids/{}/archive", here.village(1)), &merger)
        .await
        .ok();

    let reopen = json!({"reason": "回头看发现再次倾倒"});
    let report = town.act(id, "reopen", reopen).await.ok();
    assert_eq!(
        report["holder"]["grid_id"],
        json!(here.village(2)),
        "{report}"
    );
    assert_eq!(report["desk"]["grid_id"], json!(here.village(2)));
    assert!(waits_for(&world.secretary(2).await, id).await);
}

async fn a_deputy_for_the_decisions_of_the_town_has_them_in_the_inbox(world: World) {
    let deputy = world.village_officer(3).await;
    let town = world.town_officer().await;
    let body = json!({"deputy_id": deputy.officer, "covers": "decisions",
        "to": world.now() + TimeDelta::days(3)});
    town.post(&format!("/v1/officers/{}/deputies", town.officer), &body)
        .await
        .created();
    world.dismiss("secretary_2").await;
    let leader = world.leader(2, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(2, 1))).await);
    assert!(waits_for(&deputy, id).await);
    deputy.act(id, "approve", json!({})).await.ok();
}

async fn where_all_of_the_town_are_away_they_are_called(world: World) {
    let id = at_town(&world).await;
    let (from, to) = (world.now(), world.now() + TimeDelta::days(7));
    let away = json!({"from": from, "to": to});
    let (leader, officer) = (world.town_leader().await, world.town_officer().await);
    leader.put("/v1/me/absence", &away).await.ok();
    let desk = |report: Value| report["desk"]["officers"].clone();
    assert_eq!(desk(officer.report(id).await), json!(["王环保"]));
    officer.put("/v1/me/absence", &away).await.ok();
    assert_eq!(
        desk(officer.report(id).await),
        json!(["李镇长", "王环保"]),
        "somebody is always called"
    );
    assert!(waits_for(&leader, id).await);
}

async fn what_was_shown_of_an_earlier_round_shows_nothing_of_the_next(world: World) {
    let photo = Uuid::now_v7();
    let body = filing(world.here().group(1, 1)).severity("serious");
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let id = id_of(&leader.file(&body.photo(photo, "after")).await);
    let picture = pictures::snapshot();
    leader.put_photo(photo, &picture).await.created();
    secretary.act(id, "approve", json!({})).await.ok();
    let done = json!({"result": "已清运"});
    secretary.act(id, "resolve", done.clone()).await.ok();
    let (handled, officer) = (
        json!({"outcome": "handled"}),
        world.village_officer(1).await,
    );
    officer.act(id, "close", handled.clone()).await.ok();

    world.advance(TimeDelta::days(30));
    let town = world.town_officer().await;
    let reopen = json!({"reason": "再次倾倒", "rebound": true});
    town.act(id, "reopen", reopen).await.ok();
    let secretary = world.secretary(1).await;
    secretary.act(id, "resolve", done).await.ok();
    let officer = world.village_officer(1).await;
    officer
        .act(id, "close", handled.clone())
        .await
        .refused(Code::AfterPhotoRequired);
    let photo = Uuid::now_v7();
    let shown = json!({"text": "已复查", "photos": [{"id": photo, "role": "after"}]});
    secretary.act(id, "comment", shown).await.ok();
    secretary.put_photo(photo, &picture).await.created();
    officer.act(id, "close", handled).await.ok();
}
