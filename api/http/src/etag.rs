//! Versions over HTTP: `ETag`, `If-None-Match` and `If-Match`.
//!
//! An ETag is `"<version>-<hash of the body>"`: the hash covers what this caller sees, and a change must
//! match the version. Owns these headers. It must not know which things have versions.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType, ETAG, HeaderValue};
use gridpatrol_domain::error::Code;
use serde::Serialize;
use sha2::{Digest, Sha256};

use gridpatrol_problem::{FieldError, Problem};

/// The ETag of this body at this version.
#[must_use]
pub fn of(version: i64, body: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(body));
    format!("\"{version}-{hash:.16}\"")
}

/// Answers 200 with the body and its ETag, or 304 if the caller already has it.
///
/// # Errors
/// `internal` if the body cannot be written as JSON.
pub fn json<T: Serialize>(
    if_none_match: Option<&str>,
    version: i64,
    body: &T,
) -> Result<HttpResponse, Problem> {
    let body = write(body)?;
    let tag = of(version, body.as_bytes());
    if if_none_match.is_some_and(|known| names(known, &tag)) {
        return Ok(HttpResponse::NotModified()
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, "private, no-cache"))
            .finish());
    }
    Ok(answer(StatusCode::OK, Some(version), body))
}

/// As [`json`], but the ETag covers only `tagged`. The body may hold more, such as the current time.
///
/// # Errors
/// As [`json`].
pub fn json_tagged<T: Serialize>(
    if_none_match: Option<&str>,
    version: i64,
    tagged: &str,
    body: &T,
) -> Result<HttpResponse, Problem> {
    let tag = of(version, tagged.as_bytes());
    let mut response = if if_none_match.is_some_and(|known| names(known, &tag)) {
        HttpResponse::NotModified().finish()
    } else {
        answer(StatusCode::OK, None, write(body)?)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

/// Answers with JSON text, and with an ETag if there is a version.
#[must_use]
pub fn answer(status: StatusCode, version: Option<i64>, body: String) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "private, no-cache"));
    if let Some(version) = version {
        response.insert_header((ETAG, of(version, body.as_bytes())));
    }
    response.insert_header(ContentType::json()).body(body)
}

/// Writes an answer as JSON.
///
/// # Errors
/// `internal` if it cannot be written.
pub fn write<T: Serialize>(body: &T) -> Result<String, Problem> {
    serde_json::to_string(body).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        Problem::new(Code::Internal)
    })
}

/// Whether `If-None-Match` names the tag (weak comparison).
pub fn names(known: &str, tag: &str) -> bool {
    known
        .split(',')
        .map(|candidate| candidate.trim())
        .any(|candidate| {
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
        })
}

/// The versions from `If-Match`. A change may start only from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<i64>>);

impl IfMatch {
    /// Reads the header: this server's ETags, with or without quotes, or `*`.
    ///
    /// # Errors
    /// A wrong value at `header/If-Match`.
    pub fn parse(header: &str) -> Result<Self, FieldError> {
        if header.trim() == "*" {
            return Ok(Self(None));
        }
        header
            .split(',')
            .map(|candidate| {
                let candidate = candidate.trim();
                let tag = candidate.strip_prefix("W/").unwrap_or(candidate);
                let tag = tag
                    .strip_prefix('"')
                    .and_then(|tag| tag.strip_suffix('"'))
                    .unwrap_or(tag);
                let version = tag.split_once('-').map_or(tag, |(version, _)| version);
                version.parse::<i64>().ok()
            })
            .collect::<Option<Vec<_>>>()
            .map(|versions| Self(Some(versions)))
            .ok_or_else(|| {
                FieldError::new(
                    "header/If-Match",
                    "bad_format",
                    "Give the ETag of the answer you read, such as \"3-9f86d081884c7d65\".",
                )
            })
    }

    /// Compares with the current version.
    ///
    /// # Errors
    /// `version_mismatch` with the current version.
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(allowed) if !allowed.contains(&current) => Err(Problem {
                current_version: Some(current),
                ..Problem::new(Code::VersionMismatch)
            }
            .detail("Read it again and repeat your change on the new version.")),
            _ => Ok(()),
        }
    }
}

/// Compares if the header was sent.
///
/// # Errors
/// `version_mismatch` with the current version.
pub fn check(if_match: Option<&IfMatch>, current: i64) -> Result<(), Problem> {
    if_match.map_or(Ok(()), |if_match| if_match.check(current))
}

/// As [`check`], where `If-Match` is required.
///
/// # Errors
/// `precondition_required` without the header, `version_mismatch` with another version.
pub fn require(if_match: Option<&IfMatch>, current: i64) -> Result<(), Problem> {
    if_match
        .ok_or_else(|| {
            Problem::new(Code::PreconditionRequired)
                .detail("Read it first and send its ETag in If-Match.")
        })?
        .check(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_versions_only() {
        for header in [
            "\"3-9f86d081\"",
            "W/\"3-other\"",
            "3",
            "\"1-x\", \"3-y\"",
            "*",
        ] {
            assert!(IfMatch::parse(header).unwrap().check(3).is_ok(), "{header}");
        }
        let stale = IfMatch::parse("\"2-9f86d081\"")
            .unwrap()
            .check(3)
            .unwrap_err();
        assert_eq!(stale.code, Code::VersionMismatch);
        assert_eq!(stale.current_version, Some(3));
        for header in ["", "\"\"", "abc", "\"3-a\",", "\"-3\""] {
            assert_eq!(
                IfMatch::parse(header).unwrap_err().pointer,
                "header/If-Match",
                "{header}"
            );
        }
    }

    #[test]
    fn a_required_header_is_asked_for() {
        assert_eq!(
            require(None, 1).unwrap_err().code,
            Code::PreconditionRequired
        );
        assert!(check(None, 1).is_ok());
    }

    #[test]
    fn what_the_caller_has_is_not_sent_again() {
        let body = serde_json::json!({"a": 1});
        let first = json(None, 3, &body).unwrap();
        let tag = first
            .headers()
            .get(ETAG)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(tag.starts_with("\"3-"));
        let weak = format!("\"1-x\", W/{tag}");
        for known in [tag.as_str(), weak.as_str(), "*"] {
            assert_eq!(
                json(Some(known), 3, &body).unwrap().status(),
                StatusCode::NOT_MODIFIED
            );
        }
        // The same version, but this caller sees another body.
        assert_eq!(
            json(Some(&tag), 3, &serde_json::json!({"a": 2}))
                .unwrap()
                .status(),
            StatusCode::OK
        );
    }
}
