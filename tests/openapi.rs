//! The document, the code table and the routes agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gridpatrol::openapi;
use gridpatrol_domain::error::Code;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The most that the written document may take, in bytes.
const MOST_BYTES: usize = 600_000;

fn document() -> Value {
    serde_json::to_value(openapi::document(None)).expect("JSON")
}

/// What a reference leads to, else the thing itself.
fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => part,
    }
}

/// Every operation of the document: method, path, and what is said of it, with shared responses and
/// parameters written out.
pub fn operations() -> Vec<(String, String, Value)> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let mut operation = operation.clone();
            let responses = operation["responses"].as_object_mut().expect("responses");
            for response in responses.values_mut() {
                *response = resolved(&document, response).clone();
            }
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                *parameter = resolved(&document, parameter).clone();
            }
            operations.push((method.clone(), path.clone(), operation));
        }
    }
    operations
}

/// The codes an operation may answer, by the document.
fn codes(operation: &Value) -> BTreeSet<String> {
    let responses = operation["responses"].as_object().expect("responses");
    responses
        .values()
        .filter_map(|response| response["x-problem-codes"].as_array())
        .flatten()
        .map(|code| code.as_str().expect("a code").to_owned())
        .collect()
}

#[test]
fn the_checked_in_document_is_what_the_code_says() {
    let path = Path::new(ROOT).join("openapi.yaml");
    let known = std::fs::read_to_string(&path).expect("openapi.yaml");
    assert!(
        known == openapi::yaml(&openapi::document(None)),
        "openapi.yaml is stale: cargo run --bin gridpatrol -- openapi > openapi.yaml"
    );
}

#[test]
fn every_operation_is_described_whole() {
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        for member in ["operationId", "summary", "description"] {
            assert!(
                operation[member]
                    .as_str()
                    .is_some_and(|text| !text.trim().is_empty()),
                "{name} has no {member}"
            );
        }
        let tags = operation["tags"].as_array().expect("tags");
        assert_eq!(tags.len(), 1, "{name}");
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for parameter in &parameters {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(
                !text.trim().is_empty(),
                "{name}: {} has no description",
                parameter["name"]
            );
        }
        let codes = codes(&operation);
        for code in ["unavailable", "internal"] {
            assert!(codes.contains(code), "{name} may answer {code}");
        }
        let signed = operation["security"]
            .as_array()
            .is_some_and(|ways| ways.iter().any(|way| way.get("bearer").is_some()));
        let told = ["unauthenticated", "token_expired", "session_ended"]
            .iter()
            .all(|code| codes.contains(*code));
        assert_eq!(
            signed, told,
            "{name}: who is signed in may be signed out, and nobody else"
        );
        if operation.get("requestBody").is_some() {
            for code in [
                "malformed_request",
                "body_too_large",
                "unsupported_media_type",
                "validation_failed",
            ] {
                assert!(
                    codes.contains(code),
                    "{name} reads a body and may answer {code}"
                );
            }
        }
        if path.contains('{') && path.starts_with("/v1/") {
            assert!(
                codes.contains("not_found"),
                "{name} names a thing that may not be there"
            );
        }
        let keyed = parameters
            .iter()
            .any(|parameter| parameter["name"] == "Idempotency-Key");
        assert_eq!(keyed, codes.contains("key_reused"), "{name}");
    }
}

#[test]
fn the_document_is_small_enough_to_read() {
    let written = openapi::yaml(&openapi::document(None));
    assert!(
        written.len() < MOST_BYTES,
        "openapi.yaml has {} bytes",
        written.len()
    );
    let document = document();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            for (status, response) in operation["responses"].as_object().expect("responses") {
                assert!(
                    status < &"400".to_owned() || response["$ref"].is_string(),
                    "{method} {path} writes its {status} out"
                );
            }
        }
    }
    let mut pending = vec![&document];
    while let Some(part) = pending.pop() {
        resolved(&document, part);
        match part {
            Value::Object(members) => pending.extend(members.values()),
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
}

#[test]
fn documentation_pages_send_nothing_by_themselves() {
    let document = document();
    for (method, path, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["required"] == true && parameter["in"] != "header" {
                continue;
            }
            let schema = resolved(&document, &parameter["schema"]);
            for part in [parameter, schema] {
                assert!(
                    part["example"].is_null() && part["examples"].is_null(),
                    "{method} {path}: {} has an example",
                    parameter["name"]
                );
            }
        }
    }
}

#[test]
fn what_is_patch_or_delete_may_come_as_post() {
    for (method, path, operation) in operations() {
        let named = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "X-HTTP-Method-Override");
        let meant = matches!(method.as_str(), "patch" | "delete");
        assert_eq!(named, meant, "{method} {path}");
    }
}

#[test]
fn every_code_is_documented() {
    let mut documented: BTreeSet<String> = operations()
        .iter()
        .flat_map(|(_, _, operation)| codes(operation))
        .collect();
    // Of no operation: the path or the method is wrong.
    documented.extend(["no_such_route", "method_not_allowed"].map(str::to_owned));
    let table: BTreeSet<String> = Code::ALL
        .iter()
        .map(|code| code.code().to_owned())
        .collect();
    let missing: Vec<_> = table.difference(&documented).collect();
    assert!(missing.is_empty(), "no operation may answer {missing:?}");
    let yaml = openapi::yaml(&openapi::document(None));
    for code in Code::ALL {
        assert!(
            yaml.contains(code.code()),
            "{code} does not stand in the document"
        );
    }
}

#[test]
fn every_code_is_used() {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for room in [
        "domain",
        "api/problem",
        "api/store",
        "api/http",
        "api/people",
        "api/reports",
        "api",
    ] {
        read(&Path::new(ROOT).join(room).join("src"), &mut used);
    }
    for code in Code::ALL {
        let name = format!("{code:?}");
        assert!(
            used.contains_key(&name),
            "Code::{name} is in the table and nowhere used"
        );
    }
}

/// Counts `Code::X` in sources, but for the table itself, the document's sets and tests.
fn read(folder: &Path, used: &mut BTreeMap<String, usize>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                read(&path, used);
            }
            continue;
        }
        let skipped = ["error.rs", "refusals.rs", "tests.rs"]
            .iter()
            .any(|name| path.ends_with(name));
        if skipped || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let source = source
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        for rest in source.split("Code::").skip(1) {
            let name: String = rest
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            *used.entry(name).or_default() += 1;
        }
    }
}
