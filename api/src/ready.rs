//! Whether the background workers are alive: each worker reports after each round.
//!
//! Owns these reports. It must not start or stop any worker.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The workers of this process.
#[derive(Debug, Clone)]
pub struct Ready {
    started: Instant,
    pulses: Arc<Mutex<Vec<Pulse>>>,
}

/// One worker's signs of life.
#[derive(Debug, Clone)]
pub struct Pulse {
    name: &'static str,
    started: Instant,
    /// Milliseconds from the start to the last sign.
    last: Arc<AtomicU64>,
    silence: Duration,
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            pulses: Arc::default(),
        }
    }
}

impl Ready {
    /// Expects a worker to show a sign of life at least every `silence`.
    #[must_use]
    pub fn watch(&self, name: &'static str, silence: Duration) -> Pulse {
        let pulse = Pulse {
            name,
            started: self.started,
            last: Arc::default(),
            silence,
        };
        pulse.beat();
        self.pulses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(pulse.clone());
        pulse
    }

    /// The workers that have been silent for too long.
    #[must_use]
    pub fn silent(&self) -> Vec<&'static str> {
        self.pulses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|pulse| pulse.is_silent())
            .map(|pulse| pulse.name)
            .collect()
    }
}

impl Pulse {
    /// Shows a sign of life.
    pub fn beat(&self) {
        self.last.store(self.milliseconds(), Ordering::Relaxed);
    }

    fn is_silent(&self) -> bool {
        let since = self
            .milliseconds()
            .saturating_sub(self.last.load(Ordering::Relaxed));
        Duration::from_millis(since) > self.silence
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_worker_is_named_until_it_beats_again() {
        let ready = Ready::default();
        let _lively = ready.watch("clock", Duration::from_secs(60));
        let pulse = ready.watch("renditions", Duration::from_millis(5));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(ready.silent(), ["renditions"]);
        pulse.beat();
        assert!(ready.silent().is_empty());
    }
}
