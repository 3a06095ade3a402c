//! Putting a matter right, verifying that, and ending the report.

use chrono::{DateTime, Utc};

use crate::error::Code;
use crate::officer::Actor;
use crate::report::change::Change;
use crate::report::closing;
use crate::report::code::{Outcome, Status};
use crate::report::decision::Context;
use crate::report::event_data::EventData;
use crate::report::holding::raise_to_verifier;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// Says that it was put right.
pub(crate) fn resolve(change: &mut Change<'_>, result: &str) {
    put_right(&mut change.next, change.actor, change.context);
    change.record(&EventData::Resolved {
        result: Some(result),
    });
}

/// Finds that it was not put right: whoever did the work goes on with it.
pub(crate) fn fail_verification(change: &mut Change<'_>, reason: &str) {
    let next = &mut change.next;
    next.rework_count += 1;
    next.resolved_by = None;
    next.resolved_at = None;
    next.status = Status::Open;
    change.record(&EventData::VerificationFailed { reason });
}

/// Ends the report.
pub(crate) fn close(
    change: &mut Change<'_>,
    outcome: Outcome,
    result: Option<&str>,
    comment: Option<&str>,
) -> Result<(), Refusal> {
    let (before, context) = (change.before, change.context);
    if before.status == Status::Open && outcome == Outcome::Handled && result.is_none() {
        return Err(Refusal::new(
            Code::ResultRequired,
            "Give result to resolve and close an open report in one step.",
        ));
    }
    let self_verified = closing::check(
        before,
        outcome,
        change.actor.officer_id,
        context.evidence,
        context.staffing,
        &context.policy.closing,
    )?;
    change.next.self_verified = self_verified;
    end(&mut change.next, outcome, change.actor, context.now);
    change.record(&EventData::Closed {
        outcome,
        result,
        comment,
        self_verified,
    });
    Ok(())
}

/// The actor put it right; the lowest grid that may close it verifies.
pub(crate) fn put_right(report: &mut Report, actor: &Actor, context: &Context<'_>) {
    report.status = Status::Resolved;
    report.escalation_requested_by = None;
    report.resolved_by = Some(actor.officer_id);
    report.resolved_at = Some(context.now);
    raise_to_verifier(report, context);
}

/// The report ends; an open one that was handled is resolved and closed in one step.
pub(crate) fn end(report: &mut Report, outcome: Outcome, actor: &Actor, now: DateTime<Utc>) {
    if report.status == Status::Open && outcome == Outcome::Handled {
        report.resolved_by = Some(actor.officer_id);
        report.resolved_at = Some(now);
    }
    report.status = Status::Closed;
    report.closed_at = Some(now);
    report.outcome = Some(outcome);
}
