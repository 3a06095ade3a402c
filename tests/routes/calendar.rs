//! Holidays and make-up days: who may set them for a year, and that earlier due times do not change.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use diesel::prelude::*;
use gridpatrol_domain::calendar::{self, Calendar, Day, Holidays, Span, Year};
use gridpatrol_domain::error::Code;
use gridpatrol_store::schema::security_log;
use serde_json::{Value, json};

use crate::support::client::instant;
use crate::support::world::Folder;
use crate::support::{Answer, Client, World, filing, program};

on_both!(
    everybody_reads_and_administrators_change,
    a_table_moves_what_is_filed_from_then_on,
    wrong_tables_are_named_all_at_once,
    two_tables_at_once_are_one_version,
    a_missing_year_is_a_warning,
    a_table_is_imported_from_its_file,
);

async fn table(client: &Client, year: i32) -> (Value, String) {
    let answer = client.get(&format!("/v1/calendar?year={year}")).await;
    let tag = answer.header("etag").to_owned();
    (answer.ok(), tag)
}

async fn put(client: &Client, tag: &str, body: &Value) -> Answer {
    let request = client
        .request(reqwest::Method::PUT, "/v1/calendar")
        .json(body);
    client.send(request.header("If-Match", tag)).await
}

/// 2026, as far as the test needs it; out of order.
fn autumn() -> Value {
    json!({"year": 2026, "days": [
        {"name": "国庆节补班", "date": "2026-10-10", "isOffDay": false},
        {"name": "国庆节", "date": "2026-10-01", "isOffDay": true},
    ]})
}

async fn everybody_reads_and_administrators_change(world: World) {
    let leader = world.leader(1, 1).await;
    let (none, tag) = table(&leader, 2026).await;
    assert_eq!(none, json!({"year": 2026, "version": 0, "days": []}));
    for username in ["group_1_1", "town_officer", "town_leader"] {
        let officer = world.sign_in(username).await;
        put(&officer, &tag, &autumn())
            .await
            .refused(Code::NotPermitted);
    }
    let admin = world.sign_in("admin").await;
    admin
        .put("/v1/calendar", &autumn())
        .await
        .refused(Code::PreconditionRequired);
    let given = put(&admin, &tag, &autumn()).await.ok();
    assert_eq!(given["version"], 1);
    assert_eq!(given["days"][0]["date"], "2026-10-01");
    assert_eq!(given["days"][1]["isOffDay"], false);
    put(&admin, &tag, &json!({"year": 2026, "days": []}))
        .await
        .refused(Code::VersionMismatch);

    // All towns read the same. The same table again is no change.
    let beside = world.sign_in("b_group_1_1").await;
    let (read, tag) = table(&beside, 2026).await;
    assert_eq!(read, given);
    let request = beside.request(reqwest::Method::GET, "/v1/calendar?year=2026");
    let same = beside.send(request.header("If-None-Match", &tag)).await;
    assert_eq!(same.status, 304);
    assert_eq!(put(&admin, &tag, &autumn()).await.ok()["version"], 1);
    let emptied = put(&admin, &tag, &json!({"year": 2026, "days": []})).await;
    assert_eq!(emptied.ok()["version"], 2);

    let told: Vec<(Option<uuid::Uuid>, Option<String>)> = world
        .look(|conn| {
            Ok(security_log::table
                .filter(security_log::kind.eq("calendar_changed"))
                .order(security_log::at)
                .select((security_log::officer_id, security_log::detail))
                .load(conn)?)
        })
        .await;
    let by = Some(admin.officer);
    assert_eq!(
        told,
        [
            (by, Some("2026 version 1".to_owned())),
            (by, Some("2026 version 2".to_owned()))
        ]
    );
}

/// Ten days off, from tomorrow on: a table for each year that they touch.
fn ten_days_off(now: DateTime<Utc>) -> Vec<Year> {
    let today = calendar::date(now);
    let days: Vec<NaiveDate> = (1..=10).map(|ahead| today + Days::new(ahead)).collect();
    let mut years: Vec<i32> = days.iter().map(|day| day.year()).collect();
    years.dedup();
    years
        .into_iter()
        .map(|year| Year {
            year,
            days: days
                .iter()
                .filter(|day| day.year() == year)
                .map(|day| Day {
                    name: "放假".to_owned(),
                    date: *day,
                    is_off_day: true,
                })
                .collect(),
        })
        .collect()
}

async fn a_table_moves_what_is_filed_from_then_on(world: World) {
    let leader = world.leader(1, 1).await;
    let before = leader.file(&filing(world.here().group(1, 1))).await;
    let limit = Span::Days(3);
    assert_eq!(
        instant(&before["deadline_at"]),
        Calendar::default().after(instant(&before["received_at"]), limit)
    );
    let admin = world.sign_in("admin").await;
    let tables = ten_days_off(world.now());
    for year in &tables {
        let (_, tag) = table(&admin, year.year).await;
        put(&admin, &tag, &json!(year)).await.ok();
    }
    let holidays = Holidays::new(tables);
    let calendar = Calendar {
        holidays: &holidays,
        ..Calendar::default()
    };
    // In every town.
    for (username, grid) in [
        ("group_1_1", world.here().group(1, 1)),
        ("b_group_1_1", world.beside().group(1, 1)),
    ] {
        let after = world.sign_in(username).await.file(&filing(grid)).await;
        let received = instant(&after["received_at"]);
        let deadline = instant(&after["deadline_at"]);
        assert_eq!(deadline, calendar.after(received, limit));
        assert!(deadline > Calendar::default().after(received, limit));
        assert!(instant(&after["next_due_at"]) > received + Days::new(9));
    }
    let still = leader.report(crate::support::client::id_of(&before)).await;
    for member in ["deadline_at", "next_due_at"] {
        assert_eq!(still[member], before[member], "{member}");
    }
}

async fn wrong_tables_are_named_all_at_once(world: World) {
    let admin = world.sign_in("admin").await;
    let wrong = json!({"year": 2026, "days": [
        {"name": " ", "date": "2026-10-01", "isOffDay": true},
        {"name": "国庆节", "date": "2026-10-01", "isOffDay": true},
        {"name": "国庆节", "date": "2027-10-01", "isOffDay": true},
    ]});
    put(&admin, "*", &wrong).await.wrong_at(&[
        ("/days/0/name", "out_of_range"),
        ("/days/1/date", "out_of_range"),
        ("/days/2/date", "out_of_range"),
    ]);
    let shapes = json!({"year": 2026, "extra": 1, "days": [{"name": "国庆节", "date": "1 October", "isOffDay": 1}]});
    let told = put(&admin, "*", &shapes).await.wrong();
    let pointers: Vec<_> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    for pointer in ["/extra", "/days/0/date", "/days/0/isOffDay"] {
        assert!(pointers.contains(&pointer), "{pointer} in {told:?}");
    }
    let years = admin.get("/v1/calendar?year=1999").await;
    years.wrong_at(&[("query/year", "out_of_range")]);
}

async fn two_tables_at_once_are_one_version(world: World) {
    let admin = world.sign_in("admin").await;
    let (_, tag) = table(&admin, 2026).await;
    let (one, other) = (autumn(), json!({"year": 2026, "days": []}));
    let (one, other) = tokio::join!(put(&admin, &tag, &one), put(&admin, &tag, &other));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(table(&admin, 2026).await.0["version"], 1);
}

async fn a_missing_year_is_a_warning(world: World) {
    let stranger = world.stranger();
    let today = calendar::date(world.now());
    let warned = stranger.get("/readyz").await.ok();
    let warning = warned["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains(&today.year().to_string()), "{warning}");
    let admin = world.sign_in("admin").await;
    for year in [today.year(), today.year() + 1] {
        put(&admin, "*", &json!({"year": year, "days": []}))
            .await
            .ok();
    }
    let ready = stranger.get("/readyz").await.ok();
    assert!(ready.get("warnings").is_none(), "{ready}");
}

async fn a_table_is_imported_from_its_file(world: World) {
    let (folder, database) = (Folder::new(), world.database());
    let file = folder.0.join("2026.json");
    let path = file.to_str().expect("a path");
    let import = || program::run(database, &folder, &["import", "holidays", path]);
    // As it is published: with more around it than is needed.
    let mut published = autumn();
    published["$schema"] = json!("https://example.org/schema.json");
    std::fs::write(&file, published.to_string()).expect("a file");
    for what in [
        "2 days, version 1, imported",
        "2 days, version 1, unchanged",
    ] {
        let done = import();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success() && said.contains(what), "{said}");
    }
    let admin = world.sign_in("admin").await;
    let (read, _) = table(&admin, 2026).await;
    assert_eq!(
        (&read["version"], read["days"].as_array().map(Vec::len)),
        (&json!(1), Some(2))
    );
    for wrong in [
        "no JSON".to_owned(),
        json!({"year": 2026}).to_string(),
        json!({"year": 2026, "days": [{"name": "元旦", "date": "2025-01-01", "isOffDay": true}]})
            .to_string(),
    ] {
        std::fs::write(&file, &wrong).expect("a file");
        let refused = import();
        assert!(!refused.status.success(), "{wrong}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("cannot be used"), "{said}");
    }
    assert_eq!(table(&admin, 2026).await.0, read);
}
