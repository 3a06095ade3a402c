//! Compares answers with the files in `tests/snapshots` (insta), with ids and times redacted.
//!
//! Both databases use the same file. `INSTA_UPDATE=always` rewrites the files; without it the test shows
//! the difference and, outside CI, writes `NAME.snap.new` next to the file (`cargo insta review`).

use std::collections::HashMap;

use insta::Settings;
use serde_json::Value;
use uuid::Uuid;

/// What differs from run to run, as it stands in JSON.
const FILTERS: [(&str, &str); 6] = [
    (
        r#""\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)""#,
        r#""<time>""#,
    ),
    // In a sentence.
    (r"\d+月[\d日 :]*前", "<time>前"),
    (r#""[0-9a-fA-F]{64}""#, r#""<sha-256>""#),
    (r#"\?exp=[^"]*"#, "?<signature>"),
    // The number of a report.
    (r#""(\d{9})-\d{4}-(\d{6})""#, r#""$1-<year>-$2""#),
    // How quick the machine was.
    (r#"(_time_s": )[\d.]+"#, r#"$1"<seconds>""#),
];

/// The settings of a comparison: `snapshot::settings().bind(|| insta::assert_json_snapshot!(…))`.
pub fn settings() -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_filters(FILTERS);
    settings
}

/// The same with names for ids, the same name for the same id. (A redaction of insta's knows one
/// value at a time, and needs ten more crates.)
pub fn with_named_ids(value: &Value) -> Value {
    fn name(value: &mut Value, names: &mut HashMap<Uuid, String>) {
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| name(value, names)),
            Value::Array(items) => items.iter_mut().for_each(|value| name(value, names)),
            Value::String(text) => {
                // An id, or a path with ids in it.
                let parts = text.split('/').map(|part| match part.parse::<Uuid>() {
                    Ok(id) => {
                        let next = format!("<id {}>", names.len() + 1);
                        names.entry(id).or_insert(next).clone()
                    }
                    Err(_) => part.to_owned(),
                });
                *text = parts.collect::<Vec<_>>().join("/");
            }
            _ => {}
        }
    }
    let mut named = value.clone();
    name(&mut named, &mut HashMap::new());
    named
}
