//! Settings of sign-in: the numbers that the operator may choose.
//!
//! Owns their defaults and their bounds. It must not read files or the environment itself.

use std::path::PathBuf;

use gridpatrol_domain::password::PasswordRules;

use super::throttle::Limits;

/// The `[auth]` table of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// PEM file with Ed25519 keys: the first signs, all are accepted. Absent: the server makes a
    /// key of its own at first start.
    pub signing_keys: Option<PathBuf>,
    /// `iss` and `aud` of the access tokens.
    pub issuer: String,
    /// How long an access token is good for.
    pub access_minutes: u32,
    /// How long a refresh token is good for when it is not used.
    pub refresh_days: u32,
    /// How long a session lasts at most, however often it is refreshed.
    pub session_days: u32,
    /// How many sessions an officer has at most; the oldest makes room.
    pub sessions_per_officer: u32,
    /// How long an invitation can be accepted.
    pub invitation_hours: u32,
    /// argon2id: memory in KiB.
    pub argon2_memory_kib: u32,
    /// argon2id: passes over it.
    pub argon2_passes: u32,
    /// argon2id: lanes.
    pub argon2_lanes: u32,
    /// How many passwords are hashed at once; 0 means one a core.
    pub hashing_permits: u32,
    /// Fewest characters of a password.
    pub password_min_chars: u32,
    /// Of the four classes of characters, how many a password has.
    pub password_min_classes: u32,
    /// How many former passwords must not come back.
    pub passwords_remembered: u32,
    /// Failures of one name until it is locked.
    pub failures_until_lock: u32,
    /// How long a name is locked, and after how long its failures are forgotten.
    pub lock_minutes: u32,
    /// Failures from one address until it has to wait. Many officers may share one address.
    pub failures_until_address_lock: u32,
    /// How long an address waits, and after how long its failures are forgotten.
    pub address_lock_minutes: u32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            signing_keys: None,
            issuer: "gridpatrol".to_owned(),
            access_minutes: 15,
            refresh_days: 30,
            session_days: 180,
            sessions_per_officer: 100,
            invitation_hours: 72,
            argon2_memory_kib: 19_456,
            argon2_passes: 2,
            argon2_lanes: 1,
            hashing_permits: 0,
            password_min_chars: 8,
            password_min_classes: 3,
            passwords_remembered: 5,
            failures_until_lock: 5,
            lock_minutes: 30,
            failures_until_address_lock: 60,
            address_lock_minutes: 5,
        }
    }
}

impl AuthSettings {
    /// Every setting out of its bounds, each with what is allowed.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("access_minutes", self.access_minutes, 1, 24 * 60),
            ("refresh_days", self.refresh_days, 1, 365),
            ("session_days", self.session_days, 1, 3650),
            ("sessions_per_officer", self.sessions_per_officer, 1, 1000),
            ("invitation_hours", self.invitation_hours, 1, 24 * 90),
            ("argon2_memory_kib", self.argon2_memory_kib, 8, 1 << 20),
            ("argon2_passes", self.argon2_passes, 1, 100),
            ("argon2_lanes", self.argon2_lanes, 1, 16),
            ("hashing_permits", self.hashing_permits, 0, 256),
            ("password_min_chars", self.password_min_chars, 8, 64),
            ("password_min_classes", self.password_min_classes, 1, 4),
            ("passwords_remembered", self.passwords_remembered, 0, 24),
            ("failures_until_lock", self.failures_until_lock, 2, 100),
            ("lock_minutes", self.lock_minutes, 1, 24 * 60),
            (
                "failures_until_address_lock",
                self.failures_until_address_lock,
                5,
                100_000,
            ),
            (
                "address_lock_minutes",
                self.address_lock_minutes,
                1,
                24 * 60,
            ),
        ];
        let mut faults: Vec<String> = bounds
            .into_iter()
            .filter(|(_, value, least, most)| !(least..=most).contains(&value))
            .map(|(name, value, least, most)| {
                format!("auth.{name} is {value}; it must be between {least} and {most}")
            })
            .collect();
        if self.argon2_memory_kib < 8 * self.argon2_lanes {
            faults.push("auth.argon2_memory_kib must be at least 8 × argon2_lanes".to_owned());
        }
        if self.issuer.trim().is_empty() || self.issuer.chars().count() > 200 {
            faults.push("auth.issuer must have 1 to 200 characters".to_owned());
        }
        faults
    }

    /// The rules of a password.
    #[must_use]
    pub fn password_rules(&self) -> PasswordRules {
        let wide = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        PasswordRules {
            min_chars: wide(self.password_min_chars),
            min_classes: wide(self.password_min_classes),
            remembered: wide(self.passwords_remembered),
            ..PasswordRules::default()
        }
    }

    /// When a name has to wait or is locked.
    #[must_use]
    pub fn name_limits(&self) -> Limits {
        Limits {
            failures: self.failures_until_lock,
            lock: chrono::TimeDelta::minutes(self.lock_minutes.into()),
            delays: true,
        }
    }

    /// When an address has to wait.
    #[must_use]
    pub fn address_limits(&self) -> Limits {
        Limits {
            failures: self.failures_until_address_lock,
            lock: chrono::TimeDelta::minutes(self.address_lock_minutes.into()),
            delays: false,
        }
    }

    /// How long an invitation can be accepted.
    #[must_use]
    pub fn invitation_lifetime(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::hours(self.invitation_hours.into())
    }

    /// How long an access token is good for.
    #[must_use]
    pub fn access_lifetime(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::minutes(self.access_minutes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::AuthSettings;

    #[test]
    fn the_defaults_are_within_bounds_and_each_bound_is_named() {
        assert_eq!(AuthSettings::default().faults(), Vec::<String>::new());
        let wrong = AuthSettings {
            access_minutes: 0,
            argon2_lanes: 16,
            argon2_memory_kib: 64,
            issuer: String::new(),
            ..AuthSettings::default()
        };
        assert_eq!(
            wrong.faults(),
            [
                "auth.access_minutes is 0; it must be between 1 and 1440",
                "auth.argon2_memory_kib must be at least 8 × argon2_lanes",
                "auth.issuer must have 1 to 200 characters",
            ]
        );
    }
}
