//! To whom a holder wants to give the work.
//!
//! Owns the request alone. Whether it may be given there stands in `actions::assignment`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::grid::GridPath;
use crate::team::Team;

/// Co-handlers at most.
pub const MOST_CO_HANDLERS: usize = 10;

/// To whom to give the work: a team, a grid, an officer, or an officer at a grid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// To a grid. A grid that the town does not know is passed as a town of its own, which lies below
    /// nobody.
    pub grid: Option<GridPath>,
    /// To an officer, with the grids where that officer is posted.
    pub officer: Option<(Uuid, Vec<GridPath>)>,
    /// To a team. One that the town does not know, or that is archived, is passed as that of a town
    /// of its own.
    pub team: Option<Team>,
    /// Officers who help, with the grids where each is posted.
    pub co_handlers: Vec<(Uuid, Vec<GridPath>)>,
    /// What to do.
    pub instruction: Option<String>,
    /// By when, within the deadline.
    pub due_at: Option<DateTime<Utc>>,
}
