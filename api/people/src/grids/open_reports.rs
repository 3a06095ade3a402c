//! What the changes of the tree ask of reports: that open ones follow a grid that moves or ends.
//!
//! Owns the question only. The answer is the reports' own (`reports` implements it), and the program
//! brings both together.

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
    /// Where it is now, or who took over.
    pub to: GridPath,
    /// Which of both.
    pub reason: RelocationReason,
    /// Who did it; none: the command line.
    pub actor_id: Option<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
}

/// Finds the open reports of grids.
pub trait OpenReports: Send + Sync {
    /// Locks the open reports of these grids, in the order of their ids. Before the town's row is
    /// locked.
    ///
    /// # Errors
    /// If the database fails.
    fn lock(&self, conn: &mut Conn, town: Uuid, grids: &[Uuid]) -> Outcome<()>;

    /// The open reports of these grids, locked, once the town's row is locked too. None if somebody
    /// works on one that was filed since [`OpenReports::lock`].
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
    /// Whether there is none.
    fn is_empty(&self) -> bool;

    /// Lets them follow. `before` is the town as they knew it, `town` as it is now.
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
