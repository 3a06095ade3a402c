//! Creates, changes and archives teams, one transaction each.
//!
//! Owns the order of the checks (sight 404, right 403, version 412, state 409, values 422) and what
//! we record (an event in the town's chain). The town's managers manage its teams; everyone posted
//! there can see them. It must not take work away from a team: if the team is empty or archived,
//! the officers of the grid that holds the report act.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::queries;
use crate::towns::directory::{Directory, Town};
use crate::towns::teams::TeamFacts;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::town::{self, TownSequence};
use gridpatrol_store::{Conn, Outcome};

/// The most teams of a town that are not archived.
const MOST_TEAMS: usize = 200;

/// Kinds of events about teams, with their names.
pub const KINDS: [(&str, &str, &str); 3] = [
    ("team_created", "设立工作组", "Team created"),
    ("team_changed", "调整工作组", "Team changed"),
    ("team_archived", "撤销工作组", "Team archived"),
];

/// The caller, and the time.
#[derive(Clone)]
pub struct Manager {
    /// The towns.
    pub directory: Directory,
    /// Who.
    pub actor: Actor,
    /// The towns where the caller is posted.
    pub towns: Vec<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
}

/// A new team.
#[derive(Debug, Clone)]
pub struct New {
    /// Its id.
    pub id: Uuid,
    /// Its town.
    pub town_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TeamKind,
    /// Who leads it.
    pub lead_id: Uuid,
    /// Who belongs to it beside.
    pub member_ids: Vec<Uuid>,
    /// Where it works.
    pub grid_ids: Vec<Uuid>,
    /// What it is for.
    pub categories: Vec<Category>,
}

/// The changes to a team. Absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    pub kind: Option<TeamKind>,
    /// Who leads it.
    pub lead_id: Option<Uuid>,
    /// Who belongs to it beside.
    pub member_ids: Option<Vec<Uuid>>,
    /// Where it works.
    pub grid_ids: Option<Vec<Uuid>>,
    /// What it is for.
    pub categories: Option<Vec<Category>>,
}

/// The lead first, and each officer once.
fn with_lead(lead: Uuid, members: &[Uuid]) -> Vec<Uuid> {
    let others = members.iter().copied().filter(|member| *member != lead);
    std::iter::once(lead).chain(others).collect()
}

impl Manager {
    /// A town whose teams the caller can see.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn town(&self, conn: &mut Conn, id: Uuid) -> Outcome<Arc<Town>> {
        if self.towns.contains(&id) || self.actor.is_admin() {
            self.directory.town(conn, id)
        } else {
            Err(Problem::new(Code::NotFound)
                .detail("There is no such town among those where you are posted.")
                .into())
        }
    }

    /// A team that the caller can see, with its town.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn seen(&self, conn: &mut Conn, id: Uuid) -> Outcome<(Arc<Town>, TeamFacts)> {
        let absent = || Problem::new(Code::NotFound).detail("There is no such team in your towns.");
        let town_id = queries::town_of(conn, id)?
            .filter(|town| self.towns.contains(town) || self.actor.is_admin())
            .ok_or_else(absent)?;
        let town = self.directory.town(conn, town_id)?;
        let team = town.team(id).cloned().ok_or_else(absent)?;
        Ok((town, team))
    }

    fn check_right(&self, town: Uuid) -> Result<(), Problem> {
        if self.actor.manages_town(GridPath::town(town)) {
            Ok(())
        } else {
            Err(Problem::new(Code::NotPermitted)
                .detail("Only managers of the town can change its teams."))
        }
    }

    /// A team that the caller may change. Its town is locked, so the team does not change after we
    /// read it.
    fn locked(&self, conn: &mut Conn, id: Uuid) -> Outcome<(TownSequence, Arc<Town>, TeamFacts)> {
        let (town, _) = self.seen(conn, id)?;
        self.check_right(town.id)?;
        let head = town::advance(conn, town.id)?;
        let (town, team) = self.seen(conn, id)?;
        Ok((head, town, team))
    }

    /// Makes a team.
    ///
    /// # Errors
    /// `not_found`, `not_permitted`, `validation_failed`, `limit_reached`.
    pub fn create(&self, conn: &mut Conn, new: &New) -> Outcome<TeamFacts> {
        let town = self.town(conn, new.town_id)?;
        self.check_right(town.id)?;
        // Lock first, so that nothing changes after we read it.
        let mut head = town::advance(conn, town.id)?;
        let town = self.directory.town(conn, town.id)?;
        if town.rosters().count() >= MOST_TEAMS {
            return Err(Problem::new(Code::LimitReached)
                .detail("A town has at most 200 teams. Archive one that is not needed.")
                .into());
        }
        let team = TeamFacts {
            id: new.id,
            town_id: town.id,
            name: new.name.trim().to_owned(),
            kind: new.kind,
            lead_id: new.lead_id,
            member_ids: with_lead(new.lead_id, &new.member_ids),
            grid_ids: new.grid_ids.clone(),
            categories: new.categories.clone(),
            created_at: self.now,
            archived_at: None,
            version: 1,
        };
        self.check(&town, None, &team, &new.member_ids)?;
        queries::add(conn, &team)?;
        let mut facts = facts(&team);
        facts.insert("kind".to_owned(), json!(team.kind));
        let payload = json!({
            "name": team.name, "member_ids": team.member_ids, "grid_ids": team.grid_ids,
            "categories": team.categories,
        });
        self.record(conn, &mut head, team.id, "team_created", facts, payload)?;
        Ok(team)
    }

    /// Changes a team. New members can see the team's reports from now on.
    ///
    /// # Errors
    /// `not_found`, `not_permitted`, `precondition_required`, `version_mismatch`, `already_ended`,
    /// `validation_failed`.
    pub fn change(
        &self,
        conn: &mut Conn,
        id: Uuid,
        if_match: Option<&IfMatch>,
        change: &Change,
    ) -> Outcome<TeamFacts> {
        let (mut head, town, before) = self.locked(conn, id)?;
        etag::require(if_match, before.version)?;
        if before.archived_at.is_some() {
            return Err(Problem::new(Code::AlreadyEnded)
                .detail("The team is archived.")
                .into());
        }
        let mut after = before.clone();
        if let Some(name) = &change.name {
            name.trim().clone_into(&mut after.name);
        }
        after.kind = change.kind.unwrap_or(before.kind);
        after.lead_id = change.lead_id.unwrap_or(before.lead_id);
        let others = change.member_ids.as_ref().unwrap_or(&before.member_ids);
        after.member_ids = with_lead(after.lead_id, others);
        if let Some(grids) = &change.grid_ids {
            after.grid_ids.clone_from(grids);
        }
        if let Some(categories) = &change.categories {
            after.categories.clone_from(categories);
        }
        self.check(&town, Some(&before), &after, others)?;
        if after == before {
            return Ok(before);
        }
        after.version += 1;
        queries::save(conn, &after)?;
        for member in &after.member_ids {
            if !before.member_ids.contains(member) {
                queries::let_see(conn, id, *member)?;
            }
        }
        let payload = json!({ "changes": difference(&before, &after) });
        self.record(conn, &mut head, id, "team_changed", facts(&after), payload)?;
        Ok(after)
    }

    /// Archives a team. Safe to repeat. The grids that hold its reports do its work.
    ///
    /// # Errors
    /// `not_found`, `not_permitted`, `version_mismatch`.
    pub fn archive(
        &self,
        conn: &mut Conn,
        id: Uuid,
        if_match: Option<&IfMatch>,
        reason: Option<&str>,
    ) -> Outcome<TeamFacts> {
        let (mut head, _, before) = self.locked(conn, id)?;
        etag::check(if_match, before.version)?;
        if before.archived_at.is_some() {
            return Ok(before);
        }
        let after = TeamFacts {
            archived_at: Some(self.now),
            version: before.version + 1,
            ..before
        };
        queries::save(conn, &after)?;
        let payload = json!({"name": after.name, "reason": reason});
        self.record(conn, &mut head, id, "team_archived", facts(&after), payload)?;
        Ok(after)
    }

    /// Lists every value that does not fit the town.
    fn check(
        &self,
        town: &Town,
        before: Option<&TeamFacts>,
        team: &TeamFacts,
        others: &[Uuid],
    ) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let mut others_of_name = town.teams().iter().filter(|other| {
            other.id != team.id && other.archived_at.is_none() && other.name == team.name
        });
        if others_of_name.next().is_some() {
            let detail = "Another team of the town has this name.";
            errors.push(FieldError::new("/name", "taken", detail));
        }
        // Existing members may stay.
        let fits = |officer: Uuid| {
            before.is_some_and(|team| team.member_ids.contains(&officer))
                || posted(town, officer, self.now)
        };
        let detail = "Name an officer who is posted in the town now.";
        if !fits(team.lead_id) {
            errors.push(FieldError::new("/lead_id", "not_allowed", detail));
        }
        for (index, member) in others.iter().enumerate() {
            if !fits(*member) {
                let pointer = format!("/member_ids/{index}");
                errors.push(FieldError::new(pointer, "not_allowed", detail));
            }
        }
        let known = |grid: &Uuid| {
            before.is_some_and(|team| team.grid_ids.contains(grid)) || town.living(*grid).is_some()
        };
        for (index, grid) in team.grid_ids.iter().enumerate() {
            if !known(grid) {
                let pointer = format!("/grid_ids/{index}");
                let detail = "Name a grid of the town that has not ended.";
                errors.push(FieldError::new(pointer, "not_allowed", detail));
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors))
        }
    }

    fn record(
        &self,
        conn: &mut Conn,
        head: &mut TownSequence,
        team: Uuid,
        kind: &'static str,
        facts: Map<String, Value>,
        payload: Value,
    ) -> Outcome<()> {
        let event = EventRecord {
            subject_kind: "team",
            subject_id: team,
            kind,
            at: self.now,
            actor_id: Some(self.actor.officer_id),
            facts,
            payload: Some(payload),
        };
        events::append(conn, head, vec![event])?;
        Ok(town::touch_directory(conn, head.town_id)?)
    }
}

/// Whether an officer has an active posting of their own in the town now.
fn posted(town: &Town, officer: Uuid, now: DateTime<Utc>) -> bool {
    let enabled = town.person(officer).is_some_and(|person| !person.disabled);
    enabled
        && town
            .postings_of(officer)
            .any(|posting| posting.role.acts() && posting.active(now))
}

fn facts(team: &TeamFacts) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("lead_id".to_owned(), json!(team.lead_id));
    facts.insert("version".to_owned(), json!(team.version));
    facts
}

fn difference(before: &TeamFacts, after: &TeamFacts) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("kind", json!(before.kind), json!(after.kind));
    note("lead_id", json!(before.lead_id), json!(after.lead_id));
    note(
        "member_ids",
        json!(before.member_ids),
        json!(after.member_ids),
    );
    note("grid_ids", json!(before.grid_ids), json!(after.grid_ids));
    note(
        "categories",
        json!(before.categories),
        json!(after.categories),
    );
    changes
}
