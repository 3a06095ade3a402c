//! The whole record: who may read it, what proves it, and that the program finds changes to it.

use std::process::{Command, Output};

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::EventKind;
use gridpatrol_store::schema::events;
use gridpatrol_store::types::Id;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::world::Folder;
use crate::support::{World, filing};

on_both!(
    the_record_is_read_by_those_who_audit,
    filters_narrow_and_pages_follow,
    an_outsider_recomputes_the_chain,
    an_auditor_sees_everything_and_does_nothing,
    the_security_log_is_for_administrators,
    the_program_names_the_first_broken_link,
    kept_heads_prove_what_lay_before,
    a_town_that_was_taken_away_is_missed,
    heads_are_of_towns_that_anybody_sees,
);

/// A report that went its way, and its id.
async fn closed(world: &World) -> Uuid {
    let group = world.here().group(1, 1);
    let id = id_of(&world.leader(1, 1).await.file(&filing(group)).await);
    let secretary = world.secretary(1).await;
    secretary.act(id, "approve", json!({})).await.ok();
    let close = json!({"outcome": "handled", "result": "已清运"});
    secretary.act(id, "close", close).await.ok();
    id
}

async fn the_record_is_read_by_those_who_audit(world: World) {
    let id = closed(&world).await;
    let town = world.here().id();
    for reader in ["auditor", "town_leader", "admin"] {
        let reader = world.sign_in(reader).await;
        let page = reader.get("/v1/audit").await.ok();
        let latest = &page["items"][0];
        assert_eq!(latest["kind"], "closed");
        assert_eq!(latest["label"], "结案");
        assert_eq!(latest["subject_id"], id.to_string());
        assert_eq!(latest["actor"]["name"], "书记1");
        assert_eq!(latest["details"]["outcome"], "handled");
        assert!(latest.get("erased").is_none());
        let named = reader.get(&format!("/v1/audit?town={town}")).await.ok();
        assert_eq!(named, page);
        let beside = format!("/v1/audit?town={}", world.beside().id());
        let beside = reader.get(&beside).await;
        if reader.username == "admin" {
            assert!(beside.ok()["items"].as_array().unwrap().len() > 10);
        } else {
            beside.refused(Code::NotFound);
        }
    }
    for other in ["town_officer", "secretary_1", "group_1_1"] {
        let other = world.sign_in(other).await;
        other.get("/v1/audit").await.refused(Code::NotPermitted);
        other
            .get("/v1/audit/heads")
            .await
            .refused(Code::NotPermitted);
    }
    let admin = world.sign_in("admin").await;
    let nowhere = format!("/v1/audit?town={}", Uuid::now_v7());
    admin.get(&nowhere).await.refused(Code::NotFound);
    // Every kind that these tests meet has a name of its own.
    let auditor = world.sign_in("auditor").await;
    for event in auditor.all("/v1/audit?limit=200").await {
        assert_ne!(event["label"], event["kind"], "{event}");
    }
}

async fn filters_narrow_and_pages_follow(world: World) {
    let start = world.now();
    let id = closed(&world).await;
    world.advance(TimeDelta::hours(1));
    let later = world.now();
    let other = closed(&world).await;
    let auditor = world.sign_in("auditor").await;
    let kinds = |events: &[Value]| -> Vec<String> {
        let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
        events.iter().map(kind).collect()
    };
    let about = auditor
        .all(&format!("/v1/audit?subject_id={id}&limit=1"))
        .await;
    assert_eq!(kinds(&about), ["closed", "approved", "escalated", "filed"]);
    let mut record = world.leader(1, 1).await.record(id).await;
    record.reverse();
    for (event, own) in about.iter().zip(&record) {
        assert_eq!(event["seq"], own["seq"]);
        assert_eq!(event["hash"], own["hash"]);
        assert_eq!(event["details"], own["details"]);
    }
    let secretary = world.officer("secretary_1");
    let by = format!("/v1/audit?actor={secretary}&subject_kind=report&limit=3");
    assert_eq!(
        kinds(&auditor.all(&by).await),
        ["closed", "approved", "closed", "approved"]
    );
    let stamp = |at: chrono::DateTime<Utc>| at.to_rfc3339().replace('+', "%2B");
    let since = format!("/v1/audit?kind=filed&from={}", stamp(later));
    let found = auditor.get(&since).await.ok();
    assert_eq!(found["items"][0]["subject_id"], other.to_string());
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let before = format!(
        "/v1/audit?kind=filed&from={}&to={}",
        stamp(start),
        stamp(later)
    );
    let found = auditor.get(&before).await.ok();
    assert_eq!(found["items"][0]["subject_id"], id.to_string());
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let none = auditor.get("/v1/audit?kind=nothing_like_it").await.ok();
    assert_eq!(none, json!({"items": []}));
    // A cursor belongs to its filters.
    let page = auditor.get("/v1/audit?limit=1").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    auditor
        .get(&format!("/v1/audit?kind=filed&cursor={cursor}"))
        .await
        .wrong_at(&[("query/cursor", "not_allowed")]);
    auditor
        .get(&format!(
            "/v1/audit?kind={}&subject_kind={0}",
            "x".repeat(61)
        ))
        .await
        .wrong_at(&[
            ("query/kind", "too_long"),
            ("query/subject_kind", "too_long"),
        ]);
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap()).unwrap()
}

/// Recomputes every hash as the document says, with nothing of the product's.
async fn an_outsider_recomputes_the_chain(world: World) {
    closed(&world).await;
    let auditor = world.sign_in("auditor").await;
    let mut chain = auditor.all("/v1/audit?limit=50").await;
    chain.reverse();
    let town = world.here().id().to_string();
    let mut previous = vec![0_u8; 32];
    for (place, event) in chain.iter().enumerate() {
        assert_eq!(event["seq"], place + 1);
        let at: chrono::DateTime<Utc> = event["at"].as_str().unwrap().parse().unwrap();
        let mut header = json!({
            "at": at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(), "facts": event["facts"],
            "kind": event["kind"], "seq": event["seq"], "subject": event["subject_id"],
            "subject_kind": event["subject_kind"], "town": town,
        });
        if let Some(actor) = event.get("actor") {
            header["actor"] = actor["id"].clone();
        }
        // Members of a JSON value are sorted, and these texts need no escapes: the RFC 8785 form.
        let hash = Sha256::new()
            .chain_update(&previous)
            .chain_update(header.to_string())
            .chain_update(bytes(&event["commitment"]))
            .finalize()
            .to_vec();
        assert_eq!(hash, bytes(&event["hash"]), "{event}");
        previous = hash;
    }
    let heads = auditor.get("/v1/audit/heads").await.ok();
    assert_eq!(heads["items"].as_array().unwrap().len(), 1);
    assert_eq!(bytes(&heads["items"][0]["hash"]), previous);
    assert_eq!(heads["items"][0]["seq"], chain.len());
    assert_eq!(heads["items"][0]["town_code"], "990001100000");
}

async fn an_auditor_sees_everything_and_does_nothing(world: World) {
    let group = world.here().group(1, 1);
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(group)).await);
    let auditor = world.sign_in("auditor").await;
    let report = auditor.report(id).await;
    assert_eq!(report["allowed_actions"], json!([]));
    assert_eq!(auditor.record(id).await.len(), 2);
    auditor.get("/v1/settings").await.ok();
    auditor.get("/v1/grids/tree").await.ok();
    let reports = auditor.get("/v1/reports").await.ok();
    assert_eq!(id_of(&reports["items"][0]), id);
    // Names and posts, and no phone numbers.
    let people = auditor.get("/v1/officers?limit=200").await.ok();
    assert!(people["items"].as_array().unwrap().len() > 15);
    assert_eq!(auditor.inbox().await["items"], json!([]));
    for (action, body) in [
        ("approve", json!({})),
        ("comment", json!({"text": "已知悉"})),
        ("void", json!({"reason": "误报"})),
    ] {
        auditor
            .act(id, action, body)
            .await
            .refused(Code::NotPermitted);
    }
    auditor
        .post("/v1/reports", &filing(group).0)
        .await
        .refused(Code::NotPermitted);
    // It mans no grid, stands in for nobody, and takes no shift.
    let town = world.here().id();
    for officer in ["town_leader", "town_officer"] {
        world.dismiss(officer).await;
    }
    let responsible = format!("/v1/grids/{town}/responsible");
    let responsible = auditor.get(&responsible).await.ok();
    assert!(!responsible.to_string().contains("陈审计"), "{responsible}");
    let admin = world.sign_in("admin").await;
    let tomorrow = world.now() + TimeDelta::days(1);
    let deputies = format!("/v1/officers/{}/deputies", world.officer("secretary_1"));
    let deputy = json!({"deputy_id": auditor.officer, "to": tomorrow});
    admin
        .post(&deputies, &deputy)
        .await
        .wrong_at(&[("/deputy_id", "not_allowed")]);
    let window = json!({
        "from": world.now(), "to": tomorrow,
        "shifts": [{"officer_id": auditor.officer, "from": world.now(), "to": tomorrow}],
    });
    admin
        .put(&format!("/v1/duty-roster?town={town}"), &window)
        .await
        .wrong_at(&[("/shifts/0/officer_id", "not_allowed")]);
    // Only an administrator appoints one, and at a town.
    let post = json!({"role": "auditor", "grid_id": town});
    let postings = format!(
        "/v1/officers/{}/postings",
        world.officer("village_officer_1")
    );
    let leader = world.sign_in("town_leader").await;
    leader.post(&postings, &post).await.refused(Code::NotFound);
    world
        .post(
            "town_leader",
            gridpatrol_domain::officer::Role::TownLeader,
            town,
        )
        .await;
    leader
        .post(&postings, &post)
        .await
        .refused(Code::NotPermitted);
    admin.post(&postings, &post).await.created();
    let village = json!({"role": "auditor", "grid_id": world.here().village(1)});
    admin
        .post(&postings, &village)
        .await
        .wrong_at(&[("/role", "not_allowed")]);
}

async fn the_security_log_is_for_administrators(world: World) {
    let stranger = world.stranger();
    stranger
        .sign_in("secretary_1", "wrong-Patrol-2026")
        .await
        .refused(Code::CredentialsInvalid);
    let admin = world.sign_in("admin").await;
    let page = admin
        .get("/v1/audit/security?kind=sign_in_refused")
        .await
        .ok();
    let entries = page["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["username"], "secretary_1");
    assert_eq!(entries[0]["label"], "登录被拒");
    assert_eq!(entries[0]["address"], "127.0.0.1");
    assert!(!entries[0].to_string().contains("wrong-Patrol"));
    let about = format!("/v1/audit/security?officer={}", admin.officer);
    let page = admin.get(&about).await.ok();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["items"][0]["kind"], "signed_in");
    assert_eq!(page["items"][0]["officer"]["name"], "管理员");
    let all = admin.all("/v1/audit/security?limit=1").await;
    assert!(all.len() >= 2);
    assert!(all.iter().all(|entry| entry["label"] != entry["kind"]));
    let times: Vec<&str> = all.iter().map(|one| one["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");
    for other in ["auditor", "town_leader", "secretary_1"] {
        let other = world.sign_in(other).await;
        other
            .get("/v1/audit/security")
            .await
            .refused(Code::NotPermitted);
    }
}

/// Runs the program over a database.
fn program(url: &str, folder: &Folder, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gridpatrol"))
        .args(arguments)
        .arg("--data-dir")
        .arg(&folder.0)
        .args(["--database-url", url, "--log-level", "off"])
        .output()
        .expect("the program")
}

/// What `verify-audit` says: whether all is well, and what it printed.
pub fn verified(url: &str, folder: &Folder, more: &[&str]) -> (bool, String) {
    let arguments: Vec<&str> = [&["verify-audit"], more].concat();
    let output = program(url, folder, &arguments);
    let code = output.status.code().expect("an exit code");
    assert!(code == 0 || code == 1, "{output:?}");
    let mut said = String::from_utf8(output.stdout).expect("text");
    said.push_str(&String::from_utf8(output.stderr).expect("text"));
    (code == 0, said)
}

/// The place of the event of this kind about a report.
async fn place(world: &World, id: Uuid, kind: EventKind) -> i64 {
    world
        .look(move |conn| {
            Ok(events::table
                .filter(events::subject_id.eq(Id(id)))
                .filter(events::kind.eq(kind.code()))
                .select(events::seq)
                .first(conn)?)
        })
        .await
}

/// Does something to the event that an honest program never does.
async fn tamper(world: &World, set: &str, seq: i64) {
    let (set, town) = (set.to_owned(), world.here().id());
    world
        .change(move |conn| {
            let text = town.simple();
            let town = gridpatrol_store::on_each!(&mut *conn,
                sqlite _c => format!("X'{text}'"),
                postgres _c => format!("'{text}'"),
            );
            Ok(conn.batch_execute(&format!(
                "UPDATE events SET {set} WHERE town_id = {town} AND seq = {seq}"
            ))?)
        })
        .await;
}

async fn the_program_names_the_first_broken_link(world: World) {
    let (folder, url) = (Folder::new(), world.database().url.clone());
    let id = closed(&world).await;
    closed(&world).await;
    let (well, said) = verified(&url, &folder, &[]);
    assert!(well, "{said}");
    assert!(said.contains("990001100000 示范镇: ") && said.contains("990002100000 邻镇: "));
    let seq = place(&world, id, EventKind::Closed).await;
    let postgres = url.starts_with("postgres");
    for (change, back, what) in [
        (
            "kind = 'approved'",
            "kind = 'closed'",
            "its header and its columns differ",
        ),
        (
            "header = replace(header, '\"version\":3', '\"version\":4')",
            "header = replace(header, '\"version\":4', '\"version\":3')",
            "its hash does not follow from what it says",
        ),
        (
            "payload = replace(payload, '已清运', '已清扫')",
            "payload = replace(payload, '已清扫', '已清运')",
            "its payload is not the one that was recorded",
        ),
    ] {
        tamper(&world, change, seq).await;
        let (well, said) = verified(&url, &folder, &["--town", "990001100000"]);
        assert!(!well, "{change}");
        let told = format!("990001100000 示范镇: event {seq}: {what}");
        assert!(said.contains(&told), "{change}: {said}");
        // The other town's is whole.
        assert!(verified(&url, &folder, &["--town", "990002100000"]).0);
        tamper(&world, back, seq).await;
        assert!(verified(&url, &folder, &[]).0, "{back}");
    }
    // A payload taken away, and no event says so.
    let gone = "payload = NULL, salt = NULL";
    let kept: (Option<String>, Option<Vec<u8>>) = world
        .look({
            let town = world.here().id();
            move |conn| {
                Ok(events::table
                    .find((Id(town), seq))
                    .select((events::payload, events::salt))
                    .first(conn)?)
            }
        })
        .await;
    // A payload moved into its salt, which the commitment alone would not tell.
    let hidden = if postgres {
        "salt = salt || convert_to(payload, 'UTF8'), payload = ''"
    } else {
        "salt = CAST(salt || CAST(payload AS BLOB) AS BLOB), payload = ''"
    };
    tamper(&world, hidden, seq).await;
    let (well, said) = verified(&url, &folder, &[]);
    let told = format!("event {seq}: its payload is not the one that was recorded");
    assert!(!well && said.contains(&told), "{said}");
    tamper(&world, gone, seq).await;
    let (well, said) = verified(&url, &folder, &[]);
    let told = format!("event {seq}: its payload is gone, and no event says that it was erased");
    assert!(!well && said.contains(&told), "{said}");
    let town = world.here().id();
    world
        .change(move |conn| {
            diesel::update(events::table.find((Id(town), seq)))
                .set((
                    events::payload.eq(kept.0.as_deref()),
                    events::salt.eq(kept.1.as_deref()),
                ))
                .execute(conn)?;
            Ok(())
        })
        .await;
    assert!(verified(&url, &folder, &[]).0);
    let comment = world.secretary(1).await;
    comment
        .act(id, "comment", json!({"text": "TAMPER-x9"}))
        .await
        .ok();
    let last = place(&world, id, EventKind::Commented).await;
    if !postgres {
        bytes_of_the_file(&world, &folder, last);
    }
    let (well, said) = verified(&url, &folder, &["--town", "990009900000"]);
    assert!(
        !well && said.contains("no town has this division code"),
        "{said}"
    );
    let nowhere = format!("sqlite://{}", folder.0.join("none.db").display());
    let (well, said) = verified(&nowhere, &folder, &[]);
    assert!(!well && said.contains("there is no database"), "{said}");
}

/// Changes single bytes of the database file where an event lies.
fn bytes_of_the_file(world: &World, folder: &Folder, seq: i64) {
    let copy = folder.0.join("copy.db");
    let mut conn = SqliteConnection::establish(&world.database().path().display().to_string())
        .expect("the file");
    conn.batch_execute(&format!("VACUUM INTO '{}'", copy.display()))
        .expect("a copy");
    let whole = std::fs::read(&copy).expect("the copy");
    let url = format!("sqlite://{}", copy.display());
    assert!(verified(&url, folder, &[]).0, "the copy is whole");
    let payload = whole
        .windows(9)
        .position(|window| window == b"TAMPER-x9")
        .expect("the payload");
    // Within the payload, in the header before it, and in the salt and the hashes behind it.
    for at in [
        payload + 7,
        payload - 30,
        payload - 120,
        payload + 20,
        payload + 40,
        payload + 70,
    ] {
        let mut changed = whole.clone();
        changed[at] ^= 0x01;
        std::fs::write(&copy, &changed).expect("the copy");
        let (well, said) = verified(&url, folder, &[]);
        assert!(!well, "byte {at} of {}: {said}", whole.len());
        let told = format!("990001100000 示范镇: event {seq}: ");
        assert!(said.contains(&told), "byte {at}: {said}");
    }
}

async fn kept_heads_prove_what_lay_before(world: World) {
    let (folder, url) = (Folder::new(), world.database().url.clone());
    closed(&world).await;
    let auditor = world.sign_in("auditor").await;
    let (heads, keys) = (folder.0.join("heads.json"), folder.0.join("jwks.json"));
    let kept = auditor.get("/v1/audit/heads").await;
    std::fs::write(&heads, &kept.body).unwrap();
    let set = world.stranger().get("/.well-known/jwks.json").await;
    std::fs::write(&keys, &set.body).unwrap();
    let (heads, keys) = (heads.display().to_string(), keys.display().to_string());
    let compare = ["--heads", &heads, "--keys", &keys];
    let (well, said) = verified(&url, &folder, &compare);
    assert!(well && said.contains("1 kept heads lie on it"), "{said}");
    // It goes on.
    let seq = kept.ok()["items"][0]["seq"].as_i64().unwrap();
    closed(&world).await;
    assert!(verified(&url, &folder, &compare).0);
    // Somebody writes the chain anew from an event on, hashes and the town's head included.
    rewrite(&world, seq).await;
    assert!(verified(&url, &folder, &[]).0, "by itself it holds");
    let (well, said) = verified(&url, &folder, &compare);
    let told = format!("event {seq}: the chain is not the one whose head was signed");
    assert!(!well && said.contains(&told), "{said}");
    // Heads that this key set did not sign, and no heads.
    let foreign = format!("{}x", kept.ok()["items"][0]["jws"].as_str().unwrap());
    std::fs::write(&heads, foreign).unwrap();
    let (well, said) = verified(&url, &folder, &compare);
    assert!(
        !well && said.contains("not one that these keys signed"),
        "{said}"
    );
    if url.starts_with("sqlite") {
        // The key of the server itself lies in its own folder.
        return;
    }
    let printed = program(&url, &folder, &["audit", "heads"]);
    assert!(printed.status.success(), "{printed:?}");
    std::fs::write(&heads, &printed.stdout).unwrap();
    let (well, said) = verified(&url, &folder, &["--heads", &heads]);
    assert!(well && said.contains("1 kept heads lie on it"), "{said}");
}

/// A forger with the database in hand: changes an event and everything that follows from it.
async fn rewrite(world: &World, seq: i64) {
    use gridpatrol_domain::audit::{NO_PAYLOAD, link};
    use gridpatrol_store::events::after;
    use gridpatrol_store::schema::towns;
    let town = world.here().id();
    world
        .change(move |conn| {
            let chain = after(conn, town, 0, 10_000)?;
            let mut previous: [u8; 32] = [0; 32];
            for event in chain {
                let forged = event.seq == seq;
                let commitment: [u8; 32] = if forged {
                    NO_PAYLOAD
                } else {
                    event.commitment.clone().try_into().unwrap()
                };
                previous = link(&previous, &event.header, &commitment);
                let row = events::table.find((Id(town), event.seq));
                if forged {
                    diesel::update(row)
                        .set((
                            events::payload.eq(None::<String>),
                            events::salt.eq(None::<Vec<u8>>),
                            events::commitment.eq(commitment.as_slice()),
                        ))
                        .execute(conn)?;
                }
                diesel::update(row)
                    .set(events::hash.eq(previous.as_slice()))
                    .execute(conn)?;
            }
            diesel::update(towns::table.find(Id(town)))
                .set(towns::chain_head.eq(previous.as_slice()))
                .execute(conn)?;
            Ok(())
        })
        .await;
}

async fn a_town_that_was_taken_away_is_missed(world: World) {
    let (folder, url) = (Folder::new(), world.database().url.clone());
    assert!(verified(&url, &folder, &[]).0);
    let town = world.beside().id();
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut conn = SqliteConnection::establish(path).expect("the file");
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; \
             DELETE FROM towns WHERE id = X'{}'",
            town.simple()
        ))
        .expect("a deletion");
    } else {
        world
            .change(move |conn| {
                Ok(conn.batch_execute(&format!(
                    "SET LOCAL session_replication_role = replica; \
                     DELETE FROM towns WHERE id = '{town}'"
                ))?)
            })
            .await;
    }
    let (well, said) = verified(&url, &folder, &[]);
    let told = format!("town {town}: its events are there, and there is no such town");
    assert!(!well && said.contains(&told), "{said}");
    assert!(verified(&url, &folder, &["--town", "990001100000"]).0);
}

async fn heads_are_of_towns_that_anybody_sees(world: World) {
    use gridpatrol_store::schema::towns;
    let (folder, url) = (Folder::new(), world.database().url.clone());
    let printed = || {
        let printed = program(&url, &folder, &["audit", "heads"]);
        assert!(printed.status.success(), "{printed:?}");
        String::from_utf8(printed.stdout)
            .expect("text")
            .lines()
            .count()
    };
    assert_eq!(printed(), 2);
    // As while an import writes it: another connection, where nothing asks for the import.
    let town = world.beside().id();
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut conn = SqliteConnection::establish(path).expect("the file");
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; \
             UPDATE towns SET import_id = id WHERE id = X'{}'",
            town.simple()
        ))
        .expect("a change");
    } else {
        world
            .change(move |conn| {
                conn.batch_execute("SET LOCAL session_replication_role = replica")?;
                diesel::update(towns::table.find(Id(town)))
                    .set(towns::import_id.eq(Some(town)))
                    .execute(conn)?;
                Ok(())
            })
            .await;
    }
    assert_eq!(printed(), 1);
    // It is verified all the same.
    let (well, said) = verified(&url, &folder, &[]);
    assert!(well && said.contains("990002100000 邻镇: "), "{said}");
}
