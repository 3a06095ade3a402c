//! Grids: the three tiers, and where a grid stands in its town.
//!
//! Owns the shape of the tree; how it may change stands in `grid_management`. It must not know who is
//! posted where (`officer`) or what happens there (`report`).

use uuid::Uuid;

use crate::coded_value::coded_values;

coded_values! {
    /// A tier of supervision, lowest first. Stored as it is, never inferred from a number in a name
    /// (DOMAIN.md 0).
    Tier {
        /// 村民小组, 三级网格.
        Group = "group", "村民小组", "Group";
        /// 村, 二级网格.
        Village = "village", "村", "Village";
        /// 镇, 一级网格.
        Town = "town", "镇", "Town";
    }
}

impl Tier {
    /// The tier above; none above the town.
    #[must_use]
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Group => Some(Self::Village),
            Self::Village => Some(Self::Town),
            Self::Town => None,
        }
    }
}

/// A grid with its ancestors: the town always, the village and the group as far down as it goes.
/// Every lower grid belongs to exactly one village (DOMAIN.md 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GridPath {
    town: Uuid,
    village: Option<Uuid>,
    group: Option<Uuid>,
}

impl GridPath {
    /// The town itself.
    #[must_use]
    pub const fn town(town: Uuid) -> Self {
        Self {
            town,
            village: None,
            group: None,
        }
    }

    /// A village of a town.
    #[must_use]
    pub const fn village(town: Uuid, village: Uuid) -> Self {
        Self {
            town,
            village: Some(village),
            group: None,
        }
    }

    /// A group of a village.
    #[must_use]
    pub const fn group(town: Uuid, village: Uuid, group: Uuid) -> Self {
        Self {
            town,
            village: Some(village),
            group: Some(group),
        }
    }

    /// The grid itself: the lowest of the path.
    #[must_use]
    pub fn id(self) -> Uuid {
        self.group.or(self.village).unwrap_or(self.town)
    }

    /// The town's id: the shard.
    #[must_use]
    pub const fn town_id(self) -> Uuid {
        self.town
    }

    /// The village's id, where the path goes that far.
    #[must_use]
    pub const fn village_id(self) -> Option<Uuid> {
        self.village
    }

    /// The group's id, where the path goes that far.
    #[must_use]
    pub const fn group_id(self) -> Option<Uuid> {
        self.group
    }

    /// The tier of the grid itself.
    #[must_use]
    pub const fn tier(self) -> Tier {
        if self.group.is_some() {
            Tier::Group
        } else if self.village.is_some() {
            Tier::Village
        } else {
            Tier::Town
        }
    }

    /// The grid of this path at a tier, where the path goes that far down.
    #[must_use]
    pub const fn at(self, tier: Tier) -> Option<Uuid> {
        match tier {
            Tier::Town => Some(self.town),
            Tier::Village => self.village,
            Tier::Group => self.group,
        }
    }

    /// The path cut off at a tier; itself where it does not go that far down.
    #[must_use]
    pub const fn up_to(self, tier: Tier) -> Self {
        match tier {
            Tier::Group => self,
            Tier::Village => Self {
                group: None,
                ..self
            },
            Tier::Town => Self::town(self.town),
        }
    }

    /// Its grids from the lowest upward.
    pub fn upward(self) -> impl Iterator<Item = (Tier, Uuid)> {
        [Tier::Group, Tier::Village, Tier::Town]
            .into_iter()
            .filter_map(move |tier| self.at(tier).map(|id| (tier, id)))
    }

    /// Whether `other` is this grid or lies below it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.at(self.tier()) == Some(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::{GridPath, Tier};
    use uuid::Uuid;

    #[test]
    fn a_path_knows_its_ancestors() {
        let [town, village, group, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let path = GridPath::group(town, village, group);
        assert_eq!(path.id(), group);
        assert_eq!(path.tier(), Tier::Group);
        assert_eq!(path.up_to(Tier::Village), GridPath::village(town, village));
        assert!(GridPath::village(town, village).covers(path));
        assert!(!path.covers(GridPath::village(town, village)));
        assert!(!GridPath::village(town, other).covers(path));
        assert_eq!(
            path.upward().map(|(tier, _)| tier).collect::<Vec<_>>(),
            [Tier::Group, Tier::Village, Tier::Town]
        );
        assert!(Tier::Group < Tier::Village && Tier::Village < Tier::Town);
    }
}
