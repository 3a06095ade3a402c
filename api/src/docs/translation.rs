//! The texts of the OpenAPI document, and their translation from one file.
//!
//! Owns which parts of a document are texts for people: summaries and descriptions, never examples.
//! The build script applies the translation, the tests keep it whole: so this file knows nothing of
//! the server.

use std::collections::HashMap;

use yaml_serde::Value;

/// From each English paragraph, on one line, to the Chinese one.
pub type Dictionary = HashMap<String, String>;

/// Members whose names are chosen by us: below them, `example` or `description` is a name.
const NAMED: [&str; 12] = [
    "callbacks",
    "content",
    "examples",
    "headers",
    "parameters",
    "paths",
    "patternProperties",
    "properties",
    "responses",
    "schemas",
    "securitySchemes",
    "webhooks",
];

/// Members that hold data, not texts.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "value"];

/// Members that are texts. `x-displayName` is the heading of a tag.
const TEXTS: [&str; 3] = ["description", "summary", "x-displayName"];

/// Calls `visit` with the place of every text, and the text.
pub fn texts(document: &mut Value, visit: &mut dyn FnMut(&[String], &mut String)) {
    walk(document, false, &mut Vec::new(), visit);
}

fn walk(
    value: &mut Value,
    named: bool,
    place: &mut Vec<String>,
    visit: &mut dyn FnMut(&[String], &mut String),
) {
    match value {
        Value::Mapping(members) => {
            for (name, member) in members.iter_mut() {
                let Some(name) = name.as_str() else { continue };
                let keyword = !named;
                if keyword && (DATA.contains(&name) || (name == "examples" && member.is_sequence()))
                {
                    continue;
                }
                place.push(name.to_owned());
                match member {
                    Value::String(text) if keyword && TEXTS.contains(&name) => visit(place, text),
                    member => walk(member, keyword && NAMED.contains(&name), place, visit),
                }
                place.pop();
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                place.push(index.to_string());
                walk(item, false, place, visit);
                place.pop();
            }
        }
        _ => {}
    }
}

/// The paragraphs of a text that need a translator, each on one line: a comment that is only wrapped
/// anew is the same text.
#[must_use]
pub fn paragraphs(place: &[String], text: &str) -> Vec<String> {
    if problem_of(place).is_some() {
        return Vec::new();
    }
    text.trim()
        .split("\n\n")
        .filter(|paragraph| codes_in_chinese(paragraph).is_none())
        .map(folded)
        .collect()
}

fn folded(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Translates a document. What has no translation stays as it is; a test names it.
pub fn translate(document: &mut Value, dictionary: &Dictionary) {
    let titles = problem_titles(document);
    texts(document, &mut |place, text| {
        if let Some(title) = problem_of(place).and_then(|code| titles.get(code)) {
            text.clone_from(title);
            return;
        }
        let translated = text.trim().split("\n\n").map(|paragraph| {
            codes_in_chinese(paragraph)
                .or_else(|| dictionary.get(&folded(paragraph)).cloned())
                .unwrap_or_else(|| paragraph.to_owned())
        });
        *text = translated.collect::<Vec<_>>().join("\n\n");
    });
}

/// The code that the summary of an example of a problem document is about.
fn problem_of(place: &[String]) -> Option<&str> {
    match place {
        [components, examples, code, summary]
            if components == "components" && examples == "examples" && summary == "summary" =>
        {
            Some(code)
        }
        _ => None,
    }
}

/// The Chinese title of each problem, which its example shows.
fn problem_titles(document: &Value) -> Dictionary {
    let examples = document
        .get("components")
        .and_then(|components| components.get("examples"))
        .and_then(Value::as_mapping);
    examples
        .into_iter()
        .flatten()
        .filter_map(|(code, example)| {
            let title = example.get("value")?.get("title")?.as_str()?;
            Some((code.as_str()?.to_owned(), title.to_owned()))
        })
        .collect()
}

/// A list of codes, each with its Chinese and its English name, without the English.
fn codes_in_chinese(paragraph: &str) -> Option<String> {
    let lines = paragraph.lines().map(|line| {
        let code = line.strip_prefix("- ").unwrap_or(line).strip_prefix('`')?;
        let (_, names) = code.split_once("`: ")?;
        let (chinese, english) = names.strip_suffix(')')?.rsplit_once(" (")?;
        (!chinese.is_ascii() || chinese == english)
            .then(|| {
                line.strip_suffix(&format!(" ({english})"))
                    .map(str::to_owned)
            })
            .flatten()
    });
    let lines = lines.collect::<Option<Vec<_>>>()?;
    (!lines.is_empty()).then(|| lines.join("\n"))
}
