//! The record as clients read it.
//!
//! Owns the schemas of answers and the names in them. It must not use the database.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::labels::label;
use super::queries::{self, AuditRow, SecurityRow};
use gridpatrol_people::auth::me::Named;
use gridpatrol_problem::language::Language;
use gridpatrol_store::Conn;

/// An event of a town's chain.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "seq": 812, "subject_kind": "report", "subject_id": "0192f7a0-0000-7000-8000-0000000000c1",
    "kind": "approved", "label": "同意上报", "at": "2026-11-20T00:15:00Z",
    "actor": {"id": "0192f7a0-0000-7000-8000-000000000011", "name": "贾青山"},
    "facts": {"status": "open", "version": 2}, "details": {"to_tier": "village"},
    "commitment": "b25afe29a7a8f3d1f0a6b7c55f0d0c0e6a5bb3f4a6f1d2c3b4a5968778695a4b",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}))]
pub struct AuditEvent {
    /// Its place in the town's chain, from 1, without gaps.
    seq: i64,
    /// What kind of thing it is about: `report`, `officer`, `grid`, `town`, `team`, `settings`,
    /// `service_account`, …; more may come.
    subject_kind: String,
    /// The thing.
    subject_id: Uuid,
    /// What happened.
    kind: String,
    /// The same in the caller's language.
    label: String,
    /// When.
    at: DateTime<Utc>,
    /// Who; absent: the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Named>,
    /// What stays forever.
    #[schema(value_type = Object)]
    facts: Value,
    /// What was said and changed; absent where there was nothing, or it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    details: Option<Value>,
    /// Whether `details` were erased.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
    /// What binds the chain to `details` without telling them, in hexadecimal; zeros: there were none.
    commitment: String,
    /// This link of the chain: SHA-256 of the hash before it, the canonical header and `commitment`,
    /// in hexadecimal.
    hash: String,
}

/// The head of a town's chain, signed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "town_id": "0192f7a0-0000-7000-8000-000000000001", "town_code": "990001100000", "town_name": "示范镇",
    "seq": 812, "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "at": "2026-11-20T00:15:00Z", "jws": "eyJ0eXAiOiJncmlkcGF0cm9sLWNoYWluLWhlYWQrand0In0.e30.c2ln"
}))]
pub struct AuditHead {
    /// The town.
    pub town_id: Uuid,
    /// Its division code.
    pub town_code: String,
    /// Its name.
    pub town_name: String,
    /// The place of its last event; 0: nothing has happened yet.
    pub seq: i64,
    /// The hash of that event.
    pub hash: String,
    /// When this was signed.
    pub at: DateTime<Utc>,
    /// All that, signed: compact JWS (EdDSA), to be checked with `/.well-known/jwks.json`.
    pub jws: String,
}

/// The heads of the chains that the caller may read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditHeads {
    /// One a town, by division code.
    pub items: Vec<AuditHead>,
}

/// An entry of the security log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000e1", "at": "2026-11-20T00:15:00Z", "kind": "sign_in_refused",
    "label": "登录被拒", "username": "zhang", "address": "203.0.113.7",
    "request_id": "0192f7a0-0000-7000-8000-0000000000e2", "detail": "password"
}))]
pub struct SecurityEntry {
    /// Its id.
    id: Uuid,
    /// When.
    at: DateTime<Utc>,
    /// What happened; more may come.
    kind: String,
    /// The same in the caller's language.
    label: String,
    /// To whom, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    officer: Option<Named>,
    /// Under which name.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// In which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What was erased.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ErasedData, example = json!({"events": 2, "fields": ["description", "responsible_party.person"]}))]
pub struct Erased {
    /// How many events lost what they said.
    pub events: usize,
    /// Of a report: the fields in which something was erased; of an officer: `account`, `passwords`,
    /// `devices`, `invitations`, `answers`, `security_log`, `contacts` (of grids).
    pub fields: Vec<&'static str>,
}

fn named(names: &HashMap<Uuid, String>, id: Uuid) -> Named {
    Named {
        id,
        name: names.get(&id).cloned().unwrap_or_default(),
    }
}

/// Events as the caller reads them.
///
/// # Errors
/// If the database fails.
pub fn events(
    conn: &mut Conn,
    rows: Vec<AuditRow>,
    language: Language,
) -> diesel::QueryResult<Vec<AuditEvent>> {
    let actors: HashSet<Uuid> = rows.iter().filter_map(|row| row.actor_id).collect();
    let names = queries::names(conn, &actors)?;
    let event = |row: AuditRow| AuditEvent {
        seq: row.seq,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        label: label(&row.kind, language).to_owned(),
        at: row.at,
        actor: row.actor_id.map(|id| named(&names, id)),
        facts: facts(&row.header),
        erased: row.payload.is_none() && row.commitment.iter().any(|byte| *byte != 0),
        details: row
            .payload
            .and_then(|payload| serde_json::from_str(&payload).ok()),
        commitment: hex::encode(&row.commitment),
        hash: hex::encode(&row.hash),
        kind: row.kind,
    };
    Ok(rows.into_iter().map(event).collect())
}

fn facts(header: &str) -> Value {
    let header: Value = serde_json::from_str(header).unwrap_or_default();
    header
        .get("facts")
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()))
}

/// Entries of the security log as the caller reads them.
///
/// # Errors
/// If the database fails.
pub fn entries(
    conn: &mut Conn,
    rows: Vec<SecurityRow>,
    language: Language,
) -> diesel::QueryResult<Vec<SecurityEntry>> {
    let officers: HashSet<Uuid> = rows.iter().filter_map(|row| row.officer_id).collect();
    let names = queries::names(conn, &officers)?;
    let entry = |row: SecurityRow| SecurityEntry {
        id: row.id,
        at: row.at,
        label: label(&row.kind, language).to_owned(),
        kind: row.kind,
        officer: row.officer_id.map(|id| named(&names, id)),
        username: row.username,
        address: row.address,
        request_id: row.request_id,
        detail: row.detail,
    };
    Ok(rows.into_iter().map(entry).collect())
}
