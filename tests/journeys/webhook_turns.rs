//! The order of webhooks: which endpoint is served when, and when waiting deliveries are tried.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use gridpatrol::webhooks::deliveries::{self, NewDelivery};
use gridpatrol::webhooks::{dispatch, queries};
use gridpatrol_domain::notice::delivery::DeliveryState;
use gridpatrol_store::schema::{webhook_deliveries, webhook_endpoints};
use gridpatrol_store::types::{At, Coded, Id};
use serde_json::json;

use super::webhooks::{a_while, hook, hook_id, logged, tried};
use crate::support::client::id_of;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::{Kind, World, filing, run_in};

on_both!(
    what_waits_behind_a_failed_delivery_is_due_no_sooner,
    an_endpoint_with_too_much_waiting_is_not_asked_for_more,
    a_village_is_told_what_leaves_it_and_its_successor_hears_the_rest,
    what_an_outage_has_held_up_goes_out_when_it_is_over,
    a_receiver_that_takes_one_and_asks_for_a_rest_has_it,
    another_receiver_is_not_charged_with_the_failing_of_the_former,
);

async fn what_waits_behind_a_failed_delivery_is_due_no_sooner(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.about("", Behaviour::Status(500, ""));
    let id = id_of(
        &world
            .leader(1, 1)
            .await
            .file(&filing(world.here().group(1, 1)))
            .await,
    );
    // Late enough for the next try to lie minutes ahead.
    for attempts in 1..=2 {
        tried(&town_leader, hook_id(&issued), 1, attempts).await;
        world.advance(TimeDelta::seconds(40));
    }
    tried(&town_leader, hook_id(&issued), 1, 3).await;
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    let waiting = logged(&town_leader, hook_id(&issued), "pending", 3).await;
    let due = |at: usize| {
        waiting[at]["due_at"]
            .as_str()
            .expect("an instant")
            .to_owned()
    };
    assert!(due(0) >= due(2), "{waiting:#?}");
    let now = world.now();
    let asked = world
        .look(move |conn| Ok(queries::waiting(conn, now, 10)?))
        .await;
    assert!(asked.is_empty(), "it is nobody's turn");
}

async fn an_endpoint_with_too_much_waiting_is_not_asked_for_more(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let (hook, now) = (hook_id(&issued), world.now());
    world
        .change(move |conn| {
            let rows: Vec<NewDelivery> = (1..=dispatch::MOST_WAITING)
                .map(|number| NewDelivery {
                    endpoint_id: Id(hook),
                    number,
                    notice_seq: None,
                    notice_id: format!("ping_{number}"),
                    kind: "ping".to_owned(),
                    subject_id: Id(hook),
                    body: Some("{}".to_owned()),
                    state: Coded(DeliveryState::Pending),
                    due_at: Some(At(now + TimeDelta::hours(5))),
                    created_at: At(now),
                })
                .collect();
            deliveries::insert(conn, &rows)?;
            diesel::update(webhook_endpoints::table.find(Id(hook)))
                .set(webhook_endpoints::last_number.eq(dispatch::MOST_WAITING))
                .execute(conn)?;
            Ok(())
        })
        .await;
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let asked = async || {
        let now = world.now();
        world
            .look(move |conn| Ok(queries::waiting(conn, now, 10)?))
            .await
    };
    assert!(asked().await.is_empty(), "there is no room for its notices");
    world
        .change(move |conn| {
            Ok(diesel::delete(webhook_deliveries::table.find((Id(hook), 1_i64))).execute(conn)?)
        })
        .await;
    receiver.wait_for(1).await;
}

async fn a_village_is_told_what_leaves_it_and_its_successor_hears_the_rest(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let here = world.here();
    let (old, new) = (here.village(1), here.village(3));
    let asked = json!({"name": "一村", "grid_id": old, "url": receiver.url()});
    town_leader.post("/v1/webhooks", &asked).await.created();
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(here.group(1, 1))).await);
    let town = world.town_officer().await;
    town.act(id, "take", json!({})).await.ok();
    let away = json!({"grid_id": here.group(2, 2), "reason": "位于二村"});
    town.act(id, "transfer", away).await.ok();
    town.act(id, "comment", json!({"text": "已转二村"}))
        .await
        .ok();
    let moving = id_of(&leader.file(&filing(here.group(1, 1))).await);
    receiver.wait_for(6).await;
    let group = json!({"parent_id": new, "code": "990001100202101", "reason": "村组调整"});
    let path = format!("/v1/grids/{}/move", here.group(1, 1));
    town_leader.post(&path, &group).await.ok();
    receiver.wait_for(7).await;
    assert_eq!(
        receiver.kinds_about(id),
        ["filed", "escalated", "taken", "transferred"],
        "what happens elsewhere is not its own"
    );
    assert_eq!(
        receiver.kinds_about(moving),
        ["filed", "escalated", "relocated"]
    );
    let merger = json!({"successor_id": here.village(2), "reason": "两村合并"});
    let path = format!("/v1/grids/{old}/archive");
    town_leader.post(&path, &merger).await.ok();
    let leader = world.leader(2, 1).await;
    let next = id_of(&leader.file(&filing(here.group(2, 1))).await);
    receiver.wait_for(9).await;
    assert_eq!(receiver.kinds_about(next), ["filed", "escalated"]);
}

async fn what_an_outage_has_held_up_goes_out_when_it_is_over(world: World) {
    let (mut town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.about("", Behaviour::HangUp);
    let leader = world.leader(1, 1).await;
    let held = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    for (attempts, delay_s) in [(1, 7), (2, 40), (3, 150), (4, 730)] {
        tried(&town_leader, hook_id(&issued), 1, attempts).await;
        world.advance(TimeDelta::seconds(delay_s));
        town_leader = world.town_leader().await;
    }
    // The next try is half an hour ahead.
    tried(&town_leader, hook_id(&issued), 1, 5).await;
    receiver.recover();
    let leader = world.leader(1, 1).await;
    let next = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    world.advance(TimeDelta::minutes(6));
    logged(&town_leader, hook_id(&issued), "delivered", 4).await;
    assert_eq!(receiver.kinds_about(next), ["filed", "escalated"]);
    let told = receiver.kinds_about(held);
    assert_eq!(told[told.len() - 2..], ["filed", "escalated"]);
}

async fn a_receiver_that_takes_one_and_asks_for_a_rest_has_it(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let target = format!("/v1/webhooks/{}", hook_id(&issued));
    let paused = |paused: bool| json!({"paused": paused});
    town_leader.patch(&target, "*", &paused(true)).await.ok();
    let leader = world.leader(1, 1).await;
    let busy = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    leader.file(&filing(world.here().group(1, 1))).await;
    let rest = Behaviour::Status(429, "retry-after: 600\r\n");
    receiver.about(busy.to_string(), rest);
    // Both reports are told in one go.
    town_leader.patch(&target, "*", &paused(false)).await.ok();
    logged(&town_leader, hook_id(&issued), "delivered", 1).await;
    let state = town_leader.get(&target).await.ok();
    assert!(state["rests_until"].is_string(), "{state}");
    world.advance(TimeDelta::minutes(5));
    a_while().await;
    assert_eq!(receiver.received().len(), 2, "it asked for ten minutes");
}

async fn another_receiver_is_not_charged_with_the_failing_of_the_former(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let target = format!("/v1/webhooks/{}", hook_id(&issued));
    receiver.about("", Behaviour::HangUp);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    tried(&town_leader, hook_id(&issued), 1, 1).await;
    let failing = town_leader.get(&target).await.ok();
    assert!(failing["failing_since"].is_string(), "{failing}");
    let elsewhere = json!({"url": Receiver::start().await.url()});
    let changed = town_leader.patch(&target, "*", &elsewhere).await.ok();
    assert!(changed.get("failing_since").is_none(), "{changed}");
}

/// One town keeps the only delivery_worker busy; another's webhook, made later, has its turn.
mod a_busy_endpoint_gives_way_to_others {
    use super::{Kind, gives_way, run_in};

    #[test]
    fn sqlite() {
        run_in(
            Kind::Sqlite,
            |config| config.webhooks.at_once = 1,
            gives_way,
        );
    }

    #[test]
    fn postgres() {
        run_in(
            Kind::Postgres,
            |config| config.webhooks.at_once = 1,
            gives_way,
        );
    }
}

async fn gives_way(world: World) {
    let town_leader = world.town_leader().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.about("", Behaviour::Slow(Duration::from_secs(1)));
    let issued = hook(&world, &town_leader, &slow.url()).await;
    let test = format!("/v1/webhooks/{}/test", hook_id(&issued));
    for _ in 0..30 {
        let request = town_leader.request(reqwest::Method::POST, &test);
        town_leader.send(request).await.expect(202);
    }
    slow.wait_for(1).await;
    let issued = hook(&world, &town_leader, &quick.url()).await;
    let test = format!("/v1/webhooks/{}/test", hook_id(&issued));
    let request = town_leader.request(reqwest::Method::POST, &test);
    town_leader.send(request).await.expect(202);
    quick.wait_for(1).await;
    assert!(
        slow.received().len() < 20,
        "it had to wait for all the others"
    );
}
