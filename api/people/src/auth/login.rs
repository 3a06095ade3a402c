//! Signs an officer in with a name and a password.
//!
//! Owns the order of a sign-in: check the wait, check the password, then check the wait again in
//! the transaction that records the result, so that many guesses at once cannot get past the limit.
//! An unknown name must take as long, and get the same answer, as a known name with a wrong
//! password.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::password;
use uuid::Uuid;

use super::passwords::Verdict;
use super::queries::{self, Account};
use super::security_log::{self, Kind, Origin, Record};
use super::sessions::{self, Device, Fresh, Signing};
use super::{Auth, throttle};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Lane, Store};

/// A request to sign in.
#[derive(Debug)]
pub struct Attempt {
    /// The name, as typed.
    pub username: String,
    /// The password.
    pub password: String,
    /// The device, if the client sends it.
    pub device: Option<Device>,
    /// Where the request came from.
    pub origin: Origin,
}

/// Signs in.
///
/// # Errors
/// `login_locked`, `credentials_invalid`, 503.
pub async fn sign_in(
    store: &Store,
    auth: &Auth,
    now: DateTime<Utc>,
    attempt: Attempt,
) -> Result<Signing, Problem> {
    let Attempt {
        username,
        password,
        device,
        origin,
    } = attempt;
    let door = Door::new(auth, password::username(&username), &origin);
    let first_look = {
        let door = door.clone();
        store
            .read(move |conn| {
                let account = match &door.username {
                    Some(username) => queries::account_named(conn, username)?,
                    None => None,
                };
                Ok((account, door.wait(conn, now)?))
            })
            .await?
    };
    let (account, wait) = first_look;
    if let Some(seconds) = wait {
        return Err(locked(seconds));
    }
    let hash = account.as_ref().and_then(Account::hash);
    let verdict = auth.passwords.verify(password.clone(), hash).await?;
    let Some(account) = account.filter(|_| verdict.matches) else {
        let refused = store
            .write(Lane::Interactive, move |conn| {
                Ok(door.refuse(conn, &origin, now)?)
            })
            .await?;
        return Err(refused);
    };
    let renewed_hash = match verdict {
        Verdict { outdated: true, .. } => Some(auth.passwords.hash(password).await?),
        Verdict { .. } => None,
    };
    let fresh = Fresh::new(now)?;
    let known = account.clone();
    let stored = fresh.clone();
    let limits = sessions::Limits::of(auth);
    store
        .write(Lane::Interactive, move |conn| {
            if let Some(seconds) = door.wait(conn, now)? {
                return Ok(Err(locked(seconds)));
            }
            let current = queries::account_locked(conn, known.id)?
                .filter(|current| current.password_hash == known.password_hash);
            let Some(current) = current else {
                return Ok(Err(door.refuse(conn, &origin, now)?));
            };
            if current.disabled_at.is_some() {
                return Ok(Err(disabled(conn, &origin, now, &current)?));
            }
            door.welcome(conn)?;
            if let Some(hash) = &renewed_hash {
                queries::replace_hash(conn, current.id, &current.password_hash, hash)?;
            }
            sessions::begin(conn, &current, device.as_ref(), &stored, &origin, limits)?;
            Ok(Ok(()))
        })
        .await??;
    fresh.signing(auth, account)
}

/// What we count failures for, and how.
#[derive(Debug, Clone)]
pub struct Door {
    username: Option<String>,
    name_subject: Option<String>,
    name_limits: throttle::Limits,
    address_subject: String,
    address_limits: throttle::Limits,
}

impl Door {
    /// Counts for an address, and for the name if the text could be a name.
    #[must_use]
    pub fn new(auth: &Auth, username: Option<String>, origin: &Origin) -> Self {
        Self {
            name_subject: username.as_deref().map(throttle::name_subject),
            username,
            name_limits: auth.settings.name_limits(),
            address_subject: gridpatrol_http::traffic::address::address_subject(&origin.address),
            address_limits: auth.settings.address_limits(),
        }
    }

    /// Counts for a signed-in officer who enters the password again. We count these failures
    /// separately, so that strangers who guess at the name cannot block the officer.
    #[must_use]
    pub fn own(auth: &Auth, officer_id: Uuid, username: String, origin: &Origin) -> Self {
        Self {
            name_subject: Some(throttle::officer_subject(officer_id)),
            ..Self::new(auth, Some(username), origin)
        }
    }

    /// How long to wait before a password is tried.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wait(&self, conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<Option<u64>> {
        let of_name = match &self.name_subject {
            Some(subject) => {
                throttle::wait(queries::failures(conn, subject)?, self.name_limits, now)
            }
            None => None,
        };
        let of_address = throttle::wait(
            queries::failures(conn, &self.address_subject)?,
            self.address_limits,
            now,
        );
        Ok(of_name.max(of_address))
    }

    /// Counts a failure and returns the answer. If a wait began in the meantime, the answer is that
    /// wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn refuse(
        &self,
        conn: &mut Conn,
        origin: &Origin,
        now: DateTime<Utc>,
    ) -> QueryResult<Problem> {
        if let Some(seconds) = self.count(conn, origin, now, Kind::SignInRefused)? {
            return Ok(locked(seconds));
        }
        Ok(Problem::new(Code::CredentialsInvalid))
    }

    /// Counts a failure, unless there is a wait. Returns the seconds of that wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count(
        &self,
        conn: &mut Conn,
        origin: &Origin,
        now: DateTime<Utc>,
        kind: Kind,
    ) -> QueryResult<Option<u64>> {
        // Always lock in this order: the name's row, then the address's row.
        let name = match &self.name_subject {
            Some(subject) => Some((subject, queries::failures_locked(conn, subject, now)?)),
            None => None,
        };
        let address = queries::failures_locked(conn, &self.address_subject, now)?;
        let of_name =
            name.and_then(|(_, known)| throttle::wait(Some(known), self.name_limits, now));
        let of_address = throttle::wait(Some(address), self.address_limits, now);
        if let Some(seconds) = of_name.max(of_address) {
            return Ok(Some(seconds));
        }
        // Only the log says whose name it is. The answer never does.
        let officer_id = match &self.username {
            Some(username) => queries::account_named(conn, username)?.map(|account| account.id),
            None => None,
        };
        let log = |conn: &mut Conn, kind| {
            security_log::record(
                conn,
                now,
                origin,
                Record {
                    kind,
                    officer_id,
                    username: self.username.as_deref(),
                    detail: None,
                },
            )
        };
        log(conn, kind)?;
        if let Some((subject, known)) = name {
            let known = throttle::failed(Some(known), self.name_limits, now);
            queries::save_failures(conn, subject, known)?;
            if known.locked_until.is_some() {
                log(conn, Kind::NameLocked)?;
            }
        }
        let address = throttle::failed(Some(address), self.address_limits, now);
        queries::save_failures(conn, &self.address_subject, address)?;
        if address.locked_until.is_some() {
            log(conn, Kind::AddressLocked)?;
        }
        Ok(None)
    }

    /// Clears the failures of the name. Those of the address stay; otherwise a stranger with an
    /// account could guess other passwords without limit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn welcome(&self, conn: &mut Conn) -> QueryResult<()> {
        match &self.name_subject {
            Some(subject) => queries::forget_failures(conn, subject),
            None => Ok(()),
        }
    }
}

/// 429 with the seconds to wait.
#[must_use]
pub fn locked(seconds: u64) -> Problem {
    Problem::new(Code::LoginLocked)
        .detail(format!("Try again in {seconds} seconds."))
        .retry_after(seconds)
}

fn disabled(
    conn: &mut Conn,
    origin: &Origin,
    now: DateTime<Utc>,
    account: &Account,
) -> QueryResult<Problem> {
    security_log::record(
        conn,
        now,
        origin,
        Record {
            kind: Kind::SignInRefused,
            officer_id: Some(account.id),
            username: Some(&account.username),
            detail: Some("disabled"),
        },
    )?;
    Ok(Problem::new(Code::CredentialsInvalid)
        .detail("The account is disabled. Ask the administrator of your town."))
}
