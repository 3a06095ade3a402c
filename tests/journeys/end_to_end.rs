//! A report goes from a group up to the town and is closed, with photos before and after. The other town
//! sees nothing of it.

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of};
use crate::support::{Client, World, filing, pictures, snapshot};

/// The events of a record by kind.
fn kinds(record: &[Value]) -> Vec<&str> {
    record
        .iter()
        .map(|event| event["kind"].as_str().expect("a kind"))
        .collect()
}

/// The outcomes with which its reader may close a report.
fn outcomes(report: &Value) -> Value {
    let actions = report["allowed_actions"].as_array().expect("actions");
    let close = actions.iter().find(|action| action["action"] == "close");
    close.map_or(Value::Null, |close| close["outcomes"].clone())
}

on_both!(a_report_goes_from_the_hills_to_the_town_and_is_closed,);

async fn a_report_goes_from_the_hills_to_the_town_and_is_closed(world: World) {
    let leader = world.leader(1, 2).await;
    let secretary = world.secretary(1).await;
    let officer = world.village_officer(1).await;
    let town = world.town_officer().await;
    let (group, village) = (world.here().group(1, 2), world.here().village(1));
    let (id, before, after) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());

    // Text first, the photo at its own pace.
    let filed = leader
        .put_report(
            id,
            &filing(group)
                .severity("serious")
                .category("environmental_hazard")
                .with(
                    "location",
                    json!({"lat": 26.69, "lon": 101.85, "crs": "gcj02", "accuracy_m": 12}),
                )
                .with("place_text", "二组水渠北侧")
                .photo(before, "before"),
        )
        .await;
    assert_eq!(filed.status, 201, "{}", filed.text());
    let report = filed.json();
    assert_eq!(report["status"], "escalating");
    assert_eq!(report["tier"], "group");
    assert_eq!(report["desk"]["grid_id"], json!(village));
    assert_eq!(report["desk"]["duty"], "decide");
    assert_eq!(report["desk"]["officers"], json!(["书记1"]));
    assert_eq!(report["complete"], false);
    assert_eq!(report["photos"][0]["state"], "missing");
    let named = snapshot::with_named_ids(&report);
    snapshot::settings().bind(|| insta::assert_json_snapshot!("filed", named));

    let picture = pictures::jpeg(640, 480, 1);
    leader.put_photo(before, &picture).await.created();
    let report = leader.report(id).await;
    assert_eq!(report["complete"], true);
    assert_eq!(report["version"], 1, "a photo is no change of the report");

    // The secretary finds it in the inbox and sends it on in one step.
    let inbox = secretary.inbox().await;
    assert_eq!(
        inbox["counts"],
        json!({"handle": 0, "decide": 1, "verify": 0, "grant": 0})
    );
    assert_eq!(id_of(&inbox["items"][0]), id);
    assert!(allowed(&inbox["items"][0]).contains(&"approve".to_owned()));
    let report = secretary
        .act(
            id,
            "approve",
            json!({"further": true, "comment": "情况属实"}),
        )
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("town"))
    );
    assert_eq!(secretary.inbox().await["counts"]["decide"], 0);

    // The town gives the work to the village, which puts it right.
    let report = town
        .act(
            id,
            "assign",
            json!({"grid_id": village, "instruction": "两日内清运"}),
        )
        .await
        .ok();
    assert_eq!(report["handler"]["grid_id"], json!(village));
    assert_eq!(report["instruction"], "两日内清运");
    assert_eq!(officer.inbox().await["counts"]["handle"], 1);
    let report = officer
        .act(
            id,
            "resolve",
            json!({"result": "已清运并复绿", "photos": [{"id": after}]}),
        )
        .await
        .ok();
    assert_eq!(report["status"], "resolved");
    assert_eq!(report["desk"]["duty"], "verify");
    assert_eq!(report["photos"][1]["role"], "after");

    // No after-photo, no closing.
    assert_eq!(
        outcomes(&town.report(id).await),
        json!(["unfounded", "transferred"])
    );
    town.act(id, "close", json!({"outcome": "handled"}))
        .await
        .refused(Code::AfterPhotoRequired);
    officer
        .put_photo(after, &pictures::jpeg(640, 480, 2))
        .await
        .created();
    let report = town
        .act(
            id,
            "close",
            json!({"outcome": "handled", "comment": "现场核查合格"}),
        )
        .await
        .ok();
    assert_eq!(report["status"], "closed");
    assert_eq!(report["outcome"], "handled");
    assert_eq!(report["complete"], true);
    assert!(
        report.get("self_verified").is_none(),
        "the village resolved it, the town closed it"
    );
    assert!(report.get("desk").is_none() && report.get("next_due_at").is_none());
    let named = snapshot::with_named_ids(&report);
    snapshot::settings().bind(|| insta::assert_json_snapshot!("closed", named));

    // Every step is in the record, and everybody on the path can read it.
    let record = leader.record(id).await;
    assert_eq!(
        kinds(&record),
        [
            "filed",
            "escalated",
            "photo_arrived",
            "approved",
            "approved",
            "assigned",
            "resolved",
            "photo_arrived",
            "closed"
        ]
    );
    assert_eq!(record[0]["actor"]["name"], "组长1之2");
    assert_eq!(record[3]["actor"]["name"], "书记1");
    assert_eq!(record[3]["details"]["comment"], "情况属实");
    assert_eq!(record[8]["version"], report["version"]);
    let named = snapshot::with_named_ids(&json!(record));
    snapshot::settings().bind(|| insta::assert_json_snapshot!("record", named));
    for other in [&secretary, &officer, &town] {
        assert_eq!(
            other.record(id).await.len(),
            record.len(),
            "{}",
            other.username
        );
    }

    // A neighbour's group sees nothing, nor does the town beside.
    for username in [
        "group_1_1",
        "group_2_2",
        "secretary_2",
        "b_admin",
        "b_town_leader",
        "b_town_officer",
        "b_secretary_1",
        "b_group_1_2",
    ] {
        unseen(&world.sign_in(username).await, id, &[before, after]).await;
    }
}

/// Whether everything about a report is hidden from this officer.
async fn unseen(officer: &Client, id: Uuid, photos: &[Uuid]) {
    let who = &officer.username;
    officer
        .get(&format!("/v1/reports/{id}"))
        .await
        .refused(Code::NotFound);
    officer
        .get(&format!("/v1/reports/{id}/events"))
        .await
        .refused(Code::NotFound);
    for (action, body) in actions() {
        officer.act(id, action, body).await.refused(Code::NotFound);
    }
    officer
        .patch(&format!("/v1/reports/{id}"), "*", &json!({"remark": "x"}))
        .await
        .refused(Code::NotFound);
    for view in ["grid", "mine"] {
        let listed = officer.all(&format!("/v1/reports?view={view}")).await;
        assert!(listed.iter().all(|report| id_of(report) != id), "{who}");
    }
    assert_eq!(officer.inbox().await["items"], json!([]), "{who}");
    for photo in photos {
        for part in ["", "/original", "/preview", "/thumbnail"] {
            officer
                .get(&format!("/v1/photos/{photo}{part}"))
                .await
                .refused(Code::NotFound);
        }
        officer
            .put_photo(*photo, &pictures::snapshot())
            .await
            .refused(Code::PhotoTaken);
    }
    officer
        .put_photo_for(Uuid::now_v7(), id, &pictures::snapshot())
        .await
        .refused(Code::NotFound);
}

/// Every action with a sound body.
fn actions() -> Vec<(&'static str, Value)> {
    vec![
        ("escalate", json!({})),
        ("approve", json!({})),
        ("return", json!({"reason": "x"})),
        ("assign", json!({"grid_id": Uuid::now_v7()})),
        ("resolve", json!({"result": "x"})),
        ("close", json!({"outcome": "unfounded"})),
        ("void", json!({"reason": "x"})),
        ("restore", json!({})),
        ("reclassify", json!({"severity": "minor"})),
        ("comment", json!({"text": "x"})),
    ]
}
