//! Sending a package: its file lies on the disk for as long as somebody reads it, and no longer.
//!
//! Owns when that is over: it was read, the reader has gone, or stands still. A body is asked for its next
//! piece only when the line takes one, and cannot see that nobody asks: the file is therefore held by a
//! task of its own.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::photos::objects::{Content, ObjectsError};

/// How long a reader may take no piece.
pub const STANDSTILL: Duration = Duration::from_secs(60);

/// What stands in the file, which lets go of its place on the disk once that was read, or given up. After
/// a standstill it ends with an error: the answer must not look whole.
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
