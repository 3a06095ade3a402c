//! Moves what operations repeat into named components.
//!
//! - Every problem response becomes a component, named by its codes (`NotFound`,
//!   `WrongStatusOrNotAtDesk`).
//! - Other responses, parameters and headers become one if several operations use them: `ReportOk`,
//!   `OfficerId`, `Cursor`.
//!
//! Owns the names of these components. It must not change what the document says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Codes that come with others wherever they come: no name needs them.
const COMPANIONS: [&str; 4] = [
    "token_expired",
    "password_change_required",
    "service_account_refused",
    "overloaded",
];

/// A name that lists more codes than this is no name: the first operation gives one instead.
const MOST_CODES: usize = 3;

/// Writes repeated headers, responses and parameters once.
pub fn share(document: &mut Value) {
    // Headers first: they stand in responses.
    for kind in [Kind::Headers, Kind::Responses, Kind::Parameters] {
        share_kind(document, kind);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Headers,
    Responses,
    Parameters,
}

impl Kind {
    const fn member(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Responses => "responses",
            Self::Parameters => "parameters",
        }
    }
}

/// Where something stands for the first time, and how often.
struct Repeated {
    value: Value,
    /// The status of a response, the name of a header, the thing whose id a parameter is.
    key: String,
    operation: String,
    times: usize,
}

fn share_kind(document: &mut Value, kind: Kind) {
    let mut order: Vec<Repeated> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    visit(document, kind, &mut |operation, key, slot| {
        if slot.get("$ref").is_some() {
            return;
        }
        let index = *known
            .entry(format!("{key} {slot}"))
            .or_insert_with(|| order.len());
        match order.get_mut(index) {
            Some(found) => found.times += 1,
            None => order.push(Repeated {
                value: slot.clone(),
                key: key.to_owned(),
                operation: operation.to_owned(),
                times: 1,
            }),
        }
    });
    let mut components = match document.pointer(&format!("/components/{}", kind.member())) {
        Some(Value::Object(components)) => components.clone(),
        _ => Map::new(),
    };
    let mut chosen: Vec<&Repeated> = order
        .iter()
        .filter(|found| found.times > 1 || found.value.get("x-problem-codes").is_some())
        .collect();
    // What stands in most places has the plainest name.
    chosen.sort_by_key(|found| std::cmp::Reverse(found.times));
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = components.keys().cloned().collect();
    for found in chosen {
        let Some(name) = candidates(kind, found)
            .into_iter()
            .find(|name| !name.is_empty() && !taken.contains(name))
        else {
            continue;
        };
        taken.insert(name.clone());
        components.insert(name.clone(), found.value.clone());
        names.insert(format!("{} {}", found.key, found.value), name);
    }
    visit(document, kind, &mut |_, key, slot| {
        if let Some(name) = names.get(&format!("{key} {slot}")) {
            *slot = json!({"$ref": format!("#/components/{}/{name}", kind.member())});
        }
    });
    if let Some(Value::Object(all)) = document.get_mut("components") {
        all.insert(kind.member().into(), Value::Object(components));
    }
}

/// Every place of a kind: the operation's id, the key under which it stands, and itself.
fn visit(document: &mut Value, kind: Kind, see: &mut dyn FnMut(&str, &str, &mut Value)) {
    for section in ["paths", "webhooks"] {
        let items = document.get_mut(section).and_then(Value::as_object_mut);
        for (path, item) in items.into_iter().flatten() {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                let id = operation
                    .get("operationId")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                if kind == Kind::Parameters {
                    let parameters = operation
                        .get_mut("parameters")
                        .and_then(Value::as_array_mut);
                    for parameter in parameters.into_iter().flatten() {
                        // The ids of two kinds of things are two parameters, even if described alike.
                        let named_id = parameter.get("name") == Some(&json!("id"));
                        let owner = if named_id { owner(path) } else { String::new() };
                        see(&id, &owner, parameter);
                    }
                    continue;
                }
                let responses = operation
                    .get_mut("responses")
                    .and_then(Value::as_object_mut);
                for (status, response) in responses.into_iter().flatten() {
                    if kind == Kind::Responses {
                        see(&id, status, response);
                        continue;
                    }
                    let headers = response.get_mut("headers").and_then(Value::as_object_mut);
                    for (name, header) in headers.into_iter().flatten() {
                        see(&id, name, header);
                    }
                }
            }
        }
    }
}

/// What it may be called, the best name first.
fn candidates(kind: Kind, found: &Repeated) -> Vec<String> {
    let operation = pascal(&found.operation);
    match kind {
        Kind::Headers => vec![pascal(&found.key), operation + &pascal(&found.key)],
        Kind::Parameters => {
            let name = found.value.get("name").and_then(Value::as_str);
            let name = name.unwrap_or_default();
            vec![found.key.clone() + &pascal(name), operation + &pascal(name)]
        }
        Kind::Responses => {
            let status = status_word(&found.key);
            let plain = match found.value.get("x-problem-codes") {
                Some(codes) => problem(codes),
                None => match schema(&found.value) {
                    Some(schema) => schema.to_owned() + status,
                    None => status.to_owned(),
                },
            };
            vec![plain, operation + status]
        }
    }
}

/// `ValidationFailedOrKeyReused`; nothing where it would be too long.
fn problem(codes: &Value) -> String {
    let codes: Vec<&str> = codes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let telling: Vec<_> = codes
        .iter()
        .filter(|code| !COMPANIONS.contains(code))
        .collect();
    let named = if telling.is_empty() {
        codes.iter().collect()
    } else {
        telling
    };
    if named.len() > MOST_CODES {
        return String::new();
    }
    let named: Vec<_> = named.into_iter().map(|code| pascal(code)).collect();
    named.join("Or")
}

/// The schema that a response holds, by name.
fn schema(response: &Value) -> Option<&str> {
    let content = response.get("content")?.as_object()?;
    let reference = content.values().next()?.pointer("/schema/$ref")?.as_str()?;
    reference.rsplit('/').next()
}

/// Whose id it is: `Report` of `/v1/reports/{id}/photos`.
fn owner(path: &str) -> String {
    let before = path.split("/{id}").next().unwrap_or_default();
    let segment = before.rsplit('/').next().unwrap_or_default();
    pascal(segment.strip_suffix('s').unwrap_or(segment))
}

/// `next_due at` → `NextDueAt`; what is in camel case stays so.
fn pascal(text: &str) -> String {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

fn status_word(status: &str) -> &'static str {
    match status {
        "200" => "Ok",
        "201" => "Created",
        "202" => "Accepted",
        "204" => "NoContent",
        "206" => "PartialContent",
        "304" => "NotModified",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "NotFound",
        "409" => "Conflict",
        "410" => "Gone",
        "422" => "UnprocessableContent",
        "2XX" => "Success",
        _ => "Answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let problem = |codes: &[&str]| json!({"description": "No.", "x-problem-codes": codes});
        let report = json!({"description": "The report.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}}});
        let id = json!({"name": "id", "in": "path", "required": true});
        let operation = |name: &str, conflict: &[&str]| {
            json!({
                "operationId": name, "parameters": [id, {"name": name, "in": "query"}],
                "responses": {"200": report, "404": problem(&["not_found"]), "409": problem(conflict)},
            })
        };
        json!({"components": {"schemas": {}}, "paths": {
            "/v1/reports/{id}/close": {"post": operation("closeReport", &["a", "b", "c", "d"])},
            "/v1/reports/{id}/return": {"post": operation("returnReport", &["wrong_status", "overloaded"])},
        }})
    }

    #[test]
    fn what_repeats_is_written_once() {
        let mut document = document();
        share(&mut document);
        let names = |kind: &str| -> Vec<String> {
            let components = document["components"][kind].as_object().unwrap();
            components.keys().cloned().collect()
        };
        let mut responses = names("responses");
        responses.sort();
        assert_eq!(
            responses,
            ["CloseReportConflict", "NotFound", "ReportOk", "WrongStatus"]
        );
        assert_eq!(names("parameters"), ["ReportId"]);
        let operation = &document["paths"]["/v1/reports/{id}/return"]["post"];
        assert_eq!(
            operation["responses"]["409"],
            json!({"$ref": "#/components/responses/WrongStatus"})
        );
        assert_eq!(
            operation["parameters"],
            json!([{"$ref": "#/components/parameters/ReportId"}, {"name": "returnReport", "in": "query"}])
        );
    }

    #[test]
    fn what_is_shared_already_stays_as_it_is() {
        let mut once = document();
        share(&mut once);
        let mut twice = once.clone();
        share(&mut twice);
        assert_eq!(once, twice);
    }
}
