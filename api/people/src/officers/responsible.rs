//! Finds who is responsible for a grid at an instant, why, and until when.
//!
//! Owns this answer. It uses the same `Staffing` as desks, inboxes and permissions, so that all
//! agree. It must not change anything.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::officer::{Actor, By, Responsible, Role, Staffing};
use gridpatrol_domain::report::Duty;
use serde::Serialize;
use uuid::Uuid;

use super::answer::named;
use crate::auth::me::Named;
use crate::towns::directory::Town;

/// How many future changes of the staffing we check to find how long an answer holds.
const MOST_CHANGES: usize = 200;

/// The chain of a grid.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "一组", "at": "2026-11-20T08:00:00Z",
    "duties": [
        {"duty": "handle", "officers": [{"officer_id": "0192f7a0-0000-7000-8000-000000000012", "name": "王二",
            "role": "group_leader", "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "一组", "by": "deputy",
            "on_behalf_of": {"id": "0192f7a0-0000-7000-8000-000000000011", "name": "李一"}}], "until": "2026-11-25T00:00:00Z"}
    ]
}))]
#[schema(as = ResponsibleOfficers)]
pub struct Chain {
    /// The grid.
    grid_id: Uuid,
    /// Its name.
    grid_name: String,
    /// The instant asked for.
    at: DateTime<Utc>,
    /// Each duty with who does it. `decide` is missing for a town: nothing is escalated from there.
    duties: Vec<DutyHolders>,
}

/// Who does one duty.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DutyHolders {
    /// The duty.
    duty: Duty,
    /// Who does it: those whose turn it is first. Empty: the town has nobody at all.
    officers: Vec<DutyHolder>,
    /// Until when these and no others do, as far as it is known today; absent: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<Utc>>,
}

/// One who does a duty.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DutyHolder {
    /// The officer.
    officer_id: Uuid,
    /// The officer's name.
    name: String,
    /// How the officer is reached, if the caller is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// The role by which.
    role: Role,
    /// The grid of that role.
    grid_id: Uuid,
    /// Its name.
    grid_name: String,
    /// By what.
    by: By,
    /// Whose post it is, when a deputy stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<Named>,
}

fn who(staffing: &Staffing, duty: Duty, grid: GridPath) -> Vec<Responsible> {
    match duty {
        Duty::Decide => staffing.deciding_for(grid),
        Duty::Handle | Duty::Verify | Duty::Grant => staffing.working_for(grid),
    }
}

/// The chain of a grid of this town, as this actor may see it.
#[must_use]
pub fn chain(town: &Town, grid: GridPath, actor: &Actor, at: DateTime<Utc>) -> Chain {
    let duties: &[Duty] = if grid.tier() == Tier::Town {
        &[Duty::Handle, Duty::Verify]
    } else {
        &[Duty::Handle, Duty::Decide, Duty::Verify]
    };
    let staffing = town.staffing(at);
    let changes: Vec<(DateTime<Utc>, Staffing)> = town
        .changes_after(at)
        .into_iter()
        .take(MOST_CHANGES)
        .map(|change| (change, town.staffed(change)))
        .collect();
    let name = |grid: Uuid| town.grid_name(grid).unwrap_or_default().to_owned();
    let duties = duties
        .iter()
        .map(|duty| {
            let found = who(&staffing, *duty, grid);
            let until = changes
                .iter()
                .find(|(_, later)| who(later, *duty, grid) != found)
                .map(|(change, _)| *change);
            let officers = found
                .into_iter()
                .map(|one| holder(town, actor, one, &name))
                .collect();
            DutyHolders {
                duty: *duty,
                officers,
                until,
            }
        })
        .collect();
    Chain {
        grid_id: grid.id(),
        grid_name: name(grid.id()),
        at,
        duties,
    }
}

fn holder(
    town: &Town,
    actor: &Actor,
    Responsible { post, by }: Responsible,
    name: &dyn Fn(Uuid) -> String,
) -> DutyHolder {
    let person = town.person(post.officer_id);
    let reached = town
        .path(post.grid_id)
        .is_some_and(|grid| actor.reaches(&[grid]));
    DutyHolder {
        officer_id: post.officer_id,
        name: person.map(|person| person.name.clone()).unwrap_or_default(),
        phone: person
            .and_then(|person| person.phone.clone())
            .filter(|_| reached),
        role: post.role,
        grid_id: post.grid_id,
        grid_name: name(post.grid_id),
        by,
        on_behalf_of: post.on_behalf_of.map(|id| named(town, id)),
    }
}
