//! Signing a phone in by invitation: once and for one phone, even if requests or answers get lost.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::towns::PASSWORD;
use crate::support::{Answer, World, filing};

on_both!(
    who_is_invited_types_no_password_and_may_set_one,
    an_invitation_is_good_once_and_again_after_a_lost_answer,
    of_two_phones_at_once_one_wins,
    an_invitation_ends_with_its_time_and_with_the_next,
    guessing_codes_is_stopped_by_address,
);

async fn invite(world: &World, by: &str, officer: Uuid) -> Value {
    let manager = world.sign_in(by).await;
    let answer = manager
        .post(&format!("/v1/officers/{officer}/invite"), &json!({}))
        .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.ok()
}

async fn accept(world: &World, invitation: &Value, device: &str) -> Answer {
    let body = json!({
        "code": invitation["code"],
        "device": {"id": device, "name": "红米 Note 12", "platform": "android"},
    });
    world
        .stranger()
        .post("/v1/auth/invitations/accept", &body)
        .await
}

async fn who_is_invited_types_no_password_and_may_set_one(world: World) {
    let secretary = world.secretary(1).await;
    let body = json!({"username": "li.yi", "name": "李一",
        "posting": {"role": "group_leader", "grid_id": world.here().group(1, 1)}});
    let officer = secretary.post("/v1/officers", &body).await.created();
    let id: Uuid = officer["id"].as_str().unwrap().parse().unwrap();
    let invitation = invite(&world, "secretary_1", id).await;
    let code = invitation["code"].as_str().unwrap();
    assert!(
        invitation["qr_text"]
            .as_str()
            .unwrap()
            .contains(&code.replace('-', ""))
    );
    let seen = secretary.get(&format!("/v1/officers/{id}")).await.ok();
    assert_eq!(seen["account"]["invited_until"], invitation["expires_at"]);

    let tokens = accept(&world, &invitation, "phone").await.ok();
    assert_eq!(tokens["must_change_password"], false);
    let leader = world.stranger().with_tokens("li.yi", &tokens);
    leader.file(&filing(world.here().group(1, 1))).await;
    let sessions = leader.get("/v1/auth/sessions").await.ok();
    assert_eq!(sessions["items"][0]["device"]["id"], "phone");
    let seen = secretary.get(&format!("/v1/officers/{id}")).await.ok();
    assert!(seen["account"].get("invited_until").is_none());
    // It goes on by refresh tokens.
    world.advance(TimeDelta::days(20));
    let refresh = json!({"refresh_token": leader.refresh_token});
    let tokens = world
        .stranger()
        .post("/v1/auth/refresh", &refresh)
        .await
        .ok();
    let leader = world.stranger().with_tokens("li.yi", &tokens);

    // No password is known until one is set, and then it is asked for.
    let set = |current: Option<&str>, new: &str| {
        let mut body = json!({"new_password": new});
        if let Some(current) = current {
            body["current_password"] = json!(current);
        }
        let leader = leader.clone();
        async move { leader.post("/v1/auth/password", &body).await }
    };
    set(None, "Aa123456")
        .await
        .wrong_at(&[("/new_password", "too_common")]);
    set(None, "Weiyuan-2027").await.expect(204);
    set(None, "Weiyuan-2027").await.expect(204);
    set(None, "Weiyuan-2028")
        .await
        .wrong_at(&[("/current_password", "required")]);
    set(Some("Weiyuan-2027"), "Weiyuan-2028").await.expect(204);
    world.stranger().sign_in("li.yi", "Weiyuan-2028").await.ok();
}

async fn an_invitation_is_good_once_and_again_after_a_lost_answer(world: World) {
    let officer = world.officer("group_1_1");
    let invitation = invite(&world, "secretary_1", officer).await;
    let first = accept(&world, &invitation, "phone").await.ok();
    let again = accept(&world, &invitation, "phone").await.ok();
    // The session of the lost answer is replaced by that of the second.
    let lost = world.stranger().with_tokens("group_1_1", &first);
    lost.get("/v1/me").await.refused(Code::SessionEnded);
    let phone = world.stranger().with_tokens("group_1_1", &again);
    phone.get("/v1/me").await.ok();
    accept(&world, &invitation, "another")
        .await
        .refused(Code::InvitationInvalid);
    // From the first refresh on it is spent.
    let refresh = json!({"refresh_token": phone.refresh_token});
    world
        .stranger()
        .post("/v1/auth/refresh", &refresh)
        .await
        .ok();
    accept(&world, &invitation, "phone")
        .await
        .refused(Code::InvitationInvalid);
    phone.get("/v1/me").await.ok();
    // A session that was cut off does not come back either.
    let invitation = invite(&world, "secretary_1", officer).await;
    accept(&world, &invitation, "phone").await.ok();
    let secretary = world.secretary(1).await;
    secretary
        .delete(&format!("/v1/officers/{officer}/sessions"))
        .await
        .expect(204);
    accept(&world, &invitation, "phone")
        .await
        .refused(Code::InvitationInvalid);
    // Nor after an hour.
    let invitation = invite(&world, "secretary_1", officer).await;
    accept(&world, &invitation, "phone").await.ok();
    world.advance(TimeDelta::minutes(61));
    accept(&world, &invitation, "phone")
        .await
        .refused(Code::InvitationInvalid);
}

async fn of_two_phones_at_once_one_wins(world: World) {
    let officer = world.officer("group_1_1");
    let invitation = invite(&world, "secretary_1", officer).await;
    let (one, other) = tokio::join!(
        accept(&world, &invitation, "one"),
        accept(&world, &invitation, "other")
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{} / {}", one.text(), other.text());
}

async fn an_invitation_ends_with_its_time_and_with_the_next(world: World) {
    let officer = world.officer("group_1_1");
    let first = invite(&world, "secretary_1", officer).await;
    let second = invite(&world, "secretary_1", officer).await;
    accept(&world, &first, "phone")
        .await
        .refused(Code::InvitationInvalid);
    world.advance(TimeDelta::hours(73));
    accept(&world, &second, "phone")
        .await
        .refused(Code::InvitationInvalid);
    // As typed on a small keyboard.
    let third = invite(&world, "secretary_1", officer).await;
    let typed = third["code"].as_str().unwrap().to_lowercase();
    accept(&world, &json!({"code": typed.replace('-', " ")}), "phone")
        .await
        .ok();
    // A one-time password set before is worth nothing afterwards.
    let secretary = world.secretary(1).await;
    let reset = format!("/v1/officers/{officer}/password");
    let password = secretary.post(&reset, &json!({})).await.ok()["password"].clone();
    let fourth = invite(&world, "secretary_1", officer).await;
    let tokens = accept(&world, &fourth, "phone").await.ok();
    assert_eq!(tokens["must_change_password"], false);
    let leader = world.stranger().with_tokens("group_1_1", &tokens);
    leader.get("/v1/inbox").await.ok();
    for gone in [password.as_str().unwrap(), PASSWORD] {
        world
            .stranger()
            .sign_in("group_1_1", gone)
            .await
            .refused(Code::CredentialsInvalid);
        world.advance(TimeDelta::minutes(31));
    }
    // Nobody invites those who are not theirs, or oneself.
    for (by, whom) in [("secretary_2", "group_1_1"), ("admin", "admin")] {
        let target = format!("/v1/officers/{}/invite", world.officer(whom));
        let client = world.sign_in(by).await;
        client
            .post(&target, &json!({}))
            .await
            .refused(Code::NotPermitted);
    }
}

async fn guessing_codes_is_stopped_by_address(world: World) {
    let wrong = json!({"code": "0000-0000-0000"});
    for _ in 0..60 {
        accept(&world, &wrong, "phone")
            .await
            .refused(Code::InvitationInvalid);
    }
    accept(&world, &wrong, "phone")
        .await
        .refused(Code::LoginLocked);
    // What cannot be one is counted as well, and named where the shape is wrong.
    world
        .stranger()
        .post(
            "/v1/auth/invitations/accept",
            &json!({"code": "", "device": {}}),
        )
        .await
        .wrong_at(&[("/code", "too_short"), ("/device/id", "required")]);
    world.advance(TimeDelta::minutes(6));
    let invitation = invite(&world, "secretary_1", world.officer("group_1_1")).await;
    accept(&world, &invitation, "phone").await.ok();
}
