//! What the town's chain records about its grids.
//!
//! Owns these events. Facts must not name a person: names and contacts are in the payload, before
//! and after.

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::restructure::Restructuring;
use crate::towns::snapshot::Grid;
use gridpatrol_store::events::EventRecord;

/// Kinds of events about grids, with their names.
pub const KINDS: [(&str, &str, &str); 5] = [
    ("grid_created", "设立", "Created"),
    ("grid_updated", "修改", "Changed"),
    ("grid_moved", "调整隶属", "Moved"),
    ("grid_archived", "撤销", "Archived"),
    ("grid_boundary", "边界调整", "Boundary changed"),
];

fn event(
    grid: &Grid,
    kind: &'static str,
    actor_id: Option<Uuid>,
    at: DateTime<Utc>,
    facts: Map<String, Value>,
    payload: Option<Value>,
) -> EventRecord {
    EventRecord {
        subject_kind: "grid",
        subject_id: grid.id,
        kind,
        at,
        actor_id,
        facts,
        payload,
    }
}

/// A grid was made.
#[must_use]
pub fn created(grid: &Grid, actor: Option<Uuid>, at: DateTime<Utc>) -> EventRecord {
    let mut facts = Map::new();
    facts.insert("code".to_owned(), grid.code.clone().into());
    facts.insert("name".to_owned(), grid.name.clone().into());
    facts.insert("tier".to_owned(), grid.tier().code().into());
    if let Some(parent) = grid.parent_id {
        facts.insert("parent_id".to_owned(), parent.to_string().into());
    }
    let payload = grid
        .contact
        .as_ref()
        .map(|contact| json!({ "contact": contact }));
    event(grid, "grid_created", actor, at, facts, payload)
}

/// Facts of a grid changed.
#[must_use]
pub fn updated(before: &Grid, after: &Grid, actor: Option<Uuid>, at: DateTime<Utc>) -> EventRecord {
    let mut changes = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("code", json!(before.code), json!(after.code));
    note("contact", json!(before.contact), json!(after.contact));
    let mut facts = Map::new();
    facts.insert("version".to_owned(), after.version.into());
    if before.code != after.code {
        facts.insert("code".to_owned(), after.code.clone().into());
    }
    event(
        after,
        "grid_updated",
        actor,
        at,
        facts,
        Some(json!({ "changes": changes })),
    )
}

/// A person's name was removed from the contact of a grid. We do not record the old value, on
/// purpose.
#[must_use]
pub fn contact_erased(
    grid: Uuid,
    version: i64,
    actor: Option<Uuid>,
    at: DateTime<Utc>,
) -> EventRecord {
    EventRecord {
        subject_kind: "grid",
        subject_id: grid,
        kind: "grid_updated",
        at,
        actor_id: actor,
        facts: Map::from_iter([("version".to_owned(), version.into())]),
        payload: None,
    }
}

/// A grid moved below another one.
#[must_use]
pub fn moved(before: &Grid, after: &Grid, by: &Restructuring<'_>) -> EventRecord {
    let mut changes = Map::new();
    changes.insert(
        "parent_id".to_owned(),
        json!({"before": before.parent_id, "after": after.parent_id}),
    );
    if before.code != after.code {
        changes.insert(
            "code".to_owned(),
            json!({"before": before.code, "after": after.code}),
        );
    }
    let mut facts = Map::new();
    facts.insert("parent_id".to_owned(), json!(after.parent_id));
    facts.insert("version".to_owned(), after.version.into());
    let payload = said(changes, by);
    event(
        after,
        "grid_moved",
        by.actor_id,
        by.now,
        facts,
        Some(payload),
    )
}

/// A grid has ended.
#[must_use]
pub fn archived(grid: &Grid, successor: Option<&Grid>, by: &Restructuring<'_>) -> EventRecord {
    let mut facts = Map::new();
    facts.insert("version".to_owned(), grid.version.into());
    let mut changes = Map::new();
    changes.insert("valid_to".to_owned(), json!({ "after": grid.valid_to }));
    if let Some(successor) = successor {
        facts.insert("successor_id".to_owned(), json!(successor.id));
        changes.insert("successor_id".to_owned(), json!({ "after": successor.id }));
    }
    let payload = said(changes, by);
    event(
        grid,
        "grid_archived",
        by.actor_id,
        by.now,
        facts,
        Some(payload),
    )
}

/// The boundary of a grid was set, replaced or removed. The record holds what identifies it, not
/// its vertices.
#[must_use]
pub fn bounded(
    grid: &Grid,
    before: Option<Value>,
    after: Option<Value>,
    actor: Option<Uuid>,
    at: DateTime<Utc>,
) -> EventRecord {
    let mut facts = Map::new();
    facts.insert("version".to_owned(), grid.version.into());
    let payload = json!({ "changes": {"boundary": {"before": before, "after": after}} });
    event(grid, "grid_boundary", actor, at, facts, Some(payload))
}

fn said(changes: Map<String, Value>, by: &Restructuring<'_>) -> Value {
    match by.reason {
        Some(reason) => json!({ "changes": changes, "reason": reason }),
        None => json!({ "changes": changes }),
    }
}
