//! What must be true of grids, boundaries and imports in every database.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use gridpatrol_store::schema::{
    grid_boundaries, grid_codes, grids, import_lines, import_pieces, imports, postings, reports,
    towns,
};
use gridpatrol_store::{Conn, Outcome};
use uuid::Uuid;

/// A grid as its row says.
struct Grid {
    town: Uuid,
    village: Option<Uuid>,
    parent: Option<Uuid>,
    tier: String,
    ended: Option<chrono::DateTime<chrono::Utc>>,
    successor: Option<Uuid>,
}

/// Checks all of it.
pub fn check(conn: &mut Conn) -> Outcome<()> {
    type Row = (
        Uuid,
        Uuid,
        Option<Uuid>,
        Option<Uuid>,
        String,
        Option<chrono::DateTime<chrono::Utc>>,
        Option<Uuid>,
    );
    let rows: Vec<Row> = grids::table
        .select((
            grids::id,
            grids::town_id,
            grids::village_id,
            grids::parent_id,
            grids::tier,
            grids::valid_to,
            grids::successor_id,
        ))
        .load(conn)?;
    let all: BTreeMap<Uuid, Grid> = rows
        .into_iter()
        .map(|(id, town, village, parent, tier, ended, successor)| {
            let grid = Grid {
                town,
                village,
                parent,
                tier,
                ended,
                successor,
            };
            (id, grid)
        })
        .collect();
    tree(&all);
    codes(conn)?;
    open_reports(conn, &all)?;
    ended_postings(conn, &all)?;
    files(conn)?;
    let bounded: Vec<(Uuid, Uuid)> = grid_boundaries::table
        .select((grid_boundaries::grid_id, grid_boundaries::town_id))
        .load(conn)?;
    for (grid, town) in bounded {
        assert_eq!(all[&grid].town, town, "the boundary of {grid}");
    }
    Ok(())
}

/// Each grid stands where its parent says, and below nothing that has ended unless it has ended too.
fn tree(all: &BTreeMap<Uuid, Grid>) {
    for (id, grid) in all {
        let Some(parent) = grid.parent else {
            assert_eq!((grid.tier.as_str(), grid.town), ("town", *id));
            assert_eq!(grid.village, None, "{id}");
            continue;
        };
        let above = &all[&parent];
        assert_eq!(above.town, grid.town, "{id} and its parent are of one town");
        let (tier, village) = match above.tier.as_str() {
            "town" => ("village", *id),
            _ => ("group", parent),
        };
        assert_eq!((grid.tier.as_str(), grid.village), (tier, Some(village)));
        assert!(
            above.ended.is_none() || grid.ended.is_some(),
            "{id} lies below a grid that has ended"
        );
        if let Some(successor) = grid.successor {
            assert!(
                grid.ended.is_some(),
                "{id} has a successor and has not ended"
            );
            assert_eq!(all[&successor].town, grid.town, "the successor of {id}");
        }
    }
}

/// No code is or was that of two grids.
fn codes(conn: &mut Conn) -> Outcome<()> {
    let mut owners: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    let present: Vec<(String, Uuid)> = grids::table.select((grids::code, grids::id)).load(conn)?;
    let former: Vec<(String, Uuid)> = grid_codes::table
        .select((grid_codes::code, grid_codes::grid_id))
        .load(conn)?;
    for (code, grid) in present.into_iter().chain(former) {
        owners.entry(code).or_default().insert(grid);
    }
    for (code, owners) in owners {
        assert_eq!(owners.len(), 1, "{code} is or was that of several grids");
    }
    Ok(())
}

/// What is open lies, is held, worked on and waits at grids that have not ended, on their present
/// path.
fn open_reports(conn: &mut Conn, all: &BTreeMap<Uuid, Grid>) -> Outcome<()> {
    type Row = (
        Uuid,
        Uuid,
        Option<Uuid>,
        Option<Uuid>,
        Uuid,
        Option<Uuid>,
        Option<Uuid>,
    );
    let rows: Vec<Row> = reports::table
        .filter(reports::status.eq_any(["open", "escalating", "resolved", "suspended"]))
        .select((
            reports::id,
            reports::grid_id,
            reports::village_id,
            reports::group_id,
            reports::holder_id,
            reports::handler_grid_id,
            reports::desk_grid_id,
        ))
        .load(conn)?;
    for (id, grid, village, group, holder, handler, desk) in rows {
        let named = [Some(grid), village, group, Some(holder), handler, desk];
        for at in named.into_iter().flatten() {
            assert!(
                all[&at].ended.is_none(),
                "{id} is open at {at}, which ended"
            );
        }
        assert_eq!(all[&grid].village, village, "the path of {id}");
        if let Some(group) = group {
            assert_eq!(group, grid, "the path of {id}");
        }
    }
    Ok(())
}

fn ended_postings(conn: &mut Conn, all: &BTreeMap<Uuid, Grid>) -> Outcome<()> {
    type Row = (
        Uuid,
        Uuid,
        chrono::DateTime<chrono::Utc>,
        Option<chrono::DateTime<chrono::Utc>>,
    );
    let rows: Vec<Row> = postings::table
        .select((
            postings::id,
            postings::grid_id,
            postings::valid_from,
            postings::valid_to,
        ))
        .load(conn)?;
    for (id, grid, from, to) in rows {
        if let Some(ended) = all[&grid].ended {
            let over = to.is_some_and(|to| to <= ended || to <= from);
            assert!(over, "posting {id} goes on at a grid that has ended");
        }
    }
    Ok(())
}

/// Nothing is left of an import that was swept, and only imports under way hide towns.
fn files(conn: &mut Conn) -> Outcome<()> {
    let kept: Vec<(Uuid, bool, bool)> = imports::table
        .select((
            imports::id,
            imports::finished_at.is_not_null(),
            imports::swept_at.is_not_null(),
        ))
        .load(conn)?;
    let swept: BTreeSet<Uuid> = kept
        .iter()
        .filter(|(_, _, swept)| *swept)
        .map(|(id, ..)| *id)
        .collect();
    let pieces: Vec<Uuid> = import_pieces::table
        .select(import_pieces::import_id)
        .distinct()
        .load(conn)?;
    let lines: Vec<Uuid> = import_lines::table
        .select(import_lines::import_id)
        .distinct()
        .load(conn)?;
    for import in pieces.into_iter().chain(lines) {
        assert!(!swept.contains(&import), "{import} is swept, and not empty");
    }
    let hidden: Vec<Option<Uuid>> = towns::table
        .filter(towns::import_id.is_not_null())
        .select(towns::import_id)
        .load(conn)?;
    for import in hidden.into_iter().flatten() {
        assert!(
            !swept.contains(&import),
            "{import} is swept and hides a town"
        );
    }
    Ok(())
}
