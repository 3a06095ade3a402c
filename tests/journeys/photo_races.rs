//! A photo and the report that declares it arrive in any order, a thousand times: `complete` is always
//! right.

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, World, filing, pictures};

/// Races in flight at once.
const ABREAST: usize = 12;

/// Runs this many races.
async fn races<F: Future<Output = ()>>(count: usize, race: impl Fn(usize) -> F) {
    stream::iter(0..count)
        .for_each_concurrent(ABREAST, race)
        .await;
}

#[track_caller]
fn is_complete(report: &Value, photos: usize) {
    assert_eq!(report["complete"], true, "{report}");
    let states: Vec<&Value> = report["photos"]
        .as_array()
        .expect("photos")
        .iter()
        .map(|photo| &photo["state"])
        .collect();
    assert_eq!(states, vec!["ready"; photos], "{report}");
}

/// An answer to a declaration tells the truth about what had arrived by then.
#[track_caller]
fn is_consistent(report: &Value) {
    let photos = report["photos"].as_array().expect("photos");
    let all = photos.iter().all(|photo| photo["state"] == "ready");
    assert_eq!(report["complete"], all, "{report}");
}

async fn kept(leader: &Client, grid: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let filing = filing(grid).disposition("keep");
    leader.put_report(id, &filing).await.created();
    id
}

on_both!(
    filing_and_arrival,
    filing_and_arrival_of_the_same_two_photos_sent_twice,
    resolution_and_arrival,
    an_action_and_an_arrival_that_names_the_report,
);

async fn filing_and_arrival(world: World) {
    let leader = world.leader(1, 1).await;
    let grid = world.here().group(1, 1);
    races(600, |_| async {
        let (id, photo) = (Uuid::now_v7(), Uuid::now_v7());
        let (filing, picture) = (filing(grid).photo(photo, "before"), pictures::snapshot());
        let (filed, arrived) = join(
            leader.put_report(id, &filing),
            leader.put_photo(photo, &picture),
        )
        .await;
        is_consistent(&filed.created());
        arrived.created();
        is_complete(&leader.report(id).await, 1);
    })
    .await;
}

async fn filing_and_arrival_of_the_same_two_photos_sent_twice(world: World) {
    let leader = world.leader(1, 1).await;
    let grid = world.here().group(1, 1);
    races(100, |_| async {
        let (id, one, two) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let filing = filing(grid).photo(one, "before").photo(two, "other");
        let (first, second) = (pictures::snapshot(), pictures::snapshot());
        let (filed, photos) = join(
            join(
                leader.put_report(id, &filing),
                leader.put_report(id, &filing),
            ),
            join(
                join(leader.put_photo(one, &first), leader.put_photo(one, &first)),
                join(
                    leader.put_photo(two, &second),
                    leader.put_photo(two, &second),
                ),
            ),
        )
        .await;
        for report in [&filed.0, &filed.1] {
            assert!(matches!(report.status, 200 | 201), "{}", report.text());
            is_consistent(&report.json());
        }
        for photo in [&photos.0.0, &photos.0.1, &photos.1.0, &photos.1.1] {
            assert!(matches!(photo.status, 200 | 201), "{}", photo.text());
        }
        is_complete(&leader.report(id).await, 2);
    })
    .await;
}

async fn resolution_and_arrival(world: World) {
    let leader = world.leader(1, 1).await;
    let grid = world.here().group(1, 1);
    races(200, |_| async {
        let (id, photo) = (kept(&leader, grid).await, Uuid::now_v7());
        let body = json!({"result": "已清运", "photos": [{"id": photo}]});
        let picture = pictures::snapshot();
        let (resolved, arrived) = join(
            leader.act(id, "resolve", body),
            leader.put_photo(photo, &picture),
        )
        .await;
        is_consistent(&resolved.ok());
        arrived.created();
        let report = leader.report(id).await;
        is_complete(&report, 1);
        assert_eq!(report["photos"][0]["role"], "after");
    })
    .await;
}

async fn an_action_and_an_arrival_that_names_the_report(world: World) {
    let leader = world.leader(1, 1).await;
    let grid = world.here().group(1, 1);
    let leader = &leader;
    races(200, |at| async move {
        let (id, photo) = (kept(leader, grid).await, Uuid::now_v7());
        let picture = pictures::snapshot();
        let action = async {
            if at % 2 == 0 {
                leader.act(id, "escalate", json!({})).await
            } else {
                leader
                    .act(
                        id,
                        "comment",
                        json!({"text": "见图", "photos": [{"id": photo}]}),
                    )
                    .await
            }
        };
        let (acted, arrived) = join(action, leader.put_photo_for(photo, id, &picture)).await;
        is_consistent(&acted.ok());
        arrived.created();
        is_complete(&leader.report(id).await, 1);
    })
    .await;
}
