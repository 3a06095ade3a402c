//! Digests: officers get what they should know collected, once, at the times the town sets.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::future::join_all;
use gridpatrol_store::schema::{notices, towns};
use gridpatrol_store::types::{At, Id};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::receiver::Receiver;
use crate::support::{Client, World, filing};

on_both!(
    news_comes_gathered_once_to_each_who_should_know,
    a_mass_of_news_is_one_digest,
    who_wants_it_at_once_and_what_is_critical_waits_for_no_digest,
    a_town_sets_its_times_and_how_officers_are_told,
);

/// More notices than are read at a time; the same number of each of 70 reports.
const MASS: i64 = 2_100;

/// The digests of an officer, in order.
async fn digests(world: &World, officer: Uuid) -> Vec<Value> {
    world
        .look(move |conn| {
            Ok(notices::table
                .filter(notices::subject_id.eq(Id(officer)))
                .filter(notices::kind.eq("digest"))
                .order(notices::seq)
                .select(notices::envelope)
                .load::<String>(conn)?)
        })
        .await
        .iter()
        .map(|envelope| serde_json::from_str(envelope).expect("JSON"))
        .collect()
}

/// Who is told of the last event of a report.
async fn told(world: &World, report: Uuid) -> Value {
    let envelope: String = world
        .look(move |conn| {
            Ok(notices::table
                .filter(notices::subject_id.eq(Id(report)))
                .order(notices::seq.desc())
                .select(notices::envelope)
                .first(conn)?)
        })
        .await;
    let envelope: Value = serde_json::from_str(&envelope).expect("JSON");
    envelope["data"]["recipients"].clone()
}

async fn approved(world: &World, leader: &Client, severity: &str) -> Uuid {
    let filed = filing(world.here().group(1, 1)).severity(severity);
    let id = id_of(&leader.file(&filed).await);
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    id
}

async fn notify(client: &Client, how: &str) {
    client
        .patch("/v1/me", "*", &json!({"notify": how}))
        .await
        .ok();
}

async fn news_comes_gathered_once_to_each_who_should_know(world: World) {
    world.noon();
    let town_leader = world.town_leader().await;
    let receiver = Receiver::start().await;
    let hook = json!({"name": "推送", "grid_id": world.here().id(), "url": receiver.url(),
        "provider": "getui", "kinds": ["digest"]});
    town_leader.post("/v1/webhooks", &hook).await.created();
    let leader = world.leader(1, 1).await;
    leader
        .put("/v1/me/push-tokens/getui", &json!({"token": "leader"}))
        .await
        .expect(204);
    let first = approved(&world, &leader, "general").await;
    let second = approved(&world, &leader, "general").await;
    let officer = world.village_officer(1).await;
    officer
        .act(
            second,
            "close",
            json!({"outcome": "handled", "result": "已清理"}),
        )
        .await
        .ok();
    assert_eq!(
        told(&world, first).await["in_digest"],
        json!([{"officer_id": leader.officer, "as": "reporter"}])
    );

    world.gather_digests().await;
    assert!(digests(&world, leader.officer).await.is_empty(), "not yet");
    // A week has working days, whenever the test runs. Several processes, and each officer once.
    world.advance(TimeDelta::days(7));
    join_all((0..4).map(|_| world.gather_digests())).await;
    let made = digests(&world, leader.officer).await;
    let [digest] = made.as_slice() else {
        panic!("one digest, not {made:#?}");
    };
    assert_eq!(digest["type"], "org.gridpatrol.digest");
    let data = &digest["data"];
    assert_eq!(data["officer_id"], json!(leader.officer));
    let news: Vec<(&Value, &Value, &Value, &Value)> = data["reports"]
        .as_array()
        .expect("reports")
        .iter()
        .map(|one| (&one["id"], &one["status"], &one["kind"], &one["as"]))
        .collect();
    assert_eq!(
        news,
        [
            (
                &json!(second),
                &json!("closed"),
                &json!("closed"),
                &json!("reporter")
            ),
            (
                &json!(first),
                &json!("open"),
                &json!("approved"),
                &json!("reporter")
            ),
        ],
        "the latest news first"
    );
    let count = data["notices"].as_u64().expect("a count");
    let each = data["reports"].as_array().expect("reports");
    let sum: u64 = each
        .iter()
        .map(|one| one["notices"].as_u64().expect("a count"))
        .sum();
    assert!(count >= 3 && count == sum, "{data}");
    assert!(
        data["text"]["zh"]
            .as_str()
            .is_some_and(|text| text.contains(&format!("2件事件有{count}条")))
    );
    for told in receiver.wait_for(1).await {
        let data = told.envelope()["data"].clone();
        assert_eq!(
            data["push_addresses"],
            json!([{"officer_id": leader.officer, "tokens": ["leader"]}])
        );
    }
    // Nothing new, nothing told.
    world.advance(TimeDelta::days(7));
    world.gather_digests().await;
    assert_eq!(digests(&world, leader.officer).await.len(), 1);
}

async fn a_mass_of_news_is_one_digest(world: World) {
    let leader = world.leader(1, 1).await;
    let id = approved(&world, &leader, "general").await;
    world.gather_digests().await;
    let town = world.here().id();
    // As when much lapses at once.
    world
        .change(move |conn| {
            let (at, envelope): (DateTime<Utc>, String) = notices::table
                .filter(notices::subject_id.eq(Id(id)))
                .order(notices::seq.desc())
                .select((notices::at, notices::envelope))
                .first(conn)?;
            let last: i64 = towns::table
                .find(Id(town))
                .select(towns::notice_seq)
                .first(conn)?;
            let mut told: Value = serde_json::from_str(&envelope).expect("JSON");
            for number in 1..=MASS {
                let report = Uuid::from_u128(u128::try_from(number % 70).expect("a number"));
                told["data"]["report"]["id"] = json!(report);
                diesel::insert_into(notices::table)
                    .values((
                        notices::town_id.eq(Id(town)),
                        notices::seq.eq(last + number),
                        notices::kind.eq("digest"),
                        notices::subject_id.eq(Id(id)),
                        notices::grid_id.eq(Id(town)),
                        notices::at.eq(At(at)),
                        notices::envelope.eq(told.to_string()),
                    ))
                    .execute(conn)?;
            }
            diesel::update(towns::table.find(Id(town)))
                .set(towns::notice_seq.eq(last + MASS))
                .execute(conn)?;
            Ok(())
        })
        .await;
    world.advance(TimeDelta::days(7));
    world.gather_digests().await;
    let made = digests(&world, leader.officer).await;
    assert_eq!(made.len(), 1, "one digest, however much there is");
    let data = &made[0]["data"];
    assert_eq!(data["reports"].as_array().map(Vec::len), Some(50));
    assert_eq!(data["reports_left_out"], 21);
    assert_eq!(data["notices"], MASS + 1);
    assert_eq!(data["reports"][0]["notices"], MASS / 70);
}

async fn who_wants_it_at_once_and_what_is_critical_waits_for_no_digest(world: World) {
    let leader = world.leader(1, 1).await;
    let reporter = json!([{"officer_id": leader.officer, "as": "reporter"}]);
    let urgent = id_of(
        &leader
            .file(&filing(world.here().group(1, 1)).severity("critical"))
            .await,
    );
    let town_officer = world.town_officer().await;
    town_officer.act(urgent, "accept", json!({})).await.ok();
    let recipients = told(&world, urgent).await;
    assert!(recipients.get("in_digest").is_none(), "{recipients}");
    assert!(
        recipients["should_know"]
            .as_array()
            .is_some_and(|known| known.contains(&reporter[0])),
        "{recipients}"
    );

    let me = leader.get("/v1/me").await;
    assert!(me.ok()["officer"].get("notify").is_none());
    notify(&leader, "at_once").await;
    let id = approved(&world, &leader, "general").await;
    let recipients = told(&world, id).await;
    assert_eq!(recipients["should_know"], reporter);
    assert!(recipients.get("in_digest").is_none());
    notify(&leader, "digest").await;
    let id = approved(&world, &leader, "general").await;
    assert_eq!(told(&world, id).await["in_digest"], reporter);

    leader
        .patch("/v1/me", "*", &json!({"notify": "never"}))
        .await
        .wrong_at(&[("/notify", "not_allowed")]);
    leader
        .patch("/v1/me", "*", &json!({}))
        .await
        .wrong_at(&[("", "required")]);
}

async fn a_town_sets_its_times_and_how_officers_are_told(world: World) {
    let town_leader = world.town_leader().await;
    let put = async |client: &Client, settings: Value| {
        let request = client.request(reqwest::Method::PUT, "/v1/settings");
        let request = request.header("If-Match", "*");
        client
            .send(request.json(&json!({"settings": settings})))
            .await
    };
    put(&town_leader, json!({"notices": {"digest_times": []}}))
        .await
        .wrong_at(&[("/settings/notices/digest_times", "out_of_range")]);
    put(
        &town_leader,
        json!({"notices": {"notify": "at_once", "digest_times": ["12:00"]}}),
    )
    .await
    .ok();
    world.advance(TimeDelta::minutes(5));
    let leader = world.leader(1, 1).await;
    let id = approved(&world, &leader, "general").await;
    assert!(told(&world, id).await.get("in_digest").is_none());
    notify(&leader, "digest").await;
    approved(&world, &leader, "general").await;
    world.gather_digests().await;
    world.advance(TimeDelta::days(7));
    world.gather_digests().await;
    let made = digests(&world, leader.officer).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["data"]["reports"].as_array().map(Vec::len), Some(1));
}
