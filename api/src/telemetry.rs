//! Logs: one line for each event, for people or for machines, on standard error.
//!
//! Owns the form of logs. They must not hold secrets: no module logs credentials, passwords or tokens,
//! paths are logged without their query string (which signed links use), and secret settings print as
//! `…`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Config, LogFormat};

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level cannot be understood.
    #[error("log_level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else has set up logs in this process.
    #[error("logs are set up already: {0}")]
    Taken(#[from] TryInitError),
}

/// Reads a level: `info`, or directives such as `gridpatrol=debug,info`.
///
/// # Errors
/// If it cannot be understood.
pub fn filter(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    // Our own messages already tell when the framework starts and stops.
    EnvFilter::builder().parse(format!("actix_server=warn,{level}"))
}

/// Starts logging as the settings say. Panics are logged as well, wherever they happen.
///
/// # Errors
/// If the level cannot be understood, or logs are set up already.
pub fn start(config: &Config) -> Result<(), TelemetryError> {
    let filter = filter(&config.log_level)?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.log_format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init()?,
        LogFormat::Text => registry
            .with(
                fmt::layer()
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init()?,
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(
            place,
            message = panic.payload_as_str().unwrap_or_default(),
            "panic"
        );
    }));
    Ok(())
}
