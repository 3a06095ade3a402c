//! What happens by itself: the system's act at an instant that came before anybody acted.
//!
//! Owns what a report becomes at its next due instant. The clock and the forecast ask here and nowhere
//! else, so that the forecast is what happens. Nobody decides anything by this: a lapse counts against the
//! tier that missed its step, and is no officer's approval. What an action does stands in `actions`, when
//! a step is due in `deadlines`.
//!
//! A step counts from the instant it was due, however late the clock comes to it: after a standstill
//! everything is where it would be otherwise. A lapse does not count against a tier that got the report
//! only after its step was over.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::actions::{extension, suspension};
use super::code::{Duty, Severity, Status, WarningLevel};
use super::decision::{Context, Decision};
use super::event::Event;
use super::event_data::{EventData, LapsedStep};
use super::handler::Handler;
use super::holding::{rise, verify_at};
use super::proceedings::Lapse;
use super::state::Report;
use crate::coded_value::{CodedValue as _, coded_values};
use crate::grid::Tier;

coded_values! {
    /// By which rule something happens by itself.
    Rule as "ClockRule" {
        /// So much of the limit is used up that it is due soon.
        DueSoon = "due_soon", "临期预警", "Due soon";
        /// The deadline has passed.
        DeadlinePassed = "deadline_passed", "超过时限", "The deadline has passed";
        /// It has been overdue for so long that the town should supervise it (督办).
        SupervisionDue = "supervision_due", "超期应督办", "Overdue: supervision is due";
        /// It has been overdue for so long that the town should make it known (通报).
        CircularDue = "circular_due", "超期应通报", "Overdue: a circular is due";
        /// The holder's step is over: it goes up one tier.
        StepOver = "step_over", "办理超时自动上报", "The step is over: up one tier";
        /// The village did not decide on an escalation: it goes up one tier, as if nobody was asked.
        Undecided = "undecided", "审核超时自动上报", "Nobody decided: up one tier";
        /// The handler's time is over: the work comes back to the holder.
        HandlerLate = "handler_late", "交办超时收回", "The handler is late: back to the holder";
        /// Nobody has verified: who should is reminded first.
        VerificationLate = "verification_late", "核查超时提醒", "Nobody has verified: a reminder";
        /// Still nobody has verified: one tier up does.
        VerificationOver = "verification_over", "核查超时上移", "Still nobody has verified: up one tier";
        /// The town is late: it is reminded again and again.
        TownLate = "town_late", "镇级超期提醒", "The town is late: reminded again and again";
        /// Nobody answered the request for more time: silence is refusal.
        Silence = "silence", "延期申请逾期未批", "Nobody answered: refused";
        /// A milestone of a suspension has come.
        Milestone = "milestone", "挂账节点到期", "A milestone is due";
        /// The review of a suspension has come: it goes on, at the town.
        Review = "review", "挂账复核到期", "The review is due: it goes on";
        /// The county has not replied: the town is reminded.
        ReplyLate = "reply_late", "县级回复逾期", "The county's reply is late";
    }
}

impl Rule {
    /// Whether it only marks how much of the limit is used up, and moves nothing.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::DueSoon | Self::DeadlinePassed | Self::SupervisionDue | Self::CircularDue
        )
    }

    /// Whether it comes again and again until somebody acts.
    #[must_use]
    pub const fn repeats(self) -> bool {
        matches!(self, Self::TownLate | Self::ReplyLate)
    }
}

/// The tier that missed its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LapseAttribution {
    /// The grid.
    pub grid_id: Uuid,
    /// Its tier.
    pub tier: Tier,
    /// Whether the lapse counts against it: not if it got the report after the step was over.
    pub charged: bool,
}

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// By which rule.
    pub rule: Rule,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// Who missed the step, if anybody did.
    pub attribution: Option<LapseAttribution>,
    /// The report afterwards, and what to record.
    pub decision: Decision,
}

/// When something happens by itself next, if nobody acts. Nothing does after the report has ended.
#[must_use]
pub fn due_at(report: &Report) -> Option<DateTime<Utc>> {
    if matches!(report.status, Status::Closed | Status::Void) {
        return None;
    }
    match (report.next_due_at, report.warning_due_at) {
        (Some(step), Some(mark)) => Some(step.min(mark)),
        (step, mark) => step.or(mark),
    }
}

/// What happens at the report's next due instant, if that has come by `context.now`. Each step brings
/// the next due instant forward, so asking again ends at some point.
#[must_use]
pub fn step(report: &Report, context: &Context<'_>) -> Option<Step> {
    let due = due_at(report).filter(|due| *due <= context.now)?;
    let mut turn = Turn {
        before: report,
        next: report.clone(),
        due,
        context,
        events: Vec::new(),
    };
    // A warning level before the step of the same instant.
    let (rule, attribution) = if report.warning_due_at == Some(due) {
        (turn.warn(), None)
    } else {
        turn.lapse()
    };
    Some(Step {
        rule,
        due_at: due,
        attribution,
        decision: Decision {
            report: turn.next,
            events: turn.events,
        },
    })
}

/// The warning that became due before somebody acts now, if the clock has not recorded it yet. Only that:
/// a step that is over is undone by acting on it. So the record shows what ended late.
#[must_use]
pub fn warn(report: &Report, context: &Context<'_>) -> Option<Step> {
    due_at(report)?;
    let due = report.warning_due_at.filter(|due| *due <= context.now)?;
    let mut turn = Turn {
        before: report,
        next: report.clone(),
        due,
        context,
        events: Vec::new(),
    };
    Some(Step {
        rule: turn.warn(),
        due_at: due,
        attribution: None,
        decision: Decision {
            report: turn.next,
            events: turn.events,
        },
    })
}

/// One step in progress.
struct Turn<'a> {
    before: &'a Report,
    next: Report,
    due: DateTime<Utc>,
    context: &'a Context<'a>,
    events: Vec<Event>,
}

impl Turn<'_> {
    /// The limit is used up further.
    fn warn(&mut self) -> Rule {
        let deadline_at = self.before.deadline_at;
        let (rule, said) = match (self.before.warning_level, self.before.proceedings.pressures) {
            (WarningLevel::Green, _) => (Rule::DueSoon, EventData::DueSoon { deadline_at }),
            (WarningLevel::Yellow, _) => (Rule::DeadlinePassed, EventData::Overdue { deadline_at }),
            (WarningLevel::Red, 0) => (
                Rule::SupervisionDue,
                EventData::SupervisionDue { deadline_at },
            ),
            (WarningLevel::Red, _) => (Rule::CircularDue, EventData::CircularDue { deadline_at }),
        };
        match self.before.warning_level {
            WarningLevel::Green => self.next.warning_level = WarningLevel::Yellow,
            WarningLevel::Yellow => self.next.warning_level = WarningLevel::Red,
            WarningLevel::Red => self.next.proceedings.pressures += 1,
        }
        let policy = self.context.policy;
        self.next.warning_due_at = policy.next_warning(self.context.calendar, &self.next, self.due);
        self.record(rule, &said);
        rule
    }

    /// The current step is over.
    fn lapse(&mut self) -> (Rule, Option<LapseAttribution>) {
        let report = self.before;
        let waits_for_time = report.desk().is_some_and(|desk| desk.duty == Duty::Grant);
        match (report.status, &report.handler) {
            (Status::Suspended, _) => (self.suspended(), None),
            (Status::Resolved, _) => self.unverified(),
            (Status::Escalating, _) => self.goes_up(Rule::Undecided, Tier::Village),
            _ if waits_for_time => (self.silence(), None),
            _ if report.proceedings.referral.is_some() => (self.remind(Rule::ReplyLate), None),
            (_, Some(handler)) => self.handler_late(handler),
            (_, None) if report.holder_tier == Tier::Town => (self.remind(Rule::TownLate), None),
            (_, None) => self.goes_up(Rule::StepOver, report.holder_tier),
        }
    }

    /// The next tier holds it now.
    fn goes_up(&mut self, rule: Rule, lapsed: Tier) -> (Rule, Option<LapseAttribution>) {
        let from = self.before.holder_tier;
        let attribution = self.attribution(lapsed);
        rise(&mut self.next, from.above().unwrap_or(Tier::Town));
        self.handed_over();
        self.next.proceedings.lapse = Some(Lapse {
            tier: lapsed,
            due_at: self.due,
            at: self.context.now,
        });
        self.record(rule, &self.lapsed(attribution));
        (rule, Some(attribution))
    }

    fn handler_late(&mut self, handler: &Handler) -> (Rule, Option<LapseAttribution>) {
        let attribution = LapseAttribution {
            grid_id: handler.grid.id(),
            tier: handler.grid.tier(),
            charged: !self.came_late(),
        };
        self.next.handler = None;
        self.next.proceedings.supervision = None;
        self.next.proceedings.lapse = None;
        self.handed_over();
        let said = EventData::HandlerLapsed {
            lapsed_tier: attribution.tier,
            lapsed_grid_id: attribution.grid_id,
            officer_id: handler.officer,
            team_id: handler.team,
            charged: attribution.charged,
        };
        self.record(Rule::HandlerLate, &said);
        (Rule::HandlerLate, Some(attribution))
    }

    /// First a reminder, then one tier up; at the top reminders alone.
    fn unverified(&mut self) -> (Rule, Option<LapseAttribution>) {
        let from = self.before.holder_tier;
        if from == Tier::Town {
            return (self.remind(Rule::TownLate), None);
        }
        if self.before.proceedings.reminders == 0 {
            self.next.proceedings.reminders = 1;
            let policy = self.context.policy;
            let due = policy.least_from(self.context.calendar, self.before, self.due);
            let deadline = self.before.deadline_at;
            self.next.next_due_at = Some(if deadline > self.due {
                due.min(deadline)
            } else {
                due
            });
            self.record(
                Rule::VerificationLate,
                &EventData::Reminded { number: None },
            );
            return (Rule::VerificationLate, None);
        }
        let attribution = self.attribution(from);
        verify_at(&mut self.next, from.above().unwrap_or(Tier::Town));
        self.next.proceedings.lapse = None;
        self.handed_over();
        self.record(Rule::VerificationOver, &self.lapsed(attribution));
        (Rule::VerificationOver, Some(attribution))
    }

    fn silence(&mut self) -> Rule {
        let asked = self.next.proceedings.extension.take();
        if let Some(asked) = &asked {
            extension::resume_step(&mut self.next, asked, self.context, self.due);
        }
        self.next.version += 1;
        let said = EventData::ExtensionRefused {
            reason: None,
            until: asked.map(|asked| asked.until),
        };
        self.record(Rule::Silence, &said);
        Rule::Silence
    }

    fn suspended(&mut self) -> Rule {
        let suspension = self.next.proceedings.suspension.as_mut();
        let reached = suspension.and_then(|suspension| {
            let first = suspension.milestones.first()?;
            (first.due_at <= self.due && first.due_at < suspension.review_at)
                .then(|| suspension.milestones.remove(0))
        });
        if let Some(milestone) = reached {
            self.next.next_due_at = self
                .context
                .policy
                .next_due(self.context.calendar, &self.next);
            let said = EventData::MilestoneDue {
                title: &milestone.title,
                due_at: milestone.due_at,
            };
            self.record(Rule::Milestone, &said);
            return Rule::Milestone;
        }
        let before = self.before.deadline_at;
        suspension::go_on(&mut self.next, self.context, self.due);
        // What the town suspended comes back to the town's desk.
        rise(&mut self.next, Tier::Town);
        self.handed_over();
        let said = EventData::Resumed {
            comment: None,
            before,
            after: self.next.deadline_at,
        };
        self.record(Rule::Review, &said);
        Rule::Review
    }

    /// The desk is reminded, and will be again: each working morning; what is critical round the clock.
    /// Reminders missed in a standstill are not made up for.
    fn remind(&mut self, rule: Rule) -> Rule {
        let number = self.before.proceedings.reminders + 1;
        self.next.proceedings.reminders = number;
        let from = self.due.max(self.context.now);
        self.next.next_due_at = Some(
            if self.before.severity == Severity::Critical && rule == Rule::TownLate {
                let minutes = i64::from(self.context.policy.pressing.critical_reminder_minutes);
                let every = TimeDelta::minutes(minutes.max(1));
                let passed = (from - self.due).num_seconds() / every.num_seconds();
                self.due + every * i32::try_from(passed + 1).unwrap_or(i32::MAX)
            } else {
                self.context.calendar.opening_after(from)
            },
        );
        let said = EventData::Reminded {
            number: Some(number),
        };
        self.record(rule, &said);
        rule
    }

    /// Another desk has it from the due instant on, and begins its own step.
    fn handed_over(&mut self) {
        let next = &mut self.next;
        next.desk_since = self.due;
        next.accepted_at = None;
        next.proceedings.reminders = 0;
        next.proceedings.urged_at = None;
        next.version += 1;
        let (policy, calendar) = (self.context.policy, self.context.calendar);
        next.next_due_at = policy.next_due(calendar, next);
        if next.deadline_at != self.before.deadline_at {
            policy.lower_warning_level(calendar, next, self.due);
        }
        next.warning_due_at = policy.next_warning(calendar, next, self.due);
    }

    fn attribution(&self, tier: Tier) -> LapseAttribution {
        LapseAttribution {
            grid_id: self.before.place.up_to(tier).id(),
            tier,
            charged: !self.came_late(),
        }
    }

    /// Whether this desk got the report by a lapse that the clock came to only when the desk's own step
    /// was over.
    fn came_late(&self) -> bool {
        let lapse = self.before.proceedings.lapse;
        lapse.is_some_and(|lapse| lapse.at > self.due)
    }

    fn lapsed(&self, attribution: LapseAttribution) -> EventData<'static> {
        EventData::Lapsed(LapsedStep {
            from_tier: self.before.holder_tier,
            to_tier: self.next.holder_tier,
            lapsed_tier: attribution.tier,
            lapsed_grid_id: attribution.grid_id,
            charged: attribution.charged,
        })
    }

    /// Records the system's act: by which rule, and when it was due, where the event does not say so
    /// itself.
    fn record(&mut self, rule: Rule, said: &EventData<'_>) {
        let mut payload = said.fields();
        payload.insert("rule".to_owned(), rule.code().into());
        if !payload.contains_key("due_at") {
            payload.insert("due_at".to_owned(), json!(self.due));
        }
        self.events.push(Event {
            kind: said.kind(),
            on_behalf_of: None,
            payload,
        });
    }
}

#[cfg(test)]
mod tests;
