//! What is answered where no route matches: 404 for a path nobody serves, 405 with `Allow` for a
//! method its path does not have.
//!
//! Takes the paths from the OpenAPI document, which holds every route there is.

use std::collections::HashSet;

use actix_web::dev::ResourceDef;
use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use gridpatrol_domain::error::Code;
use utoipa::openapi::OpenApi;

use gridpatrol_problem::Problem;

/// The methods of each path.
pub struct Routes(Vec<(ResourceDef, Vec<&'static str>)>);

impl Routes {
    /// The routes of a document.
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        Self(
            document
                .paths
                .paths
                .iter()
                .map(|(path, item)| {
                    let present = [
                        ("GET", item.get.is_some()),
                        ("HEAD", item.get.is_some()),
                        ("POST", item.post.is_some()),
                        ("PUT", item.put.is_some()),
                        ("PATCH", item.patch.is_some()),
                        ("DELETE", item.delete.is_some()),
                    ];
                    let methods = present
                        .into_iter()
                        .filter_map(|(method, present)| present.then_some(method))
                        .collect();
                    (ResourceDef::new(path.as_str()), methods)
                })
                .collect(),
        )
    }

    /// The answer to a request that no route matched.
    #[must_use]
    pub fn refuse(&self, request: &HttpRequest) -> HttpResponse {
        let mut methods: Vec<&str> = Vec::new();
        for (path, allowed) in &self.0 {
            if path.is_match(request.path()) {
                // A name that could be an id is of two routes.
                methods.extend(allowed);
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
        let problem =
            Problem::new(Code::MethodNotAllowed).detail(format!("Allowed here: {allowed}."));
        let mut response = problem.error_response();
        if let Ok(allowed) = allowed.parse() {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}
