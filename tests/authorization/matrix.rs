//! Each signed-in operation × each role × a grid in each position, and × each kind of invalid token.
//!
//! The whole table is in `tests/snapshots/authorization.snap` for review: `may` means that neither role
//! nor scope refused, `nothing` means an empty list. Assertions check what must never happen.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use gridpatrol_domain::error::Code;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::rows::{About, ROWS, Row};
use super::targets::{Position, Target};
use super::{Known, TABLE};
use crate::support::{Answer, Client, Kind, World, audit, snapshot};

/// Each role with an officer who has it, at the grid that `Position` counts from.
const ROLES: [(&str, &str); 9] = [
    ("admin", "admin"),
    ("town_leader", "town_leader"),
    ("town_officer", "town_officer"),
    ("village_secretary", "secretary_1"),
    ("village_officer", "village_officer_1"),
    ("group_leader", "group_1_1"),
    ("auditor", "auditor"),
    // Keys of that officer's grid.
    ("service read", "village_officer_1"),
    ("service file", "village_officer_1"),
];

/// Where a value is refused after everything else: a password that is not the caller's, a reason of the
/// secretary's that is no duplicate, a code that does not fit its parent's, more time than may be given.
const VALUES: [&str; 4] = [
    "post /v1/auth/password",
    "post /v1/reports/{id}/void",
    "post /v1/reports/{id}/extend",
    "post /v1/grids",
];

/// What anybody is told of what lies outside: that it is not there, or, without looking, that the
/// caller never may.
const OUTSIDE: [&str; 4] = [
    "not_found",
    "nothing",
    "not_permitted",
    "service_account_refused",
];

#[test]
fn every_signed_operation_has_its_row() {
    let signed: BTreeSet<&str> = TABLE
        .iter()
        .filter(|(_, known)| *known != Known::Open)
        .map(|(operation, _)| *operation)
        .collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.operation).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row stands twice");
    assert_eq!(signed, rows, "tests/authorization/rows.rs");
}

on_both!(
    each_role_reaches_its_own_and_nothing_else,
    what_is_no_token_opens_nothing,
);

/// What an answer says of who asked.
fn cell(row: &Row, answer: &Answer) -> String {
    let told = format!("{}: {} {}", answer.asked, answer.status, answer.text());
    match answer.status {
        401 => panic!("{told}: the caller is signed in"),
        400 | 405 | 408 | 413..=415 | 500.. => {
            panic!("{told}: the row of {} is wrong", row.operation)
        }
        422 if answer.code().as_deref() == Some(Code::ValidationFailed.code()) => {
            assert!(VALUES.contains(&row.operation), "{told}: the row is wrong");
            "may".to_owned()
        }
        403 | 404 => match answer.code().as_deref() {
            Some("rendition_pending") => "may".to_owned(),
            Some(code) => code.to_owned(),
            None => panic!("{told}"),
        },
        200 if answer.text().starts_with(r#"{"items":[]"#) => "nothing".to_owned(),
        _ => "may".to_owned(),
    }
}

async fn each_role_reaches_its_own_and_nothing_else(world: World) {
    let mut table = String::new();
    let stage = Stage::set(&world).await;
    for row in ROWS {
        writeln!(table, "{}", row.operation).unwrap();
        let lines = ROLES.map(|(role, username)| stage.line(row, role, username));
        let lines = if row.operation == "delete /v1/auth/sessions" {
            // One after the other: each ends the other sessions of its officer.
            futures_util::stream::iter(lines)
                .then(|line| line)
                .collect()
                .await
        } else {
            join_all(lines).await
        };
        for (role, cells) in &lines {
            let written: Vec<String> = cells
                .iter()
                .map(|(position, cell)| match position {
                    Some(position) => format!("{} {cell}", format!("{position:?}").to_lowercase()),
                    None => cell.clone(),
                })
                .collect();
            writeln!(table, "  {role:18}{}", written.join(", ")).unwrap();
        }
    }
    snapshot::settings().bind(|| insta::assert_snapshot!("authorization", table));
}

type Cells = Vec<(Option<Position>, String)>;

/// What stays as it is from row to row.
struct Stage {
    world: World,
    /// The callers that are service accounts, by role.
    keys: HashMap<&'static str, Client>,
    /// What reading changes nothing of, by the officer at its grid.
    read: Mutex<HashMap<(&'static str, About), Target>>,
    /// What was refused, and is as it was made: the next row may ask about it.
    unchanged: Mutex<HashMap<(&'static str, About), Vec<Target>>>,
}

/// Whether a row may be asked about what another row was refused. Accounts and webhooks end after each
/// cell; sessions and deputies end by other rows than their own.
fn shares(row: &Row) -> bool {
    matches!(
        row.about,
        About::Grid | About::Report | About::Team | About::Import
    ) && !row.operation.contains("/v1/auth/sessions")
}

impl Stage {
    async fn set(world: &World) -> Self {
        let mut keys = HashMap::new();
        for (role, username) in ROLES {
            if let Some(access) = role.strip_prefix("service ") {
                let mut own = Target::make(world, username, About::Caller).await;
                own.open_account(world, access).await;
                keys.insert(role, own.officer.bearing(&own.key_text));
            }
        }
        Self {
            world: world.clone(),
            keys,
            read: Mutex::default(),
            unchanged: Mutex::default(),
        }
    }

    async fn caller(&self, role: &str, username: &str) -> Client {
        match self.keys.get(role) {
            Some(key) => key.clone(),
            // A session of its own: the row before may have ended it.
            None => self.world.sign_in(username).await,
        }
    }

    /// What a row is asked about: as new, and shared where the row only reads.
    async fn target(&self, row: &Row, officer: &'static str) -> Target {
        if !row.operation.starts_with("get ") {
            let unchanged = if shares(row) {
                let mut unchanged = self.unchanged.lock().await;
                unchanged.get_mut(&(officer, row.about)).and_then(Vec::pop)
            } else {
                None
            };
            return match unchanged {
                Some(target) => target,
                None => Target::make(&self.world, officer, row.about).await,
            };
        }
        let mut read = self.read.lock().await;
        if let Some(target) = read.get(&(officer, row.about)) {
            return target.clone();
        }
        let target = Target::make(&self.world, officer, row.about).await;
        read.insert((officer, row.about), target.clone());
        target
    }

    /// What a role gets at each position.
    async fn line(
        &self,
        row: &Row,
        role: &'static str,
        username: &'static str,
    ) -> (&'static str, Cells) {
        let caller = self.caller(role, username).await;
        let mut cells = Vec::new();
        if row.about == About::Caller {
            let target = self.target(row, username).await;
            let answer = caller.send(row.request(&caller, &target)).await;
            cells.push((None, cell(row, &answer)));
            return (role, cells);
        }
        for position in Position::ALL {
            let Some(officer) = position.officer(role) else {
                continue;
            };
            let target = self.target(row, officer).await;
            let answer = caller.send(row.request(&caller, &target)).await;
            let cell = cell(row, &answer);
            let outside = match position {
                // Administrators administer the grids of every town.
                Position::Beside => {
                    role != "admin"
                        || !matches!(
                            row.about,
                            About::Grid | About::Import | About::Officer | About::Team
                        )
                }
                // Nobody sees a report beside or above the own grid; names of grids the whole town sees.
                Position::Sibling | Position::Parent => row.about == About::Report,
                Position::Own | Position::Child => false,
            };
            assert!(
                !outside || OUTSIDE.contains(&cell.as_str()),
                "{role} at {position:?}: {}: {} {}",
                answer.asked,
                answer.status,
                answer.text()
            );
            target.close_account(&self.world, row).await;
            if (400..500).contains(&answer.status) && shares(row) {
                let mut unchanged = self.unchanged.lock().await;
                let kept = unchanged.entry((officer, row.about)).or_default();
                kept.push(target);
            }
            cells.push((Some(position), cell));
        }
        (role, cells)
    }
}

/// The officers among the roles.
fn officers() -> impl Iterator<Item = &'static str> {
    let officers = ROLES
        .iter()
        .filter(|(role, _)| !role.starts_with("service "));
    officers.map(|(_, username)| *username)
}

/// Clients with what was made of an officer's token and is none, and what they are told. `other` is
/// somebody else.
fn forged(honest: &Client, other: Uuid) -> Vec<(Client, Code)> {
    let token = honest.access_token.clone().expect("a token");
    let [head, claims, signature]: [&str; 3] = token
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three parts");
    let altered = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let altered = String::from_utf8(altered).expect("text");
    // Somebody else's name under the same signature.
    let altered = altered.replace(&honest.officer.to_string(), &other.to_string());
    assert!(altered.contains(&other.to_string()));
    let altered = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(altered));
    let unsigned = format!(
        "{}.{claims}.",
        URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#)
    );
    [altered, unsigned, honest.refresh_token.clone()]
        .iter()
        .map(|token| (honest.bearing(token), Code::Unauthenticated))
        .collect()
}

/// A session that its officer ended.
async fn ended(world: &World, username: &str) -> Client {
    let ended = world.sign_in(username).await;
    ended
        .post("/v1/auth/logout", &serde_json::json!({}))
        .await
        .expect(204);
    ended
}

/// Keys of service accounts that are none any longer, or never were.
async fn dead_keys(world: &World) -> Vec<(Client, Code)> {
    let mut dead = Vec::new();
    for access in ["read", "file"] {
        let mut target = Target::make(world, "village_officer_1", About::Caller).await;
        target.open_account(world, access).await;
        let leader = world.sign_in("town_leader").await;
        let account = format!("/v1/service-accounts/{}", target.account);
        leader.delete(&account).await.expect(204);
        dead.push(target.officer.bearing(&target.key_text));
        // Another secret for an account that lives.
        target.open_account(world, access).await;
        let mut other = target.key_text.clone();
        let last = if other.pop() == Some('0') { '1' } else { '0' };
        other.push(last);
        dead.push(target.officer.bearing(&other));
        dead.push(target.officer.bearing("gp_nothing"));
    }
    dead.into_iter()
        .map(|client| (client, Code::Unauthenticated))
        .collect()
}

async fn what_is_no_token_opens_nothing(world: World) {
    let target = Target::make(&world, "group_1_1", About::Report).await;
    let somebody = world.officer("group_3_3");
    // Another server of the same town; on PostgreSQL its key would be copied with the database.
    let elsewhere = World::start(Kind::Sqlite, |_| {}).await;
    let (mut impostors, mut expired) = (dead_keys(&world).await, Vec::new());
    for username in officers() {
        let honest = world.sign_in(username).await;
        impostors.extend(forged(&honest, somebody));
        // Rightly signed, by the key of another server.
        let foreign = elsewhere.sign_in(username).await.access_token;
        let foreign = honest.bearing(&foreign.expect("a token"));
        impostors.push((foreign, Code::Unauthenticated));
        impostors.push((ended(&world, username).await, Code::SessionEnded));
        impostors.push((world.sign_in(username).await, Code::SessionEnded));
        expired.push(honest);
    }
    elsewhere.stop().await;
    for username in officers() {
        world.disable(username).await;
    }
    let rows = audit::rows(&world).await;
    for row in ROWS {
        for (client, code) in &impostors {
            client
                .send(row.request(client, &target))
                .await
                .refused(*code);
        }
    }
    world.advance(TimeDelta::minutes(16));
    for row in ROWS {
        for client in &expired {
            let answer = client.send(row.request(client, &target)).await;
            answer.refused(Code::TokenExpired);
        }
    }
    assert_eq!(audit::rows(&world).await, rows);
}
