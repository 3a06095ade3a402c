//! The lifecycle (DESIGN.md 3): state + action + actor + now + policy → new state with events, or a
//! refusal.
//!
//! [`decide`] is the whole of it: `permission` says whether the actor may, a function of `actions` does
//! what the action asks, `consequences` does what follows every change. The first state of a report
//! stands in `filing`, what happens without an action in `lapse`.

use super::action::Action;
use super::actions::{
    assignment, correction, escalation, extension, referral, reopening, resolution, supervision,
    suspension, takeover, voiding,
};
use super::change::Change;
use super::code::Status;
use super::decision::{Context, Decision};
use super::refusal::Refusal;
use super::state::Report;
use super::{consequences, permission};
use crate::officer::Actor;

/// Decides on an action.
///
/// # Errors
/// A refusal with the code of the rule that the action breaks; the report is unchanged then.
pub fn decide(
    report: &Report,
    action: &Action,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let authority = permission::permitted(report, action.kind(), actor, context)?;
    let mut change = Change::new(report, actor, context, authority);
    apply(action, &mut change)?;
    if action.kind().changes() {
        consequences::follow(&mut change);
    }
    Ok(change.into_decision())
}

/// What each action does, one function each.
fn apply(action: &Action, change: &mut Change<'_>) -> Result<(), Refusal> {
    match action {
        Action::Escalate { reason } => escalation::escalate(change, reason.as_deref()),
        Action::Approve { further, comment } => {
            escalation::approve(change, *further, comment.as_deref())?;
        }
        Action::Return { reason } => match change.before.status {
            Status::Escalating => escalation::send_back(change, reason),
            Status::Resolved => resolution::fail_verification(change, reason),
            _ => assignment::hand_back(change, reason),
        },
        Action::Assign(to) => assignment::assign(change, to)?,
        Action::Accept { comment } => assignment::accept(change, comment.as_deref()),
        Action::Decline { reason } => assignment::decline(change, reason),
        Action::Resolve { result } => resolution::resolve(change, result),
        Action::Close {
            outcome,
            result,
            comment,
        } => resolution::close(change, *outcome, result.as_deref(), comment.as_deref())?,
        Action::Void {
            reason,
            duplicate_of,
        } => voiding::void(change, reason, *duplicate_of)?,
        Action::Restore { reason } => voiding::restore(change, reason.as_deref()),
        Action::Amend { changes } => correction::amend(change, changes),
        Action::Reclassify {
            category,
            severity,
            place,
        } => correction::reclassify(change, *category, *severity, *place)?,
        Action::Comment { text } => correction::comment(change, text),
        Action::Take { reason } => takeover::take(change, reason.as_deref()),
        Action::Transfer { place, reason } => takeover::transfer(change, *place, reason)?,
        Action::Recall { reason } => takeover::recall(change, reason.as_deref()),
        Action::Extend { until, reason } => extension::ask(change, *until, reason)?,
        Action::Grant { until, comment } => extension::grant(change, *until, comment.as_deref())?,
        Action::Refuse { reason } => extension::refuse(change, reason),
        Action::Suspend {
            reason,
            review_at,
            milestones,
        } => suspension::suspend(change, reason, *review_at, milestones)?,
        Action::Resume { comment } => suspension::resume(change, comment.as_deref()),
        Action::Urge { comment } => supervision::urge(change, comment.as_deref()),
        Action::Supervise {
            number,
            demand,
            reply_by,
            tier,
        } => supervision::supervise(change, number, demand, *reply_by, *tier)?,
        Action::Refer {
            agency,
            reference,
            reason,
            reply_by,
        } => referral::refer(change, agency, reference.as_deref(), reason, *reply_by)?,
        Action::Acknowledge { reference, comment } => {
            referral::acknowledge(change, reference.as_deref(), comment.as_deref());
        }
        Action::Reply { reply } => referral::reply(change, reply),
        Action::Reopen { reason, rebound } => reopening::reopen(change, reason, *rebound),
    }
    Ok(())
}
