//! Teams over HTTP.
//!
//! Owns paths and wire types only. It must not hold rules.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, patch, post};
use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::Team;
use super::commands::{Change, Manager, New};
use super::requests::{NewTeam, TeamArchiving, TeamChange, categories};
use crate::auth::Call;
use crate::towns::directory::Directory;
use crate::towns::teams::TeamFacts;
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::idempotency::{Answer, keyed};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_teams)
        .service(create_team)
        .service(get_team)
        .service(change_team)
        .service(archive_team);
}

refusals! {
    Listed = [SIGNED] + [NotFound];
    Created = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached];
    Changed = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, AlreadyEnded];
    Archived = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch];
}

/// The team of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The team's id.
    pub id: Uuid,
}

/// Which teams.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only those of this town; absent: of all where the caller is posted.
    town: Option<Uuid>,
    /// Only those in whose area this grid lies.
    grid: Option<Uuid>,
    /// Only those in whose field this is.
    #[param(inline)]
    category: Option<Choice<Category>>,
    /// Those that are archived as well.
    archived: bool,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    limit: Limit,
}

impl Validate for Listing {
    fn validate(&self, errors: &mut Errors) {
        self.category.check("category", errors);
    }
}

/// The filter that a cursor of this list belongs to.
#[derive(Serialize)]
struct Filters {
    list: &'static str,
    town: Option<Uuid>,
    grid: Option<Uuid>,
    category: Option<Category>,
    archived: bool,
}

fn manager<P, Q, B>(directory: &Directory, call: &Call<P, Q, B>) -> Manager {
    Manager {
        directory: directory.clone(),
        actor: call.actor.actor.clone(),
        towns: call.actor.scope().towns().to_vec(),
        now: call.now,
    }
}

fn shown(conn: &mut Conn, manager: &Manager, team: &TeamFacts) -> Outcome<Team> {
    let town = manager.directory.town(conn, team.town_id)?;
    Ok(Team::of(&town, &town.staffing(manager.now), team))
}

/// Teams of the caller's towns
///
/// In the order in which they were made. `grid` and `category` find those to think of for a report:
/// in whose area it lies, and whose field it is. Everybody posted in the town sees them.
#[utoipa::path(
    operation_id = "listTeams",
    tag = "teams",
    params(Listing),
    responses((status = 200, description = "A page of teams.", body = Page<Team>), Listed)
)]
#[get("/v1/teams")]
async fn list_teams(
    directory: Data<Directory>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let manager = manager(&directory, &call);
    let asked = call.query;
    let filters = Filters {
        list: "teams",
        town: asked.town,
        grid: asked.grid,
        category: asked.category.get(),
        archived: asked.archived,
    };
    let after: Option<Uuid> = call
        .cursors
        .open_optional(asked.cursor.as_ref(), &filters)?;
    let (grid, category, limit) = (filters.grid, filters.category, asked.limit);
    let (items, next) = call
        .store
        .read(move |conn| {
            let towns = match asked.town {
                Some(town) => vec![town],
                None => manager.towns.clone(),
            };
            let mut found = Vec::new();
            for town in towns {
                let town = manager.town(conn, town)?;
                let staffing = town.staffing(manager.now);
                let wanted = town
                    .teams_for(grid, category)
                    .filter(|team| asked.archived || team.archived_at.is_none())
                    .filter(|team| after.is_none_or(|after| after < team.id));
                found.extend(wanted.map(|team| (team.id, Team::of(&town, &staffing, team))));
            }
            found.sort_by_key(|(id, _)| *id);
            let more = found.len() > limit.size();
            found.truncate(limit.size());
            let next = found.last().filter(|_| more).map(|(id, _)| *id);
            let items: Vec<Team> = found.into_iter().map(|(_, team)| team).collect();
            Ok((items, next))
        })
        .await?;
    let page = Page {
        items,
        next_cursor: next
            .map(|next| call.cursors.seal(&filters, &next))
            .transpose()?,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// Makes a team
///
/// For who manages the town: its leaders, admins, and town officers with the managing right. The town
/// may then give it work (`assignReport`), and a village that lies in its area if it is a village
/// liaison team.
#[utoipa::path(
    operation_id = "createTeam",
    tag = "teams",
    request_body = NewTeam,
    responses((status = 201, description = "The team.", body = Team), Created)
)]
#[post("/v1/teams")]
async fn create_team(
    directory: Data<Directory>,
    call: Call<(), (), NewTeam>,
) -> Result<HttpResponse, Problem> {
    let manager = manager(&directory, &call);
    let asked = call.body.clone();
    let new = New {
        id: Uuid::now_v7(),
        town_id: asked.town_id,
        name: asked.name,
        // The body is already validated, so the kind is known.
        kind: asked.kind.get().unwrap_or(TeamKind::Other),
        lead_id: asked.lead_id,
        member_ids: asked.member_ids,
        grid_ids: asked.grid_ids,
        categories: categories(&asked.categories),
    };
    keyed(&call, move |conn| {
        let team = manager.create(conn, &new)?;
        Ok(Answer::created(&shown(conn, &manager, &team)?)?)
    })
    .await
}

/// One team
///
/// Archived or not. Everybody posted in the town sees it.
#[utoipa::path(
    operation_id = "getTeam",
    tag = "teams",
    params(ById),
    responses(
        (status = 200, description = "The team.", body = Team),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/teams/{id}")]
async fn get_team(directory: Data<Directory>, call: Call<ById>) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let team = call
        .store
        .read(move |conn| {
            let (_, team) = manager.seen(conn, id)?;
            shown(conn, &manager, &team)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), team.version(), &team)
}

/// Changes a team
///
/// For who manages the town. Who joins sees and may do at once what the team is at work on; who leaves
/// keeps sight of it. `If-Match` is required.
#[utoipa::path(
    operation_id = "changeTeam",
    tag = "teams",
    params(ById),
    request_body = TeamChange,
    responses((status = 200, description = "The team.", body = Team), Changed)
)]
#[patch("/v1/teams/{id}")]
async fn change_team(
    directory: Data<Directory>,
    call: Call<ById, (), TeamChange>,
) -> Result<HttpResponse, Problem> {
    let manager = manager(&directory, &call);
    let asked = call.body;
    let change = Change {
        name: asked.name,
        kind: asked.kind.get(),
        lead_id: asked.lead_id,
        member_ids: asked.member_ids,
        grid_ids: asked.grid_ids,
        categories: asked.categories.map(|asked| categories(&asked)),
    };
    let (id, if_match) = (call.path.id, call.if_match);
    let team = call
        .store
        .write(Lane::Interactive, move |conn| {
            let team = manager.change(conn, id, if_match.as_ref(), &change)?;
            shown(conn, &manager, &team)
        })
        .await?;
    Ok(etag::answer(
        StatusCode::OK,
        Some(team.version()),
        etag::write(&team)?,
    ))
}

/// Archives a team
///
/// For who manages the town. It is given no more work, and its name is free again. What it was given
/// is from now on for the officers of the holder to do, who find it in their inbox. Safe to repeat.
#[utoipa::path(
    operation_id = "archiveTeam",
    tag = "teams",
    params(ById),
    request_body = TeamArchiving,
    responses((status = 200, description = "The team.", body = Team), Archived)
)]
#[post("/v1/teams/{id}/archive")]
async fn archive_team(
    directory: Data<Directory>,
    call: Call<ById, (), TeamArchiving>,
) -> Result<HttpResponse, Problem> {
    let manager = manager(&directory, &call);
    let (id, if_match, reason) = (
        call.path.id,
        call.if_match.clone(),
        call.body.reason.clone(),
    );
    keyed(&call, move |conn| {
        let team = manager.archive(conn, id, if_match.as_ref(), reason.as_deref())?;
        Ok(Answer::ok(&shown(conn, &manager, &team)?)?)
    })
    .await
}
