//! Settings as flags and in the environment.
//!
//! Owns their names. It must not define meanings or defaults: the parent module does.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::{Config, LogFormat, Secret};

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $(#[arg($($extra:tt)+)])? $name:ident: $kind:ty = $variable:literal => $($place:ident).+ $(($wrap:ident))?;)+) => {
        /// Settings given as flags or in the environment.
        #[derive(Debug, Clone, Default, clap::Args)]
        #[command(next_help_heading = "Settings (each also in the environment and in the file)")]
        pub struct Given {
            /// A TOML file with settings.
            #[arg(long, env = "GRIDPATROL_CONFIG", hide_env_values = true, value_name = "FILE", global = true)]
            pub config: Option<PathBuf>,
            $($(#[doc = $doc])+
            #[arg(long, env = $variable, global = true, hide_env_values = true, $($($extra)+)?)]
            pub $name: Option<$kind>,)+
        }

        impl Given {
            /// Lays what was given over the settings.
            pub(super) fn lay_over(self, config: &mut Config) {
                $(if let Some(value) = self.$name {
                    config.$($place).+ = options!(@wrap value $($wrap)?);
                })+
            }
        }
    };
    (@wrap $value:ident) => { $value };
    (@wrap $value:ident $wrap:ident) => { $wrap($value) };
}

options! {
    /// Where HTTP is served [default: 127.0.0.1:8080]
    bind: SocketAddr = "GRIDPATROL_BIND" => bind;
    /// Folder of the database, the photos and the keys [default: ./data]
    data_dir: PathBuf = "GRIDPATROL_DATA_DIR" => data_dir;
    /// sqlite://PATH or postgres://… [default: gridpatrol.db in the data folder]
    database_url: Secret = "GRIDPATROL_DATABASE_URL" => database_url(Some);
    /// How log lines look [default: text]
    log_format: LogFormat = "GRIDPATROL_LOG_FORMAT" => log_format;
    /// Which log lines appear: info, or directives such as gridpatrol=debug,info [default: info]
    log_level: String = "GRIDPATROL_LOG_LEVEL" => log_level;
    /// Fill an empty database with the demonstration town
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    demo: bool = "GRIDPATROL_DEMO" => demo;
    /// Password of the demonstration accounts, required where bind is not loopback
    demo_password: Secret = "GRIDPATROL_DEMO_PASSWORD" => demo_password(Some);

    /// Threads that take requests; 0: one a processor [default: 0]
    http_workers: usize = "GRIDPATROL_HTTP_WORKERS" => http.workers;
    /// Threads of each worker for work that blocks; keep more than photos_uploads [default: 128]
    http_blocking_threads: usize = "GRIDPATROL_HTTP_BLOCKING_THREADS" => http.blocking_threads;
    /// Largest JSON body in bytes [default: 262144]
    http_body_max_bytes: usize = "GRIDPATROL_HTTP_BODY_MAX_BYTES" => http.body_max_bytes;
    /// Seconds until a JSON body must have arrived [default: 30]
    http_body_timeout_s: u64 = "GRIDPATROL_HTTP_BODY_TIMEOUT_S" => http.body_timeout_s;
    /// Seconds until the head of a request must have arrived [default: 10]
    http_head_timeout_s: u64 = "GRIDPATROL_HTTP_HEAD_TIMEOUT_S" => http.head_timeout_s;
    /// Seconds a connection may idle between requests [default: 75]
    http_keep_alive_s: u64 = "GRIDPATROL_HTTP_KEEP_ALIVE_S" => http.keep_alive_s;
    /// Connections of each worker [default: 10000]
    http_max_connections: usize = "GRIDPATROL_HTTP_MAX_CONNECTIONS" => http.max_connections;
    /// Connections that wait to be taken [default: 1024]
    http_backlog: u32 = "GRIDPATROL_HTTP_BACKLOG" => http.backlog;
    /// Seconds that a stopping server gives to what is in flight [default: 20]
    http_stop_timeout_s: u64 = "GRIDPATROL_HTTP_STOP_TIMEOUT_S" => http.stop_timeout_s;
    /// Proxies whose X-Forwarded-For is believed, separated by commas [default: none]
    #[arg(value_delimiter = ',')]
    http_trusted_proxies: Vec<IpAddr> = "GRIDPATROL_HTTP_TRUSTED_PROXIES" => http.trusted_proxies;
    /// Origins of browser applications that may call the API, separated by commas; *: any [default: none]
    #[arg(value_delimiter = ',')]
    http_allowed_origins: Vec<String> = "GRIDPATROL_HTTP_ALLOWED_ORIGINS" => http.allowed_origins;
    /// Base address named in the OpenAPI document [default: relative]
    http_public_url: String = "GRIDPATROL_HTTP_PUBLIC_URL" => http.public_url(Some);

    /// Reading connections of SQLite; 0: by the processors [default: 0]
    store_readers: usize = "GRIDPATROL_STORE_READERS" => store.readers;
    /// Connections to PostgreSQL [default: 16]
    store_connections: usize = "GRIDPATROL_STORE_CONNECTIONS" => store.connections;
    /// Writes that may wait for SQLite's writer [default: 1024]
    store_queue: usize = "GRIDPATROL_STORE_QUEUE" => store.queue;
    /// Milliseconds a request waits for a connection [default: 3000]
    store_patience_ms: u64 = "GRIDPATROL_STORE_PATIENCE_MS" => store.patience_ms;
    /// Milliseconds a statement may take on PostgreSQL [default: 15000]
    store_statement_timeout_ms: u64 = "GRIDPATROL_STORE_STATEMENT_TIMEOUT_MS" => store.statement_timeout_ms;
    /// Statements that take longer, in milliseconds, are logged [default: 100]
    store_slow_statement_ms: u64 = "GRIDPATROL_STORE_SLOW_STATEMENT_MS" => store.slow_statement_ms;

    /// PEM file with Ed25519 keys: the first signs, all are accepted [default: made at first start]
    auth_signing_keys: PathBuf = "GRIDPATROL_AUTH_SIGNING_KEYS" => auth.signing_keys(Some);
    /// iss and aud of access tokens [default: gridpatrol]
    auth_issuer: String = "GRIDPATROL_AUTH_ISSUER" => auth.issuer;
    /// Minutes an access token is good for [default: 15]
    auth_access_minutes: u32 = "GRIDPATROL_AUTH_ACCESS_MINUTES" => auth.access_minutes;
    /// Days an unused refresh token is good for [default: 30]
    auth_refresh_days: u32 = "GRIDPATROL_AUTH_REFRESH_DAYS" => auth.refresh_days;
    /// Days a session lasts at most [default: 180]
    auth_session_days: u32 = "GRIDPATROL_AUTH_SESSION_DAYS" => auth.session_days;
    /// Sessions an officer has at most [default: 100]
    auth_sessions_per_officer: u32 = "GRIDPATROL_AUTH_SESSIONS_PER_OFFICER" => auth.sessions_per_officer;
    /// Hours an invitation can be accepted [default: 72]
    auth_invitation_hours: u32 = "GRIDPATROL_AUTH_INVITATION_HOURS" => auth.invitation_hours;
    /// argon2id: memory in KiB [default: 19456]
    auth_argon2_memory_kib: u32 = "GRIDPATROL_AUTH_ARGON2_MEMORY_KIB" => auth.argon2_memory_kib;
    /// argon2id: passes [default: 2]
    auth_argon2_passes: u32 = "GRIDPATROL_AUTH_ARGON2_PASSES" => auth.argon2_passes;
    /// argon2id: lanes [default: 1]
    auth_argon2_lanes: u32 = "GRIDPATROL_AUTH_ARGON2_LANES" => auth.argon2_lanes;
    /// Passwords hashed at once; 0: one a processor [default: 0]
    auth_hashing_permits: u32 = "GRIDPATROL_AUTH_HASHING_PERMITS" => auth.hashing_permits;
    /// Fewest characters of a password [default: 8]
    auth_password_min_chars: u32 = "GRIDPATROL_AUTH_PASSWORD_MIN_CHARS" => auth.password_min_chars;
    /// Classes of characters a password must have, of four [default: 3]
    auth_password_min_classes: u32 = "GRIDPATROL_AUTH_PASSWORD_MIN_CLASSES" => auth.password_min_classes;
    /// Former passwords that must not come back [default: 5]
    auth_passwords_remembered: u32 = "GRIDPATROL_AUTH_PASSWORDS_REMEMBERED" => auth.passwords_remembered;
    /// Failures of one name until it is locked [default: 5]
    auth_failures_until_lock: u32 = "GRIDPATROL_AUTH_FAILURES_UNTIL_LOCK" => auth.failures_until_lock;
    /// Minutes a name is locked [default: 30]
    auth_lock_minutes: u32 = "GRIDPATROL_AUTH_LOCK_MINUTES" => auth.lock_minutes;
    /// Failures from one address until it waits [default: 60]
    auth_failures_until_address_lock: u32 = "GRIDPATROL_AUTH_FAILURES_UNTIL_ADDRESS_LOCK" => auth.failures_until_address_lock;
    /// Minutes an address waits [default: 5]
    auth_address_lock_minutes: u32 = "GRIDPATROL_AUTH_ADDRESS_LOCK_MINUTES" => auth.address_lock_minutes;

    /// Largest photo in bytes [default: 31457280]
    photos_max_bytes: u64 = "GRIDPATROL_PHOTOS_MAX_BYTES" => photos.max_bytes;
    /// Most pixels of a photo [default: 40000000]
    photos_max_pixels: u64 = "GRIDPATROL_PHOTOS_MAX_PIXELS" => photos.max_pixels;
    /// Seconds until a photo must have arrived [default: 300]
    photos_upload_timeout_s: u64 = "GRIDPATROL_PHOTOS_UPLOAD_TIMEOUT_S" => photos.upload_timeout_s;
    /// Photos that may arrive at the same time [default: 64]
    photos_uploads: usize = "GRIDPATROL_PHOTOS_UPLOADS" => photos.uploads;
    /// Photos scaled down at the same time; 0: one processor fewer than there are [default: 0]
    photos_workers: usize = "GRIDPATROL_PHOTOS_WORKERS" => photos.workers;
    /// Bucket of an S3-compatible store [default: a folder in the data folder]
    photos_s3_bucket: String = "GRIDPATROL_PHOTOS_S3_BUCKET" => photos.s3_bucket(Some);
    /// Address of that store [default: Amazon's]
    photos_s3_endpoint: String = "GRIDPATROL_PHOTOS_S3_ENDPOINT" => photos.s3_endpoint(Some);
    /// Region of that store
    photos_s3_region: String = "GRIDPATROL_PHOTOS_S3_REGION" => photos.s3_region(Some);
    /// Name of the key to that store [default: AWS_… variables]
    photos_s3_access_key_id: String = "GRIDPATROL_PHOTOS_S3_ACCESS_KEY_ID" => photos.s3_access_key_id(Some);
    /// Key to that store
    photos_s3_secret_access_key: Secret = "GRIDPATROL_PHOTOS_S3_SECRET_ACCESS_KEY" => photos.s3_secret_access_key(Some);

    /// Sign-ins and renewals a minute from one address; 0: no limit [default: 300]
    traffic_sign_in_per_minute: u32 = "GRIDPATROL_TRAFFIC_SIGN_IN_PER_MINUTE" => traffic.sign_in_per_minute;
    /// Sign-ins and renewals at once, after a while without any [default: 600]
    traffic_sign_in_burst: u32 = "GRIDPATROL_TRAFFIC_SIGN_IN_BURST" => traffic.sign_in_burst;
    /// Filings and actions a minute of one officer; 0: no limit [default: 120]
    traffic_filing_per_minute: u32 = "GRIDPATROL_TRAFFIC_FILING_PER_MINUTE" => traffic.filing_per_minute;
    /// Filings and actions at once, after a while without any [default: 600]
    traffic_filing_burst: u32 = "GRIDPATROL_TRAFFIC_FILING_BURST" => traffic.filing_burst;
    /// Reads a minute of one officer; 0: no limit [default: 600]
    traffic_reads_per_minute: u32 = "GRIDPATROL_TRAFFIC_READS_PER_MINUTE" => traffic.reads_per_minute;
    /// Reads at once, after a while without any [default: 1200]
    traffic_reads_burst: u32 = "GRIDPATROL_TRAFFIC_READS_BURST" => traffic.reads_burst;
    /// Lists and searches a minute of one officer; 0: no limit [default: 240]
    traffic_lists_per_minute: u32 = "GRIDPATROL_TRAFFIC_LISTS_PER_MINUTE" => traffic.lists_per_minute;
    /// Lists and searches at once, after a while without any [default: 480]
    traffic_lists_burst: u32 = "GRIDPATROL_TRAFFIC_LISTS_BURST" => traffic.lists_burst;
    /// Photos a minute of one officer; 0: no limit [default: 240]
    traffic_photos_per_minute: u32 = "GRIDPATROL_TRAFFIC_PHOTOS_PER_MINUTE" => traffic.photos_per_minute;
    /// Photos at once, after a while without any [default: 2000]
    traffic_photos_burst: u32 = "GRIDPATROL_TRAFFIC_PHOTOS_BURST" => traffic.photos_burst;
    /// Pictures loaded a minute from one address; 0: no limit [default: 3000]
    traffic_pictures_per_minute: u32 = "GRIDPATROL_TRAFFIC_PICTURES_PER_MINUTE" => traffic.pictures_per_minute;
    /// Pictures at once, after a while without any [default: 6000]
    traffic_pictures_burst: u32 = "GRIDPATROL_TRAFFIC_PICTURES_BURST" => traffic.pictures_burst;
    /// Changes of grids, officers, accounts and settings a minute of one officer; 0: no limit [default: 120]
    traffic_administration_per_minute: u32 = "GRIDPATROL_TRAFFIC_ADMINISTRATION_PER_MINUTE" => traffic.administration_per_minute;
    /// Such changes at once, after a while without any [default: 240]
    traffic_administration_burst: u32 = "GRIDPATROL_TRAFFIC_ADMINISTRATION_BURST" => traffic.administration_burst;
    /// Seconds until a read or a list must be answered [default: 30]
    traffic_read_timeout_s: u64 = "GRIDPATROL_TRAFFIC_READ_TIMEOUT_S" => traffic.read_timeout_s;

    /// Whether this process lets due steps lapse; at least one process of a database must [default: true]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    clock_enabled: bool = "GRIDPATROL_CLOCK_ENABLED" => clock.enabled;
    /// Let webhooks go without TLS
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    webhooks_allow_http: bool = "GRIDPATROL_WEBHOOKS_ALLOW_HTTP" => webhooks.allow_http;
    /// Let webhooks go to private and loopback addresses
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    webhooks_allow_private: bool = "GRIDPATROL_WEBHOOKS_ALLOW_PRIVATE" => webhooks.allow_private;
    /// Seconds until the connection of a webhook must stand [default: 5]
    webhooks_connect_timeout_s: u64 = "GRIDPATROL_WEBHOOKS_CONNECT_TIMEOUT_S" => webhooks.connect_timeout_s;
    /// Seconds until a webhook must be answered [default: 15]
    webhooks_timeout_s: u64 = "GRIDPATROL_WEBHOOKS_TIMEOUT_S" => webhooks.timeout_s;
    /// Webhooks that are served at the same time [default: 32]
    webhooks_at_once: usize = "GRIDPATROL_WEBHOOKS_AT_ONCE" => webhooks.at_once;
    /// Hours without any success after which a webhook is paused [default: 72]
    webhooks_pause_after_hours: u32 = "GRIDPATROL_WEBHOOKS_PAUSE_AFTER_HOURS" => webhooks.pause_after_hours;
    /// Days that notices and deliveries of webhooks are kept [default: 30]
    webhooks_keep_days: u32 = "GRIDPATROL_WEBHOOKS_KEEP_DAYS" => webhooks.keep_days;
}
