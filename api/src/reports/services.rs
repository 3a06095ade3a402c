//! What commands and views of reports need besides a connection.

use std::sync::Arc;

use crate::photos::links::Links;
use crate::reports::wake_timer::WakeTimer;
use crate::towns::directory::Directory;

/// The handles that commands and views of reports share. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The towns as they stand.
    pub directory: Directory,
    /// Signs the links to photos.
    pub links: Links,
    /// Wakes the clock for what is due sooner than it looks.
    pub wake_timer: Arc<WakeTimer>,
}
