//! Erasing personal data over HTTP.
//!
//! Owns the wire form. It must not decide who may erase: `erasure` does.

use actix_web::{HttpResponse, post};
use gridpatrol_domain::audit::redaction::Redaction;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::Erased;
use super::erasure::{self, Request};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_people::auth::Call;
use gridpatrol_people::officers::subject::Manager;
use gridpatrol_problem::Problem;
use gridpatrol_reports::view::present::Viewer;

/// Longest reason.
const LONGEST_REASON: usize = 1000;
/// Most words of one request.
const MOST_WORDS: usize = 20;
/// Longest word.
const LONGEST_WORD: usize = 100;

refusals! {
    EraseReport = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, WrongStatus];
    EraseOfficer = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, StillServing];
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(erase_report).service(erase_officer);
}

/// The thing of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Whose {
    /// Its id.
    id: Uuid,
}

/// What is erased from a report.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "当事人依法申请删除", "words": ["王某某", "13900000000"]})))]
pub struct ReportErasure {
    /// Why, at most 1,000 characters. It stays on record: name nobody.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
    /// Names, numbers and the like, each of 2 to 100 characters: they are masked in every text of the
    /// report, and events that hold one lose all they say. Left out: every text, and all that any event
    /// says; only of a report that is closed or void.
    #[serde(default)]
    #[schema(max_items = 20)]
    words: Vec<String>,
}

impl Validate for ReportErasure {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, LONGEST_REASON);
        errors.most("words", &self.words, MOST_WORDS);
        errors.each("words", &self.words, |word, errors| {
            if word.trim().chars().count() < 2 {
                errors.add("", "too_short", "At least two characters.");
            }
            errors.text("", word, LONGEST_WORD);
        });
    }
}

/// Erases personal data from a report
///
/// For administrators of the town, such as when somebody who was named asks for it (个人信息保护法). The
/// report stays with its figures, status, category, place and times, and so does the chain: what an
/// event said is taken away, its hash stays good, and an event `data_erased` names which. What measures
/// under way are called by (milestones, the agency and number of a referral, the number of a supervision)
/// loses it too. Answers kept
/// for retries hold the texts for 90 days more; photos are not touched. Nothing brings them back.
#[utoipa::path(
    operation_id = "eraseReport",
    tag = "audit",
    params(Whose),
    request_body = ReportErasure,
    responses((status = 200, description = "What was erased.", body = Erased), EraseReport)
)]
#[post("/v1/reports/{id}/erase")]
async fn erase_report(call: Call<Whose, (), ReportErasure>) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::new(&call.actor, call.language, call.now);
    let (id, ticket) = (call.path.id, call.ticket());
    let request = Request {
        reason: call.body.reason,
        words: Redaction::new(call.body.words),
    };
    idempotency::run(&call.store, call.now, ticket, move |conn| {
        Ok(Answer::ok(&erasure::of_report(
            conn, &viewer, id, &request,
        )?)?)
    })
    .await
}

/// Why an officer's data is erased.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "离任满三年"})))]
pub struct OfficerErasure {
    /// Why, at most 1,000 characters. It stays on record: name nobody.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

impl Validate for OfficerErasure {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, LONGEST_REASON);
    }
}

/// Erases who an officer was
///
/// For administrators; the officer's postings must be over and the account disabled. Name, phone,
/// username, passwords, devices and addresses go, what events about the officer say, and the officer as
/// contact of a grid, by name or phone; what the officer did stays, under an id that names nobody. The
/// security log keeps the last half year, as the law asks: repeat it later for the rest. Nothing brings
/// them back.
#[utoipa::path(
    operation_id = "eraseOfficer",
    tag = "audit",
    params(Whose),
    request_body = OfficerErasure,
    responses((status = 200, description = "What was erased.", body = Erased), EraseOfficer)
)]
#[post("/v1/officers/{id}/erase")]
async fn erase_officer(call: Call<Whose, (), OfficerErasure>) -> Result<HttpResponse, Problem> {
    let (manager, ticket) = (Manager::of(&call), call.ticket());
    let (id, reason) = (call.path.id, call.body.reason);
    idempotency::run(&call.store, call.now, ticket, move |conn| {
        Ok(Answer::ok(&erasure::of_officer(
            conn, &manager, id, &reason,
        )?)?)
    })
    .await
}
