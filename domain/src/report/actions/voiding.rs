//! Taking a report out of the figures, and back.

use uuid::Uuid;

use crate::report::change::Change;
use crate::report::code::Status;
use crate::report::event_data::EventData;
use crate::report::permission::void_needs_duplicate;
use crate::report::refusal::Refusal;

/// Takes it out.
pub(crate) fn void(
    change: &mut Change<'_>,
    reason: &str,
    duplicate_of: Option<Uuid>,
) -> Result<(), Refusal> {
    let before = change.before;
    if duplicate_of == Some(before.id) {
        return Err(Refusal::invalid(
            "/duplicate_of",
            "A report cannot be a duplicate of itself.",
        ));
    }
    if duplicate_of.is_none() && void_needs_duplicate(before, change.actor) {
        return Err(Refusal::invalid(
            "/duplicate_of",
            "A secretary may void only a duplicate: name the report that it repeats.",
        ));
    }
    change.next.status_before_void = Some(before.status);
    change.next.status = Status::Void;
    change.next.duplicate_of = duplicate_of;
    change.record(&EventData::Voided {
        reason,
        duplicate_of,
    });
    Ok(())
}

/// Takes it back, as it was.
pub(crate) fn restore(change: &mut Change<'_>, reason: Option<&str>) {
    let next = &mut change.next;
    next.status = next.status_before_void.take().unwrap_or(Status::Open);
    next.duplicate_of = None;
    change.record(&EventData::Restored { reason });
}
