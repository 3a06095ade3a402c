//! Writes a ZIP into a file from pieces that are read elsewhere.
//!
//! Owns the writing, on a thread that may block, and the digests of what went in. It keeps only a
//! few pieces in memory. It must not know what the files mean.

use std::io::{self, BufWriter, Write as _};

use bytes::Bytes;
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use futures_util::{Stream, StreamExt as _};
use gridpatrol_domain::error::Code;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::photos::digest::Digest;
use crate::photos::objects::{Objects, ObjectsError, Scratch};
use crate::view::status_text::beijing;
use gridpatrol_problem::Problem;

/// How many pieces may wait to be written.
const WAITING: usize = 4;

enum Part {
    /// A file begins. Pictures are compressed already, so they are stored as they are.
    File { path: String, stored: bool },
    /// More bytes of the file.
    Piece(Bytes),
    /// The end. Without it, the archive is discarded.
    End,
}

/// What was written into the archive under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

/// A ZIP that is being written. If it is dropped before its end, no file remains.
pub struct Archive {
    parts: mpsc::Sender<Part>,
    writing: JoinHandle<io::Result<Scratch>>,
}

impl Archive {
    /// Begins a ZIP whose files are dated `at`.
    pub fn begin(objects: &Objects, at: DateTime<Utc>) -> Self {
        let (parts, arriving) = mpsc::channel(WAITING);
        let objects = objects.clone();
        let writing = tokio::task::spawn_blocking(move || write(&objects, at, arriving));
        Self { parts, writing }
    }

    /// Adds a text, compressed.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn add_text(&self, path: &str, text: Vec<u8>) -> Result<Added, Problem> {
        let whole = futures_util::stream::iter([Ok(Bytes::from(text))]);
        self.add(path, false, whole).await
    }

    /// Adds a picture without compressing it.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn add_picture(
        &self,
        path: &str,
        content: impl Stream<Item = Result<Bytes, ObjectsError>> + Unpin,
    ) -> Result<Added, Problem> {
        self.add(path, true, content).await
    }

    /// Begins a text that comes in pieces.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn begin_text(&self, path: &str) -> Result<Adding<'_>, Problem> {
        self.begin_file(path, false).await
    }

    async fn begin_file(&self, path: &str, stored: bool) -> Result<Adding<'_>, Problem> {
        let path = path.to_owned();
        self.send(Part::File { path, stored }).await?;
        Ok(Adding {
            archive: self,
            hash: Sha256::new(),
            size: 0,
        })
    }

    async fn add(
        &self,
        path: &str,
        stored: bool,
        mut content: impl Stream<Item = Result<Bytes, ObjectsError>> + Unpin,
    ) -> Result<Added, Problem> {
        let mut file = self.begin_file(path, stored).await?;
        while let Some(piece) = content.next().await {
            file.write(piece?).await?;
        }
        Ok(file.end())
    }

    async fn send(&self, part: Part) -> Result<(), Problem> {
        // The writer has stopped; the log says why.
        self.parts.send(part).await.map_err(|_| interrupted())
    }

    /// Ends the ZIP and returns it.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn finish(self) -> Result<Scratch, Problem> {
        self.send(Part::End).await?;
        match self.writing.await {
            Ok(Ok(whole)) => Ok(whole),
            Ok(Err(_)) | Err(_) => Err(interrupted()),
        }
    }
}

/// A file that is being written into an archive.
pub struct Adding<'a> {
    archive: &'a Archive,
    hash: Sha256,
    size: u64,
}

impl Adding<'_> {
    /// Adds a piece.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), Problem> {
        self.hash.update(&piece);
        self.size += u64::try_from(piece.len()).unwrap_or_default();
        self.archive.send(Part::Piece(piece)).await
    }

    /// Ends the file, and returns what was written.
    #[must_use]
    pub fn end(self) -> Added {
        Added {
            size: self.size,
            digest: Digest::finished(self.hash),
        }
    }
}

fn interrupted() -> Problem {
    Problem::new(Code::Unavailable).retry_after(5)
}

fn write(
    objects: &Objects,
    at: DateTime<Utc>,
    arriving: mpsc::Receiver<Part>,
) -> io::Result<Scratch> {
    written(objects, at, arriving).inspect_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            tracing::debug!("an archive was given up");
        } else {
            tracing::error!(%error, "an archive cannot be written");
        }
    })
}

fn written(
    objects: &Objects,
    at: DateTime<Utc>,
    mut arriving: mpsc::Receiver<Part>,
) -> io::Result<Scratch> {
    let scratch = objects.scratch()?;
    let mut zip = ZipWriter::new(BufWriter::new(scratch.file()?));
    let dated = SimpleFileOptions::default().last_modified_time(date(at));
    loop {
        match arriving.blocking_recv() {
            Some(Part::File { path, stored }) => {
                let method = if stored {
                    CompressionMethod::Stored
                } else {
                    CompressionMethod::Deflated
                };
                zip.start_file(path, dated.compression_method(method))?;
            }
            Some(Part::Piece(piece)) => zip.write_all(&piece)?,
            Some(Part::End) => break,
            None => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    zip.finish()?.flush()?;
    Ok(scratch)
}

/// A time in the form a ZIP uses: local time in Beijing.
fn date(at: DateTime<Utc>) -> zip::DateTime {
    let at = beijing(at);
    let part = |part: u32| u8::try_from(part).unwrap_or_default();
    zip::DateTime::from_date_and_time(
        u16::try_from(at.year()).unwrap_or_default(),
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
    .unwrap_or_default()
}
