//! Prepares what the program serves of its documentation, so that serving it costs nothing at start:
//! the OpenAPI document in both languages, the reader of `/docs`, the guides. All of it compressed.
//!
//! Reads `openapi.yaml`, the translation and `docs/`, and writes `embedded.rs` for `src/docs`.

#[path = "build/embedded.rs"]
mod embedded;
#[path = "build/guides.rs"]
mod guides;
#[path = "build/openapi.rs"]
mod openapi;
// The tests of the program use the rest of it.
#[allow(dead_code)]
#[path = "src/docs/translation.rs"]
mod translation;

use std::error::Error;
use std::path::PathBuf;

use embedded::Embedded;

/// The languages of the documentation, as their tags.
const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut embedded = Embedded::new(PathBuf::from(std::env::var("OUT_DIR")?));
    let routes = openapi::embed(&here, &mut embedded)?;
    guides::embed(&here, &mut embedded)?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/docs/translation.rs");
    embedded.write(&routes)
}
