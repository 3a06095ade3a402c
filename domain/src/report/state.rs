//! The state of a report as the rules read and write it.
//!
//! Owns what follows from the state alone: who must act, whether it is late. What changes it stands in
//! `actions` and `lapse`. Texts, photos and numbers are the store's.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::code::{Duty, Outcome, Severity, Source, Status, WarningLevel};
use super::handler::Handler;
use super::proceedings::Proceedings;
use crate::category::Category;
use crate::grid::{GridPath, Tier};
use crate::officer::Staffing;

/// Who must act now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desk {
    /// The grid.
    pub grid: GridPath,
    /// The one officer, when the work was given to a person.
    pub officer: Option<Uuid>,
    /// The team, when the work was given to one.
    pub team: Option<Uuid>,
    /// What to do.
    pub duty: Duty,
}

/// How often the report was sent back, by the tier that had sent it up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Returns {
    /// Sent up by the group.
    pub group: u32,
    /// Sent up by the village.
    pub village: u32,
}

impl Returns {
    /// The count of one sending tier.
    #[must_use]
    pub const fn from(self, sender: Tier) -> u32 {
        match sender {
            Tier::Group => self.group,
            Tier::Village => self.village,
            Tier::Town => 0,
        }
    }

    pub(crate) const fn count(&mut self, sender: Tier) {
        match sender {
            Tier::Group => self.group += 1,
            Tier::Village => self.village += 1,
            Tier::Town => {}
        }
    }
}

/// The state of a report as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: Uuid,
    /// The grid where it is, with its ancestors.
    pub place: GridPath,
    /// The tier that filed it.
    pub filing_tier: Tier,
    /// What is wrong.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// Who noticed.
    pub source: Source,
    /// Its status.
    pub status: Status,
    /// Its status before it was voided.
    pub status_before_void: Option<Status>,
    /// The report that it repeats, while it is void for that reason.
    pub duplicate_of: Option<Uuid>,
    /// The tier of the grid on its path that answers for it.
    pub holder_tier: Tier,
    /// Who does the work, when not the holder.
    pub handler: Option<Handler>,
    /// Since when the present desk has it.
    pub desk_since: DateTime<Utc>,
    /// Who asked for the current escalation.
    pub escalation_requested_by: Option<Uuid>,
    /// How often it was sent back.
    pub returns: Returns,
    /// How often a resolution did not pass.
    pub rework_count: u32,
    /// Who filed it.
    pub reporter_id: Uuid,
    /// When somebody other than the reporter first acted on it.
    pub first_acted_at: Option<DateTime<Utc>>,
    /// 受理: when the present desk accepted it, or first acted on it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Who put it right.
    pub resolved_by: Option<Uuid>,
    /// When it was put right.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Whether one person resolved and verified it, because there was nobody else.
    pub self_verified: bool,
    /// When the server received it.
    pub received_at: DateTime<Utc>,
    /// Its round: 1 until it is reopened.
    pub round: u32,
    /// When the round began. Of the first, when it was received.
    pub round_since: DateTime<Utc>,
    /// How often it came back after it was closed.
    pub rebounds: u32,
    /// How long it was at the county, without the current referral.
    pub away: TimeDelta,
    /// What is in progress besides its way through the tiers.
    pub proceedings: Proceedings,
    /// When the whole matter is due.
    pub deadline_at: DateTime<Utc>,
    /// When the desk must have acted; of a suspended report, when somebody must look at it. Present
    /// exactly while it is neither closed nor void.
    pub next_due_at: Option<DateTime<Utc>>,
    /// How much of the whole limit is used up.
    pub warning_level: WarningLevel,
    /// When the warning level changes next; absent when it does not.
    pub warning_due_at: Option<DateTime<Utc>>,
    /// Raised by every action and amendment, but not by comments and photos.
    pub version: i64,
}

impl Report {
    /// The grid that answers for it.
    #[must_use]
    pub fn holder(&self) -> GridPath {
        self.place.up_to(self.holder_tier)
    }

    /// From when its limit counts: the beginning of the round, later by the time in which the clock
    /// stood still since.
    #[must_use]
    pub fn limit_since(&self) -> DateTime<Utc> {
        self.round_since + TimeDelta::milliseconds(self.proceedings.stood_still_ms)
    }

    /// How long it took or has taken, from receipt on, in all its rounds.
    #[must_use]
    pub fn gross_time(&self, now: DateTime<Utc>) -> TimeDelta {
        (self.closed_at.unwrap_or(now) - self.received_at).max(TimeDelta::zero())
    }

    /// The same without the time at the county: the town's own time.
    #[must_use]
    pub fn own_time(&self, now: DateTime<Utc>) -> TimeDelta {
        let away = self
            .proceedings
            .referral
            .as_ref()
            .map_or(TimeDelta::zero(), |referral| now - referral.since)
            .max(TimeDelta::zero());
        (self.gross_time(now) - self.away - away).max(TimeDelta::zero())
    }

    /// Who must act now (DESIGN.md 3). It follows from the rest; nobody, when it is closed, void or
    /// suspended. While more time is asked for, whoever decides on that: one tier above the holder.
    #[must_use]
    pub fn desk(&self) -> Option<Desk> {
        let holder = |duty| Desk {
            grid: self.holder(),
            officer: None,
            team: None,
            duty,
        };
        let asked = self.proceedings.extension.is_some() && self.status == Status::Open;
        match self.status {
            Status::Open if asked => Some(Desk {
                grid: self
                    .place
                    .up_to(self.holder_tier.above().unwrap_or(Tier::Town)),
                officer: None,
                team: None,
                duty: Duty::Grant,
            }),
            Status::Open => Some(self.handler.as_ref().map_or_else(
                || holder(Duty::Handle),
                |handler| Desk {
                    grid: handler.grid,
                    officer: handler.officer,
                    team: handler.team,
                    duty: Duty::Handle,
                },
            )),
            Status::Escalating => Some(Desk {
                grid: self.place.up_to(Tier::Village),
                officer: None,
                team: None,
                duty: Duty::Decide,
            }),
            Status::Resolved => Some(holder(Duty::Verify)),
            Status::Suspended | Status::Closed | Status::Void => None,
        }
    }

    /// Whether the whole matter is late: at its end, when its clock stopped, or now.
    #[must_use]
    pub fn overdue(&self, now: DateTime<Utc>) -> bool {
        let Proceedings {
            suspension,
            referral,
            ..
        } = &self.proceedings;
        let stopped = suspension.as_ref().map(|suspension| suspension.since);
        let stopped = stopped.or(referral.as_ref().map(|referral| referral.since));
        self.status != Status::Void && self.closed_at.or(stopped).unwrap_or(now) > self.deadline_at
    }

    /// The officers who must act now, fallbacks included.
    #[must_use]
    pub fn desk_officers(&self, staffing: &Staffing) -> Vec<Uuid> {
        let Some(desk) = self.desk() else {
            return Vec::new();
        };
        match (desk.duty, &self.handler) {
            (Duty::Decide, _) => staffing.deciders(self.place),
            (Duty::Handle, Some(handler)) => handler.officers(staffing),
            _ => staffing.officers(desk.grid),
        }
    }

    /// Whether the same people have the same duty as in another state of the report.
    #[must_use]
    pub fn same_desk(&self, other: &Self) -> bool {
        let beside = |report: &Self| match report.desk() {
            Some(Desk {
                duty: Duty::Handle, ..
            }) => report
                .handler
                .as_ref()
                .map(|handler| handler.co_handlers.clone()),
            _ => None,
        };
        self.desk() == other.desk() && beside(self) == beside(other)
    }
}
