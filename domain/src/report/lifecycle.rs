//! The lifecycle (DESIGN.md 3): state + action + actor + now + policy → new state with events, or a
//! refusal.
//!
//! Read [`decide`] from top to bottom: each arm is one row of the table. Who may act is checked in
//! `permission`, closing in `closing`, due instants in `limits`, the first state in `filing`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::handler::assigned;
use super::{
    Action, ActionKind, Context, Decision, Duty, Event, EventKind, Handler, Outcome, Refusal,
    Report, Severity, Status, closing, measures, permission,
};
use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::officer::{Actor, Standing};
use crate::slug::Slug;

/// Decides on an action.
///
/// # Errors
/// A refusal with the code of the rule that stands against it; the report is unchanged then.
pub fn decide(
    report: &Report,
    action: &Action,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let standing = permission::permitted(report, action.kind(), actor, context)?;
    let now = context.now;
    let mut next = report.clone();
    let mut record = Record::new(standing);

    match action {
        Action::Escalate { reason } => {
            let sender = report.holder_tier;
            record.add(
                EventKind::Escalated,
                json!({"from_tier": sender, "reason": reason}),
            );
            next.status = Status::Escalating;
            next.escalation_requested_by = Some(actor.officer_id);
            // Whoever may decide on it decides by sending it.
            if let Some(decider) = actor.decides_for(report.place) {
                rise(&mut next, sender.above().unwrap_or(Tier::Town));
                record.by(
                    decider,
                    EventKind::Approved,
                    json!({"to_tier": next.holder_tier}),
                );
            }
        }
        Action::Approve { further, comment } => {
            let sender = report.holder_tier;
            if *further && sender != Tier::Group {
                return Err(Refusal::invalid(
                    "/further",
                    "Only an escalation from a group can go on to the town in the same step.",
                ));
            }
            rise(&mut next, sender.above().unwrap_or(Tier::Town));
            record.add(
                EventKind::Approved,
                json!({"to_tier": next.holder_tier, "comment": comment}),
            );
            if *further {
                rise(&mut next, Tier::Town);
                record.add(
                    EventKind::Approved,
                    json!({"to_tier": Tier::Town, "further": true}),
                );
            }
        }
        Action::Return { reason } => {
            let kind = match report.status {
                Status::Escalating => {
                    next.returns.count(report.holder_tier);
                    next.escalation_requested_by = None;
                    EventKind::Returned
                }
                Status::Resolved => {
                    next.rework_count += 1;
                    next.resolved_by = None;
                    next.resolved_at = None;
                    EventKind::VerificationFailed
                }
                _ => {
                    next.handler = None;
                    EventKind::HandedBack
                }
            };
            next.status = Status::Open;
            record.add(kind, json!({"reason": reason}));
        }
        Action::Assign(assignment) => {
            let handler = assigned(report, assignment, context.staffing, now)?;
            let beside = Some(&handler.co_handlers).filter(|beside| !beside.is_empty());
            record.add(
                EventKind::Assigned,
                json!({
                    "grid_id": handler.grid.id(), "officer_id": handler.officer,
                    "team_id": handler.team, "co_handler_ids": beside,
                    "instruction": assignment.instruction, "due_at": assignment.due_at,
                }),
            );
            next.handler = Some(handler);
        }
        Action::Resolve { result } => {
            resolve(&mut next, actor, context);
            record.add(EventKind::Resolved, json!({"result": result}));
        }
        Action::Close {
            outcome,
            result,
            comment,
        } => {
            if report.status == Status::Open && *outcome == Outcome::Handled && result.is_none() {
                return Err(Refusal::new(
                    Code::ResultRequired,
                    "Give result to resolve and close an open report in one step.",
                ));
            }
            next.self_verified = closing::check(
                report,
                *outcome,
                actor.officer_id,
                context.evidence,
                context.staffing,
                &context.policy.closing,
            )?;
            close(&mut next, *outcome, actor, now);
            record.add(
                EventKind::Closed,
                json!({"outcome": outcome, "result": result, "comment": comment, "self_verified": next.self_verified}),
            );
        }
        Action::Void {
            reason,
            duplicate_of,
        } => {
            if *duplicate_of == Some(report.id) {
                return Err(Refusal::invalid(
                    "/duplicate_of",
                    "A report is no duplicate of itself.",
                ));
            }
            if duplicate_of.is_none() && permission::void_needs_duplicate(report, actor) {
                return Err(Refusal::invalid(
                    "/duplicate_of",
                    "A secretary may void only a duplicate: name the report that it repeats.",
                ));
            }
            next.status_before_void = Some(report.status);
            next.status = Status::Void;
            next.duplicate_of = *duplicate_of;
            record.add(
                EventKind::Voided,
                json!({"reason": reason, "duplicate_of": duplicate_of}),
            );
        }
        Action::Restore { reason } => {
            next.status = report.status_before_void.unwrap_or(Status::Open);
            next.status_before_void = None;
            next.duplicate_of = None;
            record.add(EventKind::Restored, json!({"reason": reason}));
        }
        Action::Amend { changes } => record.add(EventKind::Amended, json!({"changes": changes})),
        Action::Reclassify {
            category,
            severity,
            place,
        } => {
            if let Some(place) = place {
                if !may_move(report, *place, actor) {
                    return Err(Refusal::new(
                        Code::TargetInvalid,
                        "The new grid must lie within this town and within your own grids.",
                    ));
                }
                move_to(&mut next, *place);
            }
            next.category = category.unwrap_or(report.category);
            next.severity = severity.unwrap_or(report.severity);
            reclassified(&mut next, report, actor, context);
            record.add(
                EventKind::Reclassified,
                json!({"changes": difference(report, &next)}),
            );
        }
        Action::Comment { text } => record.add(EventKind::Commented, json!({"text": text})),
        measure => measures::apply(&mut next, &mut record, measure, actor, context)?,
    }

    if action.kind().changes() {
        next.version += 1;
        if actor.officer_id != report.reporter_id {
            next.first_acted_at = report.first_acted_at.or(Some(now));
        }
        measures::overtaken(&mut next, report, context);
        settle(&mut next, report, context);
        accept(&mut next, report, actor, context);
    }
    Ok(Decision {
        report: next,
        events: record.events,
    })
}

/// The events of one decision.
pub(super) struct Record {
    standing: Standing,
    /// In order.
    pub(super) events: Vec<Event>,
}

impl Record {
    pub(super) const fn new(standing: Standing) -> Self {
        Self {
            standing,
            events: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, kind: EventKind, payload: Value) {
        self.by(self.standing, kind, payload);
    }

    pub(super) fn by(&mut self, standing: Standing, kind: EventKind, payload: Value) {
        let payload = match payload {
            Value::Object(fields) => fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            _ => Map::new(),
        };
        self.events.push(Event {
            kind,
            on_behalf_of: standing.on_behalf_of,
            payload,
        });
    }
}

/// The report comes to a higher tier, which handles it now.
pub(super) fn rise(report: &mut Report, tier: Tier) {
    report.holder_tier = tier;
    report.status = Status::Open;
    report.handler = None;
    report.escalation_requested_by = None;
}

/// Put right by the actor. The lowest grid whose officers may close it verifies, and thereby becomes
/// the holder; the former holder stays the one who did the work, so that a failed verification goes
/// back there.
pub(super) fn resolve(report: &mut Report, actor: &Actor, context: &Context<'_>) {
    report.status = Status::Resolved;
    report.escalation_requested_by = None;
    report.resolved_by = Some(actor.officer_id);
    report.resolved_at = Some(context.now);
    raise_to_verifier(report, context);
}

pub(super) fn raise_to_verifier(report: &mut Report, context: &Context<'_>) {
    let verifier = closing::verifying_tier(report, context.staffing, &context.policy.closing);
    if verifier > report.holder_tier {
        let holder = report.holder();
        report.handler.get_or_insert(Handler::of(holder));
        report.holder_tier = verifier;
    }
}

/// Ends the report; from open as handled, it is resolved and closed in one.
pub(super) fn close(report: &mut Report, outcome: Outcome, actor: &Actor, now: DateTime<Utc>) {
    if report.status == Status::Open && outcome == Outcome::Handled {
        report.resolved_by = Some(actor.officer_id);
        report.resolved_at = Some(now);
    }
    report.status = Status::Closed;
    report.closed_at = Some(now);
    report.outcome = Some(outcome);
}

/// Whether the actor may move the report there: within one of the actor's grids on its path.
fn may_move(report: &Report, place: GridPath, actor: &Actor) -> bool {
    actor
        .acting()
        .any(|posting| posting.grid.covers(report.place) && posting.grid.covers(place))
}

/// The report lies elsewhere now: the grid of the same tier there holds it, or the lowest that
/// there is.
fn move_to(report: &mut Report, place: GridPath) {
    report.place = place;
    if report.holder_tier < place.tier() {
        match report.status {
            Status::Open | Status::Escalating => rise(report, place.tier()),
            // What rests or is to be verified goes on doing so.
            _ => report.holder_tier = place.tier(),
        }
    }
    let holder = report.holder();
    report
        .handler
        .take_if(|handler| !holder.covers(handler.grid));
}

/// What follows from a new category, severity or place. Another limit counts from receipt too, or from
/// when the round began, with what was granted beyond the former one; only the town makes the deadline
/// later. What became critical moves to the town.
fn reclassified(next: &mut Report, before: &Report, actor: &Actor, context: &Context<'_>) {
    let limit = |report: &Report| {
        context.policy.deadline(
            context.calendar,
            before.limit_since(),
            report.category,
            report.severity,
        )
    };
    let class = |report: &Report| (report.category, report.severity);
    if class(next) != class(before) {
        let granted = (before.deadline_at - limit(before)).max(TimeDelta::zero());
        let deadline = limit(next) + granted;
        next.deadline_at = if actor.stands_at_town(before.place).is_some() {
            deadline
        } else {
            deadline.min(before.deadline_at)
        };
    }
    if next.severity == Severity::Critical && before.severity != Severity::Critical {
        match next.status {
            Status::Open | Status::Escalating => rise(next, Tier::Town),
            _ => next.holder_tier = Tier::Town,
        }
    }
    if next.status == Status::Resolved {
        raise_to_verifier(next, context);
    }
}

fn difference(before: &Report, after: &Report) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    note("category", json!(before.category), json!(after.category));
    note("severity", json!(before.severity), json!(after.severity));
    note("grid_id", json!(before.place.id()), json!(after.place.id()));
    note(
        "deadline_at",
        json!(before.deadline_at),
        json!(after.deadline_at),
    );
    note(
        "holder_tier",
        json!(before.holder_tier),
        json!(after.holder_tier),
    );
    changes
}

/// Brings the desk's clock up to date: a new desk starts its own step, a new deadline moves the step
/// under way. A step that only stood still goes on (`measures::refuse_time`).
pub(super) fn settle(next: &mut Report, before: &Report, context: &Context<'_>) {
    let handed_over = handed_over(next, before);
    let thawed = next.next_due_at.is_some() && next.desk_since < before.desk_since;
    if handed_over && !thawed {
        next.desk_since = context.now;
    }
    let waits = |report: &Report| report.proceedings.referral.is_some();
    // From suspended to void and back nobody's desk is involved.
    let rests = next.desk().is_none() && next.status != before.status;
    if (handed_over && !thawed)
        || rests
        || next.deadline_at != before.deadline_at
        || waits(next) != waits(before)
    {
        next.next_due_at = context.policy.next_due(context.calendar, next);
    }
    // More time was granted: no less is left of the step than if it had been refused.
    if let Some(extension) = &before.proceedings.extension
        && next.deadline_at > before.deadline_at
        && let Some(due) = &mut next.next_due_at
    {
        let resumed = measures::step_due_after(extension, before, context, context.now);
        *due = resumed.min(next.deadline_at).max(*due);
    }
    if next.deadline_at != before.deadline_at {
        context.policy.recolour(context.calendar, next, context.now);
    }
    next.mark_due_at = context
        .policy
        .next_mark(context.calendar, next, context.now);
}

/// Whether somebody else has it now, or the same have it anew. That their own day moved along with the
/// deadline is neither.
fn handed_over(next: &Report, before: &Report) -> bool {
    let moved_along = next.deadline_at != before.deadline_at && same_work(next, before);
    next.desk() != before.desk() || (next.handler != before.handler && !moved_along)
}

/// Whether the same holder has given the work to the same.
fn same_work(next: &Report, before: &Report) -> bool {
    let work = |report: &Report| {
        let handler = report.handler.as_ref();
        let to = handler.map(|handler| (handler.grid, handler.officer, handler.team));
        (report.holder(), to)
    };
    work(next) == work(before)
}

/// Any first act of the desk accepts the report (受理).
fn accept(next: &mut Report, before: &Report, actor: &Actor, context: &Context<'_>) {
    let asked = before.proceedings.extension;
    if handed_over(next, before) {
        // Whoever asked for more time goes on with it.
        next.accepted_at = asked
            .filter(|_| next.desk().is_some_and(|desk| desk.duty == Duty::Handle))
            .filter(|_| same_work(next, before))
            .and_then(|asked| asked.accepted_at);
    } else if next.accepted_at.is_none()
        && next
            .desk_officers(context.staffing)
            .contains(&actor.officer_id)
    {
        next.accepted_at = Some(context.now);
    }
}

/// An action that would succeed now, with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Which.
    pub action: ActionKind,
    /// Fields of the body that suffice for it to succeed.
    pub requires: &'static [&'static str],
    /// For `close`: the outcomes that are possible.
    pub outcomes: Vec<Outcome>,
}

/// The actions that the actor may do now: the same function asked about each.
#[must_use]
pub fn allowed_actions(report: &Report, actor: &Actor, context: &Context<'_>) -> Vec<Allowed> {
    ActionKind::ALL
        .iter()
        .filter(|kind| permission::permitted(report, **kind, actor, context).is_ok())
        .map(|kind| Allowed {
            action: *kind,
            requires: requires(report, *kind, actor),
            outcomes: if *kind == ActionKind::Close {
                permission::closing_outcomes(report, actor, context).unwrap_or_default()
            } else {
                Vec::new()
            },
        })
        .collect()
}

fn requires(report: &Report, kind: ActionKind, actor: &Actor) -> &'static [&'static str] {
    match kind {
        ActionKind::Escalate
        | ActionKind::Approve
        | ActionKind::Restore
        | ActionKind::Amend
        | ActionKind::Accept
        | ActionKind::Take
        | ActionKind::Recall
        | ActionKind::Grant
        | ActionKind::Resume
        | ActionKind::Urge
        | ActionKind::Acknowledge => &[],
        ActionKind::Return | ActionKind::Decline | ActionKind::Refuse | ActionKind::Reopen => {
            &["reason"]
        }
        ActionKind::Assign => &["grid_id"],
        ActionKind::Transfer => &["grid_id", "reason"],
        ActionKind::Extend => &["until", "reason"],
        ActionKind::Suspend => &["reason", "review_at"],
        ActionKind::Supervise => &["demand", "reply_by"],
        ActionKind::Refer => &["agency", "reason"],
        ActionKind::Reply => &["reply"],
        ActionKind::Resolve => &["result"],
        ActionKind::Close if report.status == Status::Open => &["outcome", "result"],
        ActionKind::Close => &["outcome"],
        ActionKind::Void if permission::void_needs_duplicate(report, actor) => {
            &["reason", "duplicate_of"]
        }
        ActionKind::Void => &["reason"],
        ActionKind::Reclassify => &["category"],
        ActionKind::Comment => &["text"],
    }
}
