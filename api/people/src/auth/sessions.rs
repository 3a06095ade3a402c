//! Sessions: how they begin, continue and end.
//!
//! Owns their transactions. A session belongs to a device: signing in again on the same device
//! replaces its session. This module must not decide whether a refresh token is still valid:
//! `refresh_token` does.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use super::keys::Bearer;
use super::queries::{self, Account, Session, StoredToken};
use super::refresh_token::{self, Decision, Standing};
use super::security_log::{self, Kind, Origin, Record};
use super::{Auth, internal};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Lane, Store};

/// How many unused successors of one token we keep.
const SUCCESSORS: i64 = 20;

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The officer signed out.
    SignedOut,
    /// The officer ended it from another session.
    Revoked,
    /// The officer signed in again on the same device.
    Replaced,
    /// The officer had too many sessions, and this one was unused for the longest time.
    Crowded,
    /// The password was changed in another session.
    PasswordChanged,
    /// A refresh token came back after its successor was used.
    RefreshReused,
    /// A manager of the officer ended it.
    ByManager,
    /// The account was disabled.
    Disabled,
    /// A manager of the officer set a one-time password.
    PasswordReset,
}

impl End {
    const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Crowded => "crowded",
            Self::PasswordChanged => "password_changed",
            Self::RefreshReused => "refresh_reused",
            Self::ByManager => "by_manager",
            Self::Disabled => "disabled",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// The device of a session, as the client describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// An id that the client keeps on the device.
    pub id: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Android, iOS, a mini-program ….
    pub platform: Option<String>,
}

/// The limits on the length and number of sessions.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    refresh: TimeDelta,
    session: TimeDelta,
    sessions: usize,
}

impl Limits {
    /// The limits of the settings.
    #[must_use]
    pub fn of(auth: &Auth) -> Self {
        Self {
            refresh: TimeDelta::days(auth.settings.refresh_days.into()),
            session: TimeDelta::days(auth.settings.session_days.into()),
            sessions: usize::try_from(auth.settings.sessions_per_officer).unwrap_or(usize::MAX),
        }
    }
}

/// What a caller gets after signing in or refreshing.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The access token.
    pub access_token: String,
    /// How many seconds it is valid.
    pub expires_in: i64,
    /// The refresh token.
    pub refresh_token: String,
    /// The account.
    pub account: Account,
    /// The session.
    pub session_id: Uuid,
}

/// A session that is about to begin. We make it outside the transaction, because that may run
/// twice.
#[derive(Debug, Clone)]
pub struct Fresh {
    session_id: Uuid,
    refresh_token: String,
    token_hash: Vec<u8>,
    now: DateTime<Utc>,
}

impl Fresh {
    /// A new id and a new token.
    ///
    /// # Errors
    /// An internal fault if the system gives no random numbers.
    pub fn new(now: DateTime<Utc>) -> Result<Self, Problem> {
        let (refresh_token, token_hash) = refresh_token::new().map_err(internal)?;
        Ok(Self {
            session_id: Uuid::now_v7(),
            refresh_token,
            token_hash,
            now,
        })
    }

    /// The session's id.
    #[must_use]
    pub const fn session_id(&self) -> Uuid {
        self.session_id
    }

    /// The tokens of the session, once it is stored.
    ///
    /// # Errors
    /// An internal fault when signing fails.
    pub fn signing(self, auth: &Auth, account: Account) -> Result<Signing, Problem> {
        let bearer = Bearer {
            officer_id: account.id,
            session_id: self.session_id,
        };
        let (access_token, expires_in) = auth.keys.issue(bearer, self.now)?;
        Ok(Signing {
            access_token,
            expires_in,
            refresh_token: self.refresh_token,
            account,
            session_id: self.session_id,
        })
    }
}

/// Stores a new session.
///
/// # Errors
/// When the database fails.
pub fn begin(
    conn: &mut Conn,
    account: &Account,
    device: Option<&Device>,
    fresh: &Fresh,
    origin: &Origin,
    limits: Limits,
) -> QueryResult<()> {
    let now = fresh.now;
    let open = queries::open_sessions(conn, account.id, now)?;
    let device_id = device.and_then(|device| device.id.as_deref());
    let (same, others): (Vec<_>, Vec<_>) = open
        .iter()
        .partition(|session| device_id.is_some() && session.device_id.as_deref() == device_id);
    let crowding = others.iter().skip(limits.sessions.saturating_sub(1));
    for (sessions, reason) in [
        (same.iter().map(|each| each.id).collect(), End::Replaced),
        (
            crowding.map(|each| each.id).collect::<Vec<_>>(),
            End::Crowded,
        ),
    ] {
        end(conn, account.id, &sessions, reason, origin, now)?;
    }
    let expires_at = now + limits.session;
    queries::add_session(
        conn,
        &Session {
            id: fresh.session_id,
            officer_id: account.id,
            device_id: device_id.map(str::to_owned),
            device_name: device.and_then(|device| device.name.clone()),
            platform: device.and_then(|device| device.platform.clone()),
            address: Some(origin.address.clone()),
            created_at: now,
            last_seen_at: now,
            expires_at,
            ended_at: None,
            end_reason: None,
        },
    )?;
    queries::add_token(
        conn,
        &StoredToken {
            token_hash: fresh.token_hash.clone(),
            session_id: fresh.session_id,
            predecessor_hash: None,
            issued_at: now,
            expires_at: expires_at.min(now + limits.refresh),
            first_used_at: None,
            superseded_at: None,
        },
    )?;
    security_log::record(
        conn,
        now,
        origin,
        Record {
            kind: Kind::SignedIn,
            officer_id: Some(account.id),
            username: Some(&account.username),
            detail: device.and_then(|device| device.name.as_deref()),
        },
    )
}

/// Ends sessions of an officer. Sessions that have already ended do not change.
///
/// # Errors
/// When the database fails.
pub fn end(
    conn: &mut Conn,
    officer_id: Uuid,
    ids: &[Uuid],
    reason: End,
    origin: &Origin,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if ids.is_empty() || queries::end_sessions(conn, ids, reason.code(), now)? == 0 {
        return Ok(());
    }
    let kind = match reason {
        End::RefreshReused => Kind::RefreshReused,
        _ => Kind::SessionEnded,
    };
    for id in ids {
        let detail = format!("{} {id}", reason.code());
        security_log::record(
            conn,
            now,
            origin,
            Record {
                kind,
                officer_id: Some(officer_id),
                username: None,
                detail: Some(&detail),
            },
        )?;
    }
    Ok(())
}

/// Ends all sessions of an officer except the one to keep.
///
/// # Errors
/// When the database fails.
pub fn end_all(
    conn: &mut Conn,
    officer_id: Uuid,
    kept: Option<Uuid>,
    reason: End,
    origin: &Origin,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let open: Vec<Uuid> = queries::open_sessions(conn, officer_id, now)?
        .into_iter()
        .map(|session| session.id)
        .filter(|id| Some(*id) != kept)
        .collect();
    end(conn, officer_id, &open, reason, origin, now)
}

/// Ends one of an officer's own sessions. False: the officer has no such session.
///
/// # Errors
/// When the database fails.
pub fn end_own(
    conn: &mut Conn,
    officer_id: Uuid,
    id: Uuid,
    reason: End,
    origin: &Origin,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let owned =
        queries::session_locked(conn, id)?.is_some_and(|session| session.officer_id == officer_id);
    if owned {
        end(conn, officer_id, &[id], reason, origin, now)?;
    }
    Ok(owned)
}

/// Exchanges a refresh token for new tokens.
///
/// # Errors
/// `session_ended` if the token is no longer valid, 503.
pub async fn refresh(
    store: &Store,
    auth: &Auth,
    now: DateTime<Utc>,
    presented: &str,
    origin: Origin,
) -> Result<Signing, Problem> {
    let hash = refresh_token::hash(presented).ok_or_else(ended)?;
    // Unknown tokens stop here, before they reach the writer.
    let known = {
        let hash = hash.clone();
        store
            .read(move |conn| Ok(queries::token(conn, &hash)?.is_some()))
            .await?
    };
    if !known {
        return Err(ended());
    }
    let (refresh_token, successor) = refresh_token::new().map_err(internal)?;
    let limits = Limits::of(auth);
    let (account, session_id) = store
        .write(Lane::Interactive, move |conn| {
            Ok(exchange(conn, &hash, &successor, &origin, limits, now)?)
        })
        .await?
        .ok_or_else(ended)?;
    let bearer = Bearer {
        officer_id: account.id,
        session_id,
    };
    let (access_token, expires_in) = auth.keys.issue(bearer, now)?;
    Ok(Signing {
        access_token,
        expires_in,
        refresh_token,
        account,
        session_id,
    })
}

/// The exchange itself. None if the token is no longer valid, which may end the session.
fn exchange(
    conn: &mut Conn,
    hash: &[u8],
    successor: &[u8],
    origin: &Origin,
    limits: Limits,
    now: DateTime<Utc>,
) -> QueryResult<Option<(Account, Uuid)>> {
    let Some(token) = queries::token(conn, hash)? else {
        return Ok(None);
    };
    // Locking the session's row puts concurrent exchanges in order. Only then is the token's state
    // final.
    let Some(session) = queries::session_locked(conn, token.session_id)? else {
        return Ok(None);
    };
    let Some(token) = queries::token(conn, hash)? else {
        return Ok(None);
    };
    if session.ended_at.is_some() || now >= session.expires_at {
        return Ok(None);
    }
    let Some(account) =
        queries::account(conn, session.officer_id)?.filter(|account| account.disabled_at.is_none())
    else {
        return Ok(None);
    };
    let standing = Standing {
        expires_at: token.expires_at,
        first_used_at: token.first_used_at,
        superseded_at: token.superseded_at,
    };
    match refresh_token::decide(standing, now) {
        Decision::Expired => return Ok(None),
        Decision::Reused => {
            end(
                conn,
                account.id,
                &[session.id],
                End::RefreshReused,
                origin,
                now,
            )?;
            return Ok(None);
        }
        Decision::Renew { first: true } => queries::use_token(conn, &token, now)?,
        Decision::Renew { first: false } => queries::trim_successors(conn, &token, SUCCESSORS - 1)?,
    }
    queries::add_token(
        conn,
        &StoredToken {
            token_hash: successor.to_vec(),
            session_id: session.id,
            predecessor_hash: Some(token.token_hash),
            issued_at: now,
            expires_at: session.expires_at.min(now + limits.refresh),
            first_used_at: None,
            superseded_at: None,
        },
    )?;
    queries::session_refreshed(conn, session.id, &origin.address, now)?;
    Ok(Some((account, session.id)))
}

/// 401: sign in again.
#[must_use]
pub fn ended() -> Problem {
    Problem::new(Code::SessionEnded).detail("Sign in again with POST /v1/auth/login.")
}
