//! What clients send about officers.
//!
//! Owns the strict shapes and the checks of values. It must not use the database.

use chrono::{DateTime, Utc};
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Covers, Role};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::commands::{check_name, check_phone, check_username};
use super::roster::{self, NewShift, Window};
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::validate::{Errors, Validate};

/// An officer to be, with a first posting.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "li.yi", "name": "李一", "phone": "13900000001",
    "posting": {"role": "group_leader", "grid_id": "0192f7a0-0000-7000-8000-000000000003"}
}))]
pub struct OfficerCreation {
    /// The name to sign in with: 2 to 32 letters a to z, digits, `.`, `_`, `-`. It never changes.
    #[schema(min_length = 2, max_length = 32)]
    pub username: String,
    /// The person's name.
    #[schema(pattern = r"\S", max_length = 40)]
    pub name: String,
    /// A phone number.
    #[schema(max_length = 32)]
    pub phone: Option<String>,
    /// A first password, to be changed at the first sign-in. Absent: the officer is invited
    /// (`POST /v1/officers/{id}/invite`) and never types one.
    #[schema(min_length = 8, max_length = 128)]
    pub password: Option<String>,
    /// The first posting.
    pub posting: PostingCreation,
}

/// A posting to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "village_secretary", "grid_id": "0192f7a0-0000-7000-8000-000000000002", "from": "2026-12-01T00:00:00+08:00"}))]
pub struct PostingCreation {
    /// As what.
    pub role: Choice<Role>,
    /// Where: town roles at a town, village roles at a village, group leaders at a group.
    pub grid_id: Uuid,
    /// From when, from now on; absent: now.
    pub from: Option<DateTime<Utc>>,
    /// Until when; absent: without end.
    pub to: Option<DateTime<Utc>>,
    /// For a `town_officer`: manages officers and grids of the town, but neither leaders nor this
    /// right.
    #[serde(default)]
    pub manages: bool,
}

/// Changes of an account. A field that is absent stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "13900000002"}))]
pub struct OfficerEdit {
    /// Another name.
    #[schema(pattern = r"\S", max_length = 40)]
    pub name: Option<String>,
    /// Another phone number; empty: none any more.
    #[schema(max_length = 32)]
    pub phone: Option<String>,
}

/// Changes of the own profile. A field that is absent stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "13900000002", "notify": "at_once"}))]
pub struct ProfileEdit {
    /// Another phone number; empty: none any more.
    #[schema(max_length = 32)]
    pub phone: Option<String>,
    /// How to be told of what is only to be known.
    pub notify: Option<Choice<NotificationMode>>,
}

/// Why something is done.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "已退休"}))]
#[schema(as = AccountChangeReason)]
pub struct Statement {
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Changes of a posting. A field that is absent stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "2026-12-31T16:00:00Z"}))]
pub struct PostingEdit {
    /// Another beginning, while it has not begun.
    pub from: Option<DateTime<Utc>>,
    /// Another end, from now on.
    pub to: Option<DateTime<Utc>>,
    /// With or without the managing right.
    pub manages: Option<bool>,
}

/// When something ends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"at": "2026-12-01T00:00:00+08:00"}))]
#[schema(as = PostingEnd)]
pub struct Ending {
    /// From now on; absent: now.
    pub at: Option<DateTime<Utc>>,
}

/// A transfer: postings end, and another begins at the same instant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "group_leader", "grid_id": "0192f7a0-0000-7000-8000-000000000004", "at": "2026-12-01T00:00:00+08:00"}))]
#[schema(as = OfficerTransfer)]
pub struct Transfer {
    /// The role that begins.
    pub role: Choice<Role>,
    /// Where it begins.
    pub grid_id: Uuid,
    /// When, from now on; absent: now.
    pub at: Option<DateTime<Utc>>,
    /// Until when the new posting lasts; absent: without end.
    pub until: Option<DateTime<Utc>>,
    /// The managing right, as of a new posting.
    #[serde(default)]
    pub manages: bool,
    /// The postings that end. Absent: all in `from_town`.
    #[schema(max_items = 50)]
    pub end: Option<Vec<Uuid>>,
    /// The town whose postings end. Absent: the only one where the officer is posted.
    pub from_town: Option<Uuid>,
}

/// When the officer is away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2026-11-20T00:00:00+08:00", "to": "2026-11-27T00:00:00+08:00", "deputy_id": "0192f7a0-0000-7000-8000-000000000012"}))]
pub struct AbsenceRequest {
    /// From when; what lies in the past counts as now.
    pub from: DateTime<Utc>,
    /// Until when, at most 400 days later.
    pub to: DateTime<Utc>,
    /// Who stands in for everything: an officer who serves in the same town. Absent: the grid above.
    pub deputy_id: Option<Uuid>,
}

/// Somebody who is to stand in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"deputy_id": "0192f7a0-0000-7000-8000-000000000012", "covers": "decisions", "to": "2026-11-27T00:00:00+08:00"}))]
pub struct DeputyCreation {
    /// Who: an officer who serves in the same town.
    pub deputy_id: Uuid,
    /// For which posting. Absent: for each that acts on reports.
    pub posting_id: Option<Uuid>,
    /// In what; `all` unless said otherwise. `decisions`: only approving and returning escalations
    /// and voiding duplicates, for a secretary or somebody of the town.
    pub covers: Option<Choice<Covers>>,
    /// From when, from now on; absent: now.
    pub from: Option<DateTime<Utc>>,
    /// Until when, at most 400 days later.
    pub to: DateTime<Utc>,
}

/// A window of the duty roster, as it is to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from": "2026-11-23T00:00:00+08:00", "to": "2026-11-25T00:00:00+08:00",
    "shifts": [
        {"officer_id": "0192f7a0-0000-7000-8000-000000000010", "from": "2026-11-23T00:00:00+08:00", "to": "2026-11-24T00:00:00+08:00"},
        {"officer_id": "0192f7a0-0000-7000-8000-000000000011", "from": "2026-11-24T00:00:00+08:00", "to": "2026-11-25T00:00:00+08:00"}
    ]
}))]
#[schema(as = DutyRosterWindow)]
pub struct RosterWindow {
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when, at most 400 days later.
    pub to: DateTime<Utc>,
    /// The shifts within the window, in any order, without overlaps. There may be gaps.
    #[schema(max_items = 500)]
    pub shifts: Vec<ShiftRequest>,
}

/// A shift.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DutyShiftRequest)]
pub struct ShiftRequest {
    /// Who is on duty: an officer posted at the town.
    pub officer_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// The longest statement.
const MOST_STATEMENT_CHARS: usize = 1000;
/// Most postings named in a transfer.
const MOST_POSTINGS: usize = 50;

impl Validate for OfficerCreation {
    fn validate(&self, errors: &mut Errors) {
        check_username(errors, &self.username);
        check_name(errors, &self.name);
        check_phone(errors, self.phone.as_deref());
        errors.text("password", &self.password, 128);
        errors.nested("posting", |errors| self.posting.validate(errors));
    }
}

impl Validate for PostingCreation {
    fn validate(&self, errors: &mut Errors) {
        self.role.check("role", errors);
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

impl Validate for OfficerEdit {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none() && self.phone.is_none() {
            errors.add("", "required", "Give name, phone, or both.");
        }
        if let Some(name) = &self.name {
            check_name(errors, name);
        }
        check_phone(errors, self.phone.as_deref());
    }
}

impl Validate for ProfileEdit {
    fn validate(&self, errors: &mut Errors) {
        if self.phone.is_none() && self.notify.is_none() {
            errors.add("", "required", "Give phone, notify, or both.");
        }
        check_phone(errors, self.phone.as_deref());
        self.notify.check("notify", errors);
    }
}

impl Validate for Statement {
    fn validate(&self, errors: &mut Errors) {
        errors.text("reason", &self.reason, MOST_STATEMENT_CHARS);
    }
}

impl Validate for PostingEdit {
    fn validate(&self, errors: &mut Errors) {
        if self.from.is_none() && self.to.is_none() && self.manages.is_none() {
            errors.add(
                "",
                "required",
                "Give from, to, manages, or several of them.",
            );
        }
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

impl Validate for Ending {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("at", self.at);
    }
}

impl Validate for Transfer {
    fn validate(&self, errors: &mut Errors) {
        self.role.check("role", errors);
        errors.instant("at", self.at);
        errors.instant("until", self.until);
        errors.most(
            "end",
            self.end.as_deref().unwrap_or_default(),
            MOST_POSTINGS,
        );
        if self.end.is_some() && self.from_town.is_some() {
            errors.add(
                "from_town",
                "not_allowed",
                "Give end or from_town, not both.",
            );
        }
    }
}

impl Validate for AbsenceRequest {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

impl Validate for DeputyCreation {
    fn validate(&self, errors: &mut Errors) {
        self.covers.check("covers", errors);
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

impl RosterWindow {
    /// The window in the form that the command takes.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            from: self.from,
            to: self.to,
            shifts: self
                .shifts
                .iter()
                .map(|shift| NewShift {
                    officer_id: shift.officer_id,
                    from: shift.from,
                    to: shift.to,
                })
                .collect(),
        }
    }
}

impl Validate for RosterWindow {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("from", self.from);
        errors.instant("to", self.to);
        errors.most("shifts", &self.shifts, roster::MOST_SHIFTS);
        errors.each("shifts", &self.shifts, |shift, errors| {
            errors.instant("from", shift.from);
            errors.instant("to", shift.to);
        });
        if errors.is_empty() {
            errors.extend(roster::faults(&self.window()));
        }
    }
}
