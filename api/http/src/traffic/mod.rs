//! Fairness: limits for each caller, and for each kind of request.
//!
//! Every operation of `/v1` belongs to a [`Group`], which sets two limits:
//! - how many requests of this group a caller may send in a minute ([`rate`]). A caller is an officer,
//!   a service account, or the network address if nobody is signed in. Above the limit: 429
//!   `rate_limited`;
//! - how much of the database the group may use ([`Priority`]), so that filing always finds a
//!   connection, whatever lists, photos and administration do. Above it, after a wait: 503 `overloaded`.
//!
//! Owns these limits and their headers. It must not know what an operation does.

pub mod address;
mod group;
pub mod rate;
mod settings;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use gridpatrol_domain::error::Code;
use uuid::Uuid;

pub use group::Group;
pub use settings::{Allowance, TrafficSettings};

use address::address_subject;
use gridpatrol_problem::Problem;
use gridpatrol_store::Priority;
use rate::{Accounts, Buckets, Standing};

/// What a caller has left (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The rule behind it.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Which requests count together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person who is signed in, or a service account without a limit of its own.
    Officer(Uuid),
    /// A service account with its own limit for a minute, for all groups together.
    Account {
        /// The account.
        id: Uuid,
        /// Requests a minute; 0: no limit.
        per_minute: u32,
    },
    /// A network address: an IPv4 address or the /64 network of an IPv6 address.
    Address(String),
}

/// The limits of a server. Each process counts for itself.
pub struct Traffic {
    settings: TrafficSettings,
    groups: [(Group, Option<Buckets>); Group::ALL.len()],
    accounts: Accounts,
}

impl Traffic {
    /// The limits of these settings.
    #[must_use]
    pub fn new(settings: &TrafficSettings) -> Self {
        Self {
            settings: settings.clone(),
            groups: Group::ALL.map(|group| {
                let allowance = settings.allowance(group);
                (group, Buckets::new(group.code(), allowance))
            }),
            accounts: Accounts::default(),
        }
    }

    /// How long the whole answer of a group may take. Uploads and downloads use the deadlines of the
    /// transfer instead.
    #[must_use]
    pub fn patience(&self, group: Option<Group>) -> Option<Duration> {
        matches!(group, Some(Group::Reads | Group::Lists))
            .then(|| Duration::from_secs(self.settings.read_timeout_s))
    }

    /// Counts a request of the caller.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn admit(&self, request: &HttpRequest, caller: &Caller) -> Result<(), Problem> {
        let Some(meter) = request.extensions().get::<Meter>().cloned() else {
            return Ok(());
        };
        let Some(group) = meter.group else {
            return Ok(());
        };
        let buckets = self.groups.iter().find(|(each, _)| *each == group);
        let counted = match caller {
            Caller::Account { id, per_minute } => self.accounts.count(*id, *per_minute),
            Caller::Officer(id) => buckets
                .and_then(|(_, buckets)| buckets.as_ref())
                .map(|buckets| buckets.count(&format!("officer:{id}"))),
            Caller::Address(address) => buckets
                .and_then(|(_, buckets)| buckets.as_ref())
                .map(|buckets| buckets.count(&address_subject(address))),
        };
        let Some(counted) = counted else {
            return Ok(());
        };
        meter.standing.set(Some(counted.standing));
        match counted.wait_s {
            None => Ok(()),
            Some(seconds) => {
                tracing::info!(?caller, group = group.code(), "a caller asks too often");
                Err(Problem::new(Code::RateLimited)
                    .detail(format!(
                        "At most {} requests of this kind ({}) at once, and {} more each minute.",
                        counted.standing.burst,
                        counted.standing.policy,
                        counted.standing.per_minute
                    ))
                    .retry_after(seconds))
            }
        }
    }
}

/// How one request is counted, from its start to its answer.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    group: Option<Group>,
    standing: Rc<Cell<Option<Standing>>>,
}

impl Meter {
    /// The meter for a request of this group.
    #[must_use]
    pub fn new(group: Option<Group>) -> Self {
        Self {
            group,
            standing: Rc::default(),
        }
    }

    /// The request's priority in the database. A probe must not fail because the server is busy.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.group.map_or(Priority::Full, Group::priority)
    }

    /// The group of the request.
    #[must_use]
    pub const fn group(&self) -> Option<Group> {
        self.group
    }

    /// Adds the caller's limit headers to an answer, if the request was counted.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Some(standing) = self.standing.get() else {
            return;
        };
        for (name, value) in [
            (RATE_LIMIT, standing.now()),
            (RATE_LIMIT_POLICY, standing.rule()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
