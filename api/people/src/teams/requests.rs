//! What clients send about teams.
//!
//! Owns the strict shapes and their checks. It must not use the database: `commands` does.

use std::collections::HashSet;

use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::validate::{Errors, Validate};

/// Most characters of a name.
const MOST_NAME_CHARS: usize = 60;
/// Members and grids at most.
const MOST: usize = 100;

/// A new team.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "town_id": "0192f7a0-0000-7000-8000-000000000001", "name": "东片检查组", "kind": "inspection",
    "lead_id": "0192f7a0-0000-7000-8000-000000000011",
    "member_ids": ["0192f7a0-0000-7000-8000-000000000012"],
    "grid_ids": ["0192f7a0-0000-7000-8000-000000000002"], "categories": ["straw_burning"]
}))]
pub struct NewTeam {
    /// The town it belongs to.
    pub town_id: Uuid,
    /// Its name; no other team of the town that is not archived has it.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub name: String,
    /// What it is.
    pub kind: Choice<TeamKind>,
    /// Who leads it: an officer posted in the town.
    pub lead_id: Uuid,
    /// Who belongs to it beside the lead: officers posted in the town.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub member_ids: Vec<Uuid>,
    /// Where it works, each grid with all below; empty: in the whole town.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub grid_ids: Vec<Uuid>,
    /// What it is for; empty: everything.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub categories: Vec<Choice<Category>>,
}

/// What changes of a team. At least one field; a list replaces the one there was.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"member_ids": ["0192f7a0-0000-7000-8000-000000000012"]}))]
pub struct TeamChange {
    /// Its name.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub name: Option<String>,
    /// What it is.
    pub kind: Option<Choice<TeamKind>>,
    /// Who leads it. The former lead stays a member unless left out of `member_ids`.
    pub lead_id: Option<Uuid>,
    /// Who belongs to it beside the lead. Who belonged to it before may stay, posted or not.
    #[schema(max_items = 100)]
    pub member_ids: Option<Vec<Uuid>>,
    /// Where it works; empty: in the whole town.
    #[schema(max_items = 100)]
    pub grid_ids: Option<Vec<Uuid>>,
    /// What it is for; empty: everything.
    #[schema(max_items = 100)]
    pub categories: Option<Vec<Choice<Category>>>,
}

/// How a team ends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "机构调整"}))]
pub struct TeamArchiving {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: Option<String>,
}

fn check_name(name: Option<&String>, errors: &mut Errors) {
    if let Some(name) = name {
        errors.filled("name", name, MOST_NAME_CHARS);
        if name.chars().any(char::is_control) {
            errors.add("name", "not_allowed", "No control characters.");
        }
    }
}

fn check_ids(segment: &str, ids: Option<&Vec<Uuid>>, errors: &mut Errors) {
    let Some(ids) = ids else { return };
    errors.most(segment, ids, MOST);
    let mut seen = HashSet::new();
    if ids.iter().any(|id| !seen.insert(*id)) {
        errors.add(segment, "not_allowed", "Each may be in the list only once.");
    }
}

fn check_categories(categories: Option<&Vec<Choice<Category>>>, errors: &mut Errors) {
    let Some(categories) = categories else { return };
    errors.most("categories", categories, MOST);
    errors.nested("categories", |errors| {
        for (index, category) in categories.iter().enumerate() {
            category.check(&index.to_string(), errors);
        }
    });
}

/// The requested categories, each once.
#[must_use]
pub fn categories(asked: &[Choice<Category>]) -> Vec<Category> {
    let mut found = Vec::new();
    for category in asked.iter().filter_map(Choice::get) {
        if !found.contains(&category) {
            found.push(category);
        }
    }
    found
}

impl Validate for NewTeam {
    fn validate(&self, errors: &mut Errors) {
        check_name(Some(&self.name), errors);
        self.kind.check("kind", errors);
        check_ids("member_ids", Some(&self.member_ids), errors);
        check_ids("grid_ids", Some(&self.grid_ids), errors);
        check_categories(Some(&self.categories), errors);
    }
}

impl Validate for TeamChange {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none()
            && self.kind.is_none()
            && self.lead_id.is_none()
            && self.member_ids.is_none()
            && self.grid_ids.is_none()
            && self.categories.is_none()
        {
            errors.add("", "required", "Give at least one field to change.");
        }
        check_name(self.name.as_ref(), errors);
        self.kind.check("kind", errors);
        check_ids("member_ids", self.member_ids.as_ref(), errors);
        check_ids("grid_ids", self.grid_ids.as_ref(), errors);
        check_categories(self.categories.as_ref(), errors);
    }
}

impl Validate for TeamArchiving {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, 1000);
    }
}
