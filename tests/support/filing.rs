//! A filing of an officer, built field by field.

use serde_json::{Value, json};
use uuid::Uuid;

/// The body of a filing.
#[derive(Debug, Clone)]
pub struct Filing(pub Value);

/// A general report of the living environment at this grid.
pub fn filing(grid: Uuid) -> Filing {
    Filing(json!({
        "grid_id": grid,
        "category": "living_environment",
        "severity": "general",
        "description": "水渠边堆了生活垃圾",
    }))
}

impl Filing {
    /// Sets a member.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0[member] = value.into();
        self
    }

    /// Leaves a member out.
    pub fn without(mut self, member: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(member);
        self
    }

    /// How bad it is.
    pub fn severity(self, severity: &str) -> Self {
        self.with("severity", severity)
    }

    /// What is wrong.
    pub fn category(self, category: &str) -> Self {
        self.with("category", category)
    }

    /// What the filer asks for.
    pub fn disposition(self, disposition: &str) -> Self {
        self.with("disposition", disposition)
    }

    /// What the filer saw.
    pub fn description(self, description: &str) -> Self {
        self.with("description", description)
    }

    /// Declares a photo.
    pub fn photo(mut self, id: Uuid, role: &str) -> Self {
        let photo = json!({"id": id, "role": role});
        match self.0["photos"].as_array_mut() {
            Some(photos) => photos.push(photo),
            None => self.0["photos"] = json!([photo]),
        }
        self
    }
}
