//! The closing rule (DESIGN.md 3): which tier may close what, and who must not.
//!
//! Owns the rule alone; where its lines are drawn is a setting. That the closer is the holder is
//! checked in `permission`. The town may always close.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::code::{Outcome, Severity, Source, Status};
use super::refusal::Refusal;
use super::state::Report;
use crate::category::Category;
use crate::coded_value::coded_values;
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::Staffing;

coded_values! {
    /// How bad something may be at most.
    UpTo as "SeverityUpTo" {
        /// None may be.
        Nothing = "nothing", "均不可", "Nothing";
        /// Trifles.
        Minor = "minor", "轻微", "Minor";
        /// The ordinary case.
        General = "general", "一般及以下", "General";
        /// Serious.
        Serious = "serious", "较重及以下", "Serious";
        /// Anything.
        Critical = "critical", "全部", "Critical";
    }
}

impl UpTo {
    /// Whether a severity lies within.
    #[must_use]
    pub fn includes(self, severity: Severity) -> bool {
        let most = match self {
            Self::Nothing => return false,
            Self::Minor => Severity::Minor,
            Self::General => Severity::General,
            Self::Serious => Severity::Serious,
            Self::Critical => Severity::Critical,
        };
        severity <= most
    }
}

coded_values! {
    /// From which severity on something is asked for.
    StartingAt as "SeverityFrom" {
        /// Always.
        Minor = "minor", "轻微起", "From minor";
        /// From the ordinary case on.
        General = "general", "一般起", "From general";
        /// From serious on.
        Serious = "serious", "较重起", "From serious";
        /// Only for critical reports.
        Critical = "critical", "紧急", "From critical";
        /// Not at all.
        Never = "never", "不要求", "Never";
    }
}

impl StartingAt {
    /// Whether it is asked for at this severity.
    #[must_use]
    pub fn reached(self, severity: Severity) -> bool {
        let least = match self {
            Self::Minor => Severity::Minor,
            Self::General => Severity::General,
            Self::Serious => Severity::Serious,
            Self::Critical => Severity::Critical,
            Self::Never => return false,
        };
        severity >= least
    }
}

/// Where the lines of the closing rule are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClosingRules {
    /// What a group closes at most: `general` at most, and that only where it did the work itself.
    pub group: UpTo,
    /// What a village closes at most. Only the town closes petitions and items of a superior's list, whatever
    /// this says.
    pub village: UpTo,
    /// From when on a photo taken afterwards must have arrived, to close as handled.
    pub after_photo_from: StartingAt,
    /// From when on another person closes than the one who put it right, where there is another.
    pub other_person_from: StartingAt,
}

impl Default for ClosingRules {
    fn default() -> Self {
        Self {
            group: UpTo::General,
            village: UpTo::Serious,
            after_photo_from: StartingAt::Serious,
            other_person_from: StartingAt::Serious,
        }
    }
}

/// Whether a tier may close this report: the group what is minor, or general and handled by itself;
/// the village up to serious; petitions and items of a superior's list only the town. The severities
/// are settings.
#[must_use]
pub fn tier_may_close(report: &Report, tier: Tier, rules: &ClosingRules) -> bool {
    let superior = report.category == Category::PetitionCase
        || matches!(report.source, Source::Petition | Source::SuperiorList);
    match tier {
        Tier::Town => true,
        Tier::Village => rules.village.includes(report.severity) && !superior,
        Tier::Group => {
            let own_work = report
                .handler
                .as_ref()
                .is_none_or(|handler| handler.grid == report.holder());
            !superior
                && rules.group.includes(report.severity)
                && (report.severity == Severity::Minor
                    || (report.severity == Severity::General && own_work))
        }
    }
}

/// Whether another person than the one who put it right must close it.
#[must_use]
pub fn needs_another(report: &Report, rules: &ClosingRules) -> bool {
    rules.other_person_from.reached(report.severity)
}

/// The tiers from the holder upward that may close it, with their grids.
fn closing_tiers<'a>(
    report: &'a Report,
    rules: &'a ClosingRules,
) -> impl Iterator<Item = (Tier, Uuid)> + 'a {
    report
        .place
        .upward()
        .filter(|(tier, _)| *tier >= report.holder_tier && tier_may_close(report, *tier, rules))
}

/// Whether somebody else than `resolver`, from the holder upward, may close it.
fn another_may(report: &Report, resolver: Uuid, staffing: &Staffing, rules: &ClosingRules) -> bool {
    closing_tiers(report, rules)
        .any(|(_, grid)| staffing.posted_at(grid).any(|officer| officer != resolver))
}

/// The tier that verifies a resolution: the lowest from the holder upward whose officers may close
/// it. Where nobody else may, the one who put it right.
#[must_use]
pub fn verifying_tier(report: &Report, staffing: &Staffing, rules: &ClosingRules) -> Tier {
    let barred = report.resolved_by.filter(|_| needs_another(report, rules));
    closing_tiers(report, rules)
        .find(|(_, grid)| {
            staffing
                .posted_at(*grid)
                .any(|officer| Some(officer) != barred)
        })
        .or_else(|| closing_tiers(report, rules).find(|(_, grid)| staffing.manned(*grid)))
        .map_or(Tier::Town, |(tier, _)| tier)
}

/// Checks the closing rule for the holder's officer `closer`; answers whether it is self-verified.
///
/// # Errors
/// `higher_tier_closes`, `after_photo_required`, `other_person_closes`.
pub fn check(
    report: &Report,
    outcome: Outcome,
    closer: Uuid,
    evidence: bool,
    staffing: &Staffing,
    rules: &ClosingRules,
) -> Result<bool, Refusal> {
    if !tier_may_close(report, report.holder_tier, rules) {
        return Err(Refusal::new(
            Code::HigherTierCloses,
            "This report must be closed by a higher tier: escalate it, or resolve it so that it goes there to be verified.",
        ));
    }
    // No photo is demanded where there is nothing to show (DESIGN.md 2.7).
    if outcome == Outcome::Handled && !evidence && rules.after_photo_from.reached(report.severity) {
        return Err(Refusal::new(
            Code::AfterPhotoRequired,
            "A report this severe is closed as handled only when a photo of role after has arrived.",
        ));
    }
    if !needs_another(report, rules) {
        return Ok(false);
    }
    let resolver = match report.status {
        Status::Resolved => report.resolved_by,
        _ if outcome == Outcome::Handled => Some(closer),
        _ => None,
    };
    if resolver != Some(closer) {
        return Ok(false);
    }
    if another_may(report, closer, staffing, rules) {
        return Err(Refusal::new(
            Code::OtherPersonCloses,
            "A report this severe is closed by another person than the one who resolved it: resolve it, and it goes to somebody who may.",
        ));
    }
    Ok(true)
}
