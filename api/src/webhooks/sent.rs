//! What webhooks send, as the OpenAPI document describes it.
//!
//! Owns the section `webhooks` of the document. Nothing here must be called. The names say what happened
//! and what the receiver does: with the schemas' names, generated clients would have name clashes.
#![allow(dead_code)] // They stand for the receiver's side.

use utoipa::OpenApi as _;
use utoipa::openapi::{OpenApi, Paths};

use gridpatrol_reports::notices::envelope::{DigestNotice, Ping, ReportNotice};

/// What happened to a report
///
/// Posted to each webhook that wants it: at least once, those of one report in their order, from the
/// first try on for three days. It is signed as [Standard Webhooks](https://www.standardwebhooks.com)
/// says: check `webhook-signature` with one of its libraries and the webhook's secret, drop what you have
/// by `webhook-id`, answer 2xx within 15 seconds and do the work afterwards. Any other answer is tried
/// again; 429 and 503 with `Retry-After` are waited for; 410 pauses the webhook. Redirections are not
/// followed.
#[utoipa::path(
    post,
    path = "reportChanged",
    operation_id = "receiveReportNotice",
    tag = "notices",
    params(
        ("webhook-id" = String, Header, description = "The envelope's id, the same each time it is sent.", example = "notice_0192f7a0000070008000000000000001_1207"),
        ("webhook-timestamp" = i64, Header, description = "When it was sent, in seconds since 1970.", example = 1_795_133_700_i64),
        ("webhook-signature" = String, Header, description = "`v1,` and the Base64 of the HMAC-SHA-256 over id, timestamp and body, joined by dots; one for each secret that signs, separated by a space.", example = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ),
    security(()),
    request_body(content = ReportNotice, content_type = "application/cloudevents+json"),
    responses((status = "2XX", description = "The receiver has it."), (status = 410, description = "The receiver wants nothing any more: the webhook is paused."))
)]
fn report_notice() {}

/// A digest
///
/// What an officer should know, gathered. Sent as what happens is, to webhooks of the whole town; one of
/// a push service shows `text` on the phones in `push_addresses`.
#[utoipa::path(
    post,
    path = "digestGathered",
    operation_id = "receiveDigestNotice",
    tag = "notices",
    security(()),
    request_body(content = DigestNotice, content_type = "application/cloudevents+json"),
    responses((status = "2XX", description = "The receiver has it."), (status = 410, description = "The receiver wants nothing any more: the webhook is paused."))
)]
fn digest_notice() {}

/// A test
///
/// What `POST /v1/webhooks/{id}/test` sends.
#[utoipa::path(
    post,
    path = "webhookTested",
    operation_id = "receivePingNotice",
    tag = "notices",
    security(()),
    request_body(content = Ping, content_type = "application/cloudevents+json"),
    responses((status = "2XX", description = "The receiver is there."), (status = 410, description = "The receiver wants nothing any more: the webhook is paused."))
)]
fn ping() {}

#[derive(utoipa::OpenApi)]
#[openapi(paths(report_notice, digest_notice, ping))]
struct Sent;

/// Adds the section to a document.
pub fn describe(document: &mut OpenApi) {
    let sent = Sent::openapi();
    let mut webhooks = Paths::default();
    for (name, item) in sent.paths.paths {
        webhooks
            .paths
            .insert(name.trim_start_matches('/').to_owned(), item);
    }
    document.webhooks = Some(webhooks);
    if let Some(components) = sent.components {
        let known = document.components.get_or_insert_default();
        known.schemas.extend(components.schemas);
    }
}
