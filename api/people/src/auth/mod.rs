//! Finds out who is calling: sign-in, sessions, access tokens, passwords.
//!
//! Owns everything from a password to a [`Signed`] caller. It must not decide what the caller may
//! do: `gridpatrol_domain::officer` and `gridpatrol_domain::report` do that.

pub mod authenticate;
pub mod change_password;
pub mod cleanup;
pub mod common_passwords;
pub mod keys;
pub mod login;
pub mod me;
pub mod passwords;
pub mod queries;
pub mod refresh_token;
pub mod routes;
pub mod security_log;
pub mod service_keys;
pub mod session_routes;
pub mod sessions;
pub mod settings;
pub mod throttle;
pub mod tickets;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;

pub use authenticate::{OfficerFacts, Signed};
pub use settings::AuthSettings;

use gridpatrol_http::SignedCall;
use gridpatrol_problem::Problem;
use gridpatrol_store::random;
use gridpatrol_store::{DatabaseUrl, Lane, Store, secrets};
use keys::{KeyError, Keys};
use passwords::{HashError, Passwords};
use tickets::Tickets;

/// A request of a signed-in caller: path `P`, query `Q`, JSON body `B`.
pub type Call<P = (), Q = (), B = ()> = SignedCall<Signed, P, Q, B>;

/// The name of the key that processes on one PostgreSQL database share.
const SHARED_KEY: &str = "signing_key";

/// Why sign-in cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The parameters of argon2.
    #[error(transparent)]
    Passwords(#[from] HashError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] random::NoRandomness),
    /// The database, where the shared keys are.
    #[error("the shared signing keys cannot be read: {0}")]
    Shared(Problem),
}

/// What sign-in needs. A cheap handle.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Signs and verifies access tokens.
    pub keys: Keys,
    /// Signs and checks tickets.
    pub tickets: Tickets,
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// The settings.
    pub settings: Arc<AuthSettings>,
    seen: Arc<authenticate::Seen>,
}

impl Auth {
    /// Reads the keys, or makes them at first start: in the data directory with SQLite, in the
    /// shared table with PostgreSQL.
    ///
    /// # Errors
    /// When there are no usable keys or argon2's parameters are out of bounds.
    pub async fn open(
        settings: AuthSettings,
        url: &DatabaseUrl,
        data_dir: &Path,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<Self, AuthError> {
        let pem = match (&settings.signing_keys, url) {
            (Some(path), _) => keys::read_file(path)?,
            (None, DatabaseUrl::Sqlite(_)) => keys::read_or_make_file(data_dir)?,
            (None, DatabaseUrl::Postgres(_)) => {
                let made = keys::new_secret()?;
                let shared = store
                    .write(Lane::Interactive, move |conn| {
                        Ok(secrets::shared(conn, SHARED_KEY, &made, now)?)
                    })
                    .await
                    .map_err(AuthError::Shared)?;
                keys::pem(&shared)
            }
        };
        let tickets = random::bytes()?;
        let tickets = store
            .write(Lane::Interactive, move |conn| {
                Ok(secrets::shared(conn, "tickets", &tickets, now)?)
            })
            .await
            .map_err(AuthError::Shared)?;
        Self::with_keys(settings, &pem, &tickets)
    }

    /// Sign-in with these keys.
    ///
    /// # Errors
    /// As [`Auth::open`].
    pub fn with_keys(
        settings: AuthSettings,
        pem: &str,
        tickets: &[u8; 32],
    ) -> Result<Self, AuthError> {
        Ok(Self {
            keys: Keys::from_pem(pem, &settings.issuer, settings.access_lifetime())?,
            tickets: Tickets::new(tickets),
            passwords: Passwords::new(&settings)?,
            settings: Arc::new(settings),
            seen: Arc::default(),
        })
    }
}

/// A server fault that the caller cannot fix.
pub fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "sign-in");
    Problem::new(Code::Internal)
}
