//! Prepared files as answers: compressed for clients that ask for it, 304 for those that have them.
//!
//! The document names the server's public address where the settings give one; then it is written
//! once, when it is first asked for.

use std::io::{self, Write as _};
use std::sync::OnceLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use gridpatrol_domain::error::Code;
use sha2::{Digest, Sha256};

use super::embedded::File;
use gridpatrol_http::{compression, etag};
use gridpatrol_problem::Problem;
use gridpatrol_problem::language::Language;

/// The form of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is checked in.
    Yaml,
    /// For programs that read no YAML.
    Json,
}

/// What is answered.
struct Content {
    kind: &'static str,
    tag: String,
    packed: Bytes,
}

/// The document, as a server at some address tells it.
pub struct Served {
    public_url: Option<String>,
    written: [OnceLock<Option<Content>>; 4],
}

impl Served {
    /// The document of a server at this address.
    #[must_use]
    pub const fn new(public_url: Option<String>) -> Self {
        Self {
            public_url,
            written: [const { OnceLock::new() }; 4],
        }
    }

    /// Answers with the document.
    ///
    /// # Errors
    /// `internal` if the program was built without it.
    pub fn answer(
        &self,
        request: &HttpRequest,
        form: Form,
        language: Language,
    ) -> Result<HttpResponse, Problem> {
        let extension = match form {
            Form::Yaml => "yaml",
            Form::Json => "json",
        };
        let name = format!("openapi.{}.{extension}", language.tag());
        let file = File::named(&name).ok_or_else(|| missing(&name))?;
        let mut response = match &self.public_url {
            None => file_answer(request, file)?,
            Some(url) => {
                let place = usize::from(form == Form::Json)
                    + 2 * usize::from(language == Language::English);
                let written = self
                    .written
                    .get(place)
                    .and_then(|written| written.get_or_init(|| at(file, form, url)).as_ref())
                    .ok_or_else(|| missing(&name))?;
                content_answer(request, written)?
            }
        };
        speaks(&mut response, language);
        Ok(response)
    }
}

/// Answers with a file.
///
/// # Errors
/// `internal` if it cannot be unpacked for a client that takes no compression.
pub fn file_answer(request: &HttpRequest, file: &'static File) -> Result<HttpResponse, Problem> {
    content_answer(
        request,
        &Content {
            kind: file.kind,
            tag: file.tag.to_owned(),
            packed: Bytes::from_static(file.packed),
        },
    )
}

/// Says which language an answer is in.
pub fn speaks(response: &mut HttpResponse, language: Language) {
    response
        .headers_mut()
        .insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
}

fn content_answer(request: &HttpRequest, content: &Content) -> Result<HttpResponse, Problem> {
    let tag = format!("\"{}\"", content.tag);
    let zipped = compression::is_asked(request);
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| etag::names(known, &tag));
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((CACHE_CONTROL, "public, no-cache"))
        // The bytes differ from the unpacked ones, so the tag is weak.
        .insert_header((ETAG, if zipped { format!("W/{tag}") } else { tag }))
        .append_header((VARY, "accept-encoding"));
    if known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, content.kind));
    if zipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
        return Ok(response.body(content.packed.clone()));
    }
    let unpacked = unpacked(&content.packed).map_err(|error| {
        tracing::error!(%error, "a file of the documentation cannot be unpacked");
        Problem::new(Code::Internal)
    })?;
    Ok(response.body(unpacked))
}

fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    io::copy(&mut flate2::read::GzDecoder::new(packed), &mut content)?;
    Ok(content)
}

/// The document with this address as its server's.
fn at(file: &File, form: Form, url: &str) -> Option<Content> {
    let document = String::from_utf8(unpacked(file.packed).ok()?).ok()?;
    let quoted = serde_json::to_string(url).ok()?;
    let (mark, server) = match form {
        // A JSON text is a YAML one too.
        Form::Yaml => ("\n- url: /\n", format!("\n- url: {quoted}\n")),
        Form::Json => (
            r#""servers":[{"url":"/"}]"#,
            format!(r#""servers":[{{"url":{quoted}}}]"#),
        ),
    };
    let document = document.replacen(mark, &server, 1);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(document.as_bytes()).ok()?;
    let packed = encoder.finish().ok()?;
    let hash = Sha256::digest(&document);
    let tag = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
    Some(Content {
        kind: file.kind,
        tag: tag.collect(),
        packed: packed.into(),
    })
}

fn missing(name: &str) -> Problem {
    tracing::error!(name, "the program was built without this file");
    Problem::new(Code::Internal)
}
