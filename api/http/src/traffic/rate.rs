//! Token buckets: one for each caller, refilled steadily.
//!
//! Owns the buckets. It forgets full buckets, so that memory depends only on the callers of the last
//! minutes, and it limits how many it remembers, so that strangers cannot fill the memory. It uses the
//! process's monotonic time, which a wrong clock does not change. It must not know what a request does.

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

/// Most callers remembered in each group. If more callers come before buckets refill, all buckets start
/// again: a flood must not use up memory.
const MOST_CALLERS: usize = 100_000;

/// After this many requests, full buckets are forgotten.
const SWEEP_EVERY: u32 = 4_096;

/// Most different limits of service accounts at once. Above that, all counts start again.
const MOST_LIMITS: usize = 1_000;

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// What a caller has left after a request.
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
    /// The `RateLimit` header: what is left, and the seconds until the bucket is full.
    #[must_use]
    pub fn now(self) -> String {
        let reset = self.seconds_for(self.burst.saturating_sub(self.left));
        format!("\"{}\";r={};t={reset}", self.policy, self.left)
    }

    /// The `RateLimit-Policy` header: how many requests are allowed in how many seconds.
    #[must_use]
    pub fn rule(self) -> String {
        let window = self.seconds_for(self.burst);
        format!("\"{}\";q={};w={window}", self.policy, self.burst)
    }

    /// Seconds until this many more requests are allowed.
    fn seconds_for(self, requests: u32) -> u64 {
        (u64::from(requests) * 60).div_ceil(u64::from(self.per_minute.max(1)))
    }
}

/// A request that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// What the caller has left.
    pub standing: Standing,
    /// Seconds to wait, if the request was over the limit.
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
    /// Buckets of this size, or none if there is no limit.
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
                // A caller who waits as long as the answer says is served.
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

/// The buckets of service accounts that have their own limits.
#[derive(Default)]
pub struct Accounts {
    by_limit: Mutex<HashMap<u32, Buckets>>,
}

impl Accounts {
    /// Counts a request of an account with this limit for a minute. None if it has no limit.
    #[must_use]
    pub fn count(&self, account: Uuid, per_minute: u32) -> Option<Counted> {
        let mut by_limit = self.by_limit.lock().unwrap_or_else(PoisonError::into_inner);
        if by_limit.len() >= MOST_LIMITS && !by_limit.contains_key(&per_minute) {
            by_limit.clear();
        }
        let buckets = match by_limit.entry(per_minute) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                // All requests of a minute may come at once.
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
