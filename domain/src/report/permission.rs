//! Who may do what: first by role (403), then by status and place (409).
//!
//! Owns the table of DESIGN.md 3 as far as it can be answered without the action's body. What an
//! action then does stands in `lifecycle`.

use chrono::TimeDelta;

use super::{ActionKind, Context, Outcome, Refusal, Report, Severity, Status, closing, measures};
use crate::calendar::Span;
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::{Actor, Staffing, Standing};

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
    let handles = || as_handler(report, actor, staffing).is_some();
    let may = actor.acting().next().is_some()
        && match kind {
            ActionKind::Escalate | ActionKind::Close => on_path(Tier::Group),
            ActionKind::Approve => actor.decides_for(report.place).is_some(),
            ActionKind::Return => {
                on_path(Tier::Group) || handles() || actor.decides_for(report.place).is_some()
            }
            ActionKind::Amend | ActionKind::Reclassify => on_path(Tier::Group) || handles(),
            ActionKind::Assign => on_path(Tier::Village),
            ActionKind::Resolve => {
                on_path(Tier::Group)
                    || handles()
                    || (reporter && report.severity == Severity::Critical)
            }
            ActionKind::Void => reporter || actor.decides_for(report.place).is_some(),
            ActionKind::Restore => actor.stands_at_town(report.place).is_some(),
            ActionKind::Accept | ActionKind::Decline | ActionKind::Extend => {
                on_path(Tier::Group) || handles()
            }
            ActionKind::Take | ActionKind::Transfer | ActionKind::Grant | ActionKind::Refuse => {
                on_path(Tier::Village)
            }
            ActionKind::Recall => actor.secretary_of(report.place).is_some(),
            ActionKind::Suspend => actor.leads_town(report.place).is_some(),
            ActionKind::Urge => reporter || on_path(Tier::Village),
            ActionKind::Resume
            | ActionKind::Supervise
            | ActionKind::Refer
            | ActionKind::Acknowledge
            | ActionKind::Reply => actor.stands_at_town(report.place).is_some(),
            ActionKind::Reopen => on_path(Tier::Group),
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

/// By what the actor is the handler, leading the work or beside.
fn as_handler(report: &Report, actor: &Actor, staffing: &Staffing) -> Option<Standing> {
    report.handler.as_ref()?.worked_on_by(actor, staffing)
}

/// By what the actor leads the handler's work, and so may give it back.
fn as_lead(report: &Report, actor: &Actor, staffing: &Staffing) -> Result<Standing, Refusal> {
    let handler = report.handler.as_ref();
    handler
        .and_then(|handler| handler.led_by(actor, staffing))
        .ok_or(Refusal::new(
            Code::NotAtDesk,
            "Who leads the work gives it back; handler names who that is.",
        ))
}

/// Whether the actor may do this now, as far as the body does not matter, and by what.
///
/// # Errors
/// `not_permitted`, then `wrong_status`, then the rule that stands against it.
pub fn permitted(
    report: &Report,
    kind: ActionKind,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Standing, Refusal> {
    let staffing = context.staffing;
    role_may(report, kind, actor, staffing)?;
    status_allows(report, kind)?;

    let as_holder = || {
        actor
            .stands_at(report.holder(), staffing)
            .ok_or(Refusal::new(
                Code::NotHolder,
                "Another grid holds this report now; desk names who must act.",
            ))
    };
    let handler = || as_handler(report, actor, staffing);
    let at_desk = Refusal::new(
        Code::NotAtDesk,
        "It is somebody else's turn; desk names who must act.",
    );

    match kind {
        ActionKind::Escalate => {
            if report.holder_tier == Tier::Town {
                return Err(Refusal::new(
                    Code::NothingAbove,
                    "The town holds this report; there is no tier above.",
                ));
            }
            as_holder()
        }
        ActionKind::Approve => actor.decides_for(report.place).ok_or(at_desk),
        ActionKind::Return => match report.status {
            Status::Escalating => {
                let standing = actor.decides_for(report.place).ok_or(at_desk)?;
                if report.returns.from(report.holder_tier) >= context.policy.most_returns {
                    return Err(Refusal::new(
                        Code::ReturnLimit,
                        "It was returned to this tier as often as allowed; approve it.",
                    ));
                }
                Ok(standing)
            }
            Status::Resolved => as_holder(),
            _ => as_lead(report, actor, staffing),
        },
        ActionKind::Assign => as_holder(),
        ActionKind::Resolve => {
            let filer = report.severity == Severity::Critical
                && report.handler.is_none()
                && report.status == Status::Open
                && report.reporter_id == actor.officer_id;
            handler()
                .filter(|_| report.status == Status::Open)
                .or(filer.then(Standing::default))
                .map_or_else(as_holder, Ok)
        }
        ActionKind::Close => {
            let standing = as_holder()?;
            // Some outcome must be possible; the body says which one is meant.
            closing_outcomes(report, actor, context)?;
            Ok(standing)
        }
        ActionKind::Void => void_standing(report, actor).ok_or(Refusal::new(
            Code::WrongStatus,
            "Somebody has acted on it already: ask the town, or the secretary if it is a duplicate.",
        )),
        ActionKind::Restore => actor.stands_at_town(report.place).ok_or(at_desk),
        ActionKind::Amend | ActionKind::Reclassify => {
            let desk = report.desk().map_or(report.holder(), |desk| desk.grid);
            handler()
                .or_else(|| actor.stands_above(desk, staffing))
                .ok_or(at_desk)
        }
        ActionKind::Comment => Ok(Standing::default()),
        measure => measure_standing(report, measure, actor, context),
    }
}

/// By what the actor may take one of the measures of `measures` now.
fn measure_standing(
    report: &Report,
    kind: ActionKind,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Standing, Refusal> {
    let staffing = context.staffing;
    let proceedings = &report.proceedings;
    let rules = &context.policy.proceedings;
    let within =
        |since, days| context.now <= context.calendar.after(since, Span::WorkingDays(days));
    let at_desk = Refusal::new(
        Code::NotAtDesk,
        "It is somebody else's turn; desk names who must act.",
    );
    let handler = || as_handler(report, actor, staffing);
    let works_on_it = || match report.handler {
        Some(_) => handler(),
        None => actor.stands_at(report.holder(), staffing),
    };
    let at_town = || actor.stands_at_town(report.place);

    match kind {
        ActionKind::Accept => {
            let standing = works_on_it().ok_or(at_desk)?;
            if report.accepted_at.is_some() {
                return Err(Refusal::new(
                    Code::AlreadyAccepted,
                    "It is accepted already; nothing needs to be done.",
                ));
            }
            Ok(standing)
        }
        ActionKind::Decline => {
            let standing = as_lead(report, actor, staffing)?;
            let declined = report
                .handler
                .as_ref()
                .is_some_and(|handler| proceedings.declined.contains(&measures::key(handler)));
            if declined
                || report.accepted_at.is_some()
                || !within(report.desk_since, rules.decline_working_days)
            {
                return Err(Refusal::new(
                    Code::DeclineOver,
                    "Assigned work is declined once, soon after it came, and before it is accepted. Give it back with return.",
                ));
            }
            Ok(standing)
        }
        ActionKind::Take => match measures::taking_tier(report, actor) {
            Some(tier) => actor
                .stands_above(report.place.up_to(tier), staffing)
                .ok_or(at_desk),
            None => Err(Refusal::new(
                Code::NotHolder,
                "Only a tier above the holder takes a report over; holder names who has it.",
            )),
        },
        ActionKind::Transfer => actor
            .stands_above(report.holder(), staffing)
            .ok_or(Refusal::new(
                Code::NotHolder,
                "Another grid holds this report now; desk names who must act.",
            )),
        ActionKind::Recall => {
            if measures::recallable(report, context).is_none() {
                return Err(Refusal::new(
                    Code::RecallOver,
                    "There is no lapse of this village to recall: it is too late, it was recalled once, or the town has acted.",
                ));
            }
            actor.secretary_of(report.place).ok_or(at_desk)
        }
        ActionKind::Extend => {
            let standing = works_on_it().ok_or(at_desk)?;
            if proceedings.extension_asked || context.now >= report.deadline_at {
                return Err(Refusal::new(
                    Code::ExtensionOver,
                    "More time is asked for once, and before the deadline has passed.",
                ));
            }
            Ok(standing)
        }
        ActionKind::Grant | ActionKind::Refuse => {
            let (Some(extension), Some(desk)) = (proceedings.extension, report.desk()) else {
                return Err(Refusal::new(
                    Code::NothingAsked,
                    "Nobody waits for an answer: there is no request for more time, or it has lapsed.",
                ));
            };
            let standing = actor.stands_at(desk.grid, staffing).ok_or(at_desk)?;
            let others = staffing.officers(desk.grid);
            if actor.officer_id == extension.asked_by
                && others.iter().any(|officer| *officer != actor.officer_id)
            {
                return Err(Refusal::new(
                    Code::OtherPersonGrants,
                    "Another person decides on what you have asked for yourself.",
                ));
            }
            Ok(standing)
        }
        ActionKind::Suspend => actor.leads_town(report.place).ok_or(at_desk),
        ActionKind::Resume | ActionKind::Supervise => at_town().ok_or(at_desk),
        ActionKind::Refer | ActionKind::Acknowledge | ActionKind::Reply => {
            if report.holder_tier != Tier::Town {
                return Err(Refusal::new(
                    Code::NotHolder,
                    "Only what the town holds goes to the county: take it over first.",
                ));
            }
            let referred = proceedings.referral.is_some();
            if referred == (kind == ActionKind::Refer) {
                return Err(Refusal::new(
                    if referred {
                        Code::AlreadyReferred
                    } else {
                        Code::NothingAsked
                    },
                    if referred {
                        "It is at the county already: record the reply, or go on with it."
                    } else {
                        "It is not at the county: refer it first."
                    },
                ));
            }
            at_town().ok_or(at_desk)
        }
        ActionKind::Urge => {
            let pause = TimeDelta::minutes(i64::from(rules.urge_minutes));
            if proceedings
                .urged_at
                .is_some_and(|urged| context.now < urged + pause)
            {
                return Err(Refusal::new(
                    Code::UrgedLately,
                    "It was urged a short while ago; give whoever has it a little time.",
                ));
            }
            let reporter = (report.reporter_id == actor.officer_id).then(Standing::default);
            let desk = report.desk().map_or(report.holder(), |desk| desk.grid);
            actor
                .stands_above(desk, staffing)
                .or(reporter)
                .ok_or(at_desk)
        }
        ActionKind::Reopen => {
            let days = TimeDelta::days(i64::from(rules.reopen_days));
            if report
                .closed_at
                .is_none_or(|closed| context.now > closed + days)
            {
                return Err(Refusal::new(
                    Code::ReopenOver,
                    "It was closed too long ago to go on: file a new report, and name this one.",
                ));
            }
            actor
                .stands_above(report.holder(), staffing)
                .ok_or(Refusal::new(
                    Code::NotHolder,
                    "The grid that closed it, or one above, opens it again.",
                ))
        }
        // The rest is `permitted`'s.
        _ => Ok(Standing::default()),
    }
}

fn status_allows(report: &Report, kind: ActionKind) -> Result<(), Refusal> {
    use Status::{Closed, Escalating, Open, Resolved, Suspended, Void};
    let status = report.status;
    let allows = match kind {
        ActionKind::Escalate | ActionKind::Assign => status == Open,
        ActionKind::Approve => status == Escalating,
        ActionKind::Return => {
            matches!(status, Escalating | Resolved) || (status == Open && report.handler.is_some())
        }
        ActionKind::Resolve => matches!(status, Open | Escalating),
        ActionKind::Close => matches!(status, Open | Resolved),
        ActionKind::Void | ActionKind::Amend | ActionKind::Reclassify => {
            !matches!(status, Closed | Void)
        }
        ActionKind::Restore => status == Void,
        ActionKind::Accept => status == Open && report.proceedings.extension.is_none(),
        ActionKind::Decline => status == Open && report.handler.is_some(),
        ActionKind::Take => matches!(status, Open | Escalating | Resolved),
        ActionKind::Transfer => matches!(status, Open | Escalating),
        ActionKind::Recall
        | ActionKind::Extend
        | ActionKind::Grant
        | ActionKind::Refuse
        | ActionKind::Suspend
        | ActionKind::Refer
        | ActionKind::Acknowledge
        | ActionKind::Reply => status == Open,
        ActionKind::Supervise => matches!(status, Open | Escalating),
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

/// By what the actor may void: the town, the village's secretary (a duplicate), or the reporter
/// before anybody acted.
fn void_standing(report: &Report, actor: &Actor) -> Option<Standing> {
    let reporter = actor.officer_id == report.reporter_id && report.first_acted_at.is_none();
    reporter
        .then(Standing::default)
        .or_else(|| actor.decides_for(report.place))
}

/// Whether a void by this actor must name the report that it repeats: the secretary's right reaches
/// no further.
#[must_use]
pub fn void_needs_duplicate(report: &Report, actor: &Actor) -> bool {
    let reporter = actor.officer_id == report.reporter_id && report.first_acted_at.is_none();
    !reporter && actor.stands_at_town(report.place).is_none()
}

/// The outcomes with which the holder's officer could close it now; never empty.
///
/// # Errors
/// The rule that stands against closing it as handled, when no outcome is possible.
pub fn closing_outcomes(
    report: &Report,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Vec<Outcome>, Refusal> {
    let check = |outcome| {
        closing::check(
            report,
            outcome,
            actor.officer_id,
            context.evidence,
            context.staffing,
            &context.policy.closing,
        )
    };
    let handled = check(Outcome::Handled);
    let possible: Vec<Outcome> = [Outcome::Handled, Outcome::Unfounded, Outcome::Transferred]
        .into_iter()
        .filter(|outcome| check(*outcome).is_ok())
        .collect();
    match handled {
        Err(refusal) if possible.is_empty() => Err(refusal),
        _ => Ok(possible),
    }
}
