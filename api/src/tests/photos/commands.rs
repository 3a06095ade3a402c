use gridpatrol_domain::error::Code;
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::{PhotoRole, Status};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::house::{House, arrival, declaration};
use crate::testing::KINDS;
use gridpatrol_reports::photos::commands::{Declaration, Declared};
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::links::Links;
use gridpatrol_reports::photos::queries;
use gridpatrol_reports::photos::wire::ReportPhoto;
use gridpatrol_store::events;

fn added(declared: i32, ready: i32) -> Declared {
    Declared {
        declared,
        ready,
        after_ready: 0,
    }
}

#[tokio::test]
async fn declared_first_or_arrived_first_it_is_counted_once() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (report, early, late) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());

        let taken = house
            .arrive(arrival(&house.leader, early, b"early"))
            .await
            .unwrap();
        assert!(taken.first);
        assert_eq!(taken.photo.rendition.0, Rendition::Pending);
        assert_eq!(taken.photo.upright_size(), Some((3024, 4032)));
        let declared = house
            .file(report, vec![declaration(late), declaration(early)])
            .await
            .unwrap();
        assert_eq!(declared, added(2, 1));
        let (_, ready, version, before) = house.counts(report).await;
        assert_eq!((ready, version), (1, 1));

        let arrives = arrival(&house.leader, late, b"late");
        assert!(house.arrive(arrives.clone()).await.unwrap().first);
        let (declared, ready, version, after) = house.counts(report).await;
        assert_eq!((declared, ready, version), (2, 2, 1));
        assert!(after > before, "the feeds see it");

        // The phone never got the answer.
        let again = house.arrive(arrives).await.unwrap();
        assert!(!again.first);
        assert_eq!(house.counts(report).await, (2, 2, 1, after));

        let town = house.town;
        let verified = house
            .read(move |conn| events::verify(conn, town))
            .await
            .unwrap();
        assert_eq!(verified.end.seq, 1, "one arrival after filing is recorded");

        let photos = house
            .read(move |conn| Ok(queries::of_reports(conn, &[report, Uuid::now_v7()])?))
            .await;
        let ids: Vec<Uuid> = photos[&report].iter().map(|photo| photo.id).collect();
        assert_eq!(ids, [late, early], "in the order of the declaration");
        assert_eq!(photos[&report][0].role.0, PhotoRole::Before);
        assert_eq!(photos.len(), 1);
    }
}

#[tokio::test]
async fn declaration_and_arrival_at_once_miss_nothing() {
    for kind in KINDS {
        let house = House::new(kind).await;
        for round in 0..40_u32 {
            let (report, photo) = (Uuid::now_v7(), Uuid::now_v7());
            let content = round.to_be_bytes();
            let arrives = arrival(&house.leader, photo, &content);
            let (filed, arrived, again) = tokio::join!(
                house.file(report, vec![declaration(photo)]),
                house.arrive(arrives.clone()),
                house.arrive(arrives),
            );
            filed.unwrap();
            assert_ne!(arrived.unwrap().first, again.unwrap().first);
            let (declared, ready, ..) = house.counts(report).await;
            assert_eq!((declared, ready), (1, 1), "{kind:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn what_is_anothers_is_refused() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (report, other_report, photo) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        house.file(report, vec![declaration(photo)]).await.unwrap();

        let code = |problem: gridpatrol_problem::Problem| problem.code;
        let stolen = house
            .arrive(arrival(&house.other_leader, photo, b"stolen"))
            .await;
        assert_eq!(stolen.map_err(code), Err(Code::PhotoTaken));
        let twice = house.file(other_report, vec![declaration(photo)]).await;
        assert_eq!(twice.map_err(code), Err(Code::PhotoTaken));
        let mut elsewhere = arrival(&house.leader, photo, b"mine");
        elsewhere.report_id = Some(other_report);
        assert_eq!(
            house.arrive(elsewhere).await.map_err(code),
            Err(Code::PhotoTaken)
        );

        house
            .arrive(arrival(&house.leader, photo, b"mine"))
            .await
            .unwrap();
        let other_content = house.arrive(arrival(&house.leader, photo, b"other")).await;
        assert_eq!(other_content.map_err(code), Err(Code::IdConflict));

        let theirs = Uuid::now_v7();
        house
            .arrive(arrival(&house.other_leader, theirs, b"theirs"))
            .await
            .unwrap();
        let refused = house.file(other_report, vec![declaration(theirs)]).await;
        assert_eq!(refused.map_err(code), Err(Code::PhotoTaken));
        assert_eq!(house.counts(report).await.1, 1);
    }
}

#[tokio::test]
async fn what_differs_from_its_declaration_is_refused_in_either_order() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        let declared = |id| Declaration {
            sha256: Some(Digest::of(b"declared")),
            size: Some(8),
            ..declaration(id)
        };
        let report = Uuid::now_v7();
        house.file(report, vec![declared(first)]).await.unwrap();
        let problem = house
            .arrive(arrival(&house.leader, first, b"something else"))
            .await
            .unwrap_err();
        assert_eq!(problem.code, Code::PhotoRejected);
        let pointers: Vec<_> = problem.errors.iter().map(|error| &error.pointer).collect();
        assert_eq!(pointers, ["/sha256", "/size"]);
        let photo = house
            .read(move |conn| Ok(queries::find(conn, first)?))
            .await
            .unwrap();
        assert_eq!(photo.state.0, PhotoState::Missing);
        house
            .arrive(arrival(&house.leader, first, b"declared"))
            .await
            .unwrap();

        house
            .arrive(arrival(&house.leader, second, b"otherwise"))
            .await
            .unwrap();
        let problem = house
            .file(
                Uuid::now_v7(),
                vec![declaration(first_free()), declared(second)],
            )
            .await
            .unwrap_err();
        assert_eq!(problem.code, Code::PhotoRejected);
        assert_eq!(problem.errors[0].pointer, "/photos/1/sha256");
    }
}

fn first_free() -> Uuid {
    Uuid::now_v7()
}

#[tokio::test]
async fn a_report_takes_an_undeclared_photo_of_who_may_comment() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let report = Uuid::now_v7();
        let declared = Uuid::now_v7();
        house
            .file(report, vec![declaration(declared)])
            .await
            .unwrap();
        let for_report = |actor, content: &[u8]| {
            let mut arrives = arrival(actor, Uuid::now_v7(), content);
            arrives.report_id = Some(report);
            arrives.role = Some(PhotoRole::After);
            arrives
        };
        let taken = house
            .arrive(for_report(&house.secretary, b"visit"))
            .await
            .unwrap();
        assert_eq!(taken.photo.report_id, Some(report));
        assert_eq!(taken.photo.role.0, PhotoRole::After);
        assert_eq!(house.counts(report).await.0, 2);
        assert_eq!(house.counts(report).await.1, 1);
        assert!(
            house
                .read(move |conn| Ok(queries::has_arrived(conn, report, PhotoRole::After)?))
                .await
        );

        // It arrived alone, and is given to the report when it is sent again.
        let mut alone = for_report(&house.leader, b"alone");
        alone.report_id = None;
        house.arrive(alone.clone()).await.unwrap();
        alone.report_id = Some(report);
        let taken = house.arrive(alone).await.unwrap();
        assert!(!taken.first);
        assert_eq!(taken.photo.report_id, Some(report));
        let (declared_count, ready, version, _) = house.counts(report).await;
        assert_eq!((declared_count, ready, version), (3, 2, 1));

        let refused = async |actor| {
            house
                .arrive(for_report(actor, b"refused"))
                .await
                .unwrap_err()
                .code
        };
        assert_eq!(refused(&house.other_leader).await, Code::NotFound);
        assert_eq!(refused(&house.admin).await, Code::NotPermitted);
        for status in [Status::Closed, Status::Void] {
            house.set_status(report, status).await;
            assert_eq!(refused(&house.secretary).await, Code::WrongStatus);
        }
        // What it declared still comes in.
        house
            .arrive(arrival(&house.leader, declared, b"declared"))
            .await
            .unwrap();
        assert_eq!(house.counts(report).await.1, 3);
    }
}

#[tokio::test]
async fn a_photo_is_seen_with_its_report_and_else_by_its_uploader() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (report, photo, alone) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        house.file(report, vec![declaration(photo)]).await.unwrap();
        house
            .arrive(arrival(&house.leader, alone, b"alone"))
            .await
            .unwrap();
        let sees = async |actor, id| {
            let scope = Scope::of(actor);
            house
                .read(move |conn| Ok(queries::find_seen(conn, &scope, id)?.is_some()))
                .await
        };
        assert!(sees(&house.leader, photo).await);
        assert!(sees(&house.secretary, photo).await);
        assert!(!sees(&house.other_leader, photo).await);
        assert!(sees(&house.leader, alone).await);
        assert!(!sees(&house.secretary, alone).await);
        assert!(!sees(&house.leader, Uuid::now_v7()).await);
    }
}

#[tokio::test]
async fn a_known_content_needs_no_new_copies() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (first, second, third) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let taken = house.arrive(arrival(&house.leader, first, b"same")).await;
        let photo = taken.unwrap().photo;
        let links = Links::new(&[1; 32]);
        let shown = ReportPhoto::of(&photo, &links, house.app.clock.now());
        assert!(shown.thumbnail_url.is_some() && shown.original_url.is_some());
        let waiting = Uuid::now_v7();
        let taken = house.arrive(arrival(&house.leader, waiting, b"same")).await;
        assert_eq!(taken.unwrap().photo.rendition.0, Rendition::Pending);
        let settled = house
            .write(move |conn| {
                queries::settle(conn, first, Rendition::Failed)?;
                Ok(queries::find(conn, waiting)?)
            })
            .await
            .unwrap();
        assert_eq!(settled.unwrap().rendition.0, Rendition::Failed);
        let taken = house.arrive(arrival(&house.leader, second, b"same")).await;
        let photo = taken.unwrap().photo;
        assert_eq!(photo.rendition.0, Rendition::Failed);
        let shown = ReportPhoto::of(&photo, &links, house.app.clock.now());
        assert!(shown.thumbnail_url.is_none() && shown.original_url.is_some());
        let taken = house.arrive(arrival(&house.leader, third, b"new")).await;
        assert_eq!(taken.unwrap().photo.rendition.0, Rendition::Pending);
    }
}
