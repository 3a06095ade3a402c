//! Keys for dashboards and integrations: making, using, rotating and ending them, and what they allow.

use chrono::TimeDelta;
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::{idempotency_keys, security_log, service_keys};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::audit::rows;
use crate::support::client::{id_of, instant};
use crate::support::pictures::jpeg;
use crate::support::{Client, World, filing};

on_both!(
    a_key_opens_its_grid_and_nothing_else,
    a_key_that_may_file_files_under_its_name_with_photos,
    who_may_make_keys_and_who_sees_them,
    keys_change_over_and_end_at_once,
    an_account_ends_and_stays_in_the_record,
    a_repeated_request_does_not_show_the_key_again,
    two_rotations_at_once_leave_two_keys,
    an_account_is_changed_by_who_has_read_it,
    wrong_values_are_named_all_at_once,
);

/// Makes an account; the answer with its key.
async fn made(leader: &Client, grid: Uuid, access: &str) -> Value {
    let asked = json!({"name": "指挥中心大屏", "grid_id": grid, "access": access});
    leader.post("/v1/service-accounts", &asked).await.created()
}

fn bearer(world: &World, issued: &Value) -> Client {
    world
        .stranger()
        .bearing(issued["key"].as_str().expect("a key"))
}

async fn a_key_opens_its_grid_and_nothing_else(world: World) {
    let town = world.here();
    let leader = world.leader(1, 1).await;
    let inside = id_of(&leader.file(&filing(town.group(1, 1))).await);
    let beside = id_of(
        &world
            .leader(2, 1)
            .await
            .file(&filing(town.group(2, 1)))
            .await,
    );
    let issued = made(&world.town_leader().await, town.village(1), "read").await;
    let board = bearer(&world, &issued);
    assert!(issued["key"].as_str().unwrap().starts_with("gp_"));

    let me = board.get("/v1/me").await.ok();
    assert_eq!(me["officer"]["name"], "指挥中心大屏");
    assert_eq!(me["postings"], json!([]));
    assert!(me.get("session_id").is_none());
    assert_eq!(me["service_account"]["grid_id"], json!(town.village(1)));
    assert_eq!(me["service_account"]["access"], "read");
    assert_eq!(me["service_account"]["key_id"], issued["key_id"]);

    let report = board.report(inside).await;
    assert_eq!(report["allowed_actions"], json!([]));
    let listed = board.all("/v1/reports?limit=10").await;
    assert_eq!(listed.len(), 1);
    board
        .get(&format!("/v1/reports/{beside}"))
        .await
        .refused(Code::NotFound);
    board.record(inside).await;
    board.get("/v1/grids?limit=5").await.ok();

    // Everything else is refused, and changes nothing.
    let before = rows(&world).await;
    let comment = json!({"text": "看到了"});
    for (target, body) in [
        (format!("/v1/reports/{inside}/comment"), comment.clone()),
        (format!("/v1/reports/{inside}/approve"), json!({})),
        ("/v1/reports".to_owned(), filing(town.group(1, 1)).0),
        ("/v1/auth/logout".to_owned(), json!({})),
        ("/v1/service-accounts".to_owned(), json!({})),
    ] {
        board
            .post(&target, &body)
            .await
            .refused(Code::ServiceAccountRefused);
    }
    board
        .get("/v1/inbox")
        .await
        .refused(Code::ServiceAccountRefused);
    board
        .get("/v1/auth/sessions")
        .await
        .refused(Code::ServiceAccountRefused);
    let filed = board
        .put_report(Uuid::now_v7(), &filing(town.group(1, 1)))
        .await;
    filed.refused(Code::ServiceAccountRefused);
    board
        .put_photo(Uuid::now_v7(), &jpeg(64, 48, 1))
        .await
        .refused(Code::ServiceAccountRefused);
    assert_eq!(rows(&world).await, before);
}

async fn a_key_that_may_file_files_under_its_name_with_photos(world: World) {
    let town = world.here();
    let issued = made(&world.town_leader().await, town.village(1), "file").await;
    let camera = bearer(&world, &issued);
    let account = id_of(&issued["account"]);
    let (photo, report) = (Uuid::now_v7(), Uuid::now_v7());
    let mut asked = filing(town.group(1, 2)).0;
    asked["source"] = json!("monitoring");
    asked["photos"] = json!([{"id": photo}]);
    let target = format!("/v1/reports/{report}");
    let filed = camera.put(&target, &asked).await.created();
    assert_eq!(filed["reporter"]["officer_id"], json!(account));
    assert_eq!(filed["reporter"]["name"], "指挥中心大屏");
    assert_eq!(filed["filing_tier"], "village");
    // Safe to repeat, and its photos follow.
    camera.put(&target, &asked).await.ok();
    camera.put_photo(photo, &jpeg(64, 48, 1)).await.created();
    camera
        .put_photo_for(Uuid::now_v7(), report, &jpeg(48, 64, 2))
        .await
        .created();
    assert_eq!(camera.report(report).await["complete"], true);
    let secretary = world.secretary(1).await;
    let record = secretary.record(report).await;
    assert_eq!(record[0]["actor"]["name"], "指挥中心大屏");

    // It never decides: what it says is put right is verified by people.
    let mut done = filing(town.group(1, 2)).0;
    done["severity"] = json!("minor");
    done["disposition"] = json!("resolved");
    let done = camera.post("/v1/reports", &done).await.created();
    assert_eq!(done["status"], "resolved");

    // Outside its village it files nothing, and to others' reports it adds nothing.
    let elsewhere = camera
        .put_report(Uuid::now_v7(), &filing(town.group(2, 1)))
        .await;
    elsewhere.refused(Code::NotPermitted);
    let other_town = camera
        .put_report(Uuid::now_v7(), &filing(world.beside().group(1, 1)))
        .await;
    other_town.refused(Code::NotFound);
    let theirs = id_of(
        &world
            .leader(1, 1)
            .await
            .file(&filing(town.group(1, 1)))
            .await,
    );
    let added = camera
        .put_photo_for(Uuid::now_v7(), theirs, &jpeg(64, 48, 1))
        .await;
    added.refused(Code::NotPermitted);
    camera
        .act(theirs, "comment", json!({"text": "x"}))
        .await
        .refused(Code::ServiceAccountRefused);
}

async fn who_may_make_keys_and_who_sees_them(world: World) {
    let town = world.here();
    let asked = |grid: Uuid| json!({"name": "看板", "grid_id": grid, "access": "read"});
    let leader = world.town_leader().await;
    let issued = made(&leader, town.group(1, 1), "read").await;
    let target = format!("/v1/service-accounts/{}", id_of(&issued["account"]));
    let admin = world.sign_in("admin").await;
    admin
        .post("/v1/service-accounts", &asked(town.id()))
        .await
        .created();
    for username in [
        "town_officer",
        "secretary_1",
        "village_officer_1",
        "group_1_1",
    ] {
        let officer = world.sign_in(username).await;
        let refused = officer
            .post("/v1/service-accounts", &asked(town.group(1, 1)))
            .await;
        refused.refused(Code::NotPermitted);
        officer
            .get("/v1/service-accounts")
            .await
            .refused(Code::NotPermitted);
        officer.get(&target).await.refused(Code::NotPermitted);
        officer.delete(&target).await.refused(Code::NotPermitted);
        officer
            .post(&format!("{target}/keys"), &json!({}))
            .await
            .refused(Code::NotPermitted);
    }
    let foreign = world.sign_in("b_town_leader").await;
    foreign.get(&target).await.refused(Code::NotFound);
    foreign.delete(&target).await.refused(Code::NotFound);
    let refused = foreign
        .post("/v1/service-accounts", &asked(town.id()))
        .await;
    refused.refused(Code::NotFound);
    assert_eq!(foreign.all("/v1/service-accounts?limit=1").await.len(), 0);
    // Paged, newest first, without secrets.
    let listed = leader.all("/v1/service-accounts?limit=1").await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1]["id"], issued["account"]["id"]);
    assert_eq!(listed[1]["created_by"]["name"], "李镇长");
    assert!(!listed[1].to_string().contains("gp_"));
}

async fn keys_change_over_and_end_at_once(world: World) {
    let town = world.here();
    let leader = world.town_leader().await;
    let issued = made(&leader, town.id(), "read").await;
    let target = format!("/v1/service-accounts/{}", id_of(&issued["account"]));
    let keys = format!("{target}/keys");
    let old = bearer(&world, &issued);
    let until = world.now() + TimeDelta::hours(2);
    let rotated = leader
        .post(&keys, &json!({"old_valid_until": until}))
        .await
        .created();
    let new = bearer(&world, &rotated);
    old.get("/v1/me").await.ok();
    new.get("/v1/me").await.ok();
    leader
        .post(&keys, &json!({}))
        .await
        .refused(Code::LimitReached);
    let account = leader.get(&target).await.ok();
    assert_eq!(account["keys"].as_array().unwrap().len(), 2);
    assert_eq!(instant(&account["keys"][1]["valid_until"]), until);

    world.advance(TimeDelta::hours(2));
    old.get("/v1/me").await.refused(Code::Unauthenticated);
    new.get("/v1/me").await.ok();
    // Access tokens do not last that long.
    let leader = world.town_leader().await;
    let key = rotated["key_id"].as_str().unwrap();
    leader.delete(&format!("{keys}/{key}")).await.expect(204);
    new.get("/v1/me").await.refused(Code::Unauthenticated);
    leader.delete(&format!("{keys}/{key}")).await.expect(204);
    leader
        .delete(&format!("{keys}/{}", Uuid::now_v7()))
        .await
        .refused(Code::NotFound);

    // What is cut off, changed or made up opens nothing.
    let text = rotated["key"].as_str().unwrap();
    let forged = format!("{}{}", &text[..36], "0".repeat(64));
    for wrong in ["gp_", &text[..99], &forged, &text.to_uppercase()] {
        let stranger = world.stranger().bearing(wrong);
        stranger.get("/v1/me").await.refused(Code::Unauthenticated);
    }
    // The last use is written, and the log tells of every key.
    let (used, logged): (i64, i64) = world
        .look(|conn| {
            let kinds = ["service_key_issued", "service_key_ended"];
            Ok((
                service_keys::table
                    .filter(service_keys::last_used_at.is_not_null())
                    .count()
                    .get_result(conn)?,
                security_log::table
                    .filter(security_log::kind.eq_any(kinds))
                    .count()
                    .get_result(conn)?,
            ))
        })
        .await;
    assert!(used <= 2);
    assert_eq!(logged, 3);
}

async fn an_account_ends_and_stays_in_the_record(world: World) {
    let town = world.here();
    let leader = world.town_leader().await;
    let issued = made(&leader, town.id(), "file").await;
    let target = format!("/v1/service-accounts/{}", id_of(&issued["account"]));
    let camera = bearer(&world, &issued);
    let report = id_of(&camera.file(&filing(town.group(1, 1))).await);
    leader.delete(&target).await.expect(204);
    camera.get("/v1/me").await.refused(Code::Unauthenticated);
    leader.delete(&target).await.expect(204);
    let account = leader.get(&target).await.ok();
    assert!(account["ended_at"].is_string());
    assert_eq!(account["keys"][0]["live"], false);
    assert_eq!(leader.all("/v1/service-accounts?limit=9").await.len(), 0);
    assert_eq!(leader.all("/v1/service-accounts?ended=true").await.len(), 1);
    leader
        .post(&format!("{target}/keys"), &json!({}))
        .await
        .refused(Code::AlreadyEnded);
    assert_eq!(
        leader.report(report).await["reporter"]["name"],
        "指挥中心大屏"
    );

    // One that nobody ends, ends by itself.
    let soon = world.now() + TimeDelta::days(1);
    let asked = json!({"name": "试用", "grid_id": town.id(), "access": "read", "expires_at": soon});
    let trial = leader.post("/v1/service-accounts", &asked).await.created();
    let trial_board = bearer(&world, &trial);
    trial_board.get("/v1/me").await.ok();
    world.advance(TimeDelta::days(1));
    trial_board
        .get("/v1/me")
        .await
        .refused(Code::Unauthenticated);
}

async fn a_repeated_request_does_not_show_the_key_again(world: World) {
    let leader = world.town_leader().await;
    let asked = json!({"name": "看板", "grid_id": world.here().id(), "access": "read"});
    let first = leader
        .post_keyed("/v1/service-accounts", "k-1", &asked)
        .await;
    let again = leader
        .post_keyed("/v1/service-accounts", "k-1", &asked)
        .await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let (first, again) = (first.created(), again.created());
    assert_eq!(first["account"], again["account"]);
    assert!(first["key"].is_string() && again.get("key").is_none());
    let secret = first["key"].as_str().unwrap()[36..].to_owned();
    let kept: Vec<String> = world
        .look(|conn| {
            Ok(idempotency_keys::table
                .select(idempotency_keys::body)
                .load(conn)?)
        })
        .await;
    assert!(kept.iter().all(|body| !body.contains(&secret)));
    assert_eq!(leader.all("/v1/service-accounts?limit=9").await.len(), 1);
}

async fn two_rotations_at_once_leave_two_keys(world: World) {
    let leader = world.town_leader().await;
    let issued = made(&leader, world.here().id(), "read").await;
    let keys = format!("/v1/service-accounts/{}/keys", id_of(&issued["account"]));
    let body = json!({});
    let (one, other) = tokio::join!(leader.post(&keys, &body), leader.post(&keys, &body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

async fn an_account_is_changed_by_who_has_read_it(world: World) {
    let leader = world.town_leader().await;
    let issued = made(&leader, world.here().id(), "read").await;
    let target = format!("/v1/service-accounts/{}", id_of(&issued["account"]));
    let board = bearer(&world, &issued);
    let read = leader.get(&target).await;
    let tag = read.header("etag").to_owned();
    let change = json!({"name": "二楼大屏", "access": "file", "requests_per_minute": 90});
    let request = leader
        .request(reqwest::Method::PATCH, &target)
        .json(&change);
    leader
        .send(request)
        .await
        .refused(Code::PreconditionRequired);
    let changed = leader.patch(&target, &tag, &change).await.ok();
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["requests_per_minute"], 90);
    leader
        .patch(&target, &tag, &change)
        .await
        .refused(Code::VersionMismatch);
    let me = board.get("/v1/me").await.ok();
    assert_eq!(me["officer"]["name"], "二楼大屏");
    assert_eq!(me["service_account"]["requests_per_minute"], 90);
    board.file(&filing(world.here().group(1, 1))).await;
    let unlimited = leader
        .patch(&target, "\"2-x\"", &json!({"requests_per_minute": 0}))
        .await
        .ok();
    assert!(unlimited.get("requests_per_minute").is_none());
}

async fn wrong_values_are_named_all_at_once(world: World) {
    let leader = world.town_leader().await;
    let wrong = json!({"name": " ", "grid_id": world.here().id(), "access": "write",
        "requests_per_minute": 0, "expires_at": "1969-01-01T00:00:00Z"});
    leader
        .post("/v1/service-accounts", &wrong)
        .await
        .wrong_at(&[
            ("/name", "too_short"),
            ("/access", "not_allowed"),
            ("/requests_per_minute", "out_of_range"),
            ("/expires_at", "out_of_range"),
        ]);
    for days in [-1, 731] {
        let asked = json!({"name": "x", "grid_id": world.here().id(), "access": "read",
            "expires_at": world.now() + TimeDelta::days(days)});
        let refused = leader.post("/v1/service-accounts", &asked).await;
        refused.wrong_at(&[("/expires_at", "out_of_range")]);
    }
    let nowhere = json!({"name": "x", "grid_id": Uuid::now_v7(), "access": "read"});
    leader
        .post("/v1/service-accounts", &nowhere)
        .await
        .refused(Code::NotFound);
    let issued = made(&leader, world.here().id(), "read").await;
    let target = format!("/v1/service-accounts/{}", id_of(&issued["account"]));
    leader
        .patch(&target, "*", &json!({}))
        .await
        .wrong_at(&[("", "required")]);
    let late = json!({"old_valid_until": world.now() + TimeDelta::days(31)});
    let refused = leader.post(&format!("{target}/keys"), &late).await;
    refused.wrong_at(&[("/old_valid_until", "out_of_range")]);
}
