//! Settings of a town: who may change them, from when they apply, and that earlier filings keep theirs.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::events;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{id_of, instant};
use crate::support::pictures::jpeg;
use crate::support::{Client, World, filing};

on_both!(
    everybody_of_the_town_reads_and_its_leader_changes,
    a_change_never_moves_what_was_filed_before,
    changes_lie_ahead_and_are_kept_version_by_version,
    a_change_is_recorded_before_and_after,
    wrong_settings_are_named_all_at_once,
    two_changes_at_once_are_one_change,
    photos_follow_what_the_town_has_set,
);

async fn state(client: &Client) -> (Value, String) {
    let answer = client.get("/v1/settings").await;
    let tag = answer.header("etag").to_owned();
    (answer.ok(), tag)
}

async fn set(client: &Client, settings: Value) -> Value {
    let (_, tag) = state(client).await;
    put(client, &tag, &json!({ "settings": settings }))
        .await
        .ok()
}

async fn put(client: &Client, tag: &str, body: &Value) -> crate::support::Answer {
    let request = client
        .request(reqwest::Method::PUT, "/v1/settings")
        .json(body);
    client.send(request.header("If-Match", tag)).await
}

async fn everybody_of_the_town_reads_and_its_leader_changes(world: World) {
    let leader = world.leader(1, 1).await;
    let (defaults, tag) = state(&leader).await;
    assert_eq!(defaults["version"], 0);
    assert!(defaults.get("effective_from").is_none());
    assert_eq!(defaults["upcoming"], json!([]));
    assert_eq!(
        defaults["settings"]["reports"]["limits"]["straw_burning"]["general"],
        json!({"hours": 24})
    );
    for username in ["group_1_1", "secretary_1", "town_officer"] {
        let officer = world.sign_in(username).await;
        put(&officer, &tag, &json!({"settings": {}}))
            .await
            .refused(Code::NotPermitted);
    }
    let request = leader.request(reqwest::Method::GET, "/v1/settings");
    let same = leader.send(request.header("If-None-Match", &tag)).await;
    assert_eq!(same.status, 304);

    let town_leader = world.town_leader().await;
    let unconditional = town_leader
        .put("/v1/settings", &json!({"settings": {}}))
        .await;
    unconditional.refused(Code::PreconditionRequired);
    let changed = set(
        &town_leader,
        json!({"quiet_hours": {"from": "21:30", "to": "06:30"}}),
    )
    .await;
    assert_eq!(changed["version"], 1);
    assert_eq!(
        changed["upcoming"][0]["settings"]["quiet_hours"]["from"],
        "21:30"
    );
    put(&town_leader, &tag, &json!({"settings": {}}))
        .await
        .refused(Code::VersionMismatch);
    // An administrator may as well; the town beside sees and changes its own.
    let admin = world.sign_in("admin").await;
    assert_eq!(set(&admin, json!({})).await["version"], 2);
    let beside = world.sign_in("b_town_leader").await;
    assert_eq!(state(&beside).await.0["version"], 0);
    let theirs = format!("/v1/settings?grid={}", world.here().group(1, 1));
    beside.get(&theirs).await.refused(Code::NotFound);
    let own = format!("/v1/settings?grid={}", world.here().group(2, 1));
    leader.get(&own).await.ok();
}

async fn a_change_never_moves_what_was_filed_before(world: World) {
    let town = world.here();
    let fire = |severity: &str| {
        filing(town.group(1, 1))
            .category("straw_burning")
            .severity(severity)
            .disposition("keep")
    };
    // Without a night, so that it does not matter when this test runs.
    let quiet_hours = json!({"from": "00:00", "to": "00:00"});
    let town_leader = world.town_leader().await;
    set(&town_leader, json!({ "quiet_hours": quiet_hours })).await;
    world.advance(TimeDelta::minutes(1));
    let leader = world.leader(1, 1).await;
    let before = leader.file(&fire("general")).await;
    let (filed, hours): (DateTime<Utc>, _) = (instant(&before["received_at"]), TimeDelta::hours);
    assert_eq!(instant(&before["deadline_at"]) - filed, hours(24));
    assert_eq!(instant(&before["next_due_at"]) - filed, hours(6));
    let id = id_of(&before);

    let limits =
        json!({"critical": {"hours": 2}, "serious": {"hours": 5}, "general": {"hours": 10}});
    let reports = json!({
        "limits": {"straw_burning": limits}, "group_share": 50, "decision_share": 60,
        "closing": {"group": "minor", "village": "general", "other_person_from": "never"},
    });
    set(
        &town_leader,
        json!({ "reports": reports, "quiet_hours": quiet_hours }),
    )
    .await;
    // Not in force yet.
    let meanwhile = leader.file(&fire("general")).await;
    let limit = instant(&meanwhile["deadline_at"]) - instant(&meanwhile["received_at"]);
    assert_eq!(limit, hours(24));
    world.advance(TimeDelta::minutes(1));
    let after = leader.file(&fire("general")).await;
    let received = instant(&after["received_at"]);
    assert_eq!(instant(&after["deadline_at"]) - received, hours(10));
    assert_eq!(instant(&after["next_due_at"]) - received, hours(5));

    // What was there stays as it was, and goes on by the rules of its time.
    let still = leader.report(id).await;
    for member in ["deadline_at", "next_due_at", "version", "allowed_actions"] {
        assert_eq!(still[member], before[member], "{member}");
    }
    let body = json!({"outcome": "handled", "result": "已灭"});
    leader
        .act(id_of(&after), "close", body.clone())
        .await
        .refused(Code::HigherTierCloses);
    let serious = json!({"severity": "serious"});
    let reclassified = leader.act(id, "reclassify", serious.clone()).await.ok();
    assert_eq!(instant(&reclassified["deadline_at"]) - filed, hours(2));
    let reclassified = leader.act(id_of(&after), "reclassify", serious).await.ok();
    assert_eq!(instant(&reclassified["deadline_at"]) - received, hours(5));
    let general = json!({"severity": "general"});
    leader.act(id, "reclassify", general).await.ok();
    assert_eq!(leader.act(id, "close", body).await.ok()["status"], "closed");
}

async fn changes_lie_ahead_and_are_kept_version_by_version(world: World) {
    let leader = world.town_leader().await;
    let (_, tag) = state(&leader).await;
    for (from, ahead) in [
        (world.now() - TimeDelta::days(1), false),
        (world.now(), false),
        (world.now() + TimeDelta::days(800), false),
        (world.now() + TimeDelta::days(30), true),
    ] {
        let body =
            json!({"effective_from": from, "settings": {"accounts": {"invitation_hours": 24}}});
        let answer = put(&leader, &tag, &body).await;
        if ahead {
            answer.ok();
        } else {
            answer.wrong_at(&[("/effective_from", "out_of_range")]);
        }
    }
    // One that comes sooner holds until then.
    set(&leader, json!({"accounts": {"invitation_hours": 48}})).await;
    let hours = |state: &Value| state["settings"]["accounts"]["invitation_hours"].clone();
    assert_eq!(hours(&state(&leader).await.0), 72);
    world.advance(TimeDelta::minutes(2));
    assert_eq!(hours(&state(&leader).await.0), 48);
    world.advance(TimeDelta::days(30));
    let leader = world.town_leader().await;
    let (now, _) = state(&leader).await;
    assert_eq!((hours(&now), &now["version"]), (json!(24), &json!(2)));
    // Setting what holds anyway is no change.
    let same = set(&leader, json!({"accounts": {"invitation_hours": 24}})).await;
    assert_eq!(same["version"], 2);
    let history = leader.all("/v1/settings/history?limit=1").await;
    let told: Vec<_> = history
        .iter()
        .map(|one| (one["version"].clone(), hours(one)))
        .collect();
    assert_eq!(told, [(json!(2), json!(48)), (json!(1), json!(24))]);
    assert_eq!(history[0]["changed_by"]["name"], "李镇长");
}

async fn a_change_is_recorded_before_and_after(world: World) {
    let leader = world.town_leader().await;
    set(
        &leader,
        json!({"photos": {"per_report": 50, "max_bytes": 5_000_000}}),
    )
    .await;
    let town = world.here().id();
    let header: String = world
        .look(move |conn| {
            Ok(events::table
                .filter(events::subject_id.eq(gridpatrol_store::types::Id(town)))
                .filter(events::kind.eq("settings_changed"))
                .select(events::header)
                .first(conn)?)
        })
        .await;
    let header: Value = serde_json::from_str(&header).unwrap();
    assert_eq!(header["actor"], json!(leader.officer));
    assert_eq!(
        header["facts"]["changes"],
        json!({
            "/photos/per_report": {"before": 100, "after": 50},
            "/photos/max_bytes": {"before": null, "after": 5_000_000},
        })
    );
}

async fn wrong_settings_are_named_all_at_once(world: World) {
    let leader = world.town_leader().await;
    let (_, tag) = state(&leader).await;
    let wrong = json!({"effective_from": world.now(), "settings": {
        "reports": {"least_minutes": 0, "village_share": 10},
        "photos": {"max_bytes": 999_999_999_999_u64},
        "offline": {"filing_days": 1000}
    }});
    put(&leader, &tag, &wrong).await.wrong_at(&[
        ("/settings/reports/least_minutes", "out_of_range"),
        ("/settings/reports/village_share", "out_of_range"),
        ("/settings/photos/max_bytes", "out_of_range"),
        ("/settings/offline/filing_days", "out_of_range"),
        ("/effective_from", "out_of_range"),
    ]);
    let shapes = json!({"settings": {"reports": {"minor": {"weeks": 2}, "typo": 1}, "quiet_hours": {"from": "25:00"},
        "photos": {"per_report": "many"}}});
    let told = put(&leader, &tag, &shapes).await.wrong();
    let pointers: Vec<_> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    for pointer in [
        "/settings/photos/per_report",
        "/settings/quiet_hours/from",
        "/settings/reports/minor",
        "/settings/reports/typo",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} in {told:?}");
    }
    // A length of time is exactly one of three.
    let spans = json!({"settings": {"reports": {"minor": {},
        "pressing": {"supervision_after": {"hours": 1, "days": 1}, "circular_after": {"days": -1}}}}});
    put(&leader, &tag, &spans).await.wrong_at(&[
        ("/settings/reports/minor", "required"),
        (
            "/settings/reports/pressing/supervision_after",
            "not_allowed",
        ),
        (
            "/settings/reports/pressing/circular_after/days",
            "out_of_range",
        ),
    ]);
    leader
        .get(&format!("/v1/settings?grid={}", Uuid::now_v7()))
        .await
        .refused(Code::NotFound);
}

async fn two_changes_at_once_are_one_change(world: World) {
    let leader = world.town_leader().await;
    let (_, tag) = state(&leader).await;
    let one = json!({"settings": {"accounts": {"invitation_hours": 1}}});
    let other = json!({"settings": {"accounts": {"invitation_hours": 2}}});
    let (one, other) = tokio::join!(put(&leader, &tag, &one), put(&leader, &tag, &other));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(state(&leader).await.0["version"], 1);
}

async fn photos_follow_what_the_town_has_set(world: World) {
    let photos = json!({"per_report": 2, "max_bytes": 2_000_000, "max_pixels": 1_000_000});
    set(&world.town_leader().await, json!({ "photos": photos })).await;
    world.advance(TimeDelta::minutes(1));
    let leader = world.leader(1, 1).await;
    let mut large = jpeg(64, 48, 1);
    large.resize(2_000_001, 0);
    leader
        .put_photo(Uuid::now_v7(), &large)
        .await
        .refused(Code::BodyTooLarge);
    leader
        .put_photo(Uuid::now_v7(), &jpeg(1001, 1000, 1))
        .await
        .refused(Code::PhotoRejected);
    // What a filing brings is taken; what is added to it afterwards is counted.
    let mut asked = filing(world.here().group(1, 1));
    for _ in 0..3 {
        asked = asked.photo(Uuid::now_v7(), "before");
    }
    let report = id_of(&leader.file(&asked).await);
    let said = json!({"text": "补一张", "photos": [{"id": Uuid::now_v7()}]});
    leader
        .act(report, "comment", said.clone())
        .await
        .refused(Code::LimitReached);
    let added = leader
        .put_photo_for(Uuid::now_v7(), report, &jpeg(64, 48, 1))
        .await;
    added.refused(Code::LimitReached);
    leader
        .act(report, "comment", json!({"text": "无照片"}))
        .await
        .ok();
    // The town beside has set nothing.
    let beside = world.sign_in("b_group_1_1").await;
    beside
        .put_photo(Uuid::now_v7(), &jpeg(1001, 1000, 1))
        .await
        .created();
    let report = id_of(&beside.file(&filing(world.beside().group(1, 1))).await);
    beside.act(report, "comment", said).await.ok();
}
