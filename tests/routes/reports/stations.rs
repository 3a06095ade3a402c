//! Reports brought to every status a report can have at every tier, by the officers who may.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Client, Filing, World, filing, pictures};

/// Where a report of the first group of the first village can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Station {
    OpenAtGroup,
    EscalatingFromGroup,
    EscalatingFromGroupAsOftenAsItIsReturned,
    OpenAtVillage,
    OpenAtVillageWithGroup,
    EscalatingFromVillage,
    OpenAtTown,
    OpenAtTownWithVillage,
    OpenAtTownWithOfficer,
    CriticalAtTown,
    ResolvedAtGroup,
    ResolvedAtVillage,
    SeriousResolvedAtVillage,
    SeriousResolvedAtVillageShown,
    ResolvedAtTown,
    ClosedAtGroup,
    ClosedAtVillage,
    ClosedAtTown,
    VoidAtGroup,
    VoidAtVillage,
    VoidAtTown,
}

impl Station {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::OpenAtGroup,
        Self::EscalatingFromGroup,
        Self::EscalatingFromGroupAsOftenAsItIsReturned,
        Self::OpenAtVillage,
        Self::OpenAtVillageWithGroup,
        Self::EscalatingFromVillage,
        Self::OpenAtTown,
        Self::OpenAtTownWithVillage,
        Self::OpenAtTownWithOfficer,
        Self::CriticalAtTown,
        Self::ResolvedAtGroup,
        Self::ResolvedAtVillage,
        Self::SeriousResolvedAtVillage,
        Self::SeriousResolvedAtVillageShown,
        Self::ResolvedAtTown,
        Self::ClosedAtGroup,
        Self::ClosedAtVillage,
        Self::ClosedAtTown,
        Self::VoidAtGroup,
        Self::VoidAtVillage,
        Self::VoidAtTown,
    ];

    /// The status and the holder's tier there.
    pub const fn expected(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAtGroup => ("open", "group"),
            Self::EscalatingFromGroup | Self::EscalatingFromGroupAsOftenAsItIsReturned => {
                ("escalating", "group")
            }
            Self::OpenAtVillage | Self::OpenAtVillageWithGroup => ("open", "village"),
            Self::EscalatingFromVillage => ("escalating", "village"),
            Self::OpenAtTown
            | Self::OpenAtTownWithVillage
            | Self::OpenAtTownWithOfficer
            | Self::CriticalAtTown => ("open", "town"),
            Self::ResolvedAtGroup => ("resolved", "group"),
            Self::ResolvedAtVillage
            | Self::SeriousResolvedAtVillage
            | Self::SeriousResolvedAtVillageShown => ("resolved", "village"),
            Self::ResolvedAtTown => ("resolved", "town"),
            Self::ClosedAtGroup => ("closed", "group"),
            Self::ClosedAtVillage => ("closed", "village"),
            Self::ClosedAtTown => ("closed", "town"),
            Self::VoidAtGroup => ("void", "group"),
            Self::VoidAtVillage => ("void", "village"),
            Self::VoidAtTown => ("void", "town"),
        }
    }
}

/// Those who bring reports there.
#[derive(Clone)]
pub struct Crew {
    world: World,
    /// The leader of the group; files every report.
    pub leader: Client,
    /// The village's secretary.
    pub secretary: Client,
    /// The village's other officer.
    pub officer: Client,
    /// The town's officer.
    pub town: Client,
}

impl Crew {
    /// Signs them in.
    pub async fn of(world: &World) -> Self {
        Self {
            world: world.clone(),
            leader: world.leader(1, 1).await,
            secretary: world.secretary(1).await,
            officer: world.village_officer(1).await,
            town: world.town_officer().await,
        }
    }

    /// Files a report and brings it to a station; its id.
    pub async fn bring(&self, station: Station) -> Uuid {
        let id = match station {
            Station::OpenAtGroup => self.kept().await,
            Station::EscalatingFromGroup => self.filed(|filing| filing).await,
            Station::EscalatingFromGroupAsOftenAsItIsReturned => {
                let id = self.filed(|filing| filing).await;
                for _ in 0..2 {
                    let reason = json!({"reason": "照片看不清"});
                    self.secretary.act(id, "return", reason).await.ok();
                    self.leader.act(id, "escalate", json!({})).await.ok();
                }
                id
            }
            Station::OpenAtVillage => self.at_village("general").await,
            Station::OpenAtVillageWithGroup => self.with_group("general").await,
            Station::EscalatingFromVillage => {
                let id = self.at_village("general").await;
                self.officer.act(id, "escalate", json!({})).await.ok();
                id
            }
            Station::OpenAtTown => self.at_town().await,
            Station::OpenAtTownWithVillage => self.with_village().await,
            Station::OpenAtTownWithOfficer => {
                let id = self.at_town().await;
                let officer = json!({"officer_id": self.officer.officer});
                self.town.act(id, "assign", officer).await.ok();
                id
            }
            Station::CriticalAtTown => self.filed(|filing| filing.severity("critical")).await,
            Station::ResolvedAtGroup => {
                let id = self.kept().await;
                resolve(&self.leader, id).await;
                id
            }
            Station::ResolvedAtVillage => {
                let id = self.with_group("general").await;
                resolve(&self.leader, id).await;
                id
            }
            Station::SeriousResolvedAtVillage => {
                let id = self.with_group("serious").await;
                resolve(&self.leader, id).await;
                id
            }
            Station::SeriousResolvedAtVillageShown => {
                let id = self.with_group("serious").await;
                let photo = Uuid::now_v7();
                let body = json!({"result": "已清运", "photos": [{"id": photo}]});
                self.leader.act(id, "resolve", body).await.ok();
                let picture = pictures::snapshot();
                self.leader.put_photo(photo, &picture).await.created();
                id
            }
            Station::ResolvedAtTown => {
                let id = self.with_village().await;
                resolve(&self.officer, id).await;
                id
            }
            Station::ClosedAtGroup => close(&self.leader, self.kept().await).await,
            Station::ClosedAtVillage => {
                close(&self.secretary, self.at_village("general").await).await
            }
            Station::ClosedAtTown => close(&self.town, self.at_town().await).await,
            Station::VoidAtGroup => self.void(self.kept().await).await,
            Station::VoidAtVillage => self.void(self.at_village("general").await).await,
            Station::VoidAtTown => self.void(self.at_town().await).await,
        };
        let report = self.town.report(id).await;
        assert_eq!(
            (report["status"].as_str(), report["tier"].as_str()),
            (Some(station.expected().0), Some(station.expected().1)),
            "{station:?}"
        );
        id
    }

    async fn filed(&self, change: impl FnOnce(Filing) -> Filing) -> Uuid {
        let grid = self.world.here().group(1, 1);
        id_of(&self.leader.file(&change(filing(grid))).await)
    }

    async fn kept(&self) -> Uuid {
        self.filed(|filing| filing.disposition("keep")).await
    }

    async fn at_village(&self, severity: &str) -> Uuid {
        let id = self.filed(|filing| filing.severity(severity)).await;
        self.secretary.act(id, "approve", json!({})).await.ok();
        id
    }

    async fn with_group(&self, severity: &str) -> Uuid {
        let id = self.at_village(severity).await;
        let group = json!({"grid_id": self.world.here().group(1, 1)});
        self.secretary.act(id, "assign", group).await.ok();
        id
    }

    async fn at_town(&self) -> Uuid {
        let id = self.filed(|filing| filing).await;
        let further = json!({"further": true});
        self.secretary.act(id, "approve", further).await.ok();
        id
    }

    async fn with_village(&self) -> Uuid {
        let id = self.at_town().await;
        let village = json!({"grid_id": self.world.here().village(1)});
        self.town.act(id, "assign", village).await.ok();
        id
    }

    async fn void(&self, id: Uuid) -> Uuid {
        let reason = json!({"reason": "误报"});
        self.town.act(id, "void", reason).await.ok();
        id
    }
}

async fn resolve(officer: &Client, id: Uuid) {
    let result = json!({"result": "已清运"});
    officer.act(id, "resolve", result).await.ok();
}

async fn close(officer: &Client, id: Uuid) -> Uuid {
    let handled = json!({"outcome": "handled", "result": "已清运"});
    officer.act(id, "close", handled).await.ok();
    id
}

/// All actions, in the order of the table.
pub const ACTIONS: [&str; 11] = [
    "escalate",
    "approve",
    "return",
    "assign",
    "resolve",
    "close",
    "void",
    "restore",
    "amend",
    "reclassify",
    "comment",
];

/// The members of a sound body of an action on a report that a grid holds.
pub fn body(world: &World, action: &str, tier: &str, original: Uuid) -> Value {
    let below = match tier {
        "town" => world.here().village(1),
        _ => world.here().group(1, 1),
    };
    match action {
        "return" => json!({"reason": "请补充"}),
        "assign" => json!({"grid_id": below}),
        "resolve" => json!({"result": "已清运"}),
        "close" => json!({"outcome": "handled", "result": "已清运"}),
        "void" => json!({"reason": "重复", "duplicate_of": original}),
        "amend" => json!({"remark": "已电话核实"}),
        "reclassify" => json!({"category": "livestock_pollution"}),
        "comment" => json!({"text": "已联系农户"}),
        _ => json!({}),
    }
}
