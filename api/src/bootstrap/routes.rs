//! Start-up over HTTP.
//!
//! Owns the wire form. The ETag covers everything except the server's time, so that an app that is up to
//! date gets 304. It must not know what the answer holds.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};

use super::content::{self, Bootstrap};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::Call;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::PhotoService;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_bootstrap);
}

refusals! {
    SignedRefusals = [SIGNED] + [];
}

/// Start an app in one call
///
/// Who the caller is, where the caller may file, every code with its names in both languages, what
/// photos may be, what waits, and what this server has. For an app to keep: ask again with
/// `If-None-Match`, which costs next to nothing while nothing has changed.
#[utoipa::path(
    operation_id = "getBootstrap",
    tag = "auth",
    responses(
        (status = 200, description = "All of it.", body = Bootstrap),
        (status = 304, description = "It has not changed, but for the time: see the header `Date`."),
        SignedRefusals
    )
)]
#[get("/v1/bootstrap")]
async fn get_bootstrap(
    directory: Data<Directory>,
    photos: Data<PhotoService>,
    call: Call,
) -> Result<HttpResponse, Problem> {
    let (inner, signed, now) = (directory.clone(), call.actor, call.now);
    let mut bootstrap = call
        .store
        .read(move |conn| content::read(conn, &inner, &photos.limits, &signed, now))
        .await?;
    let tagged = etag::write(&bootstrap)?;
    bootstrap.server_time = Some(now);
    etag::json_tagged(call.if_none_match.as_deref(), 0, &tagged, &bootstrap)
}
