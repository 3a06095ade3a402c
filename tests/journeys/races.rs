//! Many requests at once, and the same request twice.

use futures_util::future::{join, join_all};
use gridpatrol_domain::error::Code;
use serde_json::json;
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{World, audit, filing};

on_both!(
    of_two_approvals_at_once_one_wins,
    of_two_who_read_the_same_version_one_wins,
    ten_identical_filings_at_once_are_one_report,
    filing_again_answers_however_far_the_report_has_moved,
    a_keyed_request_is_answered_once_and_again,
    a_refresh_whose_answer_was_lost_works_again_and_an_old_token_ends_the_family,
    reports_filed_at_once_get_numbers_without_gaps,
);

async fn of_two_approvals_at_once_one_wins(world: World) {
    let leader = world.leader(1, 1).await;
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    for _ in 0..10 {
        let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
        let (one, other) = join(
            secretary.act(id, "approve", json!({})),
            town.act(id, "approve", json!({})),
        )
        .await;
        let (won, lost) = if one.status == 200 {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(won.ok()["status"], "open");
        lost.refused(Code::WrongStatus);
        let approved = leader
            .record(id)
            .await
            .iter()
            .filter(|event| event["kind"] == "approved")
            .count();
        assert_eq!(approved, 1);
        assert_eq!(leader.report(id).await["version"], 2);
    }
}

async fn of_two_who_read_the_same_version_one_wins(world: World) {
    let leader = world.leader(1, 1).await;
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    let filed = leader
        .put_report(Uuid::now_v7(), &filing(world.here().group(1, 1)))
        .await;
    let (target, etag) = (
        format!("/v1/reports/{}", id_of(&filed.created())),
        filed.header("etag"),
    );
    let (remark, measures) = (json!({"remark": "甲"}), json!({"measures": "乙"}));
    let (one, other) = join(
        secretary.patch(&target, etag, &remark),
        town.patch(&target, etag, &measures),
    )
    .await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let lost = if one.status == 412 { &one } else { &other };
    assert_eq!(lost.refused(Code::VersionMismatch)["current_version"], 2);
}

async fn ten_identical_filings_at_once_are_one_report(world: World) {
    let leader = world.leader(1, 1).await;
    for _ in 0..5 {
        let (id, photo) = (Uuid::now_v7(), Uuid::now_v7());
        let filing = filing(world.here().group(1, 1)).photo(photo, "before");
        let answers = join_all((0..10).map(|_| leader.put_report(id, &filing))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [[200; 9].as_slice(), &[201]].concat());
        let number = answers[0].json()["number"].clone();
        for answer in &answers {
            assert_eq!(answer.json()["number"], number);
        }
        assert_eq!(
            leader.record(id).await.len(),
            2,
            "filed and escalated, once"
        );
    }
    assert_eq!(leader.all("/v1/reports?limit=50").await.len(), 5);
}

async fn filing_again_answers_however_far_the_report_has_moved(world: World) {
    let leader = world.leader(1, 1).await;
    let town = world.town_officer().await;
    let id = Uuid::now_v7();
    let first = filing(world.here().group(1, 1)).description("河边烧秸秆");
    leader.put_report(id, &first).await.created();
    town.act(id, "approve", json!({"further": true})).await.ok();
    town.act(
        id,
        "close",
        json!({"outcome": "handled", "result": "已扑灭"}),
    )
    .await
    .ok();
    let (sibling, stranger) = (world.leader(1, 2).await, world.sign_in("b_group_1_1").await);
    let rows = audit::rows(&world).await;

    let again = leader.put_report(id, &first).await;
    assert_eq!(again.ok()["status"], "closed");
    // The same content in other words of JSON: members in another order, another spelling.
    let text = format!(
        r#"{{"description":"\u6cb3\u8fb9\u70e7\u79f8\u79c6", "severity":"general","category":"living_environment","grid_id":"{}"}}"#,
        world.here().group(1, 1)
    );
    let request = leader
        .request(reqwest::Method::PUT, &format!("/v1/reports/{id}"))
        .header("Content-Type", "application/json")
        .body(text);
    leader.send(request).await.ok();

    // Another content, or another officer, under the same id.
    let other = first.clone().description("河边烧垃圾");
    leader
        .put_report(id, &other)
        .await
        .refused(Code::IdConflict);
    sibling
        .put_report(id, &first)
        .await
        .refused(Code::IdConflict);
    stranger
        .put_report(id, &first)
        .await
        .refused(Code::IdConflict);
    assert_eq!(audit::rows(&world).await, rows);
}

async fn a_keyed_request_is_answered_once_and_again(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let body = filing(world.here().group(1, 1)).0;
    let key = Uuid::new_v4().to_string();

    // Ten at once: one report, ten times the same answer.
    let answers = join_all((0..10).map(|_| leader.post_keyed("/v1/reports", &key, &body))).await;
    let first = answers[0].created();
    let id = id_of(&first);
    for answer in &answers {
        assert_eq!(answer.created(), first);
    }
    let replayed =
        |answer: &&crate::support::Answer| answer.header("idempotent-replayed") == "true";
    assert_eq!(answers.iter().filter(replayed).count(), 9);

    // After the report has moved on, still the first answer.
    let approve = format!("/v1/reports/{id}/approve");
    let approved = secretary.post_keyed(&approve, "k-1", &json!({})).await.ok();
    secretary.act(id, "escalate", json!({})).await.ok();
    assert_eq!(
        leader
            .post_keyed("/v1/reports", &key, &body)
            .await
            .created(),
        first
    );
    assert_eq!(
        secretary.post_keyed(&approve, "k-1", &json!({})).await.ok(),
        approved
    );

    // Another body or another operation under the same key.
    let mut other = body.clone();
    other["description"] = json!("别的");
    leader
        .post_keyed("/v1/reports", &key, &other)
        .await
        .refused(Code::KeyReused);
    let comment = format!("/v1/reports/{id}/comment");
    leader
        .post_keyed(&comment, &key, &json!({"text": "x"}))
        .await
        .refused(Code::KeyReused);
    // Keys are per officer.
    secretary
        .post_keyed(&comment, &key, &json!({"text": "x"}))
        .await
        .ok();

    // A refusal is not stored: after a correction the same key works.
    let escalate = format!("/v1/reports/{id}/escalate");
    secretary
        .post_keyed(&escalate, "k-2", &json!({}))
        .await
        .refused(Code::NothingAbove);
    secretary
        .post_keyed(&comment, "k-2", &json!({"text": "y"}))
        .await
        .ok();

    // Two different requests at once under one key: one of them wins.
    let (one, two) = join(
        leader.post_keyed(&comment, "k-3", &json!({"text": "甲"})),
        leader.post_keyed(&comment, "k-3", &json!({"text": "乙"})),
    )
    .await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}

async fn a_refresh_whose_answer_was_lost_works_again_and_an_old_token_ends_the_family(
    world: World,
) {
    let phone = world.leader(1, 1).await;
    let refresh = |token: String| {
        let stranger = world.stranger();
        async move {
            stranger
                .post("/v1/auth/refresh", &json!({"refresh_token": token}))
                .await
        }
    };
    let first = phone.refresh_token.clone();
    let lost = refresh(first.clone()).await.ok();
    let second = refresh(first.clone()).await.ok();
    // Ten at once, as an impatient app sends them.
    for answer in join_all((0..10).map(|_| refresh(first.clone()))).await {
        answer.ok();
    }
    assert_ne!(lost["refresh_token"], second["refresh_token"]);
    let phone = phone.with_tokens("group_1_1", &second);
    phone.get("/v1/me").await.ok();

    // The successor is used: now the old one is stolen goods.
    let third = refresh(phone.refresh_token.clone()).await.ok();
    refresh(first).await.refused(Code::SessionEnded);
    let newest = phone.with_tokens("group_1_1", &third);
    newest.get("/v1/me").await.refused(Code::SessionEnded);
    refresh(newest.refresh_token)
        .await
        .refused(Code::SessionEnded);
    refresh("gpr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned())
        .await
        .refused(Code::SessionEnded);
    refresh("nonsense".to_owned())
        .await
        .refused(Code::SessionEnded);
}

async fn reports_filed_at_once_get_numbers_without_gaps(world: World) {
    let leaders = join_all((1..=3).map(|group| world.leader(1, group))).await;
    let filed = join_all((0..60).map(|at| {
        let leader = &leaders[at % 3];
        let group = u8::try_from(at % 3).unwrap() + 1;
        let filing = filing(world.here().group(1, group));
        async move { leader.file(&filing).await }
    }))
    .await;
    let mut numbers: Vec<&str> = filed
        .iter()
        .map(|report| report["number"].as_str().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 60);
    assert!(numbers[0].ends_with("-000001") && numbers[59].ends_with("-000060"));
}
