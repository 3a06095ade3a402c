//! What changes of the grid tree need from reports: open reports follow a grid that moves or ends.
//!
//! Owns the interface only and must not know reports. The crate `reports` implements it, and the
//! program connects the two.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::code::RelocationReason;
use uuid::Uuid;

use crate::towns::directory::Town;
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::{Conn, Outcome};

/// A grid that moves or ends.
#[derive(Debug, Clone, Copy)]
pub struct Relocation {
    /// Where it was.
    pub from: GridPath,
    /// Where it is now, or which grid took over.
    pub to: GridPath,
    /// Which of both.
    pub reason: RelocationReason,
    /// Who did it. None: the command line.
    pub actor_id: Option<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
}

/// Finds the open reports of grids.
pub trait OpenReports: Send + Sync {
    /// Locks the open reports of these grids, in the order of their ids. Call it before you lock
    /// the town's row.
    ///
    /// # Errors
    /// If the database fails.
    fn lock(&self, conn: &mut Conn, town: Uuid, grids: &[Uuid]) -> Outcome<()>;

    /// The locked open reports of these grids, after the town's row is locked too. None if somebody
    /// is working on a report that was filed since [`OpenReports::lock`].
    ///
    /// # Errors
    /// If the database fails.
    fn locked(
        &self,
        conn: &mut Conn,
        town: Uuid,
        grids: &[Uuid],
    ) -> Outcome<Option<Box<dyn LockedReports>>>;
}

/// Open reports that are locked.
pub trait LockedReports {
    /// Whether there are none.
    fn is_empty(&self) -> bool;

    /// Moves the reports along with their grid. `before` is the town before the change, `town` the
    /// town now.
    ///
    /// # Errors
    /// If the database fails.
    fn follow(
        self: Box<Self>,
        conn: &mut Conn,
        head: &mut TownSequence,
        relocation: &Relocation,
        before: &Town,
        town: &Town,
    ) -> Outcome<()>;
}
