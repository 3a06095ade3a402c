//! Who may change grids, and what may become of them.
//!
//! Owns the rules of changing the tree: whose right it is, which code fits where, what may move and
//! what may end, and who follows whom. It must not know reports; how they follow stands in
//! `report::relocation`.

use uuid::Uuid;

use crate::division::DivisionCode;
use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::officer::{Actor, Role};

/// Whether the actor administers, and may thus change the grids of all towns and found towns. Never
/// by deputy.
#[must_use]
pub fn administers(actor: &Actor) -> bool {
    actor.own().any(|posting| posting.role == Role::Admin)
}

/// Whether the actor may change the grids of a town: an administrator, or who manages the town
/// (`officer::managing`).
#[must_use]
pub fn may_manage(actor: &Actor, town: Uuid) -> bool {
    administers(actor) || actor.manages_town(GridPath::town(town))
}

/// A grid as these rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands, or stood when it ended.
    pub path: GridPath,
    /// Whether it has ended.
    pub archived: bool,
}

/// Why a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// The code of the table.
    pub code: Code,
    /// One sentence.
    pub detail: &'static str,
}

/// The grid named cannot take over.
pub const NO_SUCCESSOR: Refusal = refuse(
    Code::SuccessorInvalid,
    "Name another grid of the same tier and town that has not ended, or for a group its village.",
);

const fn refuse(code: Code, detail: &'static str) -> Refusal {
    Refusal { code, detail }
}

/// Refuses to change what has ended.
///
/// # Errors
/// `grid_archived`.
pub const fn check_lives(grid: Standing) -> Result<(), Refusal> {
    if grid.archived {
        Err(refuse(
            Code::GridArchived,
            "This grid has ended; its successor_id names who took over.",
        ))
    } else {
        Ok(())
    }
}

/// The path of a new grid of this id below `parent`; without one, of a new town.
///
/// # Errors
/// `parent_invalid`.
pub fn path_below(id: Uuid, parent: Option<Standing>) -> Result<GridPath, Refusal> {
    let Some(parent) = parent else {
        return Ok(GridPath::town(id));
    };
    if parent.archived {
        return Err(refuse(
            Code::ParentInvalid,
            "The grid above has ended; name its successor.",
        ));
    }
    match (parent.path.village_id(), parent.path.tier()) {
        (None, _) => Ok(GridPath::village(parent.path.town_id(), id)),
        (Some(village), Tier::Village) => Ok(GridPath::group(parent.path.town_id(), village, id)),
        _ => Err(refuse(
            Code::ParentInvalid,
            "Nothing lies below a group; name a village or a town.",
        )),
    }
}

/// Whether a code fits a grid of this tier below a grid of that code (DOMAIN.md 4).
///
/// # Errors
/// What does not fit, one sentence.
pub fn code_fits(
    code: &DivisionCode,
    tier: Tier,
    parent: Option<&DivisionCode>,
) -> Result<(), String> {
    if code.tier() != tier {
        return Err(format!(
            "{code} is the code of a {}, and this is a {tier}.",
            code.tier()
        ));
    }
    match (code.parent(), parent) {
        (Some(above), Some(parent)) if above != *parent => Err(format!(
            "{code} belongs below {above}, and the grid above has the code {parent}."
        )),
        _ => Ok(()),
    }
}

/// Where a group would stand below another village of its town.
///
/// # Errors
/// `grid_archived`, `parent_invalid`.
pub fn moved(group: Standing, village: Standing) -> Result<GridPath, Refusal> {
    check_lives(group)?;
    if group.path.tier() != Tier::Group {
        return Err(refuse(
            Code::ParentInvalid,
            "Only a group moves, to another village of its town.",
        ));
    }
    if village.archived
        || village.path.tier() != Tier::Village
        || village.path.town_id() != group.path.town_id()
        || village.path.village_id() == group.path.village_id()
    {
        return Err(refuse(
            Code::ParentInvalid,
            "Name another village of the same town that has not ended.",
        ));
    }
    path_below(group.path.id(), Some(village))
}

/// Checks that a grid may end, and who takes over: another of its tier in the same town, or for a
/// group its own village. Whoever has something to hand over needs a successor; a town hands over
/// nothing.
///
/// # Errors
/// `grid_archived`, `successor_invalid`, `grid_in_use`.
pub fn may_end(
    grid: Standing,
    successor: Option<Standing>,
    has_something: bool,
) -> Result<(), Refusal> {
    check_lives(grid)?;
    let Some(successor) = successor else {
        return if has_something {
            Err(refuse(
                Code::GridInUse,
                "Grids lie below it or reports are open there: name a successor that takes them over.",
            ))
        } else {
            Ok(())
        };
    };
    let (path, to) = (grid.path, successor.path);
    let neighbour = to.tier() == path.tier() && to.id() != path.id();
    let above = path.tier() == Tier::Group && to == path.up_to(Tier::Village);
    if successor.archived
        || path.tier() == Tier::Town
        || to.town_id() != path.town_id()
        || !(neighbour || above)
    {
        return Err(NO_SUCCESSOR);
    }
    Ok(())
}

/// Where what was at `path` is, now that `from` has become `to`: the grid itself or one below it.
/// `to` is the successor's path, or the new path of a grid that moved.
#[must_use]
pub fn followed(path: GridPath, from: GridPath, to: GridPath) -> GridPath {
    if !from.covers(path) {
        return path;
    }
    match (from.tier(), path.group_id(), to.village_id()) {
        // A village's groups go to its successor as they are.
        (Tier::Village, Some(group), Some(village)) => {
            GridPath::group(to.town_id(), village, group)
        }
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::officer::{Covers, Posting};
    use proptest::prelude::*;

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

    const fn alive(path: GridPath) -> Standing {
        Standing {
            path,
            archived: false,
        }
    }

    const fn ended(path: GridPath) -> Standing {
        Standing {
            path,
            archived: true,
        }
    }

    fn code<T>(outcome: Result<T, Refusal>) -> Option<Code> {
        outcome.err().map(|refusal| refusal.code)
    }

    #[test]
    fn who_may_change_grids() {
        let posted = |role, grid| Actor {
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
        let elsewhere = Uuid::from_u128(2);
        let leader = posted(Role::TownLeader, GridPath::town(TOWN));
        assert!(may_manage(&leader, TOWN) && !may_manage(&leader, elsewhere));
        let admin = posted(Role::Admin, village(1));
        assert!(may_manage(&admin, TOWN) && may_manage(&admin, elsewhere));
        for (role, grid) in [
            (Role::TownOfficer, GridPath::town(TOWN)),
            (Role::VillageSecretary, village(1)),
            (Role::GroupLeader, group(1, 1)),
        ] {
            assert!(!may_manage(&posted(role, grid), TOWN), "{role}");
        }
        let mut officer = posted(Role::TownOfficer, GridPath::town(TOWN));
        officer.postings[0].manages = true;
        assert!(may_manage(&officer, TOWN) && !may_manage(&officer, elsewhere));
        let mut deputy = admin;
        deputy.postings[0].on_behalf_of = Some(Uuid::from_u128(8));
        assert!(!administers(&deputy));
    }

    #[test]
    fn only_groups_move_and_only_within_their_town() {
        let path = moved(alive(group(1, 1)), alive(village(2))).unwrap();
        assert_eq!(path.village_id(), village(2).village_id());
        assert_eq!(path.group_id(), group(1, 1).group_id());
        let elsewhere = GridPath::village(Uuid::from_u128(2), Uuid::from_u128(500));
        for to in [
            alive(village(1)),
            ended(village(2)),
            alive(GridPath::town(TOWN)),
            alive(group(2, 1)),
            alive(elsewhere),
        ] {
            assert_eq!(
                code(moved(alive(group(1, 1)), to)),
                Some(Code::ParentInvalid)
            );
        }
        assert_eq!(
            code(moved(alive(village(1)), alive(village(2)))),
            Some(Code::ParentInvalid)
        );
        assert_eq!(
            code(moved(ended(group(1, 1)), alive(village(2)))),
            Some(Code::GridArchived)
        );
    }

    #[test]
    fn who_may_end_and_who_takes_over() {
        let ends = |grid, successor, something| code(may_end(grid, successor, something));
        assert_eq!(ends(alive(village(1)), Some(alive(village(2))), true), None);
        assert_eq!(
            ends(alive(group(1, 1)), Some(alive(group(2, 1))), true),
            None
        );
        assert_eq!(
            ends(alive(group(1, 1)), Some(alive(village(1))), true),
            None
        );
        assert_eq!(ends(alive(village(1)), None, false), None);
        assert_eq!(ends(alive(GridPath::town(TOWN)), None, false), None);
        for (grid, successor) in [
            (alive(village(1)), alive(village(1))),
            (alive(village(1)), ended(village(2))),
            (alive(village(1)), alive(group(2, 1))),
            (alive(village(1)), alive(GridPath::town(TOWN))),
            (alive(group(1, 1)), alive(village(2))),
            (alive(group(1, 1)), alive(GridPath::town(TOWN))),
            (alive(GridPath::town(TOWN)), alive(village(2))),
        ] {
            assert_eq!(
                ends(grid, Some(successor), true),
                Some(Code::SuccessorInvalid)
            );
        }
        assert_eq!(ends(alive(village(1)), None, true), Some(Code::GridInUse));
        assert_eq!(
            ends(ended(village(1)), Some(alive(village(2))), true),
            Some(Code::GridArchived)
        );
    }

    #[test]
    fn codes_fit_their_tier_and_the_grid_above() {
        let parse = |text| DivisionCode::parse(text).unwrap();
        let (town, village, group) = (
            parse("510422100000"),
            parse("510422100200"),
            parse("510422100200001"),
        );
        assert!(code_fits(&town, Tier::Town, None).is_ok());
        assert!(code_fits(&village, Tier::Village, Some(&town)).is_ok());
        assert!(code_fits(&group, Tier::Group, Some(&village)).is_ok());
        assert!(code_fits(&village, Tier::Group, Some(&village)).is_err());
        assert!(code_fits(&village, Tier::Village, Some(&parse("510422101000"))).is_err());
    }

    fn path() -> impl Strategy<Value = GridPath> {
        prop_oneof![
            Just(GridPath::town(TOWN)),
            (1_u128..4).prop_map(village),
            (1_u128..4, 1_u128..4).prop_map(|(one, other)| group(one, other)),
        ]
    }

    /// A grid that may end, and who may take over.
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
        fn what_followed_lies_where_it_should(at in path(), (from, to) in ending()) {
            prop_assert!(may_end(alive(from), Some(alive(to)), true).is_ok());
            let now = followed(at, from, to);
            prop_assert_eq!(now.town_id(), TOWN);
            if from.covers(at) {
                prop_assert!(to.covers(now), "{:?} is below the successor", now);
                prop_assert!(!from.covers(now) || to == from.up_to(Tier::Village));
                let below = at.group_id().filter(|_| from.tier() == Tier::Village);
                prop_assert_eq!(now.group_id(), below.or(to.group_id()));
            } else {
                prop_assert_eq!(now, at);
            }
        }
    }
}
