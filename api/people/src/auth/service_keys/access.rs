//! What a service account may call.
//!
//! Owns the table. An operation that is not in the table, including a new one, refuses service
//! accounts. The OpenAPI document uses the same table. This module must not look at single reports.

use gridpatrol_domain::error::Code;
use gridpatrol_domain::service::Access;

use gridpatrol_problem::Problem;

/// Operations by method and route, with the access that they need.
pub const OPERATIONS: &[(&str, &str, Access)] = &[
    ("GET", "/v1/me", Access::Read),
    ("GET", "/v1/bootstrap", Access::Read),
    ("POST", "/v1/auth/tickets", Access::Read),
    ("GET", "/v1/settings", Access::Read),
    ("GET", "/v1/settings/history", Access::Read),
    ("GET", "/v1/calendar", Access::Read),
    ("GET", "/v1/grids", Access::Read),
    ("GET", "/v1/grids/tree", Access::Read),
    ("GET", "/v1/grids/locate", Access::Read),
    ("GET", "/v1/grids/{id}", Access::Read),
    ("GET", "/v1/grids/{id}/boundary", Access::Read),
    ("GET", "/v1/grids/{id}/history", Access::Read),
    ("GET", "/v1/teams", Access::Read),
    ("GET", "/v1/teams/{id}", Access::Read),
    ("GET", "/v1/reports", Access::Read),
    ("GET", "/v1/reports/{id}", Access::Read),
    ("GET", "/v1/reports/{id}/events", Access::Read),
    ("GET", "/v1/reports/{id}/similar", Access::Read),
    ("GET", "/v1/reports/similar", Access::Read),
    ("GET", "/v1/photos/{id}", Access::Read),
    ("GET", "/v1/photos/{id}/original", Access::Read),
    ("GET", "/v1/photos/{id}/preview", Access::Read),
    ("GET", "/v1/photos/{id}/thumbnail", Access::Read),
    ("POST", "/v1/reports", Access::File),
    ("PUT", "/v1/reports/{id}", Access::File),
    ("POST", "/v1/photos", Access::File),
    ("PUT", "/v1/photos/{id}", Access::File),
];

/// The access that an operation needs. None: no service account may call it.
#[must_use]
pub fn needed(method: &str, route: &str) -> Option<Access> {
    OPERATIONS
        .iter()
        .find(|(of, at, _)| *of == method && *at == route)
        .map(|(_, _, access)| *access)
}

/// Whether an account with this access may call the operation.
///
/// # Errors
/// `service_account_refused`.
pub fn check(access: Access, method: &str, route: Option<&str>) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Code::ServiceAccountRefused).detail(detail));
    match route.and_then(|route| needed(method, route)) {
        None => refused(
            "Only a signed-in officer can do this. GET /v1/me shows what this service account may do.",
        ),
        Some(Access::File) if access == Access::Read => {
            refused("This service account may read only: to file, it needs the access `file`.")
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{OPERATIONS, check, needed};
    use gridpatrol_domain::service::Access;

    #[test]
    fn filing_includes_reading_and_what_is_not_named_is_refused() {
        for (method, route, access) in OPERATIONS {
            assert!(check(Access::File, method, Some(route)).is_ok());
            assert_eq!(
                check(Access::Read, method, Some(route)).is_ok(),
                *access == Access::Read
            );
        }
        assert_eq!(needed("POST", "/v1/reports/{id}/close"), None);
        assert!(check(Access::File, "GET", None).is_err());
        assert!(check(Access::File, "POST", Some("/v1/service-accounts")).is_err());
    }
}
