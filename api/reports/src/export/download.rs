//! Sends a package, and removes its file as soon as it is no longer read.
//!
//! Owns when that is: the package was read, the reader has gone, or the reader stopped taking data.
//! The server asks a body for its next piece only when the connection can take one, so a body cannot
//! notice that its reader has stopped. That is why a separate task holds the file.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::photos::objects::{Content, ObjectsError};

/// How long a reader may go without taking a piece.
pub const STANDSTILL: Duration = Duration::from_secs(60);

/// Streams the file, and frees its place on the disk once it was read or the reader gave up. If the
/// reader stops for too long, the stream ends with an error, so that the answer does not look
/// complete.
pub fn watched(
    content: Content,
    kept: OwnedSemaphorePermit,
    standstill: Duration,
) -> impl Stream<Item = Result<Bytes, ObjectsError>> + use<> {
    let Content {
        size, mut stream, ..
    } = content;
    let (pieces, arriving) = mpsc::channel(1);
    tokio::spawn(async move {
        let _kept = kept;
        while let Some(piece) = stream.next().await {
            match tokio::time::timeout(standstill, pieces.send(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    tracing::info!("a download of a package stands still and is ended");
                    return;
                }
            }
        }
    });
    futures_util::stream::try_unfold((arriving, size), |(mut arriving, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let piece: Bytes = arriving
            .recv()
            .await
            .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::TimedOut).into()))?;
        let read = u64::try_from(piece.len()).unwrap_or(left);
        Ok(Some((piece, (arriving, left.saturating_sub(read)))))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn content(pieces: usize) -> Content {
        let size = u64::try_from(pieces).unwrap();
        let stream = futures_util::stream::repeat_with(|| Ok(Bytes::from_static(b"x")));
        Content {
            size,
            range: 0..size,
            stream: stream.take(pieces).boxed(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_once_it_was_read_or_given_up() {
        let places = Arc::new(Semaphore::new(1));
        let place = || Arc::clone(&places).try_acquire_owned().unwrap();
        let read = watched(content(5), place(), STANDSTILL);
        assert_eq!(places.available_permits(), 0);
        assert_eq!(
            read.filter(|piece| std::future::ready(piece.is_ok()))
                .count()
                .await,
            5
        );
        assert_eq!(places.available_permits(), 1);

        let given_up = watched(content(5), place(), STANDSTILL);
        tokio::task::yield_now().await;
        assert_eq!(places.available_permits(), 0);
        drop(given_up);
        tokio::task::yield_now().await;
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_loses_the_place_and_who_is_slow_does_not() {
        let places = Arc::new(Semaphore::new(1));
        let place = || Arc::clone(&places).try_acquire_owned().unwrap();
        let mut slow = Box::pin(watched(content(5), place(), STANDSTILL));
        for _ in 0..5 {
            tokio::time::sleep(STANDSTILL / 2).await;
            assert!(slow.next().await.unwrap().is_ok());
        }
        assert!(slow.next().await.is_none());
        assert_eq!(places.available_permits(), 1);

        let mut still = Box::pin(watched(content(5), place(), STANDSTILL));
        assert!(still.next().await.unwrap().is_ok());
        tokio::time::sleep(STANDSTILL * 2).await;
        assert_eq!(places.available_permits(), 1);
        let rest: Vec<_> = still.collect().await;
        assert!(rest.last().unwrap().is_err(), "it does not look whole");
    }
}
