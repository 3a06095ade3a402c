//! Answers requests that no route matches: 404 for an unknown path, 405 with `Allow` for a method that
//! the path does not have.
//!
//! Owns these two answers. The build makes a table of paths from the OpenAPI document, which holds every
//! route. It must not know any feature.

use std::collections::HashSet;

use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use gridpatrol_domain::error::Code;

use gridpatrol_problem::Problem;

/// The methods of each path.
pub type Routes = [(&'static str, &'static [&'static str])];

/// The answer to a request that no route matched.
#[must_use]
pub fn refuse(routes: &Routes, request: &HttpRequest) -> HttpResponse {
    let mut methods: Vec<&str> = Vec::new();
    for (path, allowed) in routes {
        if matches(path, request.path()) {
            // A segment that could be a name or an id matches two routes.
            methods.extend(*allowed);
        }
    }
    let mut seen = HashSet::new();
    methods.retain(|method| seen.insert(*method));
    if methods.is_empty() {
        return Problem::new(Code::NoSuchRoute)
            .detail("GET /openapi.yaml lists every route.")
            .error_response();
    }
    let allowed = methods.join(", ");
    let problem = Problem::new(Code::MethodNotAllowed).detail(format!("Allowed here: {allowed}."));
    let mut response = problem.error_response();
    if let Ok(allowed) = allowed.parse() {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// Whether a path matches this template. A name in braces matches one segment.
fn matches(template: &str, path: &str) -> bool {
    let (mut named, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (named.next(), given.next()) {
            (None, None) => return true,
            (Some(named), Some(given)) => {
                let any = named.starts_with('{') && !given.is_empty();
                if !any && named != given {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_braces_is_one_segment() {
        assert!(matches("/v1/reports/{id}", "/v1/reports/7"));
        assert!(matches("/", "/"));
        for path in [
            "/v1/reports",
            "/v1/reports/",
            "/v1/reports/7/close",
            "/v1/x/7",
        ] {
            assert!(!matches("/v1/reports/{id}", path), "{path}");
        }
    }
}
