//! The store: connections, transactions, and what all features store in the same way.
//!
//! Owns both databases behind [`Store`], group commit, the migrations and the schema, the town row,
//! the event chain, counters and idempotency keys. It must not know the lifecycle of reports or HTTP.
//!
//! Rules for the work given to [`Store::read`] and [`Store::write`]:
//! - return early with `?`: a refusal ([`Interrupt::Refused`]) reaches the caller unchanged, a fault
//!   ([`Interrupt::Database`]) becomes 503; both roll the work back;
//! - take locks in this order: idempotency row, photos by id, reports by id, town row, then inserts
//!   and counters;
//! - a write may be run again (after a lost race on PostgreSQL, or a group commit that another
//!   command failed), so keep no state outside, except state that the closure resets each time;
//! - be short: SQLite's writer does one thing at a time, so cut long work into many writes;
//! - never continue after a failed statement: wrap what may fail in `conn.transaction(…)`.

mod background_throttle;
pub mod clock;
pub mod conn;
pub mod counters;
pub mod dialect;
pub mod events;
pub mod idempotency;
pub mod low_priority;
mod migrate;
mod pool;
pub mod prepared_statement;
mod priority;
pub mod random;
mod remote;
pub mod schema;
mod secret;
pub mod secrets;
mod slow_query_log;
pub mod town;
mod transact;
pub mod types;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use tokio::task::JoinHandle;

pub use conn::{Conn, DatabaseUrl};
pub use priority::Priority;
pub use secret::Secret;

use conn::Use;
use gridpatrol_problem::Problem;
use pool::Pool;
use priority::PriorityPermits;
use slow_query_log::SlowQueryLog;
use writer::Writer;

/// Why work on the database stopped.
#[derive(Debug)]
pub enum Interrupt {
    /// A rule forbids it. The caller learns which.
    Refused(Problem),
    /// The database failed. The caller should try again.
    Database(diesel::result::Error),
}

impl From<Problem> for Interrupt {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<diesel::result::Error> for Interrupt {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

/// What work inside a transaction returns.
pub type Outcome<T> = Result<T, Interrupt>;

/// Who waits for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A person.
    Interactive,
    /// Background work: imports, the clock, cleanup, renditions. On SQLite, while the other lane is
    /// busy, this work leaves it three quarters of the time.
    Background,
}

/// A fault that keeps the store from starting or from serving.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or opened.
    #[error("the database cannot be opened: {0}")]
    Open(#[source] ConnectionError),
    /// A new connection rejects its settings, or a transaction does not begin or end.
    #[error("the database does not answer as it should: {0}")]
    Prepare(#[from] diesel::result::Error),
    /// The folder of the database file cannot be made.
    #[error("the folder of the database cannot be made: {0}")]
    Folder(#[source] std::io::Error),
    /// The path of the database file is not Unicode.
    #[error("the path of the database is not valid Unicode")]
    PathNotUnicode,
    /// The writer's thread cannot be started.
    #[error("the writer cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A migration failed. Its changes are rolled back.
    #[error("the database cannot be upgraded: {0}")]
    Migration(String),
    /// A later version of this program has upgraded the database.
    #[error(
        "the database has migration {0}, which this version of gridpatrol does not know; use the later one"
    )]
    Newer(String),
}

/// Settings for opening the store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Where the data is.
    pub url: DatabaseUrl,
    /// Connections that read SQLite.
    pub readers: usize,
    /// Connections to PostgreSQL.
    pub connections: usize,
    /// Writes that may wait in each lane of SQLite's writer; beyond that, 503.
    pub queue: usize,
    /// How long a caller waits for a connection; beyond that, 503.
    pub patience: Duration,
    /// How long a statement may take on PostgreSQL.
    pub statement_timeout: Duration,
    /// Statements that take longer are logged.
    pub slow_statement: Duration,
}

impl StoreSettings {
    /// The defaults for this database.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            url,
            readers: (processors * 2).clamp(4, 16),
            connections: 16,
            queue: 1024,
            patience: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(15),
            slow_statement: Duration::from_millis(100),
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Store")
    }
}

struct Inner {
    url: DatabaseUrl,
    watch: SlowQueryLog,
    pool: Pool,
    /// Only for SQLite: on PostgreSQL, writes use the pool.
    writer: Option<Writer>,
    /// Limits how many may wait for the writer at once, so that filing finds room in its commits.
    writing: PriorityPermits,
    patience: Duration,
}

impl Store {
    /// Makes the store ready. It opens connections when they are first needed and migrates nothing.
    ///
    /// # Errors
    /// If the writer's thread cannot be started.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let watch = SlowQueryLog::new(settings.slow_statement);
        let ours = watch.clone();
        let (pool, writer) = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                let (path, theirs, watch) = (path.clone(), path.clone(), watch.clone());
                let pool = Pool::new(
                    settings.readers.max(1),
                    settings.patience,
                    Box::new(move || {
                        conn::open_sqlite(&path, Use::Read, ours.clone()).map(Conn::Sqlite)
                    }),
                );
                let writer = Writer::start(
                    settings.queue,
                    Box::new(move || {
                        conn::open_sqlite(&theirs, Use::Write, watch.clone()).map(Conn::Sqlite)
                    }),
                )?;
                (pool, Some(writer))
            }
            DatabaseUrl::Postgres(url) => {
                let (url, timeout) = (url.clone(), settings.statement_timeout);
                let pool = Pool::new(
                    settings.connections.max(1),
                    settings.patience,
                    Box::new(move || {
                        conn::open_postgres(&url, Some(timeout), ours.clone()).map(Conn::Pg)
                    }),
                );
                (pool, None)
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                url: settings.url.clone(),
                watch,
                pool,
                writer,
                writing: PriorityPermits::of(writer::MOST),
                patience: settings.patience,
            }),
        })
    }

    /// Brings the database to the schema of this program and returns the versions applied.
    ///
    /// # Errors
    /// If the database cannot be opened, a step fails, or a later program made this database.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrate::run(&self.inner.url, self.inner.watch.clone())
    }

    /// Reads. All queries of one call see the same state of the database.
    ///
    /// # Errors
    /// What the work refuses with; 503 if the database fails, or every connection that the caller's
    /// [`Priority`] allows stays busy.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.inner.pool.permit().await?;
        let inner = Arc::clone(&self.inner);
        let read = move || {
            let result = remote::read(&inner.pool, work);
            drop(permit);
            result
        };
        match Priority::now() {
            // SQLite works in this process, and a reader blocks nobody.
            Priority::Heavy if self.inner.writer.is_some() => {
                done(low_priority::spawn_blocking(read)).await
            }
            _ => done(tokio::task::spawn_blocking(read)).await,
        }
    }

    /// Writes in one transaction, durable when this returns.
    ///
    /// # Errors
    /// What the work refuses with; 503 if the database fails or too many writes wait.
    pub async fn write<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        if let Some(writer) = &self.inner.writer {
            let place = tokio::time::timeout(self.inner.patience, self.inner.writing.hold());
            let _place = place.await.map_err(|_| overloaded())?;
            let answer = writer.submit(lane, work)?;
            // The writer leaves a command unanswered only if the writer itself panics.
            return answer.await.unwrap_or_else(|_| Err(unavailable()));
        }
        let permit = self.inner.pool.permit().await?;
        let inner = Arc::clone(&self.inner);
        done(tokio::task::spawn_blocking(move || {
            let result = remote::write(&inner.pool, work);
            drop(permit);
            result
        }))
        .await
    }

    /// [`Store::read`] for threads that may block; needs no permit. Never call it on an async thread.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T>,
    ) -> Result<T, Problem> {
        remote::read(&self.inner.pool, work)
    }

    /// [`Store::write`] for threads that may block; needs no permit. Never call it on an async thread.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        if let Some(writer) = &self.inner.writer {
            let answer = writer.submit(lane, work)?;
            return answer
                .blocking_recv()
                .unwrap_or_else(|_| Err(unavailable()));
        }
        remote::write(&self.inner.pool, work)
    }

    /// How long a caller waits for a connection.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.inner.patience
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// 503 if it does not, or is not migrated.
    pub async fn ping(&self) -> Result<(), Problem> {
        self.read(|conn| {
            schema::towns::table
                .select(schema::towns::id)
                .first::<uuid::Uuid>(conn)
                .optional()?;
            Ok(())
        })
        .await
    }

    /// Accepts no more work, finishes the waiting writes, and closes the connections.
    pub async fn close(&self) {
        if let Some(writer) = &self.inner.writer {
            writer.drain().await;
        }
        self.inner.pool.close();
    }
}

/// The result of work on another thread.
async fn done<T>(work: JoinHandle<Result<T, Problem>>) -> Result<T, Problem> {
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a blocking task was lost");
        Err(unavailable())
    })
}

/// The database is not available now.
#[must_use]
pub const fn unavailable() -> Problem {
    Problem::new(Code::Unavailable).retry_after(2)
}

/// The server has too much to do. The retry times differ, so that callers do not all come back at once.
#[must_use]
pub fn overloaded() -> Problem {
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0] % 5);
    Problem::new(Code::Overloaded).retry_after(1 + spread)
}

#[cfg(test)]
#[path = "../../../tests/support/database.rs"]
mod testing;
#[cfg(test)]
mod tests;
