//! Reports that nobody touches: what happens to them, when, and whom it counts against.

use chrono::TimeDelta;

use super::*;
use crate::calendar::{Calendar, Day, Holidays, Pace, Year};
use crate::grid::GridPath;
use crate::officer::{Actor, Covers, Posting, Role, Staffing};
use crate::report::filing::{Filing, file};
use crate::report::{Category, Disposition, EventKind, Policy, Source};

mod proceedings;

const TOWN: Uuid = Uuid::from_u128(1);
const VILLAGE: Uuid = Uuid::from_u128(2);
const GROUP: Uuid = Uuid::from_u128(3);

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}:00+08:00").parse().unwrap()
}

/// A week of National Day as in 2026.
fn autumn() -> Holidays {
    let day = |date: String, is_off_day| Day {
        name: "国庆节".to_owned(),
        date: date.parse().unwrap(),
        is_off_day,
    };
    let mut days: Vec<Day> = (1..=7)
        .map(|of| day(format!("2026-10-{of:02}"), true))
        .collect();
    days.push(day("2026-10-10".to_owned(), false));
    Holidays::new(vec![Year { year: 2026, days }])
}

struct Town {
    holidays: Holidays,
    policy: Policy,
    staffing: Staffing,
}

impl Town {
    /// Nobody is posted anywhere: everything still moves.
    fn new() -> Self {
        Self {
            holidays: autumn(),
            policy: Policy::default(),
            staffing: Staffing::default(),
        }
    }

    fn context(&self, now: DateTime<Utc>) -> Context<'_> {
        Context {
            staffing: &self.staffing,
            policy: &self.policy,
            calendar: Calendar {
                holidays: &self.holidays,
                ..Calendar::default()
            },
            evidence: false,
            now,
        }
    }

    fn filed(
        &self,
        role: Role,
        category: Category,
        severity: Severity,
        disposition: Disposition,
        now: DateTime<Utc>,
    ) -> Report {
        let place = GridPath::group(TOWN, VILLAGE, GROUP);
        let grid = role.tier().map_or(place, |tier| place.up_to(tier));
        let actor = Actor {
            officer_id: Uuid::from_u128(9),
            postings: vec![Posting {
                id: Uuid::nil(),
                role,
                grid,
                on_behalf_of: None,
                covers: Covers::All,
                manages: false,
            }],
            service: None,
        };
        let filing = Filing {
            id: Uuid::from_u128(7),
            place,
            category,
            severity,
            source: Source::Patrol,
            disposition,
            as_of: None,
        };
        file(&filing, &actor, &self.context(now)).unwrap().report
    }

    /// What happens if nobody acts, as if the clock were never late; at most so many steps.
    fn alone(&self, report: &Report, most: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut report = report.clone();
        while steps.len() < most {
            let Some(due) = due_at(&report) else { break };
            let step = step(&report, &self.context(due)).unwrap();
            assert_eq!(step.due_at, due);
            report = step.decision.report.clone();
            steps.push(step);
        }
        steps
    }

    /// What a clock does that comes to it only at this instant.
    fn caught_up(&self, report: &Report, now: DateTime<Utc>) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut report = report.clone();
        while let Some(step) = step(&report, &self.context(now)) {
            report = step.decision.report.clone();
            steps.push(step);
            assert!(steps.len() < 100, "it comes to an end");
        }
        steps
    }
}

fn told(steps: &[Step]) -> Vec<(Rule, DateTime<Utc>)> {
    steps.iter().map(|step| (step.rule, step.due_at)).collect()
}

fn group_files(town: &Town, disposition: Disposition, now: DateTime<Utc>) -> Report {
    town.filed(
        Role::GroupLeader,
        Category::LivingEnvironment,
        Severity::General,
        disposition,
        now,
    )
}

#[test]
fn over_national_day_an_escalation_that_nobody_decides_on_comes_to_the_town() {
    let town = Town::new();
    let filed = group_files(&town, Disposition::Escalate, at("2026-09-30T10:00"));
    let steps = town.alone(&filed, 11);
    assert_eq!(
        told(&steps),
        [
            // Three days: Thursday 8, Friday 9 and Saturday 10, which is worked.
            (Rule::Undecided, at("2026-10-09T10:36")),
            (Rule::StepOver, at("2026-10-10T09:48")),
            (Rule::DueSoon, at("2026-10-10T11:00")),
            (Rule::DeadlinePassed, at("2026-10-10T17:00")),
            (Rule::TownLate, at("2026-10-10T17:00")),
            (Rule::TownLate, at("2026-10-12T09:00")),
            (Rule::TownLate, at("2026-10-13T09:00")),
            (Rule::TownLate, at("2026-10-14T09:00")),
            (Rule::SupervisionDue, at("2026-10-14T17:00")),
            (Rule::TownLate, at("2026-10-15T09:00")),
            (Rule::TownLate, at("2026-10-16T09:00")),
        ]
    );
    // Both lapses are the village's: it did not decide, and it did not handle. Nothing was approved.
    let village = Some(LapseAttribution {
        grid_id: VILLAGE,
        tier: Tier::Village,
        charged: true,
    });
    assert_eq!(
        (steps[0].attribution, steps[1].attribution),
        (village, village)
    );
    let kinds: Vec<EventKind> = steps
        .iter()
        .flat_map(|step| &step.decision.events)
        .map(|event| event.kind)
        .collect();
    assert!(!kinds.contains(&EventKind::Approved));
    let (first, second) = (&steps[0].decision.report, &steps[1].decision.report);
    assert_eq!(
        (first.holder_tier, first.status),
        (Tier::Village, Status::Open)
    );
    assert_eq!(first.escalation_requested_by, None);
    assert_eq!((second.holder_tier, second.version), (Tier::Town, 3));
    let lapse = second.proceedings.lapse.unwrap();
    assert_eq!((lapse.tier, lapse.due_at), (Tier::Village, steps[1].due_at));
    let end = &steps[10].decision.report;
    assert_eq!(end.warning_level, WarningLevel::Red);
    assert_eq!(end.deadline_at, filed.deadline_at);
    assert_eq!(end.warning_due_at, Some(at("2026-10-16T17:00")));
    assert_eq!(end.next_due_at, Some(at("2026-10-19T09:00")));
    // Colours and reminders change nothing that an officer would have to read again first.
    assert_eq!(end.version, 3);
}

#[test]
fn what_a_group_keeps_goes_up_through_the_village_at_the_shares_of_its_limit() {
    let town = Town::new();
    let filed = group_files(&town, Disposition::Keep, at("2026-09-30T10:00"));
    let steps = town.alone(&filed, 2);
    assert_eq!(
        told(&steps),
        [
            (Rule::StepOver, at("2026-10-08T15:00")),
            (Rule::StepOver, at("2026-10-10T09:48")),
        ]
    );
    let charged: Vec<_> = steps
        .iter()
        .map(|step| step.attribution.unwrap().grid_id)
        .collect();
    assert_eq!(charged, [GROUP, VILLAGE]);
}

#[test]
fn at_night_the_clock_of_a_fire_rests_unless_it_is_critical() {
    let town = Town::new();
    let evening = at("2026-11-18T21:00");
    let fire = |severity| {
        town.filed(
            Role::GroupLeader,
            Category::StrawBurning,
            severity,
            Disposition::Escalate,
            evening,
        )
    };
    // Two hours, of which one is left in the morning.
    assert_eq!(
        told(&town.alone(&fire(Severity::Serious), 6)),
        [
            (Rule::Undecided, at("2026-11-18T21:48")),
            (Rule::StepOver, at("2026-11-19T07:24")),
            (Rule::DueSoon, at("2026-11-19T07:30")),
            (Rule::DeadlinePassed, at("2026-11-19T08:00")),
            (Rule::TownLate, at("2026-11-19T08:00")),
            (Rule::TownLate, at("2026-11-19T09:00")),
        ]
    );
    // Straight to the town, and reminded of round the clock.
    assert_eq!(
        told(&town.alone(&fire(Severity::Critical), 5)),
        [
            (Rule::DueSoon, at("2026-11-18T21:45")),
            (Rule::DeadlinePassed, at("2026-11-18T22:00")),
            (Rule::TownLate, at("2026-11-18T22:00")),
            (Rule::TownLate, at("2026-11-19T00:00")),
            (Rule::TownLate, at("2026-11-19T02:00")),
        ]
    );
}

#[test]
fn whatever_is_filed_comes_to_the_town_in_time_and_is_pressed_for() {
    let town = Town::new();
    let dispositions = [
        Disposition::Escalate,
        Disposition::Keep,
        Disposition::Resolved,
    ];
    let roles = [
        Role::GroupLeader,
        Role::VillageOfficer,
        Role::VillageSecretary,
        Role::TownOfficer,
    ];
    for filed_at in ["2026-09-30T10:00", "2026-10-03T23:10", "2026-11-18T16:59"] {
        for category in Category::ALL {
            for severity in Severity::ALL {
                for disposition in dispositions {
                    for role in roles {
                        let filed =
                            town.filed(role, *category, *severity, disposition, at(filed_at));
                        comes_to_the_town(&town, &filed);
                    }
                }
            }
        }
    }
}

fn comes_to_the_town(town: &Town, filed: &Report) {
    if filed.status == Status::Closed {
        assert_eq!(due_at(filed), None);
        return;
    }
    let steps = town.alone(filed, 400);
    let what = format!("{filed:?}");
    // In order, each after the one before.
    assert!(steps.is_sorted_by_key(|step| step.due_at), "{what}");
    let of = |rule: Rule| {
        let found: Vec<&Step> = steps.iter().filter(|step| step.rule == rule).collect();
        found
    };
    // Each warning level once, at its instant.
    for (rule, due) in [
        (Rule::DueSoon, None),
        (Rule::DeadlinePassed, Some(filed.deadline_at)),
        (Rule::SupervisionDue, None),
        (Rule::CircularDue, None),
    ] {
        let found = of(rule);
        assert_eq!(found.len(), 1, "{rule}: {what}");
        assert!(due.is_none_or(|due| found[0].due_at == due), "{what}");
    }
    let pace = town.policy.pace(filed.category, filed.severity);
    let calendar = town.context(filed.received_at).calendar;
    let used = |due| {
        let begins = calendar.begins(pace, filed.received_at);
        let whole = calendar.measure(pace, begins, filed.deadline_at);
        calendar.measure(pace, begins, due).num_seconds() * 100 / whole.num_seconds()
    };
    assert_eq!(used(of(Rule::DueSoon)[0].due_at), 75, "{what}");
    // By the deadline it is the town's, whatever nobody did before.
    let at_deadline = steps
        .iter()
        .rfind(|step| step.due_at <= filed.deadline_at)
        .map_or(filed, |step| &step.decision.report);
    assert_eq!(at_deadline.holder_tier, Tier::Town, "{what}");
    let last = &steps.last().unwrap().decision.report;
    assert_eq!(
        (last.warning_level, last.proceedings.pressures),
        (WarningLevel::Red, 2)
    );
    assert!(of(Rule::TownLate).len() > 5, "{what}");
    assert_eq!(last.deadline_at, filed.deadline_at);
    // A tier has at least the least time with it.
    for pair in steps.windows(2) {
        if pair[0].attribution.is_some() && pair[1].attribution.is_some() {
            let had = calendar.measure(pace, pair[0].due_at, pair[1].due_at);
            let before_end = pair[1].due_at < filed.deadline_at;
            assert!(!before_end || had >= TimeDelta::minutes(15), "{what}");
        }
    }
}

#[test]
fn after_a_standstill_it_is_where_it_would_be_and_nobody_is_charged_unfairly() {
    let town = Town::new();
    let filed = group_files(&town, Disposition::Keep, at("2026-09-30T10:00"));
    let on_time = town.alone(&filed, 7);
    let late = at("2026-10-13T08:00");
    let caught_up = town.caught_up(&filed, late);
    // One after the other, each with the instant it was due; reminders are not made up for.
    let mut expected = told(&on_time);
    expected.retain(|(_, due)| *due <= at("2026-10-10T17:00"));
    assert_eq!(told(&caught_up), expected);
    let charged: Vec<bool> = caught_up
        .iter()
        .filter_map(|step| step.attribution)
        .map(|attribution| attribution.charged)
        .collect();
    // The group had its time; the village never saw it.
    assert_eq!(charged, [true, false]);
    let end = &caught_up.last().unwrap().decision.report;
    assert_eq!(end.proceedings.lapse.unwrap().at, late);
    assert_eq!(end.next_due_at, Some(at("2026-10-13T09:00")));
    assert_eq!(end.holder_tier, Tier::Town);
    let (event, due) = (&caught_up[0].decision.events[0], caught_up[0].due_at);
    assert_eq!(event.payload["due_at"], json!(due));
    assert_eq!(event.payload["rule"], "step_over");
}

/// A report that the village holds, filed on a Wednesday.
fn at_village(town: &Town) -> Report {
    town.filed(
        Role::VillageOfficer,
        Category::LivingEnvironment,
        Severity::General,
        Disposition::Keep,
        at("2026-11-18T10:00"),
    )
}

#[test]
fn a_late_handler_loses_the_work_to_the_holder() {
    let town = Town::new();
    let mut given = at_village(&town);
    given.handler = Some(Handler {
        officer: Some(Uuid::from_u128(9)),
        due_at: Some(at("2026-11-19T12:00")),
        ..Handler::of(GridPath::group(TOWN, VILLAGE, GROUP))
    });
    given.next_due_at = Some(at("2026-11-19T12:00"));
    let steps = town.alone(&given, 2);
    assert_eq!(
        told(&steps),
        [
            (Rule::HandlerLate, at("2026-11-19T12:00")),
            (Rule::StepOver, at("2026-11-23T09:48")),
        ]
    );
    let back = &steps[0].decision.report;
    assert_eq!(back.handler, None);
    assert_eq!(back.holder_tier, Tier::Village);
    assert_eq!(steps[0].attribution.unwrap().grid_id, GROUP);
    assert_eq!(back.proceedings.lapse, None, "there is nothing to recall");
    assert_eq!(steps[0].decision.events[0].kind, EventKind::HandlerLapsed);
}

#[test]
fn who_does_not_verify_is_reminded_and_then_passed_over() {
    let town = Town::new();
    let mut resolved = at_village(&town);
    resolved.status = Status::Resolved;
    let steps = town.alone(&resolved, 4);
    assert_eq!(
        told(&steps),
        [
            (Rule::VerificationLate, at("2026-11-23T09:48")),
            (Rule::DueSoon, at("2026-11-23T11:00")),
            (Rule::VerificationOver, at("2026-11-23T12:12")),
            (Rule::DeadlinePassed, at("2026-11-23T17:00")),
        ]
    );
    let passed = &steps[2].decision.report;
    assert_eq!(
        (passed.status, passed.holder_tier),
        (Status::Resolved, Tier::Town)
    );
    assert_eq!(
        passed.handler.as_ref().unwrap().grid.id(),
        VILLAGE,
        "who did the work"
    );
    assert_eq!(passed.proceedings.reminders, 0);
}

#[test]
fn nothing_happens_before_it_is_due() {
    let town = Town::new();
    let filed = group_files(&town, Disposition::Keep, at("2026-11-18T10:00"));
    let due = due_at(&filed).unwrap();
    let before = town.context(due - TimeDelta::microseconds(1));
    assert_eq!(step(&filed, &before), None);
    assert!(step(&filed, &town.context(due)).is_some());
    assert_eq!(
        town.policy.pace(filed.category, filed.severity),
        Pace::Working
    );
}
