//! By when: the total limit of a report, and the due instant of each step.
//!
//! Owns the table of DOMAIN.md 2 and the shares of DESIGN.md 3 as default settings. The total counts
//! from receipt and is never moved by edits, returns or reassignments; steps are shares of it, counted
//! in the time in which the total counts (`calendar`). It
//! must not decide what happens when a step is missed. A report follows the policy that was in force
//! when it was received, to its end (`settings`).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::closing::ClosingRules;
use super::code::{Duty, Severity, Status, WarningLevel};
use super::proceedings::{PressingRules, ProceedingRules, Suspension};
use super::state::Report;
use crate::calendar::{Calendar, Pace, Span};
use crate::category::Category;
use crate::coded_value::CodedValue as _;
use crate::grid::Tier;

/// Limits by severity for one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CategoryLimitSettings))]
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
/// reclassified, nor its steps, nor who may close it. Every default is ours; no authority prescribes it.
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
    /// Percent of the total from which on a report is yellow.
    pub yellow_share: u32,
    /// Who closes what, and on what evidence.
    pub closing: ClosingRules,
    /// Extensions, suspensions, recalls and the like.
    pub proceedings: ProceedingRules,
    /// What the system presses for when a report is overdue.
    pub pressing: PressingRules,
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
            yellow_share: 75,
            closing: ClosingRules::default(),
            proceedings: ProceedingRules::default(),
            pressing: PressingRules::default(),
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

    /// The limit of a report of this category and severity.
    #[must_use]
    pub fn limit(&self, category: Category, severity: Severity) -> Span {
        let limits = self.limits_of(category);
        match severity {
            Severity::Minor => self.minor,
            Severity::General => limits.general,
            Severity::Serious => limits.serious,
            Severity::Critical => limits.critical,
        }
    }

    /// Which time counts for it: working time for limits in days; for limits in hours every hour, but
    /// below critical not the night.
    #[must_use]
    pub fn pace(&self, category: Category, severity: Severity) -> Pace {
        match self.limit(category, severity) {
            Span::Days(_) | Span::WorkingDays(_) => Pace::Working,
            Span::Hours(_) if severity == Severity::Critical => Pace::Continuous,
            Span::Hours(_) => Pace::Waking,
        }
    }

    /// When the whole matter is due.
    #[must_use]
    pub fn deadline(
        &self,
        calendar: Calendar<'_>,
        received_at: DateTime<Utc>,
        category: Category,
        severity: Severity,
    ) -> DateTime<Utc> {
        match self.limit(category, severity) {
            Span::Hours(hours) => calendar.add(
                self.pace(category, severity),
                received_at,
                TimeDelta::hours(i64::from(hours)),
            ),
            days => calendar.after(received_at, days),
        }
    }

    /// When the desk must have acted: a share of the total counted from the beginning of the round,
    /// which is receipt for the first; a tier that gets it late has at least the least time, never past
    /// the deadline while that lies ahead. What waits for something else is due when that is: the
    /// review of a suspended report, the answer to a request for more time, the county's reply.
    #[must_use]
    pub fn next_due(&self, calendar: Calendar<'_>, report: &Report) -> Option<DateTime<Utc>> {
        let proceedings = &report.proceedings;
        if report.status == Status::Suspended {
            return proceedings.suspension.as_ref().map(Suspension::due_at);
        }
        let desk = report.desk()?;
        if let Some(extension) = proceedings.extension.filter(|_| desk.duty == Duty::Grant) {
            return Some(extension.answer_due_at);
        }
        if let Some(referral) = &proceedings.referral {
            return Some(referral.reply_due_at);
        }
        let (received, deadline, since) =
            (report.limit_since(), report.deadline_at, report.desk_since);
        let share = match (desk.duty, report.holder_tier) {
            (Duty::Decide | Duty::Grant, _) => self.decision_share,
            (_, Tier::Group) => self.group_share,
            (_, Tier::Village) => self.village_share,
            (_, Tier::Town) => 100,
        };
        let pace = self.pace(report.category, report.severity);
        let own = report
            .handler
            .as_ref()
            .filter(|_| desk.duty == Duty::Handle)
            .and_then(|handler| handler.due_at);
        let step = own.unwrap_or_else(|| calendar.part(pace, received, deadline, share));
        let due = if own.is_some_and(|own| own > since) {
            step
        } else {
            step.max(self.least_from(calendar, report, since))
        };
        Some(if deadline > since {
            due.min(deadline)
        } else {
            due
        })
    }

    /// When whoever has the report since `since` has had the least time.
    #[must_use]
    pub fn least_from(
        &self,
        calendar: Calendar<'_>,
        report: &Report,
        since: DateTime<Utc>,
    ) -> DateTime<Utc> {
        calendar.allowance(
            self.pace(report.category, report.severity),
            (report.limit_since(), report.deadline_at),
            since,
            self.least_share,
            TimeDelta::minutes(i64::from(self.least_minutes)),
        )
    }

    /// When so much of the whole limit is used up that the report is due soon.
    fn yellow_at(&self, calendar: Calendar<'_>, report: &Report) -> DateTime<Utc> {
        calendar.part(
            self.pace(report.category, report.severity),
            report.limit_since(),
            report.deadline_at,
            self.yellow_share,
        )
    }

    /// When the limit is used up further than the report's warning level says: due soon, overdue, and overdue
    /// for so long that something is called for. The clock of a report that waits for a review or for
    /// the county stands still, and so does its warning level. What a change at `now` brings into the past is
    /// due with the change.
    #[must_use]
    pub fn next_warning(
        &self,
        calendar: Calendar<'_>,
        report: &Report,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !report.status.moves() || report.proceedings.referral.is_some() {
            return None;
        }
        let overdue_for = |span| calendar.after(report.deadline_at, span);
        let due = match (report.warning_level, report.proceedings.pressures) {
            (WarningLevel::Green, _) => Some(self.yellow_at(calendar, report)),
            (WarningLevel::Yellow, _) => Some(report.deadline_at),
            (WarningLevel::Red, 0) => Some(overdue_for(self.pressing.supervision_after)),
            (WarningLevel::Red, 1) => Some(
                overdue_for(self.pressing.circular_after)
                    .max(overdue_for(self.pressing.supervision_after)),
            ),
            (WarningLevel::Red, _) => None,
        };
        due.map(|due| {
            if report.warning_due_at == Some(due) {
                due
            } else {
                due.max(now)
            }
        })
    }

    /// Lowers a warning level that is too high for a later deadline. Only the clock raises one and records
    /// that.
    pub fn lower_warning_level(
        &self,
        calendar: Calendar<'_>,
        report: &mut Report,
        now: DateTime<Utc>,
    ) {
        let reached = if now >= report.deadline_at {
            WarningLevel::Red
        } else if now >= self.yellow_at(calendar, report) {
            WarningLevel::Yellow
        } else {
            WarningLevel::Green
        };
        report.warning_level = report.warning_level.min(reached);
        if report.warning_level < WarningLevel::Red {
            report.proceedings.pressures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use uuid::Uuid;

    use super::Policy;
    use crate::calendar::{Calendar, Pace};
    use crate::grid::{GridPath, Tier};
    use crate::officer::{Actor, Covers, Posting, Role, Staffing};
    use crate::report::filing::{Filing, file};
    use crate::report::{Category, Context, Disposition, Report, Severity, Source, Status};

    const TOWN: Uuid = Uuid::from_u128(1);

    /// A Wednesday, 10:00 in China.
    fn morning() -> DateTime<Utc> {
        "2026-11-18T10:00:00+08:00".parse().unwrap()
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
            calendar: Calendar::default(),
            evidence: false,
            now: morning(),
        };
        file(&filing, &actor, &context).unwrap().report
    }

    fn due_in(report: &Report) -> TimeDelta {
        Policy::default()
            .next_due(Calendar::default(), report)
            .unwrap()
            - morning()
    }

    #[test]
    fn steps_are_shares_of_the_total_counted_from_receipt_without_the_night() {
        let report = filed(Disposition::Keep);
        // Twelve hours today, twelve tomorrow from seven on.
        assert_eq!(report.deadline_at - morning(), TimeDelta::hours(33));
        assert_eq!(due_in(&report), TimeDelta::hours(6));
        assert_eq!(
            due_in(&filed(Disposition::Escalate)),
            TimeDelta::minutes(24 * 60 * 40 / 100)
        );
        let village = Report {
            holder_tier: Tier::Village,
            ..report.clone()
        };
        assert_eq!(
            due_in(&village),
            TimeDelta::minutes(24 * 60 * 70 / 100 + 9 * 60)
        );
        let town = Report {
            holder_tier: Tier::Town,
            ..report
        };
        assert_eq!(due_in(&town), TimeDelta::hours(33));
    }

    #[test]
    fn who_gets_it_late_has_the_least_time_but_not_past_the_deadline() {
        let late = |hours| Report {
            desk_since: morning() + TimeDelta::hours(hours),
            ..filed(Disposition::Keep)
        };
        // A tenth of 24 hours: two of them before ten in the evening.
        assert_eq!(
            due_in(&late(10)),
            TimeDelta::hours(21) + TimeDelta::minutes(24)
        );
        assert_eq!(
            due_in(&late(23)),
            TimeDelta::hours(23) + TimeDelta::minutes(144)
        );
        assert_eq!(due_in(&late(32)), TimeDelta::hours(33));
        // Once the deadline has passed, the least time counts from then.
        assert_eq!(
            due_in(&late(34)),
            TimeDelta::hours(45) + TimeDelta::minutes(24)
        );
    }

    #[test]
    fn a_limit_counts_one_kind_of_time() {
        let pace = |category, severity| Policy::default().pace(category, severity);
        assert_eq!(
            pace(Category::StrawBurning, Severity::Critical),
            Pace::Continuous
        );
        assert_eq!(
            pace(Category::StrawBurning, Severity::General),
            Pace::Waking
        );
        assert_eq!(
            pace(Category::LivingEnvironment, Severity::Serious),
            Pace::Working
        );
        assert_eq!(pace(Category::StrawBurning, Severity::Minor), Pace::Working);
    }

    #[test]
    fn a_closed_report_is_due_to_nobody() {
        let closed = Report {
            status: Status::Closed,
            ..filed(Disposition::Keep)
        };
        assert_eq!(
            Policy::default().next_due(Calendar::default(), &closed),
            None
        );
    }

    #[test]
    fn the_least_severe_of_any_category_has_fifteen_working_days() {
        let deadline = |category, severity| {
            Policy::default().deadline(Calendar::default(), morning(), category, severity)
        };
        assert_eq!(
            deadline(Category::StrawBurning, Severity::Minor),
            "2026-12-09T17:00:00+08:00"
                .parse::<DateTime<Utc>>()
                .unwrap()
        );
        assert_eq!(
            deadline(Category::StrawBurning, Severity::Critical) - morning(),
            TimeDelta::hours(1)
        );
        assert_eq!(
            deadline(Category::DrinkingWaterSource, Severity::Serious) - morning(),
            TimeDelta::hours(33)
        );
    }
}
