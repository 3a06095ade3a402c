//! The closing rule (DESIGN.md 3): which tier may close what, and who must not.
//!
//! Owns the rule alone. That the closer is the holder is checked in `permission`.

use uuid::Uuid;

use super::{Category, Outcome, Report, Severity, Source, Status};
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::Staffing;
use crate::report::Refusal;

/// Whether a tier may close this report: the group what is minor, or general and handled by itself;
/// the village up to serious; petitions and items of a superior's list only the town.
#[must_use]
pub fn tier_may_close(report: &Report, tier: Tier) -> bool {
    let superior = report.category == Category::PetitionCase
        || matches!(report.source, Source::Petition | Source::SuperiorList);
    match tier {
        Tier::Town => true,
        Tier::Village => report.severity <= Severity::Serious && !superior,
        Tier::Group => {
            let own_work = report
                .handler
                .is_none_or(|handler| handler.grid == report.holder());
            !superior
                && (report.severity == Severity::Minor
                    || (report.severity == Severity::General && own_work))
        }
    }
}

/// Whether another person than the one who put it right must close it.
#[must_use]
pub fn needs_another(report: &Report) -> bool {
    report.severity >= Severity::Serious
}

/// The tiers from the holder upward that may close it, with their grids.
fn closing_tiers(report: &Report) -> impl Iterator<Item = (Tier, Uuid)> + '_ {
    report
        .place
        .upward()
        .filter(|(tier, _)| *tier >= report.holder_tier && tier_may_close(report, *tier))
}

/// Whether somebody else than `resolver`, from the holder upward, may close it.
fn another_may(report: &Report, resolver: Uuid, staffing: &Staffing) -> bool {
    closing_tiers(report)
        .any(|(_, grid)| staffing.posted_at(grid).any(|officer| officer != resolver))
}

/// The tier that verifies a resolution: the lowest from the holder upward whose officers may close
/// it. Where nobody else may, the one who put it right.
#[must_use]
pub fn verifying_tier(report: &Report, staffing: &Staffing) -> Tier {
    let barred = report.resolved_by.filter(|_| needs_another(report));
    closing_tiers(report)
        .find(|(_, grid)| {
            staffing
                .posted_at(*grid)
                .any(|officer| Some(officer) != barred)
        })
        .or_else(|| closing_tiers(report).find(|(_, grid)| staffing.manned(*grid)))
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
) -> Result<bool, Refusal> {
    if !tier_may_close(report, report.holder_tier) {
        return Err(Refusal::new(
            Code::HigherTierCloses,
            "This report must be closed by a higher tier: escalate it, or resolve it so that it goes there to be verified.",
        ));
    }
    if !needs_another(report) {
        return Ok(false);
    }
    // No photo is demanded where there is nothing to show (DESIGN.md 2.7).
    if outcome == Outcome::Handled && !evidence {
        return Err(Refusal::new(
            Code::AfterPhotoRequired,
            "From serious up, a photo of role after must have arrived before the report is closed as handled.",
        ));
    }
    let resolver = match report.status {
        Status::Resolved => report.resolved_by,
        _ if outcome == Outcome::Handled => Some(closer),
        _ => None,
    };
    if resolver != Some(closer) {
        return Ok(false);
    }
    if another_may(report, closer, staffing) {
        return Err(Refusal::new(
            Code::OtherPersonCloses,
            "From serious up, another person than the one who resolved it closes it: resolve it, and it goes to somebody who may.",
        ));
    }
    Ok(true)
}
