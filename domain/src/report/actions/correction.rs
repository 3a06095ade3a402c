//! Correcting what a report says, and adding to it.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use crate::category::Category;
use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::officer::Actor;
use crate::report::change::Change;
use crate::report::code::{Severity, Status};
use crate::report::event_data::{BeforeAfter, EventData, ReclassifiedFields};
use crate::report::holding::{hold_at, raise_to_verifier};
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// Changes ledger fields. The fields are the store's; the rules only record them.
pub(crate) fn amend(change: &mut Change<'_>, changes: &Map<String, Value>) {
    change.record(&EventData::Amended { changes });
}

/// Says something.
pub(crate) fn comment(change: &mut Change<'_>, text: &str) {
    change.record(&EventData::Commented { text });
}

/// Changes category, severity or place.
pub(crate) fn reclassify(
    change: &mut Change<'_>,
    category: Option<Category>,
    severity: Option<Severity>,
    place: Option<GridPath>,
) -> Result<(), Refusal> {
    if let Some(place) = place {
        if !may_move(change.before, place, change.actor) {
            return Err(Refusal::new(
                Code::TargetInvalid,
                "The new grid must lie within this town and within your own grids.",
            ));
        }
        move_to(&mut change.next, place);
    }
    let next = &mut change.next;
    next.category = category.unwrap_or(next.category);
    next.severity = severity.unwrap_or(next.severity);
    set_deadline(change);
    let became_critical =
        change.next.severity == Severity::Critical && change.before.severity != Severity::Critical;
    if became_critical {
        hold_at(&mut change.next, Tier::Town);
    }
    if change.next.status == Status::Resolved {
        raise_to_verifier(&mut change.next, change.context);
    }
    let changes = difference(change.before, &change.next);
    change.record(&EventData::Reclassified { changes });
    Ok(())
}

/// Whether the actor may move the report there: within one of the actor's grids on its path.
fn may_move(report: &Report, place: GridPath, actor: &Actor) -> bool {
    actor
        .acting()
        .any(|posting| posting.grid.covers(report.place) && posting.grid.covers(place))
}

/// The report lies elsewhere now: the grid of the same tier there holds it, or the lowest that there
/// is.
fn move_to(report: &mut Report, place: GridPath) {
    report.place = place;
    if report.holder_tier < place.tier() {
        hold_at(report, place.tier());
    }
    let holder = report.holder();
    report
        .handler
        .take_if(|handler| !holder.covers(handler.grid));
}

/// Another class has another limit. It counts from receipt, or from the beginning of the round, and
/// keeps what was granted beyond the former one. Only the town makes the deadline later.
fn set_deadline(change: &mut Change<'_>) {
    let Change {
        before,
        next,
        actor,
        context,
        ..
    } = change;
    let limit = |category, severity| {
        let since = before.limit_since();
        context
            .policy
            .deadline(context.calendar, since, category, severity)
    };
    if (next.category, next.severity) == (before.category, before.severity) {
        return;
    }
    let former = limit(before.category, before.severity);
    let granted = (before.deadline_at - former).max(TimeDelta::zero());
    let deadline = limit(next.category, next.severity) + granted;
    next.deadline_at = if actor.stands_at_town(before.place).is_some() {
        deadline
    } else {
        deadline.min(before.deadline_at)
    };
}

fn difference(before: &Report, after: &Report) -> ReclassifiedFields {
    ReclassifiedFields {
        category: BeforeAfter::of(before.category, after.category),
        severity: BeforeAfter::of(before.severity, after.severity),
        grid_id: BeforeAfter::of(before.place.id(), after.place.id()),
        deadline_at: BeforeAfter::of(before.deadline_at, after.deadline_at),
        holder_tier: BeforeAfter::of(before.holder_tier, after.holder_tier),
    }
}
