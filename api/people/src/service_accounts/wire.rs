//! The JSON of service accounts, in requests and answers.
//!
//! Owns these shapes and the checks of a single value. It must not know the database.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::service::Access;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::commands::Found;
use super::queries::KeyRow;
use crate::auth::me::Named;
use crate::towns::directory::Town;
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::validate::{Errors, Validate};

/// Most characters of a name.
const MOST_NAME_CHARS: usize = 60;
/// The allowed values for an account's requests a minute.
const RATES: std::ops::RangeInclusive<i32> = 1..=60_000;

/// A service account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000e1", "name": "镇指挥中心大屏",
    "grid_id": "0192f7a0-0000-7000-8000-000000000001", "grid_name": "示范镇", "tier": "town",
    "access": "read", "requests_per_minute": 120,
    "created_at": "2026-11-20T00:15:00Z",
    "created_by": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "李镇长"},
    "expires_at": "2027-11-20T00:15:00Z",
    "keys": [{"id": "0192f7a0-0000-7000-8000-0000000000f1", "created_at": "2026-11-20T00:15:00Z", "live": true}],
    "version": 1
}))]
pub struct ServiceAccount {
    /// Its id; as `reporter.officer_id` of what it files, too.
    pub(super) id: Uuid,
    /// Its name; what it files is filed under it.
    pub(super) name: String,
    /// The grid it is bound to.
    pub(super) grid_id: Uuid,
    /// That grid's name.
    pub(super) grid_name: String,
    /// That grid's tier; it files as this tier.
    pub(super) tier: Tier,
    /// What it may do within that grid.
    pub(super) access: Access,
    /// Requests a minute that it may send; absent: as many as anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requests_per_minute: Option<i32>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_by: Option<Named>,
    /// When it ends by itself.
    pub(super) expires_at: DateTime<Utc>,
    /// When it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<DateTime<Utc>>,
    /// Its keys, newest first: at most two of them are live. Some that are over are kept for the record.
    pub(super) keys: Vec<ServiceKey>,
    /// Its version.
    pub(super) version: i64,
}

/// A key of a service account, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceKey {
    /// Its id: the 32 digits behind `gp_` in the key itself.
    pub(super) id: Uuid,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// Until when it is good; absent: as long as its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_used_at: Option<DateTime<Utc>>,
    /// Whether it is good now.
    pub(super) live: bool,
}

/// A service account with a new key.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IssuedServiceKey)]
pub struct IssuedKey {
    /// The account.
    pub(super) account: ServiceAccount,
    /// The new key's id.
    pub(super) key_id: Uuid,
    /// The key: send it as `Authorization: Bearer gp_…`. It is shown this once; the answer to a
    /// repeated request leaves it out, and then another key has to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "gp_0192f7a00000700080000000000000f1_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub(super) key: Option<String>,
}

impl ServiceAccount {
    pub(super) fn of(town: &Town, found: &Found, now: DateTime<Utc>) -> Self {
        let account = &found.account;
        let over = account.ended_at.is_some() || account.expires_at <= now;
        Self {
            id: account.id,
            name: account.name.clone(),
            grid_id: account.grid_id,
            grid_name: town
                .grid_name(account.grid_id)
                .unwrap_or_default()
                .to_owned(),
            tier: town
                .path(account.grid_id)
                .map_or(Tier::Town, |path| path.tier()),
            access: account.access.0,
            requests_per_minute: account.requests_per_minute,
            created_at: account.created_at,
            created_by: account.created_by.map(|id| Named {
                id,
                name: town.officer_name(id).unwrap_or_default().to_owned(),
            }),
            expires_at: account.expires_at,
            ended_at: account.ended_at,
            keys: found
                .keys
                .iter()
                .map(|key| ServiceKey::of(key, now, over))
                .collect(),
            version: account.version,
        }
    }
}

impl ServiceKey {
    fn of(key: &KeyRow, now: DateTime<Utc>, over: bool) -> Self {
        Self {
            id: key.id,
            created_at: key.created_at,
            valid_until: key.valid_until,
            last_used_at: key.last_used_at,
            live: !over && key.live(now),
        }
    }
}

/// A new service account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "镇指挥中心大屏", "grid_id": "0192f7a0-0000-7000-8000-000000000001", "access": "read",
    "requests_per_minute": 120
}))]
pub struct NewServiceAccount {
    /// What it is for. What it files is filed under this name.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// The grid it is bound to: it sees that one and all below, and nothing else.
    pub(super) grid_id: Uuid,
    /// What it may do there.
    pub(super) access: Choice<Access>,
    /// When it ends by itself: within two years; a year from now unless said otherwise.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Requests a minute that it may send, within what the server allows anybody.
    #[schema(minimum = 1, maximum = 60_000)]
    pub(super) requests_per_minute: Option<i32>,
}

impl Validate for NewServiceAccount {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        self.access.check("access", errors);
        errors.instant("expires_at", self.expires_at);
        errors.within("requests_per_minute", self.requests_per_minute, RATES);
    }
}

/// What is to be different. At least one field.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "镇指挥中心大屏（二楼）", "requests_per_minute": 240}))]
pub struct ServiceAccountChange {
    /// What it is for.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
    /// What it may do.
    pub(super) access: Option<Choice<Access>>,
    /// When it ends by itself: within two years from now.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Requests a minute; 0: as many as anybody.
    #[schema(minimum = 0, maximum = 60_000)]
    pub(super) requests_per_minute: Option<i32>,
}

impl Validate for ServiceAccountChange {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none()
            && self.access.is_none()
            && self.expires_at.is_none()
            && self.requests_per_minute.is_none()
        {
            errors.add("", "required", "Give at least one field to change.");
        }
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        self.access.check("access", errors);
        errors.instant("expires_at", self.expires_at);
        errors.within(
            "requests_per_minute",
            self.requests_per_minute,
            0..=*RATES.end(),
        );
    }
}

/// How keys change over.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"old_valid_until": "2026-11-22T00:00:00+08:00"}))]
#[schema(as = ServiceKeyRotation)]
pub struct KeyRotation {
    /// Until when the former key stays good: within 30 days; 24 hours from now unless said otherwise.
    /// An instant that is past ends it at once.
    pub(super) old_valid_until: Option<DateTime<Utc>>,
}

impl Validate for KeyRotation {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("old_valid_until", self.old_valid_until);
    }
}
