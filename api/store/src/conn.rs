//! One connection type for both databases, and how to open each.
//!
//! Owns `PRAGMA`s and session settings. It must not know any table.
#![allow(missing_docs)] // The derive makes public items without documentation.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::StoreError;
use super::slow_query_log::SlowQueryLog;

/// A connection to SQLite or PostgreSQL. Queries and single-row writes use it directly; SQL that only
/// one of the databases knows goes through [`on_each!`](crate::on_each).
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded database.
    Sqlite(SqliteConnection),
    /// A PostgreSQL server.
    Pg(PgConnection),
}

/// Which database the data lives in.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A libpq connection URL. It may hold a password, so it is never printed.
    Postgres(String),
}

/// A database URL that names neither a SQLite file nor a PostgreSQL server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database URL is sqlite://PATH or postgres://USER@HOST/DATABASE")]
pub struct DatabaseUrlError;

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .ok_or(DatabaseUrlError)?;
        // In memory, every connection would get its own database.
        if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
            return Err(DatabaseUrlError);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite://{}", path.display()),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                write!(formatter, "postgres://{host}")
            }
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

/// How long a statement of another SQLite process (a backup, a shell) may block ours.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a SQLite connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes.
    Write,
    /// One of those that only read.
    Read,
    /// Changing the schema: SQLite checks foreign keys at the end instead of at each step.
    Migrate,
}

/// Opens the SQLite file.
///
/// The file is not memory-mapped: a failing disk would then end the process instead of a statement.
pub(super) fn open_sqlite(
    path: &Path,
    purpose: Use,
    watch: SlowQueryLog,
) -> Result<SqliteConnection, StoreError> {
    // SQLite would take "file:" for a URI, so a path that begins like that gets a prefix.
    let name = path.to_str().ok_or(StoreError::PathNotUnicode)?;
    let name = if name.starts_with("file:") {
        format!("./{name}")
    } else {
        name.to_owned()
    };
    if let (Use::Migrate, Some(folder)) = (purpose, path.parent()) {
        std::fs::create_dir_all(folder).map_err(StoreError::Folder)?;
    }
    let mut conn = SqliteConnection::establish(&name).map_err(StoreError::Open)?;
    let busy = BUSY_TIMEOUT.as_millis();
    // SQLite overwrites deleted data in pages that it writes anyway: erased texts must not stay in the
    // file. The file remembers its journal mode, so readers need not set it. A migration that rebuilds
    // counts or indexes sorts whole tables; what does not fit its cache goes to a file.
    conn.batch_execute(&match purpose {
        Use::Write => format!(
            "PRAGMA busy_timeout = {busy}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; \
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; \
             PRAGMA secure_delete = FAST;"
        ),
        Use::Read => format!(
            "PRAGMA busy_timeout = {busy}; PRAGMA query_only = ON; PRAGMA cache_size = -8192; \
             PRAGMA temp_store = MEMORY;"
        ),
        Use::Migrate => "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; \
             PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = FILE;"
            .to_owned(),
    })
    .map_err(StoreError::Prepare)?;
    if purpose == Use::Write {
        // Moves what an earlier writer left in the log to the database and frees the log's space: on a
        // full disk that may be the only space left. If it fails, it can wait.
        if let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::info!(%error, "the log could not be written back");
        }
    }
    conn.set_instrumentation(watch);
    Ok(conn)
}

/// Settings for libpq, unless the URL sets them: a server that disappears without closing the
/// connection must not block a thread for a quarter of an hour.
const LIBPQ: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

fn with_defaults(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in LIBPQ {
        if !url.contains(name) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            url.push_str(value);
        }
    }
    url
}

/// Opens a session on the PostgreSQL server. A statement may take `statement_timeout`.
pub(super) fn open_postgres(
    url: &str,
    statement_timeout: Option<Duration>,
    watch: SlowQueryLog,
) -> Result<PgConnection, StoreError> {
    let mut conn = PgConnection::establish(&with_defaults(url)).map_err(StoreError::Open)?;
    let timeout = statement_timeout.map_or(0, |timeout| timeout.as_millis());
    conn.batch_execute(&format!(
        "SET application_name = 'gridpatrol'; SET TIME ZONE 'UTC'; \
         SET client_min_messages = warning; \
         SET default_transaction_isolation = 'read committed'; \
         SET statement_timeout = {timeout}; SET idle_in_transaction_session_timeout = {timeout};"
    ))
    .map_err(StoreError::Prepare)?;
    conn.set_instrumentation(watch);
    Ok(conn)
}
