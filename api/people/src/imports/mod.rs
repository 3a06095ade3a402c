//! Imports files: stores a file, reads it line by line, checks the whole, then publishes it.
//!
//! Owns what all kinds of import share: the file in the database, so that any process can continue;
//! CSV and XLSX; staging the lines in chunks in the background lane; the bad lines; the progress.
//! It must not know grids or officers: an [`Importer`] knows what a line means.
//!
//! An import goes through these states. Each step is one short transaction that also saves the
//! progress: `waiting` → `reading` (each line alone) → `checking` (against the existing data) →
//! `publishing` → `done`. A bad line makes it `failed` before anything is published. If a process
//! dies, its lease ends and another process continues from the last step.

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

/// Declares coded values of this module.
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
        /// Officers, each with a posting.
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

/// What an importer knows of an import.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The import.
    pub id: Uuid,
    /// Who asked for it. None: the command line.
    pub actor_id: Option<Uuid>,
    /// The time of this step, used for everything that it writes.
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

/// A line that is valid alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The key, unique in the file. Lines are published in the order of their keys.
    pub key: String,
    /// The content, in the importer's own form.
    pub content: String,
}

/// A staged line, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its key.
    pub key: String,
    /// Its number in the file, from 1; the header is line 1.
    pub line: i64,
    /// What it says.
    pub content: String,
}

/// What lines changed or would change.
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
/// `check` and `publish` get runs of lines in the order of their keys. A run never separates lines
/// that [`Importer::together`] keeps together. A file of at most [`run::AT_ONCE`] lines is
/// published in one transaction with all its passes.
pub trait Importer: Send + Sync {
    /// The kind.
    fn kind(&self) -> ImportKind;

    /// The columns of its files.
    fn columns(&self) -> &'static [Column];

    /// Reads one line alone. None: `faults` says why.
    fn read(&self, row: &sheet::Row<'_>, faults: &mut Faults) -> Option<Staged>;

    /// Whether two neighbouring keys must be published in one transaction.
    fn together(&self, one: &str, next: &str) -> bool;

    /// Compares lines with the existing data: what publishing would change, and which lines are
    /// bad. It only reads.
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

    /// How many passes publishing makes over the lines.
    fn passes(&self) -> i32 {
        1
    }

    /// Writes what the lines change in this pass and returns it. If no pass writes a line, it
    /// counts as unchanged. If a line has become bad since the check, it goes to the faults and is
    /// left out; in the first pass this ends the import.
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

    /// Removes some of the hidden data that the first pass of a failed import wrote. Returns
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
    /// Wakes up when there is work.
    pub arrivals: Arc<Notify>,
    stopping: Arc<AtomicBool>,
}

impl ImportQueue {
    /// Asks the running import to pause at its next step.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
