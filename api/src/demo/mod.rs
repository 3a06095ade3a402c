//! The demonstration town: real commands make it, so that it looks like a town after five months of use.
//!
//! Owns when and in which order it is made. Places, people, texts, scenarios and pictures each have a
//! file. It must not change a database that is not empty.

pub mod chance;
pub mod people;
pub mod pictures;
pub mod places;
pub mod replay;
pub mod report_plans;
pub mod sample_texts;
pub mod scenarios;

use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::Policy;
use uuid::Uuid;

use gridpatrol_people::auth::Auth;
use gridpatrol_people::grids::import;
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::objects::Variant;
use gridpatrol_reports::photos::{PhotoService, imaging, queries as photos};
use gridpatrol_reports::services::Services;
use gridpatrol_store::clock::Clock;
use gridpatrol_store::schema::grids;
use gridpatrol_store::{Conn, Lane, Store};
use people::Cast;
use pictures::Scene;
use places::Places;
use replay::{Album, DemoSummary, Kept, Stage};
use report_plans::{DAYS, VIEWS};

/// The password of all its accounts, unless another is given.
pub const PASSWORD: &str = "demo-Patrol-2026";

/// What the demonstration is made with.
pub struct Parts<'a> {
    /// The database.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a Clock,
    /// Hashes the password.
    pub auth: &'a Auth,
    /// Takes the pictures.
    pub photos: &'a PhotoService,
    /// Files and acts.
    pub services: &'a Services,
}

/// Fills an empty database with the demonstration town. One that has any grid is left alone.
///
/// # Errors
/// If the database or the store of photos fails. Then the database is as empty as before.
pub async fn fill(parts: &Parts<'_>, password: &str) -> Result<Option<DemoSummary>, Problem> {
    let started = Instant::now();
    if !parts.store.read(|conn| Ok(is_empty(conn)?)).await? {
        tracing::info!(
            "the demonstration town goes into an empty database only; this one stays as it is"
        );
        return Ok(None);
    }
    tracing::info!("making the demonstration town");
    let hash = parts.auth.passwords.hash(password.to_owned()).await?;
    let album = Arc::new(album(parts).await?);
    let services = parts.services.clone();
    let now = parts.clock.now();
    let happened = parts
        .store
        .write(Lane::Interactive, move |conn| {
            // Another process may have been faster.
            if !is_empty(conn)? {
                return Ok(None);
            }
            // Before the first report.
            let began = now - TimeDelta::days(i64::from(DAYS) + 3);
            let places = Places::new();
            import::write(conn, &places.grids(began), None, began)?;
            let ids = people::settle(conn, &places, &hash, began)?;
            people::team_up(conn, &services.directory, &places, &ids, began)?;
            let town = services.directory.town(conn, places.town)?;
            let stage = Stage {
                services: &services,
                cast: &Cast::of(&ids, &town),
                places: &places,
                album: &album,
            };
            let told = report_plans::tell(&places, &Policy::default(), now);
            stage.play(conn, &told).map(Some)
        })
        .await?;
    if let Some(happened) = happened {
        tracing::info!(
            reports = happened.reports,
            actions = happened.actions,
            photos = happened.photos,
            took_ms = started.elapsed().as_millis(),
            "the demonstration town is there; README.md names its accounts"
        );
    }
    parts.photos.arrivals.notify_waiters();
    Ok(happened)
}

fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let some = grids::table
        .select(grids::id)
        .first::<Uuid>(conn)
        .optional()?;
    Ok(some.is_none())
}

/// Draws all pictures, and pins and keeps them as an upload would be.
async fn album(parts: &Parts<'_>) -> Result<Album, Problem> {
    let drawing: Vec<_> = Scene::ALL
        .into_iter()
        .flat_map(|scene| (0..VIEWS).map(move |view| (scene, view)))
        .map(|(scene, view)| {
            let most_pixels = parts.photos.limits.max_pixels;
            tokio::task::spawn_blocking(move || drawn(scene, view, most_pixels))
        })
        .collect();
    let mut contents = Vec::new();
    for pair in drawing {
        contents.extend(pair.await.map_err(unmade)??);
    }
    let pins: Vec<(Digest, i64)> = contents
        .iter()
        .map(|(_, kept, _)| (kept.digest, kept.size))
        .collect();
    let now = parts.clock.now();
    parts
        .store
        .write(Lane::Interactive, move |conn| {
            for (digest, size) in &pins {
                photos::pin(conn, *digest, *size, now)?;
            }
            Ok(())
        })
        .await?;
    let keeping = contents.iter_mut().map(|(_, kept, content)| {
        let content = std::mem::take(content);
        parts
            .photos
            .objects
            .put(kept.digest, Variant::Original, content)
    });
    futures_util::future::try_join_all(keeping).await?;
    Ok(contents
        .into_iter()
        .map(|(shown, kept, _)| (shown, kept))
        .collect())
}

type Drawn = ((Scene, u8, bool), Kept, Vec<u8>);

fn drawn(scene: Scene, view: u8, most_pixels: u64) -> Result<[Drawn; 2], Problem> {
    let pair = pictures::draw(scene, view).map_err(unmade)?;
    let kept = |after, content: Vec<u8>| -> Result<Drawn, Problem> {
        let picture = imaging::inspect(&mut Cursor::new(&content), most_pixels)
            .map_err(unmade)?
            .map_err(unmade)?;
        let kept = Kept {
            digest: Digest::of(&content),
            size: i64::try_from(content.len()).map_err(unmade)?,
            picture,
        };
        Ok(((scene, view, after), kept, content))
    };
    Ok([kept(false, pair.before)?, kept(true, pair.after)?])
}

/// A picture of ours cannot be made.
fn unmade(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a picture of the demonstration town cannot be made");
    Problem::new(Code::Internal)
}
