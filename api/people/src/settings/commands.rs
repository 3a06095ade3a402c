//! Changes the settings of a town, in one transaction.
//!
//! Owns who may do it, and what we record. A change is a new version. It must never overwrite an
//! old version.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::settings::Settings;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::queries;
use crate::towns::directory::{Directory, Town};
use crate::towns::settings::{SettingsRow, timeline};
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_http::validate::push_segment;
use gridpatrol_problem::Problem;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::{Conn, Outcome, town};

/// The new settings.
#[derive(Debug, Clone)]
pub struct Change {
    /// The town.
    pub town_id: Uuid,
    /// All settings.
    pub settings: Settings,
    /// From when they hold.
    pub from: DateTime<Utc>,
}

/// Sets a new version. If these settings would be in force anyway, nothing changes.
///
/// # Errors
/// `not_permitted`, `precondition_required`, `version_mismatch`.
pub fn change(
    conn: &mut Conn,
    directory: &Directory,
    actor: &Actor,
    if_match: Option<&IfMatch>,
    change: &Change,
    now: DateTime<Utc>,
) -> Outcome<Arc<Town>> {
    let town_id = change.town_id;
    if !actor.administers(GridPath::town(town_id)) {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only the town's leader and administrators can change settings.")
            .into());
    }
    // The town's row is locked, so no other transaction adds a version.
    let mut head = town::advance(conn, town_id)?;
    let timeline = timeline(conn, town_id)?;
    etag::require(if_match, timeline.latest())?;
    let before = timeline.at(change.from);
    if **before == change.settings && timeline.after(now).next().is_none() {
        return directory.town(conn, town_id);
    }
    let written = |settings: &Settings| {
        serde_json::to_value(settings).map_err(|error| {
            tracing::error!(%error, "settings cannot be written");
            Problem::new(Code::Internal)
        })
    };
    let after = written(&change.settings)?;
    let row = SettingsRow {
        version: timeline.latest() + 1,
        effective_from: change.from,
        body: after.to_string(),
        created_at: now,
        created_by: Some(actor.officer_id),
    };
    queries::add(conn, town_id, &row)?;
    let mut facts = Map::new();
    facts.insert("version".to_owned(), json!(row.version));
    facts.insert("effective_from".to_owned(), json!(row.effective_from));
    let mut changes = Map::new();
    difference(&written(before)?, &after, "", &mut changes);
    facts.insert("changes".to_owned(), Value::Object(changes));
    let record = EventRecord {
        subject_kind: "settings",
        subject_id: town_id,
        kind: "settings_changed",
        at: now,
        actor_id: Some(actor.officer_id),
        facts,
        payload: None,
    };
    events::append(conn, &mut head, vec![record])?;
    town::touch_directory(conn, town_id)?;
    directory.town(conn, town_id)
}

/// The differences: pointer → before and after.
fn difference(before: &Value, after: &Value, at: &str, changes: &mut Map<String, Value>) {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one
                .keys()
                .chain(other.keys().filter(|name| !one.contains_key(*name)))
            {
                let mut pointer = at.to_owned();
                push_segment(&mut pointer, name);
                let of =
                    |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                difference(&of(one), &of(other), &pointer, changes);
            }
        }
        _ if before != after => {
            changes.insert(at.to_owned(), json!({"before": before, "after": after}));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::{Map, json};

    #[test]
    fn every_value_that_differs_is_told_before_and_after() {
        let mut changes = Map::new();
        difference(
            &json!({"a": {"b": 1, "c": 2}, "d": {"hours": 1}}),
            &json!({"a": {"b": 1, "c": 3}, "d": {"days": 1}, "e": true}),
            "",
            &mut changes,
        );
        assert_eq!(
            serde_json::Value::Object(changes),
            json!({
                "/a/c": {"before": 2, "after": 3},
                "/d/hours": {"before": 1, "after": null},
                "/d/days": {"before": null, "after": 1},
                "/e": {"before": null, "after": true},
            })
        );
    }
}
