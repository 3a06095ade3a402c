//! Start-up in one call: what each caller gets, when the answer changes, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use gridpatrol::bootstrap::content;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::report::Category;
use gridpatrol_people::auth::authenticate::active_postings;
use gridpatrol_people::auth::{OfficerFacts, Signed};
use gridpatrol_store::on_each;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::instant;
use crate::support::{Client, World, filing};

on_both!(
    it_tells_who_where_and_every_code,
    its_etag_follows_everything_but_the_time,
    each_caller_is_told_what_fits,
    it_costs_a_few_statements,
);

async fn bootstrap(client: &Client) -> Value {
    client.get("/v1/bootstrap").await.ok()
}

async fn it_tells_who_where_and_every_code(world: World) {
    let town = world.here();
    let leader = world.leader(1, 2).await;
    let told = bootstrap(&leader).await;
    assert_eq!(told["me"], leader.get("/v1/me").await.ok());
    let behind = world.now() - instant(&told["server_time"]);
    assert!(behind >= TimeDelta::zero() && behind < TimeDelta::minutes(1));
    let grids = told["grids"].as_array().unwrap();
    assert_eq!(grids.len(), 13);
    assert_eq!(grids[0]["id"], json!(town.group(1, 2)));
    assert_eq!(
        (&grids[0]["tier"], &grids[0]["own"]),
        (&json!("group"), &json!(true))
    );
    assert_eq!(grids[0]["parent_id"], json!(town.village(1)));
    assert!(grids[1..].iter().all(|grid| grid["own"] == false));
    assert!(told.get("more_grids").is_none());
    let categories = told["categories"].as_array().unwrap();
    assert_eq!(categories.len(), Category::ALL.len());
    let fire = categories
        .iter()
        .find(|one| one["code"] == "straw_burning")
        .unwrap();
    assert_eq!(
        fire["label"],
        json!({"zh-CN": "秸秆焚烧", "en": "Straw burning"})
    );
    assert_eq!(fire["limits"]["critical"], json!({"hours": 1}));
    for list in [
        "subtypes",
        "severities",
        "sources",
        "dispositions",
        "outcomes",
        "statuses",
        "duties",
        "actions",
        "photo_roles",
        "coordinate_systems",
        "tiers",
        "roles",
        "return_reasons",
        "void_reasons",
    ] {
        let codes = told[list].as_array().unwrap_or_else(|| panic!("{list}"));
        assert!(codes.len() > 2, "{list}");
        for code in codes {
            assert!(
                code["code"].is_string() && code["label"]["zh-CN"].is_string(),
                "{code}"
            );
            assert!(code["label"]["en"].is_string(), "{code}");
        }
    }
    assert_eq!(told["photos"]["preferred_side_px"], 1920);
    assert_eq!(told["photos"]["preferred_quality"], 80);
    assert_eq!(told["photos"]["max_bytes"], 31_457_280);
    assert!(
        told["features"]
            .as_array()
            .unwrap()
            .contains(&json!("tickets"))
    );
    // What a client files with these codes is taken.
    let asked = filing(town.group(1, 2))
        .category("straw_burning")
        .severity("minor")
        .disposition("keep");
    leader.file(&asked).await;
    assert_eq!(bootstrap(&leader).await["inbox"]["handle"], 1);
}

async fn its_etag_follows_everything_but_the_time(world: World) {
    let leader = world.leader(1, 1).await;
    let first = leader.get("/v1/bootstrap").await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "private, no-cache");
    world.advance(TimeDelta::minutes(3));
    let again = || async {
        let request = leader.request(Method::GET, "/v1/bootstrap");
        leader.send(request.header("If-None-Match", &tag)).await
    };
    let same = again().await;
    assert_eq!((same.status, same.header("etag")), (304, tag.as_str()));
    // Something waits: it has changed.
    leader
        .file(&filing(world.here().group(1, 1)).disposition("keep"))
        .await;
    assert_eq!(again().await.status, 200);
    // The town sets other limits: those of reports received from then on.
    let town_leader = world.town_leader().await;
    let settings = town_leader.get("/v1/settings").await;
    let body = json!({"settings": {"reports": {"minor": {"days": 9}}, "photos": {"max_bytes": 4_000_000}}});
    let request = town_leader.request(Method::PUT, "/v1/settings").json(&body);
    town_leader
        .send(request.header("If-Match", settings.header("etag")))
        .await
        .ok();
    let limit = |told: &Value| told["categories"][0]["limits"]["minor"].clone();
    assert_eq!(
        limit(&bootstrap(&leader).await),
        json!({"working_days": 15})
    );
    world.advance(TimeDelta::minutes(1));
    let told = bootstrap(&leader).await;
    assert_eq!(limit(&told), json!({"days": 9}));
    assert_eq!(told["photos"]["max_bytes"], 4_000_000);
}

async fn each_caller_is_told_what_fits(world: World) {
    let admin = bootstrap(&world.sign_in("admin").await).await;
    assert_eq!(admin["grids"], json!([]), "an administrator files nothing");
    let secretary = bootstrap(&world.secretary(2).await).await;
    let own = |told: &Value| {
        told["grids"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|grid| grid["own"] == true)
            .count()
    };
    assert_eq!(own(&secretary), 4);
    let leader = world.town_leader().await;
    for (access, files) in [("file", 4), ("read", 0)] {
        let asked = json!({"name": "摄像头", "grid_id": world.here().village(1), "access": access});
        let issued = leader.post("/v1/service-accounts", &asked).await.created();
        let camera = world.stranger().bearing(issued["key"].as_str().unwrap());
        let told = bootstrap(&camera).await;
        assert_eq!(told["grids"].as_array().unwrap().len(), files, "{access}");
        assert_eq!(told["me"]["service_account"]["access"], access);
        assert!(told.get("inbox").is_none());
    }
}

async fn it_costs_a_few_statements(world: World) {
    let (officer, now, app) = (
        world.officer("secretary_1"),
        world.now(),
        world.app().clone(),
    );
    // The town is known by then.
    bootstrap(&world.secretary(1).await).await;
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    world
        .look(move |conn| {
            let signed = Signed {
                officer: OfficerFacts {
                    id: officer,
                    username: "secretary_1".to_owned(),
                    name: "书记1".to_owned(),
                    phone: None,
                    must_change_password: false,
                    version: 1,
                },
                session_id: Uuid::now_v7(),
                actor: Actor {
                    officer_id: officer,
                    postings: active_postings(conn, officer, now)?,
                    service: None,
                },
                service: None,
            };
            on_each!(conn, c => c.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { .. } = event {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }));
            content::read(conn, &app.directory, &app.photos.limits, &signed, now)?;
            on_each!(conn, c => c.set_instrumentation(|_: InstrumentationEvent<'_>| ()));
            Ok(())
        })
        .await;
    // The version of the town, what waits to be decided, to be worked on and in person, the version of
    // the town once more for the names.
    assert_eq!(statements.load(Ordering::SeqCst), 5);
}
