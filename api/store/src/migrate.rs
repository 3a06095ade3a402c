//! Brings a database to the schema of this program.
//!
//! Owns the order of the migrations, which are built into the program. They run on their own connection
//! and under a lock, so that two processes that start at once do not both apply one. It must not open a
//! database that a later program has upgraded.

use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StoreError;
use super::conn::{DatabaseUrl, Use, open_postgres, open_sqlite};
use super::slow_query_log::SlowQueryLog;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The advisory lock a PostgreSQL migration holds: "gridpatr" in ASCII.
const LOCK: i64 = 0x6772_6964_7061_7472;

/// Applies what is missing and returns the versions applied.
pub(super) fn run(url: &DatabaseUrl, watch: SlowQueryLog) -> Result<Vec<String>, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = open_sqlite(path, Use::Migrate, watch)?;
            // All or nothing: the transaction itself is the lock.
            conn.immediate_transaction(|conn| {
                let applied = apply(conn, SQLITE)?;
                if !applied.is_empty() {
                    let broken: i64 =
                        diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check")
                            .get_result(conn)?;
                    if broken != 0 {
                        return Err(StoreError::Migration(format!(
                            "{broken} rows would refer to nothing"
                        )));
                    }
                }
                Ok(applied)
            })
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = open_postgres(url, None, watch)?;
            // A session lock: it ends with the connection, however this function returns.
            diesel::sql_query("SELECT pg_advisory_lock($1)")
                .bind::<BigInt, _>(LOCK)
                .execute(&mut conn)?;
            apply(&mut conn, POSTGRES)
        }
    }
}

fn apply<DB, C>(conn: &mut C, steps: EmbeddedMigrations) -> Result<Vec<String>, StoreError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let fault =
        |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Migration(error.to_string());
    let known: Vec<MigrationVersion<'static>> = MigrationSource::<DB>::migrations(&steps)
        .map_err(fault)?
        .iter()
        .map(|step| step.name().version().as_owned())
        .collect();
    if let Some(later) = conn
        .applied_migrations()
        .map_err(fault)?
        .iter()
        .find(|version| !known.contains(version))
    {
        return Err(StoreError::Newer(later.to_string()));
    }
    let applied = conn.run_pending_migrations(steps).map_err(fault)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}
