//! The `[photos]` table of the settings file.
//!
//! Owns its fields and nothing else.

use gridpatrol_domain::settings::Allowed;
use serde::Deserialize;

use gridpatrol_store::Secret;

/// The `[photos]` table: what photos may be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhotoLimits {
    /// Largest file in bytes.
    pub max_bytes: u64,
    /// Most pixels, width by height.
    pub max_pixels: u64,
    /// Seconds until a photo must have arrived.
    pub upload_timeout_s: u64,
    /// How many photos may arrive at the same time; more are answered with 503.
    pub uploads: usize,
    /// How many photos are scaled down at the same time; 0 means the number of processors minus
    /// one.
    pub workers: usize,
    /// The bucket of an S3-compatible store; without it, a folder in the data folder is used.
    pub s3_bucket: Option<String>,
    /// The address of that store, unless it is Amazon's.
    pub s3_endpoint: Option<String>,
    /// The region of that store.
    pub s3_region: Option<String>,
    /// The name of the key to that store; without it, the `AWS_…` environment variables are used.
    pub s3_access_key_id: Option<String>,
    /// The key to that store.
    pub s3_secret_access_key: Option<Secret>,
}

impl PhotoLimits {
    /// The limits that no town may exceed.
    #[must_use]
    pub const fn allowed(&self) -> Allowed {
        Allowed {
            max_bytes: self.max_bytes,
            max_pixels: self.max_pixels,
        }
    }
}

impl Default for PhotoLimits {
    fn default() -> Self {
        Self {
            max_bytes: 30 * 1024 * 1024,
            max_pixels: 40_000_000,
            upload_timeout_s: 300,
            uploads: 64,
            workers: 0,
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: None,
            s3_access_key_id: None,
            s3_secret_access_key: None,
        }
    }
}
