//! Who may do what: first by role (403), then by status and rule (409).
//!
//! Owns the table of DESIGN.md 3 as far as it can be answered without the action's body. Each question
//! has a row for every action, so that a new one does not compile before it has its rules. What an
//! action then does stands in `actions`.

mod conditions;
mod rules;

pub use conditions::{closing_outcomes, recallable, taking_tier, void_needs_duplicate};

use self::conditions::works_as_handler;
use self::rules::Request;
use super::action::ActionKind;
use super::code::{Severity, Status};
use super::decision::Context;
use super::refusal::Refusal;
use super::state::Report;
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::{Actor, Authority, Staffing};

/// Whether the actor may do this now, as far as the body does not matter, and by what.
///
/// # Errors
/// `not_permitted`, then `wrong_status`, then the rule that the action breaks.
pub fn permitted(
    report: &Report,
    kind: ActionKind,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Authority, Refusal> {
    role_may(report, kind, actor, context.staffing)?;
    status_allows(report, kind)?;
    let request = Request {
        report,
        actor,
        context,
    };
    request.rules_allow(kind)
}

/// Whether the actor's role could ever do this to this report, whatever its status.
///
/// # Errors
/// `not_permitted`.
pub fn role_may(
    report: &Report,
    kind: ActionKind,
    actor: &Actor,
    staffing: &Staffing,
) -> Result<(), Refusal> {
    let on_path = |least: Tier| {
        actor
            .working()
            .any(|posting| posting.grid.tier() >= least && posting.grid.covers(report.place))
    };
    let reporter = report.reporter_id == actor.officer_id;
    let handles = || works_as_handler(report, actor, staffing).is_some();
    let decides = || actor.decides_for(report.place).is_some();
    let at_town = || actor.stands_at_town(report.place).is_some();
    let critical = report.severity == Severity::Critical;
    let may = actor.acting().next().is_some()
        && match kind {
            ActionKind::Escalate | ActionKind::Close | ActionKind::Reopen => on_path(Tier::Group),
            ActionKind::Approve => decides(),
            ActionKind::Return => on_path(Tier::Group) || handles() || decides(),
            ActionKind::Amend
            | ActionKind::Reclassify
            | ActionKind::Accept
            | ActionKind::Decline
            | ActionKind::Extend => on_path(Tier::Group) || handles(),
            ActionKind::Assign
            | ActionKind::Take
            | ActionKind::Transfer
            | ActionKind::Grant
            | ActionKind::Refuse => on_path(Tier::Village),
            ActionKind::Resolve => on_path(Tier::Group) || handles() || (reporter && critical),
            ActionKind::Void => reporter || decides(),
            ActionKind::Recall => actor.secretary_of(report.place).is_some(),
            ActionKind::Suspend => actor.leads_town(report.place).is_some(),
            ActionKind::Urge => reporter || on_path(Tier::Village),
            ActionKind::Restore
            | ActionKind::Resume
            | ActionKind::Supervise
            | ActionKind::Refer
            | ActionKind::Acknowledge
            | ActionKind::Reply => at_town(),
            ActionKind::Comment => true,
        };
    if may {
        Ok(())
    } else {
        Err(Refusal::new(
            Code::NotPermitted,
            "You see this report, but your role may not do this to it.",
        ))
    }
}

fn status_allows(report: &Report, kind: ActionKind) -> Result<(), Refusal> {
    use Status::{Closed, Escalating, Open, Resolved, Suspended, Void};
    let status = report.status;
    let allows = match kind {
        ActionKind::Escalate
        | ActionKind::Assign
        | ActionKind::Recall
        | ActionKind::Extend
        | ActionKind::Grant
        | ActionKind::Refuse
        | ActionKind::Suspend
        | ActionKind::Refer
        | ActionKind::Acknowledge
        | ActionKind::Reply => status == Open,
        ActionKind::Approve => status == Escalating,
        ActionKind::Return => {
            matches!(status, Escalating | Resolved) || (status == Open && report.handler.is_some())
        }
        ActionKind::Resolve | ActionKind::Transfer | ActionKind::Supervise => {
            matches!(status, Open | Escalating)
        }
        ActionKind::Close => matches!(status, Open | Resolved),
        ActionKind::Void | ActionKind::Amend | ActionKind::Reclassify => {
            !matches!(status, Closed | Void)
        }
        ActionKind::Restore => status == Void,
        ActionKind::Accept => status == Open && report.proceedings.extension.is_none(),
        ActionKind::Decline => status == Open && report.handler.is_some(),
        ActionKind::Take => matches!(status, Open | Escalating | Resolved),
        ActionKind::Resume => status == Suspended,
        ActionKind::Urge => status.moves(),
        ActionKind::Reopen => status == Closed,
        ActionKind::Comment => true,
    };
    if allows {
        Ok(())
    } else {
        Err(Refusal::new(
            Code::WrongStatus,
            "The report's status does not allow this action; allowed_actions names what is possible.",
        ))
    }
}

#[cfg(test)]
mod tests;
