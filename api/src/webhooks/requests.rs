//! What clients send about webhooks.
//!
//! Owns the strict schemas and their checks. It must not act on them: `commands` does.

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::notice::kind::NoticeKind;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::address::LONGEST_URL;
use gridpatrol_http::choice::Choice;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_reports::notices::provider::check_provider;

/// Most characters of a name.
const MOST_NAME_CHARS: usize = 60;
/// Deliveries that one request names at most.
const MOST_NUMBERS: usize = 100;

/// A new webhook.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "镇平台对接", "grid_id": "0192f7a0-0000-7000-8000-000000000001",
    "url": "https://app.example.org/hooks/gridpatrol",
    "kinds": ["escalated", "approved", "returned", "closed"]
}))]
pub struct NewWebhook {
    /// What it is for.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub name: String,
    /// The grid it is bound to: it gets what happens there and below.
    pub grid_id: Uuid,
    /// Where envelopes are posted to: an https URL with a public address, unless the server's settings
    /// allow others.
    #[schema(format = "uri", max_length = 2000, pattern = r"^https?://")]
    pub url: String,
    /// The push service that stands behind it, such as `getui`. Its envelopes carry the tokens of that
    /// service which the recipients' apps have registered; what is below critical waits for the end of
    /// the quiet hours. It stays as it is.
    #[schema(pattern = r"^[a-z][a-z0-9_]{1,31}$")]
    pub provider: Option<String>,
    /// Kinds of notices; absent or empty: all.
    #[schema(max_items = 100)]
    pub kinds: Option<Vec<Choice<NoticeKind>>>,
}

/// What is to be different. At least one field.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"paused": false}))]
pub struct WebhookChange {
    /// What it is for.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub name: Option<String>,
    /// Where envelopes are posted to.
    #[schema(format = "uri", max_length = 2000, pattern = r"^https?://")]
    pub url: Option<String>,
    /// Kinds of notices; empty: all.
    #[schema(max_items = 100)]
    pub kinds: Option<Vec<Choice<NoticeKind>>>,
    /// `true`: nothing is sent. `false`: sending goes on where it stopped, however it came to a pause.
    pub paused: Option<bool>,
    /// With `paused: false`: what has gathered meanwhile is left out.
    pub skip_waiting: Option<bool>,
}

/// How secrets change over.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"old_valid_until": "2026-11-22T00:00:00+08:00"}))]
#[schema(as = WebhookSecretRotation)]
pub struct SecretRotation {
    /// Until when the former secret signs as well: within 30 days; 24 hours from now unless said
    /// otherwise. An instant that is past ends it at once. Where two sign, such an instant ends the
    /// older one and makes room; the newer one signs for 24 hours more: ask again to end that as well.
    pub old_valid_until: Option<DateTime<Utc>>,
}

/// What is to be sent again: single deliveries, or all that happened in a time.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"from": "2026-11-20T00:00:00+08:00", "to": "2026-11-21T00:00:00+08:00"}))]
pub struct ReplayRequest {
    /// Numbers of deliveries; then neither `from` nor `to`.
    #[schema(max_items = 100)]
    pub numbers: Option<Vec<i64>>,
    /// What happened from then on.
    pub from: Option<DateTime<Utc>>,
    /// What happened before then; absent: until now.
    pub to: Option<DateTime<Utc>>,
}

fn check_kinds(kinds: Option<&Vec<Choice<NoticeKind>>>, errors: &mut Errors) {
    if let Some(kinds) = kinds {
        errors.most("kinds", kinds, 100);
        errors.nested("kinds", |errors| {
            for (index, kind) in kinds.iter().enumerate() {
                kind.check(&index.to_string(), errors);
            }
        });
    }
}

/// The kinds as they are stored. None means all.
#[must_use]
pub fn kinds(asked: &[Choice<NoticeKind>]) -> Option<Vec<String>> {
    let mut kinds: Vec<String> = Vec::new();
    for kind in asked.iter().filter_map(Choice::get) {
        if !kinds.iter().any(|known| known == kind.code()) {
            kinds.push(kind.code().to_owned());
        }
    }
    (!kinds.is_empty()).then_some(kinds)
}

impl Validate for NewWebhook {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        errors.filled("url", &self.url, LONGEST_URL);
        if let Some(provider) = &self.provider {
            check_provider("provider", provider, errors);
        }
        check_kinds(self.kinds.as_ref(), errors);
    }
}

impl Validate for WebhookChange {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none()
            && self.url.is_none()
            && self.kinds.is_none()
            && self.paused.is_none()
        {
            errors.add("", "required", "Give at least one field to change.");
        }
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        errors.filled("url", &self.url, LONGEST_URL);
        check_kinds(self.kinds.as_ref(), errors);
        if self.skip_waiting == Some(true) && self.paused != Some(false) {
            errors.add(
                "skip_waiting",
                "not_allowed",
                "Only together with paused: false.",
            );
        }
    }
}

impl Validate for SecretRotation {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("old_valid_until", self.old_valid_until);
    }
}

impl Validate for ReplayRequest {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("from", self.from);
        errors.instant("to", self.to);
        match (&self.numbers, self.from, self.to) {
            (Some(numbers), None, None) => {
                errors.most("numbers", numbers, MOST_NUMBERS);
                if numbers.is_empty() {
                    errors.add("numbers", "too_short", "Name at least one delivery.");
                }
            }
            (Some(_), ..) => errors.add(
                "numbers",
                "not_allowed",
                "Give either numbers, or from and to.",
            ),
            (None, Some(from), Some(to)) if to <= from => {
                errors.add("to", "out_of_range", "Give an instant after from.");
            }
            (None, Some(_), _) => {}
            (None, None, _) => errors.add("from", "required", "Give from, or numbers."),
        }
    }
}
