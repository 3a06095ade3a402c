//! Tickets: what they allow, for how long, and what they never allow.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::json;
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::pictures::jpeg;
use crate::support::{Client, World, filing};

on_both!(
    a_ticket_reads_below_its_prefix_for_five_minutes,
    a_ticket_is_dead_when_its_session_ends,
    a_ticket_of_a_service_account_is_the_accounts,
    a_ticket_is_no_token_and_a_token_no_ticket,
    a_ticket_hides_no_other_parameter,
    a_prefix_is_a_plain_path,
);

async fn ticket(client: &Client, prefix: &str) -> String {
    let answer = client
        .post("/v1/auth/tickets", &json!({ "path_prefix": prefix }))
        .await;
    let issued = answer.created();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(issued["expires_in"], 300);
    issued["ticket"].as_str().expect("a ticket").to_owned()
}

async fn a_ticket_reads_below_its_prefix_for_five_minutes(world: World) {
    let leader = world.leader(1, 1).await;
    let photo = Uuid::now_v7();
    let mut asked = filing(world.here().group(1, 1));
    asked.0["photos"] = json!([{ "id": photo }]);
    let report = id_of(&leader.file(&asked).await);
    leader.put_photo(photo, &jpeg(64, 48, 1)).await.created();
    let stranger = world.stranger();
    let of_report = ticket(&leader, &format!("/v1/reports/{report}/")).await;
    let read = |target: String| {
        let stranger = stranger.clone();
        async move { stranger.get(&target).await }
    };
    let answer = read(format!("/v1/reports/{report}?ticket={of_report}")).await;
    answer.ok();
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.header("cache-control").contains("private"));
    read(format!(
        "/v1/reports/{report}/events?limit=5&ticket={of_report}"
    ))
    .await
    .ok();
    for elsewhere in [
        format!("/v1/reports?ticket={of_report}"),
        format!("/v1/photos/{photo}?ticket={of_report}"),
    ] {
        assert_eq!(read(elsewhere.clone()).await.status / 100, 4, "{elsewhere}");
    }
    let of_photo = ticket(&leader, &format!("/v1/photos/{photo}")).await;
    let original = read(format!("/v1/photos/{photo}/original?ticket={of_photo}")).await;
    assert_eq!(original.status, 200);
    assert_eq!(original.body, jpeg(64, 48, 1));

    // The clock goes on meanwhile: a slow machine has half a minute.
    world.advance(TimeDelta::seconds(270));
    read(format!("/v1/reports/{report}?ticket={of_report}"))
        .await
        .ok();
    world.advance(TimeDelta::seconds(30));
    read(format!("/v1/reports/{report}?ticket={of_report}"))
        .await
        .refused(Code::TokenExpired);
}

async fn a_ticket_is_dead_when_its_session_ends(world: World) {
    let leader = world.leader(1, 1).await;
    let other = world.leader(1, 1).await;
    let (mine, theirs) = (
        ticket(&leader, "/v1/reports").await,
        ticket(&other, "/v1/reports").await,
    );
    let target = |ticket: &str| format!("/v1/reports?ticket={ticket}");
    let stranger = world.stranger();
    stranger.get(&target(&mine)).await.ok();
    leader.post("/v1/auth/logout", &json!({})).await.expect(204);
    stranger
        .get(&target(&mine))
        .await
        .refused(Code::SessionEnded);
    stranger.get(&target(&theirs)).await.ok();
    world.disable("group_1_1").await;
    stranger
        .get(&target(&theirs))
        .await
        .refused(Code::SessionEnded);
}

async fn a_ticket_of_a_service_account_is_the_accounts(world: World) {
    let leader = world.town_leader().await;
    let asked = json!({"name": "大屏", "grid_id": world.here().village(1), "access": "read"});
    let issued = leader.post("/v1/service-accounts", &asked).await.created();
    let board = world.stranger().bearing(issued["key"].as_str().unwrap());
    let outside = id_of(
        &world
            .leader(2, 1)
            .await
            .file(&filing(world.here().group(2, 1)))
            .await,
    );
    let ticket = ticket(&board, "/v1/reports").await;
    let stranger = world.stranger();
    stranger
        .get(&format!("/v1/reports?ticket={ticket}"))
        .await
        .ok();
    stranger
        .get(&format!("/v1/reports/{outside}?ticket={ticket}"))
        .await
        .refused(Code::NotFound);
    let account = id_of(&issued["account"]);
    let key = issued["key_id"].as_str().unwrap();
    leader
        .delete(&format!("/v1/service-accounts/{account}/keys/{key}"))
        .await
        .expect(204);
    stranger
        .get(&format!("/v1/reports?ticket={ticket}"))
        .await
        .refused(Code::Unauthenticated);
}

async fn a_ticket_is_no_token_and_a_token_no_ticket(world: World) {
    let leader = world.leader(1, 1).await;
    let ticket = ticket(&leader, "/v1/reports").await;
    let stranger = world.stranger();
    stranger
        .bearing(&ticket)
        .get("/v1/reports")
        .await
        .refused(Code::Unauthenticated);
    let token = leader.access_token.clone().unwrap();
    for wrong in [
        token.as_str(),
        "",
        "gpt_",
        &ticket[..60],
        &format!("{ticket}A"),
    ] {
        stranger
            .get(&format!("/v1/reports?ticket={wrong}"))
            .await
            .refused(Code::Unauthenticated);
    }
    // On nothing but GET.
    let report = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let said = stranger
        .post(
            &format!("/v1/reports/{report}/comment?ticket={ticket}"),
            &json!({"text": "x"}),
        )
        .await;
    said.refused(Code::Unauthenticated);
    // Not to get another one.
    let more = stranger
        .post(
            &format!("/v1/auth/tickets?ticket={ticket}"),
            &json!({"path_prefix": "/v1/reports"}),
        )
        .await;
    more.refused(Code::Unauthenticated);
}

async fn a_ticket_hides_no_other_parameter(world: World) {
    let leader = world.leader(1, 1).await;
    let ticket = ticket(&leader, "/v1/reports").await;
    let stranger = world.stranger();
    stranger
        .get(&format!("/v1/reports?typo=1&ticket={ticket}"))
        .await
        .wrong_at(&[("query/typo", "unknown_field")]);
    // Beside a header, the header counts, whatever the ticket is worth.
    leader.get("/v1/reports?ticket=worthless").await.ok();
    leader
        .get(&format!("/v1/reports?typo=1&ticket={ticket}"))
        .await
        .wrong_at(&[("query/typo", "unknown_field")]);
    stranger
        .get(&format!("/v1/reports?ticket={ticket}&ticket={ticket}"))
        .await
        .refused(Code::Unauthenticated);
    // Where nobody has to sign in, it is one as well.
    stranger
        .get(&format!("/healthz?ticket={ticket}"))
        .await
        .wrong_at(&[("query/ticket", "unknown_field")]);
    let photo = Uuid::now_v7();
    leader.put_photo(photo, &jpeg(64, 48, 1)).await.created();
    leader
        .get(&format!("/v1/photos/{photo}/original?ticket={ticket}"))
        .await
        .wrong_at(&[("query/ticket", "not_allowed")]);
    // A cursor that a ticket got is the same as that of a token.
    for _ in 0..2 {
        leader.file(&filing(world.here().group(1, 1))).await;
    }
    let page = stranger
        .get(&format!("/v1/reports?limit=1&ticket={ticket}"))
        .await
        .ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    leader
        .get(&format!("/v1/reports?limit=1&cursor={cursor}"))
        .await
        .ok();
}

async fn a_prefix_is_a_plain_path(world: World) {
    let leader = world.leader(1, 1).await;
    for wrong in [
        "",
        "/v1",
        "/v1/a//b",
        "/v1/../x",
        "/v1/%2e%2e",
        "reports",
        "/v1/村",
    ] {
        leader
            .post("/v1/auth/tickets", &json!({ "path_prefix": wrong }))
            .await
            .wrong_at(&[("/path_prefix", "bad_format")]);
    }
    for wrong in ["/v1/auth", "/v1/auth/sessions"] {
        leader
            .post("/v1/auth/tickets", &json!({ "path_prefix": wrong }))
            .await
            .wrong_at(&[("/path_prefix", "not_allowed")]);
    }
}
