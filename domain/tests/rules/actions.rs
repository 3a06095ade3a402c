//! Random actions.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::report::proceedings::Milestone;
use gridpatrol_domain::report::{Action, Assignment, Category, Outcome, Severity};
use gridpatrol_domain::team::Team;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::town::{OTHER_TOWN, People, grids, officers, start};

pub fn text() -> impl Strategy<Value = String> {
    select(vec!["烟已灭".to_owned(), "请补充照片".to_owned()])
}

pub fn action(people: &People) -> impl Strategy<Value = Action> + use<> {
    let (officers, teams) = (officers(&people.staffing), people.teams.clone());
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
pub fn assignment(
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

pub fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..6_000_000_i64).prop_map(|seconds| start() + TimeDelta::seconds(seconds))
}

pub fn measure() -> impl Strategy<Value = Action> {
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
