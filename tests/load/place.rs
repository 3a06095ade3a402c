//! The place for a measurement's data: a folder, and a new file or database. Deleted when dropped.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use gridpatrol_store::{Store, StoreSettings};
use uuid::Uuid;

use crate::{Fallible, Kind};

/// A place for one database and the folder of its server.
pub struct Place {
    /// The data folder.
    pub folder: PathBuf,
    /// The database, as the server takes it.
    pub url: String,
    /// The PostgreSQL server, and what the database is called there.
    remote: Option<(String, String)>,
}

impl Place {
    /// A new place within a folder.
    pub fn make(kind: &Kind, within: &Path) -> Fallible<Self> {
        let name = format!("gridpatrol_load_{}", Uuid::now_v7().simple());
        let folder = within.join(&name);
        std::fs::create_dir_all(&folder)?;
        match kind {
            Kind::Sqlite => Ok(Self {
                url: format!("sqlite://{}", folder.join("gridpatrol.db").display()),
                folder,
                remote: None,
            }),
            Kind::Postgres(server) => {
                PgConnection::establish(server)?
                    .batch_execute(&format!("CREATE DATABASE {name}"))?;
                let (address, parameters) = match server.split_once('?') {
                    Some((address, parameters)) => (address, format!("?{parameters}")),
                    None => (server.as_str(), String::new()),
                };
                let (host, _) = address
                    .rsplit_once('/')
                    .ok_or("the URL of PostgreSQL names no database")?;
                Ok(Self {
                    folder,
                    url: format!("{host}/{name}{parameters}"),
                    remote: Some((server.clone(), name)),
                })
            }
        }
    }

    /// Opens the database in this process, upgraded.
    pub fn store(&self) -> Fallible<Store> {
        let store = Store::open(&StoreSettings::new(self.url.parse()?))?;
        store.migrate()?;
        Ok(store)
    }

    /// Lets PostgreSQL learn what is in the tables, as its own housekeeping does within minutes, and
    /// SQLite bring what was filled in to its place.
    pub fn settle(&self) -> Fallible<()> {
        match self.url.strip_prefix("sqlite://") {
            None => PgConnection::establish(&self.url)?.batch_execute("VACUUM (ANALYZE)")?,
            Some(path) => SqliteConnection::establish(path)?
                .batch_execute("PRAGMA busy_timeout = 60000; PRAGMA wal_checkpoint(TRUNCATE)")?,
        }
        Ok(())
    }
}

/// Finishes what a store has to do, and closes it.
pub fn close(store: Store) -> Fallible<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(store.close());
    Ok(())
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.remote {
            let dropped = PgConnection::establish(server)
                .map_err(|error| error.to_string())
                .and_then(|mut server| {
                    server
                        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                        .map_err(|error| error.to_string())
                });
            if let Err(error) = dropped {
                eprintln!("load: the database {name} is left behind: {error}");
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("load: {} is left behind: {error}", self.folder.display());
        }
    }
}
