//! Push tokens: phones register them, only the webhook of their service gets them, and they end with
//! the session.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};

use super::webhooks::{a_while, tried};
use crate::support::client::id_of;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::{Client, World, filing};

on_both!(
    tokens_go_to_the_webhook_of_their_service_alone,
    a_token_ends_with_its_session_and_its_account,
    a_phone_that_changes_hands_is_its_new_owners,
    what_a_push_service_says_of_tokens_is_not_kept,
    what_is_below_critical_waits_for_the_morning,
    what_is_late_or_tried_again_waits_for_the_morning_too,
);

async fn service(world: &World, leader: &Client, provider: Option<&str>) -> (Receiver, Value) {
    let receiver = Receiver::start().await;
    let mut asked = json!({"name": "推送", "grid_id": world.here().id(), "url": receiver.url()});
    if let Some(provider) = provider {
        asked["provider"] = json!(provider);
    }
    let made = leader.post("/v1/webhooks", &asked).await.created();
    (receiver, made["webhook"].clone())
}

async fn register(client: &Client, provider: &str, token: &str) {
    let target = format!("/v1/me/push-tokens/{provider}");
    client
        .put(&target, &json!({"token": token}))
        .await
        .expect(204);
}

async fn tokens_go_to_the_webhook_of_their_service_alone(world: World) {
    world.noon();
    let town_leader = world.town_leader().await;
    let (getui, hook) = service(&world, &town_leader, Some("getui")).await;
    let (plain, _) = service(&world, &town_leader, None).await;
    let secretary = world.secretary(1).await;
    register(&secretary, "getui", "first-token").await;
    register(&secretary, "getui", "secret-token").await;
    register(&secretary, "jpush", "other-token").await;
    let listed = secretary.get("/v1/me/push-tokens").await;
    assert!(!listed.text().contains("token\":"), "{}", listed.text());
    let listed = listed.ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["items"][0]["current"], true);

    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let received = getui.wait_for(1).await;
    assert_eq!(
        getui.kinds_about(id),
        ["escalated"],
        "filed reaches no phone"
    );
    assert_eq!(
        received[0].envelope()["data"]["push_addresses"],
        json!([{"officer_id": secretary.officer, "tokens": ["secret-token"]}])
    );
    for one in plain.wait_for(2).await {
        assert!(!one.body.contains("secret-token"));
    }
    let log = town_leader
        .get(&format!("/v1/webhooks/{}/deliveries", id_of(&hook)))
        .await;
    assert!(!log.text().contains("secret-token"));
    let skipped = &log.ok()["items"][1];
    assert_eq!(
        (&skipped["kind"], &skipped["state"], &skipped["attempts"]),
        (&json!("filed"), &json!("skipped"), &json!(0))
    );

    // Wrong ones.
    secretary
        .put("/v1/me/push-tokens/Getui", &json!({"token": "x"}))
        .await
        .refused(Code::NotFound);
    secretary
        .put("/v1/me/push-tokens/getui", &json!({"token": "中"}))
        .await
        .wrong_at(&[("/token", "bad_format")]);
    for number in 0..8 {
        register(&secretary, &format!("service_{number}"), "x").await;
    }
    secretary
        .put("/v1/me/push-tokens/one_more", &json!({"token": "y"}))
        .await
        .refused(Code::LimitReached);
}

async fn a_token_ends_with_its_session_and_its_account(world: World) {
    world.noon();
    let town_leader = world.town_leader().await;
    let (getui, _) = service(&world, &town_leader, Some("getui")).await;
    let leader = world.leader(1, 1).await;
    let tell = async || {
        let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        getui.kinds_about(id)
    };
    let secretary = world.secretary(1).await;
    register(&secretary, "getui", "a").await;
    assert_eq!(tell().await, ["escalated"]);
    secretary
        .delete("/v1/me/push-tokens/getui")
        .await
        .expect(204);
    assert!(tell().await.is_empty());
    register(&secretary, "getui", "a").await;
    secretary
        .post("/v1/auth/logout", &json!({}))
        .await
        .expect(204);
    assert!(tell().await.is_empty());
    let again = world.secretary(1).await;
    register(&again, "getui", "b").await;
    world.disable("secretary_1").await;
    assert!(tell().await.is_empty());
}

async fn a_phone_that_changes_hands_is_its_new_owners(world: World) {
    let (first, second) = (world.secretary(1).await, world.secretary(2).await);
    register(&first, "getui", "one-phone").await;
    register(&second, "getui", "one-phone").await;
    let of = async |client: &Client| {
        let listed = client.get("/v1/me/push-tokens").await.ok();
        listed["items"].as_array().map(Vec::len)
    };
    assert_eq!((of(&first).await, of(&second).await), (Some(0), Some(1)));
}

async fn what_a_push_service_says_of_tokens_is_not_kept(world: World) {
    world.noon();
    let town_leader = world.town_leader().await;
    let (getui, hook) = service(&world, &town_leader, Some("getui")).await;
    let secretary = world.secretary(1).await;
    register(&secretary, "getui", "secret-token").await;
    getui.next([Behaviour::Endless]);
    let leader = world.leader(1, 1).await;
    leader.file(&filing(world.here().group(1, 1))).await;
    // The first, that it was filed, reaches nobody.
    let refused = tried(&town_leader, id_of(&hook), 2, 1).await;
    assert_eq!(refused["status"], 500);
    assert!(refused.get("answer").is_none(), "{refused}");
}

async fn what_is_late_or_tried_again_waits_for_the_morning_too(world: World) {
    world.noon();
    let town_leader = world.town_leader().await;
    let change = json!({"settings": {"quiet_hours": {"from": "13:00", "to": "16:00"}}});
    let request = town_leader.request(reqwest::Method::PUT, "/v1/settings");
    let request = request.header("If-Match", "*").json(&change);
    town_leader.send(request).await.ok();
    world.advance(TimeDelta::minutes(5));
    let (getui, hook) = service(&world, &town_leader, Some("getui")).await;
    register(&world.secretary(1).await, "getui", "secretary").await;
    getui.next([Behaviour::Status(500, "")]);
    let leader = world.leader(1, 1).await;
    let failed = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    tried(&town_leader, id_of(&hook), 2, 1).await;
    let target = format!("/v1/webhooks/{}", id_of(&hook));
    let paused = |paused: bool| json!({"paused": paused});
    town_leader.patch(&target, "*", &paused(true)).await.ok();
    let late = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    // Both happened by day; now it is quiet.
    world.advance(TimeDelta::minutes(90));
    let town_leader = world.town_leader().await;
    town_leader.patch(&target, "*", &paused(false)).await.ok();
    a_while().await;
    assert_eq!(getui.received().len(), 1, "nobody is woken by it");
    world.advance(TimeDelta::hours(3));
    getui.wait_for(3).await;
    assert_eq!(getui.kinds_about(failed), ["escalated", "escalated"]);
    assert_eq!(getui.kinds_about(late), ["escalated"]);
}

async fn what_is_below_critical_waits_for_the_morning(world: World) {
    world.noon();
    // Quiet from an hour after noon on, at the next noon.
    let town_leader = world.town_leader().await;
    let change = json!({"settings": {"quiet_hours": {"from": "11:00", "to": "16:00"}}});
    town_leader
        .patch("/v1/settings", "*", &change)
        .await
        .refused(Code::MethodNotAllowed);
    let request = town_leader.request(reqwest::Method::PUT, "/v1/settings");
    let request = request.header("If-Match", "*").json(&change);
    town_leader.send(request).await.ok();
    world.advance(TimeDelta::minutes(5));
    let (getui, _) = service(&world, &town_leader, Some("getui")).await;
    let (plain, _) = service(&world, &town_leader, None).await;
    let town_officer = world.town_officer().await;
    for client in [&world.secretary(1).await, &town_officer] {
        register(client, "getui", &client.username).await;
    }
    let leader = world.leader(1, 1).await;
    let calm = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let urgent = filing(world.here().group(1, 1)).severity("critical");
    let urgent = id_of(&leader.file(&urgent).await);
    plain.wait_for(4).await;
    let early = plain.received()[0].envelope();
    assert!(early["data"]["quiet_until"].is_string(), "{early}");
    getui.wait_for(2).await;
    assert!(getui.kinds_about(calm).is_empty());
    assert!(
        !getui.kinds_about(urgent).is_empty(),
        "what is critical does not wait"
    );
    world.advance(TimeDelta::hours(5));
    getui.wait_for(3).await;
    assert_eq!(getui.kinds_about(calm), ["escalated"]);
}
