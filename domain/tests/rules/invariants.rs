//! What must hold of a report after every step.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::lapse as lapse_rules;
use gridpatrol_domain::report::{ActionKind, Context, Duty, Policy, Proceedings, Report, Status};
use proptest::prelude::*;
use uuid::Uuid;

use super::town::People;

pub fn holds(
    report: &Report,
    people: &People,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), TestCaseError> {
    // Always a holder on its path.
    prop_assert!(report.holder().covers(report.place));
    prop_assert_eq!(report.desk().is_some(), report.status.moves());
    let rests = matches!(report.status, Status::Closed | Status::Void);
    prop_assert_eq!(report.next_due_at.is_none(), rests, "{:?}", report);
    prop_assert!(report.own_time(now) <= report.gross_time(now));
    let Proceedings {
        suspension,
        referral,
        extension,
        ..
    } = &report.proceedings;
    prop_assert!(suspension.is_none() || matches!(report.status, Status::Suspended | Status::Void));
    prop_assert!(
        referral.is_none() || (report.status == Status::Open && report.holder_tier == Tier::Town)
    );
    prop_assert!(extension.is_none() || report.status == Status::Open);
    prop_assert!(report.warning_due_at.is_none() || report.status.moves());
    if report.status == Status::Suspended {
        prop_assert!(
            report.next_due_at <= suspension.as_ref().map(|suspension| suspension.review_at)
        );
    }
    if report.status.moves() {
        // A desk that somebody can reach.
        let staffing = people.at(now);
        let officers = report.desk_officers(staffing);
        prop_assert!(!officers.is_empty(), "nobody at the desk of {report:?}");
        // Whoever is named there may act, and who works on it is named, if present.
        if let Some(handler) = report.handler.as_ref()
            && report.desk().unwrap().duty == Duty::Handle
        {
            let there = |officer: Uuid| staffing.in_person(officer) == [officer];
            for actor in people.actors.iter().filter(|actor| there(actor.officer_id)) {
                let works = handler.worked_on_by(actor, staffing);
                let named = officers.contains(&actor.officer_id);
                // A deputy may act beside who is there as well.
                let deputy = actor.postings.iter().any(|one| one.on_behalf_of.is_some());
                prop_assert!(works.is_some() || !named);
                prop_assert!(works.is_none() || named || deputy);
            }
        }
        // One due instant, not past the deadline while that lies ahead.
        let due = report.next_due_at.unwrap();
        prop_assert!(due > report.desk_since);
        // Unless the clock stands still.
        let overdue = report.deadline_at <= report.desk_since || report.deadline_at <= now;
        prop_assert!(
            overdue || referral.is_some() || due <= report.deadline_at,
            "{:?}",
            report
        );
    }
    if report.status == Status::Escalating {
        prop_assert!(report.holder_tier < Tier::Town);
        prop_assert_eq!(report.desk().unwrap().grid.tier(), Tier::Village);
        prop_assert!(report.escalation_requested_by.is_some());
    }
    prop_assert!(report.returns.group.max(report.returns.village) <= policy.most_returns);
    Ok(())
}

/// The deadline is never later than granted; otherwise another limit and a new round alone move it, and
/// a clock that stood still: by as much as it did.
pub fn deadline_keeps(
    before: &Report,
    after: &Report,
    kind: ActionKind,
    context: &Context<'_>,
) -> Result<(), TestCaseError> {
    let Context {
        policy,
        calendar,
        now,
        ..
    } = *context;
    let limit =
        |report: &Report, from| policy.deadline(calendar, from, report.category, report.severity);
    let class = |report: &Report| (report.category, report.severity);
    let (referral, suspension) = (&before.proceedings.referral, &before.proceedings.suspension);
    let since = referral.as_ref().map(|referral| referral.since);
    let since = since.or(suspension.as_ref().map(|suspension| suspension.since));
    let stood_still = after.proceedings.stood_still_ms > before.proceedings.stood_still_ms;
    match (kind, before.proceedings.extension) {
        (ActionKind::Reopen, _) => prop_assert_eq!(after.deadline_at, limit(after, now)),
        (ActionKind::Grant, Some(extension)) => {
            prop_assert!(after.deadline_at <= extension.until);
            prop_assert!(after.deadline_at > before.deadline_at);
        }
        (ActionKind::Reclassify, _) if class(after) != class(before) && !stood_still => {
            let from = before.limit_since();
            let granted = (before.deadline_at - limit(before, from)).max(TimeDelta::zero());
            let most = before.deadline_at.max(limit(after, from) + granted);
            prop_assert!(after.deadline_at <= most);
        }
        (ActionKind::Reclassify, _) if class(after) != class(before) => {}
        _ if stood_still => {
            let pace = policy.pace(after.category, after.severity);
            let since = since.unwrap();
            let left = |from, deadline| calendar.measure(pace, from, deadline);
            let before_it = left(since, before.deadline_at);
            if before_it > TimeDelta::zero() {
                prop_assert_eq!(left(now, after.deadline_at), before_it);
            } else {
                prop_assert_eq!(after.deadline_at, before.deadline_at + (now - since));
            }
        }
        _ => prop_assert_eq!(after.deadline_at, before.deadline_at),
    }
    Ok(())
}

/// What happens by itself until now; it comes to an end, in order, and keeps the rules.
pub fn lapse(
    report: &mut Report,
    people: &People,
    context: &Context<'_>,
) -> Result<(), TestCaseError> {
    let mut last: Option<DateTime<Utc>> = None;
    for count in 0.. {
        let Some(step) = lapse_rules::step(report, context) else {
            break;
        };
        prop_assert!(count < 200, "there is no end: {:?}", report);
        prop_assert!(last <= Some(step.due_at) && step.due_at <= context.now);
        last = Some(step.due_at);
        let after = step.decision.report;
        prop_assert!(!step.decision.events.is_empty());
        prop_assert!(
            lapse_rules::due_at(&after).is_none_or(|due| due >= step.due_at),
            "{:?} goes back from {:?}",
            after,
            step.due_at
        );
        // Nobody has approved, resolved or closed anything.
        prop_assert_eq!(after.resolved_by, report.resolved_by);
        prop_assert_eq!(after.closed_at, report.closed_at);
        prop_assert!(after.holder_tier >= report.holder_tier);
        prop_assert_eq!(after.first_acted_at, report.first_acted_at);
        if step.rule != lapse_rules::Rule::Review {
            prop_assert_eq!(after.deadline_at, report.deadline_at);
        }
        *report = after;
        holds(report, people, context.policy, step.due_at)?;
    }
    Ok(())
}
