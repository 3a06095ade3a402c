//! Answers compared with checked-in files, ids and times redacted.
//!
//! `GRIDPATROL_UPDATE_SNAPSHOTS=1` writes the files anew; the same file serves both databases.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value;
use uuid::Uuid;

/// Compares a value with `tests/snapshots/NAME.json`.
#[track_caller]
pub fn matches(name: &str, value: &Value) {
    let mut redacted = value.clone();
    Redactor::default().redact(&mut redacted);
    let written = serde_json::to_string_pretty(&redacted).expect("JSON") + "\n";
    matches_text(&format!("{name}.json"), &written);
}

/// Compares a text with `tests/snapshots/FILE`.
#[track_caller]
pub fn matches_text(file: &str, written: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/snapshots")
        .join(file);
    if std::env::var_os("GRIDPATROL_UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, written).expect("the snapshot is written");
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if known == written {
        return;
    }
    let difference: Vec<String> = known
        .lines()
        .zip(written.lines())
        .enumerate()
        .filter(|(_, (known, written))| known != written)
        .take(12)
        .map(|(line, (known, written))| {
            format!("{}: - {known}\n{}: + {written}", line + 1, line + 1)
        })
        .collect();
    panic!(
        "{} differs ({} lines, now {}):\n{}\nIf that is meant: GRIDPATROL_UPDATE_SNAPSHOTS=1",
        path.display(),
        known.lines().count(),
        written.lines().count(),
        difference.join("\n")
    );
}

/// Replaces what differs from run to run; the same id by the same name.
#[derive(Default)]
struct Redactor {
    ids: HashMap<Uuid, String>,
}

impl Redactor {
    fn redact(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if name.ends_with("_time_s") {
                        // How quick the machine was.
                        *value = Value::from("<seconds>");
                    }
                    self.redact(value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|value| self.redact(value)),
            Value::String(text) => *text = self.redacted(text),
            _ => {}
        }
    }

    fn redacted(&mut self, text: &str) -> String {
        if let Ok(id) = text.parse::<Uuid>() {
            let next = format!("<id {}>", self.ids.len() + 1);
            return self.ids.entry(id).or_insert(next).clone();
        }
        if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
            return "<time>".to_owned();
        }
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return "<sha-256>".to_owned();
        }
        if let Some((path, _)) = text.split_once("?exp=") {
            let segments: Vec<String> = path.split('/').map(|part| self.redacted(part)).collect();
            return format!("{}?<signature>", segments.join("/"));
        }
        // "…，11月21日 08:15前" and "990001100-2026-000001".
        dated(text)
    }
}

/// Dates and hours inside sentences and numbers.
fn dated(text: &str) -> String {
    if let Some((before, after)) = text.split_once('月') {
        let head = before.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let tail = after
            .trim_start_matches(|letter: char| letter.is_ascii_digit() || "日 :".contains(letter));
        if head.len() < before.len() && tail.starts_with('前') {
            return format!("{head}<time>{tail}");
        }
    }
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [town, year, sequence]
            if [town, year, sequence]
                .iter()
                .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                && (town.len(), year.len(), sequence.len()) == (9, 4, 6) =>
        {
            format!("{town}-<year>-{sequence}")
        }
        _ => text.to_owned(),
    }
}
