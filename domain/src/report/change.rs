//! A change in progress: the report before and after an action, and what is recorded of it.
//!
//! Owns how a rule records what it did, and how it says what becomes of the step's clock. It knows no
//! rule.

use super::decision::{Context, Decision};
use super::event::Event;
use super::event_data::EventData;
use super::proceedings::Extension;
use super::state::Report;
use crate::officer::{Actor, Authority};

/// The events of one decision.
pub(crate) struct Record {
    authority: Authority,
    events: Vec<Event>,
}

impl Record {
    /// A record of what is done by this authority.
    pub(crate) const fn new(authority: Authority) -> Self {
        Self {
            authority,
            events: Vec::new(),
        }
    }

    /// Records an event.
    pub(crate) fn add(&mut self, data: &EventData<'_>) {
        self.add_by(self.authority, data);
    }

    /// Records an event by another authority.
    pub(crate) fn add_by(&mut self, authority: Authority, data: &EventData<'_>) {
        self.events.push(Event {
            kind: data.kind(),
            on_behalf_of: authority.on_behalf_of,
            payload: data.fields(),
        });
    }

    /// What was recorded, in order.
    pub(crate) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// What becomes of the clock of the current step.
pub(crate) enum StepClock {
    /// It follows the desk: a new desk begins its own step.
    FollowsDesk,
    /// More time was refused: the step that stood still since the request goes on.
    Resumes(Extension),
}

/// A change in progress.
pub(crate) struct Change<'a> {
    /// The report before it.
    pub(crate) before: &'a Report,
    /// The report after it.
    pub(crate) next: Report,
    /// Who acts.
    pub(crate) actor: &'a Actor,
    /// What the rules look at besides.
    pub(crate) context: &'a Context<'a>,
    /// What becomes of the clock of the current step.
    pub(crate) step_clock: StepClock,
    record: Record,
}

impl<'a> Change<'a> {
    /// The beginning of a change: nothing is different yet.
    pub(crate) fn new(
        before: &'a Report,
        actor: &'a Actor,
        context: &'a Context<'a>,
        authority: Authority,
    ) -> Self {
        Self {
            before,
            next: before.clone(),
            actor,
            context,
            step_clock: StepClock::FollowsDesk,
            record: Record::new(authority),
        }
    }

    /// Records an event.
    pub(crate) fn record(&mut self, data: &EventData<'_>) {
        self.record.add(data);
    }

    /// Records an event by another authority than that of the action.
    pub(crate) fn record_by(&mut self, authority: Authority, data: &EventData<'_>) {
        self.record.add_by(authority, data);
    }

    /// The end of it.
    pub(crate) fn into_decision(self) -> Decision {
        Decision {
            report: self.next,
            events: self.record.into_events(),
        }
    }
}
