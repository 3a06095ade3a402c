//! Collects every wrong value of a request, each with its pointer.
//!
//! Owns the checks that several features share. It must not use the database: if stored state makes a
//! value impossible, that is a refusal of the domain and not a wrong value.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Utc};

use gridpatrol_problem::{FieldError, Problem};

/// At most this many errors are listed: nobody reads more.
pub const MOST_ERRORS: usize = 50;

/// The wrong values of one request.
#[derive(Debug, Default)]
pub struct Errors {
    base: String,
    found: Vec<FieldError>,
}

/// A request that can check its own values.
pub trait Validate {
    /// The largest body of this kind in bytes. Without it, the server's setting applies.
    const MOST_BYTES: Option<usize> = None;

    /// Adds each wrong value to `errors`.
    fn validate(&self, errors: &mut Errors);
}

impl Validate for () {
    fn validate(&self, _: &mut Errors) {}
}

impl Errors {
    /// Errors in the body: pointers start at its root (`/location/lat`).
    #[must_use]
    pub fn body() -> Self {
        Self::default()
    }

    /// Errors in the query string (`query/limit`).
    #[must_use]
    pub fn query() -> Self {
        Self {
            base: "query".into(),
            found: Vec::new(),
        }
    }

    /// Errors in request headers (`header/If-Match`).
    #[must_use]
    pub fn header() -> Self {
        Self {
            base: "header".into(),
            found: Vec::new(),
        }
    }

    /// Adds a wrong value. `segment` is a member of the current object; empty: the object itself.
    pub fn add(&mut self, segment: &str, code: &str, detail: impl Into<String>) {
        if self.found.len() < MOST_ERRORS {
            let pointer = self.pointer(segment);
            self.found.push(FieldError::new(pointer, code, detail));
        }
    }

    /// Adds a wrong value with a complete pointer.
    pub fn add_at(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        if self.found.len() < MOST_ERRORS {
            self.found.push(FieldError::new(pointer, code, detail));
        }
    }

    /// Checks the members of the object `segment`.
    pub fn nested(&mut self, segment: &str, check: impl FnOnce(&mut Self)) {
        let length = self.base.len();
        self.base = self.pointer(segment);
        check(self);
        self.base.truncate(length);
    }

    /// Checks each element of the list `segment`.
    pub fn each<T>(
        &mut self,
        segment: &str,
        items: impl IntoIterator<Item = T>,
        check: impl Fn(T, &mut Self),
    ) {
        self.nested(segment, |errors| {
            for (index, item) in items.into_iter().enumerate() {
                errors.nested(&index.to_string(), |errors| check(item, errors));
            }
        });
    }

    /// A text of at most `most` characters. It may be absent.
    pub fn text(&mut self, segment: &str, value: &impl Text, most: usize) {
        if value.text().is_some_and(|text| text.chars().count() > most) {
            self.add(segment, "too_long", format!("At most {most} characters."));
        }
    }

    /// A text of at most `most` characters. It may be absent, but not blank.
    pub fn filled(&mut self, segment: &str, value: &impl Text, most: usize) {
        if value.text().is_some_and(|text| text.trim().is_empty()) {
            self.add(segment, "too_short", "Must not be blank.");
        }
        self.text(segment, value, most);
    }

    /// A number within bounds. It may be absent.
    pub fn within<N>(
        &mut self,
        segment: &str,
        value: impl Into<Option<N>>,
        bounds: std::ops::RangeInclusive<N>,
    ) where
        N: PartialOrd + std::fmt::Display,
    {
        if value.into().is_some_and(|value| !bounds.contains(&value)) {
            let (low, high) = bounds.into_inner();
            self.add(
                segment,
                "out_of_range",
                format!("Give a value from {low} to {high}."),
            );
        }
    }

    /// A list of at most `most` elements.
    pub fn most<T>(&mut self, segment: &str, items: &[T], most: usize) {
        if items.len() > most {
            self.add(segment, "too_long", format!("At most {most} elements."));
        }
    }

    /// An instant that calendars and databases can hold. It may be absent.
    pub fn instant(&mut self, segment: &str, value: impl Into<Option<DateTime<Utc>>>) {
        if value
            .into()
            .is_some_and(|instant| !(1970..=2199).contains(&instant.year()))
        {
            self.add(
                segment,
                "out_of_range",
                "Give an instant between the years 1970 and 2199.",
            );
        }
    }

    /// The errors found so far.
    #[must_use]
    pub fn found(&self) -> &[FieldError] {
        &self.found
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether the list of errors is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_ERRORS
    }

    /// Adds the errors of another collection.
    pub fn extend(&mut self, found: impl IntoIterator<Item = FieldError>) {
        let room = MOST_ERRORS.saturating_sub(self.found.len());
        self.found.extend(found.into_iter().take(room));
    }

    /// The errors found.
    #[must_use]
    pub fn into_found(self) -> Vec<FieldError> {
        self.found
    }

    /// `validation_failed` if there is an error.
    ///
    /// # Errors
    /// The problem that names every wrong value.
    pub fn into_result(self) -> Result<(), Problem> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.found))
        }
    }

    fn pointer(&self, segment: &str) -> String {
        let mut pointer = self.base.clone();
        if !segment.is_empty() {
            push_segment(&mut pointer, segment);
        }
        pointer
    }
}

/// Appends one segment to an RFC 6901 pointer.
pub fn push_segment(pointer: &mut String, segment: &str) {
    let _ = write!(
        pointer,
        "/{}",
        segment.replace('~', "~0").replace('/', "~1")
    );
}

/// A text that may be absent.
pub trait Text {
    /// The text, if there is one.
    fn text(&self) -> Option<&str>;
}

impl Text for str {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl Text for &str {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl Text for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl Text for Option<String> {
    fn text(&self) -> Option<&str> {
        self.as_deref()
    }
}

impl Text for Option<&str> {
    fn text(&self) -> Option<&str> {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_name_nested_members_and_elements() {
        let mut errors = Errors::body();
        errors.nested("location", |errors| errors.add("lat", "out_of_range", "x"));
        errors.each("photos", ["", "ok"], |photo, errors| {
            errors.filled("id", &photo, 10);
        });
        errors.add("a/b~c", "unknown_field", "x");
        errors.add("", "required", "x");
        let pointers: Vec<_> = errors
            .found()
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/location/lat", "/photos/0/id", "/a~1b~0c", ""]);
    }

    #[test]
    fn texts_count_characters_not_bytes() {
        let mut errors = Errors::body();
        errors.text("name", &"网格员", 3);
        errors.text("absent", &None::<String>, 3);
        assert!(errors.is_empty());
        errors.text("name", &Some("网格员们".to_owned()), 3);
        assert_eq!(errors.found()[0].code, "too_long");
    }

    #[test]
    fn query_errors_stand_under_query() {
        let mut errors = Errors::query();
        errors.within("limit", 500, 1..=200);
        assert_eq!(errors.found()[0].pointer, "query/limit");
        assert!(errors.into_result().is_err());
    }
}
