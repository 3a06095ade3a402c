//! What an officer looks like to a caller.
//!
//! Owns who sees what. Everyone posted in a town sees its officers' names, roles and grids.
//! Superiors, subordinates and officers of the same village see phone numbers. Managers of the
//! officer see the username and the state of the account. Officers see everything about themselves.
//! It must not change anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Actor, Covers, Held, Role};
use serde::Serialize;
use uuid::Uuid;

use super::queries;
use super::subject::{Manager, Subject};
use crate::auth::me::Named;
use crate::towns::directory::{Directory, Town};
use crate::towns::snapshot::{DatedPosting, Person};
use gridpatrol_store::types::Coded;
use gridpatrol_store::{Conn, Outcome};

/// An officer of the caller's towns.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000011", "name": "李一", "phone": "13900000001",
    "username": "group_1_1", "enabled": true,
    "postings": [{"id": "0192f7a0-0000-7000-8000-000000000021", "role": "group_leader",
        "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "一组", "tier": "group",
        "town_id": "0192f7a0-0000-7000-8000-000000000001", "from": "2026-01-01T00:00:00Z"}],
    "may_manage": true, "account": {"has_password": true, "must_change_password": false}, "version": 3
}))]
pub struct OfficerProfile {
    /// The officer's id.
    pub id: Uuid,
    /// The person's name.
    pub name: String,
    /// The phone number: for superiors, subordinates and the same village.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The name to sign in with: for who manages the officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether the account is enabled.
    pub enabled: bool,
    /// Postings in the caller's towns, in force or to come, in order.
    pub postings: Vec<OfficerPosting>,
    /// When the officer is away or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absence: Option<Absence>,
    /// Whether the caller manages the officer. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_manage: Option<bool>,
    /// The state of the account: for who manages the officer. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountState>,
    /// How the officer is told of what is only to be known, if chosen; else it is as the town has set
    /// (`notices` of its settings). Only to the officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotificationMode>,
    /// The version: of the account and its postings. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// A posting of an officer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OfficerPosting {
    /// Its id.
    pub id: Uuid,
    /// As what.
    pub role: Role,
    /// Where.
    pub grid_id: Uuid,
    /// The grid's name.
    pub grid_name: String,
    /// The grid's tier.
    pub tier: Tier,
    /// The grid's town.
    pub town_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; absent: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Whether it has the managing right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub manages: bool,
}

/// When an officer is away.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "from": "2026-11-20T00:00:00Z", "to": "2026-11-27T00:00:00Z",
    "deputy": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "王二"}
}))]
pub struct Absence {
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Who stands in; absent: the grid above, then the town's duty officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deputy: Option<Named>,
}

/// The state of an account.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountState {
    /// Whether it has a password; without one its owner signs in by invitation.
    pub has_password: bool,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
    /// Since when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Until when an invitation holds that nobody has used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_until: Option<DateTime<Utc>>,
}

/// Somebody who stands in for an officer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000041", "deputy": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "王二"},
    "posting_id": "0192f7a0-0000-7000-8000-000000000021", "role": "village_secretary",
    "grid_id": "0192f7a0-0000-7000-8000-000000000002", "grid_name": "青山村", "covers": "decisions",
    "from": "2026-11-20T00:00:00Z", "to": "2026-11-27T00:00:00Z", "by_absence": false
}))]
pub struct Deputy {
    /// The id of this standing in.
    pub id: Uuid,
    /// Who stands in.
    pub deputy: Named,
    /// For which posting.
    pub posting_id: Uuid,
    /// Its role.
    pub role: Role,
    /// Its grid.
    pub grid_id: Uuid,
    /// The grid's name.
    pub grid_name: String,
    /// In what.
    pub covers: Covers,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Whether it follows from an absence, and ends with it.
    pub by_absence: bool,
}

/// An officer of a town by name.
pub(super) fn named(town: &Town, id: Uuid) -> Named {
    Named {
        id,
        name: town.officer_name(id).unwrap_or_default().to_owned(),
    }
}

/// The towns a caller is posted in.
///
/// # Errors
/// If the database fails.
pub fn towns(conn: &mut Conn, directory: &Directory, towns: &[Uuid]) -> Outcome<Vec<Arc<Town>>> {
    towns.iter().map(|id| directory.town(conn, *id)).collect()
}

/// Everyone posted in some towns, by name and id. An officer posted in several towns appears once.
#[must_use]
pub fn everybody(towns: &[Arc<Town>]) -> BTreeMap<(String, Uuid), &Person> {
    towns
        .iter()
        .flat_map(|town| {
            // Without the service accounts: their names appear only in reports.
            let posted = |id: &Uuid| town.postings_of(*id).next().is_some();
            town.people().filter(move |(id, _)| posted(id))
        })
        .map(|(id, person)| ((person.name.clone(), id), person))
        .collect()
}

/// The current and future postings of an officer in these towns.
pub fn lasting(
    towns: &[Arc<Town>],
    officer: Uuid,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (&Town, &DatedPosting)> {
    towns.iter().flat_map(move |town| {
        town.postings_of(officer)
            .filter(move |posting| posting.lasts(now))
            .map(move |posting| (&**town, posting))
    })
}

impl OfficerPosting {
    fn of(town: &Town, posting: &DatedPosting) -> Option<Self> {
        let grid = town.grid(posting.grid_id)?;
        Some(Self {
            id: posting.id,
            role: posting.role,
            grid_id: grid.id,
            grid_name: grid.name.clone(),
            tier: grid.tier(),
            town_id: town.id,
            from: posting.from,
            to: posting.to,
            manages: posting.manages,
        })
    }
}

impl OfficerProfile {
    /// An officer in a list.
    #[must_use]
    pub fn listed(
        towns: &[Arc<Town>],
        actor: &Actor,
        id: Uuid,
        person: &Person,
        now: DateTime<Utc>,
    ) -> Self {
        let mut postings = Vec::new();
        let mut grids: Vec<GridPath> = Vec::new();
        let mut held: Vec<Held> = Vec::new();
        for (town, posting) in lasting(towns, id, now) {
            postings.extend(OfficerPosting::of(town, posting));
            grids.extend(town.path(posting.grid_id));
            held.extend(town.held(posting));
        }
        let oneself = actor.officer_id == id;
        let manages = actor.may_manage(&held);
        let absence = towns.iter().find_map(|town| {
            let absence = town
                .absences()
                .iter()
                .filter(|absence| absence.officer_id == id)
                .filter(|absence| now < absence.to && absence.from < absence.to)
                .min_by_key(|absence| absence.from)?;
            Some(Absence {
                from: absence.from,
                to: absence.to,
                deputy: absence.deputy_id.map(|deputy| named(town, deputy)),
            })
        });
        let told = oneself || manages || actor.reaches(&grids);
        Self {
            id,
            name: person.name.clone(),
            phone: person.phone.clone().filter(|_| told),
            username: (oneself || manages).then(|| person.username.clone()),
            enabled: !person.disabled,
            postings,
            absence,
            may_manage: None,
            account: None,
            notify: None,
            version: None,
        }
    }

    /// One officer as a caller sees them.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn read(
        conn: &mut Conn,
        directory: &Directory,
        manager: &Manager,
        id: Uuid,
    ) -> Outcome<Self> {
        let subject = Subject::seen(conn, manager, id)?;
        let now = manager.now;
        let towns = towns(conn, directory, &subject.towns_seen(manager))?;
        let person = Person {
            username: subject.row.username.clone(),
            name: subject.row.name.clone(),
            phone: subject.row.phone.clone(),
            disabled: subject.row.disabled_at.is_some(),
            telling: subject.row.telling.map(|Coded(telling)| telling),
        };
        let listed = Self::listed(&towns, &manager.actor, id, &person, now);
        let manages = subject.managed_by(manager);
        let oneself = manager.is(id);
        let account = if manages || oneself {
            Some(AccountState {
                has_password: !subject.row.password_hash.is_empty(),
                must_change_password: subject.row.must_change_password,
                disabled_at: subject.row.disabled_at,
                invited_until: queries::invited_until(conn, id, now)?,
            })
        } else {
            None
        };
        Ok(Self {
            // Exact here. Lists know only the caller's towns.
            username: (oneself || manages).then_some(subject.row.username),
            phone: listed.phone.or(subject.row.phone.filter(|_| manages)),
            may_manage: Some(manages),
            notify: person.telling.filter(|_| oneself),
            account,
            version: Some(subject.row.version),
            ..listed
        })
    }
}

/// The deputies of an officer in the caller's towns.
///
/// # Errors
/// `not_found`; otherwise if the database fails.
pub fn deputies(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    id: Uuid,
) -> Outcome<Vec<Deputy>> {
    let subject = Subject::seen(conn, manager, id)?;
    let known = queries::deputies_for(conn, id, manager.now)?;
    let towns = towns(conn, directory, &subject.towns_seen(manager))?;
    Ok(known
        .into_iter()
        .filter_map(|deputy| {
            let (town, posting) = towns.iter().find_map(|town| {
                let posting = town
                    .postings_of(id)
                    .find(|posting| posting.id == deputy.posting_id)?;
                Some((town, posting))
            })?;
            Some(Deputy {
                id: deputy.id,
                deputy: named(town, deputy.deputy_id),
                posting_id: posting.id,
                role: posting.role,
                grid_id: posting.grid_id,
                grid_name: town.grid_name(posting.grid_id)?.to_owned(),
                covers: deputy.covers,
                from: deputy.from,
                to: deputy.to,
                by_absence: deputy.absence_id.is_some(),
            })
        })
        .collect())
}
