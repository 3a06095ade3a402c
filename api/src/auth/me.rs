//! Who the caller is, and where posted.
//!
//! Owns the answer of `GET /v1/me`.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::officer::Role;
use serde::Serialize;
use uuid::Uuid;

use super::authenticate::{OfficerFacts, Signed};
use crate::grids::directory::{Directory, Town};
use crate::store::{Conn, Outcome};

/// An officer, to the officer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000011", "username": "group_1_1", "name": "李一"
}))]
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
    /// The officer.
    pub officer: Officer,
    /// Whether the password must be changed before anything else.
    pub must_change_password: bool,
    /// The session of this access token.
    pub session_id: Uuid,
    /// The postings active now: the caller's own, then those stood in for.
    pub postings: Vec<Posting>,
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
        session_id: signed.session_id,
        postings,
    })
}

/// A posting with the names the town's directory knows. None when it went between two reads.
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
