//! Makes the smaller copies of uploaded photos.
//!
//! Owns the attempts. A process leases a photo, so that processes that share a database never work on the
//! same one. It must not read or scale pictures itself: `photos::imaging` does.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use gridpatrol_domain::photo::Rendition;
use tokio::task::JoinError;
use uuid::Uuid;

use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::PhotoService;
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::imaging::{self, Format};
use gridpatrol_reports::photos::objects::{ObjectsError, Variant};
use gridpatrol_reports::photos::queries::{self, Leased};
use gridpatrol_store::{Lane, Store, low_priority};

/// After this the process that leased a photo is taken for dead.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// How often a picture may kill the process that reads it.
const MOST_ATTEMPTS: i32 = 3;
/// How long a photo waits when the store of contents does not serve.
const AFTER_FAULT: TimeDelta = TimeDelta::seconds(30);

/// How many pictures are read at the same time.
fn at_once(gallery: &PhotoService) -> usize {
    match gallery.limits.workers {
        0 => std::thread::available_parallelism()
            .map_or(1, |processors| processors.get().saturating_sub(1))
            .max(1),
        workers => workers,
    }
}

/// Makes the copies of the photos that wait longest, as many as are made at the same time. Returns
/// how many these were.
///
/// # Errors
/// When the database fails.
pub async fn run_once(
    store: &Store,
    gallery: &PhotoService,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let idle = store
        .read(move |conn| Ok(queries::none_due(conn, now)?))
        .await?;
    if idle {
        return Ok(0);
    }
    let most = i64::try_from(at_once(gallery)).unwrap_or(1);
    let leased = store
        .write(Lane::Background, move |conn| {
            Ok(queries::lease(conn, most, now, now + LEASE)?)
        })
        .await?;
    let ends = join_all(leased.iter().map(|photo| make(gallery, photo))).await;
    for (photo, end) in leased.iter().zip(ends) {
        let id = photo.id;
        store
            .write(Lane::Background, move |conn| {
                match end {
                    End::Settled(rendition) => queries::settle(conn, id, rendition)?,
                    End::NotServed => queries::give_back(conn, id, now + AFTER_FAULT)?,
                    End::Interrupted => {}
                }
                Ok(())
            })
            .await?;
    }
    Ok(leased.len())
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
enum End {
    /// For good.
    Settled(Rendition),
    /// The store of contents did not serve: not the picture's fault.
    NotServed,
    /// Unknown. The lease ends by itself.
    Interrupted,
}

async fn make(gallery: &PhotoService, photo: &Leased) -> End {
    if photo.rendition_attempts >= MOST_ATTEMPTS {
        tracing::error!(photo = %photo.id, "no copies of this photo could be made in several attempts");
        return End::Settled(Rendition::Failed);
    }
    try_make(gallery, photo).await.unwrap_or_else(|error| {
        tracing::warn!(photo = %photo.id, %error, "the store of photos does not serve");
        End::NotServed
    })
}

async fn try_make(gallery: &PhotoService, photo: &Leased) -> Result<End, ObjectsError> {
    let digest = photo.sha256.as_deref().and_then(Digest::from_slice);
    let format = photo
        .media_type
        .as_deref()
        .and_then(Format::from_media_type);
    let (Some(digest), Some(format)) = (digest, format) else {
        return Ok(End::Settled(Rendition::Failed));
    };
    let orientation = photo
        .orientation
        .and_then(|turn| u8::try_from(turn).ok())
        .unwrap_or(1);
    let (objects, id) = (gallery.objects.clone(), photo.id);
    low_priority::spawn(async move {
        let Some(content) = objects.read(digest, Variant::Original).await? else {
            tracing::error!(photo = %id, "the content of a photo is not in the store");
            return Ok(End::Interrupted);
        };
        let render = move || imaging::render(&content, format, orientation);
        match tokio::task::spawn_blocking(render).await {
            Ok(Ok(copies)) => {
                let (preview, thumbnail) = (copies.preview, copies.thumbnail);
                objects.put(digest, Variant::Preview, preview).await?;
                objects.put(digest, Variant::Thumbnail, thumbnail).await?;
                Ok(End::Settled(Rendition::Ready))
            }
            Ok(Err(damaged)) => {
                tracing::info!(photo = %id, %damaged, "a damaged picture is kept without copies");
                Ok(End::Settled(Rendition::Failed))
            }
            Err(error) => Ok(interrupted(id, &error)),
        }
    })
    .await
    .unwrap_or_else(|error| Ok(interrupted(id, &error)))
}

fn interrupted(photo: Uuid, error: &JoinError) -> End {
    tracing::error!(%photo, %error, "making copies was interrupted");
    End::Interrupted
}
