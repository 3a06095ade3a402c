//! Sending webhooks to receivers that work, are down, are slow, are busy, or attack us.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::webhook_endpoints;
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::{Client, Kind, World, filing, run_in};

on_both!(
    what_happens_arrives_once_in_order_and_signed,
    only_what_is_wanted_arrives,
    a_report_that_is_refused_waits_and_delays_no_other,
    a_busy_receiver_is_left_alone_as_long_as_it_asks,
    a_redirection_is_not_followed,
    a_slow_receiver_delays_no_other,
    an_answer_without_end_is_cut_off,
    a_receiver_that_is_gone_is_paused_and_nothing_is_lost,
    a_receiver_that_wants_nothing_any_more_is_paused_at_once,
    what_another_process_had_begun_is_taken_over,
    deliveries_are_sent_again,
    two_secrets_sign_while_they_change_over,
    what_waits_may_be_left_out_when_sending_goes_on,
);

/// Makes a webhook of the town; the answer with its secret.
pub(super) async fn hook(world: &World, leader: &Client, url: &str) -> Value {
    let asked = json!({"name": "对接", "grid_id": world.here().id(), "url": url});
    leader.post("/v1/webhooks", &asked).await.created()
}

pub(super) fn hook_id(issued: &Value) -> Uuid {
    id_of(&issued["webhook"])
}

pub(super) async fn log(leader: &Client, hook: Uuid) -> Vec<Value> {
    leader
        .all(&format!("/v1/webhooks/{hook}/deliveries?limit=7"))
        .await
}

/// Waits until the log has so many deliveries in this state.
pub(super) async fn logged(leader: &Client, hook: Uuid, state: &str, count: usize) -> Vec<Value> {
    for _ in 0..400 {
        let found = leader
            .all(&format!(
                "/v1/webhooks/{hook}/deliveries?limit=50&state={state}"
            ))
            .await;
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not {count} {state}: {:#?}", log(leader, hook).await);
}

/// Waits until a delivery has failed so often.
pub(super) async fn tried(leader: &Client, hook: Uuid, number: i64, attempts: i64) -> Value {
    for _ in 0..400 {
        let found = log(leader, hook).await;
        if let Some(one) = found
            .iter()
            .find(|one| one["number"] == number && one["attempts"].as_i64() >= Some(attempts))
        {
            return one.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not tried: {:#?}", log(leader, hook).await);
}

/// Long enough for a round of the worker.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(2500)).await;
}

async fn what_happens_arrives_once_in_order_and_signed(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let leader = world.leader(1, 1).await;
    // What happened before is not sent.
    leader.file(&filing(world.here().group(1, 1))).await;
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    assert!(issued["secret"].as_str().unwrap().starts_with("whsec_"));
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    let received = receiver.wait_for(3).await;
    assert_eq!(receiver.kinds_about(id), ["filed", "escalated", "approved"]);
    for one in &received {
        assert_eq!(one.header("webhook-id"), one.envelope()["id"]);
        assert!(one.header("webhook-signature").starts_with("v1,"));
        assert!(one.header("webhook-timestamp").parse::<i64>().is_ok());
        assert!(
            one.header("content-type")
                .starts_with("application/cloudevents+json")
        );
    }
    let log = logged(&town_leader, hook_id(&issued), "delivered", 3).await;
    assert_eq!(log[0]["number"], 3);
    assert_eq!(log[0]["status"], 204);
    assert_eq!(log[2]["kind"], "filed");
    a_while().await;
    assert_eq!(receiver.received().len(), 3, "each arrives once");
}

async fn only_what_is_wanted_arrives(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let town = world.here();
    let asked = json!({
        "name": "一村", "grid_id": town.village(1), "url": receiver.url(), "kinds": ["escalated"],
    });
    town_leader.post("/v1/webhooks", &asked).await.created();
    world
        .leader(2, 1)
        .await
        .file(&filing(town.group(2, 1)))
        .await;
    let id = id_of(
        &world
            .leader(1, 1)
            .await
            .file(&filing(town.group(1, 1)))
            .await,
    );
    receiver.wait_for(1).await;
    a_while().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(receiver.kinds_about(id), ["escalated"]);
}

async fn a_report_that_is_refused_waits_and_delays_no_other(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let leader = world.leader(1, 1).await;
    let bad = Uuid::now_v7();
    receiver.about(bad.to_string(), Behaviour::Status(500, ""));
    let filed = filing(world.here().group(1, 1));
    leader.put_report(bad, &filed).await.created();
    let first = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(
        (&first["fault"], &first["status"], &first["state"]),
        (&json!("refused"), &json!(500), &json!("pending"))
    );
    let good = id_of(&leader.file(&filed).await);
    logged(&town_leader, hook_id(&issued), "delivered", 2).await;
    assert_eq!(receiver.kinds_about(good), ["filed", "escalated"]);
    let asked = receiver.kinds_about(bad);
    assert!(
        asked.iter().all(|kind| kind == "filed"),
        "the second waits for the first: {asked:?}"
    );
    receiver.recover();
    // The retries of an hour.
    world.advance(TimeDelta::minutes(14));
    logged(&town_leader, hook_id(&issued), "delivered", 4).await;
    let asked = receiver.kinds_about(bad);
    assert_eq!(&asked[asked.len() - 2..], ["filed", "escalated"]);
}

async fn a_busy_receiver_is_left_alone_as_long_as_it_asks(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.next([Behaviour::Status(429, "retry-after: 600\r\n")]);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let delivery = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(delivery["fault"], "busy");
    let resting = town_leader
        .get(&format!("/v1/webhooks/{}", hook_id(&issued)))
        .await
        .ok();
    assert!(resting["rests_until"].is_string(), "{resting}");
    // Another report would not be asked about either.
    leader.file(&filing(world.here().group(1, 1))).await;
    world.advance(TimeDelta::minutes(9));
    a_while().await;
    assert_eq!(receiver.received().len(), 1, "it asked for ten minutes");
    world.advance(TimeDelta::minutes(4));
    receiver.wait_for(5).await;
}

async fn a_redirection_is_not_followed(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let inside = Receiver::start().await;
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.next([Behaviour::Redirect(inside.url())]);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let delivery = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(
        (&delivery["fault"], &delivery["status"]),
        (&json!("redirected"), &json!(307))
    );
    assert!(inside.received().is_empty());
}

async fn a_slow_receiver_delays_no_other(world: World) {
    let town_leader = world.town_leader().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.about("", Behaviour::Hang);
    let issued = hook(&world, &town_leader, &slow.url()).await;
    hook(&world, &town_leader, &quick.url()).await;
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    slow.wait_for(1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    quick.wait_for(4).await;
    let delivery = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(delivery["fault"], "timed_out");
}

async fn an_answer_without_end_is_cut_off(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.next([Behaviour::Endless, Behaviour::HangUp]);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let delivery = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(delivery["status"], 500);
    assert_eq!(delivery["answer"].as_str().expect("text").len(), 300);
    world.advance(TimeDelta::minutes(1));
    let delivery = tried(&town_leader, hook_id(&issued), 1, 2).await;
    assert_eq!(delivery["fault"], "unreachable");
    world.advance(TimeDelta::minutes(5));
    logged(&town_leader, hook_id(&issued), "delivered", 2).await;
}

async fn a_receiver_that_is_gone_is_paused_and_nothing_is_lost(world: World) {
    let town_leader = world.town_leader().await;
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let issued = hook(&world, &town_leader, &gone).await;
    let hook = hook_id(&issued);
    let target = format!("/v1/webhooks/{hook}");
    let leader = world.leader(1, 1).await;
    let first = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let delivery = tried(&town_leader, hook, 1, 1).await;
    assert_eq!(delivery["fault"], "unreachable");
    world.advance(TimeDelta::hours(73));
    let town_leader = world.town_leader().await;
    let mut state = Value::Null;
    for _ in 0..400 {
        state = town_leader.get(&target).await.ok();
        if state["paused"] == true {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(state["pause_reason"], "failing", "{state}");
    // What happens meanwhile waits.
    let leader = world.leader(1, 1).await;
    let second = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    a_while().await;
    let receiver = Receiver::start().await;
    let read = town_leader.get(&target).await;
    let change = json!({"url": receiver.url(), "paused": false});
    let resumed = town_leader
        .patch(&target, read.header("etag"), &change)
        .await
        .ok();
    assert_eq!(resumed["paused"], false);
    receiver.wait_for(4).await;
    for report in [first, second] {
        assert_eq!(receiver.kinds_about(report), ["filed", "escalated"]);
    }
}

async fn a_receiver_that_wants_nothing_any_more_is_paused_at_once(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    receiver.next([Behaviour::Status(410, "")]);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    tried(&town_leader, hook_id(&issued), 1, 1).await;
    let target = format!("/v1/webhooks/{}", hook_id(&issued));
    let state = town_leader.get(&target).await.ok();
    assert_eq!(
        (&state["paused"], &state["pause_reason"]),
        (&json!(true), &json!("gone"))
    );
    world.advance(TimeDelta::minutes(10));
    a_while().await;
    assert_eq!(receiver.received().len(), 1);
}

async fn what_another_process_had_begun_is_taken_over(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let (hook, until) = (hook_id(&issued), world.now() + TimeDelta::minutes(2));
    // A process that was killed while it sent.
    world
        .change(move |conn| {
            diesel::update(webhook_endpoints::table.find(Id(hook)))
                .set((
                    webhook_endpoints::leased_by.eq(Some(Uuid::new_v4())),
                    webhook_endpoints::leased_until.eq(Some(until)),
                ))
                .execute(conn)?;
            Ok(())
        })
        .await;
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    a_while().await;
    assert!(receiver.received().is_empty(), "another one is at it");
    world.advance(TimeDelta::minutes(3));
    receiver.wait_for(2).await;
    logged(&town_leader, hook, "delivered", 2).await;
}

async fn deliveries_are_sent_again(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let target = format!("/v1/webhooks/{}/replay", hook_id(&issued));
    let from = world.now();
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    logged(&town_leader, hook_id(&issued), "delivered", 2).await;
    let one = json!({"numbers": [2, 99]});
    let queued = town_leader.post(&target, &one).await.expect(202);
    assert_eq!(
        queued,
        json!({"queued": 1, "first_number": 3, "last_number": 3})
    );
    let received = receiver.wait_for(3).await;
    assert_eq!(
        received[1].header("webhook-id"),
        received[2].header("webhook-id"),
        "who has it may drop it"
    );
    assert_eq!(received[1].body, received[2].body);
    let range = json!({"from": from});
    let queued = town_leader.post_keyed(&target, "again", &range).await;
    assert_eq!(queued.expect(202)["queued"], 2);
    let again = town_leader.post_keyed(&target, "again", &range).await;
    assert_eq!(again.expect(202)["queued"], 2);
    receiver.wait_for(5).await;
    a_while().await;
    assert_eq!(
        receiver.received().len(),
        5,
        "a repeated request queues once"
    );
    let early = json!({"from": from - TimeDelta::days(2), "to": from - TimeDelta::days(1)});
    let queued = town_leader.post(&target, &early).await.expect(202);
    assert_eq!(queued, json!({"queued": 0}));
    let wrong = json!({"numbers": [1], "from": from});
    town_leader
        .post(&target, &wrong)
        .await
        .wrong_at(&[("/numbers", "not_allowed")]);
    // A test.
    let test = format!("/v1/webhooks/{}/test", hook_id(&issued));
    let request = town_leader.request(reqwest::Method::POST, &test);
    let queued = town_leader.send(request).await.expect(202);
    assert_eq!(queued["queued"], 1);
    let received = receiver.wait_for(6).await;
    assert_eq!(received[5].envelope()["type"], "org.gridpatrol.ping");
}

async fn two_secrets_sign_while_they_change_over(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let target = format!("/v1/webhooks/{}/secrets", hook_id(&issued));
    let rotated = town_leader.post(&target, &json!({})).await.created();
    assert_ne!(rotated["secret"], issued["secret"]);
    town_leader
        .post(&target, &json!({}))
        .await
        .refused(Code::LimitReached);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let received = receiver.wait_for(2).await;
    let signatures = |at: usize| received[at].header("webhook-signature").split(' ').count();
    assert_eq!(signatures(0), 2);
    world.advance(TimeDelta::hours(25));
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let received = receiver.wait_for(4).await;
    assert_eq!(
        received[3].header("webhook-signature").split(' ').count(),
        1,
        "the former one has ended"
    );
}

async fn what_waits_may_be_left_out_when_sending_goes_on(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    let issued = hook(&world, &town_leader, &receiver.url()).await;
    let target = format!("/v1/webhooks/{}", hook_id(&issued));
    let paused = json!({"paused": true});
    town_leader.patch(&target, "*", &paused).await.ok();
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let state = town_leader.get(&target).await.ok();
    assert_eq!(state["waiting_notices"], 2);
    assert_eq!(state["pause_reason"], "requested");
    let resume = json!({"paused": false, "skip_waiting": true});
    town_leader.patch(&target, "*", &resume).await.ok();
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    receiver.wait_for(2).await;
    a_while().await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(receiver.kinds_about(id), ["filed", "escalated"]);
}

/// Without the settings that let tests send to themselves.
mod private_addresses_are_refused_when_they_are_connected_to {
    use super::{Kind, run_in, strict};

    #[test]
    fn sqlite() {
        run_in(
            Kind::Sqlite,
            |config| config.webhooks.allow_private = false,
            strict,
        );
    }

    #[test]
    fn postgres() {
        run_in(
            Kind::Postgres,
            |config| config.webhooks.allow_private = false,
            strict,
        );
    }
}

async fn strict(world: World) {
    let (town_leader, receiver) = (world.town_leader().await, Receiver::start().await);
    for figures in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "169.254.169.254",
    ] {
        let url = format!("http://{figures}:{}/hook", receiver.port);
        let asked = json!({"name": "内网", "grid_id": world.here().id(), "url": url});
        town_leader
            .post("/v1/webhooks", &asked)
            .await
            .wrong_at(&[("/url", "not_allowed")]);
    }
    // A name tells nothing before it is resolved.
    let url = format!("http://localhost:{}/hook", receiver.port);
    let issued = hook(&world, &town_leader, &url).await;
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    let delivery = tried(&town_leader, hook_id(&issued), 1, 1).await;
    assert_eq!(delivery["fault"], "address_refused", "{delivery}");
    assert!(receiver.received().is_empty());
}
