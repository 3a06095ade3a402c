//! How operations document the problems they may answer.
//!
//! An operation names its set: `responses((status = 200, body = Report), Read)`. Sets of a feature
//! are declared with [`refusals!`](crate::refusals). Each set becomes one response for each status; its
//! description and `x-problem-codes` list every code, with the shared example of each. Owns the sets
//! that all features share. It must not define codes: `gridpatrol_domain::error` does.

use std::collections::BTreeMap;

use gridpatrol_domain::error::Code;
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};

use gridpatrol_problem::language::Language;
use gridpatrol_problem::{FieldError, MEDIA_TYPE, Problem};

/// What any operation may answer.
pub const ANY: &[Code] = &[
    Code::ValidationFailed,
    Code::Overloaded,
    Code::Unavailable,
    Code::Internal,
];

/// What reading a body adds.
pub const BODY: &[Code] = &[
    Code::MalformedRequest,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
];

/// What the limits of callers add. [`SIGNED`] includes it.
pub const LIMITED: &[Code] = &[Code::RateLimited];

/// What signing in adds.
pub const SIGNED: &[Code] = &[
    Code::RateLimited,
    Code::Unauthenticated,
    Code::TokenExpired,
    Code::SessionEnded,
    Code::PasswordChangeRequired,
    Code::ServiceAccountRefused,
];

/// What an `Idempotency-Key` adds.
pub const KEYED: &[Code] = &[Code::KeyReused];

/// Declares sets of problems: `refusals! { /// Doc. pub Approve = [BODY, SIGNED] + [WrongStatus]; }`.
/// The first list names sets, the second single codes; [`ANY`] is always included.
#[macro_export]
macro_rules! refusals {
    ($($(#[$meta:meta])* $visibility:vis $name:ident = [$($set:ident),*] + [$($code:ident),*];)+) => {$(
        $(#[$meta])*
        $visibility struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::response::Response>,
            > {
                $crate::refusals::responses(&[
                    $crate::refusals::ANY,
                    $($crate::refusals::$set,)*
                    &[$(gridpatrol_domain::error::Code::$code,)*],
                ])
            }
        }
    )+};
}

refusals! {
    /// Reading, signed in.
    pub Read = [SIGNED] + [NotFound];
    /// Changing something, signed in, with a body and an `Idempotency-Key`.
    pub Write = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch];
    /// Without signing in and without a body.
    pub Open = [] + [];
    /// Without signing in, with a body.
    pub OpenWrite = [BODY, LIMITED] + [];
}

/// The responses for the codes in all `sets`, one for each status.
#[must_use]
pub fn responses(sets: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in sets.iter().flat_map(|set| set.iter()) {
        let codes = by_status.entry(code.status()).or_default();
        if !codes.contains(code) {
            codes.push(*code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(&codes).into()))
        .collect()
}

fn response(codes: &[Code]) -> Response {
    let described: Vec<_> = codes
        .iter()
        .map(|code| {
            format!(
                "`{}`: {} ({})",
                code.code(),
                code.title_zh(),
                code.title_en()
            )
        })
        .collect();
    let slugs: Vec<_> = codes.iter().map(|code| code.code()).collect();
    let examples = codes.iter().map(|code| {
        let reference = format!("#/components/examples/{}", code.code());
        (code.code(), RefOr::<Example>::Ref(Ref::new(reference)))
    });
    ResponseBuilder::new()
        .description(described.join("\n\n"))
        .content(
            MEDIA_TYPE,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .examples_from_iter(examples)
                .build(),
        )
        .extensions(Some(Extensions::from_iter([(
            "x-problem-codes",
            json!(slugs),
        )])))
        .build()
}

/// An example of every code, for the document's components.
#[must_use]
pub fn examples() -> BTreeMap<String, RefOr<Example>> {
    Code::ALL
        .iter()
        .map(|code| {
            let problem = example(*code);
            let written = problem.document(
                Language::Chinese,
                Some("0192f7a0-0000-7000-8000-000000000001"),
            );
            let example = ExampleBuilder::new()
                .summary(code.title_en())
                .value(serde_json::to_value(written).ok())
                .build();
            (code.code().to_owned(), RefOr::T(example))
        })
        .collect()
}

fn example(code: Code) -> Problem {
    let mut problem = Problem::new(code);
    match code {
        Code::ValidationFailed => problem.errors.push(FieldError::new(
            "/location/lat",
            "out_of_range",
            "Give a value from -90 to 90.",
        )),
        Code::VersionMismatch => problem.current_version = Some(4),
        Code::WrongStatus | Code::NotHolder | Code::NotAtDesk => {
            problem.allowed_actions = Some(vec!["comment".into()]);
        }
        Code::Unavailable
        | Code::Overloaded
        | Code::RateLimited
        | Code::LoginLocked
        | Code::RenditionPending => {
            problem.retry_after_s = Some(2);
        }
        _ => {}
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_one_status_share_a_response() {
        let responses = responses(&[ANY, SIGNED, &[Code::KeyReused, Code::KeyReused]]);
        let RefOr::T(invalid) = &responses["422"] else {
            panic!("a response stands in place")
        };
        let codes = &invalid.extensions.as_ref().unwrap()["x-problem-codes"];
        assert_eq!(*codes, json!(["validation_failed", "key_reused"]));
        assert_eq!(
            responses.keys().collect::<Vec<_>>(),
            ["401", "403", "422", "429", "500", "503"]
        );
    }

    #[test]
    fn every_code_has_an_example() {
        assert_eq!(examples().len(), Code::ALL.len());
    }
}
