//! A new database for one test: a SQLite file, or a database on the PostgreSQL server that
//! `GRIDPATROL_TEST_POSTGRES` names (`tests/run` starts one). Deleted when dropped.
//!
//! Shared by the unit tests of the store and the integration tests.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// Every kind the product serves.
#[allow(dead_code)] // The integration tests name each kind.
pub const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

/// An empty database.
pub struct Database {
    /// Where it is.
    pub url: String,
    folder: Option<PathBuf>,
    name: String,
}

impl Database {
    /// Makes one.
    pub fn fresh(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::in_folder(new_name()),
            Kind::Postgres => Self::on_server(new_name(), ""),
        }
    }

    /// Makes one that holds what `template` holds; nobody may be using that one.
    #[allow(dead_code)] // Only the integration tests start from a template.
    pub fn copy_of(template: &Self) -> Self {
        let name = new_name();
        if template.folder.is_some() {
            let copy = Self::in_folder(name);
            std::fs::copy(template.path(), copy.path()).expect("a copy of the template");
            copy
        } else {
            let how = format!("TEMPLATE {} STRATEGY file_copy", template.name);
            Self::on_server(name, &how)
        }
    }

    fn in_folder(name: String) -> Self {
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir(&folder).expect("a folder for the database");
        Self {
            url: format!("sqlite://{}", folder.join("gridpatrol.db").display()),
            folder: Some(folder),
            name,
        }
    }

    fn on_server(name: String, how: &str) -> Self {
        let (mut server, url) = server();
        server
            .batch_execute(&format!("CREATE DATABASE {name} {how}"))
            .expect("a database on the test server");
        let (base, _) = url.rsplit_once('/').expect("the server's URL has a path");
        Self {
            url: format!("{base}/{name}"),
            folder: None,
            name,
        }
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> PathBuf {
        self.folder
            .as_ref()
            .expect("a SQLite database")
            .join("gridpatrol.db")
    }
}

fn new_name() -> String {
    format!("gridpatrol_{}", uuid::Uuid::new_v4().simple())
}

fn server() -> (PgConnection, String) {
    let url = std::env::var("GRIDPATROL_TEST_POSTGRES").expect(
        "GRIDPATROL_TEST_POSTGRES names a PostgreSQL server for tests; tests/run starts one",
    );
    let server = PgConnection::establish(&url).expect("the PostgreSQL test server");
    (server, url)
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.folder {
            Some(folder) => drop(std::fs::remove_dir_all(folder)),
            None => drop(
                server()
                    .0
                    .batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)),
            ),
        }
    }
}
