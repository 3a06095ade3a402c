//! Reads a file that the database stores in pieces of equal size.
//!
//! Owns reading these pieces; it must not know what they contain. Any process can read the file,
//! backups include it, and only one piece is in memory at a time.

use std::io::{self, Read, Seek, SeekFrom};

use uuid::Uuid;

use super::queries;
use gridpatrol_store::Store;

/// Size of a piece in bytes; the last one may be smaller.
pub const PIECE: usize = 512 * 1024;

/// The file of an import.
pub struct StoredFile {
    store: Store,
    import: Uuid,
    size: u64,
    at: u64,
    held: Option<(u64, Vec<u8>)>,
}

impl StoredFile {
    /// The file of this import, from its beginning.
    #[must_use]
    pub const fn open(store: Store, import: Uuid, size: u64) -> Self {
        Self {
            store,
            import,
            size,
            at: 0,
            held: None,
        }
    }

    /// The piece at this place. It blocks.
    fn piece(&mut self, position: u64) -> io::Result<&[u8]> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != position) {
            let (import, wanted) = (self.import, i32::try_from(position).unwrap_or(i32::MAX));
            let content = self
                .store
                .read_blocking(|conn| Ok(queries::piece(conn, import, wanted)?))
                .map_err(io::Error::other)?
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            self.held = Some((position, content));
        }
        Ok(self.held.as_ref().map_or(&[], |(_, content)| content))
    }
}

impl Read for StoredFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || into.is_empty() {
            return Ok(0);
        }
        let (position, within) = (self.at / PIECE as u64, self.at % PIECE as u64);
        let within = usize::try_from(within).unwrap_or(usize::MAX);
        let rest = self.piece(position)?.get(within..).unwrap_or_default();
        let count = rest.len().min(into.len());
        for (to, from) in into.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for StoredFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
