//! Sending a report up, and the answer to that.

use crate::grid::Tier;
use crate::report::change::Change;
use crate::report::code::Status;
use crate::report::event_data::EventData;
use crate::report::holding::rise;
use crate::report::refusal::Refusal;

/// Asks the tier above to take it.
pub(crate) fn escalate(change: &mut Change<'_>, reason: Option<&str>) {
    let from_tier = change.before.holder_tier;
    change.next.status = Status::Escalating;
    change.next.escalation_requested_by = Some(change.actor.officer_id);
    change.record(&EventData::Escalated { from_tier, reason });
    // Who may decide on it decides by sending it.
    if let Some(decider) = change.actor.decides_for(change.before.place) {
        let to_tier = from_tier.above().unwrap_or(Tier::Town);
        rise(&mut change.next, to_tier);
        change.record_by(decider, &approved(to_tier, None));
    }
}

/// Takes it: the tier above the sender holds it now; with `further` the town.
pub(crate) fn approve(
    change: &mut Change<'_>,
    further: bool,
    comment: Option<&str>,
) -> Result<(), Refusal> {
    let sender = change.before.holder_tier;
    if further && sender != Tier::Group {
        return Err(Refusal::invalid(
            "/further",
            "Only an escalation from a group can go on to the town in the same step.",
        ));
    }
    let to_tier = sender.above().unwrap_or(Tier::Town);
    rise(&mut change.next, to_tier);
    change.record(&approved(to_tier, comment));
    if further {
        rise(&mut change.next, Tier::Town);
        change.record(&EventData::Approved {
            to_tier: Tier::Town,
            comment: None,
            further: Some(true),
        });
    }
    Ok(())
}

/// Does not take it: the sender goes on with it.
pub(crate) fn send_back(change: &mut Change<'_>, reason: &str) {
    let next = &mut change.next;
    next.returns.count(change.before.holder_tier);
    next.escalation_requested_by = None;
    next.status = Status::Open;
    change.record(&EventData::Returned { reason });
}

/// The event of an approval.
pub(crate) const fn approved(to_tier: Tier, comment: Option<&str>) -> EventData<'_> {
    EventData::Approved {
        to_tier,
        comment,
        further: None,
    }
}
