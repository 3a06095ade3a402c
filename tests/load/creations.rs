//! Filing over HTTP, compared with writing the same rows directly to the storage.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use gridpatrol_store::{Lane, Store};
use uuid::Uuid;

use crate::client::{Requests, drive, request, sign_in};
use crate::figures::{Beside, Line, Measured, Table};
use crate::place::{Place, close};
use crate::reports::{Stage, body, prepare, write};
use crate::server::Server;
use crate::town::{Seeded, seed};
use crate::{Fallible, Settings};

/// Reports in one commit of the storage limit: as many as the server's writer takes at most.
const TOGETHER: usize = 64;
/// Different filings each officer sends, again and again under new ids.
const STORIES: u32 = 64;

/// What the storage limit is called in the table.
pub const LIMIT: &str = "storage, 64 a commit";
/// And the line of filing.
pub const FILING: &str = "file a report";

/// Measures both, each on a new database.
pub fn measure(
    settings: &Settings,
    place: &mut dyn FnMut() -> Fallible<Place>,
    table: &mut Table,
) -> Fallible<()> {
    let limit = {
        let place = place()?;
        let store = place.store()?;
        let seeded = seed(&store)?;
        for together in [1, TOGETHER] {
            let measured = storage(&store, &seeded, settings, together)?;
            table.add(Line {
                work: format!("storage alone, {together} a commit"),
                connections: None,
                measured,
                beside: None,
            });
        }
        close(store)?;
        table
            .lines()
            .last()
            .map_or(f64::NAN, |line| line.measured.per_second)
    };

    let place = place()?;
    let store = place.store()?;
    let seeded = seed(&store)?;
    close(store)?;
    let server = Server::start(&place)?;
    // Named for what it is: nothing was asked of it yet.
    std::thread::sleep(Duration::from_secs(1));
    table.fact("memory, idle", server.memory());
    let widest = settings.connections.iter().copied().max().unwrap_or(1);
    let filers = filers(server.address, &seeded, widest)?;
    for connections in &settings.connections {
        let measured = drive(&server, settings, *connections, 201, |number| {
            filing(&filers, number)
        })?;
        table.add(Line {
            work: FILING.to_owned(),
            connections: Some(*connections),
            measured,
            beside: Some(Beside {
                what: LIMIT,
                per_second: limit,
            }),
        });
    }
    table.fact("memory after filing", server.memory());
    Ok(())
}

/// Officers who are signed in, each with filings to send.
pub type Filers = Vec<(Rc<str>, Rc<[String]>)>;

/// Signs as many officers in, and prepares what they send.
pub fn filers(address: SocketAddr, seeded: &Seeded, most: usize) -> Fallible<Filers> {
    let usernames: Vec<&str> = seeded
        .leaders
        .iter()
        .map(|leader| leader.username.as_str())
        .take(most)
        .collect();
    let tokens = sign_in(address, &usernames)?;
    let observed_at = Utc::now() - TimeDelta::minutes(10);
    Ok(seeded
        .leaders
        .iter()
        .zip(&tokens)
        .map(|(leader, token)| {
            let bodies = (0..STORIES).map(|number| body(number.into(), leader, observed_at));
            (token.as_str().into(), bodies.collect())
        })
        .collect())
}

/// The filings of one connection: always the same officer's.
pub fn filing(filers: &[(Rc<str>, Rc<[String]>)], connection: usize) -> Requests {
    let mut filer = filers.iter().cycle().skip(connection);
    let (token, bodies) = filer.next().cloned().unwrap_or(("".into(), [].into()));
    let mut turn = connection;
    Box::new(move |into| {
        turn = (turn + 1) % bodies.len().max(1);
        let body = bodies.get(turn);
        let path = format!("/v1/reports/{}", Uuid::now_v7());
        request(into, "PUT", &path, &token, body.map_or("", String::as_str));
    })
}

/// Writes rows as fast as the storage takes them, `together` in a commit. What is written is
/// prepared while the clock stands still.
fn storage(
    store: &Store,
    seeded: &Seeded,
    settings: &Settings,
    together: usize,
) -> Fallible<Measured> {
    let mut number = 0;
    let mut run = |time: Duration| -> Fallible<(Vec<Duration>, Duration)> {
        let (mut took, mut busy) = (Vec::new(), Duration::ZERO);
        while busy < time {
            let mut batch = Vec::with_capacity(together);
            for _ in 0..together {
                batch.push(prepare(seeded, number, Utc::now(), Stage::Filed)?);
                number += 1;
            }
            let begun = Instant::now();
            store.write_blocking(Lane::Interactive, move |conn| {
                batch.iter().try_for_each(|prepared| write(conn, prepared))
            })?;
            let elapsed = begun.elapsed();
            busy += elapsed;
            took.extend(std::iter::repeat_n(elapsed, together));
        }
        Ok((took, busy))
    };
    run(settings.warm_up)?;
    let (took, busy) = run(settings.seconds)?;
    Ok(Measured::of(took, busy))
}
