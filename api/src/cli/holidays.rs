//! `import holidays`: a year's holidays and make-up days from a file.

use std::path::Path;

use gridpatrol_domain::calendar::{Day, Year};
use serde::Deserialize;

use super::{CommandError, say};
use crate::app;
use crate::config::Config;
use gridpatrol_people::auth::security_log::Origin;
use gridpatrol_people::calendar::commands::{self, Giver};
use gridpatrol_store::Lane;
use gridpatrol_store::clock::Clock;

/// The file as it is published. Ignores everything else in it.
#[derive(Debug, Deserialize)]
struct Published {
    year: i32,
    days: Vec<Day>,
}

/// Reads and checks the file, gives the year its table, and says what that did.
pub(super) fn import(config: &Config, file: &Path) -> Result<(), CommandError> {
    let path = || file.display().to_string();
    let content = std::fs::read(file).map_err(|source| CommandError::Unreadable {
        path: path(),
        source,
    })?;
    // A byte order mark is not part of the text.
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&content);
    let Published { year, days } = serde_json::from_slice(content)
        .map_err(|error| CommandError::Malformed(path(), error.to_string()))?;
    let table = Year { year, days };
    let faults = table.faults();
    if !faults.is_empty() {
        let lines: Vec<String> = faults
            .into_iter()
            .map(|wrong| format!("{}: {}", wrong.pointer, wrong.detail))
            .collect();
        return Err(CommandError::Malformed(path(), lines.join("\n  ")));
    }
    let table = table.in_order();
    let store = app::open_store(config)?;
    store.migrate()?;
    let (giver, now) = (
        Giver {
            officer_id: None,
            origin: Origin::default(),
        },
        Clock::system().now(),
    );
    let days = table.days.len();
    let row = store
        .write_blocking(Lane::Interactive, move |conn| {
            commands::give(conn, &giver, &table, None, now)
        })
        .map_err(CommandError::Refused)?;
    let what = if row.created_at == now {
        "imported"
    } else {
        "unchanged"
    };
    say(&format!(
        "{year}: {days} days, version {}, {what}\n",
        row.version
    ))
}
