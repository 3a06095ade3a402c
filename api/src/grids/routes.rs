//! HTTP of grids.
//!
//! Owns paths and wire types. Whoever is posted in a town sees the names of all its grids: a report
//! may be filed for any of them (DESIGN.md 3). Other towns do not exist.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::scope::Scope;
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::directory::{Directory, Grid, Town};
use crate::app::App;
use crate::http::choice::{Choice, OptionalChoice as _};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::validate::{Errors, Validate};
use crate::http::{Call, etag};
use crate::problem::{Problem, document};
use crate::refusals;
use crate::store::{Conn, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_grids)
        .service(grid_tree)
        .service(get_grid);
}

refusals! {
    SignedRefusals = [SIGNED] + [];
}

/// A grid on the way from the town down.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Step {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// Its tier.
    tier: Tier,
}

/// A grid.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Grid, example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000002", "code": "990001100200", "name": "青山村",
    "tier": "village", "town_id": "0192f7a0-0000-7000-8000-000000000001",
    "parent_id": "0192f7a0-0000-7000-8000-000000000001",
    "path": [
        {"id": "0192f7a0-0000-7000-8000-000000000001", "name": "示范镇", "tier": "town"},
        {"id": "0192f7a0-0000-7000-8000-000000000002", "name": "青山村", "tier": "village"}
    ],
    "version": 1
}))]
pub struct GridFacts {
    /// Its id.
    id: Uuid,
    /// Its division code: 12 digits, a group's 15. It may change when divisions merge.
    code: String,
    /// Its name.
    name: String,
    /// Its tier.
    tier: Tier,
    /// The town it belongs to.
    town_id: Uuid,
    /// The grid above; absent for a town.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<Uuid>,
    /// A phone number or the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// From the town down to the grid itself.
    path: Vec<Step>,
    /// Its version.
    version: i64,
}

impl GridFacts {
    fn of(town: &Town, grid: &Grid) -> Self {
        let mut path: Vec<Step> = grid
            .path
            .upward()
            .filter_map(|(tier, id)| {
                let name = town.grid_name(id)?.to_owned();
                Some(Step { id, name, tier })
            })
            .collect();
        path.reverse();
        Self {
            id: grid.id,
            code: grid.code.clone(),
            name: grid.name.clone(),
            tier: grid.tier(),
            town_id: town.id,
            parent_id: grid.parent_id,
            contact: grid.contact.clone(),
            path,
            version: grid.version,
        }
    }
}

/// Which grids.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only those directly below this grid.
    parent: Option<Uuid>,
    /// Only those of this tier.
    #[param(inline)]
    tier: Option<Choice<Tier>>,
    /// Only those whose name contains this, or whose code begins with it.
    #[param(max_length = 60)]
    q: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

impl Validate for Listing {
    fn validate(&self, errors: &mut Errors) {
        self.tier.check("tier", errors);
        errors.filled("q", &self.q, 60);
    }
}

/// What a cursor of this list is bound to.
#[derive(Serialize)]
struct Filters<'a> {
    list: &'static str,
    parent: Option<Uuid>,
    tier: Option<Tier>,
    q: Option<&'a str>,
}

/// Grids of the caller's towns
///
/// By code, so that each grid stands before those below it.
#[utoipa::path(
    operation_id = "listGrids",
    tag = "grids",
    security(("bearer" = [])),
    params(Listing),
    responses((status = 200, description = "A page of grids.", body = Page<GridFacts>), SignedRefusals)
)]
#[get("/v1/grids")]
async fn list_grids(app: Data<App>, call: Call<(), Listing>) -> Result<HttpResponse, Problem> {
    let wanted = call.query;
    let q = wanted.q.as_deref().map(|q| q.trim().to_lowercase());
    let tier = wanted.tier.get();
    let filters = Filters {
        list: "grids",
        parent: wanted.parent,
        tier,
        q: q.as_deref(),
    };
    let after: Option<String> = app
        .cursors
        .open_optional(wanted.cursor.as_ref(), &filters)?;
    let towns = towns_of(&app, call.actor.scope()).await?;
    let mut found: Vec<(&Town, &Grid)> = towns
        .iter()
        .flat_map(|town| town.grids().map(move |grid| (&**town, grid)))
        .filter(|(_, grid)| {
            after.as_ref().is_none_or(|after| grid.code > *after)
                && wanted.parent.is_none_or(|id| grid.parent_id == Some(id))
                && tier.is_none_or(|tier| grid.tier() == tier)
                && q.as_ref().is_none_or(|q| {
                    grid.name.to_lowercase().contains(q) || grid.code.starts_with(q)
                })
        })
        .collect();
    found.sort_by(|(_, one), (_, other)| one.code.cmp(&other.code));
    let key = |(_, grid): &(&Town, &Grid)| grid.code.clone();
    let facts = |(town, grid): (&Town, &Grid)| GridFacts::of(town, grid);
    let page = Page::of(found, wanted.limit, &app.cursors, &filters, key, facts)?;
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// A grid with all below it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Branch {
    /// Its id.
    id: Uuid,
    /// Its division code.
    code: String,
    /// Its name.
    name: String,
    /// Its tier.
    tier: Tier,
    /// A phone number or the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// The grids directly below, by code.
    #[schema(no_recursion)]
    children: Vec<Branch>,
}

/// The trees of the caller's towns.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Trees {
    /// One tree a town, by code.
    items: Vec<Branch>,
}

impl Branch {
    fn of(grid: &Grid, town: &Town) -> Self {
        let children = town
            .grids()
            .filter(|below| below.parent_id == Some(grid.id))
            .map(|below| Self::of(below, town));
        Self {
            id: grid.id,
            code: grid.code.clone(),
            name: grid.name.clone(),
            tier: grid.tier(),
            contact: grid.contact.clone(),
            children: children.collect(),
        }
    }
}

/// The caller's towns as trees
///
/// For an app to keep: ask again with `If-None-Match`.
#[utoipa::path(
    operation_id = "getGridTree",
    tag = "grids",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The trees.", body = Trees),
        (status = 304, description = "They have not changed."),
        SignedRefusals
    )
)]
#[get("/v1/grids/tree")]
async fn grid_tree(app: Data<App>, call: Call) -> Result<HttpResponse, Problem> {
    let mut towns = towns_of(&app, call.actor.scope()).await?;
    towns.sort_by(|one, other| one.code.cmp(&other.code));
    let trees = Trees {
        items: towns
            .iter()
            .filter_map(|town| Some(Branch::of(town.grid(town.id)?, town)))
            .collect(),
    };
    etag::json(call.if_none_match.as_deref(), 0, &trees)
}

/// One grid
#[utoipa::path(
    operation_id = "getGrid",
    tag = "grids",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The grid.")),
    responses(
        (status = 200, description = "The grid.", body = GridFacts),
        (status = 304, description = "It has not changed."),
        document::Read
    )
)]
#[get("/v1/grids/{id}")]
async fn get_grid(app: Data<App>, call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (directory, scope, id) = (app.directory.clone(), call.actor.scope(), call.path);
    let grid = app
        .store
        .read(move |conn| find(conn, &directory, &scope, id))
        .await?;
    etag::json(call.if_none_match.as_deref(), grid.version, &grid)
}

fn find(conn: &mut Conn, directory: &Directory, scope: &Scope, id: Uuid) -> Outcome<GridFacts> {
    directory
        .find(conn, scope.towns(), id)?
        .and_then(|(town, _)| Some(GridFacts::of(&town, town.grid(id)?)))
        .ok_or_else(|| Problem::new(Code::NotFound).into())
}

/// The towns the caller is posted in.
async fn towns_of(app: &App, scope: Scope) -> Result<Vec<Arc<Town>>, Problem> {
    let directory = app.directory.clone();
    app.store
        .read(move |conn| {
            scope
                .towns()
                .iter()
                .map(|id| directory.town(conn, *id))
                .collect()
        })
        .await
}
