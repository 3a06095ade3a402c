//! Positions may be sent and read in any coordinate system; the sent position is stored unchanged.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{World, filing, pictures};

on_both!(a_position_comes_out_in_the_system_asked_for,);

/// One test point in each system: system, latitude, longitude.
const POINT: [(&str, f64, f64); 4] = [
    ("wgs84", 26.69, 101.854),
    ("cgcs2000", 26.69, 101.854),
    ("gcj02", 26.686_303_4, 101.855_409_3),
    ("bd09", 26.692_392_1, 101.861_899_6),
];

fn near(value: &Value, lat: f64, lon: f64) {
    let close = |name: &str, expected: f64| {
        let found = value[name].as_f64().expect("degrees");
        assert!(
            (found - expected).abs() < 2e-7,
            "{value}: {name} {expected}"
        );
    };
    close("lat", lat);
    close("lon", lon);
}

async fn a_position_comes_out_in_the_system_asked_for(world: World) {
    let leader = world.leader(1, 1).await;
    let [(_, lat, lon), ..] = POINT;
    for (crs, sent_lat, sent_lon) in POINT {
        let sent = json!({"lat": sent_lat, "lon": sent_lon, "crs": crs});
        let filing = filing(world.here().group(1, 1)).with("location", sent.clone());
        let id = id_of(&leader.file(&filing).await);
        let report = leader.report(id).await;
        near(&report["location"], sent_lat, sent_lon);
        near(&report["location"]["wgs84"], lat, lon);
        assert_eq!(report["location"]["crs"], crs);
        assert!(report["location"].get("converted").is_none());

        let photo = Uuid::now_v7();
        let target = format!("/v1/photos/{photo}?lat={sent_lat}&lon={sent_lon}&crs={crs}");
        let request = leader
            .request(reqwest::Method::PUT, &target)
            .header("content-type", "image/jpeg")
            .body(pictures::snapshot());
        leader.send(request).await.created();

        for (asked, lat, lon) in POINT {
            let report = leader
                .get(&format!("/v1/reports/{id}?crs={asked}"))
                .await
                .ok();
            near(&report["location"]["converted"], lat, lon);
            assert_eq!(report["location"]["converted"]["crs"], asked);
            let list = leader
                .get(&format!("/v1/reports?crs={asked}&limit=1"))
                .await;
            near(&list.ok()["items"][0]["location"]["converted"], lat, lon);
            let facts = leader
                .get(&format!("/v1/photos/{photo}?crs={asked}"))
                .await
                .ok();
            near(&facts["position"], lat, lon);
            if crs == "wgs84" {
                assert!(facts.get("sent_position").is_none());
            } else {
                near(&facts["sent_position"], sent_lat, sent_lon);
                assert_eq!(facts["sent_position"]["crs"], crs);
            }
        }
    }
    for target in ["/v1/reports?crs=mars", "/v1/inbox?crs=mars"] {
        leader
            .get(target)
            .await
            .wrong_at(&[("query/crs", "not_allowed")]);
    }
}
