//! A server for one test, with its own database that holds two towns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol::app::{self, App, Clock};
use gridpatrol::config::Config;
use gridpatrol_domain::officer::Role;
use gridpatrol_people::officers::commands::{self, NewPosting};
use gridpatrol_store::schema::officers;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Lane, Outcome};
use uuid::Uuid;

use super::client::Client;
use super::database::{Database, Kind};
use super::towns::{self, Town};

/// A running server and what stands around it. A cheap handle.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    app: Arc<App>,
    clock: Clock,
    base: String,
    http: reqwest::Client,
    here: Town,
    beside: Town,
    officers: HashMap<String, Uuid>,
    handle: actix_web::dev::ServerHandle,
    serving: Mutex<Option<tokio::task::JoinHandle<std::io::Result<()>>>>,
    _folder: Folder,
    // Gone after the server.
    database: Database,
    _template: Arc<Database>,
}

/// A folder that is gone when dropped.
pub struct Folder(pub std::path::PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gridpatrol_{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A small server: many of them run at the same time.
pub fn settings(database: &Database, folder: &Folder) -> Config {
    let mut config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.0.clone(),
        database_url: Some(database.url.parse().expect("a URL")),
        ..Config::default()
    };
    config.http.workers = 1;
    config.http.blocking_threads = 8;
    config.store.readers = 2;
    config.store.connections = 6;
    config.photos.workers = 1;
    // Tests say when what is due happens: `World::tick`.
    config.clock.enabled = false;
    // Receivers of tests are on this machine.
    config.webhooks.allow_http = true;
    config.webhooks.allow_private = true;
    config.webhooks.connect_timeout_s = 1;
    config.webhooks.timeout_s = 2;
    // One officer does in seconds what officers do in months.
    config.traffic = config.traffic.without_rates();
    // Hashing is not what is tested here.
    config.auth.argon2_memory_kib = 8;
    config.auth.argon2_passes = 1;
    config
}

/// The migrated database with both towns, made once and copied for each test; it lives as long as
/// one of them.
pub async fn template(kind: Kind) -> Arc<Database> {
    static MADE: [Mutex<Weak<Database>>; 2] = [
        const { Mutex::new(Weak::new()) },
        const { Mutex::new(Weak::new()) },
    ];
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _making = MAKING.lock().await;
    let slot = &MADE[usize::from(kind == Kind::Postgres)];
    if let Some(made) = slot.lock().unwrap().upgrade() {
        return made;
    }
    let database = Database::fresh(kind);
    let folder = Folder::new();
    let app = App::open(settings(&database, &folder), Clock::system())
        .await
        .expect("the template");
    towns::make(&app).await;
    app.store.close().await;
    drop(app);
    let made = Arc::new(database);
    *slot.lock().unwrap() = Arc::downgrade(&made);
    made
}

impl World {
    /// Starts a server.
    pub async fn start(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        let template = template(kind).await;
        let database = Database::copy_of(&template);
        let folder = Folder::new();
        let mut config = settings(&database, &folder);
        change(&mut config);
        let clock = Clock::adjustable();
        let server = app::build_at(config, clock.clone())
            .await
            .expect("a server");
        let base = format!("http://{}", server.address());
        let (app, handle) = (server.app().clone(), server.handle());
        let serving = tokio::spawn(server.run());
        let (here, beside, officers) = towns::read(&app).await;
        Self {
            inner: Arc::new(Inner {
                app,
                clock,
                base,
                http: reqwest::Client::builder()
                    .no_proxy()
                    // Nothing here is sent by TLS: no need to read what the system trusts.
                    .tls_certs_only([])
                    .build()
                    .expect("an HTTP client"),
                here,
                beside,
                officers,
                handle,
                serving: Mutex::new(Some(serving)),
                _folder: folder,
                database,
                _template: template,
            }),
        }
    }

    /// Stops the server and waits until it has stopped.
    pub async fn stop(&self) {
        let serving = self.inner.serving.lock().unwrap().take();
        if let Some(serving) = serving {
            // Every request is answered. A graceful stop would wait a second for our idle connections.
            self.inner.handle.stop(false).await;
            serving
                .await
                .expect("the server's task")
                .expect("the server");
        }
    }

    /// The application behind the server.
    pub fn app(&self) -> &Arc<App> {
        &self.inner.app
    }

    /// The first town, where the stories happen.
    pub fn here(&self) -> &Town {
        &self.inner.here
    }

    /// The second town, which sees none of it.
    pub fn beside(&self) -> &Town {
        &self.inner.beside
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// The server's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// Moves the server's time forward.
    pub fn advance(&self, by: TimeDelta) {
        self.inner.clock.advance(by);
    }

    /// Waits until it is day in China: no quiet hours, whenever the test runs.
    pub fn noon(&self) {
        let minute = (self.now().timestamp() / 60 + 8 * 60).rem_euclid(24 * 60);
        self.advance(TimeDelta::minutes((12 * 60 - minute).rem_euclid(24 * 60)));
    }

    /// Lets happen what is due by now.
    pub async fn tick(&self) {
        gridpatrol::workers::clock::run_through(&self.app().clock_parts(), self.now())
            .await
            .expect("the clock");
    }

    /// Writes the digests that are due by now.
    pub async fn gather_digests(&self) {
        let (store, directory) = (&self.app().store, &self.app().directory);
        let round = || gridpatrol::workers::digests::run_once(store, directory, self.now());
        while round().await.expect("digests") == gridpatrol::workers::Next::Again {}
    }

    /// An officer's id.
    pub fn officer(&self, username: &str) -> Uuid {
        *self
            .inner
            .officers
            .get(username)
            .unwrap_or_else(|| panic!("no {username}"))
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Client {
        Client::new(self.inner.http.clone(), self.inner.base.clone())
    }

    /// Signs an officer in.
    pub async fn sign_in(&self, username: &str) -> Client {
        self.stranger().signed_in(username, towns::PASSWORD).await
    }

    /// The leader of a group of the first town.
    pub async fn leader(&self, village: u8, group: u8) -> Client {
        self.sign_in(&format!("group_{village}_{group}")).await
    }

    /// The secretary of a village of the first town.
    pub async fn secretary(&self, village: u8) -> Client {
        self.sign_in(&format!("secretary_{village}")).await
    }

    /// The other officer of a village of the first town.
    pub async fn village_officer(&self, village: u8) -> Client {
        self.sign_in(&format!("village_officer_{village}")).await
    }

    /// An officer of the first town's office.
    pub async fn town_officer(&self) -> Client {
        self.sign_in("town_officer").await
    }

    /// The leader of the first town.
    pub async fn town_leader(&self) -> Client {
        self.sign_in("town_leader").await
    }

    /// Changes the database behind the server's back, for what no operation does yet.
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> T {
        self.inner
            .app
            .store
            .write(Lane::Interactive, work)
            .await
            .expect("a change")
    }

    /// Looks into the database.
    pub async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> T {
        self.inner.app.store.read(work).await.expect("a look")
    }

    /// Ends every posting of an officer, as of now.
    pub async fn dismiss(&self, username: &str) {
        let (officer, now) = (self.officer(username), self.now());
        self.change(move |conn| towns::end_postings(conn, officer, now))
            .await;
    }

    /// Lets an officer stand in for another, for a day from now.
    pub async fn stand_in(&self, deputy: &str, absent: &str) {
        let (deputy, absent, now) = (self.officer(deputy), self.officer(absent), self.now());
        self.change(move |conn| towns::add_deputy(conn, absent, deputy, now))
            .await;
    }

    /// Disables an account.
    pub async fn disable(&self, username: &str) {
        let (officer, now) = (self.officer(username), self.now());
        self.change(move |conn| towns::disable(conn, officer, now))
            .await;
    }

    /// Posts an officer, as of now.
    pub async fn post(&self, username: &str, role: Role, grid_id: Uuid) {
        let (officer, now) = (self.officer(username), self.now());
        let posting = NewPosting {
            role,
            grid_id,
            from: now,
            to: None,
        };
        self.change(move |conn| commands::add_posting(conn, officer, posting, None, now))
            .await;
    }

    /// Makes an officer change the password first.
    pub async fn must_change_password(&self, username: &str) {
        let officer = self.officer(username);
        self.change(move |conn| {
            diesel::update(officers::table.find(Id(officer)))
                .set(officers::must_change_password.eq(true))
                .execute(conn)?;
            Ok(())
        })
        .await;
    }
}
