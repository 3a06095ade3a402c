//! Reads the teams of a town for its snapshot. It must not write them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::schema::{team_grids, team_members, teams};
use gridpatrol_store::types::{At, Coded, Id};

/// A team. It may be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamFacts {
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
    /// Who belongs to it, the lead first.
    pub member_ids: Vec<Uuid>,
    /// Where it works. None: the whole town.
    pub grid_ids: Vec<Uuid>,
    /// Its field of work. None: everything.
    pub categories: Vec<Category>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
    /// Its version.
    pub version: i64,
}

/// The stored row of a team.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = teams, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct TeamRow {
    #[diesel(serialize_as = Id)]
    id: Uuid,
    #[diesel(serialize_as = Id)]
    town_id: Uuid,
    name: String,
    kind: Coded<TeamKind>,
    #[diesel(serialize_as = Id)]
    lead_id: Uuid,
    categories: Option<String>,
    #[diesel(serialize_as = At)]
    created_at: DateTime<Utc>,
    archived_at: Option<At>,
    version: i64,
}

impl From<&TeamFacts> for TeamRow {
    fn from(team: &TeamFacts) -> Self {
        let categories: Vec<&str> = team.categories.iter().map(|one| one.code()).collect();
        Self {
            id: team.id,
            town_id: team.town_id,
            name: team.name.clone(),
            kind: Coded(team.kind),
            lead_id: team.lead_id,
            categories: (!categories.is_empty())
                .then(|| serde_json::to_string(&categories).unwrap_or_default()),
            created_at: team.created_at,
            archived_at: team.archived_at.map(At),
            version: team.version,
        }
    }
}

/// The teams of a town by id, archived ones included.
///
/// # Errors
/// If the database fails.
pub fn of_town(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<TeamFacts>> {
    let rows: Vec<TeamRow> = teams::table
        .filter(teams::town_id.eq(Id(town)))
        .order(teams::id)
        .select(TeamRow::as_select())
        .load(conn)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let members: Vec<(Uuid, Uuid)> = team_members::table
        .inner_join(teams::table.on(teams::id.eq(team_members::team_id)))
        .filter(teams::town_id.eq(Id(town)))
        .order((team_members::team_id, team_members::officer_id))
        .select((team_members::team_id, team_members::officer_id))
        .load(conn)?;
    let grids: Vec<(Uuid, Uuid)> = team_grids::table
        .inner_join(teams::table.on(teams::id.eq(team_grids::team_id)))
        .filter(teams::town_id.eq(Id(town)))
        .order((team_grids::team_id, team_grids::grid_id))
        .select((team_grids::team_id, team_grids::grid_id))
        .load(conn)?;
    let (mut members, mut grids) = (by_team(members), by_team(grids));
    rows.into_iter()
        .map(|row| {
            let mut member_ids = members.remove(&row.id).unwrap_or_default();
            member_ids.sort_by_key(|member| *member != row.lead_id);
            let categories: Vec<String> = row
                .categories
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?
                .unwrap_or_default();
            Ok(TeamFacts {
                member_ids,
                grid_ids: grids.remove(&row.id).unwrap_or_default(),
                categories: categories
                    .iter()
                    .filter_map(|slug| Category::from_code(slug))
                    .collect(),
                id: row.id,
                town_id: row.town_id,
                name: row.name,
                kind: row.kind.0,
                lead_id: row.lead_id,
                created_at: row.created_at,
                archived_at: row.archived_at.map(|at| at.0),
                version: row.version,
            })
        })
        .collect()
}

fn by_team(pairs: Vec<(Uuid, Uuid)>) -> HashMap<Uuid, Vec<Uuid>> {
    let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (team, one) in pairs {
        found.entry(team).or_default().push(one);
    }
    found
}
