//! What commands and views of reports need besides a database connection.
//!
//! Owns the set of shared handles and no behaviour.

use std::sync::Arc;

use gridpatrol_domain::report::{Report, lapse};

use crate::deadlines::wake_timer::WakeTimer;
use crate::photos::links::Links;
use gridpatrol_people::towns::directory::Directory;

/// The handles that commands and views of reports share. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The present data of the towns: grids, officers, postings, settings.
    pub directory: Directory,
    /// Signs the links to photos.
    pub links: Links,
    /// Wakes the clock when something is due before its next look.
    pub wake_timer: Arc<WakeTimer>,
}

impl Services {
    /// Lets the clock know what is due to the report next.
    pub fn wake(&self, report: &Report) {
        if let Some(due) = lapse::due_at(report) {
            self.wake_timer.set(due);
        }
    }
}
