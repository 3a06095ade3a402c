//! Random histories of a report in a random town: what must hold after every step.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::filing::{Filing, file};
use super::lifecycle::{allowed_actions, decide};
use super::proceedings::Milestone;
use super::*;
use crate::calendar::Calendar;
use crate::error::Code;
use crate::officer::{Actor, Covers, Crew, Post, Posting, Role};
use crate::service::{Access, Service};
use crate::settings::Settings;
use crate::settings::tests::sound;
use crate::slug::Slug;
use crate::team::{Team, TeamKind};

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
/// the secretary of village 1; an administrator; a leader of another town; and service accounts. Some
/// belong to teams. From `until` on some of them are away, and a team may have ended.
#[derive(Debug, Clone)]
struct People {
    actors: Vec<Actor>,
    staffing: Staffing,
    teams: Vec<Team>,
    until: DateTime<Utc>,
    later: Staffing,
}

impl People {
    fn at(&self, now: DateTime<Utc>) -> &Staffing {
        if now < self.until {
            &self.staffing
        } else {
            &self.later
        }
    }
}

/// A team of the town and one that looks after village 1, of these officers.
fn teams(members: &[Vec<u128>; 2]) -> Vec<Team> {
    [
        (0x71, TeamKind::Inspection, &members[0]),
        (0x72, TeamKind::VillageLiaison, &members[1]),
    ]
    .into_iter()
    .map(|(id, kind, members)| {
        let members: Vec<Uuid> = members.iter().copied().map(Uuid::from_u128).collect();
        Team {
            id: Uuid::from_u128(id),
            town_id: TOWN,
            kind,
            area: vec![village(1)],
            field: Vec::new(),
            lead: members[0],
            members,
        }
    })
    .collect()
}

fn crews(teams: &[Team]) -> Vec<Crew> {
    teams
        .iter()
        .map(|team| Crew {
            team_id: team.id,
            lead: team.lead,
            members: team.members.clone(),
        })
        .collect()
}

/// Who leaves, by officer, the town's leader never; which teams are left; and after how long.
#[derive(Debug, Clone)]
struct Leaving {
    officers: Vec<Uuid>,
    teams_left: usize,
    after: i64,
}

fn leaving() -> impl Strategy<Value = Leaving> {
    (
        proptest::collection::vec(0x11..0x19_u128, 0..6),
        0..=2_usize,
        0..3_000_000_i64,
    )
        .prop_map(|(officers, teams_left, after)| Leaving {
            officers: officers.into_iter().map(Uuid::from_u128).collect(),
            teams_left,
            after,
        })
}

fn people(posts: &[bool], members: &[Vec<u128>; 2], leaving: &Leaving) -> People {
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
    let staffed = |gone: &[Uuid]| {
        let there = actors
            .iter()
            .filter(|actor| !gone.contains(&actor.officer_id));
        Staffing::new(there.flat_map(|actor| {
            actor.postings.iter().map(|posting| Post {
                grid_id: posting.grid.id(),
                officer_id: actor.officer_id,
                role: posting.role,
                on_behalf_of: posting.on_behalf_of,
                covers: posting.covers,
            })
        }))
    };
    let teams = teams(members);
    let staffing = staffed(&[]).with_crews(crews(&teams));
    let later = staffed(&leaving.officers).with_crews(crews(&teams[..leaving.teams_left]));
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
    People {
        actors,
        staffing,
        teams,
        until: start() + TimeDelta::seconds(leaving.after),
        later,
    }
}

fn text() -> impl Strategy<Value = String> {
    select(vec!["烟已灭".to_owned(), "请补充照片".to_owned()])
}

fn action(people: &People) -> impl Strategy<Value = Action> + use<> {
    let (staffing, teams) = (&people.staffing, people.teams.clone());
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
        assignment(anywhere().boxed(), officers, teams),
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
        measure(),
        measure(),
    ]
}

/// To a grid, an officer or both; to a team; and with others beside.
fn assignment(
    grid: BoxedStrategy<Option<GridPath>>,
    officers: Vec<(Uuid, Vec<GridPath>)>,
    teams: Vec<Team>,
) -> impl Strategy<Value = Action> {
    let beside = proptest::collection::vec(select(officers.clone()), 0..3);
    let target = prop_oneof![
        (grid, proptest::option::of(select(officers))).prop_map(|(grid, officer)| Assignment {
            grid,
            officer,
            ..Assignment::default()
        }),
        select(teams).prop_map(|team| Assignment {
            team: Some(team),
            ..Assignment::default()
        }),
    ];
    (target, beside).prop_map(|(target, co_handlers)| {
        Action::Assign(Assignment {
            co_handlers,
            ..target
        })
    })
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..6_000_000_i64).prop_map(|seconds| start() + TimeDelta::seconds(seconds))
}

fn measure() -> impl Strategy<Value = Action> {
    let place = prop_oneof![select(grids()), Just(GridPath::town(OTHER_TOWN)),];
    let tier = proptest::option::of(select(Tier::ALL));
    prop_oneof![
        Just(Action::Accept { comment: None }),
        text().prop_map(|reason| Action::Decline { reason }),
        Just(Action::Take { reason: None }),
        (place, text()).prop_map(|(place, reason)| Action::Transfer { place, reason }),
        Just(Action::Recall { reason: None }),
        (instant(), text()).prop_map(|(until, reason)| Action::Extend { until, reason }),
        proptest::option::of(instant()).prop_map(|until| Action::Grant {
            until,
            comment: None
        }),
        text().prop_map(|reason| Action::Refuse { reason }),
        (
            text(),
            instant(),
            proptest::collection::vec(instant(), 0..3)
        )
            .prop_map(|(reason, review_at, milestones)| Action::Suspend {
                reason,
                review_at,
                milestones: milestones
                    .into_iter()
                    .map(|due_at| Milestone {
                        due_at,
                        title: "清淤".to_owned()
                    })
                    .collect(),
            }),
        Just(Action::Resume { comment: None }),
        Just(Action::Urge { comment: None }),
        (text(), instant(), tier).prop_map(|(demand, reply_by, tier)| Action::Supervise {
            number: "1".to_owned(),
            demand,
            reply_by,
            tier,
        }),
        (text(), proptest::option::of(instant())).prop_map(|(reason, reply_by)| Action::Refer {
            agency: "县生态环境局".to_owned(),
            reference: None,
            reason,
            reply_by,
        }),
        Just(Action::Acknowledge {
            reference: None,
            comment: None
        }),
        text().prop_map(|reply| Action::Reply { reply }),
        (text(), any::<bool>()).prop_map(|(reason, rebound)| Action::Reopen { reason, rebound }),
    ]
}

/// A body for an allowed action, made of nothing but the fields that it says it requires.
fn sufficient(
    kind: ActionKind,
    requires: &[&str],
    outcomes: &[Outcome],
    report: &Report,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Option<Action> {
    let has = |field: &str| requires.contains(&field);
    let said = |field: &str| has(field).then(|| "好".to_owned());
    let soon = |field: &str| has(field).then(|| now + TimeDelta::seconds(60));
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
            Action::Assign(Assignment {
                grid: Some(grid),
                ..Assignment::default()
            })
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
        ActionKind::Accept => Action::Accept { comment: None },
        ActionKind::Decline => Action::Decline {
            reason: said("reason")?,
        },
        ActionKind::Take => Action::Take { reason: None },
        ActionKind::Transfer => {
            assert!(has("grid_id"));
            let reach = |grid: GridPath| {
                actor
                    .working()
                    .any(|posting| posting.grid.covers(report.place) && posting.grid.covers(grid))
            };
            let place = grids()
                .into_iter()
                .find(|grid| *grid != report.place && grid.tier() != Tier::Town && reach(*grid))?;
            Action::Transfer {
                place,
                reason: said("reason")?,
            }
        }
        ActionKind::Recall => Action::Recall { reason: None },
        ActionKind::Extend => {
            assert!(has("until"));
            Action::Extend {
                until: report.deadline_at + TimeDelta::seconds(1),
                reason: said("reason")?,
            }
        }
        ActionKind::Grant => Action::Grant {
            until: None,
            comment: None,
        },
        ActionKind::Refuse => Action::Refuse {
            reason: said("reason")?,
        },
        ActionKind::Suspend => Action::Suspend {
            reason: said("reason")?,
            review_at: soon("review_at")?,
            milestones: Vec::new(),
        },
        ActionKind::Resume => Action::Resume { comment: None },
        ActionKind::Urge => Action::Urge { comment: None },
        // What lies at the town itself has nobody below.
        ActionKind::Supervise if report.place.tier() == Tier::Town => return None,
        ActionKind::Supervise => Action::Supervise {
            number: "1".to_owned(),
            demand: said("demand")?,
            reply_by: soon("reply_by")?,
            tier: None,
        },
        ActionKind::Refer => {
            assert!(has("agency"));
            Action::Refer {
                agency: "县生态环境局".to_owned(),
                reference: None,
                reason: said("reason")?,
                reply_by: None,
            }
        }
        ActionKind::Acknowledge => Action::Acknowledge {
            reference: None,
            comment: None,
        },
        ActionKind::Reply => Action::Reply {
            reply: said("reply")?,
        },
        ActionKind::Reopen => Action::Reopen {
            reason: said("reason")?,
            rebound: true,
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
    prop_assert!(report.mark_due_at.is_none() || report.status.moves());
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
fn deadline_keeps(
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
fn lapse(report: &mut Report, people: &People, context: &Context<'_>) -> Result<(), TestCaseError> {
    let mut last: Option<DateTime<Utc>> = None;
    for count in 0.. {
        let Some(step) = super::lapse::step(report, context) else {
            break;
        };
        prop_assert!(count < 200, "there is no end: {:?}", report);
        prop_assert!(last <= Some(step.due_at) && step.due_at <= context.now);
        last = Some(step.due_at);
        let after = step.decision.report;
        prop_assert!(!step.decision.events.is_empty());
        prop_assert!(
            super::lapse::due_at(&after).is_none_or(|due| due >= step.due_at),
            "{:?} goes back from {:?}",
            after,
            step.due_at
        );
        // Nobody has approved, resolved or closed anything.
        prop_assert_eq!(after.resolved_by, report.resolved_by);
        prop_assert_eq!(after.closed_at, report.closed_at);
        prop_assert!(after.holder_tier >= report.holder_tier);
        prop_assert_eq!(after.first_acted_at, report.first_acted_at);
        if step.rule != super::lapse::Rule::Review {
            prop_assert_eq!(after.deadline_at, report.deadline_at);
        }
        *report = after;
        holds(report, people, context.policy, step.due_at)?;
    }
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
    let members = || proptest::collection::vec(0x10..0x1A_u128, 1..4);
    let town = (
        proptest::collection::vec(any::<bool>(), 8),
        [members(), members()],
        leaving(),
    );
    town.prop_flat_map(|(posts, members, leaving)| {
        let people = people(&posts, &members, &leaving);
        let actors = people.actors.len();
        let step = (0..actors, action(&people), any::<bool>(), 1..400_000u32);
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
        let context = |now, evidence| Context { staffing: people.at(now), policy: &policy, calendar: Calendar::default(), evidence, now };
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
            // At times the clock stands still for a while.
            if seconds % 3 > 0 {
                lapse(&mut report, &people, &context)?;
            }
            let allowed = allowed_actions(&report, actor, &context);
            prop_assert!(actor.service.is_none() || allowed.is_empty(), "a service account acts on nothing");

            // What is allowed succeeds with the fields it requires.
            for entry in &allowed {
                if let Some(body) = sufficient(entry.action, entry.requires, &entry.outcomes, &report, actor, now) {
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
                    // Closed and void stay so, but for comments, a new round and the town's restoring.
                    if before.status == Status::Closed && action.kind() != ActionKind::Reopen {
                        prop_assert_eq!(report.clone(), before.clone());
                    }
                    if before.status == Status::Void && report.status != Status::Void {
                        prop_assert_eq!(action.kind(), ActionKind::Restore);
                    }
                    deadline_keeps(&before, &report, action.kind(), &context)?;
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
