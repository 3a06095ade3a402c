//! Making and changing grids and boundaries, and finding the grid of a point.

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{World, audit};

on_both!(
    grids_are_made_and_amended_by_who_may,
    wrong_values_are_named_all_at_once,
    a_code_is_never_given_twice,
    boundaries_go_in_and_come_out_in_any_system,
    administrators_reach_every_town,
);

async fn grids_are_made_and_amended_by_who_may(world: World) {
    let here = world.here();
    let leader = world.town_leader().await;
    let new = json!({
        "parent_id": here.id(), "code": "990001100203", "name": "石桥村",
        "contact": "0812-8210001", "valid_from": "2020-01-01T00:00:00+08:00",
    });
    for username in [
        "town_officer",
        "secretary_1",
        "village_officer_1",
        "group_1_1",
    ] {
        let officer = world.sign_in(username).await;
        officer
            .post("/v1/grids", &new)
            .await
            .refused(Code::NotPermitted);
    }
    world
        .sign_in("b_town_leader")
        .await
        .post("/v1/grids", &new)
        .await
        .refused(Code::NotFound);
    let village = leader.post_keyed("/v1/grids", "make", &new).await.created();
    assert_eq!(village["tier"], "village");
    assert_eq!(village["valid_from"], "2019-12-31T16:00:00Z");
    assert_eq!(village["path"][0]["id"], json!(here.id()));
    let again = leader.post_keyed("/v1/grids", "make", &new).await;
    assert_eq!(again.created(), village);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let id = id_of(&village);
    let group = json!({"parent_id": id, "code": "990001100203001", "name": "一组"});
    let group = leader.post("/v1/grids", &group).await.created();
    assert_eq!(group["path"].as_array().unwrap().len(), 3);
    let below = json!({"parent_id": id_of(&group), "code": "990001100203002", "name": "x"});
    leader
        .post("/v1/grids", &below)
        .await
        .refused(Code::ParentInvalid);
    let town = json!({"code": "990001101000", "name": "新镇"});
    leader
        .post("/v1/grids", &town)
        .await
        .refused(Code::NotPermitted);

    // Amending needs what was read, and keeps what stood there.
    let path = format!("/v1/grids/{id}");
    let read = leader.get(&path).await;
    let etag = read.header("etag").to_owned();
    let change = json!({"name": "石桥新村", "contact": ""});
    let without = leader.send(leader.request(reqwest::Method::PATCH, &path).json(&change));
    without.await.refused(Code::PreconditionRequired);
    world
        .secretary(1)
        .await
        .patch(&path, &etag, &change)
        .await
        .refused(Code::NotPermitted);
    let changed = leader.patch(&path, &etag, &change).await.ok();
    assert_eq!(
        (&changed["name"], &changed["version"]),
        (&json!("石桥新村"), &json!(2))
    );
    assert!(changed.get("contact").is_none());
    let stale = leader.patch(&path, &etag, &change).await;
    assert_eq!(stale.refused(Code::VersionMismatch)["current_version"], 2);
    // Nothing changes by the same again.
    let same = leader.patch(&path, "\"2-x\"", &change).await.ok();
    assert_eq!(same["version"], 2);
    let history = leader.all(&format!("{path}/history?limit=10")).await;
    assert_eq!(history.len(), 2);
    let changes = &history[0]["details"]["changes"];
    assert_eq!(
        changes["contact"],
        json!({"before": "0812-8210001", "after": null})
    );
    assert_eq!(changes["name"]["before"], "石桥村");
    // Everybody of the town sees it at once, nobody of the other.
    assert_eq!(
        world.leader(1, 1).await.get(&path).await.ok()["name"],
        "石桥新村"
    );
    for target in [
        path.clone(),
        format!("{path}/history"),
        format!("{path}/boundary"),
    ] {
        let other = world.sign_in("b_town_leader").await;
        other.get(&target).await.refused(Code::NotFound);
    }
}

async fn wrong_values_are_named_all_at_once(world: World) {
    let leader = world.town_leader().await;
    let here = world.here().id();
    let rows = audit::rows(&world).await;
    leader
        .post(
            "/v1/grids",
            &json!({"parent_id": here, "code": "99000110020x", "name": " ", "contact": "a\u{7}", "typo": 1}),
        )
        .await
        .wrong_at(&[
            ("/code", "bad_format"),
            ("/contact", "not_allowed"),
            ("/name", "too_short"),
            ("/typo", "unknown_field"),
        ]);
    for code in ["990001101200", "990001100000", "990001100200004"] {
        leader
            .post(
                "/v1/grids",
                &json!({"parent_id": here, "code": code, "name": "x"}),
            )
            .await
            .wrong_at(&[("/code", "not_allowed")]);
    }
    let tomorrow = world.now() + chrono::TimeDelta::days(1);
    leader
        .post(
            "/v1/grids",
            &json!({"parent_id": here, "code": "990001100204", "name": "x", "valid_from": tomorrow}),
        )
        .await
        .wrong_at(&[("/valid_from", "in_the_future")]);
    let village = format!("/v1/grids/{}", world.here().village(1));
    leader
        .patch(&village, "*", &json!({}))
        .await
        .wrong_at(&[("", "required")]);
    leader
        .patch(
            &village,
            "*",
            &json!({"code": "990001100209", "code_from": "2000-01-01T00:00:00Z"}),
        )
        .await
        .wrong_at(&[("/code_from", "out_of_range")]);
    leader
        .get("/v1/grids/locate?lat=0&lon=0")
        .await
        .wrong_at(&[("query/lat", "out_of_range")]);
    assert_eq!(audit::rows(&world).await, rows, "a refusal leaves nothing");
}

async fn a_code_is_never_given_twice(world: World) {
    let leader = world.town_leader().await;
    let here = world.here();
    let path = format!("/v1/grids/{}", here.village(1));
    let taken = json!({"parent_id": here.id(), "code": "990001100201", "name": "x"});
    leader
        .post("/v1/grids", &taken)
        .await
        .refused(Code::CodeTaken);
    leader
        .patch(&path, "*", &json!({"code": "990001100201"}))
        .await
        .refused(Code::CodeTaken);
    let changed = leader
        .patch(&path, "*", &json!({"code": "990001100209"}))
        .await
        .ok();
    assert_eq!(changed["code"], "990001100209");
    let facts = leader.get(&path).await.ok();
    assert_eq!(facts["former_codes"][0]["code"], "990001100200");
    assert_eq!(facts["former_codes"][0]["to"], facts["code_from"]);
    let former = json!({"parent_id": here.id(), "code": "990001100200", "name": "x"});
    leader
        .post("/v1/grids", &former)
        .await
        .refused(Code::CodeTaken);
    // Two at once: one gets it.
    let new = json!({"parent_id": here.id(), "code": "990001100210", "name": "新村"});
    let asked = (0..6).map(|_| leader.post("/v1/grids", &new));
    let answers = futures_util::future::join_all(asked).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(Code::CodeTaken);
    }
    let chosen =
        json!({"id": here.village(2), "parent_id": here.id(), "code": "990001100211", "name": "x"});
    leader
        .post("/v1/grids", &chosen)
        .await
        .refused(Code::IdConflict);
}

fn square(west: f64, south: f64, size: f64) -> Value {
    let (east, north) = (west + size, south + size);
    json!({"type": "Polygon", "coordinates": [
        [[west, south], [east, south], [east, north], [west, north], [west, south]]]})
}

async fn boundaries_go_in_and_come_out_in_any_system(world: World) {
    let here = world.here();
    let (leader, group) = (world.town_leader().await, world.leader(1, 1).await);
    let nowhere = group
        .get("/v1/grids/locate?lat=26.69&lon=101.85")
        .await
        .ok();
    assert_eq!(nowhere, json!({"inside": false}));
    let path = |grid: Uuid| format!("/v1/grids/{grid}/boundary");
    leader
        .get(&path(here.village(1)))
        .await
        .refused(Code::NotFound);
    let drawing = |geometry: Value, crs: &str| json!({"geometry": geometry, "crs": crs});
    for (grid, geometry) in [
        (here.id(), square(101.8, 26.6, 0.2)),
        (here.village(1), square(101.82, 26.66, 0.06)),
    ] {
        leader
            .put(&path(grid), &drawing(geometry, "wgs84"))
            .await
            .ok();
    }
    // GCJ-02, as Chinese maps use it.
    let ring = json!([[
        [101.8554093, 26.6863034],
        [101.9513909, 26.6863034],
        [101.9513909, 26.7963185],
        [101.8554093, 26.7963185],
        [101.8554093, 26.6863034]
    ]]);
    let sent = json!({"type": "Polygon", "coordinates": ring});
    let drawn = leader
        .put(&path(here.group(1, 1)), &drawing(sent.clone(), "gcj02"))
        .await
        .ok();
    assert_eq!(
        (&drawn["geometry"], &drawn["crs"]),
        (&sent, &json!("gcj02"))
    );
    let read = group.get(&path(here.group(1, 1))).await.ok();
    let corner = read["geometry"]["coordinates"][0][0].as_array().unwrap();
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 2e-7;
    assert!(
        near(&corner[0], 101.854) && near(&corner[1], 26.69),
        "{corner:?}"
    );
    assert_eq!(read["sent_crs"], "gcj02");
    let baidu = group
        .get(&format!("{}?crs=bd09", path(here.group(1, 1))))
        .await
        .ok();
    let corner = baidu["geometry"]["coordinates"][0][0].as_array().unwrap();
    assert!(near(&corner[0], 101.8618996) && near(&corner[1], 26.6923921));
    let again = group
        .get(&format!("{}?crs=gcj02", path(here.group(1, 1))))
        .await;
    assert_eq!(again.ok()["geometry"], sent, "as it was sent");
    // Drawn again alike: nothing changes.
    let same = leader
        .put(&path(here.group(1, 1)), &drawing(sent, "gcj02"))
        .await
        .ok();
    assert_eq!(same["version"], drawn["version"]);

    // Deepest first; else the nearest.
    for (point, grid, inside) in [
        ("lat=26.7&lon=101.86", here.group(1, 1), true),
        (
            "lat=26.6963034&lon=101.8654093&crs=gcj02",
            here.group(1, 1),
            true,
        ),
        ("lat=26.67&lon=101.83", here.village(1), true),
        ("lat=26.61&lon=101.81", here.id(), true),
        ("lat=26.59&lon=101.81", here.id(), false),
    ] {
        let found = group.get(&format!("/v1/grids/locate?{point}")).await.ok();
        assert_eq!(found["grid"]["id"], json!(grid), "{point}: {found}");
        assert_eq!(found["inside"], inside, "{point}");
        let metres = found["distance_m"].as_f64().unwrap();
        assert!(if inside {
            metres == 0.0
        } else {
            (1_100.0..1_120.0).contains(&metres)
        });
    }
    let elsewhere = world.sign_in("b_group_1_1").await;
    let nothing = elsewhere.get("/v1/grids/locate?lat=26.7&lon=101.86").await;
    assert_eq!(nothing.ok(), json!({"inside": false}));

    // Who may, and what is none.
    let bow = json!({"type": "Polygon", "coordinates": [
        [[101.8, 26.6], [101.9, 26.7], [101.9, 26.6], [101.8, 26.7], [101.8, 26.6]]]});
    for geometry in [
        bow,
        json!({"type": "Point", "coordinates": [101.8, 26.6]}),
        json!(7),
    ] {
        leader
            .put(&path(here.village(2)), &drawing(geometry, "wgs84"))
            .await
            .wrong_at(&[("/geometry", "not_allowed")]);
    }
    group
        .put(
            &path(here.village(2)),
            &drawing(square(101.8, 26.6, 0.1), "wgs84"),
        )
        .await
        .refused(Code::NotPermitted);
    leader
        .put(
            &path(here.village(2)),
            &drawing(square(101.8, 26.6, 0.1), "utm"),
        )
        .await
        .wrong_at(&[("/crs", "not_allowed")]);
    group
        .delete(&path(here.group(1, 1)))
        .await
        .refused(Code::NotPermitted);
    leader.delete(&path(here.group(1, 1))).await.expect(204);
    leader
        .get(&path(here.group(1, 1)))
        .await
        .refused(Code::NotFound);
    let history = leader
        .all(&format!("/v1/grids/{}/history?limit=9", here.group(1, 1)))
        .await;
    assert_eq!(history.len(), 3);
    let before = &history[0]["details"]["changes"]["boundary"]["before"];
    assert_eq!(
        (&before["crs"], &before["vertices"]),
        (&json!("gcj02"), &json!(5))
    );
}

async fn administrators_reach_every_town(world: World) {
    let admin = world.sign_in("admin").await;
    let beside = world.beside();
    let path = format!("/v1/grids/{}", beside.village(1));
    let read = admin.get(&path).await;
    assert_eq!(read.ok()["name"], "b_示范1村");
    let renamed = admin
        .patch(&path, read.header("etag"), &json!({"name": "邻家村"}))
        .await
        .ok();
    assert_eq!(renamed["name"], "邻家村");
    let town = json!({"code": "990003100000", "name": "第三镇"});
    let town = admin.post("/v1/grids", &town).await.created();
    let village = json!({"parent_id": id_of(&town), "code": "990003100200", "name": "头一村"});
    let village = admin.post("/v1/grids", &village).await.created();
    assert_eq!(
        admin
            .get(&format!("/v1/grids/{}", id_of(&village)))
            .await
            .ok()["code"],
        "990003100200"
    );
    // Reports of another town stay out of sight.
    admin
        .get(&format!("/v1/reports?grid={}", beside.village(1)))
        .await
        .refused(Code::NotFound);
    world
        .town_leader()
        .await
        .get(&format!("/v1/grids/{}", id_of(&town)))
        .await
        .refused(Code::NotFound);
}
