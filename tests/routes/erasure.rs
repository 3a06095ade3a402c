//! Erasing personal data on request: what is erased, what stays, and that the chain is still valid.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use gridpatrol::audit::verify::{self, Standing};
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::{officers, security_log};
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::verified;
use crate::support::answer::Answer;
use crate::support::client::{Client, id_of};
use crate::support::world::Folder;
use crate::support::{World, filing};

on_both!(
    words_go_from_a_report_and_all_that_names_them,
    what_measures_under_way_are_called_by_goes_too,
    what_is_erased_while_the_chain_is_read_is_no_theft,
    a_report_at_its_end_loses_every_text,
    who_an_officer_was_is_forgotten,
    who_is_forgotten_is_no_contact_of_a_grid_either,
    the_log_of_sign_ins_forgets_after_half_a_year,
);

/// A report that names somebody, with two comments.
async fn naming(world: &World, leader: &Client) -> Uuid {
    let mut filed = filing(world.here().group(1, 1)).description("张某三家门口烧秸秆");
    filed.0["responsible_party"] = json!({"person": "张某三"});
    let id = id_of(&leader.file(&filed).await);
    let secretary = world.secretary(1).await;
    for text in ["已电话联系张某三", "下午到场"] {
        secretary
            .act(id, "comment", json!({"text": text}))
            .await
            .ok();
    }
    id
}

fn details(record: &[Value]) -> Vec<(String, bool)> {
    let told = |event: &Value| {
        let kind = event["kind"].as_str().expect("a kind").to_owned();
        (kind, event.get("details").is_some())
    };
    record.iter().map(told).collect()
}

async fn words_go_from_a_report_and_all_that_names_them(world: World) {
    let leader = world.leader(1, 1).await;
    let id = naming(&world, &leader).await;
    let before = leader.report(id).await;
    let erase = format!("/v1/reports/{id}/erase");
    let wanted = json!({"reason": "当事人申请", "words": ["张某三"]});
    for other in ["town_leader", "auditor", "secretary_1", "group_1_1"] {
        let other = world.sign_in(other).await;
        other
            .post(&erase, &wanted)
            .await
            .refused(Code::NotPermitted);
    }
    let stranger = world.secretary(2).await;
    stranger.post(&erase, &wanted).await.refused(Code::NotFound);
    let admin = world.sign_in("admin").await;
    admin
        .post(&erase, &json!({"reason": " ", "words": ["张", "x"]}))
        .await
        .wrong_at(&[
            ("/reason", "too_short"),
            ("/words/0", "too_short"),
            ("/words/1", "too_short"),
        ]);
    admin
        .post(
            &erase,
            &json!({"reason": "张某三申请", "words": ["张某三"]}),
        )
        .await
        .wrong_at(&[("/reason", "not_allowed")]);
    // It is open: its texts are needed.
    admin
        .post(&erase, &json!({"reason": "当事人申请"}))
        .await
        .refused(Code::WrongStatus);

    let erased = admin.post(&erase, &wanted).await.ok();
    let fields = json!(["description", "responsible_party.person"]);
    assert_eq!(erased, json!({"events": 2, "fields": fields}));
    let after = leader.report(id).await;
    assert_eq!(after["description"], "＊家门口烧秸秆");
    assert_eq!(after["responsible_party"]["person"], "＊");
    assert_eq!(
        after["version"].as_i64(),
        before["version"].as_i64().map(|version| version + 1)
    );
    for same in ["status", "category", "severity", "deadline_at", "desk"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let record = leader.record(id).await;
    let expected = [
        ("filed", false),
        ("escalated", true),
        ("commented", false),
        ("commented", true),
        ("data_erased", true),
    ];
    let expected: Vec<(String, bool)> = expected
        .iter()
        .map(|(kind, told)| ((*kind).to_owned(), *told))
        .collect();
    assert_eq!(details(&record), expected);
    assert!(!json!(record).to_string().contains("张某三"));
    if let Some(path) = world.database().url.strip_prefix("sqlite://") {
        gone_from_the_file(path, "张某三");
    }
    let found = leader.get("/v1/reports?q=张某三").await.ok();
    assert_eq!(found["items"], json!([]));
    let found = leader.get("/v1/reports?q=烧秸秆").await.ok();
    assert_eq!(id_of(&found["items"][0]), id);
    // Again: there is nothing left to erase, and nothing more to record.
    let again = admin.post(&erase, &wanted).await.ok();
    assert_eq!(again, json!({"events": 0, "fields": []}));
    assert_eq!(leader.record(id).await.len(), record.len());

    let auditor = world.sign_in("auditor").await;
    let chain = auditor
        .all(&format!("/v1/audit?subject_id={id}&limit=200"))
        .await;
    let gone = chain.iter().filter(|event| event["erased"] == true).count();
    assert_eq!(gone, 2);
    let seqs = chain[0]["facts"]["erased_seqs"].as_array().expect("places");
    assert_eq!(seqs.len(), 2);
    let (well, said) = verified(&world.database().url, &Folder::new(), &[]);
    assert!(well && said.contains("2 of them erased"), "{said}");
}

/// Not even the pages of the file hold it any more, once the log has been written back.
fn gone_from_the_file(path: &str, words: &str) {
    let mut conn = SqliteConnection::establish(path).expect("the file");
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("a checkpoint");
    let wal = std::fs::metadata(format!("{path}-wal")).map_or(0, |log| log.len());
    assert_eq!(wal, 0, "the log has been written back");
    let whole = std::fs::read(path).expect("the file");
    let found = whole
        .windows(words.len())
        .any(|bytes| bytes == words.as_bytes());
    assert!(!found, "{words} lies in the file");
}

async fn what_measures_under_way_are_called_by_goes_too(world: World) {
    let leader = world.leader(1, 1).await;
    let group = world.here().group(1, 1);
    let suspended = id_of(&leader.file(&filing(group)).await);
    let referred = id_of(&leader.file(&filing(group).severity("critical")).await);
    let secretary = world.secretary(1).await;
    secretary.act(suspended, "approve", json!({})).await.ok();
    let town_leader = world.town_leader().await;
    let milestone = world.now() + TimeDelta::days(10);
    let order = json!({
        "reason": "整改需跨季", "review_at": world.now() + TimeDelta::days(40),
        "milestones": [{"due_at": milestone, "title": "清理张某三院外"}],
    });
    town_leader.act(suspended, "suspend", order).await.ok();
    let refer = json!({
        "agency": "县局张某三专班", "reference": "张某三〔2026〕8号", "reason": "涉嫌偷排",
    });
    let office = world.town_officer().await;
    office.act(referred, "refer", refer).await.ok();
    let supervised = id_of(&leader.file(&filing(group)).await);
    secretary.act(supervised, "approve", json!({})).await.ok();
    let demand = json!({
        "number": "督张某三1号", "demand": "限期整改并回复",
        "reply_by": world.now() + TimeDelta::hours(6),
    });
    office.act(supervised, "supervise", demand).await.ok();

    let admin = world.sign_in("admin").await;
    let wanted = json!({"reason": "当事人申请", "words": ["张某三"]});
    let mut gone = Vec::new();
    for id in [suspended, referred, supervised] {
        let erase = format!("/v1/reports/{id}/erase");
        gone.push(admin.post(&erase, &wanted).await.ok()["fields"].clone());
        let again = admin.post(&erase, &wanted).await.ok();
        assert_eq!(again, json!({"events": 0, "fields": []}));
    }
    assert_eq!(
        json!(gone),
        json!([
            ["suspension.milestones"],
            ["referral.agency", "referral.reference"],
            ["supervision.number"]
        ])
    );
    let report = town_leader.report(suspended).await;
    assert_eq!(report["suspension"]["milestones"][0]["title"], "清理＊院外");
    let report = town_leader.report(referred).await;
    assert_eq!(report["referral"]["agency"], "县局＊专班");
    assert_eq!(report["referral"]["reference"], "＊〔2026〕8号");
    let report = town_leader.report(supervised).await;
    assert_eq!(report["supervision"]["number"], "督＊1号");
    // What falls due later is told by what is left of it.
    world.advance(TimeDelta::days(11));
    world.tick().await;
    let town_leader = world.town_leader().await;
    for id in [suspended, referred, supervised] {
        let record = json!(town_leader.record(id).await).to_string();
        assert!(!record.contains("张某三"), "{record}");
    }
    let record = town_leader.record(suspended).await;
    let due = record
        .iter()
        .find(|event| event["kind"] == "milestone_due")
        .expect("the milestone");
    assert_eq!(due["details"]["title"], "清理＊院外");
    let (well, said) = verified(&world.database().url, &Folder::new(), &[]);
    assert!(well, "{said}");
}

async fn what_is_erased_while_the_chain_is_read_is_no_theft(world: World) {
    let leader = world.leader(1, 1).await;
    let id = naming(&world, &leader).await;
    let (app, town) = (world.app().clone(), world.here().id());
    let head =
        tokio::task::spawn_blocking(move || Standing::now(&app.store, town).expect("a head"))
            .await
            .expect("a thread");
    let admin = world.sign_in("admin").await;
    let wanted = json!({"reason": "当事人申请", "words": ["张某三"]});
    let erase = format!("/v1/reports/{id}/erase");
    assert_eq!(admin.post(&erase, &wanted).await.ok()["events"], 2);
    let app = world.app().clone();
    let held = tokio::task::spawn_blocking(move || {
        verify::chain_to(&app.store, town, &[], head).expect("the database")
    })
    .await
    .expect("a thread");
    assert_eq!(held.expect("it holds").erased, 2);
}

async fn a_report_at_its_end_loses_every_text(world: World) {
    let leader = world.leader(1, 1).await;
    let id = Uuid::now_v7();
    let filed = filing(world.here().group(1, 1)).with("place_text", "村口第三家");
    leader
        .put(&format!("/v1/reports/{id}"), &filed.0)
        .await
        .created();
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    let close = json!({"outcome": "handled", "result": "已清运"});
    secretary.act(id, "close", close).await.ok();
    let admin = world.sign_in("admin").await;
    let erase = format!("/v1/reports/{id}/erase");
    let asked = json!({"reason": "保存期满"});
    let erased = admin.post(&erase, &asked).await.ok();
    assert_eq!(
        erased["fields"],
        json!(["description", "place_text", "result"])
    );
    let after = leader.report(id).await;
    for gone in ["description", "place_text", "result"] {
        assert!(after.get(gone).is_none(), "{gone}");
    }
    assert_eq!(after["status"], "closed");
    assert_eq!(after["outcome"], "handled");
    for event in leader.record(id).await {
        let kept = event["kind"] == "data_erased";
        assert_eq!(event.get("details").is_some(), kept, "{event}");
    }
    // The phone that never got its answer may still ask again.
    leader
        .put(&format!("/v1/reports/{id}"), &filed.0)
        .await
        .ok();
    let again = admin.post(&erase, &asked).await.ok();
    assert_eq!(again, json!({"events": 0, "fields": []}));
    let (well, said) = verified(&world.database().url, &Folder::new(), &[]);
    assert!(well, "{said}");
}

async fn who_an_officer_was_is_forgotten(world: World) {
    let leader = world.leader(2, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(2, 1))).await);
    let (officer, erase) = (
        leader.officer,
        format!("/v1/officers/{}/erase", leader.officer),
    );
    let admin = world.sign_in("admin").await;
    let wanted = json!({"reason": "离任满三年"});
    admin
        .post(&erase, &wanted)
        .await
        .refused(Code::StillServing);
    world.dismiss("group_2_1").await;
    admin
        .post(&erase, &wanted)
        .await
        .refused(Code::StillServing);
    world.disable("group_2_1").await;
    let town_leader = world.town_leader().await;
    town_leader
        .post(&erase, &wanted)
        .await
        .refused(Code::NotPermitted);
    let beside = world.sign_in("b_town_leader").await;
    beside.post(&erase, &wanted).await.refused(Code::NotFound);
    admin
        .post(&erase, &json!({"reason": "组长2之1离任"}))
        .await
        .wrong_at(&[("/reason", "not_allowed")]);

    let erased = admin.post(&erase, &wanted).await.ok();
    assert!(
        erased["events"].as_u64().expect("a number") >= 1,
        "{erased}"
    );
    let fields = erased["fields"].to_string();
    for forgotten in ["account", "passwords", "devices"] {
        assert!(fields.contains(forgotten), "{erased}");
    }
    let report = world.secretary(2).await.report(id).await;
    assert_eq!(report["reporter"]["officer_id"], officer.to_string());
    assert_eq!(report["reporter"]["name"], "（已删除）");
    let auditor = world.sign_in("auditor").await;
    let chain = auditor
        .all(&format!("/v1/audit?subject_id={officer}&limit=200"))
        .await;
    assert_eq!(chain[0]["kind"], "officer_erased");
    assert_eq!(chain[0]["details"]["reason"], "离任满三年");
    assert!(!json!(chain).to_string().contains("组长2之1"));
    world
        .stranger()
        .sign_in("group_2_1", "demo-Patrol-2026")
        .await
        .refused(Code::CredentialsInvalid);
    let again = admin.post(&erase, &wanted).await.ok();
    assert_eq!(again, json!({"events": 0, "fields": []}));
    let (well, said) = verified(&world.database().url, &Folder::new(), &[]);
    assert!(well, "{said}");
}

/// What the security log says about an officer.
async fn logged(admin: &Client, officer: Uuid) -> Vec<Value> {
    admin
        .all(&format!("/v1/audit/security?officer={officer}&limit=200"))
        .await
}

async fn the_log_of_sign_ins_forgets_after_half_a_year(world: World) {
    let stranger = world.stranger();
    let (username, officer) = ("group_2_1", world.officer("group_2_1"));
    let sign_in = |password| {
        json!({
            "username": username, "password": password,
            "device": {"id": "phone", "name": "组长2之1的手机", "platform": "android"},
        })
    };
    stranger
        .post("/v1/auth/login", &sign_in("demo-Patrol-2026"))
        .await
        .ok();
    let refused = stranger
        .post("/v1/auth/login", &sign_in("wrong-Patrol-2026"))
        .await;
    let unknown = stranger.sign_in("nobody_here", "wrong-Patrol-2026").await;
    // Whether there is such a name is told to nobody who guesses.
    let said = |answer: &Answer| {
        let mut problem = answer.refused(Code::CredentialsInvalid);
        problem
            .as_object_mut()
            .expect("a problem")
            .remove("request_id");
        problem
    };
    assert_eq!(said(&refused), said(&unknown));
    // Entries of an earlier release stand under the name alone.
    world
        .change(move |conn| {
            Ok(diesel::update(security_log::table)
                .filter(security_log::username.eq("group_2_1"))
                .filter(security_log::kind.eq("sign_in_refused"))
                .set(security_log::kind.eq("name_locked"))
                .execute(conn)?)
        })
        .await;
    stranger
        .post("/v1/auth/login", &sign_in("wrong-Patrol-2026"))
        .await
        .refused(Code::CredentialsInvalid);
    let admin = world.sign_in("admin").await;
    let kinds: Vec<Value> = logged(&admin, officer)
        .await
        .into_iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    assert_eq!(
        json!(kinds),
        json!(["sign_in_refused", "name_locked", "signed_in"])
    );
    world
        .change(move |conn| {
            Ok(diesel::update(security_log::table)
                .filter(security_log::kind.eq("name_locked"))
                .set(security_log::officer_id.eq(None::<Uuid>))
                .execute(conn)?)
        })
        .await;
    world.dismiss(username).await;
    world.disable(username).await;
    let erase = format!("/v1/officers/{officer}/erase");
    let wanted = json!({"reason": "离任满三年"});
    let erased = admin.post(&erase, &wanted).await.ok();
    assert!(!erased["fields"].to_string().contains("security_log"));
    let kept = logged(&admin, officer).await;
    assert_eq!(kept.len(), 3, "the law asks for half a year");
    assert!(kept.iter().all(|entry| entry["username"] == username));
    world.advance(TimeDelta::days(184));
    let admin = world.sign_in("admin").await;
    let erased = admin.post(&erase, &wanted).await.ok();
    assert_eq!(erased["fields"], json!(["security_log"]));
    let bare = logged(&admin, officer).await;
    assert_eq!(bare.len(), 3);
    for entry in &bare {
        for gone in ["username", "address", "detail"] {
            assert!(entry.get(gone).is_none(), "{entry}");
        }
    }
    assert!(!json!(bare).to_string().contains("组长2之1"));
}

async fn who_is_forgotten_is_no_contact_of_a_grid_either(world: World) {
    let officer = world.officer("group_2_1");
    world
        .change(move |conn| {
            Ok(diesel::update(officers::table.find(Id(officer)))
                .set(officers::phone.eq(Some("13900000021")))
                .execute(conn)?)
        })
        .await;
    let admin = world.sign_in("admin").await;
    let change = async |grid: Uuid, contact: &str| {
        let target = format!("/v1/grids/{grid}");
        let read = admin.get(&target).await;
        let etag = read.header("etag").to_owned();
        admin
            .patch(&target, &etag, &json!({"contact": contact}))
            .await
            .ok()
    };
    let (one, other) = (world.here().group(2, 1), world.here().group(2, 2));
    change(one, "组长2之1 13900000021").await;
    change(one, "组长2之1，办公室0812-8210000").await;
    change(other, "13900000021").await;
    change(other, "0812-8210001").await;
    world.dismiss("group_2_1").await;
    world.disable("group_2_1").await;
    let erase = format!("/v1/officers/{officer}/erase");
    let wanted = json!({"reason": "离任满三年"});
    let erased = admin.post(&erase, &wanted).await.ok();
    assert!(
        erased["fields"].to_string().contains("contacts"),
        "{erased}"
    );
    // Both changes of the one, both of the other.
    assert!(
        erased["events"].as_u64().expect("a number") >= 4,
        "{erased}"
    );
    let grid = admin.get(&format!("/v1/grids/{one}")).await.ok();
    assert_eq!(grid["contact"], "＊，办公室0812-8210000");
    let grid = admin.get(&format!("/v1/grids/{other}")).await.ok();
    assert_eq!(grid["contact"], "0812-8210001");
    // The next change does not bring it back.
    change(one, "0812-8210000").await;
    let auditor = world.sign_in("auditor").await;
    let chain = json!(auditor.all("/v1/audit?limit=200").await).to_string();
    for gone in ["组长2之1", "13900000021"] {
        assert!(!chain.contains(gone), "{gone}");
    }
    let again = admin.post(&erase, &wanted).await.ok();
    assert_eq!(again, json!({"events": 0, "fields": []}));
    let (well, said) = verified(&world.database().url, &Folder::new(), &[]);
    assert!(well, "{said}");
}
