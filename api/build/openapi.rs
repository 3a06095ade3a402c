//! The OpenAPI document: as it is checked in, in Chinese, both as YAML and JSON, and its routes.

use std::error::Error;
use std::fs;
use std::path::Path;

use yaml_serde::Value;

use crate::embedded::{Embedded, Route};
use crate::translation::{Dictionary, translate};

const METHODS: [(&str, &[&str]); 5] = [
    ("get", &["GET", "HEAD"]),
    ("post", &["POST"]),
    ("put", &["PUT"]),
    ("patch", &["PATCH"]),
    ("delete", &["DELETE"]),
];

/// Adds the document in all its forms.
pub fn embed(here: &Path, embedded: &mut Embedded) -> Result<Vec<Route>, Box<dyn Error>> {
    let source = here.join("../openapi.yaml");
    println!("cargo::rerun-if-changed={}", source.display());
    let english = fs::read_to_string(source)?;
    // `gridpatrol openapi > openapi.yaml` empties the file before it builds the program that fills it.
    let empty = english.trim().is_empty();
    if empty {
        println!("cargo::warning=openapi.yaml is empty: the program will serve no document");
    }
    let mut document: Value = if empty {
        Value::Mapping(yaml_serde::Mapping::new())
    } else {
        yaml_serde::from_str(&english)?
    };
    let routes = routes(&document);
    add(embedded, "en", &english, &document)?;
    translate(&mut document, &dictionary(here)?);
    let chinese = yaml_serde::to_string(&document)?;
    add(embedded, "zh-CN", &chinese, &document)?;
    Ok(routes)
}

fn add(
    embedded: &mut Embedded,
    language: &str,
    yaml: &str,
    document: &Value,
) -> Result<(), Box<dyn Error>> {
    let json = serde_json::to_vec(document)?;
    let name = |form| format!("openapi.{language}.{form}");
    embedded.add(&name("yaml"), "application/yaml", yaml.as_bytes())?;
    embedded.add(&name("json"), "application/json", &json)
}

/// The translation that is checked in. What a translator has yet to look at again does not count.
fn dictionary(here: &Path) -> Result<Dictionary, Box<dyn Error>> {
    let source = here.join("docs/openapi.zh-CN.po");
    println!("cargo::rerun-if-changed={}", source.display());
    let catalog = polib::po_file::parse(&source)?;
    Ok(catalog
        .messages()
        .filter(|message| message.is_translated() && !message.is_fuzzy())
        .filter_map(|message| {
            Some((
                message.msgid().to_owned(),
                message.msgstr().ok()?.to_owned(),
            ))
        })
        .collect())
}

fn routes(document: &Value) -> Vec<Route> {
    let paths = document.get("paths").and_then(Value::as_mapping);
    paths
        .into_iter()
        .flatten()
        .filter_map(|(path, item)| {
            let methods = METHODS
                .iter()
                .filter(|(method, _)| item.get(method).is_some())
                .flat_map(|(_, methods)| methods.iter().copied())
                .collect();
            Some((path.as_str()?.to_owned(), methods))
        })
        .collect()
}
