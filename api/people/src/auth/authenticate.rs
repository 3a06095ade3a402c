//! Finds the signed-in caller behind a bearer token, a service account's key or a ticket.
//!
//! Owns the checks every request passes: the token, the session, the account, the postings active
//! now. Everything but the token is read again for each request, so signing out, disabling and
//! transfers take effect at once. What a service account may call is in `service_keys::access`.
//! This module must not decide what an officer may do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::officer::{Actor, Covers, Posting, Role};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::keys::Bearer;
use super::service_keys::{access, key, queries as service_accounts};
use super::tickets::{self, Holder};
use super::{queries, sessions};
use crate::auth::Auth;
use crate::auth::service_keys::authenticate::{self as service_account, Claim, ServiceFacts};
use crate::towns::queries as grid_queries;
use gridpatrol_http::context::{Identity, RequestContext, registered};
use gridpatrol_http::traffic::Caller;
use gridpatrol_problem::Problem;
use gridpatrol_store::schema::{deputies, grids, officers, postings, sessions as session_table};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Lane, Store, on_each};

/// How old `last_seen_at` may grow before it is written again.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(60);
/// How long we collect uses of sessions before we write them together.
const COLLECT: Duration = Duration::from_secs(1);
/// After this time we treat a write that did not finish as lost.
const LOST: Duration = Duration::from_secs(60);
/// What an officer may call before changing a password that must be changed.
const BEFORE_CHANGE: [&str; 3] = ["/v1/auth/password", "/v1/auth/logout", "/v1/me"];

/// Who the officer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerFacts {
    /// The officer's id.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// The phone number.
    pub phone: Option<String>,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
    /// The version of the account.
    pub version: i64,
}

/// A caller who is signed in: an officer, or a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who it is. For a service account: its own id and name.
    pub officer: OfficerFacts,
    /// The session used. For a service account: the key.
    pub session_id: Uuid,
    /// The officer's active postings.
    pub actor: Actor,
    /// What we know about a service account. None for officers.
    pub service: Option<ServiceFacts>,
}

impl Signed {
    /// What the caller can see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::of(&self.actor)
    }

    /// How many requests a minute the caller may send, if there is a limit for this caller only.
    #[must_use]
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.service.as_ref()?.requests_per_minute
    }
}

impl Identity for Signed {
    async fn authenticate(request: &HttpRequest) -> Result<Self, Problem> {
        authenticate(request).await
    }

    fn id(&self) -> Uuid {
        self.officer.id
    }

    fn counted_as(&self) -> Caller {
        let id = self.officer.id;
        match self.requests_per_minute() {
            Some(per_minute) => Caller::Account { id, per_minute },
            None => Caller::Officer(id),
        }
    }
}

/// Finds who sends this request.
///
/// # Errors
/// `unauthenticated`, `token_expired`, `session_ended`, `password_change_required`,
/// `service_account_refused`, 503.
async fn authenticate(request: &HttpRequest) -> Result<Signed, Problem> {
    let RequestContext { store, clock, .. } = RequestContext::of(request)?;
    let (auth, now): (&Auth, _) = (registered(request)?, clock.now());
    let credential = Credential::of(auth, request, now)?;
    let (signed, last_seen_at) = store
        .read(move |conn| match credential {
            Credential::Session(bearer) => {
                load(conn, bearer, now)?.ok_or_else(|| sessions::ended().into())
            }
            Credential::Service(claim) => service_account::load(conn, claim, now),
        })
        .await?;
    if now - last_seen_at >= SEEN_EVERY {
        auth.seen.note(store, Used::by(&signed), now);
    }
    if let Some(facts) = &signed.service {
        let route = request.match_pattern();
        access::check(
            facts.service.access,
            request.method().as_str(),
            route.as_deref(),
        )?;
    }
    if signed.officer.must_change_password && !BEFORE_CHANGE.contains(&request.path()) {
        return Err(Problem::new(Code::PasswordChangeRequired)
            .detail("Change the password with POST /v1/auth/password first."));
    }
    Ok(signed)
}

/// How a request says who sends it.
#[derive(Debug, Clone, Copy)]
enum Credential {
    /// An access token, or a ticket of its session.
    Session(Bearer),
    /// A key, or a ticket of it.
    Service(Claim),
}

impl Credential {
    fn of(auth: &Auth, request: &HttpRequest, now: DateTime<Utc>) -> Result<Self, Problem> {
        if let Some(ticket) = tickets::carried(request) {
            return Ok(match auth.tickets.check(&ticket, request.path(), now)? {
                Holder::Session {
                    officer_id,
                    session_id,
                } => Self::Session(Bearer {
                    officer_id,
                    session_id,
                }),
                Holder::Key(id) => Self::Service(Claim::Ticket(id)),
            });
        }
        let token = token(request)?;
        if !token.starts_with(key::PREFIX) {
            return Ok(Self::Session(auth.keys.verify(token, now)?));
        }
        key::read(token)
            .map(|presented| Self::Service(Claim::Key(presented)))
            .ok_or_else(|| {
                Problem::new(Code::Unauthenticated)
                    .detail("A key is gp_, 32 digits, _ and 64 digits: this one is incomplete.")
            })
    }
}

/// The bearer token of the `Authorization` header.
fn token(request: &HttpRequest) -> Result<&str, Problem> {
    let missing = || {
        Problem::new(Code::Unauthenticated).detail(
            "Sign in with POST /v1/auth/login and send the header \
             `Authorization: Bearer <access_token>`.",
        )
    };
    let value = request.headers().get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.trim().split_once(' '))
        .ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(missing())
    }
}

type SessionColumns = (DateTime<Utc>, String, String, Option<String>, bool, i64);

/// The columns of a posting with its grid.
type PostingColumns = (
    Uuid,
    Coded<Role>,
    Uuid,
    Uuid,
    Uuid,
    Option<Uuid>,
    Coded<Tier>,
    bool,
);

/// The session, the officer and the active postings. None if the session is over or the account is
/// disabled.
fn load(
    conn: &mut Conn,
    bearer: Bearer,
    now: DateTime<Utc>,
) -> QueryResult<Option<(Signed, DateTime<Utc>)>> {
    let session = session_table::table
        .inner_join(officers::table)
        .filter(
            session_table::id
                .eq(Id(bearer.session_id))
                .and(session_table::officer_id.eq(Id(bearer.officer_id)))
                .and(session_table::ended_at.is_null())
                .and(session_table::expires_at.gt(At(now)))
                .and(officers::disabled_at.is_null()),
        )
        .select((
            session_table::last_seen_at,
            officers::username,
            officers::name,
            officers::phone,
            officers::must_change_password,
            officers::version,
        ));
    let found: Option<SessionColumns> = on_each!(conn, c => session.first(c)).optional()?;
    let Some((last_seen_at, username, name, phone, must_change_password, version)) = found else {
        return Ok(None);
    };
    let officer = OfficerFacts {
        id: bearer.officer_id,
        username,
        name,
        phone,
        must_change_password,
        version,
    };
    let signed = Signed {
        officer,
        session_id: bearer.session_id,
        actor: Actor {
            officer_id: bearer.officer_id,
            postings: active_postings(conn, bearer.officer_id, now)?,
            service: None,
        },
        service: None,
    };
    Ok(Some((signed, last_seen_at)))
}

/// An officer's active postings: first their own, then those they deputise for.
///
/// # Errors
/// When the database fails.
pub fn active_postings(
    conn: &mut Conn,
    officer_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Posting>> {
    let columns = (
        postings::id,
        postings::role,
        postings::officer_id,
        postings::grid_id,
        grids::town_id,
        grids::village_id,
        grids::tier,
        postings::manages,
    );
    let active = postings::valid_from.le(At(now)).and(
        postings::valid_to
            .is_null()
            .or(postings::valid_to.gt(Some(now))),
    );
    let own = postings::table
        .inner_join(grids::table.on(grids::id.eq(postings::grid_id)))
        .filter(postings::officer_id.eq(Id(officer_id)).and(active))
        .order((postings::valid_from, postings::id))
        .select(columns);
    let deputised = deputies::table
        .inner_join(postings::table)
        .inner_join(grids::table.on(grids::id.eq(postings::grid_id)))
        .filter(
            deputies::deputy_id
                .eq(Id(officer_id))
                .and(deputies::valid_from.le(At(now)))
                .and(deputies::valid_to.gt(At(now)))
                .and(active),
        )
        .order((deputies::valid_from, deputies::id))
        .select((columns, deputies::covers));
    let own: Vec<PostingColumns> = on_each!(conn, c => own.load(c))?;
    let deputised: Vec<(PostingColumns, Coded<Covers>)> = on_each!(conn, c => deputised.load(c))?;
    Ok(own
        .into_iter()
        .map(|row| (row, Coded(Covers::All)))
        .chain(deputised)
        .filter_map(|(row, Coded(covers))| posting(row, covers, officer_id))
        .collect())
}

fn posting(row: PostingColumns, covers: Covers, officer_id: Uuid) -> Option<Posting> {
    let (id, Coded(role), holder, grid_id, town_id, village_id, Coded(tier), manages) = row;
    let grid = grid_queries::path(grid_id, town_id, village_id, tier);
    if grid.is_none() {
        tracing::error!(%grid_id, "a group without a village");
    }
    Some(Posting {
        id,
        role,
        grid: grid?,
        on_behalf_of: (holder != officer_id).then_some(holder),
        covers,
        manages: manages && holder == officer_id,
    })
}

/// What was used to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Used {
    Session(Uuid),
    Key(Uuid),
}

impl Used {
    fn by(signed: &Signed) -> Self {
        match signed.service {
            None => Self::Session(signed.session_id),
            Some(_) => Self::Key(signed.session_id),
        }
    }
}

/// Uses of sessions and keys that are not written yet. We collect them and write them together in
/// the background lane. A crash loses at most a minute of `last_seen_at`.
#[derive(Debug, Default)]
pub struct Seen {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    uses: HashMap<Used, DateTime<Utc>>,
    since: Option<Instant>,
}

impl Seen {
    fn note(self: &Arc<Self>, store: &Store, used: Used, now: DateTime<Utc>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.uses.insert(used, now);
        if waiting.since.is_some_and(|since| since.elapsed() < LOST) {
            return;
        }
        waiting.since = Some(Instant::now());
        drop(waiting);
        let (seen, store) = (Arc::clone(self), store.clone());
        tokio::task::spawn(async move {
            tokio::time::sleep(COLLECT).await;
            let uses = seen.take();
            let written = store.write(Lane::Background, move |conn| {
                for (used, at) in &uses {
                    match used {
                        Used::Session(id) => queries::touch_session(conn, *id, *at)?,
                        Used::Key(id) => service_accounts::touch_key(conn, *id, *at)?,
                    }
                }
                Ok(())
            });
            if let Err(problem) = written.await {
                tracing::warn!(%problem, "when sessions and keys were last used is not written");
            }
        });
    }

    fn take(&self) -> Vec<(Used, DateTime<Utc>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.since = None;
        let mut uses: Vec<_> = std::mem::take(&mut waiting.uses).into_iter().collect();
        // Always in the same order, so that two processes do not deadlock.
        uses.sort_unstable();
        uses
    }
}
