//! The only writer of a SQLite database: group commit.
//!
//! Owns the writing connection and its thread. It must not know what a command does.
//!
//! Commands wait in two lanes. The writer takes all waiting commands (up to [`MOST`], or as many as
//! [`SLICE`] allows), runs each in a savepoint inside one transaction, commits once and only then
//! answers. A single command does not wait for others. While the interactive lane is busy, the
//! background lane gets a quarter of the writer's time, so that a large import cannot slow filing more.
//!
//! If the commit fails, all callers must try again and the writer opens a new connection: a database
//! that was full works again as soon as there is space. If a deferred constraint made the commit fail,
//! the writer runs the commands again one by one, so that only the command at fault fails.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::TransactionManager;
use diesel::result::{DatabaseErrorKind, Error};
use gridpatrol_domain::error::Code;
use tokio::sync::{oneshot, watch};

use super::background_throttle::BackgroundThrottle;
use super::transact::{self, caught, rollback_to};
use super::{Conn, Interrupt, Lane, Outcome, StoreError, overloaded, unavailable};
use gridpatrol_problem::Problem;

/// Most commands in one commit.
pub(super) const MOST: usize = 64;

/// After this time, no further command joins a commit.
const SLICE: Duration = Duration::from_millis(20);

/// The transaction depth in a batch, outside any command's savepoint.
const BATCH: u32 = 1;

/// Work that waits for the writer, and the caller who waits for its answer.
pub(super) trait Command: Send {
    /// Does the work and remembers its value.
    fn run(&mut self, conn: &mut Conn) -> Outcome<()>;
    /// Sends the caller the value, or this refusal.
    fn answer(self: Box<Self>, refusal: Option<Problem>);
}

/// A [`Command`] made from a closure.
struct Task<T, F> {
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, Problem>>,
}

impl<T, F> Command for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Conn) -> Outcome<T> + Send,
{
    fn run(&mut self, conn: &mut Conn) -> Outcome<()> {
        self.value = Some((self.work)(conn)?);
        Ok(())
    }

    fn answer(self: Box<Self>, refusal: Option<Problem>) {
        let result = match refusal {
            Some(problem) => Err(problem),
            None => self.value.ok_or_else(|| Problem::new(Code::Internal)),
        };
        // A caller that has gone away needs no answer.
        drop(self.reply.send(result));
    }
}

type Boxed = Box<dyn Command>;
type Open = Box<dyn Fn() -> Result<Conn, StoreError> + Send>;

#[derive(Default)]
struct Lanes {
    interactive: VecDeque<Boxed>,
    background: VecDeque<Boxed>,
    closing: bool,
}

struct Shared {
    lanes: Mutex<Lanes>,
    arrived: Condvar,
    capacity: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next command; none when the writer must end and nothing waits. The background
    /// lane may have to pause.
    fn wait(&self, rest: &BackgroundThrottle) -> Option<(Boxed, Lane)> {
        let mut lanes = self.lock();
        loop {
            let remaining = rest.remaining(Instant::now()).filter(|_| !lanes.closing);
            if let Some(next) = lanes.next(remaining.is_none()) {
                return Some(next);
            }
            lanes = match remaining {
                Some(remaining) => {
                    let waited = self.arrived.wait_timeout(lanes, remaining);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None if lanes.closing => return None,
                None => {
                    let waited = self.arrived.wait(lanes);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

impl Lanes {
    /// The next command. Takes one from the background lane only if that has `rested`.
    fn next(&mut self, rested: bool) -> Option<(Boxed, Lane)> {
        if let Some(command) = self.interactive.pop_front() {
            return Some((command, Lane::Interactive));
        }
        let command = if rested {
            self.background.pop_front()
        } else {
            None
        };
        Some((command?, Lane::Background))
    }
}

/// The handle to the writer's thread. When it is dropped, the thread finishes waiting work and ends.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Closed when the thread has ended.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the thread. It opens its connection at the first command. `capacity` commands may
    /// wait in each lane.
    pub(super) fn start(capacity: usize, open: Open) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            arrived: Condvar::new(),
            capacity,
        });
        let (alive, ended) = watch::channel(());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let _alive = alive;
                Thread {
                    shared: theirs,
                    open,
                    conn: None,
                    rest: BackgroundThrottle::default(),
                }
                .serve();
            })
            .map_err(StoreError::Thread)?;
        Ok(Self { shared, ended })
    }

    /// Puts work in a lane. The answer comes after the commit.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Problem>>, Problem> {
        let (reply, answer) = oneshot::channel();
        let command: Boxed = Box::new(Task {
            work,
            value: None,
            reply,
        });
        let mut lanes = self.shared.lock();
        if lanes.closing {
            return Err(unavailable());
        }
        let waiting = match lane {
            Lane::Interactive => &mut lanes.interactive,
            Lane::Background => &mut lanes.background,
        };
        if waiting.len() >= self.shared.capacity {
            drop(lanes);
            tracing::warn!(capacity = self.shared.capacity, "the write queue is full");
            return Err(overloaded());
        }
        waiting.push_back(command);
        drop(lanes);
        self.shared.arrived.notify_one();
        Ok(answer)
    }

    /// Accepts no more work, finishes waiting work, and returns when the thread has ended.
    pub(super) async fn drain(&self) {
        self.stop();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    fn stop(&self) {
        self.shared.lock().closing = true;
        self.shared.arrived.notify_all();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A command that ran, and its refusal if it had one.
type Done = (Boxed, Option<Problem>);

struct Thread {
    shared: Arc<Shared>,
    open: Open,
    conn: Option<Conn>,
    rest: BackgroundThrottle,
}

impl Thread {
    fn serve(mut self) {
        while let Some((first, lane)) = self.shared.wait(&self.rest) {
            let mut done = Vec::with_capacity(MOST);
            match self.batch(first, lane, true, &mut done) {
                Err(StoreError::Prepare(error)) if done.len() > 1 && is_deferred(&error) => {
                    tracing::warn!(%error, "a commit failed; its commands are run one by one");
                    for (command, _) in done.drain(..) {
                        let mut alone = Vec::new();
                        let result = self.batch(command, lane, false, &mut alone);
                        self.finish(result, alone);
                    }
                }
                result => self.finish(result, done),
            }
        }
    }

    /// Tells every caller of a batch the result.
    fn finish(&mut self, result: Result<(), StoreError>, done: Vec<Done>) {
        if let Err(error) = result {
            tracing::error!(%error, commands = done.len(), "a commit failed");
            // Dropping the connection rolls back what is still open.
            self.conn = None;
            for (command, _) in done {
                command.answer(Some(unavailable()));
            }
        } else {
            for (command, refusal) in done {
                command.answer(refusal);
            }
        }
    }

    /// Runs a command in a transaction, and with `more` also the commands that wait. Puts what ran in
    /// `done`, also after an error.
    fn batch(
        &mut self,
        first: Boxed,
        lane: Lane,
        more: bool,
        done: &mut Vec<Done>,
    ) -> Result<(), StoreError> {
        let mut conn = match self.ready() {
            Ok(conn) => conn,
            Err(error) => {
                // Those who wait would only get the next failure.
                done.push((first, None));
                let mut lanes = self.shared.lock();
                while let Some((command, _)) = lanes.next(true) {
                    done.push((command, None));
                }
                return Err(error);
            }
        };
        let begun = Instant::now();
        let mut background = false;
        let mut next = Some((first, lane));
        while let Some((mut command, lane)) = next.take() {
            let started = Instant::now();
            let result = attempt(&mut conn, command.as_mut());
            self.rest.ran(lane, started, Instant::now());
            background |= lane == Lane::Background;
            match result {
                Ok(refusal) => done.push((command, refusal)),
                Err(error) => {
                    done.push((command, None));
                    return Err(error.into());
                }
            }
            if !more {
                break;
            }
            let rested = self.rest.remaining(Instant::now()).is_none();
            let mut lanes = self.shared.lock();
            next = if done.len() < MOST && begun.elapsed() < SLICE {
                lanes.next(rested)
            } else if rested && !background {
                // The background lane must move too, however busy the interactive lane is.
                let waiting = lanes.background.pop_front();
                waiting.map(|command| (command, Lane::Background))
            } else {
                None
            };
        }
        transact::commit(&mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }

    /// The connection, with a transaction begun.
    fn ready(&mut self) -> Result<Conn, StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => (self.open)()?,
        };
        transact::begin_write(&mut conn)?;
        Ok(conn)
    }
}

/// Whether a deferred constraint made the commit fail: one command is at fault, not the database.
const fn is_deferred(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)
    )
}

/// Runs one command in a savepoint. Returns its refusal if it had one, or an error that ends the batch.
fn attempt(conn: &mut Conn, command: &mut dyn Command) -> Result<Option<Problem>, Error> {
    <Conn as TransactionManager<Conn>>::begin_transaction(conn)?;
    let refusal = match caught(conn, |conn| command.run(conn)) {
        Ok(Ok(())) => {
            if transact::depth(conn)? != BATCH + 1 {
                return Err(Error::BrokenTransactionManager);
            }
            <Conn as TransactionManager<Conn>>::commit_transaction(conn)?;
            return Ok(None);
        }
        Ok(Err(Interrupt::Refused(problem))) => problem,
        Ok(Err(Interrupt::Database(error))) => transact::fault(&error),
        Err(panicked) => panicked,
    };
    rollback_to(conn, BATCH)?;
    Ok(Some(refusal))
}
