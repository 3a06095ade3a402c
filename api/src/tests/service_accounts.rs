//! Tests that the operations for service accounts are served and documented.

use gridpatrol_people::auth::service_keys::access::OPERATIONS;

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
