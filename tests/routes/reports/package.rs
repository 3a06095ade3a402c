//! The package of a report: complete, byte for byte, provable, and only for those who may have it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use gridpatrol_domain::audit;
use gridpatrol_domain::error::Code;
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::objects::Variant;
use serde_json::{Value, json};
use uuid::Uuid;
use zip::{CompressionMethod, ZipArchive};

use crate::support::client::id_of;
use crate::support::{Client, Filing, World, filing, pictures};

on_both!(
    a_referred_report_is_packed_whole_and_provable,
    the_town_and_its_auditors_take_it_and_nobody_else,
    what_has_not_arrived_or_is_lost_is_named,
    many_photos_and_a_long_record_are_packed,
    a_package_keeps_its_place_until_it_is_read,
);

fn target(id: Uuid) -> String {
    format!("/v1/reports/{id}/package")
}

/// The files of a package by path.
async fn taken(client: &Client, id: Uuid) -> BTreeMap<String, Vec<u8>> {
    let answer = client.get(&target(id)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let number = client.report(id).await["number"].clone();
    let name = format!("attachment; filename=\"{}.zip\"", number.as_str().unwrap());
    assert_eq!(answer.header("content-disposition"), name);
    let mut zip = ZipArchive::new(Cursor::new(answer.body)).expect("a ZIP");
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).expect("a file");
        let path = file.name().expect("a path").into_owned();
        let stored = file.compression() == CompressionMethod::Stored;
        assert_eq!(stored, path.starts_with("photos/"), "{path}");
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("its content");
        files.insert(path, content);
    }
    files
}

fn read(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Value {
    serde_json::from_slice(&files[path]).expect("JSON")
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap()).unwrap()
}

fn digest(content: &[u8]) -> String {
    Digest::of(content).to_string()
}

/// The manifest, once it has been found to tell the truth about every file, and about nothing else.
fn sound(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let manifest = read(files, "manifest.json");
    assert_eq!(manifest["format"], "gridpatrol-report-package/1");
    let mut named: Vec<&str> = vec!["manifest.json", "manifest.jws"];
    for file in manifest["files"].as_array().expect("files") {
        let path = file["path"].as_str().expect("a path");
        assert_eq!(file["sha256"], digest(&files[path]), "{path}");
        assert_eq!(file["size"], files[path].len(), "{path}");
        named.push(path);
    }
    named.sort_unstable();
    assert_eq!(named, files.keys().collect::<Vec<_>>());
    manifest
}

/// The events, once their hashes have been computed again.
fn linked(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    let events = read(files, "events.json");
    let events = events.as_array().expect("events").clone();
    for event in &events {
        let (header, commitment) = (
            event["header"].as_str().unwrap(),
            bytes(&event["commitment"]),
        );
        let commitment: audit::Digest = commitment.try_into().unwrap();
        if let Some(payload) = event["payload"].as_str() {
            let salt = bytes(&event["salt"]);
            assert_eq!(salt.len(), audit::SALT_BYTES);
            assert_eq!(audit::commitment(&salt, payload), commitment, "{event}");
        }
        let previous: audit::Digest = bytes(&event["previous"]).try_into().unwrap();
        let hash = audit::link(&previous, header, &commitment);
        assert_eq!(bytes(&event["hash"]), hash, "{event}");
        let header: Value = serde_json::from_str(header).unwrap();
        assert_eq!(header["kind"], event["kind"]);
        assert_eq!(header["seq"], event["seq"]);
    }
    events
}

/// A report at the town with photos that have arrived.
async fn at_town(world: &World, photos: &[(Uuid, &[u8])]) -> Uuid {
    let leader = world.leader(1, 1).await;
    let mut filing: Filing = filing(world.here().group(1, 1)).severity("critical");
    for (photo, _) in photos {
        filing = filing.photo(*photo, "before");
    }
    let id = id_of(&leader.file(&filing).await);
    for (photo, picture) in photos {
        leader.put_photo(*photo, picture).await.created();
    }
    id
}

async fn a_referred_report_is_packed_whole_and_provable(world: World) {
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let (jpeg, png) = (pictures::snapshot(), pictures::png(40, 30, 7));
    let leader = world.leader(1, 1).await;
    let filing = filing(world.here().group(1, 1))
        .severity("critical")
        .photo(one, "before")
        .photo(other, "other");
    let id = id_of(&leader.file(&filing).await);
    leader.put_photo(one, &jpeg).await.created();
    leader
        .put_photo_as(other, &png, "image/png")
        .await
        .created();
    let office = world.town_officer().await;
    let refer =
        json!({"agency": "县生态环境局", "reference": "镇环移〔2026〕8号", "reason": "涉嫌偷排"});
    office.act(id, "refer", refer).await.ok();

    let files = taken(&office, id).await;
    let manifest = sound(&files);
    let first = format!("photos/before-01-{one}.jpg");
    let second = format!("photos/other-02-{other}.png");
    assert_eq!(files[&first], jpeg);
    assert_eq!(files[&second], png);
    assert_eq!(manifest["missing"], json!([]));
    assert_eq!(manifest["referral"]["agency"], "县生态环境局");
    assert_eq!(manifest["referral"]["reference"], "镇环移〔2026〕8号");
    assert_eq!(manifest["report"]["id"], id.to_string());
    assert_eq!(manifest["report"]["town_name"], "示范镇");
    assert_eq!(
        manifest["made_by"]["officer_id"],
        office.officer.to_string()
    );
    let mut report = office.report(id).await;
    assert_eq!(manifest["report"]["number"], report["number"]);
    // As the API gives it; clocks that run on have run on.
    let mut packed = read(&files, "report.json");
    for report in [&mut report, &mut packed] {
        report["gross_time_s"] = Value::Null;
        report["own_time_s"] = Value::Null;
    }
    assert_eq!(packed, report);
    let readme = String::from_utf8(files["README.txt"].clone()).unwrap();
    assert!(readme.contains("如何核验") && readme.contains("How to check it"));

    // The record, and each link of it.
    let events = linked(&files);
    let record = office.record(id).await;
    assert_eq!(events.len(), record.len());
    for (event, own) in events.iter().zip(&record) {
        for member in ["seq", "kind", "label", "at", "actor", "details", "hash"] {
            assert_eq!(event[member], own[member], "{member}");
        }
    }
    assert_eq!(events.last().unwrap()["kind"], "referred");
    // The chain is the auditor's, who sees what lies between.
    let auditor = world.sign_in("auditor").await;
    let chain = auditor.all("/v1/audit?limit=200").await;
    for event in &events {
        let before = chain
            .iter()
            .find(|link| link["seq"] == event["seq"].as_i64().unwrap() - 1)
            .expect("the link before");
        assert_eq!(event["previous"], before["hash"]);
    }
    // One changed byte shows.
    let mut forged = events[0].clone();
    forged["header"] = json!(forged["header"].as_str().unwrap().replace("filed", "filef"));
    let forged = BTreeMap::from([("events.json".to_owned(), json!([forged]).to_string().into())]);
    assert!(std::panic::catch_unwind(|| linked(&forged)).is_err());

    // The signature is the server's, and over this manifest.
    let signature = String::from_utf8(files["manifest.jws"].clone()).unwrap();
    let keys = world.app().auth.keys.public();
    let said: Value = keys
        .read("gridpatrol-report-package+jwt", &signature)
        .expect("signed by the server");
    assert_eq!(said["sha256"], digest(&files["manifest.json"]));
    assert_eq!(said["sub"], id.to_string());
    assert_eq!(said["number"], report["number"]);
    let forged = format!("{}x", signature);
    assert!(
        keys.read::<Value>("gridpatrol-report-package+jwt", &forged)
            .is_none()
    );
}

async fn the_town_and_its_auditors_take_it_and_nobody_else(world: World) {
    let photo = Uuid::now_v7();
    let id = at_town(&world, &[(photo, &pictures::snapshot())]).await;
    let admin = world.sign_in("admin").await;
    let log = async || {
        admin
            .all("/v1/audit/security?kind=package_taken&limit=100")
            .await
    };
    for other in ["group_1_1", "secretary_1", "village_officer_1"] {
        let other = world.sign_in(other).await;
        other.report(id).await;
        let refused = other.get(&target(id)).await;
        refused.refused(Code::NotPermitted);
    }
    for other in ["group_1_2", "secretary_2", "b_town_officer"] {
        let other = world.sign_in(other).await;
        other.get(&target(id)).await.refused(Code::NotFound);
    }
    let office = world.town_officer().await;
    office
        .get(&target(Uuid::now_v7()))
        .await
        .refused(Code::NotFound);
    assert!(log().await.is_empty(), "who was refused took nothing");
    for taker in ["town_officer", "town_leader", "auditor", "admin"] {
        let taker = world.sign_in(taker).await;
        sound(&taken(&taker, id).await);
        let entries = log().await;
        assert_eq!(entries[0]["officer"]["id"], taker.officer.to_string());
        assert_eq!(entries[0]["label"], "导出材料包");
        let detail = entries[0]["detail"].as_str().unwrap();
        assert!(detail.ends_with(&id.to_string()), "{detail}");
    }
    assert_eq!(log().await.len(), 4);
    // Nothing is left lying where photos arrive.
    let incoming = world.app().config.data_dir.join("photos/incoming");
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
}

async fn what_has_not_arrived_or_is_lost_is_named(world: World) {
    let (there, lost, late) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let (one, two) = (pictures::snapshot(), pictures::snapshot());
    let leader = world.leader(1, 1).await;
    let expected = digest(&pictures::snapshot());
    let mut filing = filing(world.here().group(1, 1))
        .photo(there, "before")
        .photo(lost, "before");
    filing.0["photos"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": late, "role": "after", "sha256": expected}));
    let id = id_of(&leader.file(&filing).await);
    leader.put_photo(there, &one).await.created();
    leader.put_photo(lost, &two).await.created();
    let content = Digest::of(&two);
    let objects = &world.app().photos.objects;
    objects.remove(content).await.unwrap();

    let office = world.town_officer().await;
    let files = taken(&office, id).await;
    let manifest = sound(&files);
    assert_eq!(files[&format!("photos/before-01-{there}.jpg")], one);
    assert_eq!(
        manifest["missing"],
        json!([
            {"id": lost, "role": "before", "reason": "lost", "sha256": digest(&two)},
            {"id": late, "role": "after", "reason": "not_arrived", "sha256": expected},
        ])
    );
    // What was damaged where it lies is told from what arrived.
    let damaged = b"not what arrived".to_vec();
    objects
        .put(content, Variant::Original, damaged.clone())
        .await
        .unwrap();
    let files = taken(&office, id).await;
    let manifest = sound(&files);
    let path = format!("photos/before-02-{lost}.jpg");
    assert_eq!(files[&path], damaged);
    let file = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == path)
        .unwrap();
    assert_eq!(file["photo"]["arrived_as_sha256"], digest(&two));
    assert_eq!(manifest["missing"].as_array().unwrap().len(), 1);
}

async fn many_photos_and_a_long_record_are_packed(world: World) {
    let photos: Vec<(Uuid, Vec<u8>)> = (0..30)
        .map(|_| (Uuid::now_v7(), pictures::snapshot()))
        .collect();
    let borrowed: Vec<(Uuid, &[u8])> = photos.iter().map(|(id, one)| (*id, &one[..])).collect();
    let id = at_town(&world, &borrowed).await;
    let office = world.town_officer().await;
    // More events than are read at once, among those of another report.
    let other = at_town(&world, &[]).await;
    futures_util::stream::iter(0..220)
        .for_each_concurrent(8, |number| {
            let (office, about) = (&office, if number % 10 == 0 { other } else { id });
            async move {
                let text = json!({"text": format!("第{number}次联系")});
                office.act(about, "comment", text).await.ok();
            }
        })
        .await;
    world.advance(TimeDelta::minutes(1));
    // Several at once: they wait for each other.
    let takes = futures_util::future::join_all((0..4).map(|_| taken(&office, id))).await;
    for files in takes {
        let manifest = sound(&files);
        assert_eq!(manifest["missing"], json!([]));
        for (at, (photo, picture)) in photos.iter().enumerate() {
            let path = format!("photos/before-{:02}-{photo}.jpg", at + 1);
            assert_eq!(&files[&path], picture);
        }
        let events = linked(&files);
        assert!(events.len() > 200);
        assert_eq!(events.len(), office.record(id).await.len());
    }
}

async fn a_package_keeps_its_place_until_it_is_read(world: World) {
    // More than what fits between a server and a reader who does not read; bytes behind the end of a
    // picture belong to the file.
    let mut large = pictures::snapshot();
    large.resize(24 << 20, 0x5a);
    let (photo, places) = (Uuid::now_v7(), world.app().photos.packages_kept.clone());
    let id = at_town(&world, &[(photo, &large)]).await;
    let office = world.town_officer().await;
    let all = places.available_permits();
    let begin = || office.request(reqwest::Method::GET, &target(id)).send();
    let freed = async || {
        for _ in 0..200 {
            if places.available_permits() == all {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{} of {all}", places.available_permits());
    };
    let unread = begin().await.expect("an answer");
    assert_eq!(unread.status(), 200);
    assert_eq!(places.available_permits(), all - 1);
    // Only a limited number at a time.
    let others = u32::try_from(all - 1).expect("a few");
    let held = places.clone().acquire_many_owned(others).await;
    let refused = office.get(&target(id)).await;
    refused.refused(Code::Overloaded);
    assert!(!refused.header("retry-after").is_empty());
    drop(held);
    let whole = unread.bytes().await.expect("the rest");
    assert!(whole.len() > large.len());
    freed().await;
    // Who goes away lets go of it too.
    drop(begin().await.expect("an answer"));
    freed().await;
}
