//! Sends pictures: originals as streams and ranges, small copies whole.
//!
//! Owns the headers of these answers. The caller must have checked who may see the photo.

use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, ByteRangeSpec, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::photo::Rendition;

use super::objects::Variant;
use super::queries;
use super::rows::PhotoRow;
use crate::photos::PhotoService;
use gridpatrol_http::{Open, etag};
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The content of an id never changes, so caches may keep it.
const FOREVER: &str = "private, max-age=31536000, immutable";
/// When a client should ask again for a copy that is being made.
const RENDITION_SECONDS: u64 = 2;

/// Answers with a picture of a photo that the caller may see.
///
/// # Errors
/// `photo_missing`, `rendition_pending`, `rendition_unavailable`, `range_not_satisfiable`,
/// `unavailable`.
pub(super) async fn send<P, Q>(
    gallery: &PhotoService,
    call: &Open<P, Q>,
    request: &HttpRequest,
    photo: &PhotoRow,
    variant: Variant,
) -> Result<HttpResponse, Problem> {
    let digest = photo.digest().filter(|_| photo.is_ready()).ok_or_else(|| {
        Problem::new(Code::PhotoMissing)
            .detail("The photo was declared, but its file has not been uploaded yet.")
    })?;
    let tag = match variant {
        Variant::Original => format!("\"{digest}\""),
        Variant::Preview | Variant::Thumbnail => format!("\"{digest}-{}\"", variant.code()),
    };
    let known = header(request.headers(), IF_NONE_MATCH);
    if variant == Variant::Original {
        if known.is_some_and(|known| etag::names(known, &tag)) {
            return Ok(not_modified(&tag));
        }
        return original(gallery, request, photo, &tag).await;
    }
    match photo.rendition.0 {
        Rendition::Ready => {}
        Rendition::Pending => return Err(pending()),
        Rendition::None | Rendition::Unsupported | Rendition::Failed => {
            return Err(Problem::new(Code::RenditionUnavailable).detail(
                "The server cannot make a smaller copy of this picture: it does not decode this format, or the picture is damaged. Use the original.",
            ));
        }
    }
    if known.is_some_and(|known| etag::names(known, &tag)) {
        return Ok(not_modified(&tag));
    }
    let Some(copy) = gallery.objects.read(digest, variant).await? else {
        // The copies are lost, for example after a backup without them was restored. Make them
        // again.
        tracing::warn!(photo = %photo.id, "a rendition is gone and is made again");
        let (id, now) = (photo.id, call.now);
        call.store
            .write(Lane::Interactive, move |conn| {
                Ok(queries::render_again(conn, id, now)?)
            })
            .await?;
        gallery.arrivals.notify_one();
        return Err(pending());
    };
    Ok(answer(StatusCode::OK, &tag, "image/jpeg").body(copy))
}

async fn original(
    gallery: &PhotoService,
    request: &HttpRequest,
    photo: &PhotoRow,
    tag: &str,
) -> Result<HttpResponse, Problem> {
    let (Some(digest), Some(size)) = (
        photo.digest(),
        photo.size.and_then(|size| u64::try_from(size).ok()),
    ) else {
        return Err(lost(photo));
    };
    let range = match asked(request.headers(), size, tag) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Outside => {
            return Err(Problem::new(Code::RangeNotSatisfiable)
                .detail(format!("The file has {size} bytes.")));
        }
    };
    let content = gallery
        .objects
        .content(digest, Variant::Original, range.clone())
        .await?
        .ok_or_else(|| lost(photo))?;
    let status = match range {
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    };
    let media_type = photo
        .media_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let extension = photo.format().map_or("bin", |format| format.extension());
    let mut response = answer(status, tag, media_type);
    response
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}.{extension}\"", photo.id),
        ));
    if let Some(range) = range {
        response.insert_header((
            CONTENT_RANGE,
            format!(
                "bytes {}-{}/{}",
                range.start,
                range.end.saturating_sub(1),
                content.size
            ),
        ));
    }
    let length = content.range.end.saturating_sub(content.range.start);
    Ok(response.body(SizedStream::new(length, content.stream)))
}

fn answer(status: StatusCode, tag: &str, media_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, FOREVER))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_TYPE, media_type));
    response
}

fn not_modified(tag: &str) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, FOREVER))
        .finish()
}

fn pending() -> Problem {
    Problem::new(Code::RenditionPending).retry_after(RENDITION_SECONDS)
}

fn lost(photo: &PhotoRow) -> Problem {
    tracing::error!(photo = %photo.id, "the content of a photo is not in the store");
    Problem::new(Code::Unavailable).retry_after(60)
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Which part of a file the request wants.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Outside,
}

/// Reads the range headers. Several ranges, other units and unreadable values mean the whole file.
fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let Some(range) = header(headers, RANGE) else {
        return Asked::Whole;
    };
    // A part is useful only with other parts of the same file.
    if header(headers, IF_RANGE).is_some_and(|known| known.trim() != tag) {
        return Asked::Whole;
    }
    let Ok(actix_web::http::header::Range::Bytes(parts)) = range.parse() else {
        return Asked::Whole;
    };
    match parts.as_slice() {
        // A part that ends before it begins is not a range.
        [ByteRangeSpec::FromTo(from, to)] if to < from => Asked::Whole,
        [part] => part
            .to_satisfiable_range(size)
            .map_or(Asked::Outside, |(first, last)| {
                Asked::Part(first..last.saturating_add(1))
            }),
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn asks(range: &'static str, if_range: Option<&'static str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static(range));
        if let Some(known) = if_range {
            headers.insert(IF_RANGE, HeaderValue::from_static(known));
        }
        asked(&headers, 1000, "\"abc\"")
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(asks("bytes=0-99", None), Asked::Part(0..100));
        assert_eq!(asks("bytes=900-", None), Asked::Part(900..1000));
        assert_eq!(asks("bytes=-10", None), Asked::Part(990..1000));
        assert_eq!(asks("bytes=-5000", None), Asked::Part(0..1000));
        assert_eq!(asks("bytes=990-5000", None), Asked::Part(990..1000));
        assert_eq!(asks("bytes=1000-", None), Asked::Outside);
        assert_eq!(asks("bytes=-0", None), Asked::Outside);
        for whole in ["bytes=9-1", "bytes=0-1,5-6", "bytes=a-b", "lines=1-2", ""] {
            assert_eq!(asks(whole, None), Asked::Whole, "{whole}");
        }
        assert_eq!(asks("bytes=0-99", Some("\"abc\"")), Asked::Part(0..100));
        assert_eq!(asks("bytes=0-99", Some("\"old\"")), Asked::Whole);
    }
}
