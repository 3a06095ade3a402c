//! A report as it is stored, with all that its answer needs.
//!
//! Commands return it, so that nobody waits for the one writer while an answer is put together.

use chrono::{DateTime, Utc};

use crate::notices::envelope::OriginalReport;
use crate::photos::rows::PhotoRow;
use crate::record::queries::Found;
use crate::record::rows::{ReportRow, TextsRow};
use crate::record::same_matter;
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::response::Report;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_store::{Conn, Outcome};

/// A report as it is stored.
pub struct Stored {
    /// Its town.
    pub staffed: StaffedTown,
    /// The narrow row.
    pub row: ReportRow,
    /// Its texts.
    pub texts: TextsRow,
    /// Its photos.
    pub photos: Vec<PhotoRow>,
    /// The report that it is void as a duplicate of.
    pub original: Option<OriginalReport>,
}

impl Stored {
    /// Reads what belongs to a report that was found.
    ///
    /// # Errors
    /// If the database fails.
    pub fn read(
        conn: &mut Conn,
        directory: &Directory,
        found: Found,
        now: DateTime<Utc>,
    ) -> Outcome<Self> {
        let staffed = StaffedTown::read(conn, directory, found.row.town_id, now)?;
        let photos = present::photos_of(conn, found.row.id)?;
        let original = same_matter::original(conn, &found.row)?;
        Ok(Self {
            staffed,
            row: found.row,
            texts: found.texts,
            photos,
            original,
        })
    }

    /// The report as the caller sees it.
    #[must_use]
    pub fn present(self, services: &Services, viewer: &Viewer) -> Report {
        present::report(
            services,
            viewer,
            &self.staffed,
            &self.row,
            &self.texts,
            &self.photos,
            self.original,
        )
    }
}
