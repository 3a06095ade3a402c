//! What an actor sees.
//!
//! Owns the rule: a posting, or a service account, gives sight of its grid and all below it; who took
//! part in a report keeps sight of it while posted in its town. Queries take a [`Scope`] and nothing else, and a
//! scope is made of an actor alone, so no query can forget it. What may be done with what is
//! seen is not asked here.

use uuid::Uuid;

use crate::grid::GridPath;
use crate::officer::Actor;

/// The grids an actor sees, as the fewest subtrees, and the towns the actor is posted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    officer_id: Uuid,
    subtrees: Vec<GridPath>,
    towns: Vec<Uuid>,
    participants: Vec<Uuid>,
}

impl Scope {
    /// What this actor sees by the postings active now, deputised ones included.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let mut grids: Vec<GridPath> = actor.postings.iter().map(|each| each.grid).collect();
        grids.extend(actor.service.map(|service| service.grid));
        // Widest first, so that what is kept covers what follows.
        grids.sort_by_key(|grid| (std::cmp::Reverse(grid.tier()), grid.id()));
        let mut subtrees: Vec<GridPath> = Vec::new();
        let mut towns: Vec<Uuid> = Vec::new();
        for grid in grids {
            if !subtrees.iter().any(|kept| kept.covers(grid)) {
                subtrees.push(grid);
            }
            if !towns.contains(&grid.town_id()) {
                towns.push(grid.town_id());
            }
        }
        let mut participants = vec![actor.officer_id];
        let stood_for = actor.working().filter_map(|posting| posting.on_behalf_of);
        let grids = actor.acting().map(|posting| posting.grid.id());
        for participant in grids.chain(stood_for) {
            if !participants.contains(&participant) {
                participants.push(participant);
            }
        }
        Self {
            officer_id: actor.officer_id,
            subtrees,
            towns,
            participants,
        }
    }

    /// As whom the officer may have taken part in a report: the officer, the grids of the postings
    /// that act, to which work may have been assigned, and those stood in for in all they do.
    #[must_use]
    pub fn participants(&self) -> &[Uuid] {
        &self.participants
    }

    /// The officer whose sight this is: participants see by this id.
    #[must_use]
    pub const fn officer_id(&self) -> Uuid {
        self.officer_id
    }

    /// The subtrees seen, none of which lies within another. Empty: nothing is seen.
    #[must_use]
    pub fn subtrees(&self) -> &[GridPath] {
        &self.subtrees
    }

    /// The towns the officer is posted in: there the names of all grids are seen, and reports the
    /// officer took part in.
    #[must_use]
    pub fn towns(&self) -> &[Uuid] {
        &self.towns
    }

    /// Whether a grid is seen with what happens there.
    #[must_use]
    pub fn sees(&self, grid: GridPath) -> bool {
        self.subtrees.iter().any(|subtree| subtree.covers(grid))
    }

    /// Whether the officer is posted in this town.
    #[must_use]
    pub fn in_town(&self, town: Uuid) -> bool {
        self.towns.contains(&town)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::grid::GridPath;
    use crate::officer::{Actor, Covers, Posting, Role};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn scope(grids: &[GridPath]) -> Scope {
        Scope::of(&Actor {
            officer_id: Uuid::from_u128(9),
            postings: grids
                .iter()
                .map(|grid| Posting {
                    id: Uuid::nil(),
                    role: Role::TownOfficer,
                    grid: *grid,
                    on_behalf_of: None,
                    covers: Covers::All,
                    manages: false,
                })
                .collect(),
            service: None,
        })
    }

    fn path() -> impl Strategy<Value = GridPath> {
        (1_u128..3, 0_u128..3, 0_u128..3).prop_map(|(town, village, group)| {
            let town_id = Uuid::from_u128(town);
            let village_id = Uuid::from_u128(town * 100 + village);
            let group_id = Uuid::from_u128(town * 10_000 + village * 100 + group);
            match (village, group) {
                (0, _) => GridPath::town(town_id),
                (_, 0) => GridPath::village(town_id, village_id),
                _ => GridPath::group(town_id, village_id, group_id),
            }
        })
    }

    #[test]
    fn nobody_posted_sees_nothing() {
        let nothing = scope(&[]);
        assert!(!nothing.sees(GridPath::town(Uuid::from_u128(1))));
        assert!(nothing.subtrees().is_empty() && nothing.towns().is_empty());
    }

    proptest! {
        #[test]
        fn sight_is_that_of_the_postings_in_the_fewest_subtrees(
            posted in prop::collection::vec(path(), 0..6),
            asked in path(),
        ) {
            let scope = scope(&posted);
            prop_assert_eq!(scope.sees(asked), posted.iter().any(|grid| grid.covers(asked)));
            prop_assert_eq!(
                scope.in_town(asked.town_id()),
                posted.iter().any(|grid| grid.town_id() == asked.town_id())
            );
            for (at, one) in scope.subtrees().iter().enumerate() {
                for (other_at, other) in scope.subtrees().iter().enumerate() {
                    prop_assert!(at == other_at || !one.covers(*other));
                }
            }
        }
    }
}
