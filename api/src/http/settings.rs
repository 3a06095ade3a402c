//! The `[http]` table of the settings file.

use std::net::IpAddr;

use serde::Deserialize;

/// The `[http]` table: how requests are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Threads that take requests; 0: one a processor.
    pub workers: usize,
    /// Threads of each worker for work that blocks.
    pub blocking_threads: usize,
    /// Largest JSON body in bytes.
    pub body_max_bytes: usize,
    /// Seconds until a JSON body must have arrived.
    pub body_timeout_s: u64,
    /// Seconds until the head of a request must have arrived.
    pub head_timeout_s: u64,
    /// Seconds a connection may idle between requests.
    pub keep_alive_s: u64,
    /// Connections of each worker.
    pub max_connections: usize,
    /// Connections that wait to be taken.
    pub backlog: u32,
    /// Seconds that a stopping server gives to what is in flight.
    pub stop_timeout_s: u64,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins of browser applications that may call the API, such as `https://board.example.org`;
    /// `*`: any.
    pub allowed_origins: Vec<String>,
    /// Base address named in the OpenAPI document, such as `https://patrol.example.org`.
    pub public_url: Option<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            blocking_threads: 128,
            body_max_bytes: 256 * 1024,
            body_timeout_s: 30,
            head_timeout_s: 10,
            keep_alive_s: 75,
            max_connections: 10_000,
            backlog: 1024,
            stop_timeout_s: 20,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            public_url: None,
        }
    }
}
