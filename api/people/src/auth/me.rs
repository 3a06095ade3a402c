//! Tells callers who they are and where they are posted.
//!
//! Owns the answer of `GET /v1/me`. It must not change anything.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::officer::Role;
use gridpatrol_domain::service::Access;
use serde::Serialize;
use uuid::Uuid;

use super::authenticate::{OfficerFacts, Signed};
use crate::towns::directory::{Directory, Town};
use gridpatrol_store::{Conn, Outcome};

/// An officer, to the officer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000011", "username": "group_1_1", "name": "李一"
}))]
#[schema(as = OwnAccount)]
pub struct Officer {
    /// The officer's id.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// The phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl From<&OfficerFacts> for Officer {
    fn from(facts: &OfficerFacts) -> Self {
        Self {
            id: facts.id,
            username: facts.username.clone(),
            name: facts.name.clone(),
            phone: facts.phone.clone(),
        }
    }
}

/// Somebody, by name.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NamedActor)]
pub struct Named {
    /// The officer's id.
    pub id: Uuid,
    /// The person's name.
    pub name: String,
}

/// A posting that is active now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000021", "role": "group_leader",
    "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "一组",
    "grid_code": "990001100200001", "tier": "group",
    "town_id": "0192f7a0-0000-7000-8000-000000000001", "town_name": "示范镇",
    "from": "2026-01-01T00:00:00Z"
}))]
#[schema(as = OwnPosting)]
pub struct Posting {
    /// Its id.
    pub id: Uuid,
    /// As what.
    pub role: Role,
    /// Where.
    pub grid_id: Uuid,
    /// The grid's name.
    pub grid_name: String,
    /// The grid's division code.
    pub grid_code: String,
    /// The grid's tier.
    pub tier: Tier,
    /// The town the grid belongs to.
    pub town_id: Uuid,
    /// The town's name.
    pub town_name: String,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when; absent: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Whose posting it is, when the caller stands in for somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Named>,
}

/// Who the caller is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// The officer; a service account by its own id and name.
    pub officer: Officer,
    /// Whether the password must be changed before anything else.
    pub must_change_password: bool,
    /// The session of this access token; absent for a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// The postings active now: the caller's own, then those stood in for. A service account has none.
    pub postings: Vec<Posting>,
    /// What the caller is, if it is a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
}

/// What a service account may do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OwnServiceAccount, example = json!({
    "grid_id": "0192f7a0-0000-7000-8000-000000000001", "grid_name": "示范镇", "tier": "town",
    "town_id": "0192f7a0-0000-7000-8000-000000000001", "access": "read",
    "key_id": "0192f7a0-0000-7000-8000-0000000000f1", "requests_per_minute": 120,
    "expires_at": "2027-11-20T00:15:00Z"
}))]
pub struct ServiceAccount {
    /// The grid it is bound to.
    pub grid_id: Uuid,
    /// That grid's name.
    pub grid_name: String,
    /// That grid's tier.
    pub tier: Tier,
    /// The town it belongs to.
    pub town_id: Uuid,
    /// What it may do within that grid.
    pub access: Access,
    /// The key it called with.
    pub key_id: Uuid,
    /// Requests a minute that it may send; absent: as many as anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// Who this caller is.
///
/// # Errors
/// If the database fails.
pub fn me(conn: &mut Conn, directory: &Directory, signed: &Signed) -> Outcome<Me> {
    let mut postings = Vec::with_capacity(signed.actor.postings.len());
    for posting in &signed.actor.postings {
        let town = directory.town(conn, posting.grid.town_id())?;
        postings.extend(described(&town, posting));
    }
    Ok(Me {
        officer: Officer::from(&signed.officer),
        must_change_password: signed.officer.must_change_password,
        session_id: signed.service.is_none().then_some(signed.session_id),
        postings,
        service_account: service_account(conn, directory, signed)?,
    })
}

/// What the caller is, if it is a service account.
fn service_account(
    conn: &mut Conn,
    directory: &Directory,
    signed: &Signed,
) -> Outcome<Option<ServiceAccount>> {
    let Some(facts) = &signed.service else {
        return Ok(None);
    };
    let grid = facts.service.grid;
    let town = directory.town(conn, grid.town_id())?;
    Ok(Some(ServiceAccount {
        grid_id: grid.id(),
        grid_name: town.grid_name(grid.id()).unwrap_or_default().to_owned(),
        tier: grid.tier(),
        town_id: town.id,
        access: facts.service.access,
        key_id: signed.session_id,
        requests_per_minute: facts.requests_per_minute,
        expires_at: facts.expires_at,
    }))
}

/// A posting with the names from the town's directory. None if it was removed between two reads.
fn described(town: &Town, posting: &gridpatrol_domain::officer::Posting) -> Option<Posting> {
    let grid = town.grid(posting.grid.id())?;
    let dated = town.postings().iter().find(|one| one.id == posting.id)?;
    Some(Posting {
        id: posting.id,
        role: posting.role,
        grid_id: grid.id,
        grid_name: grid.name.clone(),
        grid_code: grid.code.clone(),
        tier: grid.tier(),
        town_id: town.id,
        town_name: town.grid_name(town.id)?.to_owned(),
        from: dated.from,
        to: dated.to,
        on_behalf_of: posting.on_behalf_of.map(|id| Named {
            id,
            name: town.officer_name(id).unwrap_or_default().to_owned(),
        }),
    })
}
