//! The clock of a report that stood still, more time, and another limit.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::calendar::{Calendar, Pace};
use crate::grid::GridPath;
use crate::officer::{Actor, Covers, Post, Posting, Role, Staffing};
use crate::report::filing::{Filing, file};
use crate::report::lifecycle::decide;
use crate::report::{
    Action, Assignment, Category, Context, Decision, Disposition, EventKind, Outcome, Policy,
    Report, Severity, Source, Status, WarningLevel, lapse,
};

const TOWN: GridPath = GridPath::town(Uuid::from_u128(1));
const VILLAGE: GridPath = GridPath::village(Uuid::from_u128(1), Uuid::from_u128(2));
const GROUP: GridPath = GridPath::group(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
const BESIDE: GridPath =
    GridPath::group(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(4));

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}:00+08:00").parse().unwrap()
}

fn of(role: Role, grid: GridPath) -> Actor {
    Actor {
        officer_id: Uuid::from_u128(100 + grid.id().as_u128()),
        postings: vec![Posting {
            id: Uuid::nil(),
            role,
            grid,
            on_behalf_of: None,
            covers: Covers::All,
            manages: false,
        }],
        service: None,
    }
}

fn leader() -> Actor {
    of(Role::TownLeader, TOWN)
}

fn secretary() -> Actor {
    of(Role::VillageSecretary, VILLAGE)
}

fn staffing() -> Staffing {
    Staffing::new([leader(), secretary()].iter().flat_map(|actor| {
        actor.postings.iter().map(|posting| Post {
            grid_id: posting.grid.id(),
            officer_id: actor.officer_id,
            role: posting.role,
            on_behalf_of: None,
            covers: Covers::All,
        })
    }))
}

fn context<'a>(staffing: &'a Staffing, policy: &'a Policy, now: DateTime<Utc>) -> Context<'a> {
    Context {
        staffing,
        policy,
        calendar: Calendar::default(),
        evidence: true,
        now,
    }
}

/// Filed and kept by the village on a Wednesday at ten, three days: due on the Monday after.
fn filed() -> Report {
    let filing = Filing {
        id: Uuid::from_u128(7),
        place: GROUP,
        category: Category::LivingEnvironment,
        severity: Severity::General,
        source: Source::Patrol,
        disposition: Disposition::Keep,
        as_of: None,
    };
    let (staffing, policy) = (staffing(), Policy::default());
    let context = context(&staffing, &policy, at("2026-11-18T10:00"));
    let report = file(&filing, &secretary(), &context).unwrap().report;
    assert_eq!(report.deadline_at, at("2026-11-23T17:00"));
    report
}

#[track_caller]
fn act(report: &Report, actor: &Actor, now: &str, action: Action) -> Report {
    let (staffing, policy) = (staffing(), Policy::default());
    let context = context(&staffing, &policy, at(now));
    decide(report, &action, actor, &context).unwrap().report
}

fn left(report: &Report, now: &str) -> TimeDelta {
    Calendar::default().measure(Pace::Working, at(now), report.deadline_at)
}

fn take() -> Action {
    Action::Take { reason: None }
}

fn refer() -> Action {
    Action::Refer {
        agency: "县生态环境分局".to_owned(),
        reference: None,
        reason: "超出职权".to_owned(),
        reply_by: None,
    }
}

fn reply() -> Action {
    Action::Reply {
        reply: "已查处".to_owned(),
    }
}

fn assign(grid: GridPath, due: &str) -> Action {
    Action::Assign(Assignment {
        grid: Some(grid),
        due_at: Some(at(due)),
        ..Assignment::default()
    })
}

fn extend(until: &str) -> Action {
    Action::Extend {
        until: at(until),
        reason: "雨天".to_owned(),
    }
}

const GRANT: Action = Action::Grant {
    until: None,
    comment: None,
};

fn refuse() -> Action {
    Action::Refuse {
        reason: "时间够".to_owned(),
    }
}

#[test]
fn what_rested_has_as_much_left_as_before_and_is_no_sooner_due() {
    let report = filed();
    let suspend = Action::Suspend {
        reason: "待迁建".to_owned(),
        review_at: at("2027-01-20T10:00"),
        milestones: Vec::new(),
    };
    let rested = act(&report, &leader(), "2026-11-18T10:30", suspend);
    let (again, resume) = ("2026-12-28T10:30", Action::Resume { comment: None });
    let resumed = act(&rested, &leader(), again, resume);
    assert_eq!(left(&resumed, again), left(&report, "2026-11-18T10:30"));
    assert_eq!(resumed.warning_level, WarningLevel::Green);
    let rest = |at: Option<DateTime<Utc>>| resumed.deadline_at - at.unwrap();
    assert!(
        rest(resumed.warning_due_at) < TimeDelta::days(1),
        "three of four days"
    );
    assert!(
        rest(resumed.next_due_at) < TimeDelta::hours(30),
        "70 percent of three days"
    );

    // It may still ask for no more than the limit that it had.
    let ask = |until: DateTime<Utc>| {
        let (staffing, policy) = (staffing(), Policy::default());
        let context = context(&staffing, &policy, at(again));
        let action = Action::Extend {
            until,
            reason: "雨天".to_owned(),
        };
        decide(&resumed, &action, &secretary(), &context)
    };
    assert!(ask(resumed.deadline_at + TimeDelta::days(3)).is_ok());
    assert!(ask(resumed.deadline_at + TimeDelta::days(6)).is_err());
}

#[test]
fn the_time_at_the_county_is_given_back_as_it_counts() {
    let away = |from: &str, until: &str| {
        let report = act(&filed(), &leader(), "2026-11-19T10:00", take());
        let gone = act(&report, &leader(), from, refer());
        let back = act(&gone, &leader(), until, reply());
        assert_eq!(left(&back, until), left(&report, from), "{from} {until}");
        back.deadline_at
    };
    // A working day is given back as one, a weekend as nothing.
    assert_eq!(
        away("2026-11-20T09:00", "2026-11-23T09:00"),
        at("2026-11-24T17:00")
    );
    assert_eq!(
        away("2026-11-20T17:00", "2026-11-23T08:00"),
        at("2026-11-23T17:00")
    );
    // What was overdue is as long overdue.
    assert_eq!(
        away("2026-11-24T10:00", "2026-11-26T10:00"),
        at("2026-11-25T17:00")
    );
}

#[test]
fn the_handlers_own_day_stands_still_too() {
    let taken = act(&filed(), &leader(), "2026-11-18T11:00", take());
    let given = act(
        &taken,
        &leader(),
        "2026-11-18T11:30",
        assign(VILLAGE, "2026-11-20T12:00"),
    );
    let accept = Action::Accept { comment: None };
    let given = act(&given, &secretary(), "2026-11-18T12:00", accept);
    let gone = act(&given, &leader(), "2026-11-19T09:00", refer());
    let back = act(&gone, &leader(), "2026-12-07T09:00", reply());
    let due = back.handler.as_ref().unwrap().due_at;
    assert_eq!(due, Some(at("2026-12-08T12:00")));
    assert_eq!(back.next_due_at, due);
    assert_eq!(back.desk_since, given.desk_since, "the same have it still");
    assert_eq!(back.accepted_at, given.accepted_at);
}

#[test]
fn more_time_leaves_no_less_than_its_refusal_and_what_was_accepted_stays_so() {
    for own in [None, Some("2026-11-20T17:00")] {
        let mut report = filed();
        if let Some(due) = own {
            report = act(&report, &leader(), "2026-11-18T11:00", take());
            report = act(&report, &leader(), "2026-11-18T11:30", assign(VILLAGE, due));
        }
        let asked = act(
            &report,
            &secretary(),
            "2026-11-19T09:30",
            extend("2026-11-23T18:00"),
        );
        let answered = "2026-11-20T16:00";
        let granted = act(&asked, &leader(), answered, GRANT);
        let refused = act(&asked, &leader(), answered, refuse());
        assert!(granted.next_due_at >= refused.next_due_at, "{own:?}");
        assert!(granted.next_due_at > Some(at(answered)));
        let accepted = report.accepted_at.or(Some(at("2026-11-19T09:30")));
        assert_eq!(granted.accepted_at, accepted);
        assert_eq!(refused.accepted_at, accepted);
    }
}

#[test]
fn a_corrected_place_moves_no_deadline_and_another_limit_counts_from_the_round() {
    let correct = |place| Action::Reclassify {
        category: None,
        severity: None,
        place: Some(place),
    };
    let close = Action::Close {
        outcome: Outcome::Handled,
        result: Some("已清理".to_owned()),
        comment: None,
    };
    let closed = act(&filed(), &secretary(), "2026-11-20T10:00", close);
    let reopen = Action::Reopen {
        reason: "又堆放".to_owned(),
        rebound: true,
    };
    let again = act(&closed, &leader(), "2027-01-13T10:00", reopen);
    assert_eq!(again.deadline_at, at("2027-01-18T17:00"));
    let corrected = act(&again, &leader(), "2027-01-13T11:00", correct(BESIDE));
    assert_eq!(corrected.deadline_at, again.deadline_at);
    let worse = Action::Reclassify {
        category: None,
        severity: Some(Severity::Serious),
        place: None,
    };
    let worse = act(&corrected, &leader(), "2027-01-13T12:00", worse);
    assert_eq!(
        worse.deadline_at,
        at("2027-01-15T17:00"),
        "two days of the round"
    );

    // What was granted stays.
    let asked = act(
        &filed(),
        &secretary(),
        "2026-11-19T09:30",
        extend("2026-11-26T17:00"),
    );
    let granted = act(&asked, &leader(), "2026-11-19T10:00", GRANT);
    let corrected = act(&granted, &secretary(), "2026-11-19T11:00", correct(BESIDE));
    assert_eq!(corrected.deadline_at, at("2026-11-26T17:00"));
}

#[test]
fn what_rests_rests_wherever_it_is_said_to_lie() {
    let suspend = Action::Suspend {
        reason: "待迁建".to_owned(),
        review_at: at("2027-01-20T10:00"),
        milestones: Vec::new(),
    };
    let rested = act(&filed(), &leader(), "2026-11-18T10:30", suspend);
    let correct = Action::Reclassify {
        category: None,
        severity: None,
        place: Some(TOWN),
    };
    let corrected = act(&rested, &leader(), "2026-11-18T11:00", correct);
    assert_eq!(corrected.status, Status::Suspended);
    assert_eq!(corrected.holder(), TOWN);
    assert_eq!(corrected.next_due_at, rested.next_due_at);
}

#[test]
fn a_step_that_was_over_when_more_was_asked_for_is_over_with_the_answer() {
    let report = filed();
    let due = report.next_due_at.unwrap();
    let mut late = report;
    late.next_due_at = Some(due.min(at("2026-11-20T10:00")));
    let asked = act(
        &late,
        &secretary(),
        "2026-11-20T10:30",
        extend("2026-11-24T17:00"),
    );
    let answered = "2026-11-20T15:00";
    let refused = act(&asked, &leader(), answered, refuse());
    assert_eq!(refused.next_due_at, Some(at(answered)));
}

#[test]
fn a_refusal_is_said_and_the_step_goes_on_even_if_both_came_in_one_instant() {
    let report = filed();
    // Asked in the instant in which the desk got it, and an hour later.
    for asked_at in ["2026-11-18T10:00", "2026-11-18T11:00"] {
        let asked = act(&report, &secretary(), asked_at, extend("2026-11-23T18:00"));
        let (staffing, policy) = (staffing(), Policy::default());
        let answered = at("2026-11-19T11:00");
        let context = context(&staffing, &policy, answered);
        let Decision {
            report: refused,
            events,
        } = decide(&asked, &refuse(), &leader(), &context).unwrap();
        let said: Vec<EventKind> = events.iter().map(|event| event.kind).collect();
        assert_eq!(said, [EventKind::ExtensionRefused]);
        assert_eq!(events[0].payload["reason"], "时间够");
        assert_eq!(refused.proceedings.extension, None);
        assert!(refused.proceedings.extension_asked);
        assert_eq!(refused.deadline_at, report.deadline_at);
        assert_eq!(refused.desk_since, report.desk_since, "{asked_at}");
        let calendar = Calendar::default();
        let left =
            |from, due: Option<DateTime<Utc>>| calendar.measure(Pace::Working, from, due.unwrap());
        assert_eq!(
            left(answered, refused.next_due_at),
            left(at(asked_at), report.next_due_at).min(left(answered, Some(report.deadline_at))),
            "{asked_at}"
        );
        // Silence says the same of the report, and names what was asked for.
        let silent = lapse::step(
            &asked,
            &Context {
                now: asked.next_due_at.unwrap(),
                ..context
            },
        );
        let silent = silent.unwrap().decision;
        let event = silent.events.last().unwrap();
        assert_eq!(event.kind, EventKind::ExtensionRefused);
        assert!(event.payload.contains_key("until"));
        assert_eq!(silent.report.desk_since, refused.desk_since);
    }
}
