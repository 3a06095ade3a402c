//! SQL of teams.
//!
//! Owns statements only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use uuid::Uuid;

use crate::on_each;
use crate::store::Conn;
use crate::store::schema::{
    report_hands, report_participants, reports, team_grids, team_members, teams,
};
use crate::store::types::{At, Coded, Id};

/// A team, archived or not.
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
    /// Where it works; none: in the whole town.
    pub grid_ids: Vec<Uuid>,
    /// What it is for; none: everything.
    pub categories: Vec<Category>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
    /// Its version.
    pub version: i64,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = teams, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
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

impl From<&TeamFacts> for Row {
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
    let rows: Vec<Row> = teams::table
        .filter(teams::town_id.eq(Id(town)))
        .order(teams::id)
        .select(Row::as_select())
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

/// The town of a team.
///
/// # Errors
/// If the database fails.
pub fn town_of(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Uuid>> {
    teams::table
        .find(Id(id))
        .select(teams::town_id)
        .first(conn)
        .optional()
}

/// Writes a new team.
///
/// # Errors
/// If the database fails.
pub fn add(conn: &mut Conn, team: &TeamFacts) -> QueryResult<()> {
    diesel::insert_into(teams::table)
        .values(Row::from(team))
        .execute(conn)?;
    add_people_and_grids(conn, team)
}

/// Writes a team as it is now.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, team: &TeamFacts) -> QueryResult<()> {
    diesel::update(teams::table.find(Id(team.id)))
        .set(Row::from(team))
        .execute(conn)?;
    diesel::delete(team_members::table.filter(team_members::team_id.eq(Id(team.id))))
        .execute(conn)?;
    diesel::delete(team_grids::table.filter(team_grids::team_id.eq(Id(team.id)))).execute(conn)?;
    add_people_and_grids(conn, team)
}

fn add_people_and_grids(conn: &mut Conn, team: &TeamFacts) -> QueryResult<()> {
    for member in &team.member_ids {
        diesel::insert_into(team_members::table)
            .values((
                team_members::team_id.eq(Id(team.id)),
                team_members::officer_id.eq(Id(*member)),
            ))
            .execute(conn)?;
    }
    for grid in &team.grid_ids {
        diesel::insert_into(team_grids::table)
            .values((
                team_grids::team_id.eq(Id(team.id)),
                team_grids::grid_id.eq(Id(*grid)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives an officer lasting sight of what a team works on now.
///
/// # Errors
/// If the database fails.
pub fn let_see(conn: &mut Conn, team: Uuid, officer: Uuid) -> QueryResult<()> {
    let at_work: Vec<(Uuid, Uuid, DateTime<Utc>)> = report_hands::table
        .inner_join(reports::table.on(reports::id.eq(report_hands::report_id)))
        .filter(report_hands::hand_id.eq(Id(team)))
        .select((reports::id, reports::town_id, reports::received_at))
        .load(conn)?;
    for (report, town, received_at) in at_work {
        on_each!(conn, c => diesel::insert_into(report_participants::table)
            .values((
                report_participants::participant_id.eq(Id(officer)),
                report_participants::report_id.eq(Id(report)),
                report_participants::town_id.eq(Id(town)),
                report_participants::received_at.eq(At(received_at)),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .map(drop))?;
    }
    Ok(())
}
