//! Who may manage whom: accounts, postings, absences, sessions, invitations.
//!
//! Owns one pure rule. An admin manages everybody, in all towns; a town leader everybody of the town
//! but admins and auditors, who look at what the leader does; a town officer whose posting has the
//! managing right (`manages`) everybody of the town but those, leaders and those who have that right;
//! a secretary the group leaders of the village. Only own postings count, never deputised ones. Nobody can raise their own rights: whatever
//! an actor may grant gives no more than the actor has. An officer is managed by who has authority
//! over every post the officer holds or will hold.

use super::actor::{Actor, Posting};
use super::role::Role;
use crate::grid::{GridPath, Tier};

/// A post as managing looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// Where.
    pub grid: GridPath,
    /// Whether it has the managing right.
    pub manages: bool,
}

/// Whether a role at a tier may be given the managing right.
#[must_use]
pub const fn may_have_right(role: Role) -> bool {
    matches!(role, Role::TownOfficer)
}

impl Posting {
    /// Whether this posting gives authority over a post.
    #[must_use]
    fn manages_post(&self, post: Held) -> bool {
        let reaches = self.role == Role::Admin || self.grid.covers(post.grid);
        if self.on_behalf_of.is_some() || !reaches {
            return false;
        }
        match self.role {
            Role::Admin => true,
            Role::TownLeader => !matches!(post.role, Role::Admin | Role::Auditor),
            Role::TownOfficer => {
                self.manages
                    && !post.manages
                    && !matches!(post.role, Role::Admin | Role::Auditor | Role::TownLeader)
            }
            Role::VillageSecretary => {
                post.role == Role::GroupLeader && post.grid.tier() == Tier::Group
            }
            Role::VillageOfficer | Role::GroupLeader | Role::Auditor => false,
        }
    }
}

impl Actor {
    /// Whether the actor is an administrator, whose authority over people ends at no town.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.own().any(|posting| posting.role == Role::Admin)
    }

    /// Whether the actor may give and take this post.
    #[must_use]
    pub fn may_grant(&self, post: Held) -> bool {
        self.postings
            .iter()
            .any(|posting| posting.manages_post(post))
    }

    /// Whether the actor manages an officer who holds these posts, now or later; of one who holds
    /// none left, the last one held.
    #[must_use]
    pub fn may_manage(&self, posts: &[Held]) -> bool {
        !posts.is_empty() && posts.iter().all(|post| self.may_grant(*post))
    }

    /// Whether the actor administers keys and settings at `grid`: an administrator or a town leader,
    /// by a posting there or above. Not by deputy: what is set up outlives an absence.
    #[must_use]
    pub fn administers(&self, grid: GridPath) -> bool {
        self.own().any(|posting| {
            matches!(posting.role, Role::Admin | Role::TownLeader) && posting.grid.covers(grid)
        })
    }

    /// Whether the actor may arrange things of the town itself: its duty roster, and its grids.
    #[must_use]
    pub fn manages_town(&self, town: GridPath) -> bool {
        self.is_admin()
            || self.own().any(|posting| {
                posting.grid.id() == town.town_id()
                    && (posting.role == Role::TownLeader
                        || (posting.role == Role::TownOfficer && posting.manages))
            })
    }

    /// Whether the actor is shown how an officer at these grids is reached: superiors,
    /// subordinates, and those of the same village. An auditor calls nobody.
    #[must_use]
    pub fn reaches(&self, grids: &[GridPath]) -> bool {
        let all = self.postings.iter();
        all.filter(|posting| posting.role != Role::Auditor)
            .any(|posting| {
                grids.iter().any(|grid| {
                    posting.grid.covers(*grid)
                        || grid.covers(posting.grid)
                        || (grid.village_id().is_some()
                            && grid.village_id() == posting.grid.village_id())
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use uuid::Uuid;

    use super::*;
    use crate::coded_value::CodedValue;
    use crate::officer::Covers;

    fn town(number: u128) -> GridPath {
        GridPath::town(Uuid::from_u128(number))
    }

    fn village(of: u128, number: u128) -> GridPath {
        GridPath::village(Uuid::from_u128(of), Uuid::from_u128(of * 10 + number))
    }

    fn group(of: u128, village: u128) -> GridPath {
        let above = Uuid::from_u128(of * 10 + village);
        GridPath::group(
            Uuid::from_u128(of),
            above,
            Uuid::from_u128(of * 100 + village),
        )
    }

    fn held(role: Role, grid: GridPath, manages: bool) -> Held {
        Held {
            role,
            grid,
            manages,
        }
    }

    fn actor(posts: &[Held]) -> Actor {
        Actor {
            officer_id: Uuid::nil(),
            postings: posts
                .iter()
                .map(|post| Posting {
                    id: Uuid::nil(),
                    role: post.role,
                    grid: post.grid,
                    on_behalf_of: None,
                    covers: Covers::All,
                    manages: post.manages,
                })
                .collect(),
            service: None,
        }
    }

    /// Every post there may be in two towns.
    fn posts() -> Vec<Held> {
        let mut posts = Vec::new();
        for number in [1, 2] {
            posts.push(held(Role::Admin, town(number), false));
            posts.push(held(Role::TownLeader, town(number), false));
            posts.push(held(Role::TownOfficer, town(number), false));
            posts.push(held(Role::TownOfficer, town(number), true));
            posts.push(held(Role::Auditor, town(number), false));
            for below in [1, 2] {
                posts.push(held(Role::VillageSecretary, village(number, below), false));
                posts.push(held(Role::VillageOfficer, village(number, below), false));
                posts.push(held(Role::GroupLeader, group(number, below), false));
            }
        }
        posts
    }

    #[test]
    fn the_table() {
        // Who may give what in the own town, and in a sibling village.
        let own = [
            held(Role::Admin, town(1), false),
            held(Role::TownLeader, town(1), false),
            held(Role::TownOfficer, town(1), true),
            held(Role::TownOfficer, town(1), false),
            held(Role::VillageSecretary, village(1, 1), false),
            held(Role::VillageOfficer, village(1, 1), false),
            held(Role::GroupLeader, group(1, 1), false),
            held(Role::VillageSecretary, village(1, 2), false),
            held(Role::GroupLeader, group(1, 2), false),
            held(Role::Auditor, town(1), false),
        ];
        let may = |posts: &[Held]| -> String {
            let actor = actor(posts);
            own.iter()
                .map(|post| if actor.may_grant(*post) { 'x' } else { '-' })
                .collect()
        };
        let [
            admin,
            leader,
            manager,
            officer,
            secretary,
            villager,
            group_leader,
            ..,
        ] = own;
        assert_eq!(may(&[admin]), "xxxxxxxxxx");
        assert_eq!(may(&[leader]), "-xxxxxxxx-");
        assert_eq!(may(&[manager]), "---xxxxxx-");
        assert_eq!(may(&[officer]), "----------");
        assert_eq!(may(&[secretary]), "------x---");
        assert_eq!(may(&[villager]), "----------");
        assert_eq!(may(&[group_leader]), "----------");
        // Over every post, or not at all.
        let busy = [group_leader, held(Role::GroupLeader, group(1, 2), false)];
        assert!(actor(&[secretary]).may_manage(&busy[..1]));
        assert!(!actor(&[secretary]).may_manage(&busy));
        assert!(!actor(&[admin]).may_manage(&[]));
    }

    #[test]
    fn a_deputy_manages_nobody() {
        let mut deputy = actor(&[held(Role::TownLeader, town(1), false)]);
        deputy.postings[0].on_behalf_of = Some(Uuid::from_u128(7));
        assert!(!deputy.may_grant(held(Role::GroupLeader, group(1, 1), false)));
        assert!(!deputy.manages_town(town(1)));
    }

    #[test]
    fn contacts_are_for_superiors_subordinates_and_the_village() {
        let leader = actor(&[held(Role::GroupLeader, group(1, 1), false)]);
        assert!(leader.reaches(&[village(1, 1)]) && leader.reaches(&[town(1)]));
        assert!(leader.reaches(&[group(1, 1)]));
        assert!(!leader.reaches(&[village(1, 2)]) && !leader.reaches(&[group(1, 2)]));
        assert!(!leader.reaches(&[town(2)]) && !leader.reaches(&[]));
        let office = actor(&[held(Role::TownOfficer, town(1), false)]);
        assert!(office.reaches(&[group(1, 2)]));
    }

    proptest! {
        /// Nobody can raise their own rights: with everything an actor may grant added, the actor may grant the same.
        #[test]
        fn what_is_granted_gives_no_more_than_its_giver_has(
            own in prop::collection::vec(select(posts()), 0..3),
        ) {
            let before = actor(&own);
            let mut gained = own;
            gained.extend(posts().into_iter().filter(|post| before.may_grant(*post)));
            let after = actor(&gained);
            for post in posts() {
                prop_assert_eq!(before.may_grant(post), after.may_grant(post), "{:?}", post);
            }
        }

        /// Another town is nobody's but its own, and the admins'.
        #[test]
        fn authority_ends_at_the_town(post in select(posts()), other in select(posts())) {
            prop_assert!(
                post.role == Role::Admin
                    || post.grid.town_id() == other.grid.town_id()
                    || !actor(&[post]).may_grant(other)
            );
            prop_assert!(Role::ALL.contains(&post.role));
        }
    }
}
