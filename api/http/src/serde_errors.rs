//! Translates serde's messages to stable codes and advice for the client.
//!
//! Owns this translation. It must not decide what happens after a mistake.

use serde_path_to_error::Segment;

use super::validate::push_segment;

/// One step down into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a member of an object.
    Member(String),
    /// Into an element of a list.
    Element(usize),
}

/// The steps of serde's path. Skips enum variants, which are not part of the document.
#[must_use]
pub fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Element(*index)),
            Segment::Map { key } => Some(Step::Member(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// A mistake in a request.
#[derive(Debug)]
pub struct Fault {
    /// Where it is.
    pub path: Vec<Step>,
    /// Its stable code.
    pub code: &'static str,
    /// What to do about it.
    pub detail: String,
    /// Whether a required member is missing.
    pub missing: bool,
}

impl Fault {
    /// Translates serde's message about the value at `path`.
    #[must_use]
    pub fn new(path: &[Step], message: &str) -> Self {
        let fault = |code, detail: String| Self {
            path: path.to_vec(),
            code,
            detail,
            missing: false,
        };
        if let Some(name) = quoted(message, "missing field ") {
            let mut path = path.to_vec();
            path.push(Step::Member(name.to_owned()));
            return Self {
                path,
                code: "required",
                detail: "This field is required.".into(),
                missing: true,
            };
        }
        if let Some(name) = quoted(message, "unknown field ") {
            let known = message
                .split_once("expected ")
                .map_or("none", |(_, known)| known.trim_start_matches("one of "));
            let mut fault = fault(
                "unknown_field",
                format!(
                    "There is no such field. Known here: {}.",
                    known.replace('`', "")
                ),
            );
            let step = Step::Member(name.to_owned());
            if fault.path.last() != Some(&step) {
                fault.path.push(step);
            }
            return fault;
        }
        let message = message.trim();
        if message.starts_with("UUID parsing failed") {
            return fault(
                "bad_format",
                "Give a UUID, such as 0192f7a0-0000-7000-8000-000000000001.".into(),
            );
        }
        if TIME_FAULTS.contains(&message) {
            return fault(
                "bad_format",
                "Give a time with its offset (2026-11-20T08:15:00+08:00), or a date (2026-11-20) where a date is asked for."
                    .into(),
            );
        }
        if let Some(rest) = message.strip_prefix("invalid type: ") {
            return fault("wrong_type", expected(rest));
        }
        if let Some(rest) = message.strip_prefix("invalid value: ") {
            return fault("out_of_range", expected(rest));
        }
        if let Some(rest) = message.strip_prefix("invalid length ") {
            return fault("wrong_type", expected(rest));
        }
        if message.starts_with("unknown variant") {
            let known = message
                .split_once("expected ")
                .map_or("", |(_, known)| known.trim_start_matches("one of "));
            return fault(
                "not_allowed",
                format!("Give one of: {}.", known.replace('`', "")),
            );
        }
        if let Some(names) = message.strip_prefix("missing one of ") {
            return fault("required", format!("Give one of {names}."));
        }
        if let Some(names) = message.strip_prefix("more than one of ") {
            return fault("not_allowed", format!("Give only one of {names}."));
        }
        fault("bad_format", format!("It cannot be read: {message}."))
    }

    /// Where it is, as an RFC 6901 pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        pointer(&self.path)
    }
}

/// chrono's messages about a text that is not a time.
const TIME_FAULTS: [&str; 7] = [
    "input is out of range",
    "no possible date and time matching input",
    "input is not enough for unique date and time",
    "input contains invalid characters",
    "premature end of input",
    "trailing input",
    "bad or unsupported format string",
];

fn pointer(path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Member(name) => push_segment(&mut pointer, name),
            Step::Element(index) => push_segment(&mut pointer, &index.to_string()),
        }
    }
    pointer
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message
        .strip_prefix(before)?
        .strip_prefix('`')?
        .split_once('`')
        .map(|(name, _)| name)
}

/// "string \"abc\", expected i64" → a sentence in JSON terms that does not repeat the input.
fn expected(rest: &str) -> String {
    let (_, expected) = rest.rsplit_once("expected ").unwrap_or(("", rest));
    let expected = match expected.trim() {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 upward",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        "a formatted date and time string" | "an RFC 3339 formatted date and time string" => {
            "a time with its offset (2026-11-20T08:15:00+08:00)"
        }
        other => return format!("Expected {other}."),
    };
    format!("Expected {expected}.")
}
