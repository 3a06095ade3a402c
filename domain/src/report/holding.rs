//! Which tier of its path holds a report.
//!
//! Owns the ways in which another tier becomes the holder. When that happens is said by those who use
//! them.

use super::closing;
use super::code::Status;
use super::decision::Context;
use super::handler::Handler;
use super::state::Report;
use crate::grid::Tier;

/// The report comes to this tier, which begins to work on it.
pub(crate) fn rise(report: &mut Report, tier: Tier) {
    report.holder_tier = tier;
    report.status = Status::Open;
    report.handler = None;
    report.escalation_requested_by = None;
}

/// This tier holds the report from now on. Work in progress begins anew there; a report that rests or
/// waits to be verified keeps its status.
pub(crate) fn hold_at(report: &mut Report, tier: Tier) {
    match report.status {
        Status::Open | Status::Escalating => rise(report, tier),
        _ => report.holder_tier = tier,
    }
}

/// A higher tier verifies. The former holder stays known as the one who did the work, so that a failed
/// verification goes back there.
pub(crate) fn verify_at(report: &mut Report, tier: Tier) {
    let holder = report.holder();
    report.handler.get_or_insert(Handler::of(holder));
    report.holder_tier = tier;
}

/// The lowest grid whose officers may close the report verifies it, and becomes the holder.
pub(crate) fn raise_to_verifier(report: &mut Report, context: &Context<'_>) {
    let verifier = closing::verifying_tier(report, context.staffing, &context.policy.closing);
    if verifier > report.holder_tier {
        verify_at(report, verifier);
    }
}
