//! What clients read about webhooks.
//!
//! Owns the wire schemas. They must not hold a secret, except the one answer that shows it once.

use chrono::{DateTime, Utc};
use gridpatrol_domain::notice::delivery::{DeliveryState, Fault, PauseReason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::commands::Found;
use super::deliveries::Delivery;
use super::queries::SecretRow;
use gridpatrol_people::auth::me::Named;
use gridpatrol_people::towns::directory::Town;

/// A webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000a1", "name": "镇平台对接",
    "grid_id": "0192f7a0-0000-7000-8000-000000000001", "grid_name": "示范镇",
    "url": "https://app.example.org/hooks/gridpatrol",
    "kinds": ["escalated", "approved", "returned", "closed"],
    "created_at": "2026-11-20T00:15:00Z",
    "created_by": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "李镇长"},
    "paused": false, "waiting_notices": 0,
    "secrets": [{"id": "0192f7a0-0000-7000-8000-0000000000a2", "created_at": "2026-11-20T00:15:00Z", "live": true}],
    "version": 1
}))]
pub struct Webhook {
    /// Its id.
    id: Uuid,
    /// What it is for.
    name: String,
    /// The grid it is bound to: it gets what happens there and below.
    grid_id: Uuid,
    /// That grid's name.
    grid_name: String,
    /// Where envelopes are posted to.
    url: String,
    /// The push service that stands behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// Kinds of notices it gets; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Vec<String>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<Named>,
    /// Whether nothing is sent.
    paused: bool,
    /// Since when nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_at: Option<DateTime<Utc>>,
    /// Why nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_reason: Option<PauseReason>,
    /// Since when nothing came through; absent: the last try was successful.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<DateTime<Utc>>,
    /// Until when it is left alone after trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    rests_until: Option<DateTime<Utc>>,
    /// Notices of the town that have not been looked at for it yet.
    waiting_notices: i64,
    /// Its secrets, newest first; at most two sign.
    secrets: Vec<WebhookSecret>,
    /// Its version.
    version: i64,
}

/// A secret of a webhook, without itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookSecret {
    /// Its id.
    id: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it signs; absent: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<DateTime<Utc>>,
    /// Whether it signs now.
    live: bool,
}

/// A webhook with a new secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IssuedWebhookSecret)]
pub struct IssuedSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// The new secret's id.
    pub secret_id: Uuid,
    /// The secret, as libraries for Standard Webhooks take it. It is shown this once; the answer to a
    /// repeated request leaves it out, and then another one has to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    pub secret: Option<String>,
}

impl Webhook {
    /// The wire form. `last` is the number of the town's last notice.
    #[must_use]
    pub fn of(town: &Town, found: &Found, last: i64, now: DateTime<Utc>) -> Self {
        let endpoint = &found.endpoint;
        Self {
            id: endpoint.id,
            name: endpoint.name.clone(),
            grid_id: endpoint.grid_id,
            grid_name: town
                .grid_name(endpoint.grid_id)
                .unwrap_or_default()
                .to_owned(),
            url: endpoint.url.clone(),
            provider: endpoint.provider.clone(),
            kinds: endpoint.wanted(),
            created_at: endpoint.created_at,
            created_by: endpoint.created_by.map(|id| Named {
                id,
                name: town.officer_name(id).unwrap_or_default().to_owned(),
            }),
            paused: endpoint.paused_at.is_some(),
            paused_at: endpoint.paused_at,
            pause_reason: endpoint.pause_reason.map(|reason| reason.0),
            failing_since: endpoint.failing_since,
            rests_until: endpoint.rests_until.filter(|until| *until > now),
            waiting_notices: (last - endpoint.dispatched_seq).max(0),
            secrets: found
                .secrets
                .iter()
                .map(|secret| WebhookSecret::of(secret, now))
                .collect(),
            version: endpoint.version,
        }
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }
}

impl WebhookSecret {
    fn of(secret: &SecretRow, now: DateTime<Utc>) -> Self {
        Self {
            id: secret.id,
            created_at: secret.created_at,
            valid_until: secret.valid_until,
            live: secret.live(now),
        }
    }
}

/// What was or is to be sent to a webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "number": 41, "notice_id": "notice_0192f7a0000070008000000000000001_1207", "kind": "escalated",
    "subject_id": "0192f7a0-0000-7000-8000-0000000000c1", "state": "pending",
    "created_at": "2026-11-20T00:15:01Z", "due_at": "2026-11-20T00:15:32Z", "attempts": 2,
    "last_attempt_at": "2026-11-20T00:15:02Z", "duration_ms": 38, "status": 500, "fault": "refused",
    "answer": "Internal Server Error"
}))]
pub struct WebhookDelivery {
    /// Its number at this webhook: 1, 2, 3 … in order.
    number: i64,
    /// The envelope's `id`, and the header `webhook-id`.
    notice_id: String,
    /// The kind of the notice; `ping`: a test.
    kind: String,
    /// What it is about: the report, mostly. What has the same subject is sent in order.
    subject_id: Uuid,
    /// Where it stands.
    state: DeliveryState,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it is tried next, if its turn comes by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    attempts: i32,
    /// When it was tried first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_attempt_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<DateTime<Utc>>,
    /// How long the last try took.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i32>,
    /// The status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    /// How the last answer began, where it was no success. Not kept of a push service: it may quote
    /// tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl WebhookDelivery {
    /// The wire form.
    #[must_use]
    pub fn of(delivery: Delivery) -> Self {
        Self {
            number: delivery.number,
            notice_id: delivery.notice_id,
            kind: delivery.kind,
            subject_id: delivery.subject_id,
            state: delivery.state.0,
            created_at: delivery.created_at,
            due_at: delivery.due_at,
            attempts: delivery.attempts,
            first_attempt_at: delivery.first_attempt_at,
            last_attempt_at: delivery.last_attempt_at,
            duration_ms: delivery.duration_ms,
            status: delivery.status,
            fault: delivery.fault.map(|fault| fault.0),
            answer: delivery.answer,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.number
    }
}

/// What was queued.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"queued": 12, "first_number": 42, "last_number": 53}))]
pub struct QueuedDeliveries {
    /// How many deliveries.
    pub queued: i64,
    /// The number of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_number: Option<i64>,
    /// The number of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_number: Option<i64>,
}

impl QueuedDeliveries {
    /// The wire form of the first and the last number.
    #[must_use]
    pub fn of(numbers: Option<(i64, i64)>) -> Self {
        Self {
            queued: numbers.map_or(0, |(first, last)| last - first + 1),
            first_number: numbers.map(|(first, _)| first),
            last_number: numbers.map(|(_, last)| last),
        }
    }
}
