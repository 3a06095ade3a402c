//! Both dialects and `schema.rs` have the same tables, columns, types and keys.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{Bool, Text};

use super::*;

/// Table → column → (type, whether it may be null).
type Columns = BTreeMap<String, BTreeMap<String, (String, bool)>>;

/// Table → indexes, each with its columns and whether it is unique.
type Indexes = BTreeMap<String, BTreeSet<(String, bool)>>;

/// The SQL types of `schema.rs`, and what each database calls them.
const TYPES: [(&str, &str, &str); 8] = [
    ("Id", "uuid", "BLOB"),
    ("Instant", "timestamp with time zone", "INTEGER"),
    ("Text", "text", "TEXT"),
    ("Bool", "boolean", "INTEGER"),
    ("Integer", "integer", "INTEGER"),
    ("BigInt", "bigint", "INTEGER"),
    ("Double", "double precision", "REAL"),
    ("Binary", "bytea", "BLOB"),
];

/// Tables that exist in one form or the other and are reached without `schema.rs`.
fn is_ours(table: &str) -> bool {
    !table.starts_with("report_search") && !table.starts_with("__") && !table.starts_with("sqlite_")
}

/// `schema.rs`, read as text: diesel keeps no list of columns at run time.
fn in_schema() -> Columns {
    let mut tables = Columns::new();
    let mut table = String::new();
    for line in include_str!("../schema.rs").lines().map(str::trim) {
        if line.starts_with("diesel::joinable!") {
            continue;
        }
        if let Some((name, _)) = line.strip_suffix(") {").and_then(|l| l.split_once(" (")) {
            table = name.to_owned();
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind
                .strip_prefix("Nullable<")
                .and_then(|kind| kind.strip_suffix('>'));
            let entry = (inner.unwrap_or(kind).to_owned(), inner.is_some());
            tables
                .entry(table.clone())
                .or_default()
                .insert(column.to_owned(), entry);
        }
    }
    tables
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
}

/// In SQLite an `INTEGER PRIMARY KEY` is never null, though it does not say so.
const SQLITE_COLUMNS: &str = "
    SELECT m.name AS table_name, c.name AS column_name, c.type AS kind,
      c.\"notnull\" = 0 AND NOT (c.pk = 1 AND c.type = 'INTEGER') AS nullable
    FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
const POSTGRES_COLUMNS: &str = "
    SELECT table_name::text, column_name::text, data_type::text AS kind, is_nullable = 'YES' AS nullable
    FROM information_schema.columns WHERE table_schema = 'public'";
const SQLITE_INDEXES: &str = "
    SELECT m.name AS table_name,
      (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS columns,
      i.\"unique\" AS is_unique
    FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table'
    UNION ALL
    SELECT m.name, c.name, 1 FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER'
      AND (SELECT max(p.pk) FROM pragma_table_info(m.name) p) = 1";
const POSTGRES_INDEXES: &str = "
    SELECT t.relname::text AS table_name, i.indisunique AS is_unique,
      (SELECT string_agg(a.attname, ',' ORDER BY k.place)
       FROM unnest(i.indkey) WITH ORDINALITY k (attnum, place)
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) AS columns
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'public'";

fn in_database(store: &Store, columns: &'static str, indexes: &'static str) -> (Columns, Indexes) {
    let (columns, indexes) = store
        .read_blocking(|conn| {
            Ok((
                diesel::sql_query(columns).load::<Column>(conn)?,
                diesel::sql_query(indexes).load::<Index>(conn)?,
            ))
        })
        .unwrap();
    let (mut tables, mut keys) = (Columns::new(), Indexes::new());
    for c in columns.into_iter().filter(|c| is_ours(&c.table_name)) {
        let table = tables.entry(c.table_name).or_default();
        table.insert(c.column_name, (c.kind, c.nullable));
    }
    for i in indexes.into_iter().filter(|i| is_ours(&i.table_name)) {
        let table = keys.entry(i.table_name).or_default();
        table.insert((i.columns, i.is_unique));
    }
    (tables, keys)
}

fn translated(schema: &Columns, name: impl Fn(&str) -> &'static str) -> Columns {
    let mut tables = schema.clone();
    for (kind, _) in tables.values_mut().flat_map(BTreeMap::values_mut) {
        *kind = name(kind).to_owned();
    }
    tables
}

#[test]
fn the_dialects_and_the_schema_have_the_same_tables() {
    let schema = in_schema();
    assert!(schema.len() >= 17, "only {} tables were read", schema.len());
    let native = |kind: &str| *TYPES.iter().find(|(name, ..)| *name == kind).unwrap();

    let (_database, store) = fresh(Kind::Sqlite);
    let (sqlite, sqlite_keys) = in_database(&store, SQLITE_COLUMNS, SQLITE_INDEXES);
    compare(
        &sqlite,
        &translated(&schema, |kind| native(kind).2),
        "SQLite",
    );

    let (_database, store) = fresh(Kind::Postgres);
    let (postgres, postgres_keys) = in_database(&store, POSTGRES_COLUMNS, POSTGRES_INDEXES);
    compare(
        &postgres,
        &translated(&schema, |kind| native(kind).1),
        "PostgreSQL",
    );

    for (table, keys) in &sqlite_keys {
        assert_eq!(Some(keys), postgres_keys.get(table), "indexes of {table}");
    }
    assert_eq!(sqlite_keys.len(), postgres_keys.len());
}

/// Compares table by table, so that a difference can be read.
fn compare(found: &Columns, expected: &Columns, which: &str) {
    for (table, columns) in expected {
        assert_eq!(found.get(table), Some(columns), "{which}: {table}");
    }
    let names = |tables: &Columns| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{which}");
}
