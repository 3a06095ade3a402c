//! Another grid makes itself the holder, or is made it.

use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::report::change::Change;
use crate::report::code::{Severity, Status};
use crate::report::event_data::EventData;
use crate::report::holding::{rise, verify_at};
use crate::report::permission::taking_tier;
use crate::report::refusal::Refusal;

/// A superior takes it over (提级办理).
pub(crate) fn take(change: &mut Change<'_>, reason: Option<&str>) {
    let next = &mut change.next;
    let from_tier = next.holder_tier;
    let to_tier = taking_tier(next, change.actor).unwrap_or(Tier::Town);
    if next.status == Status::Resolved {
        verify_at(next, to_tier);
    } else {
        rise(next, to_tier);
    }
    change.record(&EventData::Taken {
        from_tier,
        to_tier,
        reason,
    });
}

/// Gives it to another village or group (转办).
pub(crate) fn transfer(
    change: &mut Change<'_>,
    place: GridPath,
    reason: &str,
) -> Result<(), Refusal> {
    let from = change.before.place;
    let reaches = change
        .actor
        .working()
        .any(|posting| posting.grid.covers(from) && posting.grid.covers(place));
    if !reaches || place == from || place.tier() == Tier::Town {
        return Err(Refusal::new(
            Code::TargetInvalid,
            "Transfer to another village or group of this town, within your own grids.",
        ));
    }
    let next = &mut change.next;
    next.place = place;
    // A critical report stays with the town, wherever it lies.
    let tier = if next.severity == Severity::Critical {
        Tier::Town
    } else {
        place.tier()
    };
    rise(next, tier);
    let holder_id = next.holder().id();
    change.record(&EventData::Transferred {
        before: from.id(),
        after: place.id(),
        holder_id,
        reason,
    });
    Ok(())
}

/// The village takes back what went up because its step was over (撤回). Once in a round.
pub(crate) fn recall(change: &mut Change<'_>, reason: Option<&str>) {
    let next = &mut change.next;
    let lapsed_at = next.proceedings.lapse.take().map(|lapse| lapse.at);
    next.proceedings.recalled = true;
    next.holder_tier = Tier::Village;
    next.handler = None;
    change.record(&EventData::Recalled { reason, lapsed_at });
}
