//! Settings: flags, then environment, then a TOML file, then defaults.
//!
//! Owns the list of settings, their defaults and bounds. Each setting is a flag (`--photos-max-bytes`),
//! an environment variable (`GRIDPATROL_PHOTOS_MAX_BYTES`) and a key in the file (`max_bytes` in
//! `[photos]`). It must not start anything.

mod given;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use std::time::Duration;

use serde::Deserialize;

pub use given::Given;

use crate::telemetry;
use crate::webhooks::settings::WebhookSettings;
use gridpatrol_http::cors::is_origin;
use gridpatrol_http::settings::HttpSettings;
use gridpatrol_http::traffic::TrafficSettings;
use gridpatrol_people::auth::common_passwords;
use gridpatrol_people::auth::settings::AuthSettings;
use gridpatrol_reports::photos::settings::PhotoLimits;
use gridpatrol_store::{DatabaseUrl, Secret, StoreSettings};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file has an unknown key or a value of the wrong type, or is not TOML.
    #[error("the settings file {path}: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
    /// Values out of their bounds, or that contradict each other.
    #[error("settings: {}", .0.join("; "))]
    Refused(Vec<String>),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where HTTP is served. Port 0 takes a free one.
    pub bind: SocketAddr,
    /// Holds the database, the photos and the keys of a server without other stores.
    pub data_dir: PathBuf,
    /// `sqlite://PATH` or `postgres://…`; absent: `gridpatrol.db` in the data folder.
    pub database_url: Option<Secret>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines appear: `info`, or directives such as `gridpatrol=debug,info`.
    pub log_level: String,
    /// Fills an empty database with the demonstration town.
    pub demo: bool,
    /// The password of the demonstration accounts.
    pub demo_password: Option<Secret>,
    /// How requests are taken.
    pub http: HttpSettings,
    /// How the database is used.
    pub store: StoreLimits,
    /// Sign-in.
    pub auth: AuthSettings,
    /// What photos may be.
    pub photos: PhotoLimits,
    /// How much callers may ask.
    pub traffic: TrafficSettings,
    /// The clock.
    pub clock: ClockSettings,
    /// How webhooks are sent.
    pub webhooks: WebhookSettings,
}

/// The `[clock]` table: what happens to reports that nobody acts on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSettings {
    /// Whether this process lets due steps lapse. At least one process of a database must.
    pub enabled: bool,
}

impl Default for ClockSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// The `[store]` table: how the database is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreLimits {
    /// Reading connections of SQLite; 0: by the processors.
    pub readers: usize,
    /// Connections to PostgreSQL.
    pub connections: usize,
    /// Writes that may wait for SQLite's writer; beyond that, 503.
    pub queue: usize,
    /// Milliseconds a request waits for a connection; beyond that, 503.
    pub patience_ms: u64,
    /// Milliseconds a statement may take on PostgreSQL.
    pub statement_timeout_ms: u64,
    /// Statements that take longer, in milliseconds, are logged.
    pub slow_statement_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: "./data".into(),
            database_url: None,
            log_format: LogFormat::Text,
            log_level: "info".into(),
            demo: false,
            demo_password: None,
            http: HttpSettings::default(),
            store: StoreLimits::default(),
            auth: AuthSettings::default(),
            photos: PhotoLimits::default(),
            traffic: TrafficSettings::default(),
            clock: ClockSettings::default(),
            webhooks: WebhookSettings::default(),
        }
    }
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            readers: 0,
            connections: 16,
            queue: 1024,
            patience_ms: 3_000,
            statement_timeout_ms: 15_000,
            slow_statement_ms: 100,
        }
    }
}

impl Config {
    /// The settings: what was given, over the file, over the defaults.
    ///
    /// # Errors
    /// If the file cannot be read or understood, or a value is out of its bounds.
    pub fn load(given: Given) -> Result<Self, ConfigError> {
        let mut config = match &given.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        given.lay_over(&mut config);
        let faults = config.faults();
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Refused(faults))
        }
    }

    /// Which database, as the store takes it.
    #[must_use]
    pub fn store_settings(&self) -> StoreSettings {
        let store = &self.store;
        let mut settings = StoreSettings::new(self.database());
        if store.readers > 0 {
            settings.readers = store.readers;
        }
        settings.connections = store.connections;
        settings.queue = store.queue;
        settings.patience = Duration::from_millis(store.patience_ms);
        settings.statement_timeout = Duration::from_millis(store.statement_timeout_ms);
        settings.slow_statement = Duration::from_millis(store.slow_statement_ms);
        settings
    }

    /// Where the data is. A URL that cannot be read was refused when the settings were loaded.
    #[must_use]
    pub fn database(&self) -> DatabaseUrl {
        self.database_url
            .as_ref()
            .and_then(|url| url.expose().parse().ok())
            .unwrap_or_else(|| DatabaseUrl::Sqlite(self.data_dir.join("gridpatrol.db")))
    }

    /// Makes the data folder. Nobody else may read it.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn make_data_dir(&self) -> std::io::Result<()> {
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.data_dir)
    }

    /// Every value that cannot be used, with what can.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let http = &self.http;
        let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let bounds = [
            ("http.workers", wide(http.workers), 0, 1024),
            (
                "http.blocking_threads",
                wide(http.blocking_threads),
                1,
                1024,
            ),
            (
                "http.body_max_bytes",
                wide(http.body_max_bytes),
                1024,
                64 << 20,
            ),
            ("http.body_timeout_s", http.body_timeout_s, 1, 3600),
            ("http.head_timeout_s", http.head_timeout_s, 1, 3600),
            ("http.keep_alive_s", http.keep_alive_s, 1, 3600),
            (
                "http.max_connections",
                wide(http.max_connections),
                1,
                1_000_000,
            ),
            ("http.backlog", http.backlog.into(), 1, 65_535),
            ("http.stop_timeout_s", http.stop_timeout_s, 1, 3600),
            ("store.readers", wide(self.store.readers), 0, 256),
            ("store.connections", wide(self.store.connections), 1, 1024),
            ("store.queue", wide(self.store.queue), 1, 1 << 20),
            ("store.patience_ms", self.store.patience_ms, 1, 600_000),
            (
                "store.statement_timeout_ms",
                self.store.statement_timeout_ms,
                100,
                3_600_000,
            ),
            (
                "store.slow_statement_ms",
                self.store.slow_statement_ms,
                1,
                3_600_000,
            ),
            ("photos.max_bytes", self.photos.max_bytes, 1024, 1 << 30),
            (
                "photos.max_pixels",
                self.photos.max_pixels,
                1_000_000,
                400_000_000,
            ),
            (
                "photos.upload_timeout_s",
                self.photos.upload_timeout_s,
                1,
                3600,
            ),
            ("photos.uploads", wide(self.photos.uploads), 1, 100_000),
            ("photos.workers", wide(self.photos.workers), 0, 256),
        ];
        let mut faults: Vec<String> = bounds
            .into_iter()
            .filter(|(_, value, least, most)| !(least..=most).contains(&value))
            .map(|(name, value, least, most)| {
                format!("{name} is {value}; it must be between {least} and {most}")
            })
            .collect();
        if self.demo && !self.bind.ip().is_loopback() && self.demo_password.is_none() {
            faults.push(
                "demo on a bind that is not loopback needs a demo_password: everybody knows the usual one"
                    .into(),
            );
        }
        if let Some(password) = self.demo_password.as_ref().map(Secret::expose) {
            // Of everybody's names, the one that people would take.
            let rules = self.auth.password_rules();
            let wrong = common_passwords::faults(&rules, password, "admin");
            faults.extend(wrong.iter().map(|fault| format!("demo_password: {fault}")));
        }
        for origin in &http.allowed_origins {
            if !is_origin(origin) {
                faults.push(format!(
                    "http.allowed_origins: {origin:?} is no origin, such as https://board.example.org"
                ));
            }
        }
        if let Some(url) = &self.database_url
            && let Err(error) = url.expose().parse::<DatabaseUrl>()
        {
            faults.push(format!("database_url: {error}"));
        }
        if let Err(error) = telemetry::filter(&self.log_level) {
            faults.push(format!("log_level: {error}"));
        }
        faults.extend(self.auth.faults());
        faults.extend(self.traffic.faults());
        faults.extend(self.webhooks.faults());
        faults
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|reason| ConfigError::Malformed {
            path: path.to_owned(),
            reason,
        })
    }

    /// The text of a file. Errors name the line, never its content, which may be a secret.
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        given: Given,
    }

    fn given(arguments: &[&str]) -> Given {
        let arguments = std::iter::once("gridpatrol").chain(arguments.iter().copied());
        Program::try_parse_from(arguments).unwrap().given
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let mut config = Config::parse(
            "bind = '0.0.0.0:9000'\n[photos]\nmax_bytes = 5000\n[auth]\naccess_minutes = 5\n",
        )
        .unwrap();
        given(&["--bind", "127.0.0.1:0", "--auth-access-minutes=7"]).lay_over(&mut config);
        assert_eq!(config.bind.to_string(), "127.0.0.1:0");
        assert_eq!(config.auth.access_minutes, 7);
        assert_eq!(config.photos.max_bytes, 5000);
        assert_eq!(config.photos.max_pixels, 40_000_000);
    }

    #[test]
    fn every_option_is_declared_for_the_environment_under_its_own_name() {
        use clap::CommandFactory;
        for option in Program::command().get_arguments() {
            let (Some(long), Some(variable)) = (option.get_long(), option.get_env()) else {
                continue;
            };
            let expected = format!("GRIDPATROL_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(variable.to_str().unwrap(), expected);
        }
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line_and_without_their_value() {
        let reason = Config::parse("bind = '127.0.0.1:1'\npasword = 'hush'\n").unwrap_err();
        assert!(
            reason.starts_with("line 2: unknown field `pasword`"),
            "{reason}"
        );
        assert!(!reason.contains("hush"));
        assert!(Config::parse("[auth]\ntypo = 1\n").is_err());
    }

    #[test]
    fn the_defaults_are_within_bounds_and_a_public_demo_needs_a_password() {
        assert!(Config::default().faults().is_empty());
        let mut config = Config {
            demo: true,
            bind: "0.0.0.0:8080".parse().unwrap(),
            ..Config::default()
        };
        assert_eq!(config.faults().len(), 1);
        config.demo_password = "Of our own 42".parse().ok();
        assert_eq!(config.faults(), Vec::<String>::new());
        assert!(!format!("{config:?}").contains("our own"));
        config.demo_password = "Password1".parse().ok();
        assert_eq!(config.faults().len(), 1);
    }

    #[test]
    fn a_flag_may_stand_without_a_value() {
        let mut config = Config::default();
        given(&["--demo", "--http-trusted-proxies=10.0.0.1,::1"]).lay_over(&mut config);
        assert!(config.demo);
        assert_eq!(config.http.trusted_proxies.len(), 2);
    }
}
