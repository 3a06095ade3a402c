//! Where contents are stored: originals and their smaller copies, by the SHA-256 of the original, in
//! a local folder or an S3-compatible store. They are streamed in and out, never whole in memory.
//!
//! Owns this storage. Once `keep` or `put` returns, the content is durable. It must not know the
//! database.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::digest::Digest;
use super::settings::PhotoLimits;
use gridpatrol_store::low_priority;

/// How much is read or written at once.
const CHUNK: usize = 128 * 1024;
/// How many pieces of a request may wait to be written; each has about 64 KB at most.
const PIECES: usize = 4;
const INCOMING: &str = "incoming";

/// One of the three files stored for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The content as it arrived.
    Original,
    /// The copy for a screen.
    Preview,
    /// The copy for a list.
    Thumbnail,
}

impl Variant {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Original, Self::Preview, Self::Thumbnail];

    /// Its name in paths.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Preview => "preview",
            Self::Thumbnail => "thumbnail",
        }
    }
}

/// An error of the store of contents.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// An error of the object store.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// An error of the file system.
    #[error("photo folder: {0}")]
    File(#[from] io::Error),
    /// A bucket is configured, but this program was built without the feature `s3`.
    #[error("photos.s3_bucket is set, and this program was built without the feature `s3`")]
    NoS3,
}

/// The store of contents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder for what is arriving; on the same file system as the objects if they are local.
    folder: PathBuf,
    local: bool,
}

/// A content that can be read.
pub struct Content {
    /// The size of the whole.
    pub size: u64,
    /// The range that is read.
    pub range: Range<u64>,
    /// The bytes of that range.
    pub stream: BoxStream<'static, Result<Bytes, ObjectsError>>,
}

impl Objects {
    /// Opens the store that the settings name: a bucket, otherwise `folder`.
    ///
    /// # Errors If the store cannot be used.
    pub fn open(limits: &PhotoLimits, folder: &FilePath) -> Result<Self, ObjectsError> {
        match &limits.s3_bucket {
            None => Self::local(folder),
            #[cfg(feature = "s3")]
            Some(bucket) => Self::s3(limits, bucket, folder),
            #[cfg(not(feature = "s3"))]
            Some(_) => Err(ObjectsError::NoS3),
        }
    }

    /// A store in a local folder, which is created if missing. Contents count as stored only after
    /// they are synchronised to disk.
    pub fn local(folder: &FilePath) -> Result<Self, ObjectsError> {
        std::fs::create_dir_all(folder.join(INCOMING))?;
        Ok(Self {
            store: Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
            folder: folder.to_owned(),
            local: true,
        })
    }

    /// The S3-compatible store of the settings. What they leave out comes from the usual `AWS_…`
    /// environment variables. `folder` holds only what is arriving.
    #[cfg(feature = "s3")]
    fn s3(limits: &PhotoLimits, bucket: &str, folder: &FilePath) -> Result<Self, ObjectsError> {
        std::fs::create_dir_all(folder.join(INCOMING))?;
        let mut builder = object_store::aws::AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            // Inside the network of a town, the store often uses plain HTTP.
            .with_allow_http(true);
        if let Some(endpoint) = &limits.s3_endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &limits.s3_region {
            builder = builder.with_region(region);
        }
        if let Some(name) = &limits.s3_access_key_id {
            builder = builder.with_access_key_id(name);
        }
        if let Some(key) = &limits.s3_secret_access_key {
            builder = builder.with_secret_access_key(key.expose());
        }
        Ok(Self {
            store: Arc::new(builder.build()?),
            folder: folder.to_owned(),
            local: false,
        })
    }

    fn path(digest: Digest, variant: Variant) -> Path {
        let name = digest.to_string();
        let (shelf, board) = (
            name.get(..2).unwrap_or_default(),
            name.get(2..4).unwrap_or_default(),
        );
        Path::from_iter([variant.code(), shelf, board, &name])
    }

    /// A file for a content that is about to arrive.
    pub async fn receive(&self) -> Result<Incoming, ObjectsError> {
        let path = self
            .folder
            .join(INCOMING)
            .join(uuid::Uuid::new_v4().simple().to_string());
        let file = tokio::fs::File::create_new(&path).await?;
        let left_over = LeftOver(Some(path));
        let (pieces, arriving) = mpsc::channel(PIECES);
        Ok(Incoming {
            pieces,
            writing: Writing(low_priority::spawn(written(file, arriving))),
            size: 0,
            left_over,
        })
    }

    /// An empty file for something that is built and then sent. Blocking.
    pub fn scratch(&self) -> io::Result<Scratch> {
        let path = self
            .folder
            .join(INCOMING)
            .join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::File::create_new(&path)?;
        Ok(Scratch(LeftOver(Some(path))))
    }

    /// Stores an arrived content as an original. Storing the same content again does no harm.
    pub async fn keep(&self, mut arrived: Arrived) -> Result<(), ObjectsError> {
        let to = Self::path(arrived.digest, Variant::Original);
        let file = arrived.path().to_owned();
        if self.local {
            let name = file
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            self.store
                .rename(&Path::from_iter([INCOMING, name]), &to)
                .await?;
            arrived.left_over.0 = None;
            return Ok(());
        }
        let mut writer = BufWriter::new(Arc::clone(&self.store), to);
        let mut content = pieces(tokio::fs::File::open(&file).await?, arrived.size);
        while let Some(piece) = content.next().await {
            let put = match piece {
                Ok(piece) => writer.put(piece).await,
                Err(error) => {
                    writer.abort().await?;
                    return Err(error);
                }
            };
            if let Err(error) = put {
                writer.abort().await?;
                return Err(error.into());
            }
        }
        Ok(writer.shutdown().await?)
    }

    /// Stores a small content.
    pub async fn put(
        &self,
        digest: Digest,
        variant: Variant,
        content: Vec<u8>,
    ) -> Result<(), ObjectsError> {
        self.store
            .put(&Self::path(digest, variant), content.into())
            .await?;
        Ok(())
    }

    /// Opens a content for reading, or the part of it in `range`; none if there is no such content.
    pub async fn content(
        &self,
        digest: Digest,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<Option<Content>, ObjectsError> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let found = match self
            .store
            .get_opts(&Self::path(digest, variant), options)
            .await
        {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let (size, range) = (found.meta.size, found.range.clone());
        let stream = match found.payload {
            GetResultPayload::File(file, _) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(SeekFrom::Start(range.start)).await?;
                pieces(file, range.end - range.start)
            }
            GetResultPayload::Stream(stream) => stream.map_err(ObjectsError::from).boxed(),
        };
        Ok(Some(Content {
            size,
            range,
            stream,
        }))
    }

    /// Reads a whole content. Only for contents whose size was checked when they arrived.
    pub async fn read(
        &self,
        digest: Digest,
        variant: Variant,
    ) -> Result<Option<Bytes>, ObjectsError> {
        match self.store.get(&Self::path(digest, variant)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => Ok(Some(found?.bytes().await?)),
        }
    }

    /// Removes an original and its copies; missing files are no error.
    pub async fn remove(&self, digest: Digest) -> Result<(), ObjectsError> {
        // The original goes last: as long as it exists, its copies can be made again.
        for variant in [Variant::Thumbnail, Variant::Preview, Variant::Original] {
            match self.store.delete(&Self::path(digest, variant)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Checks that photos can arrive and the store answers.
    pub async fn ping(&self) -> Result<(), ObjectsError> {
        let probe = self
            .folder
            .join(INCOMING)
            .join(format!("probe-{}", uuid::Uuid::now_v7()));
        tokio::fs::write(&probe, b"").await?;
        tokio::fs::remove_file(&probe).await?;
        match self.store.head(&Path::from("ping")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes partly arrived files that are older than `age`. Blocking.
    pub fn sweep_incoming(&self, age: Duration) -> io::Result<usize> {
        let now = SystemTime::now();
        let mut removed = 0;
        for entry in std::fs::read_dir(self.folder.join(INCOMING))? {
            let entry = entry?;
            let written = match entry.metadata() {
                Ok(metadata) => metadata.modified()?,
                // Its upload ended just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if now.duration_since(written).is_ok_and(|lying| lying >= age) {
                match std::fs::remove_file(entry.path()) {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(removed)
    }
}

/// The next `length` bytes of a file, piece by piece. A file that ends early is an error: the
/// answer must not look complete.
fn pieces(file: tokio::fs::File, length: u64) -> BoxStream<'static, Result<Bytes, ObjectsError>> {
    futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        let mut piece = Vec::with_capacity(wanted);
        (&mut file)
            .take(u64::try_from(wanted).unwrap_or(left))
            .read_to_end(&mut piece)
            .await?;
        if piece.len() < wanted {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(left));
        Ok(Some((Bytes::from(piece), (file, left))))
    })
    .boxed()
}

/// Removes a file when dropped, unless the path was taken out.
struct LeftOver(Option<PathBuf>);

impl Drop for LeftOver {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "an incoming file could not be removed; the cleanup will remove it");
        }
    }
}

/// A file that only this process uses; removed when dropped.
pub struct Scratch(LeftOver);

impl Scratch {
    /// The file, for writing. Blocking.
    pub fn file(&self) -> io::Result<std::fs::File> {
        std::fs::File::options().write(true).open(self.path())
    }

    fn path(&self) -> &FilePath {
        self.0.0.as_deref().unwrap_or(FilePath::new(""))
    }

    /// Its contents and their length. The file is removed once they were read, or the reader gave
    /// up.
    pub async fn content(self) -> Result<Content, ObjectsError> {
        let file = tokio::fs::File::open(self.path()).await?;
        let size = file.metadata().await?.len();
        let stream = pieces(file, size)
            .map(move |piece| {
                let _kept = &self;
                piece
            })
            .boxed();
        Ok(Content {
            size,
            range: 0..size,
            stream,
        })
    }
}

/// A content that is arriving: hashed and written to a temporary file, which is removed unless it
/// is stored.
pub struct Incoming {
    pieces: mpsc::Sender<Bytes>,
    writing: Writing,
    size: u64,
    left_over: LeftOver,
}

/// The task that writes; it ends when its owner is dropped.
struct Writing(JoinHandle<io::Result<Sha256>>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Writing {
    async fn ended(&mut self) -> io::Result<Sha256> {
        (&mut self.0).await?
    }
}

impl Incoming {
    /// Accepts the next bytes as soon as there is room for them.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), ObjectsError> {
        self.size = self
            .size
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.pieces.send(piece).await.is_err() {
            // The task ends before the last piece only if it fails.
            self.writing.ended().await?;
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        Ok(())
    }

    /// How many bytes have arrived.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Says that everything has arrived. When this returns, it is on the disk.
    pub async fn finish(mut self) -> Result<Arrived, ObjectsError> {
        drop(self.pieces);
        let hash = self.writing.ended().await?;
        Ok(Arrived {
            digest: Digest::finished(hash),
            size: self.size,
            left_over: self.left_over,
        })
    }
}

/// Writes and hashes the pieces until the last one; then the file is on the disk.
async fn written(file: tokio::fs::File, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<Sha256> {
    let mut file = tokio::io::BufWriter::with_capacity(CHUNK, file);
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.recv().await {
        hash.update(&piece);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    file.get_ref().sync_all().await?;
    Ok(hash)
}

/// A content that has arrived and is not yet stored; removed unless it is stored.
pub struct Arrived {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    left_over: LeftOver,
}

impl Arrived {
    /// The path of its file.
    #[must_use]
    pub fn path(&self) -> &FilePath {
        self.left_over.0.as_deref().unwrap_or(FilePath::new(""))
    }
}

#[cfg(test)]
mod tests;
