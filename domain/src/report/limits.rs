//! By when: the total limit of a report, and the due instant of each step.
//!
//! Owns the table of DOMAIN.md 2 and the shares of DESIGN.md 3 as default settings. The total counts
//! from receipt and is never moved by edits, returns or reassignments; steps are shares of it. It
//! must not decide what happens when a step is missed. A report follows the policy that was in force
//! when it was received, to its end (`settings`).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::closing::ClosingRules;
use super::{Category, Duty, Report, Severity};
use crate::calendar::{Calendar, Span};
use crate::grid::Tier;
use crate::slug::Slug as _;

/// Limits by severity for one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// For critical reports.
    pub critical: Span,
    /// For serious reports.
    pub serious: Span,
    /// For general reports.
    pub general: Span,
}

/// The settings that decisions about a report follow. All of them are those in force when the report
/// was received: a change never moves a report already filed, neither its deadline, when it is
/// reclassified, nor its steps, nor who may close it. Every default is one with no authority behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReportSettings))]
pub struct Policy {
    /// Total limits by category; a category that is left out has its default. They count from receipt.
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
    /// And at least this many minutes.
    pub least_minutes: u32,
    /// How often one report may be returned to one sending tier.
    pub most_returns: u32,
    /// Who closes what, and on what evidence.
    pub closing: ClosingRules,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limits: Category::ALL
                .iter()
                .map(|category| (*category, default_limits(*category)))
                .collect(),
            minor: Span::WorkingDays(15),
            group_share: 25,
            decision_share: 40,
            village_share: 70,
            least_share: 10,
            least_minutes: 15,
            most_returns: 2,
            closing: ClosingRules::default(),
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
    /// The limits of a category.
    #[must_use]
    pub fn limits_of(&self, category: Category) -> Limits {
        self.limits
            .get(&category)
            .copied()
            .unwrap_or_else(|| default_limits(category))
    }

    /// When the whole matter is due.
    pub fn deadline(
        &self,
        calendar: &dyn Calendar,
        received_at: DateTime<Utc>,
        category: Category,
        severity: Severity,
    ) -> DateTime<Utc> {
        let limits = self.limits_of(category);
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
            + TimeDelta::minutes(i64::from(self.least_minutes))
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use uuid::Uuid;

    use super::Policy;
    use crate::calendar::CalendarTime;
    use crate::grid::{GridPath, Tier};
    use crate::officer::{Actor, Covers, Posting, Role, Staffing};
    use crate::report::filing::{Filing, file};
    use crate::report::{Category, Context, Disposition, Report, Severity, Source, Status};

    const TOWN: Uuid = Uuid::from_u128(1);

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    /// Straw burning, general: 24 hours in all, filed by a group.
    fn filed(disposition: Disposition) -> Report {
        let grid = GridPath::group(TOWN, Uuid::from_u128(2), Uuid::from_u128(3));
        let actor = Actor {
            officer_id: Uuid::from_u128(9),
            postings: vec![Posting {
                id: Uuid::nil(),
                role: Role::GroupLeader,
                grid,
                on_behalf_of: None,
                covers: Covers::All,
                manages: false,
            }],
            service: None,
        };
        let filing = Filing {
            id: Uuid::nil(),
            place: grid,
            category: Category::StrawBurning,
            severity: Severity::General,
            source: Source::Patrol,
            disposition,
            as_of: None,
        };
        let context = Context {
            staffing: &Staffing::default(),
            policy: &Policy::default(),
            calendar: &CalendarTime,
            evidence: false,
            now: noon(),
        };
        file(&filing, &actor, &context).unwrap().report
    }

    fn due_in(report: &Report) -> TimeDelta {
        Policy::default().next_due(&CalendarTime, report).unwrap() - noon()
    }

    #[test]
    fn steps_are_shares_of_the_total_counted_from_receipt() {
        let report = filed(Disposition::Keep);
        assert_eq!(report.deadline_at - noon(), TimeDelta::hours(24));
        assert_eq!(due_in(&report), TimeDelta::hours(6));
        assert_eq!(
            due_in(&filed(Disposition::Escalate)),
            TimeDelta::minutes(24 * 60 * 40 / 100)
        );
        let village = Report {
            holder_tier: Tier::Village,
            ..report.clone()
        };
        assert_eq!(due_in(&village), TimeDelta::minutes(24 * 60 * 70 / 100));
        let town = Report {
            holder_tier: Tier::Town,
            ..report
        };
        assert_eq!(due_in(&town), TimeDelta::hours(24));
    }

    #[test]
    fn who_gets_it_late_has_the_least_time_but_not_past_the_deadline() {
        let late = |hours| Report {
            desk_since: noon() + TimeDelta::hours(hours),
            ..filed(Disposition::Keep)
        };
        // A tenth of 24 hours.
        assert_eq!(
            due_in(&late(10)),
            TimeDelta::hours(10) + TimeDelta::minutes(144)
        );
        assert_eq!(due_in(&late(23)), TimeDelta::hours(24));
        // Once the deadline has passed, the least time counts from then.
        assert_eq!(
            due_in(&late(30)),
            TimeDelta::hours(30) + TimeDelta::minutes(144)
        );
    }

    #[test]
    fn a_closed_report_is_due_to_nobody() {
        let closed = Report {
            status: Status::Closed,
            ..filed(Disposition::Keep)
        };
        assert_eq!(Policy::default().next_due(&CalendarTime, &closed), None);
    }

    #[test]
    fn the_least_severe_of_any_category_has_fifteen_days() {
        let deadline = |category, severity| {
            Policy::default().deadline(&CalendarTime, noon(), category, severity) - noon()
        };
        assert_eq!(
            deadline(Category::StrawBurning, Severity::Minor),
            TimeDelta::days(15)
        );
        assert_eq!(
            deadline(Category::StrawBurning, Severity::Critical),
            TimeDelta::hours(1)
        );
        assert_eq!(
            deadline(Category::DrinkingWaterSource, Severity::Serious),
            TimeDelta::hours(24)
        );
    }
}
