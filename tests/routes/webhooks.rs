//! Managing webhooks: making, reading, changing, rotating and ending them.

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::audit::rows;
use crate::support::client::id_of;

on_both!(
    who_may_make_webhooks_and_who_sees_them,
    a_secret_is_shown_once,
    a_webhook_is_changed_by_who_has_read_it_and_ends,
    wrong_values_are_named_all_at_once,
);

const NOWHERE: &str = "http://127.0.0.1:9/hook?token=hush";

fn asked(world: &World) -> Value {
    json!({"name": " 对接 ", "grid_id": world.here().id(), "url": NOWHERE})
}

async fn who_may_make_webhooks_and_who_sees_them(world: World) {
    let before = rows(&world).await;
    for username in ["town_officer", "secretary_1", "group_1_1"] {
        let client = world.sign_in(username).await;
        client
            .post("/v1/webhooks", &asked(&world))
            .await
            .refused(Code::NotPermitted);
        client.get("/v1/webhooks").await.refused(Code::NotPermitted);
    }
    let beside = world.sign_in("b_town_leader").await;
    beside
        .post("/v1/webhooks", &asked(&world))
        .await
        .refused(Code::NotFound);
    let mut after = rows(&world).await;
    // Signing in is no business of webhooks.
    for table in ["sessions", "refresh_tokens"] {
        after.insert(table.into(), before[table]);
    }
    assert_eq!(after, before);

    let leader = world.town_leader().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let issued = leader.post("/v1/webhooks", &asked(&world)).await.created();
        made.insert(0, id_of(&issued["webhook"]));
    }
    let admin = world.sign_in("admin").await;
    let listed = admin.all("/v1/webhooks?limit=2").await;
    let ids: Vec<_> = listed.iter().map(id_of).collect();
    assert_eq!(ids, made, "newest first, page by page");
    assert_eq!(listed[0]["name"], "对接");
    assert!(beside.all("/v1/webhooks?limit=2").await.is_empty());
    for target in ["", "/deliveries"] {
        beside
            .get(&format!("/v1/webhooks/{}{target}", made[0]))
            .await
            .refused(Code::NotFound);
    }
}

async fn a_secret_is_shown_once(world: World) {
    let leader = world.town_leader().await;
    let issued = leader
        .post_keyed("/v1/webhooks", "once", &asked(&world))
        .await
        .created();
    let secret = issued["secret"].as_str().expect("a secret").to_owned();
    let again = leader
        .post_keyed("/v1/webhooks", "once", &asked(&world))
        .await
        .created();
    assert_eq!(again["webhook"]["id"], issued["webhook"]["id"]);
    assert!(again.get("secret").is_none(), "{again}");
    let target = format!("/v1/webhooks/{}", id_of(&issued["webhook"]));
    let read = leader.get(&target).await;
    assert!(!read.text().contains(&secret[6..]));
    let webhook = read.ok();
    assert_eq!(webhook["secrets"][0]["id"], issued["secret_id"]);
    assert_eq!(webhook["secrets"][0]["live"], true);

    // One that leaked ends at once.
    let target_secrets = format!("{target}/secrets");
    let now = json!({"old_valid_until": "2020-01-01T00:00:00Z"});
    let live = |rotated: &Value| -> Vec<Value> {
        let secrets = rotated["webhook"]["secrets"].as_array().expect("secrets");
        let live = secrets.iter().filter(|secret| secret["live"] == true);
        live.map(|secret| secret["id"].clone()).collect()
    };
    let first = leader.post(&target_secrets, &now).await.created();
    assert_eq!(live(&first), [first["secret_id"].clone()]);
    // Where two sign, the older one makes room; the receiver has the newer one, which signs on for a day.
    let second = leader.post(&target_secrets, &json!({})).await.created();
    let third = leader.post(&target_secrets, &now).await.created();
    let ids = [third["secret_id"].clone(), second["secret_id"].clone()];
    assert_eq!(live(&third), ids);
    assert!(third["webhook"]["secrets"][1]["valid_until"].is_string());
    let fourth = leader.post(&target_secrets, &now).await.created();
    let ids = [fourth["secret_id"].clone(), third["secret_id"].clone()];
    assert_eq!(live(&fourth), ids, "asked again, that one ends too");
    let late = json!({"old_valid_until": world.now() + chrono::TimeDelta::days(31)});
    leader
        .post(&format!("{target}/secrets"), &late)
        .await
        .wrong_at(&[("/old_valid_until", "out_of_range")]);
}

async fn a_webhook_is_changed_by_who_has_read_it_and_ends(world: World) {
    let leader = world.town_leader().await;
    let issued = leader.post("/v1/webhooks", &asked(&world)).await.created();
    let target = format!("/v1/webhooks/{}", id_of(&issued["webhook"]));
    let read = leader.get(&target).await;
    let change = json!({"name": "新平台", "kinds": ["closed", "digest", "closed"]});
    let request = leader
        .request(reqwest::Method::PATCH, &target)
        .json(&change);
    leader
        .send(request)
        .await
        .refused(Code::PreconditionRequired);
    let changed = leader
        .patch(&target, read.header("etag"), &change)
        .await
        .ok();
    assert_eq!(changed["kinds"], json!(["closed", "digest"]));
    assert_eq!(changed["version"], 2);
    leader
        .patch(&target, read.header("etag"), &change)
        .await
        .refused(Code::VersionMismatch);
    let all = json!({"kinds": []});
    let changed = leader.patch(&target, "*", &all).await.ok();
    assert!(changed.get("kinds").is_none(), "{changed}");
    let unchanged = leader.patch(&target, "*", &all).await.ok();
    assert_eq!(unchanged["version"], changed["version"]);

    for _ in 0..2 {
        leader.delete(&target).await.expect(204);
    }
    leader.get(&target).await.refused(Code::NotFound);
    leader
        .patch(&target, "*", &change)
        .await
        .refused(Code::NotFound);
    assert!(leader.all("/v1/webhooks?limit=5").await.is_empty());
}

async fn wrong_values_are_named_all_at_once(world: World) {
    let leader = world.town_leader().await;
    let wrong = json!({
        "name": " ", "grid_id": world.here().id(), "url": " ", "provider": "Getui!",
        "kinds": ["closed", "opened"],
    });
    leader.post("/v1/webhooks", &wrong).await.wrong_at(&[
        ("/name", "too_short"),
        ("/url", "too_short"),
        ("/provider", "bad_format"),
        ("/kinds/1", "not_allowed"),
    ]);
    for url in [
        "ftp://a.example/",
        "http://user@127.0.0.1/",
        "nowhere",
        "http://127.0.0.1/#a",
    ] {
        let mut wrong = asked(&world);
        wrong["url"] = json!(url);
        leader
            .post("/v1/webhooks", &wrong)
            .await
            .wrong_at(&[("/url", "not_allowed")]);
    }
    let issued = leader.post("/v1/webhooks", &asked(&world)).await.created();
    let target = format!("/v1/webhooks/{}", id_of(&issued["webhook"]));
    leader
        .patch(&target, "*", &json!({}))
        .await
        .wrong_at(&[("", "required")]);
    let skip = json!({"paused": true, "skip_waiting": true});
    leader
        .patch(&target, "*", &skip)
        .await
        .wrong_at(&[("/skip_waiting", "not_allowed")]);
}
