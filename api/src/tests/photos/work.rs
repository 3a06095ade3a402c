use std::time::Duration;

use chrono::TimeDelta;
use gridpatrol_domain::photo::Rendition;
use image::ImageFormat;
use uuid::Uuid;

use super::house::{House, arrival, declaration};
use super::samples;
use crate::testing::KINDS;
use crate::workers::{cleanup, renditions};
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::imaging::Format;
use gridpatrol_reports::photos::objects::Variant;
use gridpatrol_reports::photos::queries;
use gridpatrol_reports::photos::rows::PhotoRow;
use gridpatrol_store::Lane;

impl House {
    /// Keeps a content and takes it in as a photo of the leader's.
    async fn keep(&self, content: &[u8], format: Format) -> Uuid {
        let mut incoming = self.app.photos.objects.receive().await.unwrap();
        incoming
            .write(bytes::Bytes::copy_from_slice(content))
            .await
            .unwrap();
        let arrived = incoming.finish().await.unwrap();
        self.app.photos.objects.keep(arrived).await.unwrap();
        let id = Uuid::now_v7();
        let mut arrives = arrival(&self.leader, id, content);
        arrives.picture.format = format;
        self.arrive(arrives).await.unwrap();
        id
    }

    async fn photo(&self, id: Uuid) -> Option<PhotoRow> {
        self.read(move |conn| Ok(queries::find(conn, id)?)).await
    }

    async fn rendition(&self, id: Uuid) -> Rendition {
        self.photo(id).await.unwrap().rendition.0
    }

    async fn render_all(&self) {
        while renditions::run_once(&self.app.store, &self.app.photos, self.app.clock.now())
            .await
            .unwrap()
            > 0
        {}
    }

    async fn has(&self, content: &[u8], variant: Variant) -> bool {
        let objects = &self.app.photos.objects;
        let found = objects.read(Digest::of(content), variant).await.unwrap();
        found.is_some()
    }
}

#[tokio::test]
async fn copies_are_made_of_what_can_be_read() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let good = samples::jpeg(640, 480);
        let mut damaged = samples::encoded(samples::quarters(64, 48), ImageFormat::Png);
        let data = damaged.windows(4).position(|part| part == b"IDAT").unwrap();
        damaged[data + 10] ^= 0x55;
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        let good_id = house.keep(&good, Format::Jpeg).await;
        let damaged_id = house.keep(&damaged, Format::Png).await;
        let heic_id = house.keep(heic, Format::Heic).await;
        assert_eq!(house.rendition(heic_id).await, Rendition::Unsupported);
        house.render_all().await;
        assert_eq!(house.rendition(good_id).await, Rendition::Ready);
        assert_eq!(house.rendition(damaged_id).await, Rendition::Failed);
        let digest = Digest::of(&good);
        let thumbnail = house
            .app
            .photos
            .objects
            .read(digest, Variant::Thumbnail)
            .await
            .unwrap()
            .unwrap();
        let thumbnail = image::load_from_memory(&thumbnail).unwrap();
        // The arrival said: to be turned by a quarter.
        assert_eq!((thumbnail.width(), thumbnail.height()), (240, 320));
        assert!(house.has(&good, Variant::Preview).await);
        assert!(!house.has(&damaged, Variant::Preview).await);
    }
}

#[tokio::test]
async fn a_leased_photo_is_nobody_elses_until_the_lease_ends() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let id = house.keep(&samples::jpeg(64, 48), Format::Jpeg).await;
        let lease = async || {
            let now = house.app.clock.now();
            house
                .write(move |conn| {
                    Ok(queries::lease(conn, 5, now, now + TimeDelta::minutes(5))?.len())
                })
                .await
                .unwrap()
        };
        // Three processes take it and die.
        for _ in 0..3 {
            assert_eq!(lease().await, 1);
            assert_eq!(lease().await, 0);
            assert_eq!(house.rendition(id).await, Rendition::Pending);
            house.app.clock.advance(TimeDelta::minutes(6));
        }
        house.render_all().await;
        assert_eq!(house.rendition(id).await, Rendition::Failed);
    }
}

#[tokio::test]
async fn several_workers_at_once_share_the_photos() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let mut ids = Vec::new();
        for width in 60..70 {
            ids.push(house.keep(&samples::jpeg(width, 48), Format::Jpeg).await);
        }
        let now = house.app.clock.now();
        let store = &house.app.store;
        let lease = || {
            store.write(Lane::Background, move |conn| {
                let leased = queries::lease(conn, 4, now, now + TimeDelta::minutes(5))?;
                Ok(leased.into_iter().map(|photo| photo.id).collect::<Vec<_>>())
            })
        };
        let (one, two, three) = tokio::join!(lease(), lease(), lease());
        let mut leased: Vec<Uuid> = [one, two, three]
            .into_iter()
            .flat_map(Result::unwrap)
            .collect();
        let all = leased.len();
        leased.sort_unstable();
        leased.dedup();
        assert_eq!(leased.len(), all, "none twice");
        assert!(all >= 4);
    }
}

#[tokio::test]
async fn a_store_that_does_not_serve_costs_no_attempt() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let content = samples::jpeg(64, 48);
        let id = house.keep(&content, Format::Jpeg).await;
        // A folder stands where the file was.
        let path = house.original(&content);
        std::fs::rename(&path, path.with_extension("away")).unwrap();
        std::fs::create_dir(&path).unwrap();
        for _ in 0..5 {
            house.render_all().await;
            assert_eq!(house.rendition(id).await, Rendition::Pending);
            house.app.clock.advance(TimeDelta::minutes(1));
        }
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(path.with_extension("away"), &path).unwrap();
        house.render_all().await;
        assert_eq!(house.rendition(id).await, Rendition::Ready);
    }
}

#[tokio::test]
async fn only_what_is_nobodys_is_swept() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let sweep = async || {
            let mut swept = 0;
            loop {
                let round = cleanup::run_once(
                    &house.app.store,
                    &house.app.photos,
                    30,
                    house.app.clock.now(),
                )
                .await
                .unwrap();
                if round == 0 {
                    return swept;
                }
                swept += round;
            }
        };
        let (of_report, shared, alone) = (
            samples::jpeg(60, 40),
            samples::jpeg(61, 40),
            samples::jpeg(62, 40),
        );
        let declared = house.keep(&of_report, Format::Jpeg).await;
        let declared_too = house.keep(&shared, Format::Jpeg).await;
        let shared_alone = house.keep(&shared, Format::Jpeg).await;
        let just_alone = house.keep(&alone, Format::Jpeg).await;
        house
            .file(
                Uuid::now_v7(),
                vec![declaration(declared), declaration(declared_too)],
            )
            .await
            .unwrap();
        house.render_all().await;
        // Stored, but the server stopped before the photo was written.
        let orphan = b"an orphan";
        let mut incoming = house.app.photos.objects.receive().await.unwrap();
        incoming
            .write(bytes::Bytes::from_static(orphan))
            .await
            .unwrap();
        let arrived = incoming.finish().await.unwrap();
        let (digest, now) = (arrived.digest, house.app.clock.now());
        house
            .write(move |conn| Ok(queries::pin(conn, digest, 9, now)?))
            .await
            .unwrap();
        house.app.photos.objects.keep(arrived).await.unwrap();

        assert_eq!(sweep().await, 0, "nothing is old");
        house.app.clock.advance(TimeDelta::days(2));
        assert_eq!(sweep().await, 1, "the orphan");
        assert!(!house.has(orphan, Variant::Original).await);

        house.app.clock.advance(TimeDelta::days(80));
        assert_eq!(sweep().await, 0);
        house.app.clock.advance(TimeDelta::days(9));
        // Two photos and one content: the other is a report's too.
        assert_eq!(sweep().await, 3);
        for gone in [shared_alone, just_alone] {
            assert!(house.photo(gone).await.is_none());
        }
        for kept in [declared, declared_too] {
            assert!(house.photo(kept).await.is_some());
        }
        for variant in Variant::ALL {
            assert!(house.has(&of_report, *variant).await);
            assert!(house.has(&shared, *variant).await);
            assert!(!house.has(&alone, *variant).await);
        }
        assert_eq!(house.files(), 6);
        assert_eq!(
            house
                .app
                .photos
                .objects
                .sweep_incoming(Duration::ZERO)
                .unwrap(),
            0
        );
    }
}
