//! Signing in, staying signed in, and everything that ends a session.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use serde_json::json;

use crate::support::towns::PASSWORD;
use crate::support::{Client, World, filing};

on_both!(
    who_signs_in_is_told_who_and_where,
    wrong_names_and_wrong_passwords_look_alike,
    guessing_is_slowed_down_then_stopped_then_forgotten,
    an_access_token_ends_with_its_time,
    a_token_of_nobody_is_no_token,
    signing_out_acts_at_once_and_on_this_session_only,
    signing_in_on_a_device_replaces_its_session,
    a_password_is_changed_by_who_knows_it,
    until_the_first_password_is_changed_nothing_else_works,
    a_disabled_account_and_an_ended_posting_act_at_once,
    who_moved_within_the_town_keeps_sight_of_what_was_filed,
    anybody_can_verify_a_token_with_the_published_keys,
);

async fn who_signs_in_is_told_who_and_where(world: World) {
    let answer = world.stranger().sign_in("  Group_1_2 ", PASSWORD).await;
    let tokens = answer.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert_eq!(tokens["must_change_password"], false);
    let leader = world.stranger().with_tokens("group_1_2", &tokens);
    let me = leader.get("/v1/me").await.ok();
    assert_eq!(me["officer"]["username"], "group_1_2");
    let posting = &me["postings"][0];
    assert_eq!(posting["role"], "group_leader");
    assert_eq!(posting["tier"], "group");
    assert_eq!(posting["grid_id"], json!(world.here().group(1, 2)));
    assert_eq!(posting["grid_name"], "1村2组");
    assert!(posting["from"].is_string() && posting.get("to").is_none());
}

async fn wrong_names_and_wrong_passwords_look_alike(world: World) {
    let stranger = world.stranger();
    for (username, password) in [
        ("group_1_1", "demo-Patrol-2025"),
        ("nobody", PASSWORD),
        ("no body !", PASSWORD),
    ] {
        let problem = stranger
            .sign_in(username, password)
            .await
            .refused(Code::CredentialsInvalid);
        assert!(problem.get("detail").is_none(), "{problem}");
    }
    world.disable("group_2_1").await;
    stranger
        .sign_in("group_2_1", PASSWORD)
        .await
        .refused(Code::CredentialsInvalid);
}

async fn guessing_is_slowed_down_then_stopped_then_forgotten(world: World) {
    let stranger = world.stranger();
    let guess = || stranger.sign_in("group_1_1", "guess-Guess-1");
    guess().await.refused(Code::CredentialsInvalid);
    let mut waits = Vec::new();
    for _ in 0..4 {
        guess().await.refused(Code::CredentialsInvalid);
        let problem = guess().await.refused(Code::LoginLocked);
        let seconds = problem["retry_after_s"].as_i64().expect("seconds");
        // Not even the right password helps meanwhile.
        stranger
            .sign_in("group_1_1", PASSWORD)
            .await
            .refused(Code::LoginLocked);
        world.advance(TimeDelta::seconds(seconds));
        waits.push(seconds);
    }
    assert_eq!(waits, [2, 4, 8, 1800]);
    stranger.sign_in("group_1_1", PASSWORD).await.ok();
    guess().await.refused(Code::CredentialsInvalid);
    stranger.sign_in("group_1_1", PASSWORD).await.ok();
    // Another name was never touched.
    stranger.sign_in("group_1_2", PASSWORD).await.ok();
}

async fn an_access_token_ends_with_its_time(world: World) {
    let leader = world.leader(1, 1).await;
    leader.get("/v1/me").await.ok();
    world.advance(TimeDelta::minutes(16));
    leader.get("/v1/me").await.refused(Code::TokenExpired);
    // Even for what would be refused for its values.
    leader
        .post("/v1/reports", &json!({"nonsense": 1}))
        .await
        .refused(Code::TokenExpired);
    let renewed = refresh(&world, &leader).await;
    renewed.get("/v1/me").await.ok();
    // A session that nobody refreshes is over after thirty days.
    world.advance(TimeDelta::days(31));
    world
        .stranger()
        .post(
            "/v1/auth/refresh",
            &json!({"refresh_token": renewed.refresh_token}),
        )
        .await
        .refused(Code::SessionEnded);
}

async fn a_token_of_nobody_is_no_token(world: World) {
    let leader = world.leader(1, 1).await;
    let token = leader.access_token.clone().expect("a token");
    let (head, rest) = token.split_once('.').expect("three parts");
    let (claims, signature) = rest.split_once('.').expect("three parts");
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for wrong in [
        String::new(),
        "x".to_owned(),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{unsigned}.{claims}."),
        format!("{head}.{claims}x.{signature}"),
        format!(
            "{head}.{claims}.{}",
            signature.chars().rev().collect::<String>()
        ),
    ] {
        let forged = leader.bearing(&wrong);
        let code = forged.get("/v1/me").await.code();
        assert_eq!(code.as_deref(), Some("unauthenticated"), "{wrong}");
    }
    world
        .stranger()
        .get("/v1/me")
        .await
        .refused(Code::Unauthenticated);
    let basic = leader.http_request_with("Authorization", "Basic Z3JvdXA6eA==");
    leader.send(basic).await.refused(Code::Unauthenticated);
}

async fn signing_out_acts_at_once_and_on_this_session_only(world: World) {
    let (phone, tablet) = (world.leader(1, 1).await, world.leader(1, 1).await);
    phone.post("/v1/auth/logout", &json!({})).await.expect(204);
    phone.get("/v1/me").await.refused(Code::SessionEnded);
    let spent = json!({"refresh_token": phone.refresh_token});
    world
        .stranger()
        .post("/v1/auth/refresh", &spent)
        .await
        .refused(Code::SessionEnded);
    tablet.get("/v1/me").await.ok();

    // From the list of sessions, another of one's own; never somebody else's.
    let lost = world.leader(1, 1).await;
    let sessions = tablet.get("/v1/auth/sessions").await.ok();
    let sessions = sessions["items"].as_array().expect("sessions");
    assert_eq!(sessions.len(), 2);
    let other = sessions
        .iter()
        .find(|session| session["current"] == false)
        .expect("another");
    let target = format!("/v1/auth/sessions/{}", other["id"].as_str().unwrap());
    world
        .leader(1, 2)
        .await
        .delete(&target)
        .await
        .refused(Code::NotFound);
    lost.get("/v1/me").await.ok();
    tablet.delete(&target).await.expect(204);
    lost.get("/v1/me").await.refused(Code::SessionEnded);
    tablet.get("/v1/me").await.ok();
}

async fn signing_in_on_a_device_replaces_its_session(world: World) {
    let sign_in = || async {
        let body = json!({
            "username": "group_1_1", "password": PASSWORD,
            "device": {"id": "phone-1", "name": "红米 Note 12", "platform": "android"},
        });
        let tokens = world.stranger().post("/v1/auth/login", &body).await.ok();
        world.stranger().with_tokens("group_1_1", &tokens)
    };
    let (first, second) = (sign_in().await, sign_in().await);
    first.get("/v1/me").await.refused(Code::SessionEnded);
    let sessions = second.get("/v1/auth/sessions").await.ok();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["items"][0]["device"]["name"], "红米 Note 12");
}

async fn a_password_is_changed_by_who_knows_it(world: World) {
    let (phone, tablet) = (world.leader(1, 1).await, world.leader(1, 1).await);
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        let phone = phone.clone();
        async move { phone.post("/v1/auth/password", &body).await }
    };
    change("wrong-Wrong-1", "Weiyuan-2027")
        .await
        .wrong_at(&[("/current_password", "wrong_password")]);
    change(PASSWORD, "short").await.wrong_at(&[
        ("/new_password", "too_short"),
        ("/new_password", "too_simple"),
    ]);
    change(PASSWORD, PASSWORD)
        .await
        .wrong_at(&[("/new_password", "reused")]);
    tablet.get("/v1/me").await.ok();
    change(PASSWORD, "Weiyuan-2027").await.expect(204);
    tablet.get("/v1/me").await.refused(Code::SessionEnded);
    phone.get("/v1/me").await.ok();
    world
        .stranger()
        .sign_in("group_1_1", PASSWORD)
        .await
        .refused(Code::CredentialsInvalid);
    world
        .stranger()
        .sign_in("group_1_1", "Weiyuan-2027")
        .await
        .ok();
    // The former one does not come back.
    change("Weiyuan-2027", PASSWORD)
        .await
        .wrong_at(&[("/new_password", "reused")]);
    // Who is signed in does not guess without end either.
    for _ in 0..2 {
        change("wrong-Wrong-1", "Weiyuan-2028")
            .await
            .refused(Code::ValidationFailed);
    }
    change("wrong-Wrong-1", "Weiyuan-2028")
        .await
        .refused(Code::LoginLocked);
}

async fn until_the_first_password_is_changed_nothing_else_works(world: World) {
    world.must_change_password("group_1_1").await;
    let tokens = world.stranger().sign_in("group_1_1", PASSWORD).await.ok();
    assert_eq!(tokens["must_change_password"], true);
    let leader = world.stranger().with_tokens("group_1_1", &tokens);
    leader.get("/v1/me").await.ok();
    for target in ["/v1/reports", "/v1/inbox", "/v1/grids", "/v1/auth/sessions"] {
        leader
            .get(target)
            .await
            .refused(Code::PasswordChangeRequired);
    }
    leader
        .put_report(uuid::Uuid::now_v7(), &filing(world.here().group(1, 1)))
        .await
        .refused(Code::PasswordChangeRequired);
    let body = json!({"current_password": PASSWORD, "new_password": "Weiyuan-2027"});
    leader.post("/v1/auth/password", &body).await.expect(204);
    leader.get("/v1/reports").await.ok();
}

async fn a_disabled_account_and_an_ended_posting_act_at_once(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let report = leader.file(&filing(world.here().group(1, 1))).await;
    let target = format!("/v1/reports/{}", report["id"].as_str().unwrap());
    world.disable("group_1_1").await;
    leader.get(&target).await.refused(Code::SessionEnded);
    let spent = json!({"refresh_token": leader.refresh_token});
    world
        .stranger()
        .post("/v1/auth/refresh", &spent)
        .await
        .refused(Code::SessionEnded);

    secretary.get(&target).await.ok();
    world.dismiss("secretary_1").await;
    secretary.get(&target).await.refused(Code::NotFound);
    world
        .post(
            "secretary_1",
            Role::VillageSecretary,
            world.here().village(2),
        )
        .await;
    secretary.get(&target).await.refused(Code::NotFound);
    let me = secretary.get("/v1/me").await.ok();
    assert_eq!(me["postings"][0]["grid_id"], json!(world.here().village(2)));
    world
        .post(
            "secretary_1",
            Role::VillageSecretary,
            world.here().village(1),
        )
        .await;
    secretary.get(&target).await.ok();
}

async fn who_moved_within_the_town_keeps_sight_of_what_was_filed(world: World) {
    let leader = world.leader(1, 1).await;
    let report = leader.file(&filing(world.here().group(1, 1))).await;
    let target = format!("/v1/reports/{}", report["id"].as_str().unwrap());
    world.dismiss("group_1_1").await;
    leader.get(&target).await.refused(Code::NotFound);
    world
        .post("group_1_1", Role::GroupLeader, world.here().group(3, 3))
        .await;
    leader.get(&target).await.ok();
    assert!(leader.all("/v1/reports?view=grid").await.is_empty());
    assert_eq!(leader.all("/v1/reports?view=mine").await.len(), 1);
    // In another town it is not seen.
    world.dismiss("group_1_1").await;
    world
        .post("group_1_1", Role::GroupLeader, world.beside().group(3, 3))
        .await;
    leader.get(&target).await.refused(Code::NotFound);
    assert!(leader.all("/v1/reports?view=mine").await.is_empty());
}

async fn anybody_can_verify_a_token_with_the_published_keys(world: World) {
    let leader = world.leader(1, 1).await;
    let answer = world.stranger().get("/.well-known/jwks.json").await;
    let keys = answer.ok();
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let token = leader.access_token.expect("a token");
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    let key = keys["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .find(|key| key["kid"].as_str() == header.kid.as_deref())
        .expect("the key that signed");
    assert_eq!(
        (&key["alg"], &key["crv"], &key["use"]),
        (&json!("EdDSA"), &json!("Ed25519"), &json!("sig"))
    );
    let public =
        jsonwebtoken::DecodingKey::from_ed_components(key["x"].as_str().unwrap()).expect("a key");
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    rules.set_audience(&["gridpatrol"]);
    rules.set_issuer(&["gridpatrol"]);
    let claims = jsonwebtoken::decode::<serde_json::Value>(&token, &public, &rules)
        .expect("claims")
        .claims;
    assert_eq!(claims["sub"], json!(leader.officer));
}

async fn refresh(world: &World, client: &Client) -> Client {
    let body = json!({"refresh_token": client.refresh_token});
    let tokens = world.stranger().post("/v1/auth/refresh", &body).await.ok();
    client.with_tokens(&client.username, &tokens)
}
