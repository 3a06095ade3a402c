//! The OpenAPI document: built from the handlers themselves, so that every route is documented.
//!
//! Owns the document's frame and the list of features with routes. It must not describe an operation:
//! the handler does.

mod components;
mod finish;

use serde_json::json;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;

use crate::webhooks;
use crate::{audit, bootstrap, docs, operation};
use gridpatrol_http::page::{Cursor, Limit};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_people::{auth, calendar, grids, imports, officers};
use gridpatrol_people::{service_accounts, settings, teams};
use gridpatrol_problem::FieldError;
use gridpatrol_reports::{notices, photos};

/// The name of the security scheme of signed-in operations.
pub const BEARER: &str = "bearer";
/// The name of the security scheme of service accounts.
pub const SERVICE_KEY: &str = "service_key";
/// The name of the security scheme of tickets.
pub const TICKET: &str = "ticket";

/// Every room's routes. A handler that is not named here does not exist.
pub fn rooms(config: &mut ServiceConfig<'_>) {
    audit::routes::routes(config);
    auth::routes::routes(config);
    bootstrap::routes::routes(config);
    calendar::routes::routes(config);
    docs::routes::routes(config);
    grids::routes::routes(config);
    imports::routes::routes(config);
    notices::routes::routes(config);
    officers::routes::routes(config);
    operation::routes(config);
    photos::routes::routes(config);
    gridpatrol_reports::routes::routes(config);
    service_accounts::routes::routes(config);
    settings::routes::routes(config);
    teams::routes::routes(config);
    webhooks::routes::routes(config);
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "gridpatrol",
        description = include_str!("openapi.md"),
        contact(name = "The gridpatrol maintainers"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(gridpatrol_problem::Document<'_>, FieldError, Limit, Cursor)),
    tags(
        (name = "auth", description = "Signing in, sessions, passwords, and who the caller is"),
        (name = "reports", description = "Filing reports and what happens to them"),
        (name = "actions", description = "What can be done to a report"),
        (name = "photos", description = "Photos of reports"),
        (name = "grids", description = "Towns, villages and groups"),
        (name = "officers", description = "Officers: accounts, postings, absences, deputies, and who is responsible"),
        (name = "teams", description = "Teams of a town that take work together"),
        (name = "settings", description = "What a town has set for itself, and the calendar"),
        (name = "imports", description = "Files that are imported"),
        (name = "notices", description = "What is sent to the apps and systems of others"),
        (name = "webhooks", description = "Where notices for the apps and systems of others go"),
        (name = "service-accounts", description = "Keys for dashboards and integrations"),
        (name = "audit", description = "The record of a town as a whole, and what of it can be proved"),
        (name = "operation", description = "For operators and tools"),
    ),
)]
struct Frame;

/// The headings of the sections, for people; the names are for tools.
const HEADINGS: [(&str, &str); 14] = [
    ("auth", "Signing in"),
    ("reports", "Reports"),
    ("actions", "Actions on reports"),
    ("photos", "Photos"),
    ("grids", "Grids"),
    ("officers", "Officers"),
    ("teams", "Teams"),
    ("settings", "Settings"),
    ("imports", "Imports"),
    ("notices", "Notices"),
    ("webhooks", "Webhooks"),
    ("service-accounts", "Service accounts"),
    ("audit", "Audit"),
    ("operation", "Operation"),
];

/// Every operation, as its handler describes it.
#[must_use]
pub fn collected() -> OpenApi {
    let mut document = Frame::openapi();
    rooms(&mut ServiceConfig::Describe(&mut document));
    document
}

/// The document of this program.
#[must_use]
pub fn document(public_url: Option<&str>) -> OpenApi {
    let mut document = collected();
    webhooks::sent::describe(&mut document);
    let server = ServerBuilder::new().url(public_url.unwrap_or("/")).build();
    document.servers = Some(vec![server]);
    for tag in document.tags.iter_mut().flatten() {
        let heading = HEADINGS.iter().find(|(name, _)| *name == tag.name);
        tag.extensions =
            heading.map(|(_, heading)| Extensions::from_iter([("x-displayName", json!(heading))]));
    }
    let components = document.components.get_or_insert_default();
    components
        .examples
        .extend(gridpatrol_http::refusals::examples());
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("`access_token` of POST /v1/auth/login."))
                .build(),
        ),
    );
    components.add_security_scheme(
        SERVICE_KEY,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "A key of a service account (`gp_…`), of POST /v1/service-accounts. Operations that \
                     do not name this scheme refuse it with `service_account_refused`.",
                ))
                .build(),
        ),
    );
    components.add_security_scheme(
        TICKET,
        SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(
            TICKET,
            "A ticket of POST /v1/auth/tickets, for EventSource and image tags. Every GET below its \
             prefix takes it instead of the `Authorization` header, which counts where both are sent.",
        ))),
    );
    finish::finish(&document).unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be finished");
        document
    })
}

/// The YAML form, the same for the same program.
#[must_use]
pub fn yaml(document: &OpenApi) -> String {
    document.to_yaml().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be written");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn operations(document: &serde_json::Value) -> Vec<(String, &serde_json::Value)> {
        document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .iter()
                    .map(move |(method, operation)| (format!("{method} {path}"), operation))
            })
            .collect()
    }

    #[test]
    fn every_operation_is_documented_whole() {
        let document = serde_json::to_value(document(None)).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let tags: BTreeSet<_> = document["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["name"].as_str().unwrap())
            .collect();
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            assert!(operation["summary"].is_string(), "{name} has a summary");
            let id = operation["operationId"].as_str().unwrap();
            assert!(
                !id.contains('_') && ids.insert(id.to_owned()),
                "{name}: {id} is in lowerCamelCase and the only one of its name"
            );
            for tag in operation["tags"].as_array().unwrap() {
                assert!(
                    tags.contains(tag.as_str().unwrap()),
                    "{name}: {tag} is declared"
                );
            }
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status < &"400".to_owned()),
                "{name} succeeds"
            );
            let public = name.contains("/v1/auth/login") || name.contains("/v1/auth/refresh");
            if name.contains("/v1/") && !public && operation["security"].is_array() {
                assert!(responses.contains_key("401"), "{name} may answer 401");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = serde_json::to_value(document(None)).unwrap();
        let mut pending = vec![&document];
        while let Some(value) = pending.pop() {
            if let Some(reference) = value.get("$ref").and_then(|value| value.as_str()) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            match value {
                serde_json::Value::Object(members) => pending.extend(members.values()),
                serde_json::Value::Array(items) => pending.extend(items),
                _ => {}
            }
        }
    }

    #[test]
    fn the_document_is_the_same_each_time() {
        assert_eq!(yaml(&document(None)), yaml(&document(None)));
    }
}
