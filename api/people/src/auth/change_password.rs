//! Changes the caller's own password.
//!
//! Owns the order of the steps: check the rules, check the current password (guesses are throttled
//! like sign-ins), check the former passwords, then make the change and end the officer's other
//! sessions. It must not hash passwords itself.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::login::{Door, locked};
use super::security_log::{self, Kind, Origin, Record};
use super::sessions::{self, End};
use super::{Auth, common_passwords, queries};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Lane, Store};

/// A request to change a password.
#[derive(Debug)]
pub struct Change {
    /// The officer.
    pub officer_id: Uuid,
    /// The name, which must not be the password.
    pub username: String,
    /// The session that continues.
    pub session_id: Uuid,
    /// The current password. None if the account has none.
    pub current: Option<String>,
    /// The new one.
    pub new: String,
    /// Where the request came from.
    pub origin: Origin,
}

/// Lists every rule that this password breaks, at this pointer.
///
/// # Errors
/// `validation_failed`.
pub fn check(auth: &Auth, password: &str, username: &str, pointer: &str) -> Result<(), Problem> {
    let faults = common_passwords::faults(&auth.settings.password_rules(), password, username);
    if faults.is_empty() {
        return Ok(());
    }
    let errors = faults
        .into_iter()
        .map(|fault| FieldError::new(pointer, fault.code(), sentence(fault)));
    Err(Problem::invalid(errors.collect()))
}

/// Changes the password.
///
/// # Errors
/// `validation_failed` naming `/current_password` or `/new_password`, `login_locked` after too many
/// wrong ones, 503.
pub async fn change(
    store: &Store,
    auth: &Auth,
    now: DateTime<Utc>,
    change: Change,
) -> Result<(), Problem> {
    let Change {
        officer_id,
        username,
        session_id,
        current,
        new,
        origin,
    } = change;
    check(auth, &new, &username, "/new_password")?;
    let rules = auth.settings.password_rules();
    let remembered = i64::try_from(rules.remembered).unwrap_or(i64::MAX);
    let door = Door::own(auth, officer_id, username, &origin);
    let (account, former, wait) = {
        let door = door.clone();
        store
            .read(move |conn| {
                Ok((
                    queries::account(conn, officer_id)?,
                    queries::former_hashes(conn, officer_id, remembered)?,
                    door.wait(conn, now)?,
                ))
            })
            .await?
    };
    if let Some(seconds) = wait {
        return Err(locked(seconds));
    }
    let account = account.ok_or_else(sessions::ended)?;
    // An invited officer who is signed in sets the first password.
    let known = match current.clone() {
        None if account.password_hash.is_empty() => true,
        None => false,
        Some(current) => {
            let hash = account.hash();
            auth.passwords.verify(current, hash).await?.matches
        }
    };
    if !known {
        // The client lost the first answer and repeats the request: the change is already made.
        let made: Vec<String> = account.hash().into_iter().collect();
        if auth.passwords.among(new, made).await? {
            return Ok(());
        }
        let wait = store
            .write(Lane::Interactive, move |conn| {
                Ok(door.count(conn, &origin, now, Kind::PasswordChangeRefused)?)
            })
            .await?;
        let refused = || wrong_current(current.is_some());
        return Err(wait.map_or_else(refused, locked));
    }
    let mut hashes = former;
    if let Some(present) = account
        .hash()
        .filter(|hash| remembered > 0 && !hashes.contains(hash))
    {
        hashes.push(present);
    }
    if auth.passwords.among(new.clone(), hashes).await? {
        return Err(Problem::invalid(vec![FieldError::new(
            "/new_password",
            "reused",
            format!("The last {remembered} passwords cannot be used again."),
        )]));
    }
    let hash = auth.passwords.hash(new).await?;
    store
        .write(Lane::Interactive, move |conn| {
            let unchanged = queries::account_locked(conn, officer_id)?
                .is_some_and(|current| current.password_hash == account.password_hash);
            if !unchanged {
                return Err(wrong_current(true).into());
            }
            queries::set_password(conn, officer_id, &hash)?;
            queries::remember_hash(conn, officer_id, &hash, now, remembered)?;
            door.welcome(conn)?;
            security_log::record(
                conn,
                now,
                &origin,
                Record {
                    kind: Kind::PasswordChanged,
                    officer_id: Some(officer_id),
                    username: Some(&account.username),
                    detail: None,
                },
            )?;
            let others: Vec<Uuid> = queries::open_sessions(conn, officer_id, now)?
                .into_iter()
                .map(|session| session.id)
                .filter(|id| *id != session_id)
                .collect();
            sessions::end(
                conn,
                officer_id,
                &others,
                End::PasswordChanged,
                &origin,
                now,
            )?;
            Ok(())
        })
        .await
}

/// Not a 401: the caller is signed in, and client apps sign out on a 401.
fn wrong_current(given: bool) -> Problem {
    if !given {
        return Problem::invalid(vec![FieldError::new(
            "/current_password",
            "required",
            "The account has a password. Send it.",
        )]);
    }
    Problem {
        detail: Some("The current password is wrong.".to_owned()),
        ..Problem::invalid(vec![FieldError::new(
            "/current_password",
            "wrong_password",
            "This is not the current password.",
        )])
    }
}

/// Describes the rule in a sentence.
fn sentence(fault: impl std::fmt::Display) -> String {
    let text = fault.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}
