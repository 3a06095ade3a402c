//! Hashing passwords with argon2id.
//!
//! Owns the parameters, the permits that limit memory and cores, and the dummy hash that makes an
//! unknown name take as long as a known one. It must not run on an async thread, and must not know
//! whose password it is.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use gridpatrol_domain::error::Code;
use tokio::sync::Semaphore;

use super::settings::AuthSettings;
use gridpatrol_problem::Problem;
use gridpatrol_store::overloaded;
use gridpatrol_store::random;

/// If the wait for a permit is longer, we answer 503.
const PATIENCE: Duration = Duration::from_secs(10);

/// A password cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The parameters are out of bounds, or a stored hash cannot be read.
    #[error("argon2: {0}")]
    Argon2(String),
    /// No randomness for a salt.
    #[error(transparent)]
    NoRandomness(#[from] random::NoRandomness),
}

/// The result of comparing a password with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// It is the password.
    pub matches: bool,
    /// The password matches, but the hash was made with older parameters.
    pub outdated: bool,
}

/// Hashes and compares passwords. A cheap handle.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    dummy: Arc<str>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Passwords")
            .field("params", self.argon2.params())
            .finish_non_exhaustive()
    }
}

impl Passwords {
    /// Hashing with these settings.
    ///
    /// # Errors
    /// When the parameters are out of bounds or there is no randomness.
    pub fn new(settings: &AuthSettings) -> Result<Self, HashError> {
        let params = Params::new(
            settings.argon2_memory_kib,
            settings.argon2_passes,
            settings.argon2_lanes,
            None,
        )
        .map_err(|error| HashError::Argon2(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let permits = match settings.hashing_permits {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            permits => usize::try_from(permits).unwrap_or(1),
        };
        let unguessable: [u8; 32] = random::bytes()?;
        let dummy = hash_with(&argon2, &unguessable)?;
        Ok(Self {
            argon2,
            permits: Arc::new(Semaphore::new(permits)),
            dummy: dummy.into(),
        })
    }

    /// The hash of a password, for the command line and the demonstration; it takes tens of
    /// milliseconds.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn hash_blocking(&self, password: &str) -> Result<String, HashError> {
        hash_with(&self.argon2, password.as_bytes())
    }

    /// The hash of a password, off the async threads.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let argon2 = self.argon2.clone();
        self.run(move || hash_with(&argon2, password.as_bytes()))
            .await
    }

    /// Compares a password with a stored hash, off the async threads. If there is no hash, it takes
    /// as long and never matches.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Verdict, Problem> {
        let argon2 = self.argon2.clone();
        let dummy = Arc::clone(&self.dummy);
        self.run(move || {
            let known = hash.is_some();
            let verdict = compare(&argon2, &password, hash.as_deref().unwrap_or(&dummy))?;
            Ok(Verdict {
                matches: known && verdict.matches,
                ..verdict
            })
        })
        .await
    }

    /// Finds the first of these hashes that matches the password.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub async fn among(&self, password: String, hashes: Vec<String>) -> Result<bool, Problem> {
        let argon2 = self.argon2.clone();
        self.run(move || {
            for hash in hashes {
                if compare(&argon2, &password, &hash)?.matches {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || overloaded().detail("Too many sign-ins at once; try again.");
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            // Keep it until the work is done, even if the caller has stopped waiting.
            let _permit = permit;
            work()
        })
        .await;
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "a password cannot be hashed or compared");
                Err(Problem::new(Code::Internal))
            }
            Err(error) => {
                tracing::error!(%error, "hashing a password was cut off");
                Err(Problem::new(Code::Internal))
            }
        }
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, HashError> {
    let salt: [u8; 16] = random::bytes()?;
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password, &salt)
        .map_err(|error| HashError::Argon2(error.to_string()))?;
    Ok(hash.to_string())
}

/// Uses the parameters of the stored hash, not the current settings.
fn compare(argon2: &Argon2<'_>, password: &str, hash: &str) -> Result<Verdict, HashError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        HashError::Argon2(format!("a stored hash cannot be read: {error}"))
    };
    let stored = PasswordHash::new(hash).map_err(|error| unreadable(&error))?;
    let matches = match argon2.verify_password(password.as_bytes(), &stored) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(unreadable(&error)),
    };
    let made_with = Params::try_from(&stored).map_err(|error| unreadable(&error))?;
    let in_force = argon2.params();
    let outdated = stored.algorithm != Algorithm::Argon2id.ident()
        || made_with.m_cost() != in_force.m_cost()
        || made_with.t_cost() != in_force.t_cost()
        || made_with.p_cost() != in_force.p_cost();
    Ok(Verdict {
        matches,
        outdated: matches && outdated,
    })
}

#[cfg(test)]
mod tests {
    use super::{Passwords, Verdict};
    use crate::auth::settings::AuthSettings;

    fn passwords(memory_kib: u32) -> Passwords {
        Passwords::new(&AuthSettings {
            argon2_memory_kib: memory_kib,
            argon2_passes: 1,
            ..AuthSettings::default()
        })
        .unwrap()
    }

    async fn verdict(passwords: &Passwords, password: &str, hash: Option<&str>) -> Verdict {
        passwords
            .verify(password.to_owned(), hash.map(str::to_owned))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_hash_alone() {
        let passwords = passwords(64);
        let hash = passwords.hash("demo-Patrol-2026".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash_blocking("demo-Patrol-2026").unwrap());
        let right = Verdict {
            matches: true,
            outdated: false,
        };
        let wrong = Verdict {
            matches: false,
            outdated: false,
        };
        assert_eq!(
            verdict(&passwords, "demo-Patrol-2026", Some(&hash)).await,
            right
        );
        assert_eq!(
            verdict(&passwords, "demo-patrol-2026", Some(&hash)).await,
            wrong
        );
        assert_eq!(verdict(&passwords, "demo-Patrol-2026", None).await, wrong);
        let former = vec![passwords.hash_blocking("another-1A").unwrap(), hash];
        assert!(
            passwords
                .among("demo-Patrol-2026".to_owned(), former.clone())
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .among("something-1A".to_owned(), former)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_hash_made_with_other_parameters_still_matches_and_is_outdated() {
        let hash = passwords(64).hash_blocking("demo-Patrol-2026").unwrap();
        let found = verdict(&passwords(128), "demo-Patrol-2026", Some(&hash)).await;
        assert_eq!(
            found,
            Verdict {
                matches: true,
                outdated: true
            }
        );
    }

    #[tokio::test]
    async fn a_spoilt_hash_is_a_fault_and_no_match() {
        let problem = passwords(64)
            .verify(
                "demo-Patrol-2026".to_owned(),
                Some("$argon2id$spoilt".to_owned()),
            )
            .await
            .unwrap_err();
        assert_eq!(problem.code.status(), 500);
    }
}
