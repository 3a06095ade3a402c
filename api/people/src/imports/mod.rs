//! Files that are imported: taken in, read line by line, checked whole, then published.
//!
//! Owns what all kinds of import have in common: the file in the database, so that any process can
//! go on with it; CSV and XLSX; the lines staged in chunks in the background lane; the bad lines;
//! the progress. What a line means is its [`Importer`]'s. It must not know grids or officers.
//!
//! An import runs through its states, each step of which is one short transaction that also writes
//! how far it is: `waiting` → `reading` (every line by itself) → `checking` (against what is there)
//! → `publishing` → `done`. A bad line ends it as `failed` before anything is published. A process
//! that dies in between loses its lease, and another goes on from the last step.

pub mod cli_import;
pub mod faults;
pub mod file;
pub mod queries;
pub mod routes;
pub mod run;
pub mod sheet;
pub mod stage;
pub mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue;
use tokio::sync::Notify;
use uuid::Uuid;

pub use faults::{Fault, Faults};
use gridpatrol_store::{Conn, Outcome};

/// Declares coded values of this room.
macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $slug:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl CodedValue for $name {
            const ALL: &'static [Self] = &[$($name::$variant,)+];
            fn code(self) -> &'static str { match self { $($name::$variant => $slug,)+ } }
            fn label_zh(self) -> &'static str { match self { $($name::$variant => $zh,)+ } }
            fn label_en(self) -> &'static str { match self { $($name::$variant => $en,)+ } }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                gridpatrol_domain::coded_value::open_set::<$name>()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}

coded! {
    /// What a file holds.
    ImportKind {
        /// Towns, villages and groups.
        Grids = "grids", "网格", "Grids";
        /// Officers with a posting each.
        Officers = "officers", "网格员", "Officers";
    }
}

coded! {
    /// How far an import is.
    ImportState {
        /// Its file is arriving.
        Receiving = "receiving", "正在接收文件", "Its file is arriving";
        /// Its turn has not come.
        Waiting = "waiting", "排队中", "Waiting for its turn";
        /// Its lines are read, each by itself.
        Reading = "reading", "正在读取", "Reading";
        /// Its lines are compared with what is there.
        Checking = "checking", "正在核对", "Checking";
        /// What it changes is written.
        Publishing = "publishing", "正在发布", "Publishing";
        /// It has ended: published, or checked where only that was asked.
        Done = "done", "已完成", "Done";
        /// It has ended: there are bad lines, and nothing was published.
        Failed = "failed", "未通过", "Failed";
    }
}

/// An import as its importer sees it.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The import.
    pub id: Uuid,
    /// Who asked for it; none: the command line.
    pub actor_id: Option<Uuid>,
    /// The instant of this step: that of all it writes.
    pub now: DateTime<Utc>,
}

/// A column of a file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the header, in lower case.
    pub name: &'static str,
    /// Other names it may have there.
    pub also: &'static [&'static str],
    /// Whether the file must have it.
    pub required: bool,
}

/// A line that is well-formed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// By what it is told from all others of the file; the order in which lines are published.
    pub key: String,
    /// What it says, as the importer writes and reads it.
    pub content: String,
}

/// A staged line as it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its key.
    pub key: String,
    /// Its number in the file, from 1; the header is line 1.
    pub line: i64,
    /// What it says.
    pub content: String,
}

/// What lines did or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New things.
    pub created: i64,
    /// Things that were there, otherwise.
    pub updated: i64,
    /// Things that were there, alike.
    pub unchanged: i64,
    /// Things that ended.
    pub archived: i64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.archived += other.archived;
    }
}

/// What the lines of one kind of file mean.
///
/// `check` and `publish` get runs of lines in the order of their keys, never cut where
/// [`Importer::together`] says no. What does not exceed [`run::AT_ONCE`] lines is published in one
/// transaction, all passes of it.
pub trait Importer: Send + Sync {
    /// Which kind.
    fn kind(&self) -> ImportKind;

    /// The columns of its files.
    fn columns(&self) -> &'static [Column];

    /// Reads a line by itself. None: `faults` says why.
    fn read(&self, row: &sheet::Row<'_>, faults: &mut Faults) -> Option<Staged>;

    /// Whether two neighbouring keys must be published in one transaction.
    fn together(&self, one: &str, next: &str) -> bool;

    /// Compares lines with what is there: what publishing them would do, and which are bad. Only
    /// reads.
    ///
    /// # Errors
    /// If the database fails.
    fn check(
        &self,
        conn: &mut Conn,
        job: &Job,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts>;

    /// How often the lines are gone through for publishing.
    fn passes(&self) -> i32 {
        1
    }

    /// Writes what the lines change in this pass, and tells what that was; lines of which no pass
    /// writes anything are unchanged. Lines that have become bad
    /// since they were checked are named and left out; in the first pass they end the import.
    ///
    /// # Errors
    /// If the database fails.
    fn publish(
        &self,
        conn: &mut Conn,
        job: &Job,
        pass: i32,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts>;

    /// Ends a pass.
    ///
    /// # Errors
    /// If the database fails.
    fn end_pass(&self, _: &mut Conn, _: &Job, _: i32) -> Outcome<()> {
        Ok(())
    }

    /// Removes some of what the first pass of a failed import wrote and nobody has seen. Returns
    /// whether there may be more.
    ///
    /// # Errors
    /// If the database fails.
    fn abandon(&self, _: &mut Conn, _: Uuid) -> Outcome<bool> {
        Ok(false)
    }
}

/// Where imports wait for the worker. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct ImportQueue {
    /// Told when there is work.
    pub arrivals: Arc<Notify>,
    stopping: Arc<AtomicBool>,
}

impl ImportQueue {
    /// Asks the import under way to pause at its next step.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
