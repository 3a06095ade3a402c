//! Photos: taken in as a stream and checked, kept byte for byte, shown small and upright.
//!
//! An upload is written to a file, examined, pinned and stored; only then is it recorded as a photo,
//! and the answer comes last. Workers make the smaller copies and clean up. Owns who may see and
//! send which picture. It must not know the lifecycle of reports.

pub mod commands;
pub mod digest;
mod download;
mod form;
pub mod imaging;
pub mod links;
pub mod objects;
pub mod queries;
pub mod routes;
pub mod rows;
pub mod settings;
mod upload;
pub mod wire;

use std::path::Path;
use std::sync::Arc;

use gridpatrol_domain::error::Code;
use tokio::sync::{Notify, Semaphore};

use gridpatrol_problem::Problem;
use links::Links;
use objects::{Objects, ObjectsError};
use settings::PhotoLimits;

/// What is needed to receive and show photos. Cheap to clone.
#[derive(Clone)]
pub struct PhotoService {
    /// What photos may be, on this server.
    pub limits: Arc<PhotoLimits>,
    /// Where contents lie.
    pub objects: Objects,
    /// Makes and checks links.
    pub links: Links,
    /// Notified when a photo arrives that needs smaller copies.
    pub arrivals: Arc<Notify>,
    /// How many photos may arrive at the same time.
    uploads: Arc<Semaphore>,
    /// How many packages may be built at the same time.
    pub packages: Arc<Semaphore>,
    /// How many packages may lie on the disk: those being built, and those not yet read.
    pub packages_kept: Arc<Semaphore>,
}

/// How many packages are built at the same time. Each reads originals as fast as it can.
const PACKAGES: usize = 2;

/// How many packages lie on the disk at the same time. Each is as large as the originals of its
/// report.
const PACKAGES_KEPT: usize = 8;

impl PhotoService {
    /// Opens the store of contents that the settings name; `key` signs links.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(
        limits: &PhotoLimits,
        data_dir: &Path,
        key: &[u8; 32],
    ) -> Result<Self, ObjectsError> {
        Ok(Self {
            limits: Arc::new(limits.clone()),
            objects: Objects::open(limits, &data_dir.join("photos"))?,
            links: Links::new(key),
            arrivals: Arc::default(),
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            packages: Arc::new(Semaphore::new(PACKAGES)),
            packages_kept: Arc::new(Semaphore::new(PACKAGES_KEPT)),
        })
    }
}

impl From<ObjectsError> for Problem {
    fn from(error: ObjectsError) -> Self {
        tracing::error!(%error, "the store of photos does not serve");
        Self::new(Code::Unavailable).retry_after(5)
    }
}
