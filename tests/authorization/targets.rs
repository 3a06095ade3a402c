//! What the operations are asked about: a grid, and what stands there.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{About, Row, SHEET};
use crate::support::client::id_of;
use crate::support::{Client, World, filing, pictures};

/// Where a grid stands from the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// The caller's own.
    Own,
    /// Below it.
    Child,
    /// Beside it, under the same parent.
    Sibling,
    /// Above it.
    Parent,
    /// In another town.
    Beside,
}

impl Position {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Own,
        Self::Child,
        Self::Sibling,
        Self::Parent,
        Self::Beside,
    ];

    /// The officer posted at the grid that stands so from the grid of a role; none where there is no
    /// such grid. The other town's stands at the caller's own tier.
    pub fn officer(self, role: &str) -> Option<&'static str> {
        use Position::{Beside, Child, Own, Parent, Sibling};
        let officer = match (role, self) {
            ("group_leader", Own) => "group_1_1",
            ("group_leader", Sibling) => "group_1_2",
            ("group_leader", Parent) => "village_officer_1",
            ("group_leader", Beside) => "b_group_1_1",
            ("group_leader", Child) => return None,
            ("village_secretary" | "village_officer" | "service read" | "service file", Own) => {
                "village_officer_1"
            }
            ("village_secretary" | "village_officer" | "service read" | "service file", Child) => {
                "group_1_1"
            }
            (
                "village_secretary" | "village_officer" | "service read" | "service file",
                Sibling,
            ) => "village_officer_2",
            ("village_secretary" | "village_officer" | "service read" | "service file", Parent) => {
                "town_officer"
            }
            ("village_secretary" | "village_officer" | "service read" | "service file", Beside) => {
                "b_village_officer_1"
            }
            (_, Own) => "town_officer",
            (_, Child) => "village_officer_1",
            (_, Beside) => "b_town_officer",
            (_, Sibling | Parent) => return None,
        };
        Some(officer)
    }
}

/// A grid and what stands there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The grid.
    pub grid: Uuid,
    /// An officer posted there.
    pub officer: Client,
    /// A report that officer filed there; the nil id where the operation is about none.
    pub report: Uuid,
    /// A photo of that report, arrived.
    pub photo: Uuid,
    /// The session of that officer.
    pub session: Uuid,
    /// A service account bound to the grid.
    pub account: Uuid,
    /// Its key.
    pub key: Uuid,
    /// An import that the leader of the town began.
    pub import: Uuid,
    /// The text of that key.
    pub key_text: String,
}

impl Target {
    /// Makes what an operation is about, at the grid of this officer.
    pub async fn make(world: &World, username: &str, about: About) -> Self {
        let officer = world.sign_in(username).await;
        let me = officer.get("/v1/me").await.ok();
        let id = |value: &Value| value.as_str().expect("an id").parse().expect("an id");
        let mut target = Self {
            grid: id(&me["postings"][0]["grid_id"]),
            session: id(&me["session_id"]),
            officer,
            report: Uuid::nil(),
            photo: Uuid::nil(),
            account: Uuid::nil(),
            key: Uuid::nil(),
            import: Uuid::nil(),
            key_text: String::new(),
        };
        if about == About::Report {
            target.photo = Uuid::now_v7();
            let filed = filing(target.grid).photo(target.photo, "before");
            target.report = id_of(&target.officer.file(&filed).await);
            target
                .officer
                .put_photo(target.photo, &pictures::snapshot())
                .await
                .created();
        }
        if about == About::Account {
            target.open_account(world, "read").await;
        }
        if about == About::Import {
            let leader = target.leader(world).await;
            let request = leader
                .request(Method::POST, "/v1/grids/import?dry_run=true")
                .header("content-type", "text/csv")
                .body(SHEET);
            target.import = id_of(&leader.send(request).await.expect(202));
        }
        target
    }

    /// The leader of the grid's town.
    async fn leader(&self, world: &World) -> Client {
        let beside = self.officer.username.starts_with("b_");
        let leader = if beside {
            "b_town_leader"
        } else {
            "town_leader"
        };
        world.sign_in(leader).await
    }

    /// Ends a service account that a row does not need any more: a town may have so many.
    pub async fn close_account(&self, world: &World, row: &Row) {
        if row.about == About::Account && !row.operation.starts_with("get ") {
            let account = format!("/v1/service-accounts/{}", self.account);
            self.leader(world).await.delete(&account).await;
        }
    }

    /// Gives the grid a service account.
    pub async fn open_account(&mut self, world: &World, access: &str) {
        let leader = self.leader(world).await;
        let account = json!({"name": "接口", "grid_id": self.grid, "access": access});
        let issued = leader
            .post("/v1/service-accounts", &account)
            .await
            .created();
        self.account = id_of(&issued["account"]);
        self.key = issued["key_id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id");
        self.key_text = issued["key"].as_str().expect("a key").to_owned();
    }

    /// A filing for the grid.
    pub fn filing(&self) -> Value {
        filing(self.grid).0
    }

    /// What stands for `{id}` in the path of an operation.
    pub fn id_for(&self, operation: &str) -> Uuid {
        match operation {
            // A new one.
            "put /v1/reports/{id}" | "put /v1/photos/{id}" => Uuid::now_v7(),
            _ if operation.contains("/v1/auth/sessions/") => self.session,
            _ if operation.contains("/v1/photos/") => self.photo,
            _ if operation.contains("/v1/reports/") => self.report,
            _ if operation.contains("/v1/imports/") => self.import,
            _ if operation.contains("/v1/service-accounts/") => self.account,
            _ => self.grid,
        }
    }
}
