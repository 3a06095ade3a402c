//! The inbox of a secretary with ten thousand waiting reports: its first page and its counts over HTTP,
//! compared with the same queries alone, while the number of closed reports grows.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use gridpatrol_reports::inbox::queries::{self as inbox, Desks};
use gridpatrol_reports::photos::queries::of_reports;
use gridpatrol_reports::record::queries;
use gridpatrol_store::{Conn, Lane, Outcome, Store};
use uuid::Uuid;

use crate::client::{drive, request, sign_in};
use crate::figures::{Beside, Line, Table};
use crate::place::{Place, close};
use crate::reads::{UNDER_WAY, fill};
use crate::reports::{Stage, prepare, write};
use crate::server::Server;
use crate::town::{Officer, Seeded, seed};
use crate::{Fallible, Settings};

/// How many wait.
const WAITING: i64 = 10_000;
/// Reports in one commit while they are filed.
const TOGETHER: u64 = 500;

/// What is asked.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Page,
    Counts,
}

impl Ask {
    const ALL: [Self; 2] = [Self::Page, Self::Counts];

    const fn target(self) -> &'static str {
        match self {
            Self::Page => "/v1/inbox",
            Self::Counts => "/v1/inbox/counts",
        }
    }
}

/// Measures both at each size.
pub fn measure(settings: &Settings, place: Place, table: &mut Table) -> Fallible<()> {
    let store = place.store()?;
    let mut seeded = seed(&store)?;
    let all = std::mem::take(&mut seeded.leaders);
    let secretary = seeded.secretaries.swap_remove(0);
    let (village, elsewhere) = all
        .into_iter()
        .partition(|leader: &Officer| leader.grid.village_id() == Some(secretary.grid.id()));
    seeded.leaders = village;
    let waiting = pile(&store, &seeded, &secretary)?;
    table.fact("waiting for the secretary", waiting.to_string());
    // What ended, ended elsewhere as well as here.
    seeded.leaders.extend(elsewhere);
    close(store)?;

    let newest = Utc::now();
    let (mut filled, mut ids) = (UNDER_WAY, HashMap::new());
    let mut medians: HashMap<&'static str, Vec<Duration>> = HashMap::new();
    for size in &settings.sizes {
        let store = place.store()?;
        fill(&store, &seeded, newest, filled..UNDER_WAY + *size, &mut ids)?;
        filled = UNDER_WAY + *size;
        place.settle()?;
        let bare = Ask::ALL.map(|ask| (ask, bare(&store, &seeded, &secretary, ask, settings)));
        close(store)?;
        let server = Server::start(&place)?;
        let tokens = sign_in(server.address, &[secretary.username.as_str()])?;
        let token = tokens.into_iter().next().unwrap_or_default();
        for (ask, bare) in bare {
            let bare = bare?;
            for connections in &settings.connections {
                let measured = drive(&server, settings, *connections, 200, |_| {
                    let token = token.clone();
                    Box::new(move |into| request(into, "GET", ask.target(), &token, ""))
                })?;
                if *connections == 1 {
                    let medians = medians.entry(ask.target()).or_default();
                    medians.push(measured.median);
                }
                table.add(Line {
                    work: format!("{}, of {size} more", ask.target()),
                    connections: Some(*connections),
                    measured,
                    beside: Some(Beside {
                        what: "its queries alone",
                        per_second: bare,
                    }),
                });
            }
        }
    }
    for ask in Ask::ALL {
        let medians = medians.remove(ask.target()).unwrap_or_default();
        if let (Some(first), Some(last)) = (medians.first(), medians.last())
            && medians.len() > 1
        {
            table.fact(
                format!(
                    "{}: p50 at the largest size over the smallest",
                    ask.target()
                ),
                format!("{:.2}", last.as_secs_f64() / first.as_secs_f64()),
            );
        }
    }
    Ok(())
}

fn desks(seeded: &Seeded, secretary: &Officer) -> [Desks; 1] {
    [Desks::of(&secretary.actor, &seeded.town, &seeded.staffing)]
}

/// Lets reports pile up at the secretary's desks, in all stages of their way; how many wait.
fn pile(store: &Store, seeded: &Seeded, secretary: &Officer) -> Fallible<i64> {
    let newest = Utc::now();
    let mut number = 0;
    loop {
        let mut batch = Vec::new();
        for _ in 0..TOGETHER {
            let age = TimeDelta::seconds(20) * i32::try_from(number)?;
            batch.push(prepare(seeded, number, newest - age, Stage::UnderWay)?);
            number += 1;
        }
        store.write_blocking(Lane::Interactive, move |conn| {
            batch.iter().try_for_each(|prepared| write(conn, prepared))
        })?;
        let desks = desks(seeded, secretary);
        let waiting = store.read_blocking(|conn| Ok(inbox::counts(conn, &desks)?.total()))?;
        if waiting >= WAITING {
            return Ok(waiting);
        }
    }
}

/// How often in a second the storage alone answers, on one connection.
fn bare(
    store: &Store,
    seeded: &Seeded,
    secretary: &Officer,
    ask: Ask,
    settings: &Settings,
) -> Fallible<f64> {
    let desks = desks(seeded, secretary);
    let run = |time: Duration| -> Fallible<f64> {
        let begun = Instant::now();
        let mut done = 0_u32;
        while begun.elapsed() < time {
            store.read_blocking(|conn| query(conn, &desks, ask))?;
            done += 1;
        }
        Ok(f64::from(done) / begun.elapsed().as_secs_f64())
    };
    run(settings.warm_up)?;
    run(settings.seconds)
}

fn query(conn: &mut Conn, desks: &[Desks], ask: Ask) -> Outcome<()> {
    inbox::counts(conn, desks)?;
    match ask {
        Ask::Page => {
            let rows = inbox::page(conn, desks, None, None, 51)?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            queries::texts_of(conn, &ids)?;
            of_reports(conn, &ids)?;
        }
        Ask::Counts => {
            inbox::overdue(conn, desks)?;
        }
    }
    Ok(())
}
