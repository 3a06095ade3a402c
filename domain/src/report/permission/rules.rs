//! The rules of each action by themselves: by what the actor may do it, and what stands in the way.
//!
//! Role and status are checked before.

use chrono::TimeDelta;

use super::conditions::{
    closing_outcomes, filed_and_untouched, recallable, taking_tier, within, works_as_handler,
};
use crate::error::Code;
use crate::grid::Tier;
use crate::officer::{Actor, Authority};
use crate::report::action::ActionKind;
use crate::report::code::{Severity, Status};
use crate::report::decision::Context;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

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

/// Somebody who asks to do something to a report now.
pub(super) struct Request<'a> {
    pub(super) report: &'a Report,
    pub(super) actor: &'a Actor,
    pub(super) context: &'a Context<'a>,
}

impl Request<'_> {
    /// The rules of each action, and by what the actor may do it.
    pub(super) fn rules_allow(&self, kind: ActionKind) -> Result<Authority, Refusal> {
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
