//! By when: the total limit of a report, and the due instant of each step.
//!
//! Owns the table of DOMAIN.md 2 and the shares of DESIGN.md 3 as default settings. The total counts
//! from receipt and is never moved by edits, returns or reassignments; steps are shares of it. It
//! must not decide what happens when a step is missed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Category, Duty, Report, Severity};
use crate::calendar::{Calendar, Span};
use crate::grid::Tier;

/// Limits by severity for one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For critical reports.
    pub critical: Span,
    /// For serious reports.
    pub serious: Span,
    /// For general reports.
    pub general: Span,
}

/// The settings that a decision follows. Every number here is a default with no authority behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Limits by category, where they differ from the defaults.
    pub limits: BTreeMap<Category, Limits>,
    /// The limit of a minor report of any category.
    pub minor: Span,
    /// Percent of the total at which the group's step ends.
    pub group_share: u32,
    /// Percent of the total at which the decision is due.
    pub decision_share: u32,
    /// Percent of the total at which the village's step ends.
    pub village_share: u32,
    /// Percent of the total that a tier has at least, when it gets the report late.
    pub least_share: u32,
    /// And at least this long.
    pub least: TimeDelta,
    /// How often one report may be returned to one sending tier.
    pub most_returns: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limits: BTreeMap::new(),
            minor: Span::WorkingDays(15),
            group_share: 25,
            decision_share: 40,
            village_share: 70,
            least_share: 10,
            least: TimeDelta::minutes(15),
            most_returns: 2,
        }
    }
}

const fn default_limits(category: Category) -> Limits {
    use Span::{Days, Hours};
    let (critical, serious, general) = match category {
        Category::PollutingEnterprise
        | Category::PollutionDispute
        | Category::IllegalConstruction
        | Category::LivestockPollution => (Hours(24), Days(7), Days(15)),
        Category::LivingEnvironment => (Hours(24), Days(2), Days(3)),
        Category::PetitionCase => (Hours(24), Days(15), Days(30)),
        Category::EnvironmentalHazard | Category::Unclassified => (Hours(24), Days(3), Days(7)),
        Category::DrinkingWaterSource => (Hours(4), Hours(24), Days(3)),
        Category::NatureReserve => (Hours(24), Days(3), Days(15)),
        Category::StrawBurning => (Hours(1), Hours(2), Hours(24)),
    };
    Limits {
        critical,
        serious,
        general,
    }
}

impl Policy {
    /// When the whole matter is due.
    pub fn deadline(
        &self,
        calendar: &dyn Calendar,
        received_at: DateTime<Utc>,
        category: Category,
        severity: Severity,
    ) -> DateTime<Utc> {
        let limits = self
            .limits
            .get(&category)
            .copied()
            .unwrap_or_else(|| default_limits(category));
        let span = match severity {
            Severity::Minor => self.minor,
            Severity::General => limits.general,
            Severity::Serious => limits.serious,
            Severity::Critical => limits.critical,
        };
        calendar.after(received_at, span)
    }

    /// When the desk must have acted: a share of the total counted from receipt; a tier that gets it
    /// late has at least the least time, never past the deadline while that lies ahead.
    pub fn next_due(&self, calendar: &dyn Calendar, report: &Report) -> Option<DateTime<Utc>> {
        let desk = report.desk()?;
        let (received, deadline, since) =
            (report.received_at, report.deadline_at, report.desk_since);
        let share = match (desk.duty, report.holder_tier) {
            (Duty::Decide, _) => self.decision_share,
            (_, Tier::Group) => self.group_share,
            (_, Tier::Village) => self.village_share,
            (_, Tier::Town) => 100,
        };
        let own = report
            .handler
            .filter(|_| desk.duty == Duty::Handle)
            .and_then(|handler| handler.due_at);
        let step = own.unwrap_or_else(|| calendar.part(received, deadline, share));
        let least = since
            + self
                .least
                .max((deadline - received) * i32::try_from(self.least_share).unwrap_or(100) / 100);
        let due = if own.is_some_and(|own| own > since) {
            step
        } else {
            step.max(least)
        };
        Some(if deadline > since {
            due.min(deadline)
        } else {
            due
        })
    }
}
