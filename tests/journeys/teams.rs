//! Work of several officers: a team with its lead, co-handlers, and what happens when they leave.

use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::notices;
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of};
use crate::support::{Client, World, filing};

on_both!(
    a_team_and_who_helps_do_the_work,
    a_team_that_has_gone_never_stops_a_report,
    who_joins_and_who_stands_in_sees_and_acts,
    work_is_given_only_within_reach,
);

/// A report of a group in village 1 that the town holds.
async fn at_town(world: &World) -> Uuid {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let secretary = world.secretary(1).await;
    secretary
        .act(id, "approve", json!({"further": true}))
        .await
        .ok();
    id
}

async fn make(world: &World, kind: &str, lead: &str, members: &[&str], grids: &[Uuid]) -> Uuid {
    let members: Vec<Uuid> = members.iter().map(|name| world.officer(name)).collect();
    let asked = json!({
        "town_id": world.here().id(), "name": format!("{kind} {lead}"), "kind": kind,
        "lead_id": world.officer(lead), "member_ids": members, "grid_ids": grids,
    });
    let leader = world.town_leader().await;
    id_of(&leader.post("/v1/teams", &asked).await.created())
}

async fn waiting(client: &Client) -> Vec<Uuid> {
    let inbox = client.inbox().await;
    let items: Vec<Uuid> = inbox["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(id_of)
        .collect();
    let counts = client.get("/v1/inbox/counts").await.ok();
    assert_eq!(counts["total"], items.len(), "{}", client.username);
    items
}

/// Who must act by the last event of a report.
async fn called(world: &World, report: Uuid) -> Vec<Value> {
    let envelope: String = world
        .look(move |conn| {
            Ok(notices::table
                .filter(notices::subject_id.eq(Id(report)))
                .order(notices::seq.desc())
                .select(notices::envelope)
                .first(conn)?)
        })
        .await;
    let envelope: Value = serde_json::from_str(&envelope).expect("JSON");
    envelope["data"]["recipients"]["must_act"]
        .as_array()
        .expect("officers")
        .clone()
}

async fn a_team_and_who_helps_do_the_work(world: World) {
    let (id, town) = (at_town(&world).await, world.town_officer().await);
    let lead = world.village_officer(2).await;
    let member = world.village_officer(3).await;
    let helper = world.leader(3, 1).await;
    lead.get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    let members = ["village_officer_3"];
    let team = make(&world, "inspection", "village_officer_2", &members, &[]).await;
    assert_eq!(waiting(&town).await, [id]);

    let assign = json!({
        "team_id": team, "co_handlers": [helper.officer], "instruction": "今日清运",
    });
    let report = town.act(id, "assign", assign.clone()).await.ok();
    let handler = &report["handler"];
    assert_eq!(handler["team"]["id"], json!(team));
    assert_eq!(handler["grid_id"], json!(world.here().id()));
    assert_eq!(
        handler["co_handlers"][0]["officer_id"],
        json!(helper.officer)
    );
    let people = json!(["村干部2", "村干部3", "组长3之1"]);
    assert_eq!(report["desk"]["officers"], people);
    assert_eq!(
        report["desk"]["team"]["name"],
        "inspection village_officer_2"
    );
    let text = report["status_text"].as_str().expect("a text");
    assert!(
        text.starts_with("由inspection village_officer_2（村干部2、"),
        "{text}"
    );
    let called = called(&world, id).await;
    let all = [&lead, &member, &helper].map(|one| json!(one.officer));
    assert_eq!(called, all, "the lead first");

    // It waits for each of them, and no more for the town.
    assert!(waiting(&town).await.is_empty());
    for one in [&lead, &member, &helper] {
        assert_eq!(waiting(one).await, [id]);
        assert_eq!(one.report(id).await["number"], report["number"]);
    }
    let forecast = town.get(&format!("/v1/reports/{id}/forecast")).await.ok();
    let steps = forecast["steps"].as_array().expect("steps");
    let late = steps.iter().find(|step| step["rule"] == "handler_late");
    let late = late.expect("the handler may be late");
    assert_eq!(late["from"]["team"], "inspection village_officer_2");
    assert_eq!(late["to"]["grid_id"], json!(world.here().id()));

    // All work on it; giving it back is the lead's.
    for one in [&member, &helper] {
        let may = allowed(&one.report(id).await);
        assert!(may.contains(&"resolve".into()) && may.contains(&"accept".into()));
        assert!(!may.contains(&"return".into()) && !may.contains(&"decline".into()));
        let no = json!({"reason": "人手不够"});
        one.act(id, "return", no.clone())
            .await
            .refused(Code::NotAtDesk);
        one.act(id, "decline", no).await.refused(Code::NotAtDesk);
    }
    assert!(allowed(&lead.report(id).await).contains(&"decline".into()));
    assert!(!allowed(&town.report(id).await).contains(&"accept".into()));
    let report = member.act(id, "accept", json!({})).await.ok();
    assert!(report["accepted_at"].is_string());
    let report = helper
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    assert_eq!(report["resolved_by"]["officer_id"], json!(helper.officer));
    assert!(waiting(&helper).await.is_empty());
    assert_eq!(waiting(&town).await, [id], "the town verifies");

    // It did not pass: back to the same.
    town.act(id, "return", json!({"reason": "渠底还有"}))
        .await
        .ok();
    assert_eq!(waiting(&member).await, [id]);
    let report = lead
        .act(id, "return", json!({"reason": "需挖机"}))
        .await
        .ok();
    assert!(report.get("handler").is_none());
    for one in [&lead, &member, &helper] {
        assert!(waiting(one).await.is_empty());
        one.report(id).await;
    }
    town.act(id, "assign", assign).await.ok();
    // Somebody else has it instead.
    let other = json!({"officer_id": member.officer, "co_handlers": [lead.officer]});
    let report = town.act(id, "assign", other).await.ok();
    assert!(report["handler"].get("team").is_none());
    assert!(waiting(&helper).await.is_empty());
    assert_eq!(waiting(&lead).await, [id], "beside, and not as a team");
}

async fn a_team_that_has_gone_never_stops_a_report(world: World) {
    let town = world.town_officer().await;
    let members = ["village_officer_3"];
    let team = make(&world, "department", "village_officer_2", &members, &[]).await;
    let (first, second) = (at_town(&world).await, at_town(&world).await);
    for id in [first, second] {
        town.act(id, "assign", json!({"team_id": team})).await.ok();
    }
    // Without the lead, the rest of it leads.
    let member = world.village_officer(3).await;
    world.dismiss("village_officer_2").await;
    let may = allowed(&member.report(first).await);
    assert!(may.contains(&"decline".into()) && may.contains(&"resolve".into()));
    assert!(waiting(&town).await.is_empty());

    world.dismiss("village_officer_3").await;
    let report = town.report(first).await;
    assert_eq!(report["handler"]["team"]["id"], json!(team));
    assert_eq!(report["desk"]["officers"], json!(["李镇长", "王环保"]));
    let text = report["status_text"].as_str().expect("a text");
    assert!(text.starts_with("由示范镇（"), "{text}");
    assert_eq!(waiting(&town).await.len(), 2);
    town.act(first, "accept", json!({})).await.ok();
    town.act(first, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    let refused = town.act(second, "assign", json!({"team_id": team})).await;
    refused.refused(Code::TargetInvalid);

    // Nor does one that is archived.
    let team = make(&world, "other", "secretary_2", &[], &[]).await;
    let secretary = world.secretary(2).await;
    town.act(second, "assign", json!({"team_id": team}))
        .await
        .ok();
    assert_eq!(waiting(&secretary).await, [second]);
    let archive = format!("/v1/teams/{team}/archive");
    let leader = world.town_leader().await;
    leader.post(&archive, &json!({})).await.ok();
    assert!(waiting(&secretary).await.is_empty());
    assert!(waiting(&town).await.contains(&second));
    let report = town.report(second).await;
    assert_eq!(report["handler"]["team"]["name"], "other secretary_2");
    assert_eq!(report["desk"]["officers"], json!(["李镇长", "王环保"]));
    assert!(!allowed(&secretary.report(second).await).contains(&"resolve".into()));
    town.act(second, "return", json!({"reason": "工作组已撤销"}))
        .await
        .ok();
}

async fn who_joins_and_who_stands_in_sees_and_acts(world: World) {
    let (id, town) = (at_town(&world).await, world.town_officer().await);
    let team = make(&world, "inspection", "village_officer_2", &[], &[]).await;
    town.act(id, "assign", json!({"team_id": team})).await.ok();
    let joiner = world.secretary(3).await;
    joiner
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    let target = format!("/v1/teams/{team}");
    let change = json!({"member_ids": [joiner.officer]});
    let leader = world.town_leader().await;
    leader.patch(&target, "*", &change).await.ok();
    assert_eq!(waiting(&joiner).await, [id]);
    joiner
        .act(id, "comment", json!({"text": "已到现场"}))
        .await
        .ok();

    let deputy = world.leader(2, 1).await;
    deputy
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    world.stand_in("group_2_1", "village_officer_2").await;
    assert_eq!(waiting(&deputy).await, [id]);
    let counts = deputy.get("/v1/inbox/counts").await.ok();
    assert_eq!((&counts["own"], &counts["deputy"]), (&json!(0), &json!(1)));
    deputy.act(id, "accept", json!({})).await.ok();
    let record = town.record(id).await;
    let accepted = record.last().expect("an event");
    assert_eq!(accepted["kind"], "accepted");
    let lead = json!(world.officer("village_officer_2"));
    assert_eq!(accepted["on_behalf_of"]["officer_id"], lead);

    // Who leaves the team keeps sight of it, and no more.
    let change = json!({"member_ids": []});
    leader.patch(&target, "*", &change).await.ok();
    assert!(waiting(&joiner).await.is_empty());
    assert!(!allowed(&joiner.report(id).await).contains(&"resolve".into()));
}

async fn work_is_given_only_within_reach(world: World) {
    let (id, town) = (at_town(&world).await, world.town_officer().await);
    let here = world.here();
    let inspection = make(&world, "inspection", "secretary_2", &[], &[]).await;
    let own = [here.village(1)];
    let liaison = make(&world, "village_liaison", "secretary_3", &[], &own).await;
    let others = [here.village(2)];
    let elsewhere = make(&world, "village_liaison", "town_officer", &[], &others).await;
    let officer = |name: &str| world.officer(name);

    let beside = |people: Value| json!({"team_id": inspection, "co_handlers": people});
    for people in [
        json!([officer("secretary_1"), officer("secretary_1")]),
        json!([officer("secretary_2")]),
        json!([officer("b_secretary_1")]),
        json!([officer("auditor")]),
    ] {
        let answer = town.act(id, "assign", beside(people)).await;
        answer.wrong_at(&[("/co_handlers", "not_allowed")]);
    }
    let many: Vec<Uuid> = (0..11).map(|_| Uuid::now_v7()).collect();
    let pointers = town.act(id, "assign", beside(json!(many))).await.wrong();
    assert_eq!(pointers[0].0, "/co_handlers");
    let both = json!({"team_id": inspection, "officer_id": officer("secretary_1")});
    let answer = town.act(id, "assign", both).await;
    answer.wrong_at(&[("/team_id", "not_allowed")]);
    let nobody = town.act(id, "assign", json!({"co_handlers": []})).await;
    nobody.wrong_at(&[("", "required")]);
    let unknown = town
        .act(id, "assign", json!({"team_id": Uuid::now_v7()}))
        .await;
    unknown.refused(Code::TargetInvalid);

    // A village has its own liaison team and no other, and reaches nobody beyond itself.
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let below = id_of(&leader.file(&filing(here.group(1, 1))).await);
    secretary.act(below, "approve", json!({})).await.ok();
    for team in [inspection, elsewhere] {
        let answer = secretary
            .act(below, "assign", json!({"team_id": team}))
            .await;
        answer.refused(Code::TargetInvalid);
    }
    let assign = json!({"team_id": liaison, "co_handlers": [officer("group_2_1")]});
    let answer = secretary.act(below, "assign", assign).await;
    answer.wrong_at(&[("/co_handlers", "not_allowed")]);
    let assign = json!({"team_id": liaison, "co_handlers": [officer("group_1_2")]});
    let report = secretary.act(below, "assign", assign).await.ok();
    assert_eq!(report["handler"]["grid_id"], json!(here.village(1)));
    let third = world.secretary(3).await;
    assert_eq!(waiting(&third).await, [below]);
    // The village ends, and another takes it over: the team stays with its work.
    let archive = format!("/v1/grids/{}/archive", here.village(1));
    let successor = json!({"successor_id": here.village(2)});
    world
        .town_leader()
        .await
        .post(&archive, &successor)
        .await
        .ok();
    let report = third.report(below).await;
    assert_eq!(report["handler"]["grid_id"], json!(here.village(2)));
    assert_eq!(report["handler"]["team"]["id"], json!(liaison));
    assert_eq!(waiting(&third).await, [below]);
    third
        .act(below, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    leader
        .act(below, "assign", json!({"team_id": liaison}))
        .await
        .refused(Code::NotPermitted);
}
