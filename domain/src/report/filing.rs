//! Filing: the first state of a report (DESIGN.md 3).
//!
//! Owns which tier files, who holds the report first, and what a disposition leads to. A filing from
//! an offline phone is never refused for a rule of the lifecycle: what cannot be done as asked is
//! done the next best way.

use chrono::TimeDelta;
use uuid::Uuid;

use super::actions::{escalation, resolution};
use super::change::Record;
use super::closing;
use super::code::{Disposition, Outcome, Severity, Source, Status, WarningLevel};
use super::decision::{Context, Decision};
use super::event_data::{EventData, FormerPosting};
use super::holding::rise;
use super::proceedings::Proceedings;
use super::refusal::Refusal;
use super::state::{Report, Returns};
use crate::category::Category;
use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::officer::{Actor, Authority, Posting};

/// What the filer says, as far as the rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filing {
    /// The report's id.
    pub id: Uuid,
    /// Where it is.
    pub place: GridPath,
    /// What is wrong.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// Who noticed.
    pub source: Source,
    /// What the filer asks for.
    pub disposition: Disposition,
    /// The posting held when the matter was observed, if the filer no longer holds it: a filing that
    /// stayed on the phone over a transfer. It gives the filing tier; only those who serve now
    /// decide.
    pub as_of: Option<Posting>,
}

/// The caller's posting nearest to the place: by the nearest common ancestor, then one that the
/// place lies in, then the lowest.
fn nearest(actor: &Actor, place: GridPath) -> Option<&Posting> {
    actor
        .working()
        .filter(|posting| posting.grid.town_id() == place.town_id())
        .min_by_key(|posting| {
            let grid = posting.grid;
            let common = place
                .upward()
                .find(|(tier, id)| grid.at(*tier) == Some(*id))
                .map_or(Tier::Town, |(tier, _)| tier);
            (
                common,
                !grid.covers(place),
                grid.tier(),
                posting.on_behalf_of.is_some(),
            )
        })
}

/// Files a report.
///
/// # Errors
/// `not_permitted` when the caller has no posting in the town that acts on reports.
pub fn file(filing: &Filing, actor: &Actor, context: &Context<'_>) -> Result<Decision, Refusal> {
    let (grid, on_behalf_of) = filing
        .as_of
        .as_ref()
        .or_else(|| nearest(actor, filing.place))
        .map(|posting| (posting.grid, posting.on_behalf_of))
        .or_else(|| Some((actor.service?.files_for(filing.place)?, None)))
        .ok_or(Refusal::new(
            Code::NotPermitted,
            "Reports are filed by officers posted in the town, and by service accounts within their grid; an administrator does not act on reports.",
        ))?;
    let now = context.now;
    let filing_tier = grid.tier();
    let own = grid.covers(filing.place);
    let mut report = Report {
        id: filing.id,
        place: filing.place,
        filing_tier,
        category: filing.category,
        severity: filing.severity,
        source: filing.source,
        status: Status::Open,
        status_before_void: None,
        duplicate_of: None,
        holder_tier: filing_tier.max(filing.place.tier()),
        handler: None,
        desk_since: now,
        escalation_requested_by: None,
        returns: Returns::default(),
        rework_count: 0,
        reporter_id: actor.officer_id,
        first_acted_at: None,
        accepted_at: None,
        resolved_by: None,
        resolved_at: None,
        closed_at: None,
        outcome: None,
        self_verified: false,
        received_at: now,
        round: 1,
        round_since: now,
        rebounds: 0,
        away: TimeDelta::zero(),
        proceedings: Proceedings::default(),
        warning_level: WarningLevel::Green,
        warning_due_at: None,
        deadline_at: context.policy.deadline(
            context.calendar,
            now,
            filing.category,
            filing.severity,
        ),
        next_due_at: None,
        version: 1,
    };
    let mut record = Record::new(Authority { on_behalf_of });
    record.add(&EventData::Filed {
        filing_tier,
        disposition: filing.disposition,
        as_of: filing.as_of.map(|posting| FormerPosting {
            posting_id: posting.id,
            role: posting.role,
            grid_id: posting.grid.id(),
        }),
    });

    let critical = filing.severity == Severity::Critical;
    if critical {
        report.holder_tier = Tier::Town;
        if let Some(village_id) = filing.place.village_id() {
            record.add(&EventData::VillageNotified { village_id });
        }
    }
    // Where the place itself lies above the filer's tier, the report has arrived already.
    let below_place = filing_tier >= filing.place.tier();
    match filing.disposition {
        Disposition::Resolved => {
            let closer = closing::check(
                &report,
                Outcome::Handled,
                actor.officer_id,
                context.evidence,
                context.staffing,
                &context.policy.closing,
            );
            match closer {
                // A service account closes nothing: people verify what it says. Somebody who no longer
                // serves there closes nothing either.
                Ok(self_verified)
                    if own
                        && below_place
                        && report.holder_tier == filing_tier
                        && actor.service.is_none()
                        && filing.as_of.is_none() =>
                {
                    report.self_verified = self_verified;
                    resolution::end(&mut report, Outcome::Handled, actor, now);
                    record.add(&EventData::Closed {
                        outcome: Outcome::Handled,
                        result: None,
                        comment: None,
                        self_verified,
                    });
                }
                _ => {
                    resolution::put_right(&mut report, actor, context);
                    record.add(&EventData::Resolved { result: None });
                }
            }
        }
        Disposition::Keep if own => {}
        Disposition::Keep | Disposition::Escalate => {
            if report.holder_tier != Tier::Town && below_place {
                let sender = report.holder_tier;
                report.status = Status::Escalating;
                report.escalation_requested_by = Some(actor.officer_id);
                record.add(&EventData::Escalated {
                    from_tier: sender,
                    reason: None,
                });
                // Who may decide on it decides by sending it.
                if let Some(decider) = actor.decides_for(filing.place) {
                    let to_tier = sender.above().unwrap_or(Tier::Town);
                    rise(&mut report, to_tier);
                    record.add_by(decider, &escalation::approved(to_tier, None));
                }
            }
        }
    }
    // Whoever keeps it has accepted it.
    if report.status == Status::Open
        && report
            .desk_officers(context.staffing)
            .contains(&actor.officer_id)
    {
        report.accepted_at = Some(now);
    }
    report.next_due_at = context.policy.next_due(context.calendar, &report);
    report.warning_due_at = context.policy.next_warning(context.calendar, &report, now);
    Ok(Decision {
        report,
        events: record.into_events(),
    })
}
