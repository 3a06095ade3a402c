//! Villages merge and groups move: open reports move too, closed ones stay correct, nothing is lost.

use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of};
use crate::support::{Client, World, filing};

on_both!(
    two_villages_merge,
    a_group_moves_with_what_is_open,
    filings_and_a_merger_at_once,
    a_group_is_dissolved_into_its_village,
);

/// The kinds of a record.
fn kinds(record: &[Value]) -> Vec<&str> {
    record
        .iter()
        .map(|event| event["kind"].as_str().expect("a kind"))
        .collect()
}

async fn archive(officer: &Client, grid: Uuid, successor: Uuid) -> Value {
    let body = json!({"successor_id": successor, "reason": "两村合并"});
    officer
        .post(&format!("/v1/grids/{grid}/archive"), &body)
        .await
        .ok()
}

async fn two_villages_merge(world: World) {
    let here = world.here();
    let (old, new) = (here.village(1), here.village(2));
    let leaders = [
        world.leader(1, 1).await,
        world.leader(1, 2).await,
        world.leader(1, 3).await,
    ];
    let (secretary, officer) = (world.secretary(1).await, world.village_officer(1).await);
    let (taking, town) = (world.secretary(2).await, world.town_officer().await);
    let file = async |group: u8, disposition: &str| {
        let filing = filing(here.group(1, group)).disposition(disposition);
        id_of(&leaders[usize::from(group) - 1].file(&filing).await)
    };

    // One of each status.
    let kept = file(1, "keep").await;
    let escalating = file(2, "escalate").await;
    let at_village = file(3, "escalate").await;
    secretary.act(at_village, "approve", json!({})).await.ok();
    let resolved = file(3, "escalate").await;
    secretary.act(resolved, "approve", json!({})).await.ok();
    officer
        .act(resolved, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    let upward = id_of(&officer.file(&filing(old)).await);
    assert_eq!(officer.report(upward).await["tier"], "village");
    let assigned = file(1, "escalate").await;
    secretary
        .act(assigned, "approve", json!({"further": true}))
        .await
        .ok();
    town.act(assigned, "assign", json!({"grid_id": old}))
        .await
        .ok();
    let closed = id_of(
        &leaders[0]
            .file(
                &filing(here.group(1, 1))
                    .severity("minor")
                    .disposition("keep"),
            )
            .await,
    );
    let handled = json!({"outcome": "handled", "result": "已清运"});
    let closed_version = leaders[0].act(closed, "close", handled).await.ok()["version"].clone();
    let void = file(2, "escalate").await;
    town.act(void, "void", json!({"reason": "误报"})).await.ok();
    let elsewhere = id_of(
        &world
            .leader(3, 1)
            .await
            .file(&filing(here.group(3, 1)))
            .await,
    );
    let untouched = town.report(elsewhere).await;

    // Who may not, and what cannot be.
    let path = format!("/v1/grids/{old}/archive");
    let body = json!({"successor_id": new});
    for other in [&secretary, &taking, &town, &leaders[0]] {
        other.post(&path, &body).await.refused(Code::NotPermitted);
    }
    world
        .sign_in("b_town_leader")
        .await
        .post(&path, &body)
        .await
        .refused(Code::NotFound);
    let leader = world.town_leader().await;
    leader
        .post(&path, &json!({}))
        .await
        .refused(Code::GridInUse);
    for wrong in [here.group(2, 1), here.id(), old] {
        leader
            .post(&path, &json!({"successor_id": wrong}))
            .await
            .refused(Code::SuccessorInvalid);
    }

    let archived = archive(&leader, old, new).await;
    assert_eq!(archived["successor_id"], json!(new));
    assert!(archived["valid_to"].is_string());

    // Each is where it belongs, with the right desk; each says why.
    let desk = |report: &Value| {
        (
            report["desk"]["grid_id"].clone(),
            report["desk"]["duty"].as_str().unwrap_or("").to_owned(),
        )
    };
    for (id, grid, duty) in [
        (kept, here.group(1, 1), "handle"),
        (escalating, new, "decide"),
        (at_village, new, "handle"),
        (resolved, new, "verify"),
        (upward, new, "decide"),
        (assigned, new, "handle"),
    ] {
        let report = town.report(id).await;
        assert_eq!(desk(&report), (json!(grid), duty.to_owned()), "{report}");
        let record = town.record(id).await;
        assert_eq!(kinds(&record).last(), Some(&"relocated"), "{report}");
        let last = record.last().unwrap();
        assert_eq!(last["details"]["reason"], "archived");
        assert_eq!(last["actor"]["name"], "李镇长");
        assert_eq!(last["version"], report["version"]);
        assert_eq!(
            last["details"]["changes"]["village_id"],
            json!({"before": old, "after": new})
        );
    }
    let inbox = taking.inbox().await;
    assert_eq!(
        inbox["counts"],
        json!({"handle": 2, "decide": 2, "verify": 1, "grant": 0})
    );
    assert_eq!(
        town.report(at_village).await["desk"]["officers"],
        json!(["书记2", "村干部2"])
    );
    assert!(allowed(&taking.report(escalating).await).contains(&"approve".to_owned()));
    taking.act(escalating, "approve", json!({})).await.ok();
    taking
        .act(resolved, "close", json!({"outcome": "handled"}))
        .await
        .ok();

    // What had ended keeps the path of its time, and the name of the village that is no more.
    let report = leaders[0].report(closed).await;
    assert_eq!(report["version"], closed_version);
    assert_eq!(town.report(elsewhere).await, untouched);
    taking
        .get(&format!("/v1/reports/{closed}"))
        .await
        .refused(Code::NotFound);
    let listed = town.all(&format!("/v1/reports?grid={old}")).await;
    let listed: Vec<Uuid> = listed.iter().map(id_of).collect();
    assert!(listed.contains(&closed) && listed.contains(&void) && !listed.contains(&kept));
    // Taken back, it is where its grids are now.
    let restored = town.act(void, "restore", json!({})).await.ok();
    assert_eq!(desk(&restored), (json!(new), "decide".to_owned()));
    assert_eq!(
        kinds(&town.record(void).await)[2..],
        ["voided", "restored", "relocated"]
    );

    // The tree, the list, and the grid itself.
    let tree = town.get("/v1/grids/tree").await.ok();
    let villages = tree["items"][0]["children"].as_array().unwrap().clone();
    assert_eq!(villages.len(), 2);
    assert_eq!(villages[0]["children"].as_array().unwrap().len(), 6);
    let all = town.get("/v1/grids/tree?archived=true").await.ok();
    assert_eq!(all["items"][0]["children"].as_array().unwrap().len(), 3);
    assert_eq!(town.all("/v1/grids?tier=village").await.len(), 2);
    let villages = town.all("/v1/grids?tier=village&archived=true").await;
    assert_eq!(villages.len(), 3);
    let facts = town.get(&format!("/v1/grids/{old}")).await.ok();
    assert_eq!(facts["name"], "示范1村");
    let group = town
        .get(&format!("/v1/grids/{}", here.group(1, 2)))
        .await
        .ok();
    assert_eq!(group["parent_id"], json!(new));
    assert_eq!(group["path"][1]["id"], json!(new));
    let history = town.all(&format!("/v1/grids/{old}/history?limit=1")).await;
    assert_eq!(kinds(&history), ["grid_archived", "grid_created"]);
    assert_eq!(history[0]["officer"]["name"], "李镇长");
    assert_eq!(history[0]["details"]["reason"], "两村合并");
    leader
        .post(
            &format!("/v1/grids/{old}/archive"),
            &json!({"successor_id": here.village(3)}),
        )
        .await
        .refused(Code::GridArchived);

    // Postings there ended; who was posted there is posted elsewhere, and what was filed in the hills
    // before arrives now.
    assert_eq!(officer.get("/v1/me").await.ok()["postings"], json!([]));
    world
        .post("village_officer_1", Role::VillageOfficer, new)
        .await;
    let late = Uuid::now_v7();
    let offline = filing(old).description("撤并前在山里记的");
    let filed = officer.put_report(late, &offline).await.created();
    assert_eq!(filed["grid_id"], json!(new));
    assert_eq!(desk(&filed), (json!(new), "decide".to_owned()));
    let record = officer.record(late).await;
    assert_eq!(
        record[0]["details"]["successor"],
        json!({"before": old, "after": new})
    );
    assert_eq!(record[0]["details"]["request"]["grid_id"], json!(old));
    // And again, for the answer was lost.
    officer.put_report(late, &offline).await.ok();
    // A group leader who names the vanished village is not sent away either.
    let other = leaders[2].put_report(Uuid::now_v7(), &filing(old)).await;
    assert_eq!(other.created()["grid_id"], json!(new));
    // Nobody can be assigned there now.
    town.act(assigned, "assign", json!({"grid_id": old}))
        .await
        .refused(Code::TargetInvalid);
    town.act(kept, "reclassify", json!({"grid_id": old}))
        .await
        .refused(Code::TargetInvalid);
}

async fn a_group_moves_with_what_is_open(world: World) {
    let here = world.here();
    let (group, from, to) = (here.group(1, 1), here.village(1), here.village(3));
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let (taking, town) = (world.secretary(3).await, world.town_leader().await);
    let escalating = id_of(&leader.file(&filing(group)).await);
    let kept = id_of(&leader.file(&filing(group).disposition("keep")).await);
    let before = town.report(kept).await;
    // Work of the village's given to the group goes back to the village.
    let given = id_of(
        &world
            .leader(1, 2)
            .await
            .file(&filing(here.group(1, 2)))
            .await,
    );
    secretary.act(given, "approve", json!({})).await.ok();
    secretary
        .act(given, "assign", json!({"grid_id": group}))
        .await
        .ok();

    let path = format!("/v1/grids/{group}/move");
    let moving = json!({"parent_id": to, "code": "990001100202101", "reason": "村组调整"});
    secretary
        .post(&path, &moving)
        .await
        .refused(Code::NotPermitted);
    for wrong in [from, here.id(), here.group(3, 1)] {
        town.post(&path, &json!({"parent_id": wrong}))
            .await
            .refused(Code::ParentInvalid);
    }
    town.post(&path, &json!({"parent_id": world.beside().village(1)}))
        .await
        .refused(Code::NotFound);
    town.post(&path, &json!({"parent_id": to, "code": "990001100201101"}))
        .await
        .wrong_at(&[("/code", "not_allowed")]);
    let moved = town.post_keyed(&path, "move-1", &moving).await.ok();
    assert_eq!(
        (&moved["parent_id"], &moved["code"]),
        (&json!(to), &json!("990001100202101"))
    );
    let again = town.post_keyed(&path, "move-1", &moving).await;
    assert_eq!(again.header("idempotent-replayed"), "true");

    let report = town.report(escalating).await;
    assert_eq!(report["desk"]["grid_id"], json!(to));
    assert_eq!(taking.inbox().await["counts"]["decide"], 1);
    assert_eq!(secretary.inbox().await["counts"]["decide"], 0);
    secretary
        .act(escalating, "approve", json!({}))
        .await
        .refused(Code::NotFound);
    // The group's own desk is the same desk: its step goes on.
    let after = town.report(kept).await;
    assert_eq!(after["desk"], before["desk"]);
    assert_eq!(after["next_due_at"], before["next_due_at"]);
    assert_eq!(after["version"], 2);
    let report = town.report(given).await;
    assert!(report.get("handler").is_none());
    assert_eq!(report["desk"]["grid_id"], json!(from));

    // The former code is kept, and never given again.
    let facts = town.get(&format!("/v1/grids/{group}")).await.ok();
    assert_eq!(facts["former_codes"][0]["code"], "990001100200001");
    let taken = json!({"parent_id": from, "code": "990001100200001", "name": "新一组"});
    town.post("/v1/grids", &taken)
        .await
        .refused(Code::CodeTaken);
    let history = town
        .all(&format!("/v1/grids/{group}/history?limit=50"))
        .await;
    assert_eq!(kinds(&history), ["grid_moved", "grid_created"]);
    assert_eq!(history[0]["label"], "调整隶属");
    assert_eq!(
        history[0]["details"]["changes"]["parent_id"],
        json!({"before": from, "after": to})
    );
}

async fn filings_and_a_merger_at_once(world: World) {
    let here = world.here();
    let (old, new) = (here.village(1), here.village(2));
    let (leader, town) = (world.leader(1, 1).await, world.town_leader().await);
    let secretary = world.secretary(1).await;
    let standing: Vec<Uuid> = {
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(id_of(&leader.file(&filing(here.group(1, 1))).await));
        }
        ids
    };
    let filings = (0..24).map(|number| {
        let at = if number % 2 == 0 {
            here.group(1, 1)
        } else {
            old
        };
        let filing = filing(at);
        let leader = leader.clone();
        async move { leader.put_report(Uuid::now_v7(), &filing).await }
    });
    let acts = standing.iter().map(|id| {
        let secretary = secretary.clone();
        async move { secretary.act(*id, "approve", json!({})).await }
    });
    let (merged, filed, acted) = futures_util::join!(
        archive(&town, old, new),
        futures_util::future::join_all(filings),
        futures_util::future::join_all(acts),
    );
    assert_eq!(merged["successor_id"], json!(new));
    for answer in filed {
        answer.created();
    }
    // Before the merger the secretary decided; afterwards nothing is there for that one.
    for answer in acted {
        assert!(
            [200, 404, 403].contains(&answer.status),
            "{}",
            answer.text()
        );
    }
    let open = town.all("/v1/reports?status=open,escalating").await;
    assert_eq!(open.len(), 28);
    for report in open {
        assert_ne!(report["desk"]["grid_id"], json!(old));
        assert_ne!(report["grid_id"], json!(old));
    }
}

async fn a_group_is_dissolved_into_its_village(world: World) {
    let here = world.here();
    let group = here.group(2, 2);
    let (leader, secretary) = (world.leader(2, 2).await, world.secretary(2).await);
    let town = world.town_leader().await;
    let escalating = id_of(&leader.file(&filing(group)).await);
    let minor = filing(group).severity("minor").disposition("keep");
    let kept = id_of(&leader.file(&minor).await);
    archive(&town, group, here.village(2)).await;
    for id in [escalating, kept] {
        let report = secretary.report(id).await;
        assert_eq!(
            (&report["status"], &report["tier"]),
            (&json!("open"), &json!("village"))
        );
        assert_eq!(report["grid_id"], json!(here.village(2)));
        assert!(allowed(&report).contains(&"close".to_owned()));
    }
    assert_eq!(secretary.inbox().await["counts"]["handle"], 2);
    // The filer no longer has a post in the town, and sees nothing.
    leader
        .get(&format!("/v1/reports/{kept}"))
        .await
        .refused(Code::NotFound);
    // A grid with nothing to hand over needs nobody. What was void there is taken back to the village,
    // and a filing that arrives late goes there as well.
    let other = world.leader(3, 3).await;
    let void = id_of(&other.file(&filing(here.group(3, 3))).await);
    town.act(void, "void", json!({"reason": "误报"})).await.ok();
    let ended = town
        .post(
            &format!("/v1/grids/{}/archive", here.group(3, 3)),
            &json!({}),
        )
        .await
        .ok();
    assert!(ended.get("successor_id").is_none());
    let restored = town.act(void, "restore", json!({})).await.ok();
    assert_eq!(restored["grid_id"], json!(here.village(3)));
    assert_eq!(restored["status"], "open");
    let late = world.leader(3, 2).await;
    let late = late
        .put_report(Uuid::now_v7(), &filing(here.group(3, 3)))
        .await;
    assert_eq!(late.created()["grid_id"], json!(here.village(3)));
}
