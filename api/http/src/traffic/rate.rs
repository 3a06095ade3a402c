//! Token buckets: one for each caller, refilled steadily.
//!
//! A bucket that is full again is forgotten, so that memory follows the callers of the last minutes,
//! and there is a bound to how many are remembered whatever strangers do. Time is the process's own,
//! which no wrong clock moves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use super::Allowance;

/// Callers remembered in each group. If more than this ask within the minutes that a bucket needs to
/// fill, all begin anew: a flood must not cost memory.
const MOST_CALLERS: usize = 100_000;

/// After so many requests, buckets that are full are forgotten.
const SWEEP_EVERY: u32 = 4_096;

/// Different limits that service accounts may have at once; beyond that, the counts begin anew.
const MOST_LIMITS: usize = 1_000;

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The name of the rule.
    pub policy: &'static str,
    /// Requests at once.
    pub burst: u32,
    /// Requests a minute in the long run.
    pub per_minute: u32,
    /// Requests left now.
    pub left: u32,
}

impl Standing {
    /// The `RateLimit` header: what is left, and the seconds until all is there again.
    #[must_use]
    pub fn now(self) -> String {
        let reset = self.seconds_for(self.burst.saturating_sub(self.left));
        format!("\"{}\";r={};t={reset}", self.policy, self.left)
    }

    /// The `RateLimit-Policy` header: so many requests within so many seconds.
    #[must_use]
    pub fn rule(self) -> String {
        let window = self.seconds_for(self.burst);
        format!("\"{}\";q={};w={window}", self.policy, self.burst)
    }

    /// In how many seconds so many requests are allowed anew.
    fn seconds_for(self, requests: u32) -> u64 {
        (u64::from(requests) * 60).div_ceil(u64::from(self.per_minute.max(1)))
    }
}

/// A request that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How the caller stands.
    pub standing: Standing,
    /// Seconds to wait if it was one too many.
    pub wait_s: Option<u64>,
}

/// The buckets of all callers under one rule.
pub struct Buckets {
    policy: &'static str,
    allowance: Allowance,
    quota: Quota,
    state: Mutex<State>,
}

struct State {
    limiter: Limiter,
    until_sweep: u32,
}

impl Buckets {
    /// Buckets of this size; none if there is no limit.
    #[must_use]
    pub fn new(policy: &'static str, allowance: Allowance) -> Option<Self> {
        let per_minute = NonZeroU32::new(allowance.per_minute)?;
        let burst = NonZeroU32::new(allowance.burst)?;
        let quota = Quota::with_period(Duration::from_secs(60) / per_minute.get())?;
        let quota = quota.allow_burst(burst);
        Some(Self {
            policy,
            allowance,
            quota,
            state: Mutex::new(State {
                limiter: limiter(quota),
                until_sweep: SWEEP_EVERY,
            }),
        })
    }

    /// Counts a request of a caller.
    #[must_use]
    pub fn count(&self, caller: &String) -> Counted {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until_sweep = state.until_sweep.saturating_sub(1);
        if state.until_sweep == 0 {
            state.until_sweep = SWEEP_EVERY;
            state.limiter.retain_recent();
            if state.limiter.len() > MOST_CALLERS {
                tracing::warn!(policy = self.policy, "too many callers to remember them");
                state.limiter = limiter(self.quota);
            }
        }
        let (left, wait_s) = match state.limiter.check_key(caller) {
            Ok(left) => (left.remaining_burst_capacity(), None),
            Err(not_until) => {
                let wait = not_until.wait_time_from(state.limiter.clock().now());
                // Whoever waits as long as told is let in.
                (0, Some(wait.as_secs() + 1))
            }
        };
        Counted {
            standing: Standing {
                policy: self.policy,
                burst: self.allowance.burst,
                per_minute: self.allowance.per_minute,
                left,
            },
            wait_s,
        }
    }

    /// How many callers are remembered.
    #[cfg(test)]
    pub fn callers(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.limiter.len()
    }
}

fn limiter(quota: Quota) -> Limiter {
    RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>()
}

/// The buckets of service accounts, each of which has a limit of its own.
#[derive(Default)]
pub struct Accounts {
    by_limit: Mutex<HashMap<u32, Buckets>>,
}

impl Accounts {
    /// Counts a request of an account that may send so many a minute; none if it has no limit.
    #[must_use]
    pub fn count(&self, account: Uuid, per_minute: u32) -> Option<Counted> {
        let mut by_limit = self.by_limit.lock().unwrap_or_else(PoisonError::into_inner);
        if by_limit.len() >= MOST_LIMITS && !by_limit.contains_key(&per_minute) {
            by_limit.clear();
        }
        let buckets = match by_limit.entry(per_minute) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                // A minute's requests may come at once.
                let allowance = Allowance {
                    per_minute,
                    burst: per_minute,
                };
                new.insert(Buckets::new("account", allowance)?)
            }
        };
        Some(buckets.count(&account.to_string()))
    }
}
