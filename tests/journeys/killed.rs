//! The program is killed under load again and again: what it confirmed is stored once and complete.

use std::time::Duration;

use futures_util::future::{join, join_all};
use gridpatrol::app::{App, Clock};
use uuid::Uuid;

use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::program::Program;
use crate::support::towns::{self, PASSWORD};
use crate::support::world::{Folder, settings, template};
use crate::support::{Kind, audit, filing, pictures};

/// How often it is killed.
const KILLS: u64 = 8;
/// Phones that file at the same time.
const PHONES: usize = 12;

/// What a phone has to send, and what was acknowledged of it.
struct Sending {
    report: Uuid,
    photo: Uuid,
    picture: Vec<u8>,
    filed: bool,
    arrived: bool,
}

impl Sending {
    fn new() -> Self {
        Self {
            report: Uuid::now_v7(),
            photo: Uuid::now_v7(),
            picture: pictures::snapshot(),
            filed: false,
            arrived: false,
        }
    }

    /// Sends what was not acknowledged; lost answers and refusals are left for the next time.
    async fn send(&mut self, phone: &Client, grid: Uuid) {
        if !self.filed {
            let filing = filing(grid).photo(self.photo, "before");
            let request = phone.request(
                reqwest::Method::PUT,
                &format!("/v1/reports/{}", self.report),
            );
            self.filed = acknowledged(request.json(&filing.0)).await;
        }
        if !self.arrived {
            let request =
                phone.request(reqwest::Method::PUT, &format!("/v1/photos/{}", self.photo));
            let request = request
                .header("content-type", "image/jpeg")
                .body(self.picture.clone());
            self.arrived = acknowledged(request).await;
        }
    }
}

async fn acknowledged(request: reqwest::RequestBuilder) -> bool {
    match request.send().await {
        Ok(answer) => matches!(answer.status().as_u16(), 200 | 201),
        Err(_) => false,
    }
}

async fn sign_in(base: &str) -> Client {
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .expect("an HTTP client");
    Client::new(http, base.to_owned())
        .signed_in("group_1_1", PASSWORD)
        .await
}

async fn killed_again_and_again(kind: Kind) {
    let template = template(kind).await;
    let (database, folder) = (Database::copy_of(&template), Folder::new());
    let grid = grid(&database).await;
    let mut sent: Vec<Sending> = Vec::new();
    for round in 0..KILLS {
        let mut program = Program::start(&database, &folder);
        let phone = sign_in(&program.base).await;
        // Nothing of what was acknowledged is lost.
        for sending in &sent {
            is_there(&phone, sending).await;
        }
        let load = join_all((0..PHONES).map(|_| async {
            let mut sent = Vec::new();
            loop {
                let mut sending = Sending::new();
                sending.send(&phone, grid).await;
                let whole = sending.filed && sending.arrived;
                sent.push(sending);
                if !whole {
                    return sent;
                }
            }
        }));
        let end = async {
            tokio::time::sleep(Duration::from_millis(60 + round * 45)).await;
            program.kill();
        };
        let (loads, ()) = join(load, end).await;
        sent.extend(loads.into_iter().flatten());
    }

    // The phones send again what was not acknowledged; then everything is there, once.
    let program = Program::start(&database, &folder);
    let phone = sign_in(&program.base).await;
    for sending in &mut sent {
        sending.send(&phone, grid).await;
        assert!(sending.filed && sending.arrived);
        is_there(&phone, sending).await;
    }
    let listed = phone.all("/v1/reports?limit=200").await;
    assert_eq!(listed.len(), sent.len());
    assert!(listed.iter().all(|report| report["complete"] == true));
    drop(program);
    let app = App::open(settings(&database, &folder), Clock::system())
        .await
        .expect("the database");
    app.store.read(audit::whole).await.expect("an audit");
    app.store.close().await;
}

async fn is_there(phone: &Client, sending: &Sending) {
    if sending.filed {
        phone.report(sending.report).await;
    }
    if sending.arrived {
        let original = phone
            .get(&format!("/v1/photos/{}/original", sending.photo))
            .await;
        assert_eq!(original.status, 200, "{}", original.text());
        assert!(original.body == sending.picture, "the same bytes");
    }
}

/// The group whose leader files.
async fn grid(database: &Database) -> Uuid {
    let folder = Folder::new();
    let app = App::open(settings(database, &folder), Clock::system())
        .await
        .expect("the database");
    let (here, ..) = towns::read(&app).await;
    app.store.close().await;
    here.group(1, 1)
}

fn run(kind: Kind) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(killed_again_and_again(kind));
}

#[test]
fn what_was_acknowledged_outlives_the_program_on_sqlite() {
    run(Kind::Sqlite);
}

#[test]
fn what_was_acknowledged_outlives_the_program_on_postgres() {
    run(Kind::Postgres);
}
