//! Lists, search, paging, versions and the inbox.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{id_of, instant};
use crate::support::{Client, World, filing};

/// Whether a report belongs in a list.
type Fits = Box<dyn Fn(&Value) -> bool>;

fn ids(reports: &[Value]) -> Vec<Uuid> {
    reports.iter().map(id_of).collect()
}

/// A mixed lot of reports in two villages.
async fn lot(world: &World) {
    let (one, two) = (world.leader(1, 1).await, world.leader(2, 1).await);
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    let (here, there) = (world.here().group(1, 1), world.here().group(2, 1));
    let at = |lat: f64, lon: f64| json!({"lat": lat, "lon": lon, "crs": "wgs84"});
    let filings = [
        filing(here)
            .disposition("keep")
            .description("河边田里有人烧秸秆")
            .category("straw_burning"),
        filing(here)
            .severity("minor")
            .with("location", at(26.69, 101.85))
            .with("source", "hotline"),
        filing(here)
            .severity("serious")
            .category("polluting_enterprise")
            .with("location", at(26.75, 101.95)),
        filing(here)
            .severity("critical")
            .category("drinking_water_source")
            .description("水源地异味，浓烟"),
        filing(here)
            .with("place_text", "二组秸秆堆场旁")
            .disposition("keep"),
    ];
    for filing in &filings {
        one.file(filing).await;
    }
    let passed = id_of(&one.file(&filing(here)).await);
    secretary
        .act(passed, "approve", json!({"further": true}))
        .await
        .ok();
    let closed = id_of(
        &one.file(&filing(here).disposition("resolved").severity("minor"))
            .await,
    );
    assert_eq!(town.report(closed).await["status"], "closed");
    let resolved = id_of(
        &one.file(&filing(here).disposition("resolved").severity("serious"))
            .await,
    );
    assert_eq!(town.report(resolved).await["status"], "resolved");
    let void = id_of(&one.file(&filing(here).with("source", "hotline")).await);
    one.act(void, "void", json!({"reason": "误报"})).await.ok();
    two.file(&filing(there).disposition("keep")).await;
    two.file(
        &filing(there)
            .category("livestock_pollution")
            .with("source", "petition"),
    )
    .await;
}

on_both!(
    every_filter_narrows_to_what_it_says,
    everybody_lists_what_lies_below,
    chinese_words_are_found,
    pages_have_no_doubles_and_no_gaps_while_reports_arrive,
    a_cursor_belongs_to_its_list_and_its_filters,
    what_the_caller_has_is_not_sent_again,
    a_change_starts_from_what_was_read,
    the_inbox_shows_what_is_due_first_and_counts_it_all,
    a_record_is_read_in_pages,
);

async fn every_filter_narrows_to_what_it_says(world: World) {
    lot(&world).await;
    let town = world.town_officer().await;
    let all = town.all("/v1/reports?limit=200").await;
    assert_eq!(all.len(), 11);
    let newest_first: Vec<_> = all
        .iter()
        .map(|report| instant(&report["received_at"]))
        .collect();
    assert!(newest_first.is_sorted_by(|one, next| one >= next));

    let member = |name: &'static str, values: &'static [&'static str]| {
        move |report: &Value| values.contains(&report[name].as_str().unwrap_or_default())
    };
    let point = |report: &Value| {
        report["location"]["wgs84"]["lat"]
            .as_f64()
            .zip(report["location"]["wgs84"]["lon"].as_f64())
    };
    let middle = instant(&all[5]["received_at"]);
    let written = middle.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let cases: Vec<(String, Fits)> = vec![
        ("status=open".into(), Box::new(member("status", &["open"]))),
        (
            "status=open,closed,void".into(),
            Box::new(member("status", &["open", "closed", "void"])),
        ),
        (
            "status=suspended".into(),
            Box::new(member("status", &["suspended"])),
        ),
        ("tier=group".into(), Box::new(member("tier", &["group"]))),
        (
            "tier=village,town".into(),
            Box::new(member("tier", &["village", "town"])),
        ),
        (
            "category=straw_burning".into(),
            Box::new(member("category", &["straw_burning"])),
        ),
        (
            "category=straw_burning,livestock_pollution".into(),
            Box::new(member(
                "category",
                &["straw_burning", "livestock_pollution"],
            )),
        ),
        (
            "severity=serious,critical".into(),
            Box::new(member("severity", &["serious", "critical"])),
        ),
        (
            "source=hotline".into(),
            Box::new(member("source", &["hotline"])),
        ),
        (
            "source=petition,hotline&status=escalating".into(),
            Box::new(move |report: &Value| {
                member("source", &["petition", "hotline"])(report)
                    && report["status"] == "escalating"
            }),
        ),
        (
            format!("grid={}", world.here().village(2)),
            Box::new(|report: &Value| report["grid_name"] == "2村1组"),
        ),
        (
            format!(
                "grid={}&status=open&category=living_environment",
                world.here().group(2, 1)
            ),
            Box::new(|report: &Value| {
                report["grid_name"] == "2村1组" && report["status"] == "open"
            }),
        ),
        (
            "bbox=101.8,26.6,101.9,26.7".into(),
            Box::new(move |report: &Value| {
                point(report).is_some_and(|(lat, lon)| {
                    (26.6..=26.7).contains(&lat) && (101.8..=101.9).contains(&lon)
                })
            }),
        ),
        (
            format!("from={written}"),
            Box::new(move |report: &Value| instant(&report["received_at"]) >= middle),
        ),
        (
            format!("to={written}"),
            Box::new(move |report: &Value| instant(&report["received_at"]) < middle),
        ),
        (
            "overdue=false".into(),
            Box::new(|report: &Value| report["overdue"] == false),
        ),
        (
            "overdue=true".into(),
            Box::new(|report: &Value| report["overdue"] == true),
        ),
        ("colour=red".into(), Box::new(member("colour", &["red"]))),
        (
            "colour=green,yellow".into(),
            Box::new(member("colour", &["green", "yellow"])),
        ),
    ];
    for (query, fits) in &cases {
        let listed = town.all(&format!("/v1/reports?limit=3&{query}")).await;
        let expected: Vec<Uuid> = all
            .iter()
            .filter(|report| fits(report))
            .map(id_of)
            .collect();
        assert_eq!(ids(&listed), expected, "{query}");
    }

    // What was not late is late a year from now, but for what had ended.
    world.advance(TimeDelta::days(300));
    world.tick().await;
    let town = world.town_officer().await;
    let late = town.all("/v1/reports?overdue=true&limit=200").await;
    assert_eq!(late.len(), 9);
    assert!(late.iter().all(|report| report["overdue"] == true));
    let fine = town.all("/v1/reports?overdue=false&limit=200").await;
    let mut statuses: Vec<&str> = fine
        .iter()
        .map(|report| report["status"].as_str().unwrap())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["closed", "void"]);
}

async fn everybody_lists_what_lies_below(world: World) {
    lot(&world).await;
    for (username, count) in [
        ("town_leader", 11),
        ("admin", 11),
        ("secretary_1", 9),
        ("village_officer_2", 2),
        ("group_1_1", 9),
        ("group_1_2", 0),
        ("group_2_1", 2),
        ("b_town_leader", 0),
    ] {
        let officer = world.sign_in(username).await;
        assert_eq!(
            officer.all("/v1/reports?limit=2").await.len(),
            count,
            "{username}"
        );
    }
    let secretary = world.secretary(1).await;
    for grid in [
        world.here().id(),
        world.here().village(2),
        world.beside().id(),
        Uuid::now_v7(),
    ] {
        secretary
            .get(&format!("/v1/reports?grid={grid}"))
            .await
            .refused(Code::NotFound);
    }
}

async fn chinese_words_are_found(world: World) {
    lot(&world).await;
    let town = world.town_officer().await;
    let number = town.all("/v1/reports?limit=200").await[0]["number"]
        .as_str()
        .unwrap()
        .to_owned();
    for (words, count) in [
        ("秸秆", 2),
        ("烧秸秆", 1),
        ("秸秆 河边", 1),
        ("浓烟", 1),
        ("生活垃圾", 9),
        ("水泥", 0),
        ("秆秸", 0),
        (number.as_str(), 1),
    ] {
        let found = town.all(&format!("/v1/reports?limit=2&q={words}")).await;
        assert_eq!(found.len(), count, "{words}");
    }
    let open = town
        .all("/v1/reports?q=秸秆&category=straw_burning&limit=2")
        .await;
    assert_eq!(open.len(), 1);
    // Only within one's own grids.
    let neighbour = world.leader(2, 1).await;
    assert!(neighbour.all("/v1/reports?q=秸秆&limit=5").await.is_empty());
    town.get("/v1/reports?q=秸")
        .await
        .wrong_at(&[("query/q", "too_short")]);

    // What is amended is found by its new words and no longer by the old ones.
    let report = town.all("/v1/reports?q=烧秸秆&limit=5").await[0].clone();
    let target = format!("/v1/reports/{}", id_of(&report));
    town.patch(&target, "*", &json!({"description": "田埂上堆放农膜"}))
        .await
        .ok();
    assert!(town.all("/v1/reports?q=烧秸秆&limit=5").await.is_empty());
    assert_eq!(town.all("/v1/reports?q=农膜&limit=5").await.len(), 1);
    // Older than twelve months only if asked for.
    world.advance(TimeDelta::days(380));
    let town = world.town_officer().await;
    assert!(town.all("/v1/reports?q=农膜&limit=5").await.is_empty());
    assert_eq!(
        town.all("/v1/reports?q=农膜&from=2020-01-01T00:00:00Z&limit=5")
            .await
            .len(),
        1
    );
}

async fn pages_have_no_doubles_and_no_gaps_while_reports_arrive(world: World) {
    let (leader, sibling) = (world.leader(1, 1).await, world.leader(1, 2).await);
    let mut filed = Vec::new();
    for at in 0..25_u8 {
        let group = 1 + at % 2;
        let officer = if group == 1 { &leader } else { &sibling };
        filed.push(id_of(
            &officer.file(&filing(world.here().group(1, group))).await,
        ));
    }
    filed.reverse();
    let town = world.town_officer().await;
    for target in [
        "/v1/reports?limit=4".to_owned(),
        "/v1/reports?limit=4&status=escalating".to_owned(),
        "/v1/reports?limit=4&severity=general".to_owned(),
        "/v1/reports?limit=4&q=生活垃圾".to_owned(),
        format!("/v1/reports?limit=4&grid={}", world.here().village(1)),
    ] {
        let mut seen = Vec::new();
        let mut next = target.clone();
        loop {
            let page = town.get(&next).await.ok();
            seen.extend(ids(page["items"].as_array().unwrap()));
            leader.file(&filing(world.here().group(1, 1))).await;
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            next = format!("{target}&cursor={cursor}");
        }
        let old: Vec<Uuid> = seen
            .iter()
            .copied()
            .filter(|id| filed.contains(id))
            .collect();
        assert_eq!(old, filed, "{target}");
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), seen.len(), "{target}");
    }
}

async fn a_cursor_belongs_to_its_list_and_its_filters(world: World) {
    let leader = world.leader(1, 1).await;
    for _ in 0..3 {
        leader.file(&filing(world.here().group(1, 1))).await;
    }
    let page = leader.get("/v1/reports?limit=1").await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    leader
        .get(&format!("/v1/reports?limit=2&cursor={cursor}"))
        .await
        .ok();
    let mut tampered = cursor.clone();
    let last = if tampered.ends_with('A') { 'B' } else { 'A' };
    tampered.pop();
    tampered.push(last);
    let id = id_of(&page["items"][0]);
    for target in [
        format!("/v1/reports?limit=1&status=escalating&cursor={cursor}"),
        format!("/v1/inbox?cursor={cursor}"),
        format!("/v1/reports/{id}/events?cursor={cursor}"),
        format!("/v1/reports?limit=1&cursor={tampered}"),
        "/v1/reports?cursor=".to_owned(),
        "/v1/reports?cursor=e30".to_owned(),
    ] {
        leader
            .get(&target)
            .await
            .wrong_at(&[("query/cursor", "not_allowed")]);
    }
}

async fn what_the_caller_has_is_not_sent_again(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let target = format!("/v1/reports/{id}");
    let first = leader.get(&target).await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with("\"1-"), "{etag}");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let again = known(&leader, &target, &etag).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), etag);

    // Another caller may do other things with it, and sees another answer.
    let theirs = secretary.get(&target).await.header("etag").to_owned();
    assert!(theirs.starts_with("\"1-") && theirs != etag);
    assert_eq!(known(&secretary, &target, &etag).await.status, 200);

    secretary.act(id, "approve", json!({})).await.ok();
    let changed = known(&leader, &target, &etag).await;
    assert_eq!(changed.status, 200);
    assert!(changed.header("etag").starts_with("\"2-"));
}

async fn a_change_starts_from_what_was_read(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let target = format!("/v1/reports/{id}");
    let etag = leader.get(&target).await.header("etag").to_owned();
    let remark = json!({"remark": "已电话核实", "place_text": "水渠北侧"});

    secretary
        .send(
            secretary
                .request(reqwest::Method::PATCH, &target)
                .json(&remark),
        )
        .await
        .refused(Code::PreconditionRequired);
    secretary
        .patch(&target, "not a version", &remark)
        .await
        .wrong_at(&[("header/If-Match", "bad_format")]);
    // The ETag of another reader names the same version.
    let amended = secretary.patch(&target, &etag, &remark).await;
    assert_eq!(amended.ok()["remark"], "已电话核实");
    assert!(amended.header("etag").starts_with("\"2-"));
    let problem = secretary
        .patch(&target, &etag, &json!({"remark": ""}))
        .await
        .refused(Code::VersionMismatch);
    assert_eq!(problem["current_version"], 2);
    let cleared = secretary
        .patch(&target, amended.header("etag"), &json!({"remark": ""}))
        .await
        .ok();
    assert!(cleared.get("remark").is_none() && cleared["place_text"] == "水渠北侧");
    let record = leader.record(id).await;
    let changes = &record
        .iter()
        .rfind(|event| event["kind"] == "amended")
        .expect("amended")["details"]["changes"];
    assert_eq!(changes["remark"]["before"], "已电话核实");

    // Actions take a version too, but do not ask for it.
    let approve = format!("{target}/approve");
    let stale = secretary
        .request(reqwest::Method::POST, &approve)
        .header("If-Match", &etag)
        .json(&json!({}));
    secretary.send(stale).await.refused(Code::VersionMismatch);
    let fresh = secretary
        .request(reqwest::Method::POST, &approve)
        .header("If-Match", "\"3-x\"")
        .json(&json!({}));
    secretary.send(fresh).await.ok();

    // What a mini-program cannot send, it sends as POST.
    let patched = secretary
        .request(reqwest::Method::POST, &target)
        .header("X-HTTP-Method-Override", "PATCH")
        .header("If-Match", "*")
        .json(&json!({"measures": "清运并复耕"}));
    assert_eq!(secretary.send(patched).await.ok()["measures"], "清运并复耕");
}

async fn the_inbox_shows_what_is_due_first_and_counts_it_all(world: World) {
    let leader = world.leader(1, 1).await;
    let (secretary, town) = (world.secretary(1).await, world.town_officer().await);
    let here = world.here().group(1, 1);
    for (severity, category) in [
        ("minor", "living_environment"),
        ("serious", "straw_burning"),
        ("general", "living_environment"),
        ("general", "straw_burning"),
        ("serious", "polluting_enterprise"),
    ] {
        leader
            .file(&filing(here).severity(severity).category(category))
            .await;
    }
    let kept = id_of(&leader.file(&filing(here)).await);
    secretary.act(kept, "approve", json!({})).await.ok();
    let done = id_of(
        &leader
            .file(&filing(here).severity("serious").disposition("resolved"))
            .await,
    );

    let inbox = secretary.inbox().await;
    assert_eq!(
        inbox["counts"],
        json!({"handle": 1, "decide": 5, "verify": 1, "grant": 0})
    );
    let items = inbox["items"].as_array().unwrap();
    assert_eq!(items.len(), 7);
    let due: Vec<_> = items
        .iter()
        .map(|report| instant(&report["next_due_at"]))
        .collect();
    assert!(due.is_sorted(), "{due:?}");
    assert_eq!(items[0]["category"], "straw_burning");
    assert!(items.iter().all(|report| {
        report["desk"]["officers"]
            .as_array()
            .unwrap()
            .contains(&json!("书记1"))
    }));

    assert_eq!(ids(&secretary.all("/v1/inbox?limit=2").await), ids(items));
    let verify = secretary.all("/v1/inbox?duty=verify&limit=2").await;
    assert_eq!(ids(&verify), [done]);
    assert_eq!(
        secretary.all("/v1/inbox?duty=decide&limit=2").await.len(),
        5
    );
    secretary
        .get("/v1/inbox?duty=sleep")
        .await
        .wrong_at(&[("query/duty", "not_allowed")]);
    // The village's other officer works and verifies, but does not decide; the town has nothing.
    let counts = world.village_officer(1).await.inbox().await["counts"].clone();
    assert_eq!(
        counts,
        json!({"handle": 1, "decide": 0, "verify": 1, "grant": 0})
    );
    for other in [&leader, &town] {
        assert_eq!(
            other.inbox().await["counts"],
            json!({"handle": 0, "decide": 0, "verify": 0, "grant": 0})
        );
    }
}

async fn a_record_is_read_in_pages(world: World) {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    for at in 0..9 {
        leader
            .act(id, "comment", json!({"text": format!("第{at}条")}))
            .await
            .ok();
    }
    let whole = leader.record(id).await;
    assert_eq!(whole.len(), 11);
    let sequence: Vec<i64> = whole
        .iter()
        .map(|event| event["seq"].as_i64().unwrap())
        .collect();
    assert!(sequence.is_sorted());
    assert_eq!(
        leader
            .all(&format!("/v1/reports/{id}/events?limit=3"))
            .await,
        whole
    );
    let english = leader
        .request(
            reqwest::Method::GET,
            &format!("/v1/reports/{id}/events?limit=1"),
        )
        .header("Accept-Language", "en");
    let english = leader.send(english).await.ok();
    assert_eq!(english["items"][0]["label"], "Filed");
    assert_eq!(whole[0]["label"], "登记");
}

async fn known(client: &Client, target: &str, etag: &str) -> crate::support::Answer {
    let request = client
        .request(reqwest::Method::GET, target)
        .header("If-None-Match", etag);
    client.send(request).await
}
