//! What a service account may call.
//!
//! Owns the table. An operation that does not stand here refuses service accounts, a new one too; the
//! OpenAPI document is written from the same table.

use gridpatrol_domain::error::Code;
use gridpatrol_domain::service::Access;

use crate::problem::Problem;

/// Operations by method and route, with the access that they need.
const OPERATIONS: &[(&str, &str, Access)] = &[
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

/// The access that an operation needs; none: no service account may call it.
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
            "Officers do this, signed in. GET /v1/me tells what this service account may do.",
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

    #[test]
    fn every_operation_of_the_table_is_served() {
        let document = serde_json::to_value(crate::openapi::document(None)).unwrap();
        for (method, route, _) in OPERATIONS {
            let operation = &document["paths"][route][method.to_lowercase()];
            assert!(operation.is_object(), "{method} {route}");
            let ways = operation["security"].as_array().unwrap();
            assert!(
                ways.iter().any(|way| way.get("service_key").is_some()),
                "{method} {route} is documented for service accounts"
            );
        }
    }
}
