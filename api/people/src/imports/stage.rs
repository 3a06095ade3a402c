//! The staged lines of an import, in the order of their keys.
//!
//! Owns SQL statements only. Keys are ASCII, and both databases compare them byte by byte.

use diesel::prelude::*;
use uuid::Uuid;

use super::{Line, Staged};
use gridpatrol_store::schema::import_lines as lines;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, on_each};

/// Values of one `IN`, rows of one insert.
const TOGETHER: usize = 500;
/// Lines removed at a time.
const REMOVED_AT_ONCE: i64 = 4000;

#[derive(Insertable)]
#[diesel(table_name = lines)]
struct NewLine<'a> {
    import_id: Id,
    key: &'a str,
    line: i64,
    content: &'a str,
}

/// Stages lines, each with its number. Returns the lines with a key that already exists: their
/// place in `staged`, and the number of the line that has the key.
///
/// # Errors
/// If the database fails.
pub fn add(
    conn: &mut Conn,
    import: Uuid,
    staged: &[(i64, Staged)],
) -> QueryResult<Vec<(usize, i64)>> {
    let mut repeated = Vec::new();
    for (run, staged) in staged.chunks(TOGETHER).enumerate() {
        let rows: Vec<NewLine<'_>> = staged
            .iter()
            .map(|(line, staged)| NewLine {
                import_id: Id(import),
                key: &staged.key,
                line: *line,
                content: &staged.content,
            })
            .collect();
        let added: usize = on_each!(conn,
            sqlite c => rows
                .iter()
                .map(|row| {
                    gridpatrol_store::prepared!(diesel::insert_into(lines::table)
                        .values((
                            lines::import_id.eq(row.import_id),
                            lines::key.eq(row.key),
                            lines::line.eq(row.line),
                            lines::content.eq(row.content),
                        ))
                        .on_conflict_do_nothing())
                    .execute(c)
                })
                .sum::<QueryResult<usize>>()?,
            postgres c => diesel::insert_into(lines::table)
                .values(&rows)
                .on_conflict_do_nothing()
                .execute(c)?,
        );
        if added < rows.len() {
            let keys = staged.iter().map(|(_, staged)| staged.key.as_str());
            let known: std::collections::HashMap<String, i64> = lines::table
                .filter(lines::import_id.eq(Id(import)))
                .filter(lines::key.eq_any(keys))
                .select((lines::key, lines::line))
                .load(conn)?
                .into_iter()
                .collect();
            for (place, (line, staged)) in staged.iter().enumerate() {
                match known.get(&staged.key) {
                    Some(first) if first != line => {
                        repeated.push((run * TOGETHER + place, *first));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(repeated)
}

/// How many lines are staged.
///
/// # Errors
/// If the database fails.
pub fn count(conn: &mut Conn, import: Uuid) -> QueryResult<i64> {
    lines::table
        .filter(lines::import_id.eq(Id(import)))
        .count()
        .get_result(conn)
}

/// The next lines after a key: about `most` of them, so that lines that belong together stay
/// together. Empty at the end.
///
/// # Errors
/// If the database fails.
pub fn after(
    conn: &mut Conn,
    import: Uuid,
    key: &str,
    most: i64,
    together: &dyn Fn(&str, &str) -> bool,
) -> QueryResult<Vec<Line>> {
    let mut found: Vec<Line> = Vec::new();
    loop {
        let from = found.last().map_or(key, |line| line.key.as_str());
        let page: Vec<(String, i64, String)> = lines::table
            .filter(lines::import_id.eq(Id(import)))
            .filter(lines::key.gt(from))
            .order(lines::key)
            .limit(most)
            .select((lines::key, lines::line, lines::content))
            .load(conn)?;
        let ends = i64::try_from(page.len()).unwrap_or(i64::MAX) < most;
        found.extend(
            page.into_iter()
                .map(|(key, line, content)| Line { key, line, content }),
        );
        if ends {
            return Ok(found);
        }
        // More may follow: cut before the last group of lines that belong together.
        let cut = found
            .windows(2)
            .rposition(|pair| matches!(pair, [one, next] if !together(&one.key, &next.key)));
        if let Some(cut) = cut {
            found.truncate(cut + 1);
            return Ok(found);
        }
    }
}

/// Removes some lines. Returns whether none is left.
///
/// # Errors
/// If the database fails.
pub fn forget(conn: &mut Conn, import: Uuid) -> QueryResult<bool> {
    let last: Option<String> = lines::table
        .filter(lines::import_id.eq(Id(import)))
        .order(lines::key)
        .offset(REMOVED_AT_ONCE - 1)
        .select(lines::key)
        .first(conn)
        .optional()?;
    match last {
        Some(last) => {
            diesel::delete(
                lines::table
                    .filter(lines::import_id.eq(Id(import)))
                    .filter(lines::key.le(last)),
            )
            .execute(conn)?;
            Ok(false)
        }
        None => {
            diesel::delete(lines::table.filter(lines::import_id.eq(Id(import)))).execute(conn)?;
            Ok(true)
        }
    }
}
