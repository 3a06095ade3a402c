//! One matter reported more than once: everybody who filed it learns how it ends, also in a long chain.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use futures_util::future::join;
use gridpatrol_domain::error::Code;
use gridpatrol_store::Conn;
use gridpatrol_store::schema::notices;
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{Client, id_of};
use crate::support::{World, filing};

on_both!(
    who_filed_it_again_is_told_how_it_ends,
    what_is_taken_back_is_told_of_nothing_more,
    of_two_who_void_each_as_the_others_duplicate_one_wins,
);

/// The data of the notices of this kind about a report, in order.
async fn told(world: &World, report: Uuid, kind: &'static str) -> Vec<Value> {
    let envelopes: Vec<String> = world
        .look(move |conn| {
            Ok(notices::table
                .filter(notices::subject_id.eq(Id(report)))
                .filter(notices::kind.eq(kind))
                .order(notices::seq)
                .select(notices::envelope)
                .load(conn)?)
        })
        .await;
    envelopes
        .iter()
        .map(|envelope| {
            let envelope: Value = serde_json::from_str(envelope).expect("JSON");
            envelope["data"].clone()
        })
        .collect()
}

/// Who should know of a notice as somebody who filed the matter again, at once or by the digest.
fn again(data: &Value) -> Vec<Uuid> {
    let recipients = &data["recipients"];
    let mut officers: Vec<Uuid> = ["should_know", "in_digest"]
        .iter()
        .flat_map(|list| recipients[list].as_array().cloned().unwrap_or_default())
        .filter(|one| one["as"] == "duplicate_reporter")
        .map(|one| {
            one["officer_id"]
                .as_str()
                .expect("an id")
                .parse()
                .expect("an id")
        })
        .collect();
    officers.sort_unstable();
    officers
}

fn sorted(clients: &[&Client]) -> Vec<Uuid> {
    let mut officers: Vec<Uuid> = clients.iter().map(|client| client.officer).collect();
    officers.sort_unstable();
    officers
}

async fn void(town: &Client, report: Uuid, original: Uuid) -> Value {
    let body = json!({"reason": "重复上报", "duplicate_of": original});
    town.act(report, "void", body).await.ok()
}

async fn who_filed_it_again_is_told_how_it_ends(world: World) {
    let here = world.here();
    let first = world.leader(1, 1).await;
    let (second, third) = (world.leader(2, 1).await, world.leader(3, 1).await);
    let town = world.town_officer().await;
    let filed = first.file(&filing(here.group(1, 1))).await;
    let original = id_of(&filed);
    let again_filed = second.file(&filing(here.group(2, 1))).await;
    let once_more = id_of(&third.file(&filing(here.group(3, 1))).await);
    let again_id = id_of(&again_filed);
    // First the third is found to repeat the second, then the second to repeat the first.
    void(&town, once_more, again_id).await;
    let voided = void(&town, again_id, original).await;
    let named = json!({"id": original, "number": filed["number"]});
    assert_eq!(voided["duplicate_of"], named);
    let listed = second.get("/v1/reports?view=mine").await.ok();
    assert_eq!(listed["items"][0]["duplicate_of"], named, "{listed}");
    assert!(first.report(original).await.get("duplicate_of").is_none());
    // The notice says what became of it, and reaches who follows it.
    let notice = &told(&world, again_id, "voided").await[0];
    assert_eq!(notice["report"]["duplicate_of"], named);
    let number = filed["number"].as_str().expect("a number");
    for language in ["zh", "en"] {
        let text = notice["text"][language].as_str().expect("a text");
        assert!(text.contains(number), "{text}");
    }
    assert_eq!(again(notice), [third.officer]);
    third.report(original).await;

    // Decided in bulk, and one by one.
    let closing = json!({"decisions": [{"report_id": original, "action": "close",
        "outcome": "handled", "result": "已清运"}]});
    let secretary = world.secretary(1).await;
    secretary.act(original, "approve", json!({})).await.ok();
    let decided = secretary.post("/v1/inbox/decide", &closing).await.ok();
    assert_eq!(decided["done"], 1, "{decided}");
    let reason = json!({"reason": "反弹"});
    secretary.act(original, "reopen", reason.clone()).await.ok();
    town.act(original, "void", reason.clone()).await.ok();
    town.act(original, "restore", reason).await.ok();
    let both = sorted(&[&second, &third]);
    for kind in ["closed", "reopened", "voided", "restored"] {
        let notices = told(&world, original, kind).await;
        assert_eq!(notices.len(), 1, "{kind}");
        assert_eq!(again(&notices[0]), both, "{kind}");
    }
    // On the way there they are left alone.
    for kind in ["approved", "duplicate_linked"] {
        let notices = told(&world, original, kind).await;
        assert!(again(&notices[0]).is_empty(), "{kind}");
    }
}

async fn what_is_taken_back_is_told_of_nothing_more(world: World) {
    let here = world.here();
    let first = world.leader(1, 1).await;
    let (second, third) = (world.leader(2, 1).await, world.leader(3, 1).await);
    let town = world.town_officer().await;
    let original = id_of(&first.file(&filing(here.group(1, 1))).await);
    let again_id = id_of(&second.file(&filing(here.group(2, 1))).await);
    let once_more = id_of(&third.file(&filing(here.group(3, 1))).await);
    void(&town, again_id, original).await;
    void(&town, once_more, original).await;
    let restored = town.act(again_id, "restore", json!({})).await.ok();
    assert!(restored.get("duplicate_of").is_none(), "{restored}");
    let close = json!({"outcome": "unfounded", "comment": "现场未见"});
    let approve = json!({"further": true});
    town.act(original, "approve", approve).await.ok();
    town.act(original, "close", close).await.ok();
    let closed = told(&world, original, "closed").await;
    assert_eq!(again(&closed[0]), [third.officer]);
}

async fn of_two_who_void_each_as_the_others_duplicate_one_wins(world: World) {
    let leader = world.leader(1, 1).await;
    let (officer, chief) = (world.town_officer().await, world.town_leader().await);
    for _ in 0..10 {
        let one = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
        let other = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
        let body = |original: Uuid| json!({"reason": "重复", "duplicate_of": original});
        let (first, second) = join(
            officer.act(one, "void", body(other)),
            chief.act(other, "void", body(one)),
        )
        .await;
        let lost = if first.status == 200 { &second } else { &first };
        let refused = lost.refused(Code::ValidationFailed);
        assert_eq!(refused["errors"][0]["pointer"], "/duplicate_of");
        let (one, other) = (leader.report(one).await, leader.report(other).await);
        let void = |report: &Value| report["status"] == "void";
        assert!(void(&one) != void(&other), "one of them goes on");
    }
    // One waited for the other; neither was thrown out to start over.
    let deadlocks: i64 = world
        .look(|conn| {
            Ok(match conn {
                Conn::Sqlite(_) => 0,
                Conn::Pg(c) => diesel::select(sql::<BigInt>(
                    "(SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())",
                ))
                .get_result(c)?,
            })
        })
        .await;
    assert_eq!(deadlocks, 0);
}
