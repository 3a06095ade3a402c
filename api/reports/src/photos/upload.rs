//! Takes in a photo: limits and a deadline while the bytes arrive, then a check of the picture, the
//! pin, and the store.
//!
//! Owns the order of these steps. It must not know whose photo it is.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::settings::Allowed;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::commands::{self, Arrival};
use super::digest::Digest;
use super::imaging::{self, Picture};
use super::objects::Arrived;
use super::{PhotoService, queries};
use chrono::{DateTime, Utc};
use gridpatrol_domain::scope::Scope;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_store::{Lane, Store, low_priority, overloaded};

/// The limits for the caller's photos now: those of the most generous of the caller's towns, within
/// the limits of the server.
///
/// # Errors
/// `unavailable`.
pub(super) async fn allowed(
    directory: &Directory,
    server: Allowed,
    store: &Store,
    scope: Scope,
    now: DateTime<Utc>,
) -> Result<Allowed, Problem> {
    let directory = directory.clone();
    store
        .read(move |conn| {
            let mut most: Option<Allowed> = None;
            for town in scope.towns() {
                let town = directory.town(conn, *town)?;
                let own = town.settings().at(now).photos.within(server);
                most = Some(most.map_or(own, |most| Allowed {
                    max_bytes: most.max_bytes.max(own.max_bytes),
                    max_pixels: most.max_pixels.max(own.max_pixels),
                }));
            }
            Ok(most.unwrap_or(server))
        })
        .await
}

/// A slot to receive one content, until a deadline.
pub(super) struct Reception<'a> {
    gallery: &'a PhotoService,
    most_bytes: u64,
    seconds: u64,
    deadline: Instant,
    _permit: OwnedSemaphorePermit,
}

/// A content that has arrived, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub digest: Digest,
    pub size: i64,
    pub picture: Picture,
}

impl<'a> Reception<'a> {
    /// Begins to receive a content, as soon as a slot is free.
    ///
    /// # Errors `overloaded` when no slot becomes free in time.
    pub(super) async fn begin(
        gallery: &'a PhotoService,
        patience: Duration,
        allowed: Allowed,
    ) -> Result<Self, Problem> {
        let limits = &gallery.limits;
        let turn = std::sync::Arc::clone(&gallery.uploads).acquire_owned();
        let permit = tokio::time::timeout(patience, turn)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| {
                overloaded().detail("Too many photos are being uploaded at the same time.")
            })?;
        Ok(Self {
            gallery,
            most_bytes: allowed.max_bytes,
            seconds: limits.upload_timeout_s,
            deadline: Instant::now() + Duration::from_secs(limits.upload_timeout_s),
            _permit: permit,
        })
    }

    /// Waits for the next part of the request, at most until the deadline.
    ///
    /// # Errors
    /// `request_timeout`.
    pub(super) async fn next<T>(&self, part: impl Future<Output = T>) -> Result<T, Problem> {
        timeout_at(self.deadline, part).await.map_err(|_| {
            Problem::new(Code::RequestTimeout).detail(format!(
                "A photo must arrive within {} seconds.",
                self.seconds
            ))
        })
    }

    /// Receives a body.
    ///
    /// # Errors
    /// `request_timeout`, `body_too_large`, `malformed_request` when it breaks off, `unavailable`.
    pub(super) async fn take<E: std::fmt::Display>(
        &self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Arrived, Problem> {
        let mut incoming = self.gallery.objects.receive().await?;
        while let Some(piece) = self.next(body.next()).await? {
            let piece = piece.map_err(|error| {
                Problem::new(Code::MalformedRequest)
                    .detail(format!("The body ended early: {error}."))
            })?;
            incoming.write(piece).await?;
            if incoming.size() > self.most_bytes {
                return Err(too_large(self.most_bytes));
            }
        }
        Ok(incoming.finish().await?)
    }
}

/// The error for a file that is larger than allowed.
pub(super) fn too_large(most_bytes: u64) -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("A photo has at most {most_bytes} bytes."))
}

/// Checks what has arrived.
///
/// # Errors `photo_rejected` if it is not a picture or not the announced one, `unavailable`.
pub(super) async fn look(
    arrived: &Arrived,
    announced: &[Digest],
    allowed: Allowed,
) -> Result<Seen, Problem> {
    let digest = arrived.digest;
    if let Some(other) = announced.iter().find(|announced| **announced != digest) {
        return Err(Problem::new(Code::PhotoRejected).detail(format!(
            "The content arrived with SHA-256 {digest}, but {other} was announced: it was damaged on the way. Send it again."
        )));
    }
    let size = i64::try_from(arrived.size).map_err(|_| too_large(allowed.max_bytes))?;
    let (path, most_pixels) = (arrived.path().to_owned(), allowed.max_pixels);
    let picture = low_priority::spawn_blocking(move || {
        let mut file = std::io::BufReader::new(std::fs::File::open(path)?);
        imaging::inspect(&mut file, most_pixels)
    })
    .await
    .map_err(|error| {
        tracing::error!(%error, "looking at a picture was interrupted");
        Problem::new(Code::Unavailable).retry_after(5)
    })?
    .map_err(super::objects::ObjectsError::from)?
    .map_err(|refusal| Problem::new(Code::PhotoRejected).detail(refusal.to_string()))?;
    Ok(Seen {
        digest,
        size,
        picture,
    })
}

/// Pins and stores what has arrived. With `foresee`, it first refuses whatever [`commands::arrive`]
/// would refuse. A request with an idempotency key must not be checked like this: it may be a
/// repetition, which gets its old answer whatever has changed since.
///
/// # Errors
/// What `arrive` would refuse, `unavailable`.
pub(super) async fn keep(
    gallery: &PhotoService,
    store: &Store,
    now: DateTime<Utc>,
    arrived: Arrived,
    arrival: &Arrival,
    foresee: bool,
) -> Result<(), Problem> {
    let arrival = arrival.clone();
    store
        .write(Lane::Interactive, move |conn| {
            if foresee {
                commands::foresee(conn, &arrival)?;
            }
            Ok(queries::pin(conn, arrival.digest, arrival.size, now)?)
        })
        .await?;
    gallery.objects.keep(arrived).await?;
    Ok(())
}
