//! The facts of a town: its grids, and who is posted, deputises, is away or is on duty, and when.
//!
//! Owns these facts. It must not read the database.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::grid_management::Standing;
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Covers, Role};
use uuid::Uuid;

/// A grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Its id.
    pub id: Uuid,
    /// Its division code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its place in the tree.
    pub path: GridPath,
    /// The grid above. None for a town.
    pub parent_id: Option<Uuid>,
    /// A phone number or the like.
    pub contact: Option<String>,
    /// Its version.
    pub version: i64,
    /// From when it is valid.
    pub valid_from: DateTime<Utc>,
    /// When it ended.
    pub valid_to: Option<DateTime<Utc>>,
    /// The grid that took over when it ended.
    pub successor_id: Option<Uuid>,
    /// From when its present code is valid.
    pub code_from: DateTime<Utc>,
}

impl Grid {
    /// Whether it has ended.
    #[must_use]
    pub const fn is_archived(&self) -> bool {
        self.valid_to.is_some()
    }

    /// The grid as the rules for changing grids need it.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing {
            path: self.path,
            archived: self.is_archived(),
        }
    }

    /// Its tier.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.path.tier()
    }
}

/// A role at a grid, from one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedPosting {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub officer_id: Uuid,
    /// Where.
    pub grid_id: Uuid,
    /// As what.
    pub role: Role,
    /// From when.
    pub from: DateTime<Utc>,
    /// When it ends. None: no end.
    pub to: Option<DateTime<Utc>>,
    /// Whether it has the managing right.
    pub manages: bool,
}

impl DatedPosting {
    /// Whether it is in force at this instant or later.
    #[must_use]
    pub fn lasts(&self, now: DateTime<Utc>) -> bool {
        self.to.is_none_or(|to| now < to && self.from < to)
    }

    /// Whether it is in force at this instant.
    #[must_use]
    pub fn active(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.to.is_none_or(|to| now < to)
    }
}

/// A deputy for a posting, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedDeputy {
    /// Its id.
    pub id: Uuid,
    /// The posting.
    pub posting_id: Uuid,
    /// The deputy.
    pub deputy_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Which duties of the posting.
    pub covers: Covers,
    /// The absence that it belongs to.
    pub absence_id: Option<Uuid>,
}

/// When an officer is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedAbsence {
    /// Who.
    pub officer_id: Uuid,
    /// The deputy for all of the officer's postings.
    pub deputy_id: Option<Uuid>,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// A shift of the town's duty roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Its id.
    pub id: Uuid,
    /// Who is on duty.
    pub officer_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// A person who is or was posted or a deputy in the town, or a service account of the town.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// The phone number.
    pub phone: Option<String>,
    /// Whether the account is disabled.
    pub disabled: bool,
    /// How the person wants to receive notices. None: the town's setting.
    pub telling: Option<NotificationMode>,
}
