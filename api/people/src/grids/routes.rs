//! HTTP of grids.
//!
//! Owns paths and wire types. Whoever is posted in a town sees the names of all its grids: a report
//! may be filed for any of them. Other towns do not exist.

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::grid_management;
use gridpatrol_domain::scope::Scope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change_routes::{self, ById};
use super::{boundary_routes, queries};
use crate::auth::Call;
use crate::imports::routes::Import;
use crate::imports::upload::{self, Announced, ImportQuery, SheetFile};
use crate::imports::{ImportKind, ImportQueue};
use crate::towns::directory::{Directory, Town};
use crate::towns::snapshot::Grid;
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::Store;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_grids)
        .service(grid_tree)
        .service(import_grids);
    // Before the grid of an id: "locate" is none.
    boundary_routes::routes(config);
    config.service(get_grid);
    change_routes::routes(config);
}

refusals! {
    SignedRefusals = [SIGNED] + [];
    ImportRefusals = [BODY, SIGNED, KEYED] + [NotPermitted];
}

/// A grid on the way from the town down.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = GridPathStep)]
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
    "valid_from": "2026-01-01T00:00:00Z", "code_from": "2026-01-01T00:00:00Z", "version": 1
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
    /// From when it is valid.
    valid_from: DateTime<Utc>,
    /// When it ended; absent while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<DateTime<Utc>>,
    /// The grid that took over when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    successor_id: Option<Uuid>,
    /// From when its present code is valid.
    code_from: DateTime<Utc>,
    /// Codes it had before. Only where one grid is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    former_codes: Vec<FormerCode>,
    /// Its version.
    version: i64,
}

/// A code that a grid had.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FormerCode {
    /// The code.
    #[schema(example = "990001100205")]
    code: String,
    /// From when it was valid.
    from: DateTime<Utc>,
    /// Until when.
    to: DateTime<Utc>,
}

impl GridFacts {
    /// Its version.
    pub(super) const fn version(&self) -> i64 {
        self.version
    }

    /// What is told of a grid.
    pub(super) fn of(town: &Town, grid: &Grid) -> Self {
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
            valid_from: grid.valid_from,
            valid_to: grid.valid_to,
            successor_id: grid.successor_id,
            code_from: grid.code_from,
            former_codes: Vec::new(),
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
    /// Those that have ended as well.
    #[serde(default)]
    archived: bool,
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
    archived: bool,
}

/// Grids of the caller's towns
///
/// By code. Those that have ended are left out unless asked for.
#[utoipa::path(
    operation_id = "listGrids",
    tag = "grids",
    security(("bearer" = [])),
    params(Listing),
    responses((status = 200, description = "A page of grids.", body = Page<GridFacts>), SignedRefusals)
)]
#[get("/v1/grids")]
async fn list_grids(
    directory: Data<Directory>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let wanted = call.query;
    let q = wanted.q.as_deref().map(|q| q.trim().to_lowercase());
    let tier = wanted.tier.get();
    let filters = Filters {
        list: "grids",
        parent: wanted.parent,
        tier,
        q: q.as_deref(),
        archived: wanted.archived,
    };
    let after: Option<String> = call
        .cursors
        .open_optional(wanted.cursor.as_ref(), &filters)?;
    let towns = towns_of(&directory, &call.store, call.actor.scope()).await?;
    let mut found: Vec<(&Town, &Grid)> = towns
        .iter()
        .flat_map(|town| town.all_grids().map(move |grid| (&**town, grid)))
        .filter(|(_, grid)| {
            (wanted.archived || !grid.is_archived())
                && after.as_ref().is_none_or(|after| grid.code > *after)
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
    let page = Page::of(found, wanted.limit, &call.cursors, &filters, key, facts)?;
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// A grid with all below it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = GridBranch)]
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
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<DateTime<Utc>>,
    /// The grids directly below, by code.
    #[schema(no_recursion)]
    children: Vec<Branch>,
}

/// The trees of the caller's towns.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = GridTrees)]
pub struct Trees {
    /// One tree a town, by code.
    items: Vec<Branch>,
}

impl Branch {
    fn of(grid: &Grid, town: &Town, archived: bool) -> Self {
        let children = town
            .all_grids()
            .filter(|below| below.parent_id == Some(grid.id))
            .filter(|below| archived || !below.is_archived())
            .map(|below| Self::of(below, town, archived));
        Self {
            id: grid.id,
            code: grid.code.clone(),
            name: grid.name.clone(),
            tier: grid.tier(),
            contact: grid.contact.clone(),
            valid_to: grid.valid_to,
            children: children.collect(),
        }
    }
}

/// What the trees hold.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TreeQuery {
    /// Grids that have ended as well, where they were.
    archived: bool,
}

impl Validate for TreeQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// The caller's towns as trees
///
/// For an app to keep: ask again with `If-None-Match`.
#[utoipa::path(
    operation_id = "getGridTree",
    tag = "grids",
    security(("bearer" = [])),
    params(TreeQuery),
    responses(
        (status = 200, description = "The trees.", body = Trees),
        (status = 304, description = "They have not changed."),
        SignedRefusals
    )
)]
#[get("/v1/grids/tree")]
async fn grid_tree(
    directory: Data<Directory>,
    call: Call<(), TreeQuery>,
) -> Result<HttpResponse, Problem> {
    let mut towns = towns_of(&directory, &call.store, call.actor.scope()).await?;
    towns.sort_by(|one, other| one.code.cmp(&other.code));
    let trees = Trees {
        items: towns
            .iter()
            .filter_map(|town| Some(Branch::of(town.grid(town.id)?, town, call.query.archived)))
            .collect(),
    };
    etag::json(call.if_none_match.as_deref(), 0, &trees)
}

/// Imports towns, villages and groups from a file
///
/// CSV (UTF-8, UTF-16 or GBK) or XLSX (the first sheet), at most 64 MiB and 1,000,000 lines, with the
/// columns `code` and `name`, and if need be `tier`, `parent_code` and `contact`. A code that is
/// there is changed where the line says otherwise, one that is not is created. Every bad line is
/// named, and nothing is published while there is one. New towns appear all at once. For
/// administrators, and for the town's leader within the town.
#[utoipa::path(
    operation_id = "importGrids",
    tag = "imports",
    params(ImportQuery),
    request_body(content(
        (SheetFile = "text/csv"),
        (SheetFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (SheetFile = "application/octet-stream"),
    ), description = "The file."),
    responses(
        (status = 202, description = "It has arrived and waits for its turn.", body = Import,
            headers(("Location" = String, description = "Where to ask how far it is."))),
        ImportRefusals
    )
)]
#[post("/v1/grids/import")]
async fn import_grids(
    imports: Data<ImportQueue>,
    _: Announced,
    call: Call<(), ImportQuery>,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let actor = &call.actor.actor;
    let may = grid_management::administers(actor)
        || actor
            .postings
            .iter()
            .any(|posting| grid_management::may_manage(actor, posting.grid.town_id()));
    if !may {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Grids are imported by administrators and leaders of towns."));
    }
    upload::receive(&imports, &call, body, ImportKind::Grids).await
}

/// One grid
///
/// One that has ended is found as before. Administrators see the grids of all towns.
#[utoipa::path(
    operation_id = "getGrid",
    tag = "grids",
    security(("bearer" = [])),
    params(ById),
    responses(
        (status = 200, description = "The grid.", body = GridFacts),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/grids/{id}")]
async fn get_grid(directory: Data<Directory>, call: Call<ById>) -> Result<HttpResponse, Problem> {
    let (manager, id) = (change_routes::manager(&directory, &call), call.path.id);
    let grid = call
        .store
        .read(move |conn| {
            let (town, grid) = manager.seen(conn, id)?;
            let mut facts = GridFacts::of(&town, &grid);
            facts.former_codes = queries::codes_of(conn, id)?
                .into_iter()
                .map(|(code, from, to)| FormerCode { code, from, to })
                .collect();
            Ok(facts)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), grid.version, &grid)
}

/// The towns the caller is posted in.
async fn towns_of(
    directory: &Directory,
    store: &Store,
    scope: Scope,
) -> Result<Vec<Arc<Town>>, Problem> {
    let directory = directory.clone();
    store
        .read(move |conn| {
            scope
                .towns()
                .iter()
                .map(|id| directory.town(conn, *id))
                .collect()
        })
        .await
}
