//! A secretary leaves during an escalation: first a deputy takes over, then nobody, then a successor.
//! Each time the report names the right people, the right inbox has it, and the record stays correct.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};

use crate::support::client::id_of;
use crate::support::{Client, World, filing};

on_both!(a_secretary_leaves_in_the_middle_of_an_escalation);

async fn waits_for(client: &Client) -> Value {
    client.inbox().await["counts"]["decide"].clone()
}

async fn a_secretary_leaves_in_the_middle_of_an_escalation(world: World) {
    let here = world.here();
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let (officer, town) = (world.village_officer(1).await, world.town_leader().await);
    let desk = async |id| leader.report(id).await["desk"]["officers"].clone();
    let file = async || id_of(&leader.file(&filing(here.group(1, 1))).await);
    let first = file().await;
    assert_eq!(desk(first).await, json!(["书记1"]));
    assert_eq!(
        (waits_for(&secretary).await, waits_for(&officer).await),
        (json!(1), json!(0))
    );

    // On leave, with a deputy.
    let to = world.now() + TimeDelta::days(3);
    let away = json!({"from": world.now(), "to": to, "deputy_id": officer.officer});
    secretary.put("/v1/me/absence", &away).await.ok();
    assert_eq!(desk(first).await, json!(["村干部1"]));
    assert_eq!(
        (waits_for(&officer).await, waits_for(&town).await),
        (json!(1), json!(0))
    );
    world
        .leader(1, 2)
        .await
        .act(first, "approve", json!({}))
        .await
        .refused(Code::NotFound);
    officer.act(first, "approve", json!({})).await.ok();
    let second = file().await;

    // The leave ends with the office: nobody decides in the village.
    let posting = town
        .get(&format!("/v1/officers/{}", secretary.officer))
        .await
        .ok()["postings"][0]["id"]
        .clone();
    let end = format!(
        "/v1/officers/{}/postings/{}/end",
        secretary.officer,
        posting.as_str().unwrap()
    );
    town.post(&end, &json!({})).await.ok();
    assert_eq!(desk(second).await, json!(["李镇长", "王环保"]));
    assert_eq!(
        (waits_for(&officer).await, waits_for(&town).await),
        (json!(0), json!(1))
    );
    officer
        .act(second, "approve", json!({}))
        .await
        .refused(Code::NotPermitted);
    secretary
        .act(second, "approve", json!({}))
        .await
        .refused(Code::NotFound);
    town.act(second, "return", json!({"reason": "请补拍"}))
        .await
        .ok();
    leader.act(second, "escalate", json!({})).await.ok();

    // A successor is invited, and finds it.
    let body = json!({"username": "new.secretary", "name": "新书记",
        "posting": {"role": "village_secretary", "grid_id": here.village(1)}});
    let successor = id_of(&town.post("/v1/officers", &body).await.created());
    let invitation = town
        .post(&format!("/v1/officers/{successor}/invite"), &json!({}))
        .await
        .ok();
    let body = json!({"code": invitation["code"], "device": {"id": "phone"}});
    let tokens = world
        .stranger()
        .post("/v1/auth/invitations/accept", &body)
        .await
        .ok();
    let successor = world.stranger().with_tokens("new.secretary", &tokens);
    assert_eq!(desk(second).await, json!(["新书记"]));
    assert_eq!(
        (waits_for(&successor).await, waits_for(&town).await),
        (json!(1), json!(0))
    );
    let chain = leader
        .get(&format!("/v1/grids/{}/responsible", here.village(1)))
        .await
        .ok();
    assert_eq!(chain["duties"][1]["duty"], "decide");
    assert_eq!(chain["duties"][1]["officers"][0]["name"], "新书记");
    successor.act(second, "approve", json!({})).await.ok();

    // What was, is told as it was.
    let told = async |id| -> Vec<String> {
        leader
            .record(id)
            .await
            .iter()
            .map(|event| {
                let behalf = event["on_behalf_of"]["name"].as_str().unwrap_or("-");
                format!(
                    "{} {} {behalf}",
                    event["kind"].as_str().unwrap(),
                    event["actor"]["name"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(
        told(first).await,
        [
            "filed 组长1之1 -",
            "escalated 组长1之1 -",
            "approved 村干部1 书记1"
        ]
    );
    assert_eq!(
        told(second).await,
        [
            "filed 组长1之1 -",
            "escalated 组长1之1 -",
            "returned 李镇长 -",
            "escalated 组长1之1 -",
            "approved 新书记 -"
        ]
    );
}
