//! Following a grid: where an open report is, and who answers for it, after its grid has moved or
//! ended.
//!
//! Owns what becomes of holder, handler and desk. Nobody acts on the report by this: its returns, its
//! deadline and who was first to act stay. What has ended keeps the path of its time and is not
//! asked about here.

use uuid::Uuid;

use super::code::{Duty, RelocationReason, Status};
use super::decision::{Context, Decision};
use super::event::Event;
use super::event_data::{BeforeAfter, EventData, RelocatedFields};
use super::holding::{hold_at, raise_to_verifier};
use super::state::Report;
use crate::grid::GridPath;

/// The report as it is when `place` and `handler` are where its grids are now. None: nothing of it
/// changes.
///
/// - It lies at `place`. Where that is higher than its holder was, it has arrived there.
/// - The grid of the holder's tier there answers for it, or the lowest that there is.
/// - Work given to a grid that no longer lies below the holder goes back to the holder.
/// - A resolution is verified by the lowest grid there that may.
/// - A desk of another grid begins its own step.
#[must_use]
pub fn relocate(
    report: &Report,
    place: GridPath,
    handler: Option<GridPath>,
    reason: RelocationReason,
    context: &Context<'_>,
) -> Option<Decision> {
    let mut next = report.clone();
    next.place = place;
    if let (Some(next), Some(grid)) = (&mut next.handler, handler) {
        next.grid = grid;
    }
    if next.holder_tier < place.tier() {
        hold_at(&mut next, place.tier());
    }
    let holder = next.holder();
    next.handler = next.handler.filter(|handler| {
        let named = handler.officer.is_some() || handler.team.is_some();
        holder.covers(handler.grid) && (named || handler.grid != holder)
    });
    if next.status == Status::Resolved {
        raise_to_verifier(&mut next, context);
    }
    if next == *report {
        return None;
    }
    next.version += 1;
    if at_desk(&next) != at_desk(report) {
        next.desk_since = context.now;
        next.accepted_at = None;
        if next.handler.is_none() {
            next.proceedings.supervision = None;
        }
        next.next_due_at = context.policy.next_due(context.calendar, &next);
    }
    let said = EventData::Relocated {
        reason,
        changes: difference(report, &next),
    };
    let event = Event {
        kind: said.kind(),
        on_behalf_of: None,
        payload: said.fields(),
    };
    Some(Decision {
        report: next,
        events: vec![event],
    })
}

/// Who must act, by id: a grid that moved is the same grid.
fn at_desk(report: &Report) -> Option<(Uuid, Option<Uuid>, Duty)> {
    let desk = report.desk()?;
    Some((desk.grid.id(), desk.officer.or(desk.team), desk.duty))
}

fn difference(before: &Report, after: &Report) -> RelocatedFields {
    let handler = |report: &Report| {
        let handler = report.handler.as_ref();
        handler.map(|handler| handler.grid.id())
    };
    RelocatedFields {
        grid_id: BeforeAfter::of(before.place.id(), after.place.id()),
        village_id: BeforeAfter::of(before.place.village_id(), after.place.village_id()),
        holder_id: BeforeAfter::of(before.holder().id(), after.holder().id()),
        handler_grid_id: BeforeAfter::of(handler(before), handler(after)),
        status: BeforeAfter::of(before.status, after.status),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::calendar::Calendar;
    use crate::coded_value::CodedValue as _;
    use crate::grid::{GridPath, Tier};
    use crate::grid_management::followed;
    use crate::officer::{Covers, Post, Role, Staffing};
    use crate::report::{
        Category, Handler, Policy, Proceedings, Returns, Severity, Source, WarningLevel,
    };

    const TOWN: Uuid = Uuid::from_u128(1);

    fn village(number: u128) -> GridPath {
        GridPath::village(TOWN, Uuid::from_u128(number * 100))
    }

    fn group(village: u128, number: u128) -> GridPath {
        GridPath::group(
            TOWN,
            Uuid::from_u128(village * 100),
            Uuid::from_u128(village * 100 + number),
        )
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn report(place: GridPath, holder_tier: Tier, status: Status) -> Report {
        let received = now() - chrono::TimeDelta::days(1);
        Report {
            id: Uuid::from_u128(7),
            place,
            filing_tier: place.tier(),
            category: Category::LivingEnvironment,
            severity: Severity::General,
            source: Source::Patrol,
            status,
            status_before_void: None,
            duplicate_of: None,
            holder_tier,
            handler: None,
            desk_since: received,
            escalation_requested_by: None,
            returns: Returns::default(),
            rework_count: 0,
            reporter_id: Uuid::from_u128(8),
            first_acted_at: None,
            accepted_at: None,
            resolved_by: (status == Status::Resolved).then_some(Uuid::from_u128(8)),
            resolved_at: (status == Status::Resolved).then_some(received),
            closed_at: None,
            outcome: None,
            self_verified: false,
            received_at: received,
            round: 1,
            round_since: received,
            rebounds: 0,
            away: TimeDelta::zero(),
            proceedings: Proceedings::default(),
            warning_level: WarningLevel::Green,
            warning_due_at: None,
            deadline_at: now() + chrono::TimeDelta::days(2),
            next_due_at: Some(now()),
            version: 3,
        }
    }

    fn staffing() -> Staffing {
        Staffing::new([TOWN, Uuid::from_u128(200)].map(|grid_id| Post {
            grid_id,
            officer_id: Uuid::from_u128(90),
            role: Role::TownOfficer,
            on_behalf_of: None,
            covers: Covers::All,
        }))
    }

    fn follow(report: &Report, from: GridPath, to: GridPath) -> Option<Report> {
        let (staffing, policy) = (staffing(), Policy::default());
        let context = Context {
            staffing: &staffing,
            policy: &policy,
            calendar: Calendar::default(),
            evidence: false,
            now: now(),
        };
        relocate(
            report,
            followed(report.place, from, to),
            report
                .handler
                .as_ref()
                .map(|handler| followed(handler.grid, from, to)),
            RelocationReason::Archived,
            &context,
        )
        .map(|decision| decision.report)
    }

    #[test]
    fn a_group_that_ends_in_its_village_brings_its_reports_there() {
        let escalating = report(group(1, 1), Tier::Group, Status::Escalating);
        let after = follow(&escalating, group(1, 1), village(1)).unwrap();
        assert_eq!((after.place, after.status), (village(1), Status::Open));
        assert_eq!(after.holder(), village(1));
        assert_eq!(after.version, 4);
    }

    #[test]
    fn an_escalation_waits_for_the_village_that_took_over() {
        let escalating = report(group(1, 1), Tier::Group, Status::Escalating);
        let after = follow(&escalating, village(1), village(2)).unwrap();
        assert_eq!(after.status, Status::Escalating);
        assert_eq!(after.desk().unwrap().grid, village(2));
        assert_eq!(after.place.group_id(), group(1, 1).group_id());
        assert_eq!(after.desk_since, now());
    }

    #[test]
    fn the_desk_of_a_group_that_moved_is_the_same_desk() {
        let open = report(group(1, 1), Tier::Group, Status::Open);
        let to = GridPath::group(TOWN, Uuid::from_u128(200), group(1, 1).id());
        let after = follow(&open, group(1, 1), to).unwrap();
        assert_eq!(after.holder(), to);
        assert_eq!(after.desk_since, open.desk_since);
        assert_eq!(after.next_due_at, open.next_due_at);
    }

    #[test]
    fn work_that_moved_away_goes_back_to_the_holder() {
        let mut open = report(group(1, 2), Tier::Village, Status::Open);
        open.handler = Some(Handler::of(group(1, 1)));
        let to = GridPath::group(TOWN, Uuid::from_u128(200), group(1, 1).id());
        let after = follow(&open, group(1, 1), to).unwrap();
        assert_eq!(after.handler, None);
        assert_eq!(after.desk().unwrap().grid, village(1));
    }

    fn path() -> impl Strategy<Value = GridPath> {
        prop_oneof![
            Just(GridPath::town(TOWN)),
            (1_u128..4).prop_map(village),
            (1_u128..4, 1_u128..4).prop_map(|(one, other)| group(one, other)),
        ]
    }

    /// A grid that ends, and who takes over.
    fn ending() -> impl Strategy<Value = (GridPath, GridPath)> {
        prop_oneof![
            (1_u128..4, 1_u128..3)
                .prop_map(|(one, by)| (village(one), village((one + by - 1) % 3 + 1))),
            (1_u128..4, 1_u128..4).prop_map(|(one, other)| (group(one, other), village(one))),
            (1_u128..4, 1_u128..4, 1_u128..4, 4_u128..6)
                .prop_map(|(one, other, to, at)| (group(one, other), group(to, at))),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_left_at_a_grid_that_ended(
            place in path(),
            tier in prop::sample::select(Tier::ALL),
            status in prop::sample::select(&[
                Status::Open, Status::Escalating, Status::Resolved, Status::Suspended,
            ][..]),
            handler in prop::option::of(path()),
            (from, to) in ending(),
        ) {
            let tier = tier.max(place.tier());
            let status = if tier == Tier::Town && status == Status::Escalating {
                Status::Open
            } else {
                status
            };
            let mut before = report(place, tier, status);
            before.handler = handler
                .filter(|grid| before.holder().covers(*grid) && *grid != before.holder())
                .map(Handler::of);
            let Some(after) = follow(&before, from, to) else {
                prop_assert!(!from.covers(before.place));
                prop_assert!(before.handler.as_ref().is_none_or(|handler| !from.covers(handler.grid)));
                return Ok(());
            };
            let gone = |id: Uuid| id == from.id();
            for (_, id) in after.place.upward() {
                prop_assert!(!gone(id));
            }
            prop_assert!(!gone(after.holder().id()));
            prop_assert!(after.holder().covers(after.place));
            prop_assert!(after.desk().is_none_or(|desk| !gone(desk.grid.id())));
            let sound = |handler: &Handler| {
                !gone(handler.grid.id()) && after.holder().covers(handler.grid)
            };
            prop_assert!(after.handler.as_ref().is_none_or(sound));
            prop_assert_eq!(after.version, before.version + 1);
            prop_assert_eq!(after.deadline_at, before.deadline_at);
            prop_assert!(after.holder_tier >= before.holder_tier);
        }
    }
}
