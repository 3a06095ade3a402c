//! Pressing for a report: a reminder (催办), and the town's demand on a tier below (督办).

use chrono::{DateTime, Utc};

use crate::error::Code;
use crate::grid::Tier;
use crate::report::change::Change;
use crate::report::event_data::EventData;
use crate::report::handler::Handler;
use crate::report::holding::rise;
use crate::report::proceedings::Supervision;
use crate::report::refusal::Refusal;

/// Reminds whoever has it.
pub(crate) fn urge(change: &mut Change<'_>, comment: Option<&str>) {
    change.next.proceedings.urged_at = Some(change.context.now);
    change.record(&EventData::Urged { comment });
}

/// The town holds it, and demands that a tier below puts it right and answers by a day: the tier that
/// is named, else the one that missed its step, else the one that held it, else the village.
pub(crate) fn supervise(
    change: &mut Change<'_>,
    number: &str,
    demand: &str,
    reply_by: DateTime<Utc>,
    tier: Option<Tier>,
) -> Result<(), Refusal> {
    let (now, next) = (change.context.now, &mut change.next);
    if reply_by <= now {
        return Err(Refusal::invalid(
            "/reply_by",
            "The day of the reply must lie ahead.",
        ));
    }
    let lapsed = next.proceedings.lapse.map(|lapse| lapse.tier);
    let held = Some(next.holder_tier).filter(|tier| *tier < Tier::Town);
    let tier = tier.or(lapsed).or(held).unwrap_or(Tier::Village);
    // Where its path has no grid of that tier, the lowest below the town.
    let grid = next.place.up_to(tier.max(next.place.tier()));
    let tier = grid.tier();
    if tier == Tier::Town {
        return Err(Refusal::new(
            Code::TargetInvalid,
            "This report's path has no village or group below the town: transfer it to one first.",
        ));
    }
    rise(next, Tier::Town);
    next.handler = Some(Handler {
        due_at: Some(reply_by),
        ..Handler::of(grid)
    });
    next.proceedings.supervisions += 1;
    next.proceedings.supervision = Some(Supervision {
        number: number.to_owned(),
        tier,
        since: now,
        reply_due_at: reply_by,
    });
    change.record(&EventData::Supervised {
        number,
        demand,
        reply_by,
        tier,
    });
    Ok(())
}
