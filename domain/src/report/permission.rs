//! Who may do what: first by role (403), then by status and rule (409).
//!
//! Owns the table of DESIGN.md 3 as far as it can be answered without the action's body. Each question
//! has a row for every action, so that a new one does not compile before it has its rules. What an
//! action then does stands in `actions`.

use chrono::{DateTime, TimeDelta, Utc};

use super::action::ActionKind;
use super::closing;
use super::code::{Outcome, Severity, Status};
use super::decision::Context;
use super::proceedings::Lapse;
use super::refusal::Refusal;
use super::state::Report;
use crate::calendar::Span;
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::{Actor, Authority, Staffing};

const NOT_AT_DESK: Refusal = Refusal::new(
    Code::NotAtDesk,
    "Somebody else must act now; desk names who.",
);
const NOT_HOLDER: Refusal = Refusal::new(
    Code::NotHolder,
    "Another grid holds this report now; desk names who must act.",
);
const NOTHING_ASKED: Refusal = Refusal::new(
    Code::NothingAsked,
    "Nobody waits for an answer: there is no request for more time, or it has lapsed.",
);

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

/// By what the actor works on it as the handler, leading or beside.
fn works_as_handler(report: &Report, actor: &Actor, staffing: &Staffing) -> Option<Authority> {
    report.handler.as_ref()?.worked_on_by(actor, staffing)
}

/// Somebody who asks to do something to a report now.
struct Request<'a> {
    report: &'a Report,
    actor: &'a Actor,
    context: &'a Context<'a>,
}

impl Request<'_> {
    /// The rules of each action, and by what the actor may do it.
    fn rules_allow(&self, kind: ActionKind) -> Result<Authority, Refusal> {
        match kind {
            ActionKind::Escalate => self.escalate(),
            ActionKind::Approve => self.decides(),
            ActionKind::Return => self.send_back(),
            ActionKind::Assign => self.as_holder(),
            ActionKind::Resolve => self.resolve(),
            ActionKind::Close => self.close(),
            ActionKind::Void => self.void(),
            ActionKind::Restore | ActionKind::Resume | ActionKind::Supervise => self.at_town(),
            ActionKind::Amend | ActionKind::Reclassify => self.correct(),
            ActionKind::Accept => self.accept(),
            ActionKind::Decline => self.decline(),
            ActionKind::Take => self.take(),
            ActionKind::Transfer => self.holder_or_above(NOT_HOLDER),
            ActionKind::Recall => self.recall(),
            ActionKind::Extend => self.extend(),
            ActionKind::Grant | ActionKind::Refuse => self.answer_request(),
            ActionKind::Suspend => self.actor.leads_town(self.report.place).ok_or(NOT_AT_DESK),
            ActionKind::Urge => self.urge(),
            ActionKind::Refer => self.refer(),
            ActionKind::Acknowledge | ActionKind::Reply => self.hear_from_county(),
            ActionKind::Reopen => self.reopen(),
            ActionKind::Comment => Ok(Authority::default()),
        }
    }

    // By what the actor may act.

    fn as_holder(&self) -> Result<Authority, Refusal> {
        self.actor
            .stands_at(self.report.holder(), self.context.staffing)
            .ok_or(NOT_HOLDER)
    }

    fn holder_or_above(&self, refusal: Refusal) -> Result<Authority, Refusal> {
        self.actor
            .stands_above(self.report.holder(), self.context.staffing)
            .ok_or(refusal)
    }

    fn as_handler(&self) -> Option<Authority> {
        works_as_handler(self.report, self.actor, self.context.staffing)
    }

    /// As the one who leads the handler's work, and so may give it back.
    fn as_lead(&self) -> Result<Authority, Refusal> {
        let handler = self.report.handler.as_ref();
        handler
            .and_then(|handler| handler.led_by(self.actor, self.context.staffing))
            .ok_or(Refusal::new(
                Code::NotAtDesk,
                "Only the one who leads the work gives it back; handler names who that is.",
            ))
    }

    /// As one of those who work on it: the handler, else the holder.
    fn at_work(&self) -> Result<Authority, Refusal> {
        let (report, staffing) = (self.report, self.context.staffing);
        match report.handler {
            Some(_) => self.as_handler(),
            None => self.actor.stands_at(report.holder(), staffing),
        }
        .ok_or(NOT_AT_DESK)
    }

    /// At the desk or above it.
    fn desk_or_above(&self) -> Option<Authority> {
        let report = self.report;
        let desk = report.desk().map_or(report.holder(), |desk| desk.grid);
        self.actor.stands_above(desk, self.context.staffing)
    }

    fn decides(&self) -> Result<Authority, Refusal> {
        self.actor.decides_for(self.report.place).ok_or(NOT_AT_DESK)
    }

    fn at_town(&self) -> Result<Authority, Refusal> {
        self.actor
            .stands_at_town(self.report.place)
            .ok_or(NOT_AT_DESK)
    }

    // One function for each action whose rule is longer than that.

    fn escalate(&self) -> Result<Authority, Refusal> {
        if self.report.holder_tier == Tier::Town {
            return Err(Refusal::new(
                Code::NothingAbove,
                "The town holds this report; there is no tier above.",
            ));
        }
        self.as_holder()
    }

    fn send_back(&self) -> Result<Authority, Refusal> {
        let report = self.report;
        match report.status {
            Status::Escalating => {
                let authority = self.decides()?;
                if report.returns.from(report.holder_tier) >= self.context.policy.most_returns {
                    return Err(Refusal::new(
                        Code::ReturnLimit,
                        "It was returned to this tier as often as allowed; approve it.",
                    ));
                }
                Ok(authority)
            }
            Status::Resolved => self.as_holder(),
            _ => self.as_lead(),
        }
    }

    fn resolve(&self) -> Result<Authority, Refusal> {
        let report = self.report;
        let open = report.status == Status::Open;
        let filer_of_critical = open
            && report.severity == Severity::Critical
            && report.handler.is_none()
            && report.reporter_id == self.actor.officer_id;
        self.as_handler()
            .filter(|_| open)
            .or(filer_of_critical.then(Authority::default))
            .map_or_else(|| self.as_holder(), Ok)
    }

    fn close(&self) -> Result<Authority, Refusal> {
        let authority = self.as_holder()?;
        // Some outcome must be possible; the body says which one is meant.
        closing_outcomes(self.report, self.actor, self.context)?;
        Ok(authority)
    }

    /// The town, the village's secretary (a duplicate), or the reporter before anybody acted.
    fn void(&self) -> Result<Authority, Refusal> {
        filed_and_untouched(self.report, self.actor)
            .then(Authority::default)
            .or_else(|| self.actor.decides_for(self.report.place))
            .ok_or(Refusal::new(
                Code::WrongStatus,
                "Somebody has acted on it already: ask the town, or the secretary if it is a duplicate.",
            ))
    }

    fn correct(&self) -> Result<Authority, Refusal> {
        self.as_handler()
            .or_else(|| self.desk_or_above())
            .ok_or(NOT_AT_DESK)
    }

    fn accept(&self) -> Result<Authority, Refusal> {
        let authority = self.at_work()?;
        if self.report.accepted_at.is_some() {
            return Err(Refusal::new(
                Code::AlreadyAccepted,
                "It is accepted already; nothing needs to be done.",
            ));
        }
        Ok(authority)
    }

    fn decline(&self) -> Result<Authority, Refusal> {
        let authority = self.as_lead()?;
        let report = self.report;
        let declined = report.handler.as_ref().is_some_and(|handler| {
            let declined = &report.proceedings.declined;
            declined.contains(&handler.assignee_id())
        });
        let days = self.context.policy.proceedings.decline_working_days;
        if declined
            || report.accepted_at.is_some()
            || !within(report.desk_since, days, self.context)
        {
            return Err(Refusal::new(
                Code::DeclineOver,
                "Assigned work is declined once, soon after it came, and before it is accepted. Give it back with return.",
            ));
        }
        Ok(authority)
    }

    fn take(&self) -> Result<Authority, Refusal> {
        let (report, staffing) = (self.report, self.context.staffing);
        let tier = taking_tier(report, self.actor).ok_or(Refusal::new(
            Code::NotHolder,
            "Only a tier above the holder takes a report over; holder names who has it.",
        ))?;
        self.actor
            .stands_above(report.place.up_to(tier), staffing)
            .ok_or(NOT_AT_DESK)
    }

    fn recall(&self) -> Result<Authority, Refusal> {
        if recallable(self.report, self.context).is_none() {
            return Err(Refusal::new(
                Code::RecallOver,
                "There is no lapse of this village to recall: it is too late, it was recalled once, or the town has acted.",
            ));
        }
        self.actor
            .secretary_of(self.report.place)
            .ok_or(NOT_AT_DESK)
    }

    fn extend(&self) -> Result<Authority, Refusal> {
        let authority = self.at_work()?;
        let report = self.report;
        if report.proceedings.extension_asked || self.context.now >= report.deadline_at {
            return Err(Refusal::new(
                Code::ExtensionOver,
                "More time is asked for once, and before the deadline has passed.",
            ));
        }
        Ok(authority)
    }

    /// Grants or refuses more time.
    fn answer_request(&self) -> Result<Authority, Refusal> {
        let (report, staffing) = (self.report, self.context.staffing);
        let (Some(extension), Some(desk)) = (report.proceedings.extension, report.desk()) else {
            return Err(NOTHING_ASKED);
        };
        let authority = self
            .actor
            .stands_at(desk.grid, staffing)
            .ok_or(NOT_AT_DESK)?;
        let asker = self.actor.officer_id;
        let others = staffing.officers(desk.grid);
        if extension.asked_by == asker && others.iter().any(|officer| *officer != asker) {
            return Err(Refusal::new(
                Code::OtherPersonGrants,
                "Another person decides on what you have asked for yourself.",
            ));
        }
        Ok(authority)
    }

    fn urge(&self) -> Result<Authority, Refusal> {
        let (report, context) = (self.report, self.context);
        let pause = TimeDelta::minutes(i64::from(context.policy.proceedings.urge_minutes));
        let last = report.proceedings.urged_at;
        if last.is_some_and(|urged| context.now < urged + pause) {
            return Err(Refusal::new(
                Code::UrgedLately,
                "It was urged a short while ago; give whoever has it a little time.",
            ));
        }
        let reporter = (report.reporter_id == self.actor.officer_id).then(Authority::default);
        self.desk_or_above().or(reporter).ok_or(NOT_AT_DESK)
    }

    fn refer(&self) -> Result<Authority, Refusal> {
        self.town_holds_it()?;
        if self.report.proceedings.referral.is_some() {
            return Err(Refusal::new(
                Code::AlreadyReferred,
                "It is at the county already: record the reply, or go on with it.",
            ));
        }
        self.at_town()
    }

    /// Records that the county has it, or what it replied.
    fn hear_from_county(&self) -> Result<Authority, Refusal> {
        self.town_holds_it()?;
        if self.report.proceedings.referral.is_none() {
            return Err(Refusal::new(
                Code::NothingAsked,
                "It is not at the county: refer it first.",
            ));
        }
        self.at_town()
    }

    fn town_holds_it(&self) -> Result<(), Refusal> {
        if self.report.holder_tier == Tier::Town {
            return Ok(());
        }
        Err(Refusal::new(
            Code::NotHolder,
            "Only what the town holds goes to the county: take it over first.",
        ))
    }

    fn reopen(&self) -> Result<Authority, Refusal> {
        let context = self.context;
        let days = TimeDelta::days(i64::from(context.policy.proceedings.reopen_days));
        let closed_at = self.report.closed_at;
        if closed_at.is_none_or(|closed| context.now > closed + days) {
            return Err(Refusal::new(
                Code::ReopenOver,
                "It was closed too long ago to go on: file a new report, and name this one.",
            ));
        }
        self.holder_or_above(Refusal::new(
            Code::NotHolder,
            "The grid that closed it, or one above, opens it again.",
        ))
    }
}

/// Whether no more than so many working days have passed since an instant.
fn within(since: DateTime<Utc>, working_days: u32, context: &Context<'_>) -> bool {
    let span = Span::WorkingDays(working_days);
    context.now <= context.calendar.after(since, span)
}

/// Whether the actor filed it, and nobody else has acted on it yet.
fn filed_and_untouched(report: &Report, actor: &Actor) -> bool {
    actor.officer_id == report.reporter_id && report.first_acted_at.is_none()
}

/// Whether a void by this actor must name the report that it repeats: a secretary may void only
/// duplicates.
#[must_use]
pub fn void_needs_duplicate(report: &Report, actor: &Actor) -> bool {
    !filed_and_untouched(report, actor) && actor.stands_at_town(report.place).is_none()
}

/// The tier at which the actor would hold the report by taking it: the lowest above the holder.
#[must_use]
pub fn taking_tier(report: &Report, actor: &Actor) -> Option<Tier> {
    actor
        .working()
        .filter(|posting| posting.grid.covers(report.place))
        .map(|posting| posting.grid.tier())
        .filter(|tier| *tier > report.holder_tier)
        .min()
}

/// The lapse that this village's secretary may recall now.
#[must_use]
pub fn recallable(report: &Report, context: &Context<'_>) -> Option<Lapse> {
    let days = context.policy.proceedings.recall_working_days;
    report
        .proceedings
        .lapse
        .filter(|lapse| lapse.tier == Tier::Village && report.holder_tier == Tier::Town)
        .filter(|lapse| within(lapse.at, days, context))
        .filter(|_| !report.proceedings.recalled)
}

/// The outcomes with which the holder's officer could close it now; never empty.
///
/// # Errors
/// The rule that forbids to close it as handled, when no outcome is possible.
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

#[cfg(test)]
mod tests;
