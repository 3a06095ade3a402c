//! Runs an import: reads, checks and publishes it step by step.
//!
//! Owns the order of the steps and what may happen between two steps: another process, a restart, a
//! new report. Everything here blocks, so it must not run on an async thread.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::Connection as _;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use super::file::StoredFile;
use super::queries::{self, ImportRow, MOST_ATTEMPTS, Progress};
use super::sheet::{self, Stopped};
use super::{Counts, Faults, ImportKind, ImportState, Importer, Job, Line, Staged, stage};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Interrupt, Lane, Outcome, Store};

/// A file with at most this many lines is published in one transaction.
pub const AT_ONCE: i64 = 2000;
/// Lines staged in one transaction.
const STAGED_AT_ONCE: usize = 500;
/// Lines checked at a time.
const CHECKED_AT_ONCE: i64 = 2000;
/// Lines published in one transaction of a large file.
const PUBLISHED_AT_ONCE: i64 = 400;
/// After this time we give up on a file that has not arrived.
const ARRIVES_WITHIN: TimeDelta = TimeDelta::hours(6);

/// What runs imports.
#[derive(Clone)]
pub struct Runner {
    store: Store,
    importers: Vec<Arc<dyn Importer>>,
    id: Uuid,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pause: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The result of one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Round {
    /// There is nothing to do, or another process does it.
    Idle,
    /// This import has ended.
    Ended(Uuid),
    /// It was asked to pause.
    Paused,
}

/// Why a step did not happen.
enum Halt {
    /// It was asked to pause.
    Paused,
    /// Another process works on the import.
    Lost,
    /// The database.
    Problem(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Runner {
    /// Makes a runner for these importers. It checks `pause` between two steps.
    #[must_use]
    pub fn new(
        store: Store,
        importers: Vec<Arc<dyn Importer>>,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
        pause: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            store,
            importers,
            id: Uuid::now_v7(),
            now: Arc::new(now),
            pause: Arc::new(pause),
        }
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    fn importer(&self, kind: ImportKind) -> Result<Arc<dyn Importer>, Problem> {
        let found = self.importers.iter().find(|one| one.kind() == kind);
        found.cloned().ok_or_else(|| {
            tracing::error!(?kind, "nobody imports this kind");
            Problem::new(Code::Internal)
        })
    }

    /// Takes the next import and runs it to the end.
    ///
    /// # Errors
    /// If the database fails. The import continues later.
    pub fn round(&self) -> Result<Round, Problem> {
        let (runner, now) = (self.id, self.now());
        let waiting = self.store.read_blocking(|conn| Ok(queries::waits(conn)?))?;
        if !waiting {
            return Ok(Round::Idle);
        }
        let leased = self.store.write_blocking(Lane::Background, move |conn| {
            Ok(queries::lease(conn, runner, now)?)
        })?;
        let Some(import) = leased else {
            return Ok(Round::Idle);
        };
        let id = import.id;
        match self.bring_to_its_end(import) {
            Ok(()) => Ok(Round::Ended(id)),
            Err(Halt::Lost) => Ok(Round::Idle),
            Err(halt) => {
                let paused = matches!(halt, Halt::Paused);
                let given_back = self.store.write_blocking(Lane::Background, move |conn| {
                    Ok(queries::give_back(conn, id, runner, paused)?)
                });
                match halt {
                    Halt::Problem(problem) => Err(problem),
                    _ => given_back.map(|()| Round::Paused),
                }
            }
        }
    }

    fn bring_to_its_end(&self, import: ImportRow) -> Result<(), Halt> {
        let importer = self.importer(import.kind.0)?;
        let mut run = Run {
            runner: self,
            importer,
            import: import.id,
            actor_id: import.actor_id,
            progress: Progress {
                state: import.state.0,
                lines: import.lines,
                lines_done: import.lines_done,
                pass: import.pass,
                last_key: import.last_key.clone(),
                counts: counts(&import),
            },
            dry_run: import.dry_run,
        };
        if import.attempts > MOST_ATTEMPTS {
            let mut faults = Faults::default();
            let detail = "The import was interrupted too often. Send the file again.";
            faults.add(0, None, "interrupted", detail);
            return run.fail(faults);
        }
        loop {
            match run.progress.state {
                ImportState::Receiving | ImportState::Done | ImportState::Failed => return Ok(()),
                ImportState::Waiting | ImportState::Reading => run.read(import.size)?,
                ImportState::Checking => run.check()?,
                ImportState::Publishing => run.publish()?,
            }
        }
    }

    /// Removes some of the data that finished imports leave behind. Returns how much. Zero: nothing
    /// is left.
    ///
    /// # Errors
    /// If the database fails.
    pub fn sweep(&self) -> Result<usize, Problem> {
        let now = self.now();
        let found = self
            .store
            .read_blocking(|conn| Ok(queries::unswept(conn, now - ARRIVES_WITHIN)?))?;
        let Some((id, kind, state)) = found else {
            return Ok(0);
        };
        let importer = self.importer(kind)?;
        self.store.write_blocking(Lane::Background, move |conn| {
            let more = state == ImportState::Failed && importer.abandon(conn, id)?;
            if !more && queries::sweep(conn, id)? {
                queries::swept(conn, id, state, now)?;
            }
            Ok(1)
        })
    }
}

/// What the lines of an import changed or would change.
#[must_use]
pub const fn counts(import: &ImportRow) -> Counts {
    Counts {
        created: import.created,
        updated: import.updated,
        unchanged: import.unchanged,
        archived: import.archived,
    }
}

/// One running import.
struct Run<'a> {
    runner: &'a Runner,
    importer: Arc<dyn Importer>,
    import: Uuid,
    actor_id: Option<Uuid>,
    progress: Progress,
    dry_run: bool,
}

impl Run<'_> {
    /// Writes in the background lane, together with the progress. It writes nothing if this runner
    /// no longer has the import.
    fn step<T: Send + 'static>(
        &mut self,
        mut work: impl FnMut(&mut Conn, &Job, &mut Progress) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Halt> {
        if (self.runner.pause)() {
            return Err(Halt::Paused);
        }
        let (runner, before, now) = (self.runner.id, self.progress.clone(), self.runner.now());
        let job = Job {
            id: self.import,
            actor_id: self.actor_id,
            now,
        };
        let done = self
            .runner
            .store
            .write_blocking(Lane::Background, move |conn| {
                // First, so that its row stays locked during the work.
                if !queries::advance(conn, job.id, runner, &before, now)? {
                    return Ok(None);
                }
                let mut progress = before.clone();
                let value = work(conn, &job, &mut progress)?;
                queries::advance(conn, job.id, runner, &progress, now)?;
                Ok(Some((value, progress)))
            })?;
        let (value, progress) = done.ok_or(Halt::Lost)?;
        self.progress = progress;
        Ok(value)
    }

    fn fail(&mut self, faults: Faults) -> Result<(), Halt> {
        let import = self.import;
        self.step(move |conn, _, progress| {
            queries::add_faults(conn, import, &faults)?;
            progress.state = ImportState::Failed;
            Ok(())
        })
    }

    /// Reads the file and stages its lines, from the beginning.
    fn read(&mut self, size: i64) -> Result<(), Halt> {
        let import = self.import;
        while !self.step(move |conn, _, progress| {
            progress.state = ImportState::Reading;
            progress.lines = 0;
            progress.lines_done = 0;
            queries::forget_faults(conn, import)?;
            Ok(stage::forget(conn, import)?)
        })? {}
        let file = StoredFile::open(
            self.runner.store.clone(),
            import,
            u64::try_from(size).unwrap_or_default(),
        );
        let importer = Arc::clone(&self.importer);
        let mut faults = Faults::default();
        let mut waiting: Vec<(i64, Staged)> = Vec::with_capacity(STAGED_AT_ONCE);
        let mut halted = None;
        let ended = sheet::read(file, importer.columns(), &mut faults, &mut |row, faults| {
            if let Some(staged) = importer.read(row, faults) {
                waiting.push((row.line, staged));
            }
            if waiting.len() >= STAGED_AT_ONCE {
                let lines = std::mem::take(&mut waiting);
                if let Err(halt) = self.stage(lines, faults) {
                    halted = Some(halt);
                    return Err(Stopped::Asked);
                }
            }
            Ok(())
        });
        if let Some(halt) = halted {
            return Err(halt);
        }
        match ended {
            Ok(()) | Err(Stopped::Asked) => {}
            Err(Stopped::Unreadable(line, code, detail)) => faults.add(line, None, code, detail),
            Err(Stopped::Lost(error)) => {
                tracing::warn!(%error, %import, "the file of an import cannot be read");
                return Err(Halt::Problem(gridpatrol_store::unavailable()));
            }
        }
        self.stage(waiting, &mut faults)?;
        if !faults.is_empty() {
            faults.named.sort_by_key(|fault| fault.line);
            return self.fail(faults);
        }
        self.step(move |conn, _, progress| {
            progress.lines = stage::count(conn, import)?;
            progress.state = ImportState::Checking;
            progress.lines_done = 0;
            progress.last_key.clear();
            progress.counts = Counts::default();
            Ok(())
        })
    }

    fn stage(&mut self, lines: Vec<(i64, Staged)>, faults: &mut Faults) -> Result<(), Halt> {
        let import = self.import;
        let lines = Arc::new(lines);
        let staging = Arc::clone(&lines);
        let repeated = self.step(move |conn, _, progress| {
            progress.lines += i64::try_from(staging.len()).unwrap_or_default();
            Ok(stage::add(conn, import, &staging)?)
        })?;
        for (place, first) in repeated {
            if let Some((line, staged)) = lines.get(place) {
                let detail = format!("{} is already in line {first}.", staged.key);
                faults.add(*line, None, "repeated", detail);
            }
        }
        Ok(())
    }

    /// Compares the lines with the existing data. It only reads, so that new reports need not wait.
    fn check(&mut self) -> Result<(), Halt> {
        let import = self.import;
        loop {
            let (importer, key) = (Arc::clone(&self.importer), self.progress.last_key.clone());
            let job = Job {
                id: import,
                actor_id: self.actor_id,
                now: self.runner.now(),
            };
            let (lines, counts, faults) = self.runner.store.read_blocking(|conn| {
                let lines = run_of(conn, import, &key, CHECKED_AT_ONCE, importer.as_ref())?;
                let mut faults = Faults::default();
                let counts = importer.check(conn, &job, &lines, &mut faults)?;
                Ok((lines, counts, faults))
            })?;
            let dry_run = self.dry_run;
            let ended = self.step(move |conn, _, progress| {
                queries::add_faults(conn, import, &faults)?;
                progress.counts += counts;
                if let Some(last) = lines.last() {
                    progress.last_key.clone_from(&last.key);
                    progress.lines_done += i64::try_from(lines.len()).unwrap_or_default();
                    return Ok(false);
                }
                progress.state = match queries::find(conn, import)? {
                    Some(import) if import.errors > 0 => ImportState::Failed,
                    _ if dry_run => ImportState::Done,
                    _ => ImportState::Publishing,
                };
                if progress.state == ImportState::Publishing {
                    progress.lines_done = 0;
                    progress.last_key.clear();
                    progress.counts = Counts::default();
                }
                Ok(true)
            })?;
            if ended {
                return Ok(());
            }
        }
    }

    fn publish(&mut self) -> Result<(), Halt> {
        if self.progress.lines <= AT_ONCE {
            return self.publish_at_once();
        }
        loop {
            let (import, importer) = (self.import, Arc::clone(&self.importer));
            let ended = self.step(move |conn, job, progress| {
                let lines = run_of(
                    conn,
                    import,
                    &progress.last_key,
                    PUBLISHED_AT_ONCE,
                    importer.as_ref(),
                )?;
                let Some(last) = lines.last() else {
                    importer.end_pass(conn, job, progress.pass)?;
                    progress.pass += 1;
                    progress.lines_done = 0;
                    progress.last_key.clear();
                    if progress.pass < importer.passes() {
                        return Ok(false);
                    }
                    progress.lines_done = progress.lines;
                    progress.counts = with_unchanged(progress.counts, progress.lines);
                    progress.state = ImportState::Done;
                    return Ok(true);
                };
                let mut faults = Faults::default();
                progress.counts +=
                    importer.publish(conn, job, progress.pass, &lines, &mut faults)?;
                queries::add_faults(conn, import, &faults)?;
                if progress.pass == 0 && !faults.is_empty() {
                    progress.state = ImportState::Failed;
                    return Ok(true);
                }
                progress.lines_done += i64::try_from(lines.len()).unwrap_or_default();
                progress.last_key.clone_from(&last.key);
                Ok(false)
            })?;
            if ended {
                return Ok(());
            }
        }
    }

    /// All passes of all lines in one transaction, or nothing.
    fn publish_at_once(&mut self) -> Result<(), Halt> {
        let (import, importer) = (self.import, Arc::clone(&self.importer));
        let found: Arc<Mutex<Faults>> = Arc::default();
        self.step(move |conn, job, progress| {
            let mut bad = found.lock().unwrap_or_else(PoisonError::into_inner);
            *bad = Faults::default();
            let published = conn.transaction(|conn| {
                let lines = run_of(conn, import, "", AT_ONCE + 1, importer.as_ref())?;
                let mut counts = Counts::default();
                for pass in 0..importer.passes() {
                    counts += importer.publish(conn, job, pass, &lines, &mut bad)?;
                    if !bad.is_empty() {
                        return Err(Undone::Bad);
                    }
                    importer.end_pass(conn, job, pass)?;
                }
                Ok(counts)
            });
            match published {
                Ok(counts) => {
                    progress.counts = with_unchanged(counts, progress.lines);
                    progress.lines_done = progress.lines;
                    progress.state = ImportState::Done;
                }
                Err(Undone::Bad) => {
                    queries::add_faults(conn, import, &bad)?;
                    progress.state = ImportState::Failed;
                }
                Err(Undone::Interrupt(interrupt)) => return Err(interrupt),
            }
            Ok(())
        })
    }
}

/// Lines that no pass wrote count as unchanged.
const fn with_unchanged(counts: Counts, lines: i64) -> Counts {
    let wrote = counts.created + counts.updated + counts.archived;
    Counts {
        unchanged: lines - wrote,
        ..counts
    }
}

/// Why the transaction of a small file was rolled back.
enum Undone {
    Bad,
    Interrupt(Interrupt),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Self::Interrupt(error.into())
    }
}

impl From<Interrupt> for Undone {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupt(interrupt)
    }
}

fn run_of(
    conn: &mut Conn,
    import: Uuid,
    key: &str,
    most: i64,
    importer: &dyn Importer,
) -> diesel::QueryResult<Vec<Line>> {
    let together = |one: &str, next: &str| importer.together(one, next);
    stage::after(conn, import, key, most, &together)
}
