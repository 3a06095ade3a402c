//! Random histories of a report in a random town: what must hold after every step.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::filing::{Filing, file};
use super::lifecycle::{allowed_actions, decide};
use super::*;
use crate::calendar::Calendar;
use crate::error::Code;
use crate::officer::{Actor, Covers, Post, Posting, Role};
use crate::service::{Access, Service};
use crate::settings::Settings;
use crate::settings::tests::sound;
use crate::slug::Slug;

const TOWN: Uuid = Uuid::from_u128(0x1000);
const OTHER_TOWN: Uuid = Uuid::from_u128(0x2000);

fn village(number: u128) -> GridPath {
    GridPath::village(TOWN, Uuid::from_u128(0x1100 + number))
}

fn group(of: u128, number: u128) -> GridPath {
    GridPath::group(
        TOWN,
        Uuid::from_u128(0x1100 + of),
        Uuid::from_u128(0x1200 + of * 16 + number),
    )
}

/// Every grid of the town: itself, two villages, two groups each.
fn grids() -> Vec<GridPath> {
    vec![
        GridPath::town(TOWN),
        village(1),
        village(2),
        group(1, 1),
        group(1, 2),
        group(2, 1),
        group(2, 2),
    ]
}

fn posting(role: Role, grid: GridPath) -> Posting {
    Posting {
        id: Uuid::from_u128(grid.id().as_u128() << 8 | role as u128),
        role,
        grid,
        on_behalf_of: None,
        covers: Covers::All,
        manages: false,
    }
}

/// The town's people: always a leader; each other post is there or not; one officer stands in for
/// the secretary of village 1; an administrator; a leader of another town; and service accounts.
#[derive(Debug, Clone)]
struct People {
    actors: Vec<Actor>,
    staffing: Staffing,
}

fn people(posts: &[bool]) -> People {
    let mut wanted = vec![(Role::TownLeader, GridPath::town(TOWN))];
    let optional = [
        (Role::TownOfficer, GridPath::town(TOWN)),
        (Role::VillageSecretary, village(1)),
        (Role::VillageOfficer, village(1)),
        (Role::VillageSecretary, village(2)),
        (Role::VillageOfficer, village(2)),
        (Role::GroupLeader, group(1, 1)),
        (Role::GroupLeader, group(1, 2)),
        (Role::GroupLeader, group(2, 1)),
    ];
    wanted.extend(
        optional
            .iter()
            .zip(posts)
            .filter(|(_, there)| **there)
            .map(|(post, _)| *post),
    );
    let mut actors: Vec<Actor> = wanted
        .iter()
        .enumerate()
        .map(|(number, (role, grid))| Actor {
            officer_id: Uuid::from_u128(0x10 + number as u128),
            postings: vec![posting(*role, *grid)],
            service: None,
        })
        .collect();
    // The last one stands in for the secretary of village 1, if both are there and differ.
    let secretary = actors
        .iter()
        .find(|actor| {
            actor.postings[0].role == Role::VillageSecretary && actor.postings[0].grid == village(1)
        })
        .map(|actor| actor.officer_id);
    let last = actors.len() - 1;
    if let Some(secretary) = secretary.filter(|secretary| *secretary != actors[last].officer_id) {
        actors[last].postings.push(Posting {
            on_behalf_of: Some(secretary),
            ..posting(Role::VillageSecretary, village(1))
        });
    }
    let staffing = Staffing::new(actors.iter().flat_map(|actor| {
        actor.postings.iter().map(|posting| Post {
            grid_id: posting.grid.id(),
            officer_id: actor.officer_id,
            role: posting.role,
            on_behalf_of: posting.on_behalf_of,
            covers: posting.covers,
        })
    }));
    for (id, posted) in [
        (0xAD, posting(Role::Admin, GridPath::town(TOWN))),
        (0xF0, posting(Role::TownLeader, GridPath::town(OTHER_TOWN))),
    ] {
        actors.push(Actor {
            officer_id: Uuid::from_u128(id),
            postings: vec![posted],
            service: None,
        });
    }
    for (id, grid, access) in [
        (0xC0, village(1), Access::File),
        (0xC1, GridPath::town(TOWN), Access::Read),
    ] {
        actors.push(Actor {
            officer_id: Uuid::from_u128(id),
            postings: Vec::new(),
            service: Some(Service { grid, access }),
        });
    }
    People { actors, staffing }
}

fn text() -> impl Strategy<Value = String> {
    select(vec!["烟已灭".to_owned(), "请补充照片".to_owned()])
}

fn action(staffing: &Staffing) -> impl Strategy<Value = Action> + use<> {
    let officers: Vec<(Uuid, Vec<GridPath>)> = (0x10..0x1A)
        .map(Uuid::from_u128)
        .map(|officer| {
            let posted: Vec<Uuid> = staffing.grids_of(officer).collect();
            (
                officer,
                grids()
                    .into_iter()
                    .filter(|grid| posted.contains(&grid.id()))
                    .collect(),
            )
        })
        .collect();
    let anywhere = || {
        let mut all = grids();
        all.push(GridPath::town(OTHER_TOWN));
        proptest::option::of(select(all))
    };
    prop_oneof![
        proptest::option::of(text()).prop_map(|reason| Action::Escalate { reason }),
        (any::<bool>(), proptest::option::of(text()))
            .prop_map(|(further, comment)| Action::Approve { further, comment }),
        text().prop_map(|reason| Action::Return { reason }),
        (anywhere(), proptest::option::of(select(officers))).prop_map(|(grid, officer)| {
            Action::Assign {
                grid,
                officer,
                instruction: None,
                due_at: None,
            }
        }),
        text().prop_map(|result| Action::Resolve { result }),
        (select(Outcome::ALL), proptest::option::of(text())).prop_map(|(outcome, result)| {
            Action::Close {
                outcome,
                result,
                comment: None,
            }
        }),
        (text(), any::<bool>()).prop_map(|(reason, duplicate)| Action::Void {
            reason,
            duplicate_of: duplicate.then_some(Uuid::from_u128(0x77))
        }),
        Just(Action::Restore { reason: None }),
        Just(Action::Amend {
            changes: serde_json::Map::new()
        }),
        (
            proptest::option::of(select(Category::ALL)),
            proptest::option::of(select(Severity::ALL)),
            anywhere()
        )
            .prop_map(|(category, severity, place)| Action::Reclassify {
                category,
                severity,
                place
            }),
        text().prop_map(|text| Action::Comment { text }),
    ]
}

/// A body for an allowed action, made of nothing but the fields that it says it requires.
fn sufficient(
    kind: ActionKind,
    requires: &[&str],
    outcomes: &[Outcome],
    report: &Report,
) -> Option<Action> {
    let has = |field: &str| requires.contains(&field);
    let said = |field: &str| has(field).then(|| "好".to_owned());
    Some(match kind {
        ActionKind::Escalate => Action::Escalate { reason: None },
        ActionKind::Approve => Action::Approve {
            further: false,
            comment: None,
        },
        ActionKind::Return => Action::Return {
            reason: said("reason")?,
        },
        ActionKind::Assign => {
            let holder = report.holder();
            let grid = grids()
                .into_iter()
                .find(|grid| holder.covers(*grid) && *grid != holder)?;
            assert!(has("grid_id"));
            Action::Assign {
                grid: Some(grid),
                officer: None,
                instruction: None,
                due_at: None,
            }
        }
        ActionKind::Resolve => Action::Resolve {
            result: said("result")?,
        },
        ActionKind::Close => Action::Close {
            outcome: *outcomes.first()?,
            result: said("result"),
            comment: None,
        },
        ActionKind::Void => Action::Void {
            reason: said("reason")?,
            duplicate_of: has("duplicate_of").then_some(Uuid::from_u128(0x77)),
        },
        ActionKind::Restore => Action::Restore { reason: None },
        ActionKind::Amend => Action::Amend {
            changes: serde_json::Map::new(),
        },
        ActionKind::Reclassify => Action::Reclassify {
            category: Some(Category::StrawBurning),
            severity: None,
            place: None,
        },
        ActionKind::Comment => Action::Comment {
            text: said("text")?,
        },
    })
}

fn holds(
    report: &Report,
    people: &People,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), TestCaseError> {
    // Always a holder on its path.
    prop_assert!(report.holder().covers(report.place));
    prop_assert_eq!(report.desk().is_some(), report.status.moves());
    prop_assert_eq!(report.next_due_at.is_some(), report.status.moves());
    if report.status.moves() {
        // A desk that somebody can reach.
        let officers = report.desk_officers(&people.staffing);
        prop_assert!(!officers.is_empty(), "nobody at the desk of {report:?}");
        // One due instant, not past the deadline while that lies ahead.
        let due = report.next_due_at.unwrap();
        prop_assert!(due > report.desk_since);
        prop_assert!(report.deadline_at <= report.desk_since || due <= report.deadline_at);
    }
    if report.status == Status::Escalating {
        prop_assert!(report.holder_tier < Tier::Town);
        prop_assert_eq!(report.desk().unwrap().grid.tier(), Tier::Village);
        prop_assert!(report.escalation_requested_by.is_some());
    }
    prop_assert!(report.returns.group.max(report.returns.village) <= policy.most_returns);
    prop_assert!(
        report.overdue(now)
            || report.status == Status::Void
            || report.closed_at.unwrap_or(now) <= report.deadline_at
    );
    Ok(())
}

/// The defaults as often as others.
fn settings() -> impl Strategy<Value = Settings> {
    prop_oneof![Just(Settings::default()), sound()]
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

type Step = (usize, Action, bool, u32);

fn history() -> impl Strategy<Value = (People, Filing, usize, Vec<Step>)> {
    proptest::collection::vec(any::<bool>(), 8).prop_flat_map(|posts| {
        let people = people(&posts);
        let actors = people.actors.len();
        let step = (
            0..actors,
            action(&people.staffing),
            any::<bool>(),
            1..400_000u32,
        );
        let filing = (
            select(grids()),
            select(Category::ALL),
            select(Severity::ALL),
            select(Source::ALL),
            select(Disposition::ALL),
        )
            .prop_map(|(place, category, severity, source, disposition)| Filing {
                id: Uuid::from_u128(0x99),
                place,
                category,
                severity,
                source,
                disposition,
                as_of: None,
            });
        (
            Just(people),
            filing,
            0..actors,
            proptest::collection::vec(step, 1..25),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold((people, filing, filer, steps) in history(), settings in settings()) {
        let policy = settings.reports;
        let context = |now, evidence| Context { staffing: &people.staffing, policy: &policy, calendar: Calendar::default(), evidence, now };
        let filed = file(&filing, &people.actors[filer], &context(start(), false));
        let files = &people.actors[filer];
        let acts = files.postings.iter().any(|posting| posting.role.acts() && posting.grid.town_id() == TOWN)
            || files.service.is_some_and(|service| service.files_for(filing.place).is_some());
        prop_assert_eq!(filed.is_ok(), acts, "a filing is refused only to those who never file");
        let Ok(Decision { mut report, events }) = filed else { return Ok(()) };
        prop_assert_eq!(events[0].kind, EventKind::Filed);
        if filing.severity == Severity::Critical && report.status != Status::Closed {
            prop_assert_eq!(report.holder_tier, Tier::Town);
        }
        if files.service.is_some() {
            prop_assert_ne!(report.status, Status::Closed, "a service account closes nothing");
        }
        holds(&report, &people, &policy, start())?;

        let mut now = start();
        for (who, action, evidence, seconds) in steps {
            now += TimeDelta::seconds(i64::from(seconds));
            let actor = &people.actors[who];
            let context = context(now, evidence);
            let allowed = allowed_actions(&report, actor, &context);
            prop_assert!(actor.service.is_none() || allowed.is_empty(), "a service account acts on nothing");

            // What is allowed succeeds with the fields it requires.
            for entry in &allowed {
                if let Some(body) = sufficient(entry.action, entry.requires, &entry.outcomes, &report) {
                    let done = decide(&report, &body, actor, &context);
                    prop_assert!(done.is_ok(), "{:?} was allowed and refused: {:?} of {:?}", body, done, report);
                }
            }
            let listed = allowed.iter().any(|entry| entry.action == action.kind());
            match decide(&report, &action, actor, &context) {
                Ok(decision) => {
                    prop_assert!(listed, "{action:?} succeeded and was not allowed");
                    prop_assert!(!decision.events.is_empty());
                    let before = report;
                    report = decision.report;
                    // Closed and void stay so, but for comments and the town's restoring.
                    if before.status == Status::Closed {
                        prop_assert_eq!(report.clone(), before.clone());
                    }
                    if before.status == Status::Void && report.status != Status::Void {
                        prop_assert_eq!(action.kind(), ActionKind::Restore);
                    }
                    // The total clock is moved by reclassifying alone.
                    if action.kind() != ActionKind::Reclassify {
                        prop_assert_eq!(report.deadline_at, before.deadline_at);
                    }
                    // The closing rule: evidence, another person while there is one, and the tier.
                    if before.status != Status::Closed && report.status == Status::Closed && report.outcome == Some(Outcome::Handled) {
                        let rules = &policy.closing;
                        prop_assert!(evidence || !rules.after_photo_from.reached(report.severity));
                        prop_assert!(
                            report.self_verified
                                || report.resolved_by != Some(actor.officer_id)
                                || !rules.other_person_from.reached(report.severity)
                        );
                        let by_tier = match report.holder_tier {
                            Tier::Group => rules.group.includes(report.severity),
                            Tier::Village => rules.village.includes(report.severity),
                            Tier::Town => true,
                        };
                        prop_assert!(by_tier);
                    }
                    holds(&report, &people, &policy, now)?;
                }
                Err(refusal) => {
                    let by_body = matches!(refusal.code, Code::ValidationFailed | Code::TargetInvalid | Code::ResultRequired)
                        || matches!((&action, refusal.code), (Action::Close { .. }, Code::AfterPhotoRequired | Code::OtherPersonCloses));
                    prop_assert!(!listed || by_body, "{action:?} was allowed and refused: {refusal:?}");
                }
            }
            // Nobody from outside the path ever acts, but the reporter and the handler.
            let outsider = !actor.acting().any(|posting| posting.grid.covers(report.place))
                && report.reporter_id != actor.officer_id
                && report.handler.is_none();
            if outsider {
                prop_assert!(allowed_actions(&report, actor, &context).iter().all(|entry| entry.action == ActionKind::Comment));
            }
        }
    }
}
