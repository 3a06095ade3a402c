//! The application: what every request can reach, and the server around it.
//!
//! Owns how the rooms are put together, started and stopped. It must not know what any of them does.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{Server as HttpServing, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpServer};

use crate::auth::tickets::Tickets;
use crate::auth::{Auth, AuthError, random};
pub use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::demo;
use crate::docs;
use crate::grids::directory::Directory;
use crate::http::cors::cors;
use crate::http::middleware::gate;
use crate::http::page::Signer;
use crate::http::service_config::ServiceConfig;
use crate::http::unmatched;
use crate::imports;
use crate::openapi;
use crate::photos::Gallery;
use crate::photos::objects::ObjectsError;
use crate::problem::Problem;
use crate::ready::Ready;
use crate::store::{Lane, Store, StoreError, secrets};
use crate::traffic::Traffic;
use crate::webhooks::courier::Courier;
use crate::workers::Workers;
use crate::workers::alarm::Alarm;

/// What every request can reach.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Sign-in.
    pub auth: Auth,
    /// Grids and officers of the towns.
    pub directory: Directory,
    /// Signs the cursors of lists.
    pub cursors: Signer,
    /// Signs tickets.
    pub tickets: Tickets,
    /// Photos.
    pub gallery: Gallery,
    /// Files that wait to be imported.
    pub imports: imports::Desk,
    /// How much callers may ask.
    pub traffic: Traffic,
    /// Sends webhooks.
    pub courier: Courier,
    /// Ends the clock's rest.
    pub alarm: Alarm,
    /// Whether the background work is alive.
    pub ready: Ready,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be made: {source}")]
    DataFolder {
        /// Which folder.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database cannot be opened or upgraded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database refuses its first work.
    #[error("the database cannot be prepared: {0}")]
    Prepare(#[from] Problem),
    /// Sign-in cannot be made ready.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The photos cannot be kept.
    #[error(transparent)]
    Photos(#[from] ObjectsError),
    /// The system gives no random numbers.
    #[error("no randomness: {0}")]
    Randomness(#[from] random::NoRandomness),
    /// What sends webhooks cannot be made ready.
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(#[from] reqwest::Error),
    /// The address is taken or not ours.
    #[error("{address} cannot be served: {source}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A part of the start was lost.
    #[error("the start was interrupted")]
    Interrupted,
}

/// A server that takes requests once it runs.
pub struct Server {
    app: Data<App>,
    serving: HttpServing,
    address: SocketAddr,
}

impl App {
    /// Opens and upgrades what the settings name, without serving it.
    ///
    /// # Errors
    /// If a part cannot be opened.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        let store = open_store(&config)?;
        let migrating = store.clone();
        let applied = tokio::task::spawn_blocking(move || migrating.migrate())
            .await
            .map_err(|_| StartError::Interrupted)??;
        if !applied.is_empty() {
            tracing::info!(migrations = applied.join(", "), "the database was upgraded");
        }
        let (cursors, links, tickets) = (random::bytes()?, random::bytes()?, random::bytes()?);
        let now = clock.now();
        let (cursors, links, tickets) = store
            .write(Lane::Interactive, move |conn| {
                Ok((
                    secrets::shared(conn, "cursors", &cursors, now)?,
                    secrets::shared(conn, "photo_links", &links, now)?,
                    secrets::shared(conn, "tickets", &tickets, now)?,
                ))
            })
            .await?;
        let auth = Auth::open(
            config.auth.clone(),
            &config.database(),
            &config.data_dir,
            &store,
            now,
        )
        .await?;
        Ok(Self {
            auth,
            directory: Directory::default(),
            cursors: Signer::new(&cursors),
            tickets: Tickets::new(&tickets),
            gallery: Gallery::open(&config.photos, &config.data_dir, &links)?,
            imports: imports::Desk::default(),
            ready: Ready::default(),
            traffic: Traffic::new(&config.traffic),
            courier: Courier::new(&config.webhooks)?,
            alarm: Alarm::default(),
            config,
            store,
            clock,
        })
    }
}

/// Opens the database, without upgrading it.
///
/// # Errors
/// If its folder cannot be made, or the store not opened.
pub fn open_store(config: &Config) -> Result<Store, StartError> {
    config
        .make_data_dir()
        .map_err(|source| StartError::DataFolder {
            path: config.data_dir.clone(),
            source,
        })?;
    Ok(Store::open(&config.store_settings())?)
}

/// Opens everything and binds the address; the server serves once it runs.
///
/// # Errors
/// If a part cannot be opened, or the address not bound.
pub async fn build(config: Config) -> Result<Server, StartError> {
    build_at(config, Clock::system()).await
}

/// As [`build`], with a clock of the caller's.
///
/// # Errors
/// As [`build`].
pub async fn build_at(config: Config, clock: Clock) -> Result<Server, StartError> {
    let app = Data::new(App::open(config, clock).await?);
    if app.config.demo {
        let given = app.config.demo_password.as_ref();
        demo::fill(&app, given.map_or(demo::PASSWORD, Secret::expose)).await?;
    }
    let document = Data::new(docs::Served::new(app.config.http.public_url.clone()));

    let (shared, http) = (app.clone(), app.config.http.clone());
    let bound = HttpServer::new(move || {
        let origins = shared.config.http.allowed_origins.as_slice();
        actix_web::App::new()
            .app_data(shared.clone())
            .app_data(document.clone())
            .configure(|config| openapi::rooms(&mut ServiceConfig::Serve(config)))
            .default_service(web::to(|request: HttpRequest| async move {
                unmatched::refuse(docs::ROUTES, &request)
            }))
            .wrap(cors(origins))
            .wrap(from_fn(gate))
    })
    .workers(match http.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    })
    .worker_max_blocking_threads(http.blocking_threads)
    .max_connections(http.max_connections)
    .backlog(http.backlog)
    .keep_alive(Duration::from_secs(http.keep_alive_s))
    .client_request_timeout(Duration::from_secs(http.head_timeout_s))
    .client_disconnect_timeout(Duration::from_secs(5))
    .shutdown_timeout(http.stop_timeout_s)
    // The program decides what a signal means; as a library, we take none.
    .disable_signals()
    .bind(app.config.bind)
    .map_err(|source| StartError::Bind {
        address: app.config.bind,
        source,
    })?;
    let address = bound.addrs().first().copied().unwrap_or(app.config.bind);
    tracing::info!(%address, "serving");
    Ok(Server {
        app,
        serving: bound.run(),
        address,
    })
}

impl Server {
    /// Where it serves; the port is the real one.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The application it serves.
    #[must_use]
    pub const fn app(&self) -> &Data<App> {
        &self.app
    }

    /// Stops it: `stop(true)` lets what is in flight finish within the set time.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.serving.handle()
    }

    /// Serves until it is stopped, then lets the workers end and finishes the writes that wait.
    ///
    /// # Errors
    /// If the server fails as a whole.
    pub async fn run(self) -> std::io::Result<()> {
        let workers = Workers::start(&self.app);
        let served = self.serving.await;
        workers.stop().await;
        self.app.store.close().await;
        tracing::info!("stopped");
        served
    }
}

#[cfg(test)]
mod tests;
