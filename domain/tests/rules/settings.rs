//! The settings of a town: their bounds, and that a change never moves what was filed before.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::calendar::{Calendar, Span};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Covers, Post, Posting, Role, Staffing};
use gridpatrol_domain::report::allowed::allowed_actions;
use gridpatrol_domain::report::closing::{ClosingRules, StartingAt, UpTo};
use gridpatrol_domain::report::deadlines::Limits;
use gridpatrol_domain::report::filing::{Filing, file};
use gridpatrol_domain::report::lifecycle::decide;
use gridpatrol_domain::report::proceedings::{PressingRules, ProceedingRules};
use gridpatrol_domain::report::{
    Action, Category, Context, Disposition, Outcome, Policy, Severity, Source,
};
use gridpatrol_domain::settings::{
    Allowed, LATEST, SOONEST, Settings, Timeline, Version, effective_from,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use uuid::Uuid;

const ALLOWED: Allowed = Allowed {
    max_bytes: 30 * 1024 * 1024,
    max_pixels: 40_000_000,
};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// Settings within their bounds.
pub fn sound() -> impl Strategy<Value = Settings> {
    let limits = prop::collection::btree_map(
        select(Category::ALL),
        (1_u32..48, 1_u32..240, 1_u32..960).prop_map(|(critical, more, most)| Limits {
            critical: Span::Hours(critical),
            serious: Span::Hours(critical + more),
            general: Span::Hours(critical + more + most),
        }),
        0..11,
    );
    let shares = (1_u32..30, 0_u32..30, 0_u32..30, 0_u32..=50, 1_u32..600);
    let closing = (
        select(&[UpTo::Nothing, UpTo::Minor, UpTo::General][..]),
        select(UpTo::ALL),
        select(StartingAt::ALL),
        select(StartingAt::ALL),
    );
    (limits, shares, closing, 0_u32..=10, 1_u32..=30).prop_map(
        |(limits, (group, decision, village, least, minutes), closing, returns, minor)| {
            let (of_group, of_village, photo, person) = closing;
            Settings {
                reports: Policy {
                    limits,
                    minor: Span::Days(minor),
                    group_share: group,
                    decision_share: group + decision,
                    village_share: group + decision + village,
                    least_share: least,
                    least_minutes: minutes,
                    most_returns: returns,
                    yellow_share: group + decision,
                    proceedings: ProceedingRules::default(),
                    pressing: PressingRules::default(),
                    closing: ClosingRules {
                        group: of_group,
                        village: of_village.max(of_group),
                        after_photo_from: photo,
                        other_person_from: person,
                    },
                },
                ..Settings::default()
            }
        },
    )
}

#[test]
fn the_defaults_are_sound_and_written_whole() {
    assert_eq!(Settings::default().faults(ALLOWED), []);
    let written = serde_json::to_value(Settings::default()).unwrap();
    assert_eq!(
        written["reports"]["limits"]["straw_burning"]["critical"],
        json!({"hours": 1})
    );
    assert_eq!(written["reports"]["minor"], json!({"working_days": 15}));
    assert_eq!(
        written["quiet_hours"],
        json!({"from": "22:00", "to": "07:00"})
    );
    assert_eq!(written["reports"]["closing"]["group"], "general");
    let read: Settings = serde_json::from_value(written).unwrap();
    assert_eq!(read, Settings::default());
    // What is left out has its default, what nobody knows is refused.
    let read: Settings = serde_json::from_value(json!({})).unwrap();
    assert_eq!(read, Settings::default());
    for unknown in [
        json!({"typo": 1}),
        json!({"reports": {"typo": 1}}),
        json!({"reports": {"limits": {"noise": {}}}}),
        json!({"reports": {"minor": {"weeks": 1}}}),
        json!({"quiet_hours": {"from": "7:00"}}),
        json!({"quiet_hours": {"from": "24:00"}}),
    ] {
        assert!(
            serde_json::from_value::<Settings>(unknown.clone()).is_err(),
            "{unknown}"
        );
    }
}

#[test]
fn every_wrong_value_is_named() {
    let wrong: Settings = serde_json::from_value(json!({
        "reports": {
            "limits": {"straw_burning": {"critical": {"hours": 3}, "serious": {"hours": 2}, "general": {"days": 0}}},
            "minor": {"days": 367}, "group_share": 0, "decision_share": 90, "village_share": 80,
            "least_share": 51, "least_minutes": 0, "most_returns": 11, "yellow_share": 0, "proceedings": {"extension_answer_working_days": 0},
            "closing": {"group": "serious", "village": "minor"}
        },
        "photos": {"per_report": 0, "max_bytes": 99_000_000_u64, "max_pixels": 1, "preferred_side_px": 1, "preferred_quality": 101},
        "accounts": {"invitation_hours": 0}, "offline": {"filing_days": 181}
    }))
    .unwrap();
    let pointers: Vec<String> = wrong
        .faults(ALLOWED)
        .into_iter()
        .map(|wrong| wrong.pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/reports/limits/straw_burning/general",
            "/reports/limits/straw_burning/critical",
            "/reports/limits/straw_burning/serious",
            "/reports/minor",
            "/reports/group_share",
            "/reports/village_share",
            "/reports/least_share",
            "/reports/least_minutes",
            "/reports/most_returns",
            "/reports/yellow_share",
            "/reports/proceedings/extension_answer_working_days",
            "/reports/closing/group",
            "/reports/closing/village",
            "/photos/per_report",
            "/photos/preferred_side_px",
            "/photos/preferred_quality",
            "/photos/max_bytes",
            "/photos/max_pixels",
            "/accounts/invitation_hours",
            "/offline/filing_days",
        ]
    );
}

#[test]
fn a_change_lies_ahead() {
    let now = start();
    assert_eq!(effective_from(None, now), Ok(now + SOONEST));
    assert_eq!(effective_from(Some(now + SOONEST), now), Ok(now + SOONEST));
    assert!(effective_from(Some(now), now).is_err());
    assert!(effective_from(Some(now - TimeDelta::days(1)), now).is_err());
    assert!(effective_from(Some(now + LATEST + SOONEST), now).is_err());
}

/// A group, its village and its town, each with an officer.
struct Town {
    group: GridPath,
    actors: Vec<Actor>,
    staffing: Staffing,
}

fn town() -> Town {
    let [town, village, group] = [1, 2, 3].map(Uuid::from_u128);
    let places = [
        (Role::GroupLeader, GridPath::group(town, village, group)),
        (Role::VillageSecretary, GridPath::village(town, village)),
        (Role::VillageOfficer, GridPath::village(town, village)),
        (Role::TownLeader, GridPath::town(town)),
        (Role::TownOfficer, GridPath::town(town)),
    ];
    let actors: Vec<Actor> = (10_u128..)
        .zip(places)
        .map(|(number, (role, grid))| Actor {
            officer_id: Uuid::from_u128(number),
            postings: vec![Posting {
                id: Uuid::from_u128(number + 100),
                role,
                grid,
                on_behalf_of: None,
                covers: Covers::All,
                manages: false,
            }],
            service: None,
        })
        .collect();
    let staffing = Staffing::new(actors.iter().map(|actor| Post {
        grid_id: actor.postings[0].grid.id(),
        officer_id: actor.officer_id,
        role: actor.postings[0].role,
        on_behalf_of: None,
        covers: Covers::All,
    }));
    Town {
        group: places[0].1,
        actors,
        staffing,
    }
}

/// What somebody tries to do to the report.
fn step() -> impl Strategy<Value = (usize, Action, bool, u32)> {
    let action = prop_oneof![
        Just(Action::Escalate { reason: None }),
        Just(Action::Approve {
            further: false,
            comment: None
        }),
        Just(Action::Return {
            reason: "再核实".to_owned()
        }),
        Just(Action::Resolve {
            result: "已清理".to_owned()
        }),
        Just(Action::Close {
            outcome: Outcome::Handled,
            result: Some("已清理".to_owned()),
            comment: None
        }),
        (select(Category::ALL), select(Severity::ALL)).prop_map(|(category, severity)| {
            Action::Reclassify {
                category: Some(category),
                severity: Some(severity),
                place: None,
            }
        }),
    ];
    (0_usize..5, action, any::<bool>(), 1_u32..200_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// However often settings are changed from now on: what was in force before stays what was in
    /// force, and so does what is in force now.
    #[test]
    fn the_past_stays(changes in prop::collection::vec((0_i64..10_000, 60_i64..100_000), 0..12), probe in 0_i64..200_000) {
        let mut versions: Vec<Version> = Vec::new();
        let mut now = start();
        for (number, (later, ahead)) in (1..).zip(changes) {
            now += TimeDelta::seconds(later);
            let before = Timeline::new(versions.clone());
            let from = effective_from(Some(now + TimeDelta::seconds(ahead)), now).unwrap();
            versions.push(Version { number, from, settings: Arc::default() });
            let after = Timeline::new(versions.clone());
            prop_assert_eq!(after.latest(), number);
            // Any instant up to now, and now itself.
            let at = now.min(start() + TimeDelta::seconds(probe));
            for at in [at, now] {
                prop_assert_eq!(
                    before.version_at(at).map(|version| version.number),
                    after.version_at(at).map(|version| version.number)
                );
            }
            prop_assert_eq!(after.version_at(from).map(|version| version.number), Some(number));
        }
    }

    /// A report's whole life under the settings of its receipt is the same whatever is set later.
    #[test]
    fn what_was_filed_before_does_not_move(
        former in sound(),
        later in sound(),
        category in select(Category::ALL),
        severity in select(Severity::ALL),
        disposition in select(Disposition::ALL),
        steps in prop::collection::vec(step(), 0..12),
    ) {
        prop_assert_eq!(former.faults(ALLOWED), []);
        let Town { group, actors, staffing } = town();
        let filing = Filing {
            id: Uuid::from_u128(9), place: group, category, severity,
            source: Source::Patrol, disposition, as_of: None,
        };
        let version = |number, from, settings: &Settings| Version { number, from, settings: Arc::new(settings.clone()) };
        let first = version(1, start() - TimeDelta::days(1), &former);
        let unchanged = Timeline::new(vec![first.clone()]);
        let changed = Timeline::new(vec![first, version(2, start() + SOONEST, &later)]);
        let life = |timeline: &Timeline| {
            let settings = Arc::clone(timeline.at(start()));
            let context = |now, evidence| Context {
                staffing: &staffing, policy: &settings.reports, calendar: Calendar::default(), evidence, now,
            };
            let mut now = start();
            let mut report = file(&filing, &actors[0], &context(now, false)).unwrap().report;
            let mut told = Vec::new();
            for (who, action, evidence, seconds) in &steps {
                now += TimeDelta::seconds(i64::from(*seconds));
                // As the store does: by the receipt of the report, not by the present.
                let settings = Arc::clone(timeline.at(report.received_at));
                let context = Context { policy: &settings.reports, ..context(now, *evidence) };
                told.push(allowed_actions(&report, &actors[*who], &context).len());
                if let Ok(decision) = decide(&report, action, &actors[*who], &context) {
                    report = decision.report;
                }
            }
            (report, told)
        };
        prop_assert_eq!(life(&unchanged), life(&changed));
    }
}
