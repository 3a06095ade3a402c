//! Notices: what they say about a report and who gets them, fixed at the time of the event.

use diesel::prelude::*;
use gridpatrol_store::schema::notices;
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::pictures::jpeg;
use crate::support::{World, filing};

on_both!(
    each_event_is_told_to_who_must_act_and_who_should_know,
    a_notice_names_nobody_and_nothing_that_was_written,
);

/// The envelopes about a report, in order.
async fn told(world: &World, report: Uuid) -> Vec<Value> {
    world
        .look(move |conn| {
            Ok(notices::table
                .filter(notices::subject_id.eq(Id(report)))
                .order(notices::seq)
                .select(notices::envelope)
                .load::<String>(conn)?)
        })
        .await
        .iter()
        .map(|envelope| serde_json::from_str(envelope).expect("JSON"))
        .collect()
}

async fn each_event_is_told_to_who_must_act_and_who_should_know(world: World) {
    let town = world.here();
    let leader = world.leader(1, 1).await;
    let photo = Uuid::now_v7();
    let filed = filing(town.group(1, 1)).photo(photo, "before");
    let report = leader.file(&filed).await;
    let id = id_of(&report);
    leader.put_photo(photo, &jpeg(64, 48, 1)).await.created();
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();

    let told = told(&world, id).await;
    let types: Vec<&str> = told
        .iter()
        .map(|one| one["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(
        types,
        [
            "org.gridpatrol.report.filed",
            "org.gridpatrol.report.escalated",
            "org.gridpatrol.report.photo_arrived",
            "org.gridpatrol.report.approved",
        ]
    );
    let recipients = |at: usize| &told[at]["data"]["recipients"];
    let nobody = json!({"must_act": [], "should_know": []});
    assert_eq!(recipients(0), &nobody, "one filing calls once");
    assert_eq!(
        recipients(1),
        &json!({"must_act": [secretary.officer], "should_know": []})
    );
    assert_eq!(
        recipients(2),
        &json!({"must_act": [], "should_know": [],
            "in_digest": [{"officer_id": secretary.officer, "as": "desk"}]})
    );
    // The village works on it now; who filed it is told in a digest, who approved it knows.
    let must_act = recipients(3)["must_act"].as_array().expect("officers");
    assert!(must_act.contains(&json!(world.officer("village_officer_1"))));
    assert_eq!(
        recipients(3)["in_digest"],
        json!([{"officer_id": leader.officer, "as": "reporter"}])
    );
    assert_eq!(recipients(3)["should_know"], json!([]));
    // Frozen as it was then, in the order of the record.
    let statuses: Vec<&Value> = told
        .iter()
        .map(|one| &one["data"]["report"]["status"])
        .collect();
    assert_eq!(statuses, ["escalating", "escalating", "escalating", "open"]);
    let recorded = secretary.record(id).await;
    for (envelope, event) in told.iter().zip(&recorded) {
        assert_eq!(envelope["data"]["event_seq"], event["seq"]);
        assert_eq!(envelope["data"]["kind"], event["kind"]);
        assert_eq!(envelope["time"], event["at"]);
    }
    assert_eq!(told[3]["data"]["report"]["number"], report["number"]);
    assert_eq!(told[3]["data"]["actor_id"], json!(secretary.officer));
}

async fn a_notice_names_nobody_and_nothing_that_was_written(world: World) {
    let leader = world.leader(1, 1).await;
    let mut filed = filing(world.here().group(1, 1)).description("张三家烧秸秆");
    filed.0["responsible_party"] = json!({"name": "李四养殖场", "person": "李四"});
    let id = id_of(&leader.file(&filed).await);
    let secretary = world.secretary(1).await;
    secretary
        .act(id, "return", json!({"reason": "王五说没有"}))
        .await
        .ok();
    for envelope in told(&world, id).await {
        let text = envelope.to_string();
        for private in ["张三", "李四", "王五", "组长1之1"] {
            assert!(!text.contains(private), "{text}");
        }
        assert!(
            envelope["data"]["text"]["zh"]
                .as_str()
                .expect("a text")
                .contains(
                    envelope["data"]["report"]["number"]
                        .as_str()
                        .expect("a number")
                ),
            "{envelope}"
        );
    }
}
