//! What an officer is at a grid, and what a deputy stands in for.
//!
//! Owns these codes and what a role may do by itself.

use crate::coded_value::coded_values;
use crate::grid::Tier;

coded_values! {
    /// What an officer is at a grid.
    Role {
        /// Administers accounts and grids, and never acts on reports.
        Admin = "admin", "管理员", "Administrator";
        /// 镇领导.
        TownLeader = "town_leader", "镇领导", "Town leader";
        /// 镇环保办工作人员.
        TownOfficer = "town_officer", "镇级网格员", "Town officer";
        /// 村书记: decides on escalations.
        VillageSecretary = "village_secretary", "村书记", "Village secretary";
        /// 村干部.
        VillageOfficer = "village_officer", "村级网格员", "Village officer";
        /// 村民小组长.
        GroupLeader = "group_leader", "村民小组长", "Group leader";
        /// Reads everything of a town and its whole record, and never acts.
        Auditor = "auditor", "审计员", "Auditor";
    }
}

impl Role {
    /// The tier of the grids where this role may be posted; an admin may be posted at any.
    #[must_use]
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::Admin => None,
            Self::TownLeader | Self::TownOfficer | Self::Auditor => Some(Tier::Town),
            Self::VillageSecretary | Self::VillageOfficer => Some(Tier::Village),
            Self::GroupLeader => Some(Tier::Group),
        }
    }

    /// Whether it acts on reports at all.
    #[must_use]
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Admin | Self::Auditor)
    }

    /// Whether it decides on escalations at the village.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Self::VillageSecretary)
    }
}

coded_values! {
    /// What a deputy stands in for.
    Covers as "DeputyDuties" {
        /// Everything the posting does.
        All = "all", "全部职责", "Everything";
        /// Only decisions on escalations.
        Decisions = "decisions", "仅审核上报", "Decisions on escalations only";
    }
}
