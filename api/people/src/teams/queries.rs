//! SQL of teams.
//!
//! Owns statements only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::towns::teams::{TeamFacts, TeamRow};
use gridpatrol_store::schema::{
    report_hands, report_participants, reports, team_grids, team_members, teams,
};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, on_each};

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
        .values(TeamRow::from(team))
        .execute(conn)?;
    add_people_and_grids(conn, team)
}

/// Writes the current state of a team.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, team: &TeamFacts) -> QueryResult<()> {
    diesel::update(teams::table.find(Id(team.id)))
        .set(TeamRow::from(team))
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

/// Lets an officer see the team's current reports from now on.
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
