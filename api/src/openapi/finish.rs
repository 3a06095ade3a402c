//! Completes the document with what follows from an operation's problem codes and schemas.
//!
//! Owns these rules. It must not know any feature.
//!
//! - An operation that may answer `unauthenticated` needs the bearer token.
//! - A service account's key works for some operations, a ticket for those a browser loads without
//!   headers.
//! - One that may answer `key_reused` takes `Idempotency-Key`; `version_mismatch` means `If-Match`,
//!   which `precondition_required` makes required; 304 means `If-None-Match`.
//! - One that may answer `rate_limited` says in each answer what the caller has left; 429 and 503 say
//!   when to try again.
//! - A body without required members may be left out.
//! - Answers leave out absent fields: in a schema that only answers use, nothing is nullable.
//! - PATCH and DELETE may come as POST with `X-HTTP-Method-Override`.
//! - Optional parameters and headers have no examples: documentation pages would send them.
//! - Components that no operation uses are left out.
//! - Generic schemas get natural names (`ReportPage`).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::{BEARER, SERVICE_KEY, TICKET};
use gridpatrol_people::auth::service_keys::access;

const SCHEMAS: &str = "#/components/schemas/";

/// Finishes a document.
pub fn finish(document: &OpenApi) -> serde_json::Result<OpenApi> {
    let mut document = serde_json::to_value(document)?;
    for operation in operations(&mut document) {
        conditions(operation);
        limits(operation);
    }
    further_ways_in(&mut document);
    method_override(&mut document);
    if let Some(components) = document
        .pointer_mut("/components")
        .and_then(Value::as_object_mut)
    {
        components.insert("parameters".into(), parameters());
        components.insert("headers".into(), headers());
    }
    optional_bodies(&mut document);
    without_nulls(&mut document);
    without_unused(&mut document);
    renamed(&mut document);
    without_sample_headers(&mut document);
    super::components::share(&mut document);
    serde_json::from_value(document)
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    document
        .pointer_mut("/paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut())
}

/// The header parameters that operations share.
fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes the request safe to repeat: the same key and body get the first answer again. Kept 90 days.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "The ETag of what you read: the change is refused (412) if it has another version by now.",
            "schema": {"type": "string"},
        },
        "IfMatchRequired": {
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of what you read: the change is refused (412) if it has another version by now.",
            "schema": {"type": "string"},
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The ETag of what you have: 304 if it has not changed.",
            "schema": {"type": "string"},
        },
        "MethodOverride": {
            "name": "X-HTTP-Method-Override", "in": "header", "required": false,
            "description": "For clients that cannot send `PATCH` or `DELETE`: send `POST` to the same path with the method that is meant. Beside that method itself it changes nothing.",
            "schema": {"type": "string", "enum": ["PATCH", "DELETE"]},
        },
    })
}

/// The headers that answers share (draft-ietf-httpapi-ratelimit-headers-10).
fn headers() -> Value {
    json!({
        "RateLimit": {
            "description": "How the caller stands: `r` requests of this kind are left, `t` seconds until all are there again.",
            "schema": {"type": "string"}, "example": "\"lists\";r=479;t=1",
        },
        "RateLimitPolicy": {
            "description": "The limit of this kind of request: `q` of them within `w` seconds. The defaults are settings of the server.",
            "schema": {"type": "string"}, "example": "\"lists\";q=480;w=120",
        },
        "RetryAfter": {
            "description": "Seconds until it is worth trying again.",
            "schema": {"type": "integer", "minimum": 1}, "example": 2,
        },
    })
}

fn limits(operation: &mut Value) {
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let limited = codes(responses).contains("rate_limited");
    for (status, response) in responses {
        let mut told: Vec<(&str, &str)> = Vec::new();
        if matches!(status.as_str(), "429" | "503") {
            told.push(("Retry-After", "RetryAfter"));
        }
        if limited && (status.starts_with('2') || status == "304" || status == "429") {
            told.push(("RateLimit", "RateLimit"));
            told.push(("RateLimit-Policy", "RateLimitPolicy"));
        }
        let Some(response) = response.as_object_mut().filter(|_| !told.is_empty()) else {
            continue;
        };
        if let Value::Object(headers) = response.entry("headers").or_insert_with(|| json!({})) {
            for (name, component) in told {
                let reference = json!({"$ref": format!("#/components/headers/{component}")});
                headers.entry(name).or_insert(reference);
            }
        }
    }
}

/// Every problem code of an operation's responses.
fn codes(responses: &serde_json::Map<String, Value>) -> BTreeSet<String> {
    responses
        .values()
        .filter_map(|response| response.get("x-problem-codes").and_then(Value::as_array))
        .flatten()
        .filter_map(|code| code.as_str().map(str::to_owned))
        .collect()
}

fn conditions(operation: &mut Value) {
    let Some(responses) = operation.get("responses").and_then(Value::as_object) else {
        return;
    };
    let codes = codes(responses);
    let mut headers = Vec::new();
    if codes.contains("key_reused") {
        headers.push("IdempotencyKey");
    }
    if codes.contains("precondition_required") {
        headers.push("IfMatchRequired");
    } else if codes.contains("version_mismatch") {
        headers.push("IfMatch");
    }
    if responses.contains_key("304") {
        headers.push("IfNoneMatch");
    }
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    if codes.contains("unauthenticated") {
        // A handler that serves signed links too says so itself.
        operation
            .entry("security")
            .or_insert_with(|| json!([{ BEARER: [] }]));
    } else {
        // Says explicitly that everybody may call it.
        operation
            .entry("security")
            .or_insert_with(|| Value::Array(Vec::new()));
    }
    if headers.is_empty() {
        return;
    }
    if let Value::Array(parameters) = operation
        .entry("parameters")
        .or_insert_with(|| Value::Array(Vec::new()))
    {
        // A header that the handler describes itself stays as it is.
        let described: Vec<String> = parameters
            .iter()
            .filter_map(|parameter| parameter.get("name").and_then(Value::as_str))
            .map(|name| name.replace('-', ""))
            .collect();
        parameters.extend(
            headers
                .into_iter()
                .filter(|name| {
                    !described
                        .iter()
                        .any(|known| name.starts_with(known.as_str()))
                })
                .map(|name| json!({"$ref": format!("#/components/parameters/{name}")})),
        );
    }
}

/// Beside the access token: service accounts where they are let in, and tickets where a browser loads
/// something without headers. (Every other GET takes them too: but a generated client would add them to
/// each of its requests.)
fn further_ways_in(document: &mut Value) {
    let Some(paths) = document
        .pointer_mut("/paths")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (route, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let loaded = method == "get" && !answers_json(operation);
            let Some(Value::Array(ways)) = operation.get_mut("security") else {
                continue;
            };
            if !ways.iter().any(|way| way.get(BEARER).is_some()) {
                continue;
            }
            if access::needed(&method.to_uppercase(), route).is_some() {
                ways.push(json!({ SERVICE_KEY: [] }));
            }
            if loaded {
                ways.push(json!({ TICKET: [] }));
            }
        }
    }
}

/// PATCH and DELETE name the header by which a POST stands for them.
fn method_override(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (method, operation) in paths
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flatten()
    {
        if !matches!(method.as_str(), "patch" | "delete") {
            continue;
        }
        if let Some(Value::Array(parameters)) = operation
            .as_object_mut()
            .map(|operation| operation.entry("parameters").or_insert_with(|| json!([])))
        {
            parameters.push(json!({"$ref": "#/components/parameters/MethodOverride"}));
        }
    }
}

/// Removes the examples of headers and of optional parameters: documentation pages would send them, with
/// a version, a key or a map area that the reader did not choose.
fn without_sample_headers(document: &mut Value) {
    let inline = operations(document)
        .filter_map(|operation| operation.get_mut("parameters"))
        .filter_map(Value::as_array_mut)
        .flatten();
    for parameter in inline {
        let required = parameter.get("required") == Some(&json!(true));
        let header = parameter.get("in") == Some(&json!("header"));
        if required && !header {
            continue;
        }
        let Some(parameter) = parameter.as_object_mut() else {
            continue;
        };
        for member in ["example", "examples"] {
            parameter.remove(member);
            if let Some(Value::Object(schema)) = parameter.get_mut("schema") {
                schema.remove(member);
            }
        }
    }
}

/// A body without required members may be left out: an empty one is read as `{}`.
fn optional_bodies(document: &mut Value) {
    let needs: BTreeSet<String> = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema.get("required").is_some())
        .map(|(name, _)| format!("{SCHEMAS}{name}"))
        .collect();
    for operation in operations(document) {
        let Some(body) = operation.get_mut("requestBody") else {
            continue;
        };
        let optional = body
            .pointer("/content/application~1json/schema/$ref")
            .and_then(Value::as_str)
            .is_some_and(|schema| !needs.contains(schema));
        if optional && let Some(body) = body.as_object_mut() {
            body.remove("required");
        }
    }
}

/// Whether a success is JSON.
fn answers_json(operation: &Value) -> bool {
    operation
        .pointer("/responses/200/content/application~1json")
        .is_some()
}

/// Takes "or null" out of everything that only answers use.
fn without_nulls(document: &mut Value) {
    let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(document) {
        for part in ["requestBody", "parameters"] {
            references(operation.get(part), &mut asked);
        }
        references(operation.get("responses"), &mut answered);
        // What stands in a path, a query or a header cannot be null either.
        for part in ["parameters", "responses"] {
            if let Some(part) = operation.get_mut(part) {
                take_nulls(part);
            }
        }
    }
    // What webhooks send is written by the server, as answers are.
    references(document.get("webhooks"), &mut answered);
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for names in [&mut asked, &mut answered] {
        let mut pending: Vec<_> = names.iter().cloned().collect();
        while let Some(name) = pending.pop() {
            let mut further = BTreeSet::new();
            references(schemas.get(&name), &mut further);
            pending.extend(further.difference(names).cloned().collect::<Vec<_>>());
            names.extend(further);
        }
    }
    for name in answered.difference(&asked) {
        if let Some(schema) = schemas.get_mut(name) {
            take_nulls(schema);
        }
    }
}

/// The names of the schemas that a part of the document refers to.
fn references(part: Option<&Value>, names: &mut BTreeSet<String>) {
    let mut pointers = BTreeSet::new();
    if let Some(part) = part {
        pointers_in(part, &mut pointers);
    }
    names.extend(
        pointers
            .iter()
            .filter_map(|pointer| pointer.strip_prefix(SCHEMAS))
            .map(str::to_owned),
    );
}

/// Everything that a part of the document refers to.
fn pointers_in(part: &Value, pointers: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                pointers.insert(reference.to_owned());
            }
            for member in members.values() {
                pointers_in(member, pointers);
            }
        }
        Value::Array(items) => {
            for item in items {
                pointers_in(item, pointers);
            }
        }
        _ => {}
    }
}

/// Leaves out the components that no operation refers to, directly or through others.
fn without_unused(document: &mut Value) {
    let mut used = BTreeSet::new();
    for part in ["paths", "webhooks"] {
        if let Some(part) = document.get(part) {
            pointers_in(part, &mut used);
        }
    }
    let mut pending: Vec<String> = used.iter().cloned().collect();
    while let Some(pointer) = pending.pop() {
        let mut further = BTreeSet::new();
        if let Some(component) = pointer
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
        {
            pointers_in(component, &mut further);
        }
        pending.extend(further.difference(&used).cloned().collect::<Vec<_>>());
        used.extend(further);
    }
    for kind in ["schemas", "parameters", "examples", "headers"] {
        if let Some(components) = document
            .pointer_mut(&format!("/components/{kind}"))
            .and_then(Value::as_object_mut)
        {
            components.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
        }
    }
}

fn take_nulls(schema: &mut Value) {
    let null = json!({"type": "null"});
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("oneOf")
                && choices.contains(&null)
            {
                choices.retain(|choice| *choice != null);
                if let [Value::Object(only)] = choices.as_slice() {
                    let mut only = only.clone();
                    members.remove("oneOf");
                    only.append(members);
                    *members = only;
                }
            }
            members.values_mut().for_each(take_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(take_nulls),
        _ => {}
    }
}

/// Names generic schemas as one says it: `Page_Report` is `ReportPage`.
fn renamed(document: &mut Value) {
    fn spoken(name: &str) -> String {
        name.split('_').rev().collect()
    }
    if let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        *schemas = std::mem::take(schemas)
            .into_iter()
            .map(|(name, schema)| (spoken(&name), schema))
            .collect();
    }
    fn follow(part: &mut Value) {
        match part {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("$ref")
                    && let Some(name) = reference.strip_prefix(SCHEMAS)
                {
                    *reference = format!("{SCHEMAS}{}", spoken(name));
                }
                members.values_mut().for_each(follow);
            }
            Value::Array(items) => items.iter_mut().for_each(follow),
            _ => {}
        }
    }
    follow(document);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use utoipa::{OpenApi as _, ToSchema};

    use gridpatrol_http::page::Page;
    use gridpatrol_http::refusals::{Read, Write};

    #[derive(ToSchema, Deserialize)]
    #[allow(dead_code)]
    struct Asked {
        note: Option<String>,
    }

    #[derive(ToSchema, Serialize)]
    #[allow(dead_code)]
    struct Inner {
        note: Option<String>,
    }

    #[derive(ToSchema, Serialize)]
    #[allow(dead_code)]
    struct Answered {
        note: Option<String>,
        /// Inside.
        inner: Option<Inner>,
    }

    #[utoipa::path(post, path = "/x", request_body = Asked,
        responses((status = 200, description = "Done.", body = Page<Answered>), Write))]
    #[allow(dead_code)]
    fn write() {}

    #[utoipa::path(get, path = "/x",
        responses((status = 200, description = "Here.", body = Answered), (status = 304, description = "Same."), Read))]
    #[allow(dead_code)]
    fn read() {}

    #[utoipa::path(put, path = "/x", params(("If-Match" = String, Header, description = "Ours.")),
        responses((status = 200, description = "Done.", body = Answered), Write))]
    #[allow(dead_code)]
    fn described() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(read, write, described))]
    struct Frame;

    #[test]
    fn what_follows_from_the_codes_is_written_in() {
        let document = serde_json::to_value(finish(&Frame::openapi()).unwrap()).unwrap();
        let path = &document["paths"]["/x"];
        assert_eq!(path["post"]["security"], json!([{"bearer": []}]));
        let headers = |method: &str| {
            let parameters = path[method]["parameters"].as_array().unwrap().iter();
            parameters
                .map(|parameter| {
                    let name = parameter["$ref"].as_str().or(parameter["name"].as_str());
                    name.unwrap().rsplit('/').next().unwrap().to_owned()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(headers("post"), ["IdempotencyKey", "IfMatch"]);
        assert_eq!(headers("get"), ["IfNoneMatch"]);
        let components = &document["components"];
        assert!(components["parameters"]["IfMatch"].is_object());
        assert!(components["parameters"]["IfMatchRequired"].is_null());
        assert_eq!(headers("put"), ["If-Match", "IdempotencyKey"]);
    }

    #[test]
    fn only_requests_may_hold_null() {
        let document = serde_json::to_value(finish(&Frame::openapi()).unwrap()).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Asked"]["properties"]["note"]["type"],
            json!(["string", "null"])
        );
        assert_eq!(schemas["Answered"]["properties"]["note"]["type"], "string");
        assert_eq!(schemas["Inner"]["properties"]["note"]["type"], "string");
        let inner = &schemas["Answered"]["properties"]["inner"];
        assert_eq!(inner["$ref"], "#/components/schemas/Inner");
        assert_eq!(inner["description"], "Inside.");
        assert!(schemas["AnsweredPage"].is_object());
    }
}
