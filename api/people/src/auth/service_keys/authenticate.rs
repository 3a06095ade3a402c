//! Finds the service account behind a key.
//!
//! Owns what we check at each request: the key, its account, and where its grid is now. It must not
//! decide what the account may call: `access` does.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::service::{Access, Service};
use uuid::Uuid;

use super::key::Presented;
use crate::auth::{OfficerFacts, Signed};
use crate::towns::queries as grid_queries;
use gridpatrol_problem::Problem;
use gridpatrol_store::schema::{grids, officers, service_accounts, service_keys};
use gridpatrol_store::types::{Coded, Id};
use gridpatrol_store::{Conn, Outcome};

/// How a request identifies a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The key itself.
    Key(Presented),
    /// A ticket that we issued to this key.
    Ticket(Uuid),
}

/// What we know about a service account that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// The grid it is bound to, and what it may do there.
    pub service: Service,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// How many requests a minute it may send. None: the usual limit.
    pub requests_per_minute: Option<u32>,
}

type KeyColumns = (
    Vec<u8>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    DateTime<Utc>,
);
type AccountColumns = (
    Uuid,
    Coded<Access>,
    Option<i32>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    i64,
);
type PrincipalColumns = (String, String, Option<DateTime<Utc>>);
type GridColumns = (Uuid, Uuid, Option<Uuid>, Coded<Tier>, Option<DateTime<Utc>>);

/// Finds the service account behind a claim. Also returns when its key was last used, or when it
/// was made if it was never used.
///
/// # Errors
/// `unauthenticated` if there is no such account or it is no longer valid; otherwise if the
/// database fails.
pub fn load(conn: &mut Conn, claim: Claim, now: DateTime<Utc>) -> Outcome<(Signed, DateTime<Utc>)> {
    let (key_id, hash) = match claim {
        Claim::Key(presented) => (presented.id, Some(presented.hash)),
        Claim::Ticket(id) => (id, None),
    };
    let found: Option<(KeyColumns, AccountColumns, PrincipalColumns, GridColumns)> =
        service_keys::table
            .inner_join(
                service_accounts::table
                    .inner_join(officers::table)
                    .inner_join(grids::table),
            )
            .filter(service_keys::id.eq(Id(key_id)))
            .select((
                (
                    service_keys::secret_hash,
                    service_keys::valid_until,
                    service_keys::last_used_at,
                    service_keys::created_at,
                ),
                (
                    service_accounts::id,
                    service_accounts::access,
                    service_accounts::requests_per_minute,
                    service_accounts::expires_at,
                    service_accounts::ended_at,
                    service_accounts::version,
                ),
                (officers::username, officers::name, officers::disabled_at),
                (
                    grids::id,
                    grids::town_id,
                    grids::village_id,
                    grids::tier,
                    grids::valid_to,
                ),
            ))
            .first(conn)
            .optional()?;
    let unknown = || {
        Problem::new(Code::Unauthenticated)
            .detail("This server did not issue the key. Ask the town's leader for another.")
    };
    // We compare hashes of random secrets, so the time it takes does not reveal the secret.
    let ((_, valid_until, last_used_at, made_at), account, principal, grid) = found
        .filter(|((stored, ..), ..)| hash.is_none_or(|hash| stored.as_slice() == hash))
        .ok_or_else(unknown)?;
    let (id, Coded(access), rate, expires_at, ended_at, version) = account;
    let (username, name, disabled_at) = principal;
    // The account ends with its grid, as postings do.
    let (.., archived_at) = grid;
    let over = archived_at.is_some_and(|at| at <= now)
        || valid_until.is_some_and(|until| until <= now)
        || expires_at <= now
        || ended_at.is_some()
        || disabled_at.is_some();
    if over {
        return Err(Problem::new(Code::Unauthenticated)
            .detail("The key has expired or was ended. Ask the town's leader for another.")
            .into());
    }
    let (grid_id, town_id, village_id, Coded(tier), _) = grid;
    let grid = grid_queries::path(grid_id, town_id, village_id, tier).ok_or_else(unknown)?;
    let service = Service { grid, access };
    let signed = Signed {
        officer: OfficerFacts {
            id,
            username,
            name,
            phone: None,
            must_change_password: false,
            version,
        },
        session_id: key_id,
        actor: Actor {
            officer_id: id,
            postings: Vec::new(),
            service: Some(service),
        },
        service: Some(ServiceFacts {
            service,
            expires_at,
            requests_per_minute: rate.and_then(|rate| u32::try_from(rate).ok()),
        }),
    };
    Ok((signed, last_used_at.unwrap_or(made_at)))
}
