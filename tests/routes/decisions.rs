//! Decisions in bulk: each is independent and safe to repeat; one call returns all counts.

use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use gridpatrol_domain::error::Code;
use gridpatrol_store::Conn;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{Client, id_of};
use crate::support::{World, audit, filing};

on_both!(
    each_is_decided_by_itself,
    a_repeated_request_decides_nothing_twice,
    a_request_cut_off_goes_on,
    what_the_database_cannot_do_is_left_and_told,
    what_cannot_be_is_named_all_at_once,
    counts_tell_duties_and_deputies,
);

async fn escalated(world: &World, count: usize) -> Vec<Uuid> {
    let leader = world.leader(1, 1).await;
    let filing = filing(world.here().group(1, 1));
    let filed = (0..count).map(|_| leader.file(&filing));
    join_all(filed).await.iter().map(id_of).collect()
}

async fn decide(client: &Client, key: Option<&str>, decisions: &Value) -> crate::support::Answer {
    let request = client.request(Method::POST, "/v1/inbox/decide");
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let body = json!({"decisions": decisions});
    client.send(request.json(&body)).await
}

fn statuses(decided: &Value) -> Vec<u64> {
    let items = decided["items"].as_array().expect("items");
    let status = |item: &Value| item["status"].as_u64().expect("a status");
    items.iter().map(status).collect()
}

async fn each_is_decided_by_itself(world: World) {
    let ids = escalated(&world, 5).await;
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let elsewhere = world.leader(2, 1).await;
    let foreign = id_of(&elsewhere.file(&filing(world.here().group(2, 1))).await);
    let decided = decide(
        &secretary,
        None,
        &json!([
            {"report_id": ids[0], "action": "approve"},
            {"report_id": ids[1], "action": "approve", "further": true, "comment": "请镇里协调"},
            {"report_id": ids[2], "action": "return", "reason_code": "unclear_photos", "reason": "第二张"},
            {"report_id": ids[3], "action": "void", "reason_code": "duplicate", "duplicate_of": ids[0]},
            {"report_id": ids[4], "action": "approve", "version": 7},
            {"report_id": foreign, "action": "approve"},
            {"report_id": Uuid::now_v7(), "action": "approve"},
        ]),
    )
    .await
    .ok();
    assert_eq!(statuses(&decided), [200, 200, 200, 200, 412, 404, 404]);
    assert_eq!(
        (&decided["done"], &decided["refused"]),
        (&json!(4), &json!(3))
    );
    let items = decided["items"].as_array().expect("items");
    assert_eq!(items[0]["report"]["status"], "open");
    assert!(items[0].get("problem").is_none());
    assert_eq!(items[4]["problem"]["code"], "version_mismatch");
    assert_eq!(items[4]["problem"]["current_version"], 1);
    assert_eq!(items[5]["problem"]["code"], "not_found");
    let tiers: Vec<Value> = join_all(ids.iter().map(|id| leader.report(*id)))
        .await
        .into_iter()
        .map(|report| json!([report["status"], report["tier"]]))
        .collect();
    let expected = json!([
        ["open", "village"],
        ["open", "town"],
        ["open", "group"],
        ["void", "group"],
        ["escalating", "group"]
    ]);
    assert_eq!(json!(tiers), expected);
    let record = leader.record(ids[2]).await;
    let reason = &record.last().expect("an event")["details"]["reason"];
    assert_eq!(reason, "照片不清楚，请补拍：第二张");
    // Decided a second time: each says what is possible instead.
    let again = decide(
        &secretary,
        None,
        &json!([{"report_id": ids[0], "action": "approve"}, {"report_id": ids[4], "action": "approve"}]),
    )
    .await
    .ok();
    assert_eq!(statuses(&again), [409, 200]);
    assert!(again["items"][0]["problem"]["allowed_actions"].is_array());
    // Who never decides is told so, report by report.
    let decided = decide(
        &leader,
        None,
        &json!([{"report_id": ids[1], "action": "approve"}]),
    )
    .await
    .ok();
    assert_eq!(decided["items"][0]["problem"]["code"], "not_permitted");
}

async fn a_repeated_request_decides_nothing_twice(world: World) {
    let ids = escalated(&world, 12).await;
    let secretary = world.secretary(1).await;
    let decisions: Vec<Value> = ids
        .iter()
        .map(|id| json!({"report_id": id, "action": "approve"}))
        .collect();
    let decisions = json!(decisions);
    // At the same time, and again.
    let both = join_all([(); 3].map(|()| decide(&secretary, Some("k"), &decisions))).await;
    for answer in &both {
        assert_eq!(statuses(&answer.ok()), [200; 12]);
    }
    let again = decide(&secretary, Some("k"), &decisions).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.ok(), both[0].ok());
    for id in &ids {
        assert_eq!(
            audit::moved(&world, *id).await,
            (2, 3),
            "filed, escalated, approved"
        );
    }
    let other = json!([{"report_id": ids[0], "action": "escalate"}]);
    decide(&secretary, Some("k"), &other)
        .await
        .refused(Code::KeyReused);
}

async fn a_request_cut_off_goes_on(world: World) {
    use diesel::prelude::*;
    use gridpatrol_store::schema::idempotency_keys as keys;
    let ids = escalated(&world, 4).await;
    let secretary = world.secretary(1).await;
    let decisions: Vec<Value> = ids
        .iter()
        .map(|id| json!({"report_id": id, "action": "approve"}))
        .collect();
    let whole = decide(&secretary, Some("k"), &json!(decisions)).await.ok();
    // As if the server had died before the whole was answered, with one part undone.
    let (officer, undone) = (secretary.officer, ids[3]);
    world
        .change(move |conn| {
            let id = gridpatrol_store::types::Id(officer);
            diesel::update(keys::table.find((id, "k")))
                .set((keys::status.eq(102), keys::body.eq("")))
                .execute(conn)?;
            diesel::delete(keys::table.find((id, format!("k/{undone}")))).execute(conn)?;
            Ok(())
        })
        .await;
    let resumed = decide(&secretary, Some("k"), &json!(decisions)).await.ok();
    // The three that were done get their answers again; the fourth is decided now, and is refused for
    // it was in truth done.
    assert_eq!(statuses(&resumed), [200, 200, 200, 409]);
    for place in 0..3 {
        assert_eq!(resumed["items"][place], whole["items"][place]);
    }
    for id in &ids {
        assert_eq!(audit::moved(&world, *id).await, (2, 3));
    }
}

/// Lets the database fail at every change of this report, until [`mend`].
async fn break_at(world: &World, report: Uuid) {
    let hex = report.simple();
    let sqlite = format!(
        "CREATE TRIGGER away BEFORE UPDATE ON reports WHEN NEW.id = x'{hex}'
         BEGIN SELECT RAISE(ABORT, 'away'); END"
    );
    let postgres = format!(
        "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'away'; END $$;
         CREATE TRIGGER away BEFORE UPDATE ON reports FOR EACH ROW
           WHEN (NEW.id = '{hex}') EXECUTE FUNCTION away()"
    );
    run(world, sqlite, postgres).await;
}

async fn mend(world: &World) {
    let (sqlite, postgres) = ("DROP TRIGGER away", "DROP TRIGGER away ON reports");
    run(world, sqlite.to_owned(), postgres.to_owned()).await;
}

async fn run(world: &World, sqlite: String, postgres: String) {
    world
        .change(move |conn| {
            let sql = match conn {
                Conn::Sqlite(_) => &sqlite,
                Conn::Pg(_) => &postgres,
            };
            Ok(conn.batch_execute(sql)?)
        })
        .await;
}

async fn what_the_database_cannot_do_is_left_and_told(world: World) {
    let ids = escalated(&world, 12).await;
    let secretary = world.secretary(1).await;
    let decisions: Vec<Value> = ids
        .iter()
        .map(|id| json!({"report_id": id, "action": "approve"}))
        .collect();
    break_at(&world, ids[0]).await;
    // Nothing at all: as a whole.
    decide(&secretary, Some("one"), &json!([decisions[0]]))
        .await
        .refused(Code::Unavailable);
    let decided = decide(&secretary, Some("k"), &json!(decisions)).await.ok();
    // Those under way beside it are done; what comes behind is not even tried.
    let expected = [503, 200, 200, 200, 200, 200, 200, 200, 503, 503, 503, 503];
    assert_eq!(statuses(&decided), expected);
    assert_eq!(
        (&decided["done"], &decided["refused"], &decided["left"]),
        (&json!(7), &json!(0), &json!(5))
    );
    for place in [0, 11] {
        let problem = &decided["items"][place]["problem"];
        assert_eq!(problem["code"], "unavailable");
        assert!(problem["retry_after_s"].is_u64(), "{problem}");
        assert_eq!(audit::moved(&world, ids[place]).await, (1, 2));
    }
    mend(&world).await;
    // Repeated, it goes on with what is left, and is kept when it is whole.
    let repeated = decide(&secretary, Some("k"), &json!(decisions)).await;
    let whole = repeated.ok();
    assert_eq!(statuses(&whole), [200; 12]);
    assert_eq!(whole["items"][7], decided["items"][7]);
    assert_eq!((&whole["done"], &whole["left"]), (&json!(12), &json!(0)));
    let again = decide(&secretary, Some("k"), &json!(decisions)).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.ok(), whole);
    for id in &ids {
        assert_eq!(audit::moved(&world, *id).await, (2, 3));
    }
}

async fn what_cannot_be_is_named_all_at_once(world: World) {
    let secretary = world.secretary(1).await;
    let id = Uuid::now_v7();
    let decisions = json!([
        {"report_id": id, "action": "return"},
        {"report_id": id, "action": "close"},
        {"report_id": Uuid::now_v7(), "action": "approve", "reason": "x", "outcome": "handled"},
        {"report_id": Uuid::now_v7(), "action": "return", "reason_code": "mistake"},
        {"report_id": Uuid::now_v7(), "action": "assign"},
    ]);
    decide(&secretary, None, &decisions).await.wrong_at(&[
        ("/decisions/0/reason", "required"),
        ("/decisions/1/outcome", "required"),
        ("/decisions/1/report_id", "not_allowed"),
        ("/decisions/2/outcome", "not_allowed"),
        ("/decisions/2/reason", "not_allowed"),
        ("/decisions/3/reason_code", "not_allowed"),
        ("/decisions/4/action", "not_allowed"),
    ]);
    decide(&secretary, None, &json!([]))
        .await
        .wrong_at(&[("/decisions", "too_short")]);
    let many: Vec<Value> = (0..101)
        .map(|_| json!({"report_id": Uuid::now_v7(), "action": "approve"}))
        .collect();
    decide(&secretary, None, &json!(many))
        .await
        .wrong_at(&[("/decisions", "too_long")]);
}

async fn counts_tell_duties_and_deputies(world: World) {
    let ids = escalated(&world, 3).await;
    let secretary = world.secretary(1).await;
    let counts = secretary.get("/v1/inbox/counts").await.ok();
    let expected = json!({
        "total": 3, "handle": 0, "decide": 3, "verify": 0, "grant": 0, "overdue": 0, "own": 3, "deputy": 0
    });
    assert_eq!(counts, expected);
    secretary.act(ids[0], "approve", json!({})).await.ok();
    // As a deputy of the secretary next door, by whose posting they wait.
    world.stand_in("secretary_2", "secretary_1").await;
    let deputy = world.secretary(2).await;
    let counts = deputy.get("/v1/inbox/counts").await.ok();
    let expected = json!({
        "total": 3, "handle": 1, "decide": 2, "verify": 0, "grant": 0, "overdue": 0, "own": 0, "deputy": 3
    });
    assert_eq!(counts, expected);
    let inbox = deputy.inbox().await;
    for duty in ["handle", "decide", "verify"] {
        assert_eq!(inbox["counts"][duty], counts[duty], "{duty}");
    }
    // Pages follow one another by due instant, whatever the duty.
    let all = deputy.all("/v1/inbox?limit=1").await;
    let due: Vec<&str> = all
        .iter()
        .map(|item| item["next_due_at"].as_str().expect("an instant"))
        .collect();
    assert_eq!(due.len(), 3);
    assert!(due.is_sorted(), "{due:?}");
    // Long enough for every step below the town, whatever weekend or holiday comes first.
    world.advance(chrono::TimeDelta::days(20));
    world.tick().await;
    let late = world.town_officer().await;
    let counts = late.get("/v1/inbox/counts").await.ok();
    assert_ne!(counts["total"], 0);
    assert_eq!(counts["overdue"], counts["total"]);
}
