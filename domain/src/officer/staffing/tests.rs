//! The chain of who is responsible: who is named may act.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::coded_value::CodedValue;
use crate::officer::{Actor, Posting};

const TOWN: Uuid = Uuid::from_u128(1);
const VILLAGE: Uuid = Uuid::from_u128(2);
const GROUP: Uuid = Uuid::from_u128(3);

fn path(id: Uuid) -> GridPath {
    match id {
        TOWN => GridPath::town(TOWN),
        VILLAGE => GridPath::village(TOWN, VILLAGE),
        _ => GridPath::group(TOWN, VILLAGE, GROUP),
    }
}

fn officer(number: u128) -> Uuid {
    Uuid::from_u128(100 + number)
}

fn post(number: u128, role: Role, grid_id: Uuid) -> Post {
    Post {
        grid_id,
        officer_id: officer(number),
        role,
        on_behalf_of: None,
        covers: Covers::All,
    }
}

fn deputy(number: u128, absent: u128, role: Role, grid_id: Uuid, covers: Covers) -> Post {
    Post {
        on_behalf_of: Some(officer(absent)),
        covers,
        ..post(number, role, grid_id)
    }
}

fn told(found: &[Responsible]) -> Vec<(u128, By)> {
    found
        .iter()
        .map(|one| (one.post.officer_id.as_u128() - 100, one.by))
        .collect()
}

#[test]
fn the_chain_goes_from_the_post_to_any_officer_of_the_town() {
    let town = [
        post(1, Role::TownLeader, TOWN),
        post(2, Role::TownOfficer, TOWN),
    ];
    let mut posts = town.to_vec();
    posts.push(post(3, Role::VillageSecretary, VILLAGE));
    posts.push(post(4, Role::GroupLeader, GROUP));
    posts.push(deputy(5, 4, Role::GroupLeader, GROUP, Covers::All));
    let all = Staffing::new(posts.clone()).with_duty(Some(officer(2)));
    assert_eq!(
        told(&all.working_for(path(GROUP))),
        [(4, By::Posting), (5, By::Deputy)]
    );
    assert_eq!(told(&all.deciding_for(path(GROUP))), [(3, By::Posting)]);

    posts.truncate(3);
    let no_group = Staffing::new(posts.clone()).with_duty(Some(officer(2)));
    assert_eq!(
        told(&no_group.working_for(path(GROUP))),
        [(3, By::Superior)]
    );

    let only_town = Staffing::new(town).with_duty(Some(officer(2)));
    let fallen = [(2, By::DutyOfficer), (1, By::TownOfficer)];
    assert_eq!(told(&only_town.working_for(path(GROUP))), fallen);
    assert_eq!(told(&only_town.working_for(path(VILLAGE))), fallen);
    assert_eq!(told(&only_town.deciding_for(path(GROUP))), fallen);
    // The town's own work is everybody's there.
    assert_eq!(
        told(&only_town.working_for(path(TOWN))),
        [(1, By::Posting), (2, By::Posting)]
    );
    // Who has left the town is not on its duty.
    let gone = only_town.with_duty(Some(officer(9)));
    assert_eq!(gone.officers(path(GROUP)), [officer(1), officer(2)]);
}

#[test]
fn a_deputy_for_decisions_decides_and_nothing_else() {
    let staffing = Staffing::new([
        post(1, Role::TownLeader, TOWN),
        deputy(5, 3, Role::VillageSecretary, VILLAGE, Covers::Decisions),
    ]);
    assert_eq!(staffing.deciders(path(GROUP)), [officer(5)]);
    assert!(!staffing.manned(VILLAGE) && staffing.has_secretary(VILLAGE));
    assert_eq!(staffing.officers(path(VILLAGE)), [officer(1)]);
    assert!(staffing.in_person(officer(3)).is_empty());
    assert!(!staffing.serving().contains(&officer(3)));
}

#[test]
fn personal_work_goes_to_who_stands_in_for_all_of_it() {
    let staffing = Staffing::new([
        post(1, Role::TownLeader, TOWN),
        deputy(5, 3, Role::VillageSecretary, VILLAGE, Covers::All),
    ]);
    assert_eq!(staffing.in_person(officer(1)), [officer(1)]);
    assert_eq!(staffing.in_person(officer(3)), [officer(5)]);
    // The deputy's own work, of whom has no post here, is nobody's.
    assert!(staffing.in_person(officer(5)).is_empty());
    assert_eq!(staffing.serving(), [officer(1), officer(3)]);
}

fn posts() -> impl Strategy<Value = Vec<Post>> {
    let one = (
        select(vec![
            (Role::TownLeader, TOWN),
            (Role::TownOfficer, TOWN),
            (Role::VillageSecretary, VILLAGE),
            (Role::VillageOfficer, VILLAGE),
            (Role::GroupLeader, GROUP),
            (Role::Admin, TOWN),
        ]),
        0_u128..6,
        prop::option::of(0_u128..6),
        select(Covers::ALL),
    )
        .prop_map(|((role, grid), number, absent, covers)| {
            match absent.filter(|absent| *absent != number) {
                Some(absent) => deputy(number, absent, role, grid, covers),
                None => post(number, role, grid),
            }
        });
    prop::collection::vec(one, 0..8)
}

fn actor(number: u128, posts: &[Post]) -> Actor {
    Actor {
        officer_id: officer(number),
        postings: posts
            .iter()
            .filter(|post| post.officer_id == officer(number))
            .map(|post| Posting {
                id: Uuid::nil(),
                role: post.role,
                grid: path(post.grid_id),
                on_behalf_of: post.on_behalf_of,
                covers: post.covers,
                manages: false,
            })
            .collect(),
        service: None,
    }
}

proptest! {
    /// Whoever is named may act, and who is at the grid and may act is named: what is shown
    /// never lies.
    #[test]
    fn who_is_named_is_who_may_act(
        posts in posts(),
        on_duty in prop::option::of(0_u128..6),
    ) {
        let staffing = Staffing::new(posts.clone()).with_duty(on_duty.map(officer));
        let staffed = posts.iter().any(|post| post.role.acts() && post.grid_id == TOWN && post.covers == Covers::All);
        for grid in [TOWN, VILLAGE, GROUP].map(path) {
            let working = staffing.officers(grid);
            for number in 0..6 {
                let stands = actor(number, &posts).stands_at(grid, &staffing);
                prop_assert_eq!(working.contains(&officer(number)), stands.is_some());
            }
            for decider in staffing.deciding_for(grid) {
                let number = decider.post.officer_id.as_u128() - 100;
                prop_assert!(actor(number, &posts).decides_for(grid).is_some());
            }
            // There is always somebody, as long as the town has one.
            prop_assert!(!staffed || (!working.is_empty() && !staffing.deciders(grid).is_empty()));
        }
    }
}
