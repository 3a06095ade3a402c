//! A matter that comes back after its report was closed, filed as a new report.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Client, Filing, World, filing};

on_both!(
    a_rebound_is_linked_and_counted,
    what_cannot_be_linked_is_filed_all_the_same,
    it_counts_by_when_it_was_seen_and_not_for_ever,
);

/// A report of the first group that was put right on the spot.
async fn closed(world: &World) -> Uuid {
    let filing = filing(world.here().group(1, 1))
        .severity("minor")
        .disposition("resolved")
        .with("on_site_action", "已清运");
    let report = world.leader(1, 1).await.file(&filing).await;
    assert_eq!(report["status"], "closed");
    id_of(&report)
}

fn rebound(world: &World, of: Uuid) -> Filing {
    filing(world.here().group(1, 1)).with("rebound_of", of.to_string())
}

/// The last event of a report's record with this kind.
async fn told(client: &Client, id: Uuid, kind: &str) -> Option<Value> {
    let record = client.record(id).await;
    record.into_iter().rfind(|event| event["kind"] == kind)
}

async fn a_rebound_is_linked_and_counted(world: World) {
    let original = closed(&world).await;
    world.advance(TimeDelta::days(40));
    let leader = world.leader(1, 1).await;
    let before = leader.report(original).await;
    assert!(before.get("rebounds").is_none());
    let id = Uuid::now_v7();
    let filing = rebound(&world, original);
    let filed = leader.put_report(id, &filing).await.created();
    assert_eq!(filed["rebound_of"], original.to_string());
    // A retry counts nothing twice.
    let again = leader.put_report(id, &filing).await.ok();
    assert_eq!(again["rebound_of"], original.to_string());

    let after = leader.report(original).await;
    assert_eq!(after["rebounds"], 1);
    assert_eq!(after["status"], "closed", "it stays closed");
    assert_eq!(after["version"], before["version"], "nobody acted on it");
    let own = told(&leader, id, "filed_as_rebound").await.expect("told");
    assert_eq!(own["details"]["original_id"], original.to_string());
    assert_eq!(own["details"]["original_number"], before["number"]);
    assert_eq!(own["details"]["counted"], true);
    let linked = told(&leader, original, "rebound_linked").await.unwrap();
    assert_eq!(linked["label"], "反弹件登记");
    assert_eq!(linked["details"]["rebound_id"], id.to_string());
    assert_eq!(linked["details"]["rebound_number"], filed["number"]);
    assert_eq!(linked["actor"]["name"], "组长1之1");
    // And once more; the first rebound goes its own way meanwhile.
    leader.file(&rebound(&world, original)).await;
    assert_eq!(leader.report(original).await["rebounds"], 2);
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    assert_eq!(
        secretary.report(id).await["rebound_of"],
        original.to_string()
    );
    // It can still be reopened as well.
    let reopen = json!({"reason": "回头看发现再次倾倒"});
    let reopened = leader.act(original, "reopen", reopen).await.ok();
    assert_eq!(reopened["rebounds"], 3);
}

async fn what_cannot_be_linked_is_filed_all_the_same(world: World) {
    let leader = world.leader(1, 1).await;
    let open = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let other = world.leader(2, 1).await;
    let elsewhere = filing(world.here().group(2, 1))
        .severity("minor")
        .disposition("resolved")
        .with("on_site_action", "已清运");
    let hidden = id_of(&other.file(&elsewhere).await);
    let stranger = world.sign_in("b_group_1_1").await;
    let foreign = filing(world.beside().group(1, 1))
        .severity("minor")
        .disposition("resolved")
        .with("on_site_action", "已清运");
    let foreign = id_of(&stranger.file(&foreign).await);
    let own = Uuid::now_v7();
    for (of, reason) in [
        (open, "not_closed"),
        (hidden, "not_found"),
        (foreign, "not_found"),
        (Uuid::now_v7(), "not_found"),
        (own, "not_found"),
    ] {
        let id = if of == own { own } else { Uuid::now_v7() };
        let filed = leader.put_report(id, &rebound(&world, of)).await.created();
        assert!(filed.get("rebound_of").is_none(), "{filed}");
        assert_eq!(filed["status"], "escalating");
        let told = told(&leader, id, "rebound_unlinked").await.expect("a hint");
        assert_eq!(told["details"]["original_id"], of.to_string());
        assert_eq!(told["details"]["reason"], reason);
    }
    // Nothing happened to those named.
    assert!(other.report(hidden).await.get("rebounds").is_none());
    assert_eq!(other.record(hidden).await.len(), 2);
    assert!(stranger.report(foreign).await.get("rebounds").is_none());
    assert!(leader.report(open).await.get("rebounds").is_none());
    // Who sees it links it.
    let office = world.town_officer().await;
    let filed = office.file(&rebound(&world, hidden)).await;
    assert_eq!(filed["rebound_of"], hidden.to_string());
    assert_eq!(other.report(hidden).await["rebounds"], 1);
    // No id at all is a mistake of the program that sends it.
    leader
        .put_report(
            Uuid::now_v7(),
            &filing(world.here().group(1, 1)).with("rebound_of", "上次那件"),
        )
        .await
        .refused(Code::ValidationFailed);
}

async fn it_counts_by_when_it_was_seen_and_not_for_ever(world: World) {
    let original = closed(&world).await;
    world.advance(TimeDelta::days(100));
    let leader = world.leader(1, 1).await;
    let count = async || leader.report(original).await["rebounds"].clone();
    // Too late to count, and linked all the same.
    let late = leader.file(&rebound(&world, original)).await;
    assert_eq!(late["rebound_of"], original.to_string());
    assert_eq!(count().await, Value::Null);
    let linked = told(&leader, original, "rebound_linked").await.unwrap();
    assert_eq!(linked["details"]["counted"], false);
    // Seen in time, and sent when the phone found a signal.
    let seen = (world.now() - TimeDelta::days(20)).to_rfc3339();
    let filing = rebound(&world, original).with("observed_at", seen);
    leader.file(&filing).await;
    assert_eq!(count().await, 1);
}
