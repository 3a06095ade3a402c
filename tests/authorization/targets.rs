//! What the operations act on: a grid, and what belongs to it.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{About, NOWHERE, Row, SHEET};
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

/// The first password of who is made for a row.
const RECRUIT: &str = "Weiyuan-2027";

/// A grid and what stands there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The grid.
    pub grid: Uuid,
    /// The town it is in.
    pub town: Uuid,
    /// An officer made for the row, at the grid.
    pub recruit_id: Uuid,
    /// That officer's posting.
    pub posting_id: Uuid,
    /// Who stands in for that officer: the id of the dated deputy.
    pub deputy: Uuid,
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
    /// A webhook bound to the grid.
    pub webhook: Uuid,
    /// A team of the town.
    pub team: Uuid,
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
            town: Uuid::nil(),
            recruit_id: Uuid::nil(),
            posting_id: Uuid::nil(),
            deputy: Uuid::nil(),
            import: Uuid::nil(),
            key_text: String::new(),
            webhook: Uuid::nil(),
            team: Uuid::nil(),
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
        target.town = if target.is_beside() {
            world.beside().id()
        } else {
            world.here().id()
        };
        if about == About::Officer {
            target.recruit_one(world).await;
        }
        if about == About::Account {
            target.open_account(world, "read").await;
        }
        if about == About::Webhook {
            let asked = json!({"name": "对接", "grid_id": target.grid, "url": NOWHERE});
            let leader = target.leader(world).await;
            let issued = leader.post("/v1/webhooks", &asked).await.created();
            target.webhook = id_of(&issued["webhook"]);
        }
        if about == About::Team {
            let leader = target.leader(world).await;
            let made = leader.post("/v1/teams", &target.new_team()).await;
            target.team = id_of(&made.created());
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

    fn is_beside(&self) -> bool {
        self.officer.username.starts_with("b_")
    }

    /// The leader of the grid's town.
    async fn leader(&self, world: &World) -> Client {
        let leader = if self.is_beside() {
            "b_town_leader"
        } else {
            "town_leader"
        };
        world.sign_in(leader).await
    }

    /// A posting at the grid, of a role that fits it.
    pub fn posting(&self) -> Value {
        let username = self.officer.username.trim_start_matches("b_");
        let role = match username.split('_').next() {
            Some("group") => "group_leader",
            Some("village") => "village_officer",
            _ => "town_officer",
        };
        json!({"role": role, "grid_id": self.grid})
    }

    /// A new team of the town.
    pub fn new_team(&self) -> Value {
        let name = Uuid::new_v4().simple().to_string();
        json!({"town_id": self.town, "name": name, "kind": "inspection", "lead_id": self.officer.officer})
    }

    /// A new officer for the grid.
    pub fn recruit(&self) -> Value {
        let username = format!("new.{}", &Uuid::new_v4().simple().to_string()[..12]);
        json!({"username": username, "name": "新人", "password": RECRUIT, "posting": self.posting()})
    }

    /// Makes an officer for the row, with a session and a deputy.
    async fn recruit_one(&mut self, world: &World) {
        let leader = self.leader(world).await;
        let recruit = self.recruit();
        let made = leader.post("/v1/officers", &recruit).await.created();
        self.recruit_id = id_of(&made);
        self.posting_id = id_of(&made["postings"][0]);
        let username = recruit["username"].as_str().expect("a name");
        let tokens = world.stranger().sign_in(username, RECRUIT).await.ok();
        self.session = tokens["session_id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id");
        let tomorrow = world.now() + chrono::TimeDelta::days(1);
        let deputy = json!({"deputy_id": self.officer.officer, "to": tomorrow});
        let deputies = format!("/v1/officers/{}/deputies", self.recruit_id);
        self.deputy = id_of(&leader.post(&deputies, &deputy).await.created()["items"][0]);
    }

    /// Ends a service account or a webhook that a row does not need any more: a town may have so many.
    pub async fn close_account(&self, world: &World, row: &Row) {
        if row.about == About::Webhook && !row.operation.starts_with("get ") {
            let webhook = format!("/v1/webhooks/{}", self.webhook);
            self.leader(world).await.delete(&webhook).await;
        }
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
            _ if operation.contains("/v1/officers/") => self.recruit_id,
            _ if operation.contains("/v1/imports/") => self.import,
            _ if operation.contains("/v1/webhooks/") => self.webhook,
            _ if operation.contains("/v1/teams/") => self.team,
            _ if operation.contains("/v1/service-accounts/") => self.account,
            _ => self.grid,
        }
    }
}
