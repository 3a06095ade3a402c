//! The slow query log.
//!
//! Owns which statements are logged and how. It must not log bound values: they may be personal data.

use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// Separates a statement from its values in diesel's text.
const BINDS: &str = " -- binds: ";

/// At most this many bytes of a statement are logged.
const LONGEST: usize = 2000;

/// The slow query log of one connection.
#[derive(Debug, Clone)]
pub(super) struct SlowQueryLog {
    slow: Duration,
    started: Option<Instant>,
}

impl SlowQueryLog {
    /// Logs statements that take longer than `slow`.
    pub(super) const fn new(slow: Duration) -> Self {
        Self {
            slow,
            started: None,
        }
    }
}

impl Instrumentation for SlowQueryLog {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.started = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let Some(took) = self.started.take().map(|started| started.elapsed()) else {
                    return;
                };
                if took >= self.slow {
                    tracing::warn!(
                        took_ms = took.as_millis(),
                        failed = error.is_some(),
                        statement = statement(&query.to_string()),
                        "slow statement"
                    );
                }
            }
            _ => {}
        }
    }
}

/// The statement without its bound values.
fn statement(rendered: &str) -> &str {
    let statement = rendered
        .split_once(BINDS)
        .map_or(rendered, |(statement, _)| statement);
    let mut end = statement.len().min(LONGEST);
    while !statement.is_char_boundary(end) {
        end -= 1;
    }
    statement.get(..end).unwrap_or(statement)
}
