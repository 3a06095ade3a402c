//! How webhooks are sent: the `[webhooks]` table of the settings.

use std::time::Duration;

use serde::Deserialize;

/// The `[webhooks]` table: how webhooks are sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether an endpoint may be reached without TLS.
    pub allow_http: bool,
    /// Whether an endpoint may have a private, loopback or otherwise not public address.
    pub allow_private: bool,
    /// Seconds until a connection must stand.
    pub connect_timeout_s: u64,
    /// Seconds until an answer must be there.
    pub timeout_s: u64,
    /// Endpoints that are served at the same time.
    pub at_once: usize,
    /// Hours without any success after which an endpoint is paused.
    pub pause_after_hours: u32,
    /// Days that notices and deliveries are kept.
    pub keep_days: u32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_private: false,
            connect_timeout_s: 5,
            timeout_s: 15,
            at_once: 32,
            pause_after_hours: 72,
            keep_days: 30,
        }
    }
}

impl WebhookSettings {
    /// Until when a connection must stand.
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s)
    }

    /// Until when an answer must be there.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Every value out of its bounds.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let at_once = u64::try_from(self.at_once).unwrap_or(u64::MAX);
        [
            ("connect_timeout_s", self.connect_timeout_s, 1, 60),
            ("timeout_s", self.timeout_s, 1, 120),
            ("at_once", at_once, 1, 1024),
            ("pause_after_hours", self.pause_after_hours.into(), 1, 720),
            ("keep_days", self.keep_days.into(), 4, 366),
        ]
        .into_iter()
        .filter(|(_, value, least, most)| !(least..=most).contains(&value))
        .map(|(name, value, least, most)| {
            format!("webhooks.{name} is {value}; it must be between {least} and {most}")
        })
        .collect()
    }
}
