//! The files that the build script has prepared, and the routes of the document.

/// A file, compressed when the program was built.
pub struct File {
    /// What it is asked for by.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// The hash of its content.
    pub tag: &'static str,
    /// Its content, by gzip.
    pub packed: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl File {
    /// The file of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }
}
