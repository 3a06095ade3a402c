//! Files that are compiled into the program, each compressed once.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A route: its path and the methods it has.
pub type Route = (String, Vec<&'static str>);

/// The files so far.
pub struct Embedded {
    folder: PathBuf,
    entries: String,
    count: usize,
}

impl Embedded {
    /// Files that are written to this folder.
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            entries: String::new(),
            count: 0,
        }
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, kind: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        let file = format!("{}.gz", self.count);
        fs::write(self.folder.join(&file), encoder.finish()?)?;
        self.count += 1;
        let tag: String = Sha256::digest(content)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        writeln!(
            self.entries,
            "    File {{ name: {name:?}, kind: {kind:?}, tag: {tag:?}, packed: include_bytes!({file:?}) }},"
        )?;
        Ok(())
    }

    /// Writes the table of all files, and that of the routes.
    pub fn write(self, routes: &[Route]) -> Result<(), Box<dyn Error>> {
        let mut source = format!("const FILES: &[File] = &[\n{}];\n", self.entries);
        writeln!(
            source,
            "/// The routes of the document: paths and methods.\npub const ROUTES: &[(&str, &[&str])] = &["
        )?;
        for (path, methods) in routes {
            writeln!(source, "    ({path:?}, &{methods:?}),")?;
        }
        writeln!(source, "];")?;
        fs::write(self.folder.join("embedded.rs"), source)?;
        Ok(())
    }
}
