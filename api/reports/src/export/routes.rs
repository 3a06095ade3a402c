//! The route that takes the package of a report.
//!
//! Owns the HTTP side and nothing else.

use actix_web::body::SizedStream;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};

use crate::export::download;
use crate::export::package::Packing;
use crate::photos::PhotoService;
use crate::photos::routes::FileContent;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::Viewer;
use crate::view::response::Person;
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_people::auth::routes::origin;
use gridpatrol_people::auth::{Auth, Call};
use gridpatrol_problem::Problem;

refusals! {
    /// Taking the package of a report.
    TakePackage = [SIGNED] + [NotFound, NotPermitted];
}

/// Adds the operations of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_report_package);
}

/// Takes everything about a report, as one ZIP
///
/// For a referral to the county (移送), and for the files: `report.json` as `getReport` answers it,
/// `events.json` with all that the hashes of its events follow from, `photos/` with the originals byte for
/// byte, `manifest.json` with the SHA-256 of each file, the referral, and photos that are missing, its
/// signature `manifest.jws` (EdDSA, `/.well-known/jwks.json`), and `README.txt`, which tells in Chinese
/// and English how to check all that. Whoever works for the town takes it, its auditors, and its
/// administrators; whether the report was referred does not matter. A download that stands still for a
/// minute is ended, for only so many packages lie on the disk. Each time is recorded in the security
/// log, as `package_taken`, for what is taken holds personal data.
#[utoipa::path(
    operation_id = "getReportPackage",
    tag = "reports",
    params(ById),
    responses(
        (status = 200, body = FileContent, content_type = "application/zip", description = "The package, as an attachment named by the report's number."),
        TakePackage
    )
)]
#[get("/v1/reports/{id}/package")]
pub async fn get_report_package(
    services: Data<Services>,
    gallery: Data<PhotoService>,
    auth: Data<Auth>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let officer = Person {
        officer_id: call.actor.officer.id,
        name: call.actor.officer.name.clone(),
    };
    let packing = Packing {
        store: &call.store,
        services: &services,
        gallery: &gallery,
        keys: &auth.keys,
    };
    let package =
        super::package::take(&packing, &viewer, officer, origin(&call), call.path.id).await?;
    let content = package.whole.content().await?;
    let size = content.size;
    let stream = download::watched(content, package.kept, download::STANDSTILL);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/zip"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}.zip\"", package.number),
        ))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(SizedStream::new(size, stream)))
}
