//! The application: builds the parts of the server, starts it and stops it.
//!
//! Owns how the features are put together, started and stopped. It must not know what any of them does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server as HttpServing, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpServer};

use crate::config::Config;
use crate::docs;
use crate::ready::Ready;
use crate::webhooks::delivery_worker::DeliveryWorker;
use crate::workers::{
    LONGEST_IMPORT, Next, Rhythm, Workers, cleanup, clock, digests, imports, renditions, webhooks,
};
use crate::{demo, openapi};
use gridpatrol_http::RequestContext;
use gridpatrol_http::cors::cors;
use gridpatrol_http::middleware::gate;
use gridpatrol_http::page::Signer;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::traffic::Traffic;
use gridpatrol_http::unmatched;
use gridpatrol_people::auth::{Auth, AuthError};
use gridpatrol_people::grids::open_reports::OpenReports;
use gridpatrol_people::imports::ImportQueue;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::PhotoService;
use gridpatrol_reports::photos::objects::ObjectsError;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_reports::services::Services;
pub use gridpatrol_store::clock::Clock;
use gridpatrol_store::{Lane, Secret, Store, StoreError, random, secrets};

/// The parts of a server. Only this module knows them all: features take what they need.
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
    /// Photos.
    pub photos: PhotoService,
    /// What commands and views of reports need.
    pub reports: Services,
    /// Files that wait to be imported.
    pub imports: ImportQueue,
    /// Sends webhooks.
    pub delivery_worker: Arc<DeliveryWorker>,
    /// Whether the background work is alive.
    pub ready: Ready,
    /// What reading a request needs.
    pub requests: Data<RequestContext>,
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
    /// The photos cannot be stored.
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
    app: Arc<App>,
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
        let (cursors, links) = (random::bytes()?, random::bytes()?);
        let now = clock.now();
        let (cursors, links) = store
            .write(Lane::Interactive, move |conn| {
                Ok((
                    secrets::shared(conn, "cursors", &cursors, now)?,
                    secrets::shared(conn, "photo_links", &links, now)?,
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
        let directory = Directory::default();
        let photos = PhotoService::open(&config.photos, &config.data_dir, &links)?;
        let delivery_worker = DeliveryWorker::new(
            &config.webhooks,
            store.clone(),
            directory.clone(),
            clock.clone(),
        )?;
        Ok(Self {
            auth,
            reports: Services {
                directory: directory.clone(),
                links: photos.links.clone(),
                wake_timer: Arc::default(),
            },
            imports: ImportQueue::default(),
            delivery_worker: Arc::new(delivery_worker),
            ready: Ready::default(),
            requests: Data::new(RequestContext {
                store: store.clone(),
                clock: clock.clone(),
                cursors: Signer::new(&cursors),
                traffic: Traffic::new(&config.traffic),
                settings: config.http.clone(),
            }),
            directory,
            photos,
            config,
            store,
            clock,
        })
    }

    /// What the clock works with.
    #[must_use]
    pub fn clock_parts(&self) -> clock::Parts {
        clock::Parts {
            store: self.store.clone(),
            directory: self.directory.clone(),
            wake_timer: Arc::clone(&self.reports.wake_timer),
        }
    }

    /// What the demonstration is made with.
    #[must_use]
    pub const fn demo_parts(&self) -> demo::Parts<'_> {
        demo::Parts {
            store: &self.store,
            clock: &self.clock,
            auth: &self.auth,
            photos: &self.photos,
            services: &self.reports,
        }
    }

    /// Starts the background workers.
    fn start_workers(&self) -> Workers {
        let mut workers = Workers::new(self.clock.clone(), self.ready.clone());
        let (store, photos) = (self.store.clone(), self.photos.clone());
        let rhythm = Rhythm::every("renditions", Duration::from_secs(5))
            .woken_by(Arc::clone(&photos.arrivals));
        workers.start(rhythm, move |now| {
            let (store, photos) = (store.clone(), photos.clone());
            async move {
                let done = renditions::run_once(&store, &photos, now).await;
                done.map(Next::from)
            }
        });
        let (store, photos) = (self.store.clone(), self.photos.clone());
        let keep_days = self.config.webhooks.keep_days;
        let rhythm = Rhythm::every("cleanup", Duration::from_secs(3600));
        workers.start(rhythm, move |now| {
            let (store, photos) = (store.clone(), photos.clone());
            async move {
                let done = cleanup::run_once(&store, &photos, keep_days, now).await;
                done.map(Next::from)
            }
        });
        let (store, directory) = (self.store.clone(), self.directory.clone());
        let (clock, queue) = (self.clock.clone(), self.imports.clone());
        let rhythm = Rhythm::every("imports", Duration::from_secs(10))
            .lasting(LONGEST_IMPORT)
            .woken_by(Arc::clone(&queue.arrivals));
        workers.start(rhythm, move |_| {
            let runner = imports::runner(&clock, &queue, &store, &directory);
            async move { imports::run_once(runner).await.map(Next::from) }
        });
        let (store, delivery_worker) = (self.store.clone(), Arc::clone(&self.delivery_worker));
        let rhythm = Rhythm::every("webhooks", Duration::from_secs(1));
        workers.start(rhythm, move |now| {
            let (store, delivery_worker) = (store.clone(), Arc::clone(&delivery_worker));
            async move {
                let begun = webhooks::run_once(&store, &delivery_worker, now).await;
                begun.map(Next::from)
            }
        });
        let (store, directory) = (self.store.clone(), self.directory.clone());
        workers.start(Rhythm::every("digests", digests::NAP), move |now| {
            let (store, directory) = (store.clone(), directory.clone());
            async move { digests::run_once(&store, &directory, now).await }
        });
        if self.config.clock.enabled {
            let (parts, failed) = (self.clock_parts(), Arc::new(clock::Failed::default()));
            let rhythm = Rhythm::every("clock", clock::NAP).woken_by(parts.wake_timer.wake());
            workers.start(rhythm, move |now| {
                let (parts, failed) = (parts.clone(), Arc::clone(&failed));
                async move { clock::run_once(&parts, &failed, now).await }
            });
        }
        workers
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
    let app = Arc::new(App::open(config, clock).await?);
    if app.config.demo {
        let given = app.config.demo_password.as_ref();
        demo::fill(
            &app.demo_parts(),
            given.map_or(demo::PASSWORD, Secret::expose),
        )
        .await?;
    }
    let document = Data::new(docs::Served::new(app.config.http.public_url.clone()));

    let (shared, http) = (app.clone(), app.config.http.clone());
    let bound = HttpServer::new(move || {
        let origins = shared.config.http.allowed_origins.as_slice();
        actix_web::App::new()
            .app_data(shared.requests.clone())
            .app_data(Data::new(shared.directory.clone()))
            .app_data(Data::new(shared.auth.clone()))
            .app_data(Data::new(shared.photos.clone()))
            .app_data(Data::new(shared.reports.clone()))
            .app_data(Data::new(shared.imports.clone()))
            .app_data(Data::from(
                Arc::new(FollowingReports) as Arc<dyn OpenReports>
            ))
            .app_data(Data::from(Arc::clone(&shared.delivery_worker)))
            .app_data(Data::new(shared.config.photos.allowed()))
            .app_data(Data::new(shared.ready.clone()))
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
    // The program decides what a signal means; the library handles none.
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
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops it: with `stop(true)`, running requests may finish within the set time.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.serving.handle()
    }

    /// Serves until it is stopped, then waits for the workers to end and finishes waiting writes.
    ///
    /// # Errors
    /// If the server fails as a whole.
    pub async fn run(self) -> std::io::Result<()> {
        let workers = self.app.start_workers();
        let served = self.serving.await;
        // An import pauses; the next start continues it.
        self.app.imports.stop();
        workers.stop().await;
        self.app.delivery_worker.stop().await;
        self.app.store.close().await;
        tracing::info!("stopped");
        served
    }
}

#[cfg(test)]
mod tests;
