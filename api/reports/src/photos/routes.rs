//! The routes of photos.
//!
//! Owns the HTTP side: what a request says, in which order it is checked, and what the answer is.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, put};
use gridpatrol_domain::error::Code;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::commands::{self, Arrival};
use super::digest::Digest;
use super::form::{self, Particulars, PhotoForm};
use super::objects::Variant;
use super::rows::PhotoRow;
use super::upload::{self, Reception, Seen};
use super::wire::Photo;
use super::{download, queries};
use crate::photos::PhotoService;
use gridpatrol_http::call::{Open, TICKET};
use gridpatrol_http::context::{Identity as _, registered};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::system::InSystem;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::{self, Call, tickets};
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_store::{Lane, Store};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(put_photo)
        .service(post_photo)
        .service(get_photo)
        .service(get_original)
        .service(get_preview)
        .service(get_thumbnail);
}

refusals! {
    Upload = [BODY, SIGNED] + [NotFound, NotPermitted, IdConflict, PhotoTaken, PhotoRejected, WrongStatus, LimitReached];
    UploadKeyed = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, IdConflict, PhotoTaken, PhotoRejected, WrongStatus, LimitReached];
    ReadOriginal = [SIGNED] + [NotFound, PhotoMissing, RangeNotSatisfiable, LinkInvalid];
    ReadRendition = [SIGNED] + [NotFound, PhotoMissing, RenditionPending, RenditionUnavailable, LinkInvalid];
}

/// The photo of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The photo's id.
    pub id: Uuid,
}

/// A file as it is.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // Never built; it stands for bytes in the API document.
pub struct FileContent(Vec<u8>);

/// Uploads a photo under its id
///
/// The body is the file. Send it before or after the report that declares it, as often as needed: the
/// same file again answers 200. A declared photo is uploaded by who declared it; one that no report
/// declares is its uploader's alone and forgotten after 90 days. JPEG, PNG and WebP get smaller
/// copies; HEIC, HEIF, AVIF, GIF and TIFF are kept without. With `sha256`, `Repr-Digest` or
/// `Content-Digest` (RFC 9530), a file that was damaged on its way is refused.
#[utoipa::path(
    operation_id = "uploadPhoto",
    tag = "photos",
    security(("bearer" = [])),
    params(
        ById,
        Particulars,
        ("Repr-Digest" = Option<String>, Header, description = "The SHA-256 of the file.", example = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:"),
    ),
    request_body(content(
        (FileContent = "application/octet-stream"),
        (FileContent = "image/*"),
    ), description = "The file."),
    responses(
        (status = 201, body = Photo, description = "It has arrived."),
        (status = 200, body = Photo, description = "It had arrived before."),
        Upload
    )
)]
#[put("/v1/photos/{id}")]
pub async fn put_photo(
    directory: Data<Directory>,
    gallery: Data<PhotoService>,
    _: Announced<File>,
    call: Call<ById, Particulars>,
    request: HttpRequest,
    mut body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let particulars = call.query;
    particulars.check_clock(call.now, Errors::query())?;
    let mut announced = digests(request.headers())?;
    announced.extend(particulars.digest());
    let allowed = upload::allowed(
        &directory,
        gallery.limits.allowed(),
        &call.store,
        call.actor.scope(),
        call.now,
    )
    .await?;
    let reception = Reception::begin(&gallery, call.store.patience(), allowed).await?;
    let arrived = reception.take(&mut body).await?;
    let seen = upload::look(&arrived, &announced, allowed).await?;
    let arrival = arrival(call.path.id, &call.actor, &particulars, seen);
    let now = call.clock.now();
    upload::keep(&gallery, &call.store, now, arrived, &arrival, true).await?;
    let directory = directory.clone();
    let taken = call
        .store
        .write(Lane::Interactive, move |conn| {
            commands::arrive(conn, &directory, &arrival, now)
        })
        .await?;
    gallery.arrivals.notify_one();
    let photo = Photo::of(&taken.photo, &gallery.links, now);
    Ok(etag::answer(
        status(taken.first),
        None,
        etag::write(&photo)?,
    ))
}

/// Uploads a photo as a form
///
/// For clients that can only send forms. With `id` as safe to repeat as `PUT`; without, the server
/// chooses the id, and an `Idempotency-Key` makes it safe.
#[utoipa::path(
    operation_id = "uploadPhotoForm",
    tag = "photos",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat.", example = "5f0c6e0e-7f39-4a53-9d3a-6c4f7b1a2e10")),
    request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Photo, description = "It has arrived."),
        (status = 200, body = Photo, description = "It had arrived before."),
        UploadKeyed
    )
)]
#[post("/v1/photos")]
pub async fn post_photo(
    gallery: Data<PhotoService>,
    directory: Data<Directory>,
    _: Announced<Form>,
    call: Call,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let allowed = upload::allowed(
        &directory,
        gallery.limits.allowed(),
        &call.store,
        call.actor.scope(),
        call.now,
    )
    .await?;
    let reception = Reception::begin(&gallery, call.store.patience(), allowed).await?;
    let filled = form::read(&reception, request.headers(), body).await?;
    let particulars = filled.particulars;
    let now = call.clock.now();
    particulars.check_clock(now, Errors::body())?;
    let announced: Vec<Digest> = particulars.digest().into_iter().collect();
    let seen = upload::look(&filled.arrived, &announced, allowed).await?;
    let ticket = call.ticket_for(&json!({
        "id": filled.id,
        "report_id": particulars.report_id,
        "role": particulars.role,
        "taken_at": particulars.taken_at,
        "lat": particulars.lat,
        "lon": particulars.lon,
        "crs": particulars.crs,
        "content": seen.digest.to_string(),
    }));
    let id = filled.id.unwrap_or_else(Uuid::now_v7);
    let arrival = arrival(id, &call.actor, &particulars, seen);
    let foresee = call.idempotency_key.is_none();
    upload::keep(
        &gallery,
        &call.store,
        now,
        filled.arrived,
        &arrival,
        foresee,
    )
    .await?;
    let links = gallery.links.clone();
    let directory = directory.clone();
    let answer = idempotency::run(&call.store, now, ticket, move |conn| {
        let taken = commands::arrive(conn, &directory, &arrival, now)?;
        let photo = Photo::of(&taken.photo, &links, now);
        Ok(Answer::new(status(taken.first), &photo)?)
    })
    .await?;
    gallery.arrivals.notify_one();
    Ok(answer)
}

/// Reads what is known of a photo
///
/// For whoever sees its report; a photo of no report is its uploader's alone.
#[utoipa::path(
    operation_id = "getPhoto",
    tag = "photos",
    security(("bearer" = [])),
    params(ById, InSystem),
    responses((status = 200, body = Photo, description = "The photo."), refusals::Read)
)]
#[get("/v1/photos/{id}")]
pub async fn get_photo(
    gallery: Data<PhotoService>,
    call: Call<ById, InSystem>,
) -> Result<HttpResponse, Problem> {
    let photo = seen(&call.store, &call.actor, call.path.id).await?;
    let photo = Photo::of(&photo, &gallery.links, call.now).in_system(call.query.get());
    Ok(etag::answer(StatusCode::OK, None, etag::write(&photo)?))
}

/// The signature of a link.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Until when the link holds. It stands in the links of reports and photos; without it, sign in.
    #[param(example = 1_795_276_800)]
    pub exp: Option<i64>,
    /// The link's signature.
    #[param(example = "n4bQgYhMfWWaL-qgxVrQFQ")]
    pub sig: Option<String>,
    // One of the security schemes of the API document. It is read together with the other
    // credentials.
    #[param(ignore)]
    ticket: Option<String>,
}

impl Validate for Signature {
    fn validate(&self, _: &mut Errors) {}
}

/// Downloads a photo's file
///
/// Byte for byte as it arrived. Ranges are served. The links in reports need no sign-in.
#[utoipa::path(
    operation_id = "getPhotoOriginal",
    tag = "photos",
    security((), ("bearer" = [])),
    params(
        ById,
        Signature,
        ("Range" = Option<String>, Header, description = "A part of the file.", example = "bytes=0-65535"),
    ),
    responses(
        (status = 200, body = FileContent, content_type = "image/*", description = "The file."),
        (status = 206, body = FileContent, content_type = "image/*", description = "The part asked for."),
        (status = 304, description = "The caller has it already."),
        ReadOriginal
    )
)]
#[get("/v1/photos/{id}/original")]
pub async fn get_original(
    request: HttpRequest,
    call: Open<ById, Signature>,
) -> Result<HttpResponse, Problem> {
    picture(&request, &call, Variant::Original).await
}

/// Shows a photo on a screen
///
/// At most 1600 pixels a side, upright, JPEG without metadata. The links in reports need no sign-in.
#[utoipa::path(
    operation_id = "getPhotoPreview",
    tag = "photos",
    security((), ("bearer" = [])),
    params(ById, Signature),
    responses(
        (status = 200, body = FileContent, content_type = "image/jpeg", description = "The picture."),
        (status = 304, description = "The caller has it already."),
        ReadRendition
    )
)]
#[get("/v1/photos/{id}/preview")]
pub async fn get_preview(
    request: HttpRequest,
    call: Open<ById, Signature>,
) -> Result<HttpResponse, Problem> {
    picture(&request, &call, Variant::Preview).await
}

/// Shows a photo in a list
///
/// At most 320 pixels a side, upright, JPEG without metadata. The links in reports need no sign-in.
#[utoipa::path(
    operation_id = "getPhotoThumbnail",
    tag = "photos",
    security((), ("bearer" = [])),
    params(ById, Signature),
    responses(
        (status = 200, body = FileContent, content_type = "image/jpeg", description = "The picture."),
        (status = 304, description = "The caller has it already."),
        ReadRendition
    )
)]
#[get("/v1/photos/{id}/thumbnail")]
pub async fn get_thumbnail(
    request: HttpRequest,
    call: Open<ById, Signature>,
) -> Result<HttpResponse, Problem> {
    picture(&request, &call, Variant::Thumbnail).await
}

/// Sends a picture to a caller who has a link to it, or is signed in and may see it.
async fn picture(
    request: &HttpRequest,
    call: &Open<ById, Signature>,
    variant: Variant,
) -> Result<HttpResponse, Problem> {
    let gallery: &PhotoService = registered(request)?;
    let id = call.path.id;
    if call.query.ticket.is_some() && tickets::carried(request).is_none() {
        let mut errors = Errors::query();
        errors.add(
            TICKET,
            "not_allowed",
            "Give a ticket or the header, not both.",
        );
        errors.into_result()?;
    }
    let photo = match (call.query.exp, &call.query.sig) {
        (None, None) => {
            let signed = auth::Signed::authenticate(request).await?;
            seen(&call.store, &signed, id).await?
        }
        (expires, signature) => {
            let (expires, signature) = (
                expires.unwrap_or_default(),
                signature.as_deref().unwrap_or_default(),
            );
            gallery
                .links
                .check(id, variant, expires, signature, call.now)?;
            call.store
                .read(move |conn| queries::find(conn, id)?.ok_or_else(|| absent().into()))
                .await?
        }
    };
    download::send(gallery, call, request, &photo, variant).await
}

/// The photo, if the caller may see it.
async fn seen(store: &Store, signed: &auth::Signed, id: Uuid) -> Result<PhotoRow, Problem> {
    let scope = signed.scope();
    store
        .read(move |conn| queries::find_seen(conn, &scope, id)?.ok_or_else(|| absent().into()))
        .await
}

fn absent() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such photo, or it is outside your grids.")
}

const fn status(first: bool) -> StatusCode {
    if first {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

fn arrival(id: Uuid, signed: &auth::Signed, particulars: &Particulars, seen: Seen) -> Arrival {
    use gridpatrol_http::choice::OptionalChoice as _;
    Arrival {
        id,
        actor: signed.actor.clone(),
        report_id: particulars.report_id,
        role: particulars.role.get(),
        taken_at: particulars.taken_at,
        position: particulars.position(),
        sent: particulars.sent(),
        digest: seen.digest,
        size: seen.size,
        picture: seen.picture,
    }
}

/// The digests in the headers.
fn digests(headers: &HeaderMap) -> Result<Vec<Digest>, Problem> {
    let mut errors = Errors::header();
    let mut announced = Vec::new();
    for name in ["Repr-Digest", "Content-Digest"] {
        for field in headers.get_all(name) {
            match Digest::from_header(field.to_str().unwrap_or_default()) {
                Some(Some(digest)) => announced.push(digest),
                Some(None) => errors.add(
                    name,
                    "bad_format",
                    "Give sha-256=:BASE64: with the 32 bytes of the digest (RFC 9530).",
                ),
                // RFC 9530 allows us to ignore other algorithms.
                None => {}
            }
        }
    }
    errors.into_result().map(|()| announced)
}

/// The kind of a body, as far as its headers show it.
pub trait Kind: 'static {
    /// The most bytes that the body may have besides the file.
    const AROUND: u64;

    /// Whether this content type is allowed.
    fn takes(media: &actix_web::mime::Mime) -> bool;
}

/// A body that is a file.
#[derive(Debug)]
pub struct File;

impl Kind for File {
    const AROUND: u64 = 0;

    fn takes(media: &actix_web::mime::Mime) -> bool {
        media.type_() == actix_web::mime::IMAGE
            || (media.type_() == actix_web::mime::APPLICATION
                && media.subtype() == actix_web::mime::OCTET_STREAM)
    }
}

/// A body that is a form.
#[derive(Debug)]
pub struct Form;

impl Kind for Form {
    const AROUND: u64 = 64 * 1024;

    fn takes(media: &actix_web::mime::Mime) -> bool {
        media.type_() == actix_web::mime::MULTIPART && media.subtype() == actix_web::mime::FORM_DATA
    }
}

/// A body whose headers announce this kind and a size within the limit. This is checked before the
/// sign-in.
#[derive(Debug)]
pub struct Announced<K>(std::marker::PhantomData<K>);

impl<K: Kind> FromRequest for Announced<K> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(announced::<K>(request))
    }
}

fn announced<K: Kind>(request: &HttpRequest) -> Result<Announced<K>, Problem> {
    let most = registered::<PhotoService>(request)?.limits.max_bytes;
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > most.saturating_add(K::AROUND)) {
        return Err(upload::too_large(most));
    }
    let media = text(CONTENT_TYPE).and_then(|kind| kind.parse::<actix_web::mime::Mime>().ok());
    let plain = text(CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    if plain && media.is_some_and(|media| K::takes(&media)) {
        Ok(Announced(std::marker::PhantomData))
    } else {
        Err(Problem::new(Code::UnsupportedMediaType).detail(if K::AROUND == 0 {
            "Send the file itself as application/octet-stream or image/…, without Content-Encoding."
        } else {
            "Send multipart/form-data, without Content-Encoding."
        }))
    }
}
