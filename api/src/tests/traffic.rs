//! Tests which operations are limited, and that the document says so.

use actix_web::http::Method;
use gridpatrol_http::traffic::Group;

use crate::openapi;

#[test]
fn each_operation_says_whether_it_is_limited() {
    let document = serde_json::to_value(openapi::document(None)).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let response = &operation["responses"]["429"];
            let response = response["$ref"]
                .as_str()
                .and_then(|shared| document.pointer(shared.trim_start_matches('#')))
                .unwrap_or(response);
            let codes = &response["x-problem-codes"];
            let says = codes
                .as_array()
                .is_some_and(|codes| codes.iter().any(|code| code == "rate_limited"));
            let limited = Group::of(&method, path).is_some();
            assert_eq!(says, limited, "{method} {path}");
            let headers = &response["headers"];
            assert_eq!(
                headers["Retry-After"].is_object(),
                limited,
                "{method} {path}"
            );
        }
    }
}
